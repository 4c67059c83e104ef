"""`apply --plan`: what was shown is done, what no longer holds is dropped, what is new waits."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support_stage import TRACKER, Stage, staged

from connectors.sandbox import Fault
from syncd.core.errors import Busy
from syncd.engine.work import LEASE_TTL


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, limits={"share": 0.3, "actions": 500, "always": 2}) as stage:
        yield stage


def backlog(stage: Stage, count: int = 4) -> list[str]:
    return [stage.create(labels=["sre"]) for _ in range(count)]


def keys(actions: object) -> list[str]:
    assert isinstance(actions, list)
    return [action.key for action in actions]


def test_a_refused_plan_is_done_when_a_person_says_so(stage: Stage) -> None:
    made = backlog(stage)
    digest = stage.once().refusals[0].digest
    assert not stage.app.status()["healthy"]
    result = stage.apply(digest)
    assert (result.applied, result.dropped, result.new, result.waits) == (4, [], [], False)
    assert {tuple(stage.marks(key)) for key in made} == {("outcome/reliability",)}
    assert stage.app.status()["healthy"]
    stage.quiet()


def test_a_plan_writes_nothing_by_being_shown_and_has_no_writer(stage: Stage) -> None:
    backlog(stage)
    with stage.watched() as traffic:
        shown = stage.plan()
    assert len(shown.plan.actions) == 4
    assert not traffic.writes


def test_the_digest_depends_on_content_alone(stage: Stage) -> None:
    backlog(stage)
    first = stage.plan().plan.digest
    stage.clock.move(LEASE_TTL)
    stage.write(rules=(stage.config / "rules.yaml").read_text(encoding="utf-8").replace("sre,", "sre, zzz,"))
    assert stage.plan().plan.digest == first
    backlog(stage, 1)
    assert stage.plan().plan.digest != first


def test_what_no_longer_holds_is_dropped_and_what_is_new_waits(stage: Stage) -> None:
    made = backlog(stage)
    shown = stage.plan()
    stage.edit(made[0], labels=["finops"])  # another mark than was shown
    stage.edit(made[1], status="Done")
    stage.tick()
    stage.site.person("tom").delete(made[2])
    new = stage.create(labels=["sre"])
    result = stage.apply(shown.plan.digest)
    assert result.waits
    assert result.applied == 1
    assert [note for note in result.notes if "404" in note]  # nobody could tell before that made[2] is gone
    assert keys(result.dropped) == made[:2]
    assert sorted(keys(result.new)) == sorted([made[0], new])
    assert [stage.marks(key) for key in (made[0], made[1], made[3], new)] == [[], [], ["outcome/reliability"], []]


def test_nothing_that_was_not_shown_is_ever_written(stage: Stage) -> None:
    backlog(stage)
    shown = stage.plan()
    late = backlog(stage, 3)
    with stage.watched() as traffic:
        stage.apply(shown.plan.digest)
    assert traffic.edits == [action.ref.id for action in shown.plan.actions]
    assert {tuple(stage.marks(key)) for key in late} == {()}


def test_exact_does_all_of_it_or_nothing(stage: Stage) -> None:
    made = backlog(stage)
    shown = stage.plan()
    stage.edit(made[0], labels=["finops"])
    before = stage.site.snapshot()
    result = stage.apply(shown.plan.digest, exact=True)
    assert (result.applied, keys(result.dropped)) == (0, [made[0]])
    assert stage.site.snapshot() == before
    stage.edit(made[0], labels=["sre"])
    result = stage.apply(shown.plan.digest, exact=True)
    assert (result.applied, result.dropped) == (4, [])


def test_an_unknown_digest_is_nothing(stage: Stage) -> None:
    assert stage.app.apply("0123456789abcdef") is None


def test_a_beginning_of_the_digest_that_is_long_enough_will_do(stage: Stage) -> None:
    backlog(stage)
    digest = stage.plan().plan.digest
    assert stage.app.apply(digest[:5]) is None
    assert stage.apply(digest[:6]).applied == 4


def test_a_plan_that_was_done_is_settled_and_doing_it_again_writes_nothing(stage: Stage) -> None:
    backlog(stage)
    digest = stage.plan().plan.digest
    stage.apply(digest)
    with stage.watched() as traffic:
        again = stage.apply(digest)
    assert (again.applied, again.settled_before, again.waits, again.nothing_holds) == (0, 4, False, False)
    assert not traffic.seen  # it was told from the store


def test_a_settled_plan_that_was_dropped_in_part_says_so_again(stage: Stage) -> None:
    made = backlog(stage)
    digest = stage.plan().plan.digest
    stage.edit(made[0], labels=["finops"])
    first = stage.apply(digest)
    assert (first.applied, first.settled_before, [action.key for action in first.dropped]) == (3, 0, [made[0]])
    stage.apply(stage.plan().plan.digest)  # what waited was for another outcome
    again = stage.apply(digest)
    assert (again.applied, again.settled_before, [action.key for action in again.dropped]) == (0, 3, [made[0]])


def test_a_plan_whose_actions_a_cycle_has_done_meanwhile_is_settled_too(stage: Stage) -> None:
    backlog(stage, 2)
    digest = stage.plan().plan.digest
    assert stage.once().applied == 2
    again = stage.apply(digest)
    assert (again.applied, again.settled_before, again.dropped) == (0, 2, [])


def test_a_plan_of_which_nothing_holds_does_nothing(stage: Stage) -> None:
    made = backlog(stage)
    shown = stage.plan()
    for key in made:
        stage.edit(key, labels=["finops"])
    result = stage.apply(shown.plan.digest)
    assert result.nothing_holds
    assert len(result.dropped) == len(result.new) == 4
    assert {tuple(stage.marks(key)) for key in made} == {()}


def test_a_plan_for_a_tracker_that_the_settings_lost_is_told_to_be_dropped(stage: Stage) -> None:
    made = backlog(stage)
    digest = stage.plan().plan.digest
    trackers = {"renamed": stage.settings["trackers"][TRACKER]}
    (stage.config / "syncd.yaml").write_text(json.dumps(stage.settings | {"trackers": trackers}), encoding="utf-8")
    result = stage.apply(digest)
    assert (result.nothing_holds, sorted(action.key for action in result.dropped)) == (True, sorted(made))


def test_the_second_half_is_done_by_applying_the_same_plan_again(stage: Stage) -> None:
    made = backlog(stage)
    digest = stage.plan().plan.digest
    fault = stage.site.faults.add(Fault("status", status=429, retry_after=600, match="PUT *", after=2, times=None))
    first = stage.apply(digest)
    assert (first.applied, first.waiting, first.waits) == (2, 2, True)
    assert fault.struck == 1  # nobody is asked again before the time that was named
    stage.site.faults.clear()
    early = stage.apply(digest)
    assert (early.applied, early.settled_before, early.waits) == (0, 2, True), "nor by the next process"
    stage.clock.move(timedelta(seconds=601))
    second = stage.apply(digest)
    assert (second.applied, second.settled_before, second.waits) == (2, 2, False)
    assert {tuple(stage.marks(key)) for key in made} == {("outcome/reliability",)}
    stage.quiet()


def test_a_person_s_edit_between_plan_and_apply_wins(stage: Stage) -> None:
    made = backlog(stage)
    shown = stage.plan()
    stage.edit(made[0], labels_add=["outcome/cost"])
    result = stage.apply(shown.plan.digest)
    assert keys(result.dropped) == [made[0]]
    assert stage.marks(made[0]) == ["outcome/cost"]


def test_a_plan_is_applied_after_an_interrupted_one_without_a_second_write(stage: Stage) -> None:
    made = backlog(stage)
    digest = stage.plan().plan.digest
    stage.site.faults.add(Fault("lose_answer", match="PUT *", times=1))
    stage.site.faults.add(Fault("status", status=503, match="POST */issue/bulkfetch", times=5))
    with stage.watched() as traffic:
        first = stage.apply(digest)
        stage.site.faults.clear()
        stage.clock.move(LEASE_TTL)
        second = stage.apply(digest)
    assert first.waits
    assert not second.waits
    assert sorted(traffic.edits) == sorted(str(stage.site.issue(key).id) for key in made)


def test_two_passes_never_work_on_one_tracker_and_the_second_names_the_first(stage: Stage) -> None:
    stage.once()
    backlog(stage)
    with stage.store() as store:
        held = store.acquire("acme-jira", "pid 7 on otherhost", stage.clock.now(), LEASE_TTL)
        assert held is not None
        before = stage.clock.now()
        with stage.watched() as traffic, pytest.raises(Busy, match="pid 7 on otherhost"):
            stage.once()
        assert 60 <= (stage.clock.now() - before).total_seconds() < 90
        assert not traffic.seen
        store.release(held)
    assert stage.once().complete


def test_a_lease_that_nobody_renews_is_taken_over(stage: Stage) -> None:
    stage.once()
    with stage.store() as store:
        assert store.acquire("acme-jira", "pid 7 on otherhost", stage.clock.now(), LEASE_TTL)
    stage.clock.move(LEASE_TTL)
    assert stage.once().complete
