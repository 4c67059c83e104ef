"""Reads that fail, rows that come late, clocks and zones that are wrong: all arrives, and what is told is true."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
from support_jira_cloud import MovableClock
from support_stage import TRACKER, Stage, staged

from connectors.sandbox import Site, build_world
from connectors.sandbox.faults import Fault

SCOPE = ("PAY", "OPS", "RISK", "ONB")
SEARCH = "POST /rest/api/3/search/jql"
OF_THE_PASS = ("trackers", "leases")  # the cursor's row, and the right to work
FAULTS = {
    "429": Fault("status", status=429, retry_after=7, match=SEARCH, every=5, times=None),
    "500": Fault("status", status=500, match=SEARCH, every=5, times=None),
    "503": Fault("status", status=503, retry_after=7, html=True, match=SEARCH, every=5, times=None),
    "reset": Fault("reset", match=SEARCH, every=5, times=None),
}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def dump(stage: Stage) -> dict[str, list[Any]]:
    """All rows of the store but the cursor's and the lease's."""
    with closing(connect(stage.folder / "syncd.db")) as raw:
        names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: list(raw.execute(f"SELECT * FROM {name}")) for name in names if name not in OF_THE_PASS}  # noqa: S608 - names of our own tables


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_with_every_fifth_search_failing_everything_arrives_and_no_wait_is_cut_short(tmp_path: Path, name: str) -> None:
    clock = MovableClock()
    site = Site(clock.now)
    build_world(site, seed=5, size=900)
    with staged(tmp_path, site=site, clock=clock, projects=SCOPE, write="observe", checked=False) as stage:
        fault = site.faults.add(FAULTS[name])
        fault.seen = fault.struck = 0
        asked: list[tuple[Any, bool]] = []
        site.on_exchange = lambda e: (
            asked.append((clock.now(), e.fault is not None)) if e.path.endswith("jql") else None
        )
        assert stage.once().complete
        there = {i.key for i in site.live.values() if i.project in SCOPE}
        with stage.store() as store:
            assert {known.issue.key for some in store.standings(TRACKER) for known in some} == there
        assert stage.app.status()["trackers"][TRACKER]["healthy"]
        waits = [(after - at).total_seconds() for (at, bad), (after, _) in pairwise(asked) if bad]
        assert fault.struck >= 1
        assert waits
        assert all(wait >= (7 if fault.retry_after else 1) for wait in waits)


def test_a_read_that_fails_for_good_is_told_by_result_status_and_report(stage: Stage) -> None:
    stage.create(labels=["sre"])
    stage.once()
    stage.site.faults.add(Fault("status", status=503, match=SEARCH, times=None))
    result = stage.later(minutes=1)
    assert (result.complete, "503" in (result.why or "")) == (False, True)
    told = stage.app.status()["trackers"][TRACKER]
    assert (told["healthy"], "503" in told["why"]) == (False, True)
    (covered,) = stage.app.report().coverage
    assert "503" in (covered.why or "")
    stage.later(hours=30)
    assert "was last read whole at" in stage.findings("not-read")[0]
    stage.site.faults.clear()
    assert stage.later(minutes=1).complete
    assert stage.findings("not-read") == []


def test_an_empty_cycle_is_one_request_a_stream_and_writes_the_cursor_alone(stage: Stage) -> None:
    for _ in range(3):
        stage.create(labels=["sre"])
    stage.once()
    stage.rest()
    stage.rest()
    before = dump(stage)
    with stage.watched() as traffic:
        result = stage.later(minutes=10)
    assert (result.observed, result.decided) == (0, 0)
    paths = sorted(e.path.removeprefix("/rest/api/3/") for e in traffic.seen)
    assert paths == ["field", "myself", "project/search", "search/jql"]
    assert dump(stage) == before


def test_rows_that_are_read_again_unchanged_cost_no_write_and_no_decision(stage: Stage) -> None:
    for _ in range(3):
        stage.create(labels=["sre"])
    stage.write(tracker={"write": "observe"})
    stage.once()
    before = dump(stage)
    result = stage.later(minutes=1)
    assert (result.observed, result.decided) == (3, 0)
    assert dump(stage) == before


def test_a_change_that_shows_late_is_measured_and_the_next_reads_go_further_back(stage: Stage) -> None:
    stage.write(tracker={"overlap": "5m"})
    stage.create()
    stage.once()
    stage.site.index_lag = timedelta(minutes=4)
    stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.later(minutes=1)
    stage.later(minutes=3)
    with stage.store() as store:
        lag = store.progress(TRACKER).lag
    assert lag is not None
    assert timedelta(minutes=1) < lag < timedelta(minutes=4)


def test_a_lag_of_more_than_half_the_overlap_widens_it_and_is_told(stage: Stage) -> None:
    stage.create()
    stage.once()
    stage.site.index_lag = timedelta(minutes=4, seconds=30)
    key = stage.create(labels=["sre"])
    stage.later(minutes=4)
    stage.later(minutes=1)
    assert stage.decided(key) == ("mapped", "reliability")
    assert "reads" in stage.findings("index-lag")[0]
    stage.site.index_lag = timedelta(minutes=7)  # more than was configured, and less than twice what was seen
    late = stage.create(labels=["sre"])
    stage.later(minutes=6)
    stage.later(minutes=2)
    assert stage.decided(late) == ("mapped", "reliability")


def test_a_token_that_ended_within_a_walk_does_not_move_the_watermark(stage: Stage) -> None:
    """The search answers nobody with an empty page and 200; the next look says 401, and the walk is not believed."""
    stage.create()
    stage.once()
    stage.clock.move(timedelta(hours=1))
    key = stage.create(labels=["sre"])
    stage.clock.move(timedelta(minutes=20))
    token = stage.site.token

    def ends_after_the_look(exchange: Any) -> None:
        if exchange.path.endswith("/project/search"):
            stage.site.token = "another"

    stage.site.on_exchange = ends_after_the_look
    stage.once()
    stage.site.on_exchange = None
    assert not stage.later(minutes=1).complete
    stage.site.token = token
    assert stage.later(minutes=30).complete
    assert stage.decided(key) == ("mapped", "reliability")


@pytest.mark.parametrize("hours", [-11, -1, 0, 1, 13])
def test_our_clock_may_be_wrong_by_hours(tmp_path: Path, hours: int) -> None:
    clock = MovableClock()
    site = Site(lambda: clock.now() + timedelta(hours=hours))
    site.registry.add_project("PAY", "Payments")
    site.registry.add_project("OPS", "Operations")
    with staged(tmp_path, site=site, clock=clock, write="observe") as stage:
        stage.create()
        stage.once()
        key = stage.create(labels=["sre"])
        stage.later(minutes=1)
        assert stage.decided(key) == ("mapped", "reliability")
        stage.edit(key, labels=["finops"])
        stage.later(minutes=1)
        assert stage.decided(key) == ("mapped", "cost")


def test_an_issue_that_a_direct_read_finds_outside_the_scope_is_not_touched(stage: Stage) -> None:
    """A mark that looks lost is read directly; by then the issue is in a project that syncd may not touch."""
    key = stage.create(labels=["sre"])
    for _ in range(2):
        stage.create()
    stage.once()
    moved = stage.site.person("ines").move(key, "STRAT")
    stage.edit(moved, labels_remove=["outcome/reliability"])
    with stage.watched() as traffic:
        for _ in range(4):
            stage.later(minutes=6)
    assert traffic.edits == []
    assert not stage.known(moved).in_scope
