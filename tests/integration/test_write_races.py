"""People and other processes at work while syncd writes: between its read and its write, and before its echo."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support_linear_stage import LinearStage, linear_staged
from support_stage import TRACKER, Stage, staged
from support_talk import Room

from connectors.sandbox import Exchange, Fault
from connectors.sandbox.linear.faults import LinearExchange
from syncd.core.ports import Lease
from syncd.engine.looking import look_named
from syncd.engine.widening import UNDECIDED
from syncd.engine.work import LeaseLostError, Work
from syncd.store import SqlStore

PUT = "/rest/api/3/issue/{issueIdOrKey}"
QUEUE = "/rest/api/3/bulk/queue/{taskId}"
SEARCH = "/rest/api/3/search/jql"
MANY = 12


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.once()
        yield stage


def right_after(stage: Stage, template: str, do: Callable[[], Any]) -> None:
    """Do it once, right after the first answer of that kind."""
    before = stage.site.on_exchange
    done: list[Exchange] = []

    def see(exchange: Exchange) -> None:
        if before is not None:
            before(exchange)
        if exchange.template == template and not done:
            done.append(exchange)
            do()

    stage.site.on_exchange = see


# --- people ---


def test_what_a_person_edits_between_our_read_and_our_write_stays_and_is_followed(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    right_after(stage, SEARCH, lambda: stage.edit(key, labels_remove=["sre"], labels_add=["finops", "urgent"]))
    stage.later(minutes=1)
    assert stage.labels(key) == ["finops", "urgent"]
    assert stage.marks(key) == ["outcome/reliability"], "what was read decided"
    stage.later(minutes=1)
    assert (stage.labels(key), stage.marks(key)) == (["finops", "urgent"], ["outcome/cost"])
    stage.quiet()


def test_a_mark_that_a_person_puts_on_between_our_read_and_our_write_stands(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    right_after(stage, SEARCH, lambda: stage.edit(key, labels_add=["outcome/cost"]))
    stage.later(minutes=1)
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/cost"]
    assert stage.decided(key) == ("mapped", "cost")
    stage.quiet()


def test_what_a_person_edits_between_our_write_and_its_echo_stays(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    right_after(stage, PUT, lambda: stage.edit(key, labels_add=["urgent"], summary="Now with an owner"))
    stage.later(minutes=1)
    stage.quiet()
    assert (stage.labels(key), stage.marks(key)) == (["sre", "urgent"], ["outcome/reliability"])


def test_a_mark_that_a_person_takes_off_after_it_was_seen_while_others_are_written_stays_off(stage: Stage) -> None:
    first = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.quiet()
    second = stage.create(labels=["sre"])
    right_after(stage, PUT, lambda: stage.edit(first, labels_remove=["outcome/reliability"]))
    stage.later(minutes=1)
    stage.later(minutes=1)
    assert (stage.marks(first), stage.marks(second)) == ([], ["outcome/reliability"])
    stage.quiet()


def test_what_people_do_while_a_bulk_write_runs_stays_and_is_followed(stage: Stage) -> None:
    stage.site.tasks.manners.each = timedelta(seconds=1)
    keys = [stage.create(labels=["sre"]) for _ in range(MANY)]
    edited, closed, marked, deleted = keys[0], keys[-1], keys[5], keys[8]

    def people() -> None:
        stage.edit(edited, labels_remove=["sre"], labels_add=["finops"])
        stage.edit(closed, status="Done")
        stage.edit(marked, labels_add=["outcome/cost"])
        stage.site.person("tom").delete(deleted)

    right_after(stage, QUEUE, people)
    result = stage.later(minutes=1)
    assert result.waiting == 0, result.notes
    for _ in range(2):
        stage.later(minutes=1)
    assert stage.marks(edited) == ["outcome/cost"]
    assert stage.marks(marked) == ["outcome/cost"], "a person's word, and ours beside it gone"
    assert stage.marks(closed) == ["outcome/reliability"], "as it stood when it was closed"
    rest = [key for key in keys if key not in (edited, closed, marked, deleted)]
    assert {tuple(stage.marks(key)) for key in rest} == {("outcome/reliability",)}
    stage.quiet()


def test_an_issue_that_moves_between_plan_and_apply_is_written_where_it_is_by_its_id(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    moved: list[str] = []
    right_after(stage, SEARCH, lambda: moved.append(stage.site.person("tom").move(key, "OPS")))
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(moved[0]) == ["outcome/reliability"]
    stage.later(minutes=1)
    stage.quiet()


def test_an_issue_that_is_closed_between_plan_and_apply_keeps_the_mark_that_came_late(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    right_after(stage, SEARCH, lambda: stage.edit(key, status="Done", labels=["finops"]))
    stage.later(minutes=1)
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/reliability"]
    stage.quiet()


def test_a_shown_plan_leaves_out_what_was_closed_since(stage: Stage) -> None:
    keys = [stage.create(labels=["sre"]) for _ in range(2)]
    digest = stage.plan().plan.digest
    stage.edit(keys[0], status="Done")
    result = stage.apply(digest)
    assert ([a.key for a in result.dropped], result.applied) == ([keys[0]], 1)


def test_an_issue_that_is_deleted_between_plan_and_apply_is_dropped_with_its_comment_and_rests(stage: Stage) -> None:
    key, other = stage.create(), stage.create(labels=["sre"])
    right_after(stage, SEARCH, lambda: stage.site.person("tom").delete(key))
    result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (1, 0)
    assert stage.marks(other) == ["outcome/reliability"]
    assert stage.app.status()["outbox"] == {"todo": 0, "sending": 0, "dead": 0}
    assert stage.later(minutes=1).planned == 0


def test_an_issue_that_is_archived_between_plan_and_apply_is_its_own_matter_and_ends_as_a_dead_letter(
    stage: Stage,
) -> None:
    archived, other = stage.create(labels=["sre"]), stage.create(labels=["sre"])
    match = f"PUT /rest/api/3/issue/{stage.site.issue(archived).id}"
    stage.site.faults.add(Fault("status", status=403, match=match, times=None))
    for _ in range(4):
        stage.later(minutes=1)
    assert (stage.marks(archived), stage.marks(other)) == ([], ["outcome/reliability"])
    assert stage.findings("denied") == []
    (dead,) = stage.app.status()["dead"]
    assert "is it archived, or locked by its workflow?" in dead["note"]


# --- people in Linear ---

CATALOGUE = "OurLabels"
"""What the writer reads after all is decided, and before it writes."""


@pytest.fixture
def linear(tmp_path: Path) -> Iterator[LinearStage]:
    """Two marks are on issues already, so that their labels are there."""
    with linear_staged(tmp_path, write="label+comment", comments={"grace": "0s"}, limits={"share": 1.0}) as stage:
        stage.create(labels=["sre"])
        stage.create(labels=["finops"])
        assert stage.once().applied == 2
        stage.quiet()
        yield stage


def right_after_in(stage: LinearStage, operation: str, do: Callable[[], Any]) -> None:
    """Do it once, right after the first answer to an operation whose name begins so."""
    done: list[LinearExchange] = []

    def see(exchange: LinearExchange) -> None:
        if exchange.operation.startswith(operation) and not done:
            done.append(exchange)
            do()

    stage.space.on_exchange = see


def test_in_linear_what_a_person_edits_between_our_read_and_our_write_stays_and_is_followed(
    linear: LinearStage,
) -> None:
    key = linear.create(labels=["sre"])
    linear.know("urgent")
    right_after_in(linear, CATALOGUE, lambda: linear.edit(key, labels_remove=["sre"], labels_add=["finops", "urgent"]))
    linear.later(minutes=1)
    assert linear.labels(key) == ["Outcome/reliability", "finops", "urgent"], "what was read decided"
    linear.later(minutes=1)
    assert linear.labels(key) == ["Outcome/cost", "finops", "urgent"]
    linear.quiet()


def test_in_linear_a_mark_that_a_person_puts_on_between_our_read_and_our_write_stands(linear: LinearStage) -> None:
    key, other = linear.create(labels=["sre"]), linear.create(labels=["sre"])
    right_after_in(linear, CATALOGUE, lambda: linear.edit(key, labels_add=["Outcome/cost"]))
    linear.later(minutes=1)
    assert linear.marks(other) == ["Outcome/reliability"], "one that is refused takes no other with it"
    linear.later(minutes=1)
    assert (linear.marks(key), linear.decided(key)) == (["Outcome/cost"], ("mapped", "cost"))
    linear.quiet()


def test_in_linear_what_a_person_edits_between_our_write_and_its_echo_stays(linear: LinearStage) -> None:
    key = linear.create(labels=["sre"])
    linear.know("urgent")
    right_after_in(linear, "Mark1With", lambda: linear.edit(key, labels_add=["urgent"], title="Now with an owner"))
    assert linear.later(minutes=1).applied == 1
    linear.quiet()
    assert linear.labels(key) == ["Outcome/reliability", "sre", "urgent"]


def test_in_linear_what_is_deleted_or_archived_before_a_common_write_is_left_out_and_the_others_are_marked(
    linear: LinearStage,
) -> None:
    keys = [linear.create(labels=["sre"]) for _ in range(MANY)]
    deleted, archived = keys[0], keys[-1]

    def people() -> None:
        linear.maria.delete(deleted)
        linear.maria.archive(archived)

    right_after_in(linear, CATALOGUE, people)
    result = linear.later(minutes=1)
    assert (result.applied, result.waiting) == (MANY - 2, 0), result.notes
    assert {tuple(linear.marks(key)) for key in keys[1:-1]} == {("Outcome/reliability",)}
    assert linear.marks(archived) == []
    linear.later(minutes=1)
    linear.quiet()


# --- another process ---


@pytest.mark.parametrize("count", [1, MANY])
def test_a_writer_that_stood_still_between_plan_and_begin_writes_nothing_late(count: int, stage: Stage) -> None:
    keys = [stage.create(labels=["sre"]) for _ in range(count)]
    stage.tick()
    begin, taken = SqlStore.begin_together, list[Lease]()

    def stalled(store: SqlStore, entries: Any, lease: Any, now: Any) -> frozenset[str]:
        """The first writer is paused for longer than its lease; a second one does the work meanwhile."""
        if not taken:
            taken.append(lease)
            stage.clock.move(timedelta(minutes=30))
            with patch("syncd.app.commands.Holder.here", lambda: "pid 1 on elsewhere"):
                assert stage.once().applied == count
            for key in keys:
                stage.edit(key, labels_remove=["outcome/reliability"])
        return begin(store, entries, lease, now)

    with patch.object(SqlStore, "begin_together", stalled), stage.watched() as traffic:
        result = stage.once()
    assert result.applied == 0
    assert {tuple(stage.marks(key)) for key in keys} == {()}, "what people did since is not overwritten"
    assert len(traffic.edits) + len(traffic.of("POST", "bulk/issues/fields")) == 1
    with stage.store() as store:
        assert not store.renew(taken[0], stage.clock.now(), timedelta(minutes=2))


def test_without_the_fence_the_stalled_writer_would_write_late(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    begin, taken = SqlStore.begin_together, list[Lease]()

    def unfenced(store: SqlStore, entries: Any, lease: Any, now: Any) -> frozenset[str]:
        if not taken:
            taken.append(lease)
            stage.clock.move(timedelta(minutes=30))
            with patch("syncd.app.commands.Holder.here", lambda: "pid 1 on elsewhere"):
                stage.once()
            stage.edit(key, labels_remove=["outcome/reliability"])
            return frozenset(entry.key for entry in entries)
        return begin(store, entries, lease, now)

    with patch.object(SqlStore, "begin_together", unfenced):
        stage.once()
    assert stage.marks(key) == ["outcome/reliability"]


def test_a_writer_that_finds_its_lease_taken_stops_before_the_next_write(stage: Stage) -> None:
    keys = [stage.create(labels=["sre"]) for _ in range(3)]
    still_ours, calls = Work.still_ours, list[Work]()

    def lost(work: Work, *told: Any) -> None:
        calls.append(work)
        if len(calls) > 1 and any(stage.marks(key) for key in keys):
            raise LeaseLostError(f"another process took over {TRACKER}")
        still_ours(work, *told)

    with patch.object(Work, "still_ours", lost):
        result = stage.later(minutes=1)
    assert "took over" in str(result.why)
    assert sum(bool(stage.marks(key)) for key in keys) == 1
    assert stage.later(minutes=1).applied == 2
    stage.quiet()


@pytest.mark.parametrize("hinted", [False, True], ids=["a cycle", "a webhook"])
def test_a_pass_that_lost_its_tracker_while_it_decided_calls_nothing_decided(stage: Stage, hinted: bool) -> None:
    """Whoever took it over, and was killed, may have left word of what is not decided yet."""
    key = stage.create(labels=["deps"])
    stage.once()
    stage.later(minutes=1)
    stage.edit(key, labels_remove=["deps"], labels_add=["sre"])
    told: Callable[..., Any] = look_named if hinted else SqlStore.heard
    taken = list[Lease]()

    def lost(first: Any, *given: Any) -> Any:
        result, store = told(first, *given), first.store if hinted else first
        if not taken:
            now = stage.clock.now() + timedelta(minutes=30)
            taken.extend(filter(None, [store.acquire(TRACKER, "another", now, timedelta(minutes=2))]))
            store.release(taken[0])
        return result

    with patch("syncd.engine.hints.look_named" if hinted else "syncd.store.SqlStore.heard", lost):
        if hinted:
            with pytest.raises(LeaseLostError):
                Room(stage, TRACKER).hinted(key)
        else:
            assert "took over" in str(stage.later(minutes=1).why)
    with stage.store() as store:
        assert (store.progress(TRACKER).rules_key or "").startswith(UNDECIDED)
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/reliability"]


def test_a_write_that_comes_through_after_it_was_looked_for_is_ours_and_nobodys_word(tmp_path: Path) -> None:
    """A bulk edit goes on in the tracker when the process that sent it dies, and its mark comes before our copy."""
    with staged(tmp_path, write="label") as stage:
        stage.once()
        key = stage.create(labels=["sre"])
        stage.site.faults.add(Fault("reset", match="PUT *", times=1))
        assert stage.later(minutes=1).waiting == 1
        stage.edit(key, labels_remove=["sre"], labels_add=["finops"])
        landed: list[Exchange] = []

        def lands(exchange: Exchange) -> None:
            if not landed and exchange.path == SEARCH:  # it was looked for just now, and was not there
                landed.append(exchange)
                stage.edit(key, by="syncd", labels_add=["outcome/reliability"])

        stage.site.on_exchange = lands
        for _ in range(3):
            stage.later(minutes=1)
        assert landed
        with stage.store() as store:
            assert store.words() == [], "nobody said anything"
        assert (stage.decided(key), stage.marks(key)) == (("mapped", "cost"), ["outcome/cost"])
