"""What a pass is told as it begins, and what is forgotten, on SQLite and PostgreSQL alike."""

import pytest
from support_store import JIRA, MINUTE, NOW, entry, issue, override, ref, stored_plan

from syncd.core.commands import Said
from syncd.core.errors import Unreadable
from syncd.core.model import Finding, Link, Person
from syncd.core.ports import READING, Brief, Census, EntryState, Listening, Owed, Progress, Store
from syncd.store import SqlStore
from syncd.store.plans import PLANS_KEPT

LINEAR = "b-linear"


def test_nothing_is_owed_by_an_empty_store(store: Store) -> None:
    assert store.brief(JIRA) == Brief(Progress(), Census(), Listening(), frozenset(), frozenset(), 0)


def test_a_pass_begins_with_all_that_is_owed_and_nothing_that_is_not(store: Store) -> None:
    store.remember(JIRA, [issue("1"), issue("2")], in_scope=True, now=NOW)
    store.save_progress(JIRA, Progress(watermark=NOW, skew=MINUTE))
    store.save_listening(JIRA, Listening(heard_to=NOW))
    store.save_plan_state([], [ref("1")], {ref("2"): "closed"})
    brief = store.brief(JIRA)
    assert (brief.progress, brief.census) == (store.progress(JIRA), store.census(JIRA))
    assert brief.listening == store.listening(JIRA)
    assert brief.owed == {Owed.UNSETTLED}
    assert brief.held == 1
    assert store.brief(LINEAR).owed == frozenset()


def owe(store: SqlStore, what: Owed) -> None:
    match what:
        case Owed.SENDING:
            owe(store, Owed.TODO)
            lease = store.acquire(JIRA, "me", NOW, 5 * MINUTE)
            assert lease is not None
            assert store.begin(entry("1"), lease, NOW)
        case Owed.TODO:
            store.commit_intent([entry("1")], NOW)
        case Owed.WAITING:
            store.save_plan(stored_plan("waits", NOW, (JIRA,)))
        case Owed.ASIDE:
            store.set_aside(JIRA, [Unreadable("what is this?", tracker=JIRA, link=Link("9", "PAY-9"))], NOW)
        case Owed.ABOVE:
            store.mark_missing(JIRA, [Link("8", "PAY-8")], NOW)
        case Owed.UNSETTLED:
            store.save_plan_state([], [ref("1")], {})
        case Owed.UNHEARD:
            store.speak([override("1")], [], NOW)
        case Owed.EXPIRING:
            store.save_overrides([override("1", expires=NOW + MINUTE)], [], NOW)
        case Owed.SAID:
            ana = Person(id="ana", name="Ana")
            store.save_said(JIRA, [Said(ref=ref("1"), comment="77", author=ana, email=None, at=NOW, orders=())], [])


@pytest.mark.parametrize("what", list(Owed))
def test_each_thing_that_is_owed_is_told(store: SqlStore, what: Owed) -> None:
    store.remember(JIRA, [issue("1")], in_scope=True, now=NOW)
    assert what not in store.brief(JIRA).owed
    owe(store, what)
    assert what in store.brief(JIRA).owed


def test_an_ancestor_outside_the_scope_is_owed_a_look(store: Store) -> None:
    store.remember(JIRA, [issue("1")], in_scope=False, now=NOW)
    assert store.brief(JIRA).owed == {Owed.ABOVE}


def test_a_write_that_is_over_is_not_owed(store: Store) -> None:
    store.commit_intent([entry("1")], NOW)
    store.put_back(entry("1"), EntryState.DROPPED, "it no longer holds", NOW)
    assert store.brief(JIRA).owed == frozenset()


def test_kinds_of_open_findings_are_told_and_those_of_twins_whoever_has_them(store: Store) -> None:
    told = [
        Finding(tracker=JIRA, kind="denied", cause="edit", text="grant it"),
        Finding(tracker=LINEAR, kind="twin", cause="a pair", text="they differ"),
        Finding(tracker=LINEAR, kind="hidden", cause="ENG", text="not visible"),
    ]
    for finding in told:
        store.open_finding(finding, NOW)
    assert store.brief(JIRA).findings == {"denied", "twin"}
    store.save_findings(JIRA, "denied", [], NOW + MINUTE)
    assert store.brief(JIRA).findings == {"twin"}


def test_a_pass_is_told_until_when_its_tracker_is_to_be_left_alone_as_a_whole_or_for_reading(
    store: Store,
) -> None:
    store.rest(LINEAR, NOW + 9 * MINUTE)
    assert store.brief(JIRA).rests is None
    store.rest(JIRA + READING, NOW + 2 * MINUTE)
    assert store.brief(JIRA).rests == NOW + 2 * MINUTE
    store.rest(JIRA, NOW + MINUTE)
    assert store.brief(JIRA).rests == NOW + 2 * MINUTE
    store.rest(JIRA, NOW + 3 * MINUTE)
    assert store.brief(JIRA).rests == NOW + 3 * MINUTE


def test_where_a_census_stands_and_how_far_comments_were_heard_is_told_of_a_tracker_never_read(store: Store) -> None:
    store.save_census(JIRA, Census(began=NOW, scope=("PAY",), why="it broke off"))
    assert store.brief(JIRA).census == store.census(JIRA) == Census(began=NOW, scope=("PAY",), why="it broke off")
    store.save_listening(LINEAR, Listening(checked=NOW))
    assert store.brief(LINEAR) == Brief(Progress(), Census(), Listening(checked=NOW), frozenset(), frozenset(), 0)


def test_the_oldest_plans_are_forgotten_and_never_one_that_waits(store: Store) -> None:
    waits = stored_plan("waits", NOW - MINUTE, (JIRA,))
    store.save_plan(waits)
    for n in range(PLANS_KEPT + 2):
        store.save_plan(stored_plan(f"plan-{n:04}", NOW + n * MINUTE))
    assert [store.plan(f"plan-{n:04}") is not None for n in range(4)] == [False, False, True, True]
    assert store.waiting_plans() == [waits]
