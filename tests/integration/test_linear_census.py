"""The census on Linear: what was purged, hidden or given back, the brake on what cannot be true, and what it costs."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
from support_linear_stage import TRACKER, LinearStage, linear_staged

from connectors.linear import documents
from connectors.sandbox.linear import LinearFault
from connectors.sandbox.linear.faults import LinearExchange
from syncd.core.ports import Census

BOTH = {"scope": {"teams": ["ENG", "OPS"]}}
STREAMS = {"Look": 1, "Labels": 1, "Projects": 1, "NodeLabels": 1, "Initiatives": 1, "Moved": 1, "Issues": 1}
OF_THE_PASS = ("trackers", "leases", "listenings")
"""The cursors, of issues and of comments, and the right to work."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[LinearStage]:
    with linear_staged(tmp_path, write="observe") as stage:
        stage.write(tracker=BOTH)
        yield stage


def fill(stage: LinearStage, count: int, team: str = "ENG") -> list[str]:
    return [stage.create(f"Work {n}", team=team, labels=["sre"]) for n in range(count)]


def totals(stage: LinearStage) -> int:
    return int(stage.app.report().totals.issues)


def census(stage: LinearStage) -> Census:
    with stage.store() as store:
        return store.census(TRACKER)


def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    short = replace(documents.ISSUES, text=documents.ISSUES.text.replace("first: 125", "first: 3"), page=3)
    monkeypatch.setattr("connectors.linear.paging.ISSUES", short)


def asked(stage: LinearStage, **later: float) -> dict[str, int]:
    """How often each document was sent in a cycle that much later, which was complete."""
    before = stage.space.counts.copy()
    assert stage.later(**later).complete
    return dict(stage.space.counts - before)


def test_a_purged_issue_is_found_by_the_next_census_and_its_history_is_kept(stage: LinearStage) -> None:
    key, *_ = fill(stage, 3)
    stage.once()
    stage.maria.purge(key)
    stage.later(minutes=10)
    assert totals(stage) == 3, "no stream tells of it"
    assert stage.later(hours=6).complete
    assert (totals(stage), stage.known(key).in_scope) == (2, False)
    with stage.store() as store:
        assert len(store.history(stage.known(key).issue.ref)) == 1


def test_what_was_archived_or_moved_out_needs_no_census(stage: LinearStage) -> None:
    archived, moved, *_ = fill(stage, 4)
    stage.once()
    stage.maria.archive(archived)
    stage.space.team("STRAT")
    stage.maria.move(moved, "STRAT")
    assert "Census" not in asked(stage, minutes=1)
    assert totals(stage) == 2


def test_an_issue_that_moved_to_where_our_key_sees_nothing_leaves_the_scope(stage: LinearStage) -> None:
    key, *_ = fill(stage, 3)
    stage.once()
    stage.space.team("SEC")
    stage.space.hidden.add("SEC")
    stage.maria.move(key, "SEC")
    stage.later(minutes=10)
    assert totals(stage) == 3
    assert stage.later(hours=6).complete
    assert totals(stage) == 2


@pytest.mark.parametrize("team", ["ENG", "STRAT"])
def test_a_parent_that_comes_out_of_where_our_key_sees_nothing_is_known_to_its_children_by_the_next_census(
    stage: LinearStage, team: str
) -> None:
    """Whether into the scope or beside it. Until then they show no parent, and moving it makes none of them newer."""
    stage.space.team("SEC")
    stage.space.team("STRAT")
    stage.space.hidden.add("SEC")
    parent = stage.create("Above", team="SEC", labels=["sre"])
    child = stage.create("Below", parent=parent)
    stage.later(minutes=10)
    stage.maria.move(parent, team)
    stage.later(minutes=1)
    assert stage.decided(child) == ("unmapped", None)
    assert stage.later(hours=6).complete
    assert stage.decided(child) == ("mapped", "reliability")


def test_children_of_a_purged_parent_are_read_again_and_decided_without_it(stage: LinearStage) -> None:
    parent, *_ = fill(stage, 3)
    child = stage.create("Below", parent=parent)
    stage.once()
    assert stage.decided(child) == ("mapped", "reliability")
    stage.maria.purge(parent)
    stage.later(hours=7)
    assert stage.decided(child) == ("unmapped", None)


def test_what_left_before_everything_was_read_anew_is_found_in_that_same_cycle(stage: LinearStage) -> None:
    """A team comes back into view, so all is read; what was archived since the last reading is in no such reading."""
    key, *_ = fill(stage, 3)
    fill(stage, 2, "OPS")
    stage.once()
    stage.space.hidden.add("OPS")
    assert not stage.later(minutes=1).complete
    stage.space.hidden.discard("OPS")
    stage.maria.archive(key)
    assert asked(stage, minutes=1)["Census"] == 1
    assert (totals(stage), stage.known(key).in_scope) == (4, False)
    assert "Census" not in asked(stage, minutes=1)


def test_what_left_while_the_first_reading_was_cut_off_is_found_at_its_end(
    stage: LinearStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch)
    keys = fill(stage, 8)
    stage.space.faults.add(LinearFault("status", status=503, match="Issues", after=2, times=None))
    assert not stage.once().complete
    stage.space.faults.clear()
    newest = keys[-1]
    assert stage.known(newest).in_scope
    stage.maria.archive(newest)
    assert stage.later(minutes=1).complete
    assert (totals(stage), stage.known(newest).in_scope) == (7, False)


def test_a_first_reading_that_goes_on_knows_in_the_end_what_was_edited_since_it_began(
    stage: LinearStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It calls itself complete, and plans are made of it: it may not show the day on which it was cut off."""
    short_pages(monkeypatch)
    newest = fill(stage, 8)[-1]
    stage.space.faults.add(LinearFault("status", status=503, match="Issues", after=2, times=None))
    assert not stage.once().complete
    stage.space.faults.clear()
    stage.clock.move(timedelta(days=1))
    stage.maria.edit(newest, title="edited since")
    assert stage.later(days=1).complete
    assert stage.known(newest).issue.title == "edited since"


def test_a_reading_that_lost_a_team_in_its_midst_is_not_gone_on_with_when_the_team_is_back(
    stage: LinearStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch)
    (theirs,) = fill(stage, 1, "OPS")
    fill(stage, 4)
    stage.once()
    stage.space.hidden.add("OPS")
    stage.maria.edit(theirs, title="edited out of sight")
    stage.clock.move(timedelta(hours=1))
    fill(stage, 4)  # newer: they are read before it
    assert not stage.later(minutes=1).complete
    stage.space.hidden.clear()

    def lost_after_a_page(exchange: LinearExchange) -> None:
        if exchange.operation == "Issues":
            stage.space.hidden.add("OPS")

    stage.space.on_exchange = lost_after_a_page
    assert not stage.later(minutes=1).complete
    stage.space.on_exchange = None
    stage.space.hidden.clear()
    stage.later(minutes=1)
    assert stage.known(theirs).issue.title == "edited out of sight"


def lose_a_team_and_then_the_line(stage: LinearStage) -> None:
    """A reading of which the first pages arrive, and after the first of them without OPS, which is back at its end."""

    def lost_after_a_page(exchange: LinearExchange) -> None:
        if exchange.operation == "Issues":
            stage.space.hidden.add("OPS")

    stage.space.on_exchange = lost_after_a_page
    stage.space.faults.add(LinearFault("status", status=503, match="Issues", after=2, times=None))
    result = stage.once()
    assert (result.complete, result.reachable) == (False, False)
    stage.space.on_exchange = None
    stage.space.faults.clear()
    stage.space.hidden.clear()


def test_what_a_first_reading_passed_over_while_it_lost_a_team_is_known_when_it_has_gone_on_to_its_end(
    stage: LinearStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch)
    fill(stage, 4)
    theirs = fill(stage, 2, "OPS")
    fill(stage, 4)
    lose_a_team_and_then_the_line(stage)
    assert stage.later(minutes=1).complete
    assert totals(stage) == 10
    assert all(stage.known(key).in_scope for key in theirs)


def test_what_a_later_one_passed_over_so_is_read_before_the_next_census(
    stage: LinearStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch)
    fill(stage, 4)
    (theirs,) = fill(stage, 1, "OPS")
    stage.once()
    stage.space.hidden.add("OPS")
    stage.maria.edit(theirs, title="edited out of sight")
    stage.clock.move(timedelta(days=1))
    fill(stage, 4)
    assert not stage.later(minutes=1).complete
    stage.space.hidden.clear()
    lose_a_team_and_then_the_line(stage)
    assert stage.later(minutes=1).complete
    assert stage.known(theirs).issue.title != "edited out of sight", "it had passed that, and goes on from there"
    assert stage.later(hours=6).complete
    assert stage.known(theirs).issue.title == "edited out of sight"


# --- when, and what it costs --------------------------------------------------------------------------------


def test_a_census_is_one_request_more_for_250_issues_and_decides_nothing(stage: LinearStage) -> None:
    fill(stage, 5)
    stage.once()
    asked(stage, minutes=20)
    quiet = asked(stage, minutes=20)
    counted = asked(stage, hours=6)
    assert counted == {**quiet, "Census": 1}
    assert documents.CENSUS.page == 250
    assert stage.later(minutes=1).decided == 0


def test_a_census_that_was_cut_off_goes_on_from_its_last_page(
    stage: LinearStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(documents.CENSUS, text=documents.CENSUS.text.replace("first: 250", "first: 10"), page=10)
    monkeypatch.setattr("connectors.linear.census.CENSUS", short)
    keys = fill(stage, 45)
    stage.once()
    stage.maria.purge(keys[3])
    stage.maria.purge(keys[44])
    stage.clock.move(timedelta(hours=6))
    stage.space.faults.add(LinearFault("status", status=503, match="Census", after=2, times=None))
    assert not stage.once().complete
    assert census(stage).after
    assert totals(stage) == 45, "half a census believes nothing"
    stage.space.faults.clear()
    assert asked(stage, minutes=1)["Census"] == 3, "the first two pages are not asked for again"
    assert totals(stage) == 43


def test_a_cycle_with_nothing_new_is_one_request_a_stream_and_writes_the_cursors_alone(stage: LinearStage) -> None:
    fill(stage, 3)
    stage.once()
    stage.rest()
    before = dump(stage)
    assert len(before["issues"]) == 3
    told = asked(stage, minutes=10)
    assert {name: told[name] for name in STREAMS} == STREAMS
    assert set(told) - set(STREAMS) <= {"Comments"}, "the stream of comments"
    assert set(told.values()) == {1}
    assert dump(stage) == before


def dump(stage: LinearStage) -> dict[str, list[Any]]:
    """All rows of the store but those."""
    with closing(connect(stage.folder / "syncd.db")) as raw:
        names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: list(raw.execute(f"SELECT * FROM {name}")) for name in names if name not in OF_THE_PASS}  # noqa: S608 - names of our own tables


# --- the brake ----------------------------------------------------------------------------------------------


def test_a_team_of_which_nothing_answers_any_more_is_not_taken_for_emptied(stage: LinearStage) -> None:
    keys = fill(stage, 5)
    fill(stage, 5, "OPS")
    stage.once()
    for key in keys:
        stage.maria.purge(key)
    assert not stage.later(hours=7).complete
    assert totals(stage) == 10
    assert "none of the 5 issues of ENG answers" in stage.findings("census")[0].text
    assert stage.app.status()["healthy"] is False
    assert [result.complete for result in stage.app.once([TRACKER])] == [True], "a person who knows better says so"
    assert totals(stage) == 5


def test_too_large_a_share_is_not_taken_for_deleted(stage: LinearStage) -> None:
    stage.write(limits={"share": 0.3, "always": 5})
    keys = fill(stage, 40)
    stage.once()
    for key in keys[:15]:
        stage.maria.purge(key)
    assert not stage.later(hours=7).complete
    assert totals(stage) == 40


def test_a_team_that_vanished_is_not_taken_for_deleted(stage: LinearStage) -> None:
    fill(stage, 3)
    fill(stage, 3, "OPS")
    stage.once()
    stage.space.hidden.add("OPS")
    assert not stage.later(hours=7).complete
    assert totals(stage) == 6
    assert "OPS" in stage.findings("hidden")[0].text
    stage.space.hidden.discard("OPS")
    assert stage.later(minutes=1).complete
    assert stage.findings("hidden") == []


def test_a_key_that_is_revoked_within_a_census_deletes_nothing(stage: LinearStage) -> None:
    fill(stage, 3)
    stage.once()
    key = stage.space.keys[stage.space.token]
    stage.clock.move(timedelta(hours=7))

    def ends_after_the_walk(exchange: LinearExchange) -> None:
        if exchange.operation == "Census":
            stage.space.keys.pop(key.token, None)

    stage.space.on_exchange = ends_after_the_walk
    stage.once()
    assert totals(stage) == 3
    stage.space.on_exchange = None
    stage.space.keys[key.token] = key
    assert stage.later(minutes=1).complete
    assert totals(stage) == 3
