"""Bad days of writing to Linear: each ends in a sentence that says what to do, and the rest goes on."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support_linear_stage import LinearStage, linear_staged

from connectors.sandbox.linear import LinearFault

MANY = 4


def forbidden(root: str) -> str:
    """Linear's refusal of one root field."""
    extensions = {"type": "forbidden", "code": "FORBIDDEN", "userPresentableMessage": "You may not do that."}
    return json.dumps({"data": None, "errors": [{"message": "Forbidden", "path": [root], "extensions": extensions}]})


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[LinearStage]:
    scope = {"scope": {"teams": ["ENG", "OPS"]}}
    with linear_staged(tmp_path, write="label+comment", comments={"grace": "0s"}, commands={"allow": "off"}) as stage:
        stage.write(tracker=scope)
        stage.once()
        yield stage


def refused(stage: LinearStage, match: str, root: str, times: int | None = None) -> None:
    stage.space.faults.add(LinearFault("body", status=200, body=forbidden(root), match=match, times=times))


def texts(stage: LinearStage, kind: str) -> list[str]:
    return [finding.text for finding in stage.findings(kind)]


def test_403_on_one_team_keeps_no_other_from_its_labels(stage: LinearStage) -> None:
    eng = [stage.create(labels=["sre"]) for _ in range(MANY)]
    ops = [stage.create(team="OPS", labels=["sre"]) for _ in range(MANY)]
    refused(stage, "Mark[0-9]*", "issueBatchUpdate", times=2)  # both teams together, then ENG alone
    result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (MANY, MANY)
    assert {tuple(stage.marks(key)) for key in eng} == {()}
    assert {tuple(stage.marks(key)) for key in ops} == {("Outcome/reliability",)}
    (finding,) = texts(stage, "denied")
    assert "Grant: the right to edit issues in the team ENG" in finding
    assert stage.later(minutes=1).applied == MANY
    assert texts(stage, "denied") == []
    stage.quiet()


def test_403_on_comments_only_leaves_the_labels_be_made(stage: LinearStage) -> None:
    key = stage.create()
    refused(stage, "CommentCreate", "commentCreate")
    result = stage.later(minutes=1)
    assert (result.applied, stage.marks(key), stage.comments(key)) == (1, ["Alignment/unmapped"], [])
    (finding,) = texts(stage, "denied")
    assert "comment" in finding
    assert "Grant: " in finding
    stage.space.faults.clear()
    assert stage.later(minutes=1).applied == 1
    assert len(stage.comments(key)) == 1
    assert texts(stage, "denied") == []
    stage.quiet()


def test_an_issue_full_of_comments_bars_itself_and_no_other(stage: LinearStage) -> None:
    full, other = stage.create(), stage.create()
    stage.space.switches.comment_cap = 1
    stage.maria.comment(full, "One is enough")
    result = stage.later(minutes=1)
    assert (result.waiting, len(stage.comments(other))) == (1, 1)
    assert stage.marks(full) == ["Alignment/unmapped"]
    for _ in range(3):
        assert stage.later(minutes=1).planned == 0, "it is not tried in every cycle"
        (finding,) = texts(stage, "denied")
        assert f"room for a comment on {full}" in finding
    stage.space.switches.comment_cap = 2000
    assert stage.later(hours=6).applied == 1
    assert len(stage.comments(full)) == 1
    assert texts(stage, "denied") == []


def test_an_answer_that_says_done_where_nothing_is_done_is_looked_at_tried_once_more_and_then_a_finding(
    stage: LinearStage,
) -> None:
    stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.rest()
    deaf = stage.create(labels=["sre"])
    row = {"id": stage.space.issue(deaf).id, "labelIds": []}
    told = json.dumps({"data": {"issueUpdate": {"success": True, "issue": row}, "c0": {"success": True}}})
    fault = stage.space.faults.add(LinearFault("body", status=200, body=told, match="Mark[0-9]*", times=None))
    assert stage.later(minutes=1).applied == 1, "it was acknowledged"
    stage.quiet()
    assert stage.later(minutes=6).applied == 1
    for _ in range(4):
        assert stage.later(minutes=6).applied == 0
    assert fault.struck == 2
    (finding,) = texts(stage, "lost-write")
    assert deaf in finding
    assert "look for an automation that takes it off" in finding


def test_where_another_label_of_the_group_stands_nothing_is_tried_until_it_goes_and_explain_says_why(
    stage: LinearStage,
) -> None:
    robot, key = stage.space.automation("robot"), stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.quiet()
    stage.space.label("nonsense", group="Outcome")
    robot.edit(key, labels_add=["Outcome/nonsense"], labels_remove=["Outcome/reliability"])
    stage.edit(key, labels_remove=["sre"], labels_add=["finops"])
    assert stage.later(minutes=1).applied == 0
    stage.quiet()
    explanation, _ = stage.app.explain(key)
    (step,) = explanation.steps
    assert step.why == '"Outcome/nonsense" stands there, and an issue bears one label of a group: take it off'
    (finding,) = texts(stage, "unknown-mark")
    assert "names no outcome of the strategy" in finding
    stage.edit(key, labels_remove=["Outcome/nonsense"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["Outcome/cost"]
    stage.quiet()


# --- the store ---


def test_when_the_store_is_gone_its_marks_are_taken_over_and_nothing_is_written(stage: LinearStage) -> None:
    keys, unmapped = [stage.create(labels=["sre"]) for _ in range(MANY)], stage.create()
    stage.later(minutes=1)
    before = stage.world()
    for file in stage.folder.glob("syncd.db*"):
        file.unlink()
    stage.clock.move(timedelta(days=2))
    result = stage.once()
    assert (result.planned, result.applied, result.complete) == (0, 0, True)
    assert any("marks were taken over as the tracker holds them" in note for note in result.notes), result.notes
    assert stage.world() == before
    assert {tuple(stage.marks(key)) for key in keys} == {("Outcome/reliability",)}
    stage.edit(unmapped, labels_add=["sre"])
    stage.later(minutes=1)
    assert stage.marks(unmapped) == ["Outcome/reliability"], "what was taken over follows the rules"


def test_with_yesterdays_store_nothing_is_undone_that_people_did_since_and_no_comment_is_doubled(
    stage: LinearStage,
) -> None:
    kept, moved, asked = stage.create(labels=["sre"]), stage.create(labels=["sre"]), stage.create()
    stage.later(minutes=1)
    stage.rest()
    backup = stage.folder / "yesterday"
    backup.mkdir()
    for file in stage.folder.glob("syncd.db*"):
        shutil.copy(file, backup)
    # since then: people edit, syncd follows
    stage.edit(kept, labels_remove=["Outcome/reliability"])
    stage.edit(moved, labels_remove=["sre"], labels_add=["finops"])
    stage.edit(asked, labels_add=["sre"])
    new = stage.create()
    stage.later(minutes=1)
    stage.rest()
    assert [stage.marks(key) for key in (kept, moved, asked, new)] == [
        [], ["Outcome/cost"], ["Outcome/reliability"], ["Alignment/unmapped"],
    ]  # fmt: skip
    assert [len(stage.comments(key)) for key in (asked, new)] == [0, 1]
    before = {key: issue["labels"] for key, issue in stage.space.snapshot().items()}
    for file in stage.folder.glob("syncd.db*"):
        file.unlink()
    for file in backup.iterdir():
        shutil.copy(file, stage.folder)
    notes = [note for _ in range(3) for note in stage.later(minutes=7).notes]
    assert any("marks were taken over as the tracker holds them" in note for note in notes), notes
    assert {key: issue["labels"] for key, issue in stage.space.snapshot().items()} == before
    assert [len(stage.comments(key)) for key in (kept, moved, asked, new)] == [0, 0, 0, 1]
    stage.quiet()


# --- the clock ---


@pytest.mark.parametrize("minutes", [5, -5])
def test_a_clock_that_is_five_minutes_off_writes_the_same_and_once(minutes: int, stage: LinearStage) -> None:
    stage.space.clock = lambda: stage.clock.now() + timedelta(minutes=minutes)
    stage.later(minutes=10)
    key, unmapped = stage.create(labels=["sre"]), stage.create()
    assert stage.later(minutes=1).applied == 3
    for _ in range(3):
        stage.quiet()
    stage.edit(key, labels_remove=["Outcome/reliability"])
    stage.later(minutes=1)
    assert (stage.marks(key), stage.marks(unmapped)) == ([], ["Alignment/unmapped"])
    stage.later(minutes=7)
    stage.quiet()
    assert (stage.marks(key), len(stage.comments(unmapped))) == ([], 1)


# --- what a change costs ---


def test_fifty_labels_are_one_request_a_comment_one_more_and_an_echo_none(stage: LinearStage) -> None:
    stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.rest()
    before = stage.space.counts.copy()
    for _ in range(50):
        stage.create(labels=["sre"])
    assert stage.later(minutes=1).applied == 50
    marks = {name: n for name, n in (stage.space.counts - before).items() if name.startswith("Mark")}
    assert sum(marks.values()) == 1, marks
    before = stage.space.counts.copy()
    stage.create()
    stage.later(minutes=1)
    assert (stage.space.counts - before)["CommentCreate"] == 1
    before = stage.space.counts.copy()
    stage.quiet()
    assert not [name for name in stage.space.counts - before if name.startswith(("Mark", "Comment"))]
