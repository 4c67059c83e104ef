"""The daemon's own rows, on both engines: one row a process, one rescuer for a dead one, and leases that it loses."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from support_store import JIRA, NOW, entry

from syncd.core.running import Attempt, Executor
from syncd.store import SqlStore, open_store

TTL = timedelta(minutes=2)
DEAD = Executor(name="dead", token="t-dead", started=NOW, seen=NOW)


@pytest.fixture
def store(store_url: str) -> Iterator[SqlStore]:
    made = open_store(store_url, clock_now=NOW)
    made.enlist(DEAD)
    yield made
    made.close()


def test_of_many_that_come_to_rescue_one_does_it_and_the_others_do_not_even_wait(store: SqlStore) -> None:
    together, let_in = threading.Barrier(6), threading.Event()

    def rescue(_number: int) -> bool:
        together.wait(30)
        with store.rescuing(DEAD) as ours:
            if ours and store.executors():  # what is done under the lock joins it
                let_in.wait(0.2)
            return ours

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(rescue, range(6))) == [False] * 5 + [True]
    assert store.executors() == []


def test_one_that_gave_a_sign_of_life_meanwhile_is_not_rescued(store: SqlStore) -> None:
    assert store.beat(DEAD)
    with store.rescuing(DEAD) as ours:
        assert not ours
    (alive,) = store.executors()
    with store.rescuing(alive) as ours:
        assert ours
    assert not store.beat(DEAD), "given up, and told so"


def test_a_rescue_that_fails_half_way_is_none(store: SqlStore) -> None:
    lease = store.acquire(JIRA, "syncd run dead: pid 1 on host", NOW, TTL)
    assert lease is not None

    def rescue_in_vain() -> None:
        with store.rescuing(DEAD) as ours:
            assert ours
            assert store.free_leases("dead") == 1
            raise ConnectionError("the engine's database went away")

    with pytest.raises(ConnectionError):
        rescue_in_vain()
    assert store.renew(lease, NOW, TTL), "its leases are as they were"
    assert [one.name for one in store.executors()] == ["dead"], "and it is there to be rescued"


def test_a_lease_that_was_freed_is_lost_to_its_holder_and_the_next_one_s_fence_is_higher(store: SqlStore) -> None:
    lost = store.acquire(JIRA, "syncd run dead: pid 1 on host", NOW, TTL)
    assert lost is not None
    assert store.acquire(JIRA, "syncd run other: pid 2 on host", NOW, TTL) is None
    assert store.free_leases("dead") == 1
    assert not store.renew(lost, NOW, TTL)
    taken = store.acquire(JIRA, "syncd run other: pid 2 on host", NOW, TTL)
    assert taken is not None
    assert taken.fence > lost.fence
    store.release(lost)
    assert store.renew(taken, NOW, TTL), "the late one takes nothing away"


def test_how_the_last_work_of_each_kind_went_is_kept_for_each_tracker(store: SqlStore) -> None:
    cycle = Attempt(tracker=JIRA, kind="cycle", id="c-1", started=NOW, ended=NOW, failures=2, why="it was away")
    named = replace(cycle, kind="webhook_batch", id="n-1", failures=0, why=None, facts={"observed": 3})
    for attempt in (replace(cycle, id="c-0", why="older"), cycle, named):
        store.save_attempt(attempt)
    assert (store.attempt(JIRA, "cycle"), store.attempt(JIRA, "webhook_batch")) == (cycle, named)
    assert store.attempt("another", "cycle") is None
    assert list(store.attempts()) == [cycle, named]


def test_what_is_grouped_together_is_kept_whole_or_not_at_all(store: SqlStore) -> None:
    lease = store.acquire(JIRA, "me", NOW, TTL)
    assert lease is not None

    def fails_half_way() -> None:
        with store.together():
            store.release(lease)
            raise ConnectionError("what came after it failed")

    with pytest.raises(ConnectionError):
        fails_half_way()
    assert store.lease_holder(JIRA, NOW) == "me"


def test_what_must_last_joins_nothing_that_a_power_cut_may_undo(store: SqlStore) -> None:
    with pytest.raises(AssertionError, match="power cut"), store.together():
        store.commit_intent([entry("1")], NOW)
    with store.transaction(), store.together():
        store.commit_intent([entry("1")], NOW)
    assert store.outbox_counts()


def test_a_name_belongs_to_whoever_took_it_last(store: SqlStore) -> None:
    store.enlist(replace(DEAD, token="t-new"))
    assert not store.beat(DEAD)
    store.retire(DEAD)
    assert [one.token for one in store.executors()] == ["t-new"]
    store.retire(replace(DEAD, token="t-new"))
    assert store.executors() == []
