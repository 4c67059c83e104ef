"""Fields beyond the common ones: seen when asked for, unknown when not, and what rules make us ask for."""

from typing import Any

import pytest
from support_values import all_of, any_of, epic, holds, issue, label, lineage, none_of, of, pattern, rule, rulebook

from syncd.core.asking import asked_fields, expressions, named_fields
from syncd.core.fold import field_key
from syncd.core.match import Matcher
from syncd.core.model import Cel, Condition, Has, Issue, Lineage


def on(field: str, *texts: str) -> Has:
    return Has(field, tuple(pattern(text) for text in texts))


def told(*labels: str, **changes: Any) -> Issue:
    """An issue of which everything was asked for."""
    extra = (("field.squad", ("Core", "Edge Berlin")), ("field.text", ("A long text about failover.",)))
    asked = frozenset({"sprint", "field.squad", "field.text", "field.empty"})
    values = {"sprints": ("Payments 7", "Payments 8"), "team": ("ENG", "Engineering"), "extra": extra, "asked": asked}
    return issue("PAY-1", *labels, **(values | changes))


def truth(when: Condition, one: Issue, above: Lineage | None = None) -> bool | None:
    matcher = Matcher(rulebook(rule("r", "growth", when)), one.created.date())
    return matcher.truth(0, matcher.sight(one, above or Lineage()))[0]


@pytest.mark.parametrize(
    "when",
    [
        on("sprint", "payments 7"),
        on("sprint", "Payments *"),
        on("team", "eng"),
        on("team", "Engineering"),
        on("field.Squad", "core"),
        on("field.squad", "EDGE BERLIN"),
        on("field. SQUAD ", "other", "edge*"),
        on("field.Squad", r"re:^Edge"),
        on("field.Text", "re:(?i)\\bFAILOVER\\b"),
        none_of(on("field.Squad", "Platform")),
        none_of(on("field.Empty", "*")),
    ],
)
def test_a_field_that_was_asked_for_is_seen_folded_with_all_its_values(when: Condition) -> None:
    assert truth(when, told()) is True


def test_exact_compares_values_as_they_are() -> None:
    assert not holds(on("field.squad", "core"), told(), exact=True)
    assert holds(on("field.squad", "Core"), told(), exact=True)


@pytest.mark.parametrize("field", ["sprint", "field.Squad", "field.Anything"])
def test_a_field_that_was_not_asked_for_is_unknown_never_empty(field: str) -> None:
    one = issue()
    assert truth(on(field, "*"), one) is None
    assert truth(none_of(on(field, "*")), one) is None
    assert truth(all_of(label("sre"), on(field, "*")), issue("PAY-1", "sre")) is None
    assert truth(all_of(label("sre"), on(field, "*")), one) is False, "the label says no for certain"
    assert truth(any_of(label("sre"), on(field, "*")), issue("PAY-1", "sre")) is True, "the label says yes for certain"
    assert truth(of("epic", on(field, "*")), one, lineage(epic())) is None
    assert truth(of("epic", on(field, "*")), one) is False, "there is no epic"


def test_what_is_unknown_matches_no_rule() -> None:
    rules = [rule("is", "growth", on("field.Squad", "Core")), rule("not", "trust", none_of(on("field.Squad", "Core")))]
    matcher = Matcher(rulebook(*rules), issue().created.date())
    assert matcher.matches(issue(), Lineage()) == ()
    assert [m.rule.id for m in matcher.matches(told(), Lineage())] == ["is"]
    empty = issue(asked=frozenset({"field.squad"}))
    assert [m.rule.id for m in matcher.matches(empty, Lineage())] == ["not"], "asked for, and empty"


def test_a_team_is_always_known_and_jira_has_none() -> None:
    assert truth(on("team", "*"), issue()) is False
    assert truth(none_of(on("team", "*")), issue()) is True


def test_evidence_names_the_field_as_the_rule_does_and_the_value_as_the_tracker_does() -> None:
    matcher = Matcher(rulebook(rule("r", "growth", on("field.SQUAD", "edge*"))), issue().created.date())
    (found,) = matcher.matches(told(), Lineage())
    assert found.evidence.texts == ('field.SQUAD "Edge Berlin" matches "edge*"',)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("sprint", "sprint"),
        ("field.Squad", "field.squad"),
        ("field.Story  Points ", "field.story points"),
        ("field.a.b", "field.a.b"),
        ("field.Straße", "field.strasse"),
        ("field.customfield_10042", "field.customfield_10042"),
    ],
)
def test_a_field_has_one_key_however_its_name_is_written(name: str, key: str) -> None:
    assert field_key(name) == key
    assert field_key(key) == key


def test_what_rules_name_anywhere_in_them_is_asked_for_once() -> None:
    deep = any_of(of("epic", on("field.Squad", "a")), none_of(all_of(label("x"), on("sprint", "b"))))
    cel = Cel("issue.field['Story Points'].exists(p, p == '8') || issue.field.squad.exists(s, s == issue.title)")
    book = rulebook(rule("a", "growth", deep), rule("b", "trust", cel), rule("c", "trust", on("team", "x")))
    asked = asked_fields(book, "acme-jira")
    assert {field_key(name) for name in asked} == {"field.squad", "field.story points", "sprint"}
    assert len(asked) == 3
    assert named_fields(book.rules[0]) == {"field.Squad", "sprint"}
    assert expressions(book.rules[1]) == (cel.expression,)
    assert asked_fields(rulebook(rule("a", "growth", label("sre"))), "acme-jira") == ()


def test_what_stands_beside_another_tracker_is_not_asked_of_this_one() -> None:
    there = all_of(on("tracker", "other-*"), on("field.Squad", "Core"))
    book = rulebook(rule("a", "growth", there))
    assert asked_fields(book, "acme-jira") == ()
    assert asked_fields(book, "other-jira") == ("field.Squad",)
    either = any_of(on("tracker", "other-*"), on("field.Squad", "Core"))
    assert asked_fields(rulebook(rule("a", "growth", either)), "acme-jira") == ("field.Squad",)
