"""Bad days of writing: each ends in a sentence that says what to do, and the rest goes on."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support_stage import Stage, staged

from connectors.sandbox import Fault

COMMENT = "POST /rest/api/3/issue/{issueIdOrKey}/comment"
MANY = 12


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.once()
        yield stage


def many(stage: Stage, project: str = "PAY", **told: Any) -> list[str]:
    return [stage.create(project, **(told or {"labels": ["sre"]})) for _ in range(MANY)]


def each(stage: Stage, keys: list[str]) -> set[tuple[str, ...]]:
    return {tuple(stage.marks(key)) for key in keys}


OURS = {("outcome/reliability",)}


# --- permissions ---


def test_403_on_one_project_keeps_no_other_from_its_labels(stage: Stage) -> None:
    stage.site.permissions.may_edit["PAY"] = False
    pay, ops = many(stage), many(stage, "OPS")
    result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (MANY, MANY)
    assert (each(stage, pay), each(stage, ops)) == ({()}, OURS)
    (finding,) = stage.findings("denied")
    assert "Grant: Edit issues (PAY)." in finding
    stage.site.permissions.may_edit["PAY"] = True
    assert stage.later(minutes=1).applied == MANY
    assert stage.findings("denied") == []
    stage.quiet()


def test_403_on_labels_only_keeps_the_comment_waiting_behind_them(stage: Stage) -> None:
    stage.site.permissions.labels_on_screen["PAY"] = False
    key = stage.create()
    result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (0, 2)
    assert (stage.marks(key), stage.comments(key)) == ([], [])
    (finding,) = stage.findings("denied")
    assert "the field Labels on the edit screen of PAY" in finding
    stage.site.permissions.labels_on_screen["PAY"] = True
    assert stage.later(minutes=1).applied == 2
    stage.quiet()


@pytest.mark.parametrize("count", [2, MANY], ids=["one by one", "in bulk"])
def test_labels_that_one_type_of_issue_lacks_keep_no_other_type_of_its_project_from_them(
    stage: Stage, count: int
) -> None:
    stage.site.permissions.labels_on_screen["PAY/Bug"] = False
    bugs = [stage.create(type="Bug", labels=["sre"]) for _ in range(count)]
    tasks = [stage.create(type="Task", labels=["sre"]) for _ in range(count)]
    with stage.watched() as traffic:
        result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (count, count)
    assert (each(stage, bugs), each(stage, tasks)) == ({()}, OURS)
    assert [e.status for e in traffic.of("PUT", r"issue/\d+")].count(400) == 1, "asked once for all bugs"
    (finding,) = stage.findings("denied")
    assert "Grant: the field Labels on the edit screen of PAY for issues of type Bug (PAY, Bug)." in finding
    stage.site.permissions.labels_on_screen["PAY/Bug"] = True
    assert stage.later(minutes=1).applied == count
    assert (each(stage, bugs), stage.findings("denied")) == (OURS, [])
    stage.quiet()


def test_each_type_of_issue_that_lacks_labels_is_a_finding_of_its_own(stage: Stage) -> None:
    stage.site.permissions.labels_on_screen |= {"PAY/Bug": False, "OPS/Task": False}
    made = {(p, t): stage.create(p, type=t, labels=["sre"]) for p in ("PAY", "OPS") for t in ("Bug", "Task")}
    assert stage.later(minutes=1).applied == 2
    assert [where for where, key in made.items() if stage.marks(key)] == [("PAY", "Task"), ("OPS", "Bug")]
    assert sorted(text.partition("Grant: ")[2] for text in stage.findings("denied")) == [
        "the field Labels on the edit screen of OPS for issues of type Task (OPS, Task).",
        "the field Labels on the edit screen of PAY for issues of type Bug (PAY, Bug).",
    ]


def test_403_on_comments_only_leaves_the_labels_be_made(stage: Stage) -> None:
    stage.site.permissions.may_comment["PAY"] = False
    key = stage.create()
    assert (stage.later(minutes=1).applied, stage.marks(key)) == (1, ["alignment/unmapped"])
    assert "Grant: Add comments (PAY)." in stage.findings("denied")[0]


def test_403_on_the_property_only_is_told_from_one_on_the_edit(stage: Stage) -> None:
    stage.site.permissions.may_set_properties["PAY"] = False
    key = stage.create(labels=["sre"])
    assert stage.later(minutes=1).waiting == 1
    assert stage.marks(key) == []
    (finding,) = stage.findings("denied")
    assert "writing the issue property syncd" in finding
    assert "app access rule" in finding


def test_in_bulk_a_refused_property_is_said_beside_the_labels(stage: Stage) -> None:
    stage.site.permissions.may_set_properties["PAY"] = False
    keys = many(stage)
    assert stage.later(minutes=1).applied == MANY
    assert each(stage, keys) == OURS
    (finding,) = stage.findings("denied")
    assert "let the account write issue properties in PAY" in finding


def test_where_neither_silent_way_is_allowed_nothing_is_written_and_both_rights_are_named(stage: Stage) -> None:
    stage.site.permissions.may_silence["PAY"] = stage.site.permissions.may_bulk["*"] = False
    keys = many(stage)
    stage.site.mails.clear()
    with stage.watched() as traffic:
        assert stage.later(minutes=1).waiting == MANY
    assert len(traffic.writes) == 1, "one probe"
    assert (each(stage, keys), stage.site.mails) == ({()}, [])
    (finding,) = stage.findings("denied")
    assert "Administer projects in PAY, or the global permission Make bulk changes" in finding


def test_where_the_notify_flag_is_refused_a_label_goes_by_a_silent_bulk_edit(stage: Stage) -> None:
    stage.site.permissions.may_silence["PAY"] = False
    key = stage.create(labels=["sre"])
    stage.site.mails.clear()
    assert stage.later(minutes=1).applied == 1
    assert (stage.marks(key), stage.site.mails) == (["outcome/reliability"], [])
    stage.quiet()


# --- single issues ---


def test_an_issue_full_of_comments_bars_itself_and_no_other(stage: Stage) -> None:
    full, other = stage.create(), stage.create()
    match = f"POST /rest/api/3/issue/{stage.site.issue(full).id}/comment"
    fault = stage.site.faults.add(Fault("status", status=413, match=match, times=None))
    result = stage.later(minutes=1)
    assert (result.waiting, len(stage.comments(other))) == (1, 1)
    assert stage.marks(full) == ["alignment/unmapped"]
    for _ in range(3):
        assert (stage.later(minutes=1).planned, fault.struck) == (0, 1), "it is not tried in every cycle"
        (finding,) = stage.findings("denied")
        assert f"room for a comment on {full}" in finding
    stage.site.faults.clear()
    assert stage.later(hours=6).applied == 1
    assert len(stage.comments(full)) == 1
    assert stage.findings("denied") == []
    stage.quiet()


def test_a_204_that_changes_nothing_is_looked_at_tried_once_more_and_then_a_finding(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.site.quirks.deaf.add(key)
    assert stage.later(minutes=1).applied == 1, "it was acknowledged"
    stage.quiet()
    with stage.watched() as traffic:
        assert stage.later(minutes=6).applied == 1
        assert str(stage.site.issue(key).id) in traffic.fetched, "looked at past the index"
        stage.quiet()
        for _ in range(3):
            assert stage.later(minutes=6).applied == 0
    assert len(traffic.edits) == 1
    (finding,) = stage.findings("lost-write")
    assert key in finding


def test_an_issue_that_is_deleted_with_a_write_to_come_is_not_planned_in_every_cycle(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    issue_id = stage.site.issue(key).id
    gone = stage.site.faults.add(Fault("status", status=404, match=f"PUT /rest/api/3/issue/{issue_id}", times=None))
    assert stage.later(minutes=1).planned == 1
    for _ in range(4):
        assert (stage.later(minutes=1).planned, gone.struck) == (0, 1)
    stage.site.faults.clear()
    assert stage.later(hours=6).applied == 1, "it was only out of sight for a while"


# --- the store ---


def test_when_the_store_is_gone_its_marks_are_taken_over_and_nothing_is_written(stage: Stage) -> None:
    keys, unmapped = many(stage), stage.create()
    stage.later(minutes=1)
    before = stage.site.snapshot()
    for file in stage.folder.glob("syncd.db*"):
        file.unlink()
    stage.clock.move(timedelta(days=2))
    result = stage.once()
    assert (result.planned, result.applied, result.complete) == (0, 0, True)
    assert any("marks were taken over as the tracker holds them" in note for note in result.notes), result.notes
    assert stage.site.snapshot() == before
    assert each(stage, keys) == OURS
    stage.edit(unmapped, labels=["sre"])
    stage.later(minutes=1)
    assert stage.marks(unmapped) == ["outcome/reliability"], "what was taken over follows the rules"


def test_with_yesterdays_store_nothing_is_undone_that_people_did_since_and_no_comment_is_doubled(stage: Stage) -> None:
    kept, moved = stage.create(labels=["sre"]), stage.create(labels=["sre"])
    asked = stage.create()
    stage.later(minutes=1)
    stage.rest()
    backup = stage.folder / "yesterday"
    backup.mkdir()
    for file in stage.folder.glob("syncd.db*"):
        shutil.copy(file, backup)
    # since then: people edit, syncd follows
    stage.edit(kept, labels_remove=["outcome/reliability"])
    stage.edit(moved, labels_remove=["sre"], labels_add=["finops"])
    stage.edit(asked, labels_add=["sre"])
    new = stage.create()
    stage.later(minutes=1)
    stage.rest()
    assert [stage.marks(k) for k in (kept, moved, asked, new)] == [
        [], ["outcome/cost"], ["outcome/reliability"], ["alignment/unmapped"],
    ]  # fmt: skip
    assert [len(stage.comments(k)) for k in (asked, new)] == [0, 1]
    before = stage.site.snapshot()
    for file in stage.folder.glob("syncd.db*"):
        file.unlink()
    for file in backup.iterdir():
        shutil.copy(file, stage.folder)
    notes = [note for _ in range(3) for note in stage.later(minutes=7).notes]
    assert any("marks were taken over as the tracker holds them" in note for note in notes), notes
    after = stage.site.snapshot()
    assert {key: state.labels for key, state in after.items()} == {key: state.labels for key, state in before.items()}
    assert [len(stage.comments(k)) for k in (kept, moved, asked, new)] == [0, 0, 0, 1]
    stage.quiet()


# --- the clock ---


@pytest.mark.parametrize("minutes", [5, -5])
def test_a_clock_that_is_five_minutes_off_writes_the_same_and_once(minutes: int, tmp_path: Path) -> None:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.site.clock = lambda: stage.clock.now() + timedelta(minutes=minutes)
        stage.once()
        key, unmapped = stage.create(labels=["sre"]), stage.create()
        assert stage.later(minutes=1).applied == 3
        for _ in range(3):
            stage.quiet()
        stage.edit(key, labels_remove=["outcome/reliability"])
        stage.later(minutes=1)
        assert (stage.marks(key), stage.marks(unmapped)) == ([], ["alignment/unmapped"])
        stage.later(minutes=7)
        stage.quiet()
        assert (stage.marks(key), len(stage.comments(unmapped))) == ([], 1)
