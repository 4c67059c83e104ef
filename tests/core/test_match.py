"""Which conditions hold on which issue, and what is said about it (DESIGN §4, the fine print on `when:`)."""

from datetime import date

import pytest
from support_values import (
    all_of,
    any_of,
    between,
    epic,
    has,
    holds,
    initiative,
    issue,
    label,
    lineage,
    matched,
    none_of,
    of,
    rule,
    rulebook,
)

from syncd.core.atoms import FieldIndex
from syncd.core.match import Matcher
from syncd.core.model import Category, Condition, FieldName, Issue, Lineage
from syncd.core.patterns import PatternError, compile_pattern

# --- fields -----------------------------------------------------------------------------------------------

SEEN: list[tuple[FieldName, str, Issue]] = [
    ("label", "sre", issue("PAY-1", "other", "SRE")),
    ("title", "retry failed payouts", issue()),
    ("type", "story", issue()),
    ("status", "in progress", issue()),
    ("status_category", "in_progress", issue()),
    ("priority", "high", issue()),
    ("project", "pay", issue()),
    ("project", "pay project", issue()),
    ("component", "docs", issue(components=("api", "Docs"))),
    ("fix_version", "v1.2", issue(fix_versions=("v1.1", "V1.2"))),
    ("tracker", "acme-jira", issue()),
    ("key", "pay-1", issue()),
]


@pytest.mark.parametrize(("field", "text", "one"), SEEN)
def test_each_key_sees_its_field_and_any_of_its_values(field: FieldName, text: str, one: Issue) -> None:
    assert holds(has(field, text), one)
    assert holds(has(field, "something else", text), one)
    assert not holds(has(field, f"{text}x"), one)


@pytest.mark.parametrize("field", ["label", "component", "fix_version", "priority"])
def test_an_issue_without_a_value_matches_no_condition_on_it(field: FieldName) -> None:
    assert not holds(has(field, "*", "re:.*"), issue(priority=None))


def test_done_by_any_name_is_done() -> None:
    assert holds(has("status_category", "done"), issue(status="Won't do", category=Category.DONE))


def test_no_mark_whoever_put_it_reaches_a_rule() -> None:
    assert not holds(label("*", "outcome/growth"), issue(marks=("outcome/growth", "alignment/unmapped")))


# --- texts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", ["SRE", " sre ", "sre,", "Sre.", "sre;"])
def test_labels_are_compared_folded_without_their_tail(seen: str) -> None:
    assert holds(label("sre"), issue("PAY-1", seen))
    assert holds(label(seen), issue("PAY-1", "sre"))


def test_only_labels_lose_their_tail() -> None:
    assert not holds(has("component", "docs"), issue(components=("docs.",)))


@pytest.mark.parametrize("when", [label("sre"), label("s*"), label("Sre.")])
def test_exact_switches_all_folding_off(when: Condition) -> None:
    assert not holds(when, issue("PAY-1", "SRE"), exact=True)
    assert holds(when, issue("PAY-1", "SRE"))


def test_exact_still_matches_what_is_exactly_so() -> None:
    assert holds(label("SRE,"), issue("PAY-1", "SRE,"), exact=True)
    assert holds(label("SRE*"), issue("PAY-1", "SRE, Team"), exact=True)


@pytest.mark.parametrize(
    ("glob", "seen", "fits"),
    [
        ("incident-*", "Incident-2026-11", True),
        ("incident-*", "incident-", True),
        ("incident-*", "an incident-1", False),
        ("*core", "platform-core", True),
        ("p*m", "platform", True),
        ("p*m", "pm", True),
        ("p*m", "platforms", False),
        ("*", "anything", True),
        ("*", "two\nlines", True),
        ("a?c*", "abc", False),
        ("a?c*", "a?cd", True),
        ("a.c*", "abc", False),
        ("[ab]*", "a", False),
        ("STRASSE*", "straße 1", True),
        ("sre*,", "SRE-team;", True),
    ],
)
def test_a_star_is_any_run_of_characters_over_the_whole_value_and_the_only_wildcard(
    glob: str, seen: str, fits: bool
) -> None:
    assert holds(label(glob), issue("PAY-1", seen)) is fits


@pytest.mark.parametrize(
    ("pattern", "title", "fits"),
    [
        ("re:payouts", "Retry failed payouts", True),
        ("re:^Retry", "Retry failed payouts", True),
        ("re:retry", "Retry failed payouts", False),
        ("re:(?i)retry", "Retry failed payouts", True),
        ("re:\\bfail\\b", "Retry failed payouts", False),
        ("re:ﬁ", "ﬁnance", True),
        ("re:fi", "ﬁnance", False),
        ("re: $", "trailing ", True),
    ],
)
def test_re_searches_the_raw_value(pattern: str, title: str, fits: bool) -> None:
    assert holds(has("title", pattern), issue(title=title)) is fits


@pytest.mark.parametrize("pattern", ["(?=x)", r"(a)\1", "a{1001}", "(", "*"])
def test_a_pattern_that_re2_refuses_is_an_error_in_its_own_words(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"\w+"):
        compile_pattern(pattern)


def test_a_hostile_pattern_is_done_with_at_once() -> None:
    assert not holds(has("title", "re:^(a+)+$", "re:(x+x+)+y"), issue(title="a" * 5_000 + "!" + "x" * 5_000))


def test_values_that_come_back_are_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.core.atoms.VALUES_REMEMBERED", 3)
    index = FieldIndex("label")
    for number in range(10):
        assert index[f"label-{number}"] == ()
        assert len(index) <= 3


# --- and, or, not ------------------------------------------------------------------------------------------

YES, NO = label("sre"), label("nothing")
UNKNOWN = of("epic", label("*"))
"""Over an ancestor that cannot be read."""
BLIND = lineage(missing="PAY-99")


@pytest.mark.parametrize(
    ("when", "holds_"),
    [
        (all_of(YES, YES), True),
        (all_of(YES, NO), False),
        (any_of(NO, YES), True),
        (any_of(NO, NO), False),
        (none_of(NO, NO), True),
        (none_of(NO, YES), False),
        (none_of(none_of(YES)), True),
        (all_of(any_of(NO, all_of(YES, YES)), none_of(NO)), True),
    ],
)
def test_conditions_nest(when: Condition, holds_: bool) -> None:
    assert holds(when, issue("PAY-1", "sre")) is holds_


@pytest.mark.parametrize(
    ("when", "holds_"),
    [
        (UNKNOWN, False),
        (none_of(UNKNOWN), False),
        (none_of(none_of(UNKNOWN)), False),
        (none_of(NO, UNKNOWN), False),
        (none_of(all_of(NO, UNKNOWN)), True),  # whatever the epic is, not both hold
        (none_of(all_of(UNKNOWN, NO)), True),
        (none_of(any_of(YES, UNKNOWN)), False),
        (all_of(YES, UNKNOWN), False),
        (any_of(YES, UNKNOWN), True),
        (all_of(YES, none_of(UNKNOWN)), False),
        (any_of(NO, none_of(UNKNOWN)), False),
    ],
)
def test_neither_a_condition_over_the_unreadable_nor_its_negation_matches(when: Condition, holds_: bool) -> None:
    assert holds(when, issue("PAY-1", "sre"), BLIND) is holds_


def test_an_unknown_nearby_does_not_hide_what_matches_farther_up() -> None:
    """The epic's own initiative is known; only what is above that one is not."""
    sure = of("ancestor", any_of(none_of(of("parent", label("*"))), label("north")))
    chain = lineage(epic(), initiative("PAY-90", "north"), missing="PAY-99")
    assert holds(sure, issue(), chain)
    nearest_unknown = of("ancestor", any_of(of("parent", of("parent", label("x"))), label("north")))
    assert holds(nearest_unknown, issue(), chain)


# --- ancestors --------------------------------------------------------------------------------------------

CHAIN = lineage(issue("PAY-2", "on-parent"), epic("PAY-9", "on-epic"), initiative("PAY-90", "on-top"))


@pytest.mark.parametrize(
    ("relation", "reach"),
    [
        ("parent", {"on-parent"}),
        ("epic", {"on-epic"}),
        ("initiative", {"on-top"}),
        ("ancestor", {"on-parent", "on-epic", "on-top"}),
    ],
)
def test_each_relation_reaches_its_ancestors_and_no_other(relation: str, reach: set[str]) -> None:
    below = issue("PAY-1", "on-itself", level=-1)
    seen = {
        text
        for text in ("on-itself", "on-parent", "on-epic", "on-top")
        if holds(of(relation, label(text)), below, CHAIN)  # type: ignore[arg-type]  # the parameter is one of them
    }
    assert seen == reach


def test_an_epic_of_an_epic_is_the_nearest() -> None:
    chain = lineage(epic("PAY-8", "near"), epic("PAY-9", "far"))
    assert holds(of("epic", label("near")), issue(), chain)
    assert not holds(of("epic", label("far")), issue(), chain)


def test_every_initiative_above_counts_however_high() -> None:
    chain = lineage(epic(), initiative("PAY-90", "low"), initiative("PAY-91", "high", level=3))
    assert holds(of("initiative", label("low")), issue(), chain)
    assert holds(of("initiative", label("high")), issue(), chain)


@pytest.mark.parametrize("relation", ["parent", "epic", "initiative", "ancestor"])
def test_without_such_an_ancestor_the_condition_is_false_and_its_negation_true(relation: str) -> None:
    when = of(relation, label("*"))  # type: ignore[arg-type]  # as above
    assert not holds(when, issue())
    assert holds(none_of(when), issue())


def test_what_can_be_read_below_the_unreadable_still_counts() -> None:
    chain = lineage(epic("PAY-9", "platform"), missing="PAY-99")
    assert holds(of("epic", label("platform")), issue(), chain)
    assert holds(none_of(of("epic", label("other"))), issue(), chain)
    assert holds(none_of(of("parent", label("other"))), issue(), chain)
    assert not holds(none_of(of("initiative", label("other"))), issue(), chain)
    assert not holds(none_of(of("ancestor", label("other"))), issue(), chain)


def test_what_is_missing_above_an_epic_is_no_epic() -> None:
    assert holds(none_of(of("epic", label("*"))), epic(), lineage(missing="PAY-99"))


def test_conditions_on_ancestors_nest_from_there() -> None:
    chain = lineage(issue("PAY-2"), epic("PAY-9", "platform"))
    assert holds(of("parent", of("epic", label("platform"))), issue(level=-1), chain)
    assert not holds(of("epic", of("epic", label("platform"))), issue(level=-1), chain)
    assert holds(of("epic", all_of(label("platform"), has("type", "epic"))), issue(), chain)


def test_an_ancestor_that_changed_is_seen_anew_by_the_same_matcher() -> None:
    matcher = Matcher(rulebook(rule("by-epic", "growth", of("epic", label("platform")))), date(2026, 11, 16))
    assert matcher.matches(issue(), lineage(epic())) == ()
    assert matcher.matches(issue(), lineage(epic("PAY-9", "platform"))) != ()
    assert matcher.matches(issue(), lineage(epic())) == ()


def test_an_ancestor_above_that_could_suddenly_not_be_read_is_seen_anew_too() -> None:
    matcher = Matcher(
        rulebook(rule("no-top", "growth", none_of(of("initiative", label("*"))))), date(2026, 11, 16)
    )  # fmt: skip
    assert matcher.matches(issue(), lineage(epic())) != ()
    assert matcher.matches(issue(), lineage(epic(), missing="PAY-99")) == ()
    assert matcher.matches(issue(), lineage(epic())) != ()


# --- which rules, and why ---------------------------------------------------------------------------------


def test_all_rules_that_match_are_told_also_the_outranked_and_the_defaults() -> None:
    book = rulebook(
        rule("low", "growth", label("sre"), priority=-5),
        rule("no", "growth", label("other")),
        rule("high", "trust", label("sre"), priority=5),
        rule("fallback", "trust", has("project", "PAY"), default=True),
    )
    assert matched(book, issue("PAY-1", "sre")) == ("low", "high", "fallback")


@pytest.mark.parametrize(
    ("when", "above", "words"),
    [
        (label("sre", "in*"), Lineage(), ('label "SRE" matches "sre"', 'label "Incident" matches "in*"')),
        (has("title", "re:(?i)FAILED"), Lineage(), ('title "Retry failed payouts" matches "re:(?i)FAILED"',)),
        (
            of("epic", label("platform")),
            lineage(epic("PAY-9", "Platform")),
            ('epic PAY-9: label "Platform" matches "platform"',),
        ),
        (
            all_of(label("sre"), none_of(has("component", "docs"))),
            Lineage(),
            ('label "SRE" matches "sre"', "none of the excluded conditions holds"),
        ),
        (any_of(label("nothing"), has("type", "story")), Lineage(), ('type "Story" matches "story"',)),
    ],
)
def test_evidence_quotes_the_value_seen_and_the_text_of_the_rule(
    when: Condition, above: Lineage, words: tuple[str, ...]
) -> None:
    (match,) = Matcher(rulebook(rule("why", "growth", when)), date(2026, 11, 16)).matches(
        issue("PAY-1", "SRE", "Incident"), above
    )
    assert (match.evidence.source, match.evidence.key) == ("why", "PAY-1")
    assert set(match.evidence.texts) == set(words)


def test_evidence_cuts_what_is_too_long_to_read() -> None:
    (match,) = Matcher(rulebook(rule("why", "growth", has("title", "*"))), date(2026, 11, 16)).matches(
        issue(title="x" * 500), Lineage()
    )
    assert len(match.evidence.texts[0]) < 120
    assert "…" in match.evidence.texts[0]


@pytest.mark.parametrize(
    ("day", "in_effect"),
    [("2026-10-31", False), ("2026-11-01", True), ("2026-11-15", True), ("2026-11-30", True), ("2026-12-01", False)],
)
def test_both_days_of_a_rule_are_included(day: str, in_effect: bool) -> None:
    book = rulebook(rule("november", "growth", label("sre"), window=between("2026-11-01", "2026-11-30")))
    assert bool(matched(book, issue("PAY-1", "sre"), day=date.fromisoformat(day))) is in_effect
