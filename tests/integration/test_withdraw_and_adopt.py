"""Everything that syncd left can be taken off again, and everything it signed can be taken over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_stage import TRACKER, Stage, staged

from connectors.sandbox.faults import Fault
from syncd.app import UnknownProjectError, UnknownTrackerError
from syncd.app.people import adopt_all, withdraw_from


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.once()
        yield stage


def worked(stage: Stage) -> dict[str, str]:
    """Issues of every verdict, with marks and comments of ours, and marks of people's; keys by what they are."""
    return {
        "mapped": stage.create(labels=["sre"]),
        "torn": stage.create(labels=["sre", "finops"]),
        "nothing": stage.create(),
        "hand": stage.create(labels=["sre", "outcome/cost"]),
        "misspelt": stage.create("OPS", labels=["sre", "outcome/relyability"]),
    }


def test_withdrawing_leaves_the_tracker_as_it_was_before_syncd(stage: Stage) -> None:
    worked(stage)
    before = stage.site.snapshot()
    stage.later(minutes=1)
    moved = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.tick()
    gone = stage.site.person("ines").move(moved, "STRAT")  # out of scope now, and still marked
    stage.later(minutes=1)
    assert stage.marks(gone) == ["outcome/reliability"]
    assert stage.site.snapshot() != before
    left = withdraw_from(stage.app, tracker=TRACKER, project=None, issue=None)
    assert (left.issues, left.waiting) == (5, 0), "all but the one that a person marked"
    after = stage.site.snapshot()
    assert after.pop(gone) == (("sre",), (), ())
    assert after == before
    assert {label for issue in stage.site.live.values() for label in issue.labels} == {
        "sre", "finops", "outcome/cost", "outcome/relyability",
    }  # fmt: skip


def test_a_place_stays_on_hold_until_a_plan_is_applied(stage: Stage) -> None:
    worked(stage)
    stage.later(minutes=1)
    withdraw_from(stage.app, tracker=TRACKER, project=None, issue=None)
    before = stage.site.snapshot()
    for _ in range(2):
        assert stage.later(minutes=6).planned == 0
    assert stage.site.snapshot() == before
    (held,) = stage.app.status()["holds"]
    assert (held["tracker"], held["project"], held["issue"]) == (TRACKER, None, None)
    shown = stage.plan()
    assert shown.plan.actions
    assert stage.apply(shown.plan.digest).applied
    assert stage.app.status()["holds"] == []
    stage.later(minutes=6)
    stage.quiet()


def test_one_project_or_one_issue_can_be_withdrawn_from(stage: Stage) -> None:
    keys = worked(stage)
    stage.later(minutes=1)
    withdraw_from(stage.app, tracker=TRACKER, project="OPS", issue=None)
    assert stage.marks(keys["misspelt"]) == ["outcome/relyability"]
    assert stage.marks(keys["mapped"]) == ["outcome/reliability"]
    withdraw_from(stage.app, tracker=None, project=None, issue=keys["mapped"])
    assert stage.marks(keys["mapped"]) == []
    assert stage.comments(keys["torn"])
    late = stage.create(labels=["sre"])
    stage.later(minutes=1)
    assert stage.marks(late) == ["outcome/reliability"], "the rest goes on"
    assert stage.marks(keys["mapped"]) == []
    with pytest.raises(UnknownTrackerError, match=TRACKER):
        withdraw_from(stage.app, tracker="elsewhere", project=None, issue=None)


def test_what_could_not_be_taken_off_is_taken_off_by_the_next_try_and_never_put_on_again(stage: Stage) -> None:
    keys = worked(stage)
    before = stage.site.snapshot()
    stage.later(minutes=1)
    stage.site.faults.add(Fault("status", status=503, match="DELETE *", times=None))
    assert withdraw_from(stage.app, tracker=TRACKER, project=None, issue=None).waiting
    stage.once()
    assert stage.marks(keys["mapped"]) == []
    stage.site.faults.clear()
    assert withdraw_from(stage.app, tracker=TRACKER, project=None, issue=None).waiting == 0
    assert stage.site.snapshot() == before


def test_a_mistyped_project_is_named_with_the_one_that_is_meant_and_puts_nothing_on_hold(stage: Stage) -> None:
    with pytest.raises(UnknownProjectError, match=r"OPSS .*did you mean OPS"):
        withdraw_from(stage.app, tracker=TRACKER, project="OPSS", issue=None)
    assert stage.app.status()["holds"] == []


def test_a_store_that_was_lost_does_not_keep_anything_from_being_withdrawn(stage: Stage) -> None:
    worked(stage)
    before = stage.site.snapshot()
    stage.later(minutes=1)
    stage.write(store="sqlite:///fresh.db", tracker={"write": "observe"})
    stage.once()
    withdraw_from(stage.app, tracker=TRACKER, project=None, issue=None)
    assert stage.site.snapshot() == before


def test_an_empty_store_adopts_marks_and_comments_and_writes_nothing(stage: Stage) -> None:
    keys = worked(stage)
    stage.later(minutes=1)
    stage.edit(keys["mapped"], labels_remove=["outcome/reliability"])
    stage.later(minutes=1)
    before = stage.site.snapshot()
    stage.write(store="sqlite:///fresh.db", comments={"grace": "0s", "backlog": True})
    (told,) = adopt_all(stage.app)
    assert (told.complete, told.comments) == (True, 2)
    assert stage.site.snapshot() == before
    for _ in range(2):
        assert stage.later(minutes=6).applied == 0
    assert stage.site.snapshot() == before
    stage.edit(keys["torn"], labels_remove=["finops"])
    stage.later(minutes=1)
    assert (stage.marks(keys["torn"]), stage.comments(keys["torn"])) == (["outcome/reliability"], [])


def test_a_store_that_adopts_goes_on_where_another_one_wrote(stage: Stage) -> None:
    keys = worked(stage)
    stage.later(minutes=1)
    stage.write(store="sqlite:///second.db")
    stage.later(minutes=1)
    stage.edit(keys["mapped"], labels=["finops", "outcome/reliability"])
    assert stage.later(minutes=1).applied == 1
    stage.write(store="sqlite:///syncd.db")
    stage.later(minutes=1)
    assert stage.findings("second-store")
    adopt_all(stage.app)
    assert stage.findings("second-store") == []
    stage.edit(keys["mapped"], labels=["sre", "outcome/cost"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(keys["mapped"]) == ["outcome/reliability"]
    stage.quiet()
