"""What may be written: observe, label, comments; per project; closed work; the grace of alignment marks."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support_stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()
        yield stage


def whys(stage: Stage, key: str) -> list[str]:
    return [skipped.why for skipped in stage.plan().plan.skipped if skipped.key == key]


# --- observe and label ---


def test_under_observe_nothing_is_written_and_what_would_be_stands_in_skipped(stage: Stage) -> None:
    stage.write(tracker={"write": "observe"})
    keys = [stage.create(labels=["sre"]) for _ in range(30)]  # more than the guard lets pass; it does not run
    with stage.watched() as traffic:
        result = stage.later(minutes=1)
    assert (result.planned, result.applied, result.skipped, result.refusals) == (0, 0, 30, ())
    assert not traffic.writes
    assert whys(stage, keys[0]) == ["policy: observe"]
    assert {stage.decided(key) for key in keys} == {("mapped", "reliability")}
    stage.quiet()


def test_under_observe_a_plan_is_not_stored_for_applying(stage: Stage) -> None:
    stage.write(tracker={"write": "observe"})
    stage.create(labels=["sre"])
    shown = stage.plan()
    assert shown.plan.actions == ()
    assert shown.refusals == ()
    assert stage.app.apply(shown.plan.digest) is None


def test_what_was_only_observed_is_written_once_the_policy_says_label(stage: Stage) -> None:
    stage.write(tracker={"write": "observe"})
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.write(tracker={"write": "label"})
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/reliability"]


def test_write_by_overrides_the_policy_for_a_project(stage: Stage) -> None:
    stage.write(tracker={"write": "observe", "write_by": {"OPS": "label"}})
    pay, ops = stage.create("PAY", labels=["sre"]), stage.create("OPS", labels=["sre"])
    stage.later(minutes=1)
    assert (stage.marks(pay), stage.marks(ops)) == ([], ["outcome/reliability"])
    stage.quiet()


def test_going_back_to_observe_leaves_every_mark_where_it_is(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.write(tracker={"write": "observe"})
    stage.edit(key, labels_remove=["sre"])
    stage.quiet()
    assert stage.marks(key) == ["outcome/reliability"]
    assert whys(stage, key) == ["policy: observe"]


# --- closed work ---


def test_closed_work_is_decided_and_not_written(stage: Stage) -> None:
    key = stage.create(labels=["sre"], status="Done")
    stage.quiet()
    assert stage.decided(key) == ("mapped", "reliability")
    assert stage.marks(key) == []
    assert [why for why in whys(stage, key) if "closed" in why]


def test_a_mark_that_an_issue_had_when_it_was_closed_stays_as_it_is(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, status="Done", labels_remove=["sre"], labels_add=["finops"])
    stage.quiet()
    assert stage.marks(key) == ["outcome/reliability"]
    assert stage.decided(key) == ("mapped", "cost")


def test_reopened_work_is_written_again(stage: Stage) -> None:
    key = stage.create(labels=["sre"], status="Done")
    stage.quiet()
    stage.edit(key, status="In Progress")
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/reliability"]


def test_with_write_closed_closed_work_is_written_too(stage: Stage) -> None:
    key = stage.create(labels=["sre"], status="Done")
    stage.quiet()
    stage.write(write_closed=True)
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/reliability"]


# --- grace ---


def test_an_alignment_mark_waits_for_its_grace_and_an_outcome_does_not(stage: Stage) -> None:
    stage.write(marks={"grace": "15m"})
    unmapped, mapped = stage.create(), stage.create(labels=["sre"])
    stage.later(minutes=1)
    assert (stage.marks(unmapped), stage.marks(mapped)) == ([], ["outcome/reliability"])
    assert [why for why in whys(stage, unmapped) if why.startswith("grace until")]
    stage.quiet()
    assert stage.later(minutes=15).applied == 1
    assert stage.marks(unmapped) == ["alignment/unmapped"]
    stage.quiet()


def test_a_person_who_labels_within_the_grace_never_sees_the_alignment_mark(stage: Stage) -> None:
    stage.write(marks={"grace": "15m"})
    key = stage.create()
    stage.later(minutes=5)
    stage.edit(key, labels_add=["finops"])
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/cost"]
    names = [item.new_text for h in stage.site.histories[stage.site.issue(key).id] for item in h.items]
    assert not [name for name in names if name and "alignment/" in name]


def test_grace_is_over_at_once_for_an_issue_that_nobody_changed_within_it(tmp_path: Path) -> None:
    with staged(tmp_path, marks={"grace": "15m"}) as stage:
        key = stage.create()
        stage.clock.move(timedelta(hours=1))
        assert stage.once().applied == 1
        assert stage.marks(key) == ["alignment/unmapped"]


# --- comments ---


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.create(labels=["sre"], summary="Backlog that is fine")
        stage.once()
        yield stage


def test_an_unmapped_issue_that_a_person_just_made_is_asked_about_once(asking: Stage) -> None:
    key = asking.create()
    with asking.watched() as traffic:
        asking.later(minutes=1)
    (said,) = asking.comments(key)
    assert "Which outcome does this serve?" in said
    assert len(traffic.of("POST", r"issue/\d+/comment")) == 1
    asking.quiet()
    asking.edit(key, summary="Still nobody knows")
    asking.quiet()
    assert len(asking.comments(key)) == 1


def test_the_comment_is_edited_in_place_when_the_question_changes(asking: Stage) -> None:
    key = asking.create()
    asking.later(minutes=1)
    (first,) = asking.site.issue(key).comments
    asking.edit(key, labels_add=["sre", "finops"])
    asking.later(minutes=1)
    (second,) = asking.site.issue(key).comments
    assert second.id == first.id
    assert asking.comments(key)[0].startswith("Two outcome owners must decide what this serves;")
    assert "you need do nothing" in asking.comments(key)[0]
    asking.quiet()


def test_the_comment_goes_when_the_question_is_settled(asking: Stage) -> None:
    key = asking.create()
    asking.later(minutes=1)
    asking.edit(key, labels_add=["finops"])
    asking.later(minutes=1)
    assert asking.comments(key) == []
    assert asking.marks(key) == ["outcome/cost"]
    asking.quiet()


def test_the_grace_of_comments_is_kept(asking: Stage) -> None:
    asking.write(comments={"grace": "24h"})
    key = asking.create()
    asking.later(hours=1)
    assert asking.comments(key) == []
    asking.later(hours=22)
    assert asking.comments(key) == []
    asking.later(hours=2)
    assert len(asking.comments(key)) == 1


def test_nobody_is_asked_about_a_backlog(tmp_path: Path) -> None:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        key = stage.create()
        stage.once()
        assert stage.marks(key) == ["alignment/unmapped"]
        assert stage.comments(key) == []
        assert [why for why in whys(stage, key) if "see the report" in why]
        stage.write(comments={"grace": "0s", "backlog": True})
        stage.later(minutes=1)
        assert len(stage.comments(key)) == 1


def test_nobody_is_asked_about_closed_work(asking: Stage) -> None:
    key = asking.create(status="Done")
    asking.quiet()
    assert asking.comments(key) == []


def test_an_inherited_question_is_asked_at_the_ancestor_only(asking: Stage) -> None:
    epic = asking.create(type="Epic", labels=["sre", "finops"])
    children = [asking.create(parent=epic) for _ in range(3)]
    asking.later(minutes=1)
    assert len(asking.comments(epic)) == 1
    assert [asking.comments(key) for key in children] == [[], [], []]
    assert {tuple(asking.marks(key)) for key in children} == {("alignment/conflict",)}


def test_an_unmapped_child_of_an_unmapped_epic_is_not_asked_about(asking: Stage) -> None:
    epic = asking.create(type="Epic")
    child = asking.create(parent=epic)
    asking.later(minutes=1)
    assert len(asking.comments(epic)) == 1
    assert asking.comments(child) == []


def test_a_verdict_that_comes_from_a_rule_edit_asks_nobody(asking: Stage) -> None:
    key = asking.create(labels=["sre"])
    asking.later(minutes=1)
    asking.write(rules="rules:\n  - {id: cheap, outcome: cost, when: {label: finops}}\n")
    asking.later(minutes=1)
    assert asking.marks(key) == ["alignment/unmapped"]
    assert asking.comments(key) == []


def test_a_change_found_after_a_long_outage_asks_nobody(asking: Stage) -> None:
    key = asking.create()
    asking.later(hours=25)
    assert asking.marks(key) == ["alignment/unmapped"]
    assert asking.comments(key) == []


def test_under_label_there_are_no_comments(stage: Stage) -> None:
    stage.write(comments={"grace": "0s"})
    key = stage.create()
    stage.later(minutes=1)
    assert stage.marks(key) == ["alignment/unmapped"]
    assert stage.comments(key) == []


def test_a_comment_that_a_person_deleted_stays_away_until_the_verdict_changes(asking: Stage) -> None:
    key = asking.create()
    asking.later(minutes=1)
    (comment,) = asking.site.issue(key).comments
    asking.tick()
    asking.site.person("tom").delete_comment(comment.id)
    asking.quiet()
    asking.edit(key, summary="Go away")
    asking.quiet()
    assert asking.comments(key) == []
    asking.edit(key, labels_add=["sre", "finops"])
    asking.later(minutes=1)
    asking.later(minutes=1)
    assert len(asking.comments(key)) == 1
    asking.quiet()


def test_a_comment_names_no_value_of_another_issue(asking: Stage) -> None:
    asking.write(
        rules="rules:\n"
        "  - {id: secret, outcome: cost, when: {epic: {title: '*takeover*'}}}\n"
        "  - {id: reliable, outcome: reliability, when: {label: sre}}\n"
    )
    asking.later(minutes=1)
    epic = asking.create("STRAT", type="Epic", summary="Hostile takeover of Acme")
    key = asking.create(parent=epic, labels=["sre"])
    asking.later(minutes=1)
    (said,) = asking.comments(key)
    assert "takeover" not in said.casefold()
    assert epic in said
