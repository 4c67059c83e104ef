"""Whether an issue comes out alike under two rulebooks is told without deciding it, and no difference is missed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from support_edits import random_edit
from support_random_cases import random_case
from support_values import NOW

from syncd.core.decide import Decider
from syncd.core.edit import Comparison
from syncd.core.match import Matcher
from syncd.core.model import Cel, Issue, Lineage, Rule, Rulebook, ToExempt

FAILING = Rule(id="failing", when=Cel("issue.title == 'nobody is called this'"), target=ToExempt("never"))
"""Where a rule may fail on an issue, each rulebook is asked for itself."""


def edits(count: int) -> Iterator[tuple[Issue, Lineage, Rulebook, Rulebook]]:
    """An issue with what is above it, and the rules before and after an edit."""
    random = Random(7)  # noqa: S311 - cases to try, not secrets
    for _ in range(count):
        case = random_case(random)
        yield case.issue, case.lineage, case.rulebook, random_edit(random, case.rulebook, "v2")


def differs(old: Rulebook, new: Rulebook, issue: Issue, lineage: Lineage) -> bool:
    day = NOW.date()
    comparison = Comparison(Matcher(old, day), Matcher(new, day), NOW)
    first = comparison.differs(issue, lineage)
    assert comparison.differs(issue, lineage) is first, "what is remembered says otherwise"
    return first


def test_an_issue_that_is_decided_otherwise_is_told_to_differ() -> None:
    seen: Counter[str] = Counter()
    for issue, lineage, old, new in edits(200):
        before, after = (Decider(Matcher(book, NOW.date()), NOW).decide(issue, lineage, {}) for book in (old, new))
        told = differs(old, new, issue, lineage)
        assert told or before == after
        seen["otherwise" if before != after else "alike"] += 1
        seen["told alike"] += not told
    assert seen["otherwise"] >= 20
    assert seen["told alike"] >= seen["alike"] * 0.8, "what only looks different is decided for nothing"


def test_asking_both_rulebooks_together_tells_what_asking_each_for_itself_tells() -> None:
    for issue, lineage, old, new in edits(100):
        failing_old, failing_new = (replace(book, rules=(*book.rules, FAILING)) for book in (old, new))
        assert differs(old, new, issue, lineage) == differs(failing_old, failing_new, issue, lineage)
