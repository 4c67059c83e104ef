"""What the outbox promises about portions, dead letters and fences, on SQLite and PostgreSQL alike."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from support_store import JIRA, MINUTE, NOW, entry

from syncd.core.ports import Entry, EntryState, Lease, Store

TTL = timedelta(minutes=5)


def lease(store: Store, holder: str = "me", now: datetime = NOW) -> Lease:
    taken = store.acquire(JIRA, holder, now, TTL)
    assert taken is not None
    return taken


def states(store: Store) -> list[tuple[str, EntryState, int]]:
    return [(e.action.ref.id, e.state, e.attempts) for e in store.entries(JIRA, list(EntryState), 5000)]


def committed(store: Store, count: int) -> Sequence[Entry]:
    many = [entry(f"{n:05}") for n in range(count)]
    store.commit_intent(many, NOW)
    return many


def dead(store: Store, one: Entry) -> None:
    store.commit_intent([one], NOW)
    assert store.begin(one, lease(store), NOW)
    store.put_back(one, EntryState.DEAD, "refused", NOW)


def test_a_portion_is_begun_at_once_and_what_is_over_is_left_out_of_it(store: Store) -> None:
    many = committed(store, 1200)
    store.put_back(many[7], EntryState.DROPPED, "it no longer holds", NOW)
    begun = store.begin_together(many, lease(store), NOW)
    assert begun == {e.key for e in many} - {many[7].key}
    assert [row[0] for row in states(store) if row[1:] == (EntryState.SENDING, 1)] == [
        e.action.ref.id for e in many if e is not many[7]
    ]
    assert store.begin_together(many, lease(store), NOW) == frozenset()


def test_a_stale_fence_begins_nothing_of_a_portion(store: Store) -> None:
    stale, many = lease(store, "slow"), committed(store, 3)
    late = NOW + 2 * TTL
    fresh = lease(store, "quick", late)
    assert store.begin_together(many, stale, late) == frozenset()
    assert {state for _, state, _ in states(store)} == {EntryState.TODO}
    assert len(store.begin_together(many, fresh, late)) == 3


def test_an_attempt_that_never_reached_the_tracker_does_not_count(store: Store) -> None:
    (one,) = committed(store, 1)
    assert store.begin(one, lease(store), NOW)
    store.put_back(one, EntryState.TODO, "not reached", NOW, tried=False)
    assert states(store) == [("00000", EntryState.TODO, 0)]


def test_what_was_gone_is_revived_and_what_a_person_dropped_is_not(store: Store) -> None:
    gone, dropped = entry("1"), entry("2")
    dead(store, dropped)
    store.commit_intent([gone], NOW)
    store.put_back(gone, EntryState.GONE, "404", NOW)
    assert store.dismiss(dropped, "dropped by li", NOW + MINUTE)
    found = store.entries_of([gone.key, dropped.key, "unknown"])
    assert {key: (e.state, e.moved) for key, e in found.items()} == {
        gone.key: (EntryState.GONE, NOW),
        dropped.key: (EntryState.DISMISSED, NOW + MINUTE),
    }
    assert store.commit_intent([gone, dropped], NOW) == 1
    assert [(i, s) for i, s, _ in states(store)] == [("2", EntryState.DISMISSED), ("1", EntryState.TODO)]
    assert store.outbox_counts() == {"todo": 1, "sending": 0, "dead": 0}


def test_a_dead_letter_is_retried_from_the_beginning_or_dropped_once(store: Store) -> None:
    one, other = entry("1"), entry("2")
    dead(store, one)
    dead(store, other)
    assert store.revive(one, NOW)
    assert not store.revive(one, NOW)
    assert store.dismiss(other, "no use", NOW)
    assert not store.dismiss(other, "no use", NOW)
    assert not store.dismiss(one, "it is to be done again", NOW)
    assert states(store) == [("1", EntryState.TODO, 0), ("2", EntryState.DISMISSED, 1)]
    assert store.revive(other, NOW)  # on second thoughts
    assert states(store)[1] == ("2", EntryState.TODO, 0)


def test_a_lease_is_taken_at_once_from_a_holder_that_is_proven_gone_and_from_no_other(store: Store) -> None:
    killed = lease(store, "pid 1")
    assert store.acquire(JIRA, "pid 2", NOW, TTL) is None
    assert store.acquire(JIRA, "pid 2", NOW, TTL, gone="pid 3") is None
    taken = store.acquire(JIRA, "pid 2", NOW, TTL, gone="pid 1")
    assert taken is not None
    assert taken.fence > killed.fence
    assert not store.renew(killed, NOW, TTL)
