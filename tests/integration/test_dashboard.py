"""The dashboard: one comment on an issue of the admin's, counts and keys, at most once an hour, left once closed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_stage import Stage, staged
from support_talk import room


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()
        board = stage.create("OPS", labels=["deps"], summary="What our work serves")
        assert board == "OPS-1"
        stage.write(tracker={"dashboard": {"issue": board}})
        stage.create(labels=["sre"])
        stage.create(labels=["sre", "finops"])
        stage.create(summary="Nobody knows @here")
        stage.later(minutes=1)
        yield stage


def test_it_tells_coverage_conflicts_and_unmapped_work_by_counts_and_keys_only(stage: Stage) -> None:
    (said,) = stage.comments("OPS-1")
    assert "Covered: 33% of 3 open issues.  1 mapped, 1 unmapped, 1 conflict, 0 exempt, 0 incomplete." in said
    assert "By outcome: reliability 1." in said
    assert "Conflicts: rules cheap + reliable: 1 (PAY-2)." in said
    assert "Unmapped: PAY: 1 (PAY-3)." in said
    assert "Nobody knows" not in said


def test_it_is_edited_in_place_at_most_once_an_hour_and_only_when_something_is_new(stage: Stage) -> None:
    (before,) = stage.comments("OPS-1")
    stage.create(labels=["finops"])
    stage.later(minutes=10)
    assert stage.comments("OPS-1") == [before], "the hour is not over"
    stage.later(minutes=55)
    (after,) = stage.comments("OPS-1")
    assert "Covered: 50% of 4 open issues." in after
    stage.later(hours=5)
    assert stage.comments("OPS-1") == [after], "only the time is new"


def test_a_person_closes_it_and_it_stays_as_it_is_until_it_is_opened(stage: Stage) -> None:
    (before,) = stage.comments("OPS-1")
    stage.edit("OPS-1", status="Done")
    stage.create(labels=["finops"])
    stage.later(hours=2)
    assert stage.comments("OPS-1") == [before]
    stage.edit("OPS-1", status="To Do")
    stage.later(hours=2)
    assert stage.comments("OPS-1") != [before]


@pytest.mark.parametrize("private", [True, False])
def test_what_everybody_may_not_see_is_neither_counted_nor_named(tmp_path: Path, private: bool) -> None:
    with room("linear", tmp_path, comments={"grace": "0s"}) as one:
        one.space.team("SEC", "Acquisitions", private=private)
        told = one.stage.settings["trackers"][one.tracker]
        board = one.create(labels=["deps"])
        told |= {"scope": {"teams": ["ENG", "SEC"]}, "dashboard": {"issue": board}}
        one.rewrite()
        for name in ("sre", "finops"):
            one.space.label(name)
        epic = one.space.member("tom").create("SEC", "Buy a rival", labels=["sre", "finops"])
        child = one.create(parent=epic)
        one.say(child, "/outcome dispute because the rival is bought in May")
        one.cycle()
        (said,) = [note.replace("\\", "") for note in one.notes(board)]
        above = "work above that not everybody may see" if private else f"issue {epic}"
        assert f"{above}: 1 ({child})" in said
        assert (epic in said) is not private
        assert ("rules cheap + reliable" in said) is not private
        assert "rival" not in said


def test_the_reason_of_a_dispute_on_restricted_work_stays_on_its_issue(tmp_path: Path) -> None:
    with room("linear", tmp_path, comments={"grace": "0s"}) as one:
        one.space.team("ENG").private = True
        key = one.create(labels=["sre"])
        one.say(key, "/outcome dispute because the rival is bought in May")
        one.cycle()
        (finding,) = one.findings("dispute")
        assert key in finding
        assert "rival" not in finding


def test_nothing_is_written_under_observe_nor_on_an_issue_outside_the_scope(tmp_path: Path) -> None:
    with staged(tmp_path, write="observe") as stage:
        board, outside = stage.create("OPS"), stage.create("STRAT")
        stage.write(tracker={"dashboard": {"issue": board}})
        stage.once()
        assert stage.comments(board) == []
        stage.write(tracker={"write": "label", "dashboard": {"issue": outside}})
        result = stage.later(minutes=1)
        assert stage.comments(outside) == []
        assert any(f"{outside} is not known in the scope" in note for note in result.notes)
