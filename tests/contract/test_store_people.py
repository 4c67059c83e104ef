"""What a store promises of people's words, of findings, and of places on hold, on SQLite and PostgreSQL alike."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support_store import JIRA, MINUTE, NOW, applied, finding, issue, override, ref, standing

from syncd.core.model import (
    Candidate,
    Category,
    Conflict,
    Finding,
    Mapped,
    Override,
    OverrideSource,
    Standing,
    ToOutcome,
)
from syncd.core.ports import Hold, Store

LATER = NOW + 5 * MINUTE


def word(id_: str, outcome: str = "growth", expires: Any = None) -> Override:
    return override(id_, outcome, source=OverrideSource.COMMAND, mark=None, reason="because", expires=expires)


# --- words -------------------------------------------------------------------------------------------------


def test_a_word_is_unheard_until_a_pass_has_decided_with_it(store: Store) -> None:
    store.speak([word("1")], [], NOW)
    store.save_overrides([override("2")], [], NOW)
    unheard = store.unheard(JIRA)
    assert list(unheard.values()) == [ref("1")], "what a pass found by itself it has heard"
    assert store.unheard("elsewhere") == {}
    store.heard(list(unheard))
    assert store.unheard(JIRA) == {}
    assert store.overrides([ref("1")]) == {ref("1"): [word("1")]}


def test_a_word_that_ends_is_to_be_heard_of_as_well(store: Store) -> None:
    store.speak([word("1")], [], NOW)
    store.heard(list(store.unheard(JIRA)))
    store.speak([word("1", "cost")], [word("1")], LATER)
    assert list(store.unheard(JIRA).values()) == [ref("1"), ref("1")], "the one that ended and the one that began"
    assert store.overrides([ref("1")])[ref("1")] == [word("1", "cost")]


def test_every_word_is_remembered_with_its_end_in_the_order_they_began(store: Store) -> None:
    store.speak([word("2"), word("1")], [], NOW)
    store.speak([], [word("2")], LATER)
    assert store.words() == [(word("1"), None)]
    assert store.words(ended=True) == [(word("2"), LATER), (word("1"), None)]


def test_words_lapse_at_their_very_end_and_not_before(store: Store) -> None:
    end = NOW + timedelta(hours=1)
    store.speak([word("1", expires=end), word("2")], [], NOW)
    store.heard(list(store.unheard(JIRA)))
    assert store.lapse(JIRA, end - timedelta(microseconds=1)) == 0
    assert store.lapse("elsewhere", end) == 0
    assert store.lapse(JIRA, end) == 1
    assert store.lapse(JIRA, end) == 0
    assert [o.ref for o, _ in store.words()] == [ref("2")]
    assert list(store.unheard(JIRA).values()) == [ref("1")], "the rules decide on it again"


# --- findings ----------------------------------------------------------------------------------------------


def on(id_: str, kind: Any = "drift", text: str = "It was taken off.") -> Finding:
    return replace(finding(f"issue {id_}", kind, text), issue=id_)


def test_findings_on_issues_open_and_close_for_those_issues_and_kinds_alone(store: Store) -> None:
    store.save_findings_on(JIRA, ["1", "2"], ["drift", "foreign"], [on("1"), on("2"), on("2", "foreign")], NOW)
    store.save_findings(JIRA, "conflict", [finding("a > b")], NOW)
    store.save_findings_on(JIRA, ["2"], ["drift"], [], LATER)
    assert {(f.kind, f.issue) for _, f in store.findings(JIRA)} == {
        ("drift", "1"), ("foreign", "2"), ("conflict", None),
    }  # fmt: skip
    assert [(opened, closed, f) for opened, closed, f in store.finding_log()] == [(NOW, LATER, on("2"))]


def test_a_finding_said_otherwise_keeps_its_clock_and_one_that_comes_again_begins_anew(store: Store) -> None:
    store.save_findings_on(JIRA, ["1"], ["drift"], [on("1")], NOW)
    store.save_findings_on(JIRA, ["1"], ["drift"], [on("1", text="Said otherwise.")], LATER)
    assert store.findings(JIRA) == [(NOW, on("1", text="Said otherwise."))]
    store.save_findings_on(JIRA, ["1"], ["drift"], [], LATER)
    store.save_findings_on(JIRA, ["1"], ["drift"], [on("1")], LATER + MINUTE)
    assert store.findings(JIRA) == [(LATER + MINUTE, on("1"))]


def test_the_log_tells_the_last_closed_first_and_no_more_than_asked_for(store: Store) -> None:
    for n in range(3):
        store.save_findings_on(JIRA, [str(n)], ["drift"], [on(str(n))], NOW)
        store.save_findings_on(JIRA, [str(n)], ["drift"], [], NOW + n * MINUTE)
    assert [f.issue for _, _, f in store.finding_log()] == ["2", "1", "0"]
    assert [f.issue for _, _, f in store.finding_log(limit=1)] == ["2"]


def torn(id_: str, cause: str) -> Standing:
    verdict = Conflict((Candidate(ToOutcome("growth"), ()), Candidate(ToOutcome("cost"), ())))
    told = standing(id_, verdict)
    return replace(told, decision=told.decision._replace(cause=cause))


def test_causes_are_counted_over_open_issues_in_scope(store: Store) -> None:
    inside = [issue("1"), issue("2"), issue("3"), issue("4", category=Category.DONE)]
    store.remember(JIRA, inside, in_scope=True, now=NOW)
    store.remember(JIRA, [issue("5")], in_scope=False, now=NOW)
    store.save_standings([torn("1", "a > b"), torn("2", "a > b"), torn("3", "PAY-9"), torn("4", "a > b")])
    store.save_standings([torn("5", "a > b")])
    assert {(count, decision.cause) for count, decision in store.causes(JIRA)} == {(2, "a > b"), (1, "PAY-9")}
    assert list(store.causes("elsewhere")) == []
    store.save_standings([standing("3", Mapped("growth"))])
    assert [decision.cause for _, decision in store.causes(JIRA)] == ["a > b"]


def test_divergences_are_counted_by_the_ancestor(store: Store) -> None:
    store.remember(JIRA, [issue("1"), issue("2")], in_scope=True, now=NOW)
    for id_ in ("1", "2"):
        told = standing(id_, Mapped("growth"))
        store.save_standings([replace(told, decision=told.decision._replace(diverges_from="PAY-9"))])
    assert [(count, decision.diverges_from) for count, decision in store.divergences(JIRA)] == [(2, "PAY-9")]


# --- other stores, holds, what was written on ---------------------------------------------------------------


def test_other_stores_are_adopted_once_and_for_good(store: Store) -> None:
    assert store.adopted() == frozenset()
    for instance in ("one", "two", "one"):
        store.adopt(instance, NOW)
    assert store.adopted() == {"one", "two"}


@pytest.mark.parametrize(("project", "one"), [(None, None), ("PAY", None), (None, "7")])
def test_a_place_on_hold_stays_so_since_when_it_was_until_it_is_released(
    store: Store, project: str | None, one: str | None
) -> None:
    hold, other = Hold(JIRA, project, one, NOW), Hold("elsewhere", None, None, NOW)
    store.hold(hold)
    store.hold(replace(hold, at=LATER))
    store.hold(other)
    assert store.holds(JIRA) == [hold]
    assert set(store.holds()) == {hold, other}
    store.release_hold(hold)
    assert store.holds() == [other]


def test_marked_tells_what_was_written_on_in_or_out_of_scope(store: Store) -> None:
    store.save_applied([applied("2", None, 3), applied("1", "outcome/growth", 1)])
    assert store.marked(JIRA) == [ref("1"), ref("2")]
    assert store.marked("elsewhere") == []
