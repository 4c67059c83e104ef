"""Linear on bad days, as an operator lives through them: faults, limits, readings cut off, fields that fail."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support_linear import troubled
from support_linear_stage import TRACKER, LinearStage, linear_staged

from connectors.linear import reader
from connectors.linear.documents import ISSUES_AT_ONCE
from connectors.sandbox.linear import LinearFault

MUCH = {"share": 1.0, "actions": 10_000}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[LinearStage]:
    with linear_staged(tmp_path, limits=MUCH) as stage:
        yield stage


def seen(stage: LinearStage) -> list[tuple[datetime, Any]]:
    """Each exchange from now on, with when it was."""
    found: list[tuple[datetime, Any]] = []
    stage.space.on_exchange = lambda exchange: found.append((stage.clock.now(), exchange))
    return found


def told(stage: LinearStage) -> Any:
    return stage.app.status()["trackers"][TRACKER]


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.stress) for first in (1, 2, 3))])
def test_with_every_fifth_answer_bad_all_arrives_nothing_is_sent_too_soon_and_status_is_true(
    stage: LinearStage, first: int
) -> None:
    keys = [stage.create(str(n), labels=["sre" if n % 2 else "finops"]) for n in range(40)]
    below = [stage.create(f"{key}, in part", parent=key) for key in keys[:10]]
    fault = troubled(stage.space, first=first)
    exchanges = seen(stage)
    results = [stage.later(minutes=1)]
    while len(results) < 12 and not (results[-1].complete and results[-1].planned == 0):
        status = told(stage)
        assert (status["why"] is None) is results[-1].complete
        assert status["watermark"] is None or results[-1].complete or len(results) > 1
        results.append(stage.later(minutes=1))
    assert results[-1].complete
    assert fault.struck >= len(exchanges) // 5 - 1
    assert {key: stage.marks(key) for key in keys} == {
        key: ["Outcome/reliability" if n % 2 else "Outcome/cost"] for n, key in enumerate(keys)
    }
    assert {key: stage.marks(key) for key in below} == {key: stage.marks(keys[n]) for n, key in enumerate(below)}
    assert Counter(stage.space.label_names().values()).most_common(1)[0][1] == 1, "no label twice"
    rate = timedelta(hours=1) / stage.space.limits.requests
    for (at, one), (later, _) in pairwise(exchanges):
        if one.fault == "ratelimited":
            assert later - at >= rate, "sent before it could be allowed"
    status = told(stage)
    assert (status["healthy"], status["why"]) == (True, None)
    stage.space.faults.clear()
    stage.quiet()


def test_while_linear_is_away_status_says_so_and_since_when_and_then_that_it_is_well(stage: LinearStage) -> None:
    stage.create(labels=["sre"])
    stage.once()
    before = told(stage)
    stage.space.faults.add(LinearFault("status", status=503, times=None))
    late = stage.create(labels=["sre"])
    result = stage.later(minutes=1)
    status = told(stage)
    assert (result.complete, result.applied) == (False, 0)
    assert "503" in str(status["why"])
    assert status["last_success"] == before["last_success"]
    assert status["watermark"] == before["watermark"]
    stage.space.faults.clear()
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(late) == ["Outcome/reliability"]
    assert told(stage)["why"] is None


# --- a first reading that is cut off --------------------------------------------------------------------------


def cut_off(stage: LinearStage, pages: int) -> None:
    """A first reading of which only so many pages arrive."""
    fault = stage.space.faults.add(LinearFault("status", status=503, match="Issues", after=pages, times=None))
    result = stage.once()
    assert (result.complete, result.observed) == (False, pages * ISSUES_AT_ONCE)
    assert fault.struck
    stage.space.faults.clear()


def test_a_first_reading_that_is_cut_off_goes_on_where_it_was_and_misses_nothing_of_the_meantime(
    stage: LinearStage,
) -> None:
    stage.space.project("Failover", teams=["ENG"])
    keys = [stage.create(str(n), labels=["sre"], project="Failover") for n in range(2 * ISSUES_AT_ONCE + 10)]
    stage.clock.move(timedelta(minutes=10))  # past the overlap: none of them changed lately
    cut_off(stage, 1)
    stage.maria.rename_label("sre", "finops")  # of issues that were read, and of others that were not
    newest = keys[-1]
    stage.edit(newest, title="Edited after it was read")
    before = stage.space.counts.copy()
    result = stage.later(minutes=1)
    assert result.complete
    left = len(keys) - ISSUES_AT_ONCE  # the two pages that had not arrived
    changed = ISSUES_AT_ONCE  # one page: since it began, those of the first page got a mark of ours, and one was edited
    renamed = len(keys)  # three pages: the label is on every issue, and its new name makes none of them newer
    assert (stage.space.counts - before)["Issues"] == 2 + 1 + 3, "and nothing else of what was there already"
    assert (result.observed, result.decided) == (left + changed + renamed, len(keys)), "each is decided once"
    stage.later(minutes=1)
    assert stage.known(newest).issue.title == "Edited after it was read"
    assert {tuple(stage.known(key).issue.labels) for key in (keys[0], keys[len(keys) // 2], newest)} == {("finops",)}
    assert Counter(tuple(stage.marks(key)) for key in keys) == {("Outcome/cost",): len(keys)}


def test_one_for_another_scope_or_of_last_week_begins_anew(stage: LinearStage, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(ISSUES_AT_ONCE + 5):
        stage.create(str(n), labels=["sre"])
    other = stage.create("Elsewhere", team="OPS", labels=["sre"])
    cut_off(stage, 1)
    stage.write(tracker={"scope": {"teams": ["ENG", "OPS"]}})
    assert stage.later(minutes=1).observed >= ISSUES_AT_ONCE + 6
    assert stage.marks(other) == ["Outcome/reliability"]
    monkeypatch.setattr(reader, "OLDEST", timedelta(minutes=1))
    stage.write(store="sqlite:///another.db")
    cut_off(stage, 1)
    assert stage.later(minutes=2).observed >= ISSUES_AT_ONCE + 6


# --- fields that fail -----------------------------------------------------------------------------------------


def test_a_field_that_fails_for_an_hour_sets_its_issue_aside_until_it_can_be_told_though_nobody_edits_it(
    stage: LinearStage,
) -> None:
    stage.space.project("Failover", teams=["ENG"])
    keys = [stage.create(str(n), labels=["sre"], project="Failover") for n in range(3)]
    fault = stage.space.faults.add(LinearFault("partial", match="Issues", at="Issue.project", times=None))
    result = stage.once()
    assert result.complete, "the others arrived"
    (bad,) = [key for key in keys if not stage.marks(key)]
    (finding,) = stage.findings("unreadable")
    assert finding.key is not None
    assert bad in finding.key
    assert "project" in finding.text
    stage.later(minutes=30)
    assert fault.struck > 3
    stage.space.faults.clear()
    stage.later(minutes=30)
    assert stage.marks(bad) == ["Outcome/reliability"], "read again, though no change of it tells"
    assert stage.findings("unreadable") == []
    before = stage.space.counts.copy()
    stage.quiet()
    assert (stage.space.counts - before)["Issues"] == 1, "and not for ever"


def test_an_issue_that_was_set_aside_and_deleted_is_not_waited_for(stage: LinearStage) -> None:
    stage.create("well", labels=["sre"])
    bad = stage.create("ill", labels=["sre"])
    stage.space.issue(bad).priority = 9
    stage.once()
    assert [bad in str(finding.key) for finding in stage.findings("unreadable")] == [True]
    stage.maria.purge(bad)
    stage.later(minutes=1)
    assert stage.findings("unreadable") == []


def test_an_archived_issue_that_is_read_directly_is_not_in_scope(stage: LinearStage) -> None:
    key = stage.create(labels=["sre"])
    stage.once()
    stage.maria.archive(key)
    stage.space.issue(key).updated_at -= timedelta(days=2)  # so that no stream tells of it, and a census must
    stage.write(tracker={"census_every": "1m"})
    stage.later(minutes=10)
    assert not stage.known(key).in_scope
    assert stage.app.report().totals.issues == 0


# --- copies --------------------------------------------------------------------------------------------------


def test_a_child_created_with_its_parents_labels_bears_ours_though_the_history_tells_of_its_creation_too(
    stage: LinearStage,
) -> None:
    parent = stage.create(labels=["sre"])
    stage.once()
    child = stage.space.member("tom").create("ENG", "A part of it", labels=stage.labels(parent), parent=parent)
    stage.edit(child, labels_remove=["sre"], labels_add=["finops"])
    stage.later(minutes=1)
    assert (stage.marks(parent), stage.marks(child)) == (["Outcome/reliability"], ["Outcome/cost"])
    with stage.store() as store:
        assert store.words() == []
    stage.quiet()


def test_a_child_that_was_hung_elsewhere_before_anybody_looked_bears_ours_by_its_first_parent(
    stage: LinearStage,
) -> None:
    parent, other = stage.create(labels=["sre"]), stage.create(labels=["finops"])
    stage.once()
    child = stage.space.member("tom").create("ENG", "A part of it", labels=stage.labels(parent), parent=parent)
    stage.edit(child, labels_remove=["sre"])
    stage.edit(child, parent=other)
    stage.later(minutes=1)
    assert stage.marks(child) == ["Outcome/cost"]
    with stage.store() as store:
        assert store.words() == []
    stage.quiet()


def test_an_untied_copy_keeps_its_mark_where_it_is_hung_below_its_original_before_anybody_looked(
    stage: LinearStage,
) -> None:
    original = stage.create(labels=["sre"])
    stage.once()
    copy = stage.space.member("tom").create("ENG", "A copy", labels=stage.labels(original))
    stage.clock.move(timedelta(seconds=1))
    stage.edit(copy, labels_remove=["sre"], labels_add=["finops"], parent=original)
    stage.later(minutes=1)
    assert stage.marks(copy) == ["Outcome/reliability"]
    with stage.store() as store:
        ((word, _),) = store.words()
        assert (word.author, word.mark) == ("tom", "Outcome/reliability")
    stage.quiet()
