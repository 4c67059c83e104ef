"""Our labels in Linear stay ours whatever people call them: a new name is no removal, and no mark of anybody's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support_linear_stage import LinearStage, linear_staged

from connectors.linear import labels

RENAMED = "Never down"
Edit = Callable[[LinearStage], object]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[LinearStage]:
    with linear_staged(tmp_path, limits={"share": 1.0}) as stage:
        yield stage


def marked(stage: LinearStage) -> str:
    """An issue with one mark of ours, by key, and another with another."""
    key = stage.create(labels=["sre"])
    stage.create(labels=["finops"])
    assert stage.once().applied == 2
    stage.later(minutes=7)
    return key


def rename_and_wipe(stage: LinearStage) -> None:
    stage.maria.describe_label("Outcome/reliability", None)
    stage.maria.rename_label("Outcome/reliability", RENAMED)


EDITS: dict[str, Edit] = {
    "a label": lambda stage: stage.maria.rename_label("Outcome/reliability", RENAMED),
    "the group": lambda stage: stage.maria.rename_label("Outcome", "Goals"),
    "both": lambda stage: (
        stage.maria.rename_label("Outcome/reliability", RENAMED),
        stage.maria.rename_label("Outcome", "Goals"),
    ),
    "a label, and its description goes": rename_and_wipe,
    "to another outcome's name": lambda stage: stage.maria.rename_label("Outcome/reliability", "chores"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_new_name_writes_nothing_is_nobodys_word_and_is_what_the_next_issue_gets(
    stage: LinearStage, edit: Edit
) -> None:
    key = marked(stage)
    edit(stage)
    stage.edit(key, title="Fail over soon")  # so that its row is newer than the one that showed the mark
    before = stage.world()
    assert stage.later(minutes=1).planned == 0
    assert stage.world() == before
    assert stage.findings() == []
    known = stage.known(key)
    assert known.issue.marks == ("Outcome/reliability",)
    assert known.applied is not None
    assert known.applied.declined is None
    with stage.store() as store:
        assert store.overrides([known.issue.ref]) == {}
    late = stage.create(labels=["sre"])
    assert stage.later(minutes=1).applied == 1
    assert stage.labels(late) == stage.labels(key), "no second label for the same outcome"
    stage.edit(late, labels_remove=["sre"], labels_add=["finops"])
    assert stage.later(minutes=1).applied == 1
    stage.quiet()
    assert stage.known(late).issue.marks == ("Outcome/cost",)


def test_without_knowing_it_by_more_than_its_name_a_new_name_is_taken_for_a_removal(
    stage: LinearStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = marked(stage)
    monkeypatch.setattr(labels, "_made", lambda *_: {})
    stage.maria.rename_label("Outcome/reliability", RENAMED)
    stage.edit(key, title="Fail over soon")
    stage.later(minutes=1)
    applied = stage.known(key).applied
    assert applied is not None
    assert applied.declined == ("mapped", "reliability")


def test_taking_it_off_is_a_removal_under_any_name(stage: LinearStage) -> None:
    key = marked(stage)
    stage.maria.rename_label("Outcome/reliability", RENAMED)
    stage.edit(key, labels_remove=[f"Outcome/{RENAMED}"])
    stage.later(minutes=1)
    applied = stage.known(key).applied
    assert applied is not None
    assert applied.declined == ("mapped", "reliability")
    assert stage.labels(key) == ["sre"]
    stage.quiet()


def test_a_description_that_was_copied_onto_another_label_proves_nothing(stage: LinearStage) -> None:
    marked(stage)
    stage.space.label("ours too", group="Outcome", description=stage.space.find_label("Outcome/cost").description)
    key = stage.create(labels=["sre", "Outcome/ours too"])
    stage.later(minutes=1)
    assert stage.known(key).issue.marks == ("Outcome/ours too",)
