"""Who is asked what an issue serves: where an unmapped parent is asked, its children are not; else they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_linear_stage import LinearStage, linear_staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[LinearStage]:
    with linear_staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.once()
        yield stage


def asked(stage: LinearStage, *keys: str) -> list[int]:
    return [len(stage.comments(key)) for key in keys]


def test_the_child_of_an_unmapped_parent_is_asked_once_the_parent_is_archived(stage: LinearStage) -> None:
    parent = stage.create("Above")
    child = stage.create("Below", parent=parent)
    stage.later(minutes=1)
    assert asked(stage, parent, child) == [1, 0]
    stage.maria.archive(parent)
    found, _ = stage.app.explain(child)
    assert "asked at the ancestor only" in str(found.steps)
    stage.later(minutes=1)
    assert asked(stage, parent, child) == [1, 1], "of a parent that is out of scope nobody reads the question"
    stage.quiet()


def test_a_parent_out_of_scope_is_not_asked_so_its_child_is(stage: LinearStage) -> None:
    parent = stage.create("Above", team="OPS")
    child = stage.create("Below", parent=parent)
    stage.later(minutes=1)
    assert asked(stage, parent, child) == [0, 1]


def test_a_parent_that_was_archived_before_anybody_looked_asks_nobody(stage: LinearStage) -> None:
    parent = stage.create("Above")
    stage.maria.archive(parent)
    child = stage.create("Below", parent=parent)
    stage.later(minutes=1)
    assert asked(stage, parent, child) == [0, 1], "it is of a team in scope, and not in scope itself"


def test_a_rule_edit_foresees_the_question_where_it_will_be_asked(stage: LinearStage) -> None:
    stage.write(comments={"grace": "0s", "backlog": True})
    parent = stage.create("Above", labels=["sre"])
    child = stage.create("Below", parent=parent)
    stage.later(minutes=1)
    assert asked(stage, parent, child) == [0, 0]
    stage.maria.archive(parent)
    stage.later(minutes=1)
    nobody = "rules:\n  - {id: cheap, outcome: cost, when: {label: finops}}\n"
    stage.write(rules=nobody)
    diff = stage.app.rules_diff(None)
    assert [action.key for action in diff.writes if action.kind == "comment"] == [child]
    stage.later(minutes=1)
    assert asked(stage, parent, child) == [0, 1]
