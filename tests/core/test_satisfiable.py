"""What is said to match nothing matches nothing, and what is said to match everything does."""

from random import Random
from typing import Any

import pytest
from support_random_cases import random_case
from support_values import DAY, pattern

from syncd.core.match import Matcher
from syncd.core.model import AllOf, AnyOf, Condition, FieldName, Has, NoneOf, Of, Rule, Rulebook, Strategy, ToExempt
from syncd.core.satisfiable import certain, impossible, same


def has(field: FieldName, *texts: str) -> Has:
    return Has(field, tuple(pattern(text) for text in texts))


SRE, DOCS = has("label", "sre"), has("label", "docs")

IMPOSSIBLE: list[Condition] = [
    AllOf((SRE, NoneOf((SRE,)))),
    AllOf((SRE, NoneOf((has("label", "SRE,", "x"),)))),
    AllOf((has("label", "incident-1"), NoneOf((has("label", "incident-*"),)))),
    AllOf((has("label", "incident-1*"), NoneOf((has("label", "in*t-*"),)))),
    AllOf((has("title", "re:a"), NoneOf((DOCS, has("title", "re:a"))))),
    AllOf((AllOf((SRE,)), AllOf((DOCS, NoneOf((SRE,)))))),
    AllOf((has("type", "Bug"), has("type", "Story"))),
    AllOf((has("type", "Bug", "Task"), has("type", "Story"), SRE)),
    AllOf((has("status_category", "todo", "done"), has("status_category", "in_progress"))),
    AllOf((has("status_category", "todo"), NoneOf((has("status_category", "todo", "done"),)))),
    NoneOf((has("status_category", "todo", "done", "in_progress"),)),
    NoneOf((has("title", "*"),)),
    NoneOf((AnyOf((has("key", "**"), SRE)),)),
    Of("epic", AllOf((SRE, NoneOf((SRE,))))),
    AllOf((Of("epic", SRE), NoneOf((Of("epic", has("label", "sre", "x")),)))),
    AnyOf((AllOf((SRE, NoneOf((SRE,)))), AllOf((DOCS, NoneOf((DOCS,)))))),
    AllOf((AnyOf((SRE, DOCS)), NoneOf((SRE, DOCS)))),
    AllOf((AllOf((SRE, DOCS)), NoneOf((AllOf((DOCS, SRE)),)))),
]
POSSIBLE: list[Condition] = [
    AllOf((SRE, NoneOf((DOCS,)))),
    AllOf((SRE, DOCS)),
    AllOf((has("component", "a"), has("component", "b"))),
    AllOf((has("project", "PAY"), has("project", "Payments"))),
    AllOf((has("label", "incident-*"), NoneOf((has("label", "incident-1"),)))),
    AllOf((has("type", "Bug*"), has("type", "Bug"))),
    AllOf((SRE, NoneOf((Of("epic", SRE),)))),
    AllOf((Of("epic", SRE), NoneOf((Of("parent", SRE),)))),
    AllOf((Of("ancestor", SRE), Of("ancestor", DOCS))),
    AnyOf((SRE, NoneOf((SRE,)))),
    NoneOf((has("label", "*"),)),
    NoneOf((has("priority", "*"),)),
]


@pytest.mark.parametrize("condition", IMPOSSIBLE)
def test_a_contradiction_is_seen(condition: Condition) -> None:
    assert impossible(condition, exact=False)


@pytest.mark.parametrize("condition", POSSIBLE)
def test_what_may_hold_is_not_called_a_contradiction(condition: Condition) -> None:
    assert impossible(condition, exact=False) is None


def test_without_folding_only_equal_spelling_is_equal() -> None:
    torn = AllOf((SRE, NoneOf((has("label", "SRE"),))))
    assert impossible(torn, exact=False)
    assert impossible(torn, exact=True) is None
    assert impossible(AllOf((SRE, NoneOf((SRE,)))), exact=True)


def test_what_holds_for_every_issue_is_seen() -> None:
    assert certain(has("title", "*"), exact=False)
    assert certain(has("status_category", "todo", "in_progress", "done"), exact=False)
    assert certain(NoneOf((AllOf((SRE, NoneOf((SRE,)))),)), exact=False)
    assert certain(AnyOf((SRE, has("project", "*"))), exact=False)
    assert not certain(has("label", "*"), exact=False)
    assert not certain(has("status_category", "todo", "done"), exact=False)
    assert not certain(AllOf((SRE, has("title", "*"))), exact=False)


def test_conditions_are_the_same_whatever_their_order_repetition_and_spelling() -> None:
    one = AllOf((has("label", "sre", "docs"), NoneOf((has("type", "Bug"),))))
    other = AllOf((NoneOf((has("type", "bug "),)), AllOf((has("label", "Docs,", "SRE", "sre"),))))
    assert same(one, exact=False) == same(other, exact=False)
    assert same(one, exact=True) != same(other, exact=True)
    assert same(AnyOf((SRE,)), exact=False) == same(SRE, exact=False)
    assert same(has("label", "a*"), exact=False) != same(has("label", "re:a*"), exact=False)
    assert same(AllOf((SRE, DOCS)), exact=False) != same(AnyOf((SRE, DOCS)), exact=False)


def test_a_huge_condition_is_given_up_and_not_compared_for_minutes() -> None:
    wanted, excluded = (has("label", *(f"{x}{n}*" for n in range(2000))) for x in "ab")
    assert impossible(AllOf((wanted, NoneOf((excluded,)))), exact=False) is None


def _all_known(case: Any) -> bool:
    """Nothing above is unreadable, and every field was asked for: what is unknown neither holds nor does not."""
    issues = (case.issue, *(above for step in case.lineage.steps for above in step))
    asked = all({"sprint", "field.squad"} <= issue.asked for issue in issues)
    return asked and case.lineage.missing is None and not case.lineage.gap


def test_the_matcher_agrees_on_drawn_conditions_and_issues() -> None:
    random = Random(20261122)  # noqa: S311 - drawn cases, not secrets
    spoken = {True: 0, False: 0}
    for _ in range(1500):
        case = random_case(random)
        one = next(iter(case.rulebook.rules)).when
        torn: Condition = AllOf(
            (one, random.choice(case.rulebook.rules).when, NoneOf((random.choice(case.rulebook.rules).when,)))
        )
        for condition in (one, torn, NoneOf((torn,))):
            rule = Rule(id="r", target=ToExempt("x"), when=condition)
            matched = bool(
                Matcher(Rulebook(version="", strategy=Strategy(intent=""), rules=(rule,)), DAY).matches(
                    case.issue, case.lineage
                )
            )
            if impossible(condition, exact=False):
                spoken[False] += 1
                assert not matched, condition
            if certain(condition, exact=False) and _all_known(case):
                spoken[True] += 1
                assert matched, condition
    assert min(spoken.values()) > 50, "the drawn conditions say something about both"
