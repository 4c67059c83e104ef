"""Children follow their epics without a read; what cannot be read is never taken for 'no epic'."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support_stage import Stage, staged

from connectors.jira.cloud import CloudKind
from connectors.jira.reader import CloudReader


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()
        yield stage


def family(stage: Stage, project: str = "PAY") -> tuple[str, list[str]]:
    """An epic in that project with five stories in PAY, and a sub-task below the last one."""
    epic = stage.create(project, type="Epic", labels=["sre"], summary="An epic")
    children = [stage.create(parent=epic, type="Story") for _ in range(5)]
    children.append(stage.create(parent=children[-1], type="Sub-task"))
    return epic, children


def ids(stage: Stage, keys: list[str]) -> set[str]:
    return {str(stage.site.issue(key).id) for key in keys}


def test_an_epic_s_label_changes_and_its_children_follow_in_the_next_cycle_with_no_read_for_a_child(
    stage: Stage,
) -> None:
    epic, children = family(stage)
    stage.later(minutes=1)
    assert {stage.marks(key)[0] for key in [epic, *children]} == {"outcome/reliability"}
    stage.rest()
    stage.edit(epic, labels_remove=["sre"], labels_add=["finops"])
    with stage.watched() as traffic:
        result = stage.later(minutes=1)
    assert result.observed == 1
    assert result.applied == len(children) + 1
    assert [stage.marks(key) for key in [epic, *children]] == [["outcome/cost"]] * (len(children) + 1)
    assert not traffic.single_reads
    assert not traffic.fetched
    assert len(traffic.of("POST", "search/jql")) == 1
    stage.quiet()


def test_the_children_follow_an_epic_outside_the_scope_which_is_read_and_never_written(stage: Stage) -> None:
    epic, children = family(stage, "STRAT")
    stage.later(minutes=1)
    stage.rest()
    untouched = stage.site.issue(epic)
    assert (stage.marks(epic), dict(untouched.properties)) == ([], {})
    stage.edit(epic, labels_remove=["sre"], labels_add=["finops"])
    with stage.watched() as traffic:
        result = stage.later(minutes=1)
    assert result.applied == len(children)
    assert {tuple(stage.marks(key)) for key in children} == {("outcome/cost",)}
    assert set(traffic.fetched) == ids(stage, [epic])  # one request, for the epic alone
    assert not traffic.single_reads
    assert stage.marks(epic) == []
    stage.quiet()


@pytest.fixture
def as_a_daemon(stage: Stage) -> Iterator[Stage]:
    """One reader stays from cycle to cycle."""
    make, close, readers = CloudKind.reader, CloudReader.close, list[CloudReader]()

    def the_one(kind: CloudKind, options: Any, clock: Any) -> CloudReader:
        readers[:] = readers or [make(kind, options, clock)]
        return readers[0]

    with ExitStack() as stack:
        stack.enter_context(patch.object(CloudKind, "reader", the_one))
        stack.enter_context(patch.object(CloudReader, "close", lambda _reader: None))
        yield stage
    close(readers[0])


def test_an_unchanged_ancestor_outside_the_scope_is_neither_mapped_nor_decided_again_and_no_change_of_it_is_missed(
    as_a_daemon: Stage,
) -> None:
    stage, site = as_a_daemon, as_a_daemon.site
    epic, children = family(stage, "STRAT")
    above = stage.create("STRAT", type="Epic", labels=["finops"])
    stage.later(minutes=1)
    stage.rest()

    def silently(**values: Any) -> None:
        """Without a new `updated`: the fields of an issue tell of more than the issue."""
        site.store(replace(site.issue(epic), **values))

    changes: dict[str, Callable[[], object]] = {
        "status": lambda: stage.edit(epic, status="In Progress"),
        "title, silently": lambda: silently(summary="Another title"),
        "label": lambda: stage.edit(epic, labels=[]),
        "parent": lambda: stage.edit(epic, parent=above),
        "permission lost": lambda: site.permissions.hidden.add(site.issue(epic).id),
        "permission given": site.permissions.hidden.clear,
        "parent, silently": lambda: silently(parent=None, epic_link=None),
    }
    for what, change in changes.items():
        change()
        assert stage.later(minutes=1).decided >= len(children), what
    with patch("connectors.jira.remembered.read_issue", side_effect=AssertionError("it was mapped again")):
        assert stage.quiet().decided == 0
    assert {stage.decided(key) for key in children} == {("unmapped", None)}


def test_a_mark_that_a_person_puts_on_the_epic_overrides_for_its_children_in_the_same_cycle(stage: Stage) -> None:
    epic, children = family(stage)
    stage.later(minutes=1)
    stage.rest()
    stage.edit(epic, labels_add=["outcome/cost"])
    with stage.watched() as traffic:
        stage.later(minutes=1)
    assert stage.marks(epic) == ["outcome/cost"]
    assert {tuple(stage.marks(key)) for key in children} == {("outcome/cost",)}
    assert not ids(stage, children) & set(traffic.fetched)
    stage.quiet()
    stage.edit(epic, labels_remove=["outcome/cost"])
    stage.later(minutes=1)
    assert {tuple(stage.marks(key)) for key in [epic, *children]} == {("outcome/reliability",)}
    stage.quiet()


def test_a_child_s_own_rule_is_stronger_than_its_epic(stage: Stage) -> None:
    epic, _ = family(stage)
    own = stage.create(parent=epic, labels=["finops"])
    stage.later(minutes=1)
    assert stage.marks(own) == ["outcome/cost"]
    assert stage.explain(own).decision.diverges_from == epic


def test_below_an_unreadable_ancestor_nothing_is_written_until_it_can_be_read(stage: Stage) -> None:
    epic, children = family(stage, "PROC")
    result = stage.later(minutes=1)
    assert result.complete
    assert {stage.decided(key)[0] for key in children} == {"incomplete"}
    assert {tuple(stage.marks(key)) for key in children} == {()}
    assert epic in str(stage.explain(children[0]).missing)
    stage.quiet()
    stage.site.permissions.may_browse["PROC"] = True
    assert stage.later(minutes=1).applied == len(children)
    assert {tuple(stage.marks(key)) for key in children} == {("outcome/reliability",)}
    stage.quiet()


def test_when_an_ancestor_becomes_unreadable_the_marks_below_it_stay_as_they_are(stage: Stage) -> None:
    epic, children = family(stage, "STRAT")
    stage.later(minutes=1)
    stage.rest()
    stage.site.permissions.may_browse["STRAT"] = False
    stage.quiet()
    assert {stage.decided(key)[0] for key in children} == {"incomplete"}
    assert {tuple(stage.marks(key)) for key in children} == {("outcome/reliability",)}
    assert epic in str(stage.explain(children[0]).missing)
    stage.site.permissions.may_browse["STRAT"] = True
    stage.quiet()
    assert {stage.decided(key) for key in children} == {("mapped", "reliability")}


def test_below_the_unreadable_the_issue_s_own_rules_still_count(stage: Stage) -> None:
    epic = stage.create("PROC", type="Epic")
    key = stage.create(parent=epic, labels=["sre"])
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/reliability"]


def test_an_issue_that_gets_another_parent_serves_what_that_one_serves(stage: Stage) -> None:
    _, children = family(stage)
    other = stage.create(type="Epic", labels=["finops"])
    stage.later(minutes=1)
    stage.edit(children[0], parent=other)
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(children[0]) == ["outcome/cost"]
    stage.edit(children[-2], parent=other)  # the one with a sub-task
    assert stage.later(minutes=1).applied == 2
    assert stage.marks(children[-1]) == ["outcome/cost"]
    stage.edit(children[0], parent=None)
    stage.later(minutes=1)
    assert stage.marks(children[0]) == ["alignment/unmapped"]
    stage.quiet()


def test_an_issue_that_moves_within_the_scope_stays_the_same_issue_and_its_old_key_answers(stage: Stage) -> None:
    old = stage.create("PAY", labels=["sre"])
    stage.later(minutes=1)
    stage.tick()
    new = stage.site.person("tom").move(old, "OPS")
    stage.quiet()
    assert new.startswith("OPS-")
    assert stage.explain(old).issue.key == new
    assert stage.explain(old.lower()).issue.ref == stage.explain(new).issue.ref
    assert stage.marks(new) == ["outcome/reliability"]


def test_children_find_an_epic_that_moved(stage: Stage) -> None:
    epic, children = family(stage, "OPS")
    stage.later(minutes=1)
    stage.tick()
    moved = stage.site.person("ines").move(epic, "PAY")
    stage.quiet()
    stage.edit(moved, labels_remove=["sre"], labels_add=["finops"])
    stage.later(minutes=1)
    assert {tuple(stage.marks(key)) for key in children} == {("outcome/cost",)}


def test_a_circle_of_parents_is_cut_and_reported(stage: Stage) -> None:
    upper = stage.create(type="Epic")
    lower = stage.create(type="Story", parent=upper)
    stage.edit(upper, parent=lower)
    stage.later(minutes=1)
    assert stage.decided(upper) == stage.decided(lower) == ("unmapped", None)
    assert stage.findings("cycle")
    stage.quiet()


def test_a_default_stands_only_where_no_ancestor_speaks(stage: Stage) -> None:
    stage.write(
        rules="rules:\n"
        "  - {id: reliable, outcome: reliability, when: {label: sre}}\n"
        "  - {id: pay, outcome: cost, when: {project: PAY}, default: true}\n"
    )
    epic = stage.create(type="Epic", labels=["sre"])
    child, alone = stage.create(parent=epic), stage.create()
    below_default = stage.create("OPS", parent=stage.create(type="Epic"))
    stage.later(minutes=1)
    assert stage.marks(child) == ["outcome/reliability"]
    assert stage.marks(alone) == ["outcome/cost"]
    assert stage.marks(below_default) == ["alignment/unmapped"]  # defaults are never inherited
