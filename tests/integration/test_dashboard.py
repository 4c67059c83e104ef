"""The dashboard: one comment on an issue of the admin's, counts and keys, at most once an hour, left once closed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_stage import Stage, staged


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
