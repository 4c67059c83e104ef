"""CEL in conditions: what it sees, what it is refused for, and that nothing in it can stall or break anything."""

import threading
import time
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from support_values import epic, issue, lineage, rule, rulebook

from syncd.core.cel import Expression
from syncd.core.cel_words import LIST_CUT, TEXT_CUT, CelError
from syncd.core.fold import field_key
from syncd.core.match import Matcher
from syncd.core.model import AllOf, Category, Cel, Form, Has, Issue, Lineage, NoneOf, Of, Pattern

DAY = date(2026, 11, 16)


def with_fields(one: Issue, **fields: tuple[str, ...]) -> dict[str, Any]:
    """Changes that give an issue custom fields."""
    extra = {field_key(f"field.{name}"): values for name, values in fields.items()}
    return {"extra": tuple(sorted(extra.items())), "asked": one.asked | set(extra)}


BUG = issue(
    "PAY-7",
    "sre",
    "Incident-3",
    type="Bug",
    title='Failover "now"\n\\d é 😀',
    components=("api", "docs"),
    fix_versions=("1.0",),
    sprints=("Sprint 8",),
    extra=(("field.points", ("8",)), ("field.squad", ("Core", "Edge"))),
    asked=frozenset({"sprint", "field.points", "field.squad", "field.none"}),
)

TRUE = [
    "true",
    "issue.title.contains('Failover')",
    "issue.title == 'Failover \"now\"\\n\\\\d é 😀'",
    "issue.title.startsWith('Fail') && issue.title.endsWith('😀')",
    "issue.type == 'Bug' && issue.type != 'bug'",
    "fold(issue.type) == 'bug'",
    "issue.status == 'In Progress' && issue.status_category == 'in_progress'",
    "issue.priority == 'High' && issue.project == 'PAY' && issue.tracker == 'acme-jira' && issue.key == 'PAY-7'",
    "'sre' in issue.label && !('SRE' in issue.label)",
    "issue.label.exists(l, fold(l).startsWith('incident-'))",
    "issue.label.all(l, size(l) > 2)",
    "issue.label.exists_one(l, l == 'sre')",
    "issue.component.filter(c, c != 'docs').size() == 1",
    "issue.component.exists(c, c in ['docs', 'web'])",
    "'1.0' in issue.fix_version",
    "issue.sprint.exists(s, s.startsWith('Sprint'))",
    "issue.field['Squad'].exists(s, s == 'Core')",
    "issue.field.squad.exists(s, s == 'Core')",
    "'Edge' in issue.field[\"SQUAD\"]",
    "size(issue.field['None']) == 0",
    "issue.field['Points'].exists(p, double(p) >= 8)",
    "issue.field['Points'].all(p, double(p) * 2 - 1 == 15.0)",
    "size(issue.label) + size(issue.component) == 4",
    "-size(issue.label) < 0 && 7 / 2 > 3",
    "re(issue.title, r'(?i)\\bfailover\\b')",
    "re(issue.title, '\\\\\\\\d')",
    "issue.label.exists(l, re(l, r'^Incident-\\d+$'))",
    "issue.type == 'Bug' ? 'sre' in issue.label : false",
    "issue.key + '!' == 'PAY-7!'",
    "'a' < 'b' && !('b' <= 'a')",
    "issue.label.exists(l, issue.component.exists(c, c != l))",
]  # fmt: skip


@pytest.mark.parametrize("source", TRUE)
def test_an_expression_sees_what_the_keys_see(source: str) -> None:
    expression = Expression(source)
    assert expression.holds(BUG) is True, expression.fault
    assert Expression(f"!({source})").holds(BUG) is False


def test_of_linear_it_sees_the_team_by_key_and_name_and_the_project_by_name() -> None:
    linear = replace(BUG, team=("ENG", "Engineering"), project="ENG", project_name="Payments core")
    assert Expression("'ENG' in issue.team && 'Engineering' in issue.team").holds(linear) is True
    assert Expression("issue.project == 'Payments core'").holds(linear) is True


def test_a_field_without_a_value_is_an_empty_text_or_list() -> None:
    bare = issue(priority=None)
    assert Expression("issue.priority == '' && size(issue.component) == 0").holds(bare) is True


def test_ancestors_are_seen_by_conditions_on_them() -> None:
    when = Of("epic", Cel("issue.title == 'Platform'"))
    matcher = Matcher(rulebook(rule("r", "growth", when)), DAY)
    assert matcher.matches(issue(), lineage(epic()))
    assert not matcher.matches(issue(title="Platform"), Lineage())


REFUSED = [
    ("", "a value is wanted", ""),
    ("issue.title", "the expression is a text", "compare it"),
    ("issue.label", "the expression is a list of texts", "in"),
    ("size(issue.label)", "the expression is a number", "compare"),
    ("issue.lable == 'x'", "`issue.lable` is not a field", "`issue.label`?"),
    ("issue.labels == 'x'", "`issue.labels` is not a field", "`issue.label`?"),
    ("issue == 'x'", "`issue` alone", "name a field"),
    ("issue['title'] == 'x'", "`issue` alone", "name a field"),
    ("issue.field == 'x'", "`issue.field` alone", "Story Points"),
    ("issue.field[issue.title] == 'x'", "stands in quotes", "Story Points"),
    ("issue.field[' '].exists(v, true)", "is empty", "Story Points"),
    ("issue.title.size == 3", "a text has no part `size`", "fields"),
    ("label == 'x'", "`label` is not known", "`issue.label`?"),
    ("sre == 'x'", "`sre` is not known", "in quotes"),
    ("issue.type == Bug", "`Bug` is not known", "in quotes"),
    ("issue.label == 'x'", "is compared with", "in issue.label"),
    ("issue.label == issue.component", "is compared with", "exists"),
    ("issue.type in 'Bug'", "must be a list", "lists are"),
    ("issue.label in issue.label", "must be a text", "exists"),
    ("size(issue.label) == '3'", "a number is compared with a text", "double("),
    ("issue.field['P'].exists(p, p > 3)", "a text is compared with a number", "double("),
    ("issue.title && true", "what stands before &&", "compare"),
    ("true && issue.title", "what stands after &&", "compare"),
    ("!issue.title", "what stands after !", "compare"),
    ("-issue.title == 3", "what stands after -", "double("),
    ("issue.title - 'x' == 'y'", "what stands before -", "double("),
    ("true < false", "no order", "&&"),
    ("true ? 'a' : 3", "one side of :", "alike"),
    ("issue.title ? true : false", "what stands before ?", "compare"),
    ("issue.title.matches('x')", "`matches()`", "re(text, 'pattern')"),
    ("matches(issue.title, 'x')", "`matches()`", "re(text, 'pattern')"),
    ("issue.label.map(l, l)", "`map()`", ".filter"),
    ("has(issue.field.P)", "`has()`", "size("),
    ("duration('1h') == duration('60m')", "`duration()`", "there are"),
    ("timestamp('2026-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:00Z')", "`timestamp()`", "there are"),
    ("issue.title.split(' ').size() > 2", "`split()`", "there are"),
    ("issue.title.exists(t, true)", "what stands before .exists()", "lists are"),
    ("issue.label.exists('l', true)", "a name is wanted", ""),
    ("issue.label.exists(l)", "`,` is wanted", "brackets"),
    ("issue.label.exists(issue, true)", "`issue` is taken", "another name"),
    ("issue.label.all(a, issue.label.all(a, true))", "`a` is taken", "another name"),
    ("issue.label.all(a, issue.label.all(b, issue.label.all(c, true)))", "a macro within a macro", "two conditions"),
    ("issue.label.all(a, issue.label.filter(b, true).exists(c, re(c, 'x')))", "could take", "take a macro"),
    ("issue.label[0] == 'x'", "not taken out of a list", "exists"),
    ("{'a': 1}.a == 1", "cannot be read", ""),
    ("b'x' == b'x'", "`b` is not known", ""),
    ("issue.title == null", "`null` is not known", "''"),
    ("issue.type == 'Bug' and true", "cannot be read from `and`", "&&"),
    ("issue.type = 'Bug'", "cannot be read", "write =="),
    ("issue.title == 'a\\d'", "`\\d` is not an escape", "r'"),
    ("issue.title == 'open", "cannot be read", ""),
    ("(true", "`)` is wanted", "brackets"),
    ("true)", "cannot be read", ""),
    ("re(issue.title)", "takes 2 arguments", ""),
    ("re(issue.title, issue.type)", "is written out", ""),
    ("re(issue.label, 'x')", "the first argument of re()", "in issue.label"),
    ("re(issue.title, '(a')", "RE2 refuses", "google/re2"),
    ("re(issue.title, r'a(?=b)')", "RE2 refuses", "google/re2"),
    ("re(issue.title, r'pay.{0,400}fail')", "could take", "in place of a repetition"),
    ("fold('a', 'b') == 'x'", "takes 1 arguments", ""),
    ("('a' + 3) == 'a3'", "what stands before +", ""),
    ("[1, 2].exists(x, true)", "what stands in a list", "in quotes"),
    ("(" * 40 + "true" + ")" * 40, "brackets within brackets", "several conditions"),
    ("!" * 40 + "true", "signs before one another", ""),
    ("issue.title == '" + "a" * 1000 + "'", "longer than 1000", "several"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "says", "hint"), REFUSED)
def test_what_rules_may_not_hold_is_refused_with_what_to_write(source: str, says: str, hint: str) -> None:
    with pytest.raises(CelError) as refused:
        Expression(source)
    assert says in refused.value.message
    assert hint in refused.value.hint


def test_the_library_sees_only_what_was_checked() -> None:
    """A name that means something to CEL, and nothing to us, never reaches it."""
    for name in ("int", "type", "dyn", "optional.of", "issue.title.charAt", "math.greatest", "@result"):
        with pytest.raises(CelError):
            Expression(f"{name}(issue.title) == 'x'")


# --- unknown ----------------------------------------------------------------------------------------------


def test_what_was_not_asked_for_is_unknown_and_so_is_its_negation() -> None:
    one = issue()
    for source in ("'Core' in issue.field['Squad']", "!('Core' in issue.field['Squad'])", "size(issue.sprint) == 0"):
        expression = Expression(source)
        assert expression.holds(one) is None
        assert expression.fault is None, "that is no fault"


def test_what_fails_is_unknown_with_a_reason_and_its_rule_and_its_negation_do_not_match() -> None:
    cel = Cel("issue.field['Points'].exists(p, double(p) > 3)")
    book = rulebook(rule("r", "growth", cel), rule("n", "trust", NoneOf((cel,))))
    matcher = Matcher(book, DAY)
    many = issue(**with_fields(issue(), Points=("many",)))
    assert matcher.matches(many, Lineage()) == ()
    assert set(matcher.faults) == {"r", "n"}
    key, why = matcher.faults["r"]
    assert key == many.key
    assert why
    some = issue("PAY-2", **with_fields(issue(), Points=("5",)))
    assert [m.rule.id for m in matcher.matches(some, Lineage())] == ["r"]


def test_a_sure_side_decides_what_a_failing_side_cannot() -> None:
    points = issue(**with_fields(issue(), Points=("many",)))
    assert Expression("issue.type == 'Story' || issue.field['Points'].exists(p, double(p) > 3)").holds(points) is True


# --- evidence ---------------------------------------------------------------------------------------------


def test_evidence_shows_the_expression_and_the_values_it_looked_at() -> None:
    expression = Expression(
        "size(issue.label) > 1 && issue.field['Squad'].exists(s, s == 'Core') && issue.priority == 'High'"
    )
    (text,) = expression.texts(BUG)
    assert text.startswith('cel "size(issue.label) > 1 && ')
    assert 'label is "sre", "Incident-3"; field.Squad is "Core", "Edge"; priority is "High"' in text


def test_evidence_is_short_however_long_the_values_are() -> None:
    long = issue("PAY-1", *(f"label-{n}" * 40 for n in range(300)))
    (text,) = Expression("size(issue.label) > 1").texts(long)
    assert len(text) < 1000
    assert "and 295 more" in text


# --- bounds -----------------------------------------------------------------------------------------------


def test_lists_and_texts_are_cut_at_their_bounds() -> None:
    long = issue("PAY-1", *(f"l{n}" for n in range(500)), title="x" * 20_000)
    assert Expression(f"size(issue.label) == {LIST_CUT}").holds(long) is True
    assert Expression(f"size(issue.title) == {TEXT_CUT}").holds(long) is True
    fat = issue("PAY-1", *("y" * 5_000 for _ in range(9)))
    assert Expression("size(issue.label) == 2").holds(fat) is True, "all texts of a list together are bounded, too"


def test_other_threads_go_on_while_the_worst_expression_runs() -> None:
    """Ten times the bound, for the sake of slow machines: without bounds it is seconds (facts/stack.md §2)."""
    expression = Expression("issue.label.all(a, issue.label.all(b, b != 'x'))")
    full = issue("PAY-1", *(f"label-{n:043}" for n in range(200)))
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.001):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        for _ in range(5):
            assert expression.holds(full) is True
    finally:
        stop.set()
        thread.join()
    gaps = [after - before for before, after in pairwise(ticks)]
    assert max(gaps, default=0.0) < 0.5


def test_hostile_values_break_nothing() -> None:
    for text in ("", "\u202e\ufffd", "'; true || '", '"\\', "${x}", "\x7f", "é" * 9000, "😀" * 9000):
        one = issue("PAY-1", text, title=text)
        assert Expression("issue.title in issue.label").holds(one) is True
        assert Expression("re(issue.title, r'^[^a]*$')").holds(one) in (True, False)


# --- in rules ---------------------------------------------------------------------------------------------


def test_other_conditions_beside_it_are_asked_first() -> None:
    label = Has("label", (Pattern(Form.TEXT, "sre"),))
    cel = Cel("issue.field['Points'].exists(p, double(p) > 3)")
    matcher = Matcher(rulebook(rule("r", "growth", AllOf((cel, label)))), DAY)
    many = issue("PAY-1", "other", **with_fields(issue(), Points=("many",)))
    assert matcher.matches(many, Lineage()) == ()
    assert matcher.faults == {}, "the label already said no"


def test_exact_and_folding_do_not_touch_it() -> None:
    cel = Cel("'SRE' in issue.label")
    for exact in (False, True):
        matcher = Matcher(rulebook(rule("r", "growth", cel, exact=exact)), DAY)
        assert matcher.matches(issue("PAY-1", "SRE"), Lineage())
        assert not matcher.matches(issue("PAY-1", "sre"), Lineage())


def test_status_categories_are_told_by_their_word() -> None:
    assert Expression("issue.status_category == 'done'").holds(issue(category=Category.DONE)) is True
