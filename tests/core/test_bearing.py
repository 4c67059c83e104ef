"""What a condition cannot hold without: the promise by which a store may leave all other issues unread."""

from random import Random

import pytest
from support_random_cases import random_case
from support_values import DAY, all_of, any_of, has, holds, issue, label, none_of, of, rule, rulebook

from syncd.core.bearing import INDEXED, Bears, indexed, needed
from syncd.core.edit import difference, turning_days
from syncd.core.match import Matcher
from syncd.core.model import Condition, Issue, Window


def borne(one: Issue) -> frozenset[tuple[str, str]]:
    return indexed({name: getattr(one, name) for name in INDEXED.values()})


def bears(one: Issue, some: frozenset[Bears]) -> bool:
    return any(
        field == b.field and (value.startswith(b.text) if b.prefix else value == b.text)
        for field, value in borne(one)
        for b in some
    )


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        (label("SRE,", "Ops"), {Bears("label", "sre"), Bears("label", "ops")}),
        (label("Incident-*"), {Bears("label", "incident-", prefix=True)}),
        (of("epic", has("component", "API")), {Bears("component", "api")}),
        (all_of(has("type", "Bug"), label("a", "b"), label("c")), {Bears("label", "c")}),
        (any_of(label("a"), label("b")), {Bears("label", "a"), Bears("label", "b")}),
        (all_of(none_of(label("a")), label("b")), {Bears("label", "b")}),
        (label("re:sre"), None),
        (label("*sre"), None),
        (label("a", "*"), None),
        (has("type", "Bug"), None),
        (none_of(label("a")), None),
        (any_of(label("a"), has("title", "b")), None),
    ],
)
def test_a_condition_says_by_which_values_it_is_found(when: Condition, wanted: set[Bears] | None) -> None:
    assert needed(when, exact=False) == wanted


def test_the_beginning_of_an_exact_text_is_not_one_of_its_folded_form() -> None:
    accented = issue("PAY-1", "cafe\u0301s")  # folded to é, which does not begin like e
    when = label("cafe*")
    assert holds(when, accented, exact=True)
    assert needed(when, exact=True) is None


def test_whatever_a_rule_matches_bears_what_the_rule_needs_or_hangs_below_it() -> None:
    random, asked = Random(7), 0  # noqa: S311 - cases to try, not secrets
    for _ in range(3000):
        case = random_case(random)
        matcher = Matcher(case.rulebook, case.day)
        chain = [(case.issue, case.lineage)]
        chain += [(one, case.lineage.above(n)) for n, step in enumerate(case.lineage.steps) for one in step]
        for one, above in chain:
            for match in matcher.matches(one, above):
                wanted = needed(match.rule.when, exact=match.rule.exact)
                if wanted is not None:
                    asked += 1
                    assert any(bears(each, wanted) for each in (one, *(a for step in above.steps for a in step)))
    assert asked > 300


def test_the_days_on_which_rules_turn_show_every_set_of_rules_in_effect() -> None:
    random = Random(3)  # noqa: S311 - as above
    for _ in range(300):
        book = random_case(random).rulebook
        shown = {tuple(r.id for r in book.in_effect(day)) for day in turning_days(book)}
        near = [DAY.replace(day=day) for day in range(1, 29)]
        assert {tuple(r.id for r in book.in_effect(day)) for day in near} <= shown


def test_what_only_people_read_is_no_difference() -> None:
    one = rule("r", "growth", label("a"))
    old, new = (
        Matcher(rulebook(r), DAY) for r in (one, rule("r", "growth", label("a"), owner="li", window=Window(DAY)))
    )
    edit = difference(old, new)
    assert (edit.rules, edit.strategy, edit.outcomes) == ((), False, frozenset())
    assert edit.bearers() == frozenset()
