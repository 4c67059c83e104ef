"""What changes while syncd reads, and clocks that are put back meanwhile: all of it arrives, and costs what it must."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support_jira_cloud import MovableClock
from support_linear_stage import TRACKER as LINEAR
from support_linear_stage import LinearStage, linear_staged
from support_stage import staged

from connectors.linear.documents import ISSUES_AT_ONCE
from connectors.sandbox import Fault, Site
from connectors.sandbox.linear import LinearFault
from syncd.cli.cycling import _cycle_exit

EDITED = 800
BERLIN = "Europe/Berlin"


@pytest.fixture
def linear(tmp_path: Path) -> Iterator[LinearStage]:
    with linear_staged(tmp_path, write="observe") as stage:
        yield stage


def small_site(clock: MovableClock, **told: Any) -> Site:
    site = Site(clock.now, **told)
    site.registry.add_project("PAY", "Payments")
    site.registry.add_project("OPS", "Operations")
    return site


# --- 800 issues in a minute -----------------------------------------------------------------------------------


def test_a_bulk_edit_of_800_issues_within_a_walk_of_jira_arrives_with_the_next_cycle(tmp_path: Path) -> None:
    clock = MovableClock()
    site = small_site(clock)
    keys = [site.person("tom").create(project="PAY", summary=f"work {n}") for n in range(EDITED + 50)]
    clock.move(timedelta(hours=1))

    def edit_all(exchange: Any) -> None:
        if exchange.path.endswith("/search/jql"):
            site.on_exchange = None
            for key in keys[:EDITED]:
                clock.move(timedelta(minutes=1) / EDITED)
                site.person("ines").edit(key, labels=["sre"])

    with staged(tmp_path, site=site, clock=clock, write="observe", checked=False) as stage:
        site.on_exchange = edit_all
        assert stage.once().complete
        result = stage.later(minutes=1)
        assert result.complete
        assert {stage.decided(key) for key in keys[:EDITED]} == {("mapped", "reliability")}
        assert {stage.decided(key) for key in keys[EDITED:]} == {("unmapped", None)}
        assert result.requests <= 3 + 9 + 2, "as many pages as hold what changed, and who we are"


def test_a_bulk_edit_of_800_issues_within_a_walk_of_linear_arrives_with_the_next_cycle(linear: LinearStage) -> None:
    linear.know("sre")
    keys = [linear.maria.create("ENG", f"work {n}") for n in range(EDITED + 50)]
    linear.clock.move(timedelta(hours=1))

    def edit_all(exchange: Any) -> None:
        if exchange.operation == "Issues":
            linear.space.on_exchange = None
            for key in keys[:EDITED]:
                linear.clock.move(timedelta(minutes=1) / EDITED)
                linear.maria.edit(key, labels_add=["sre"])

    linear.space.on_exchange = edit_all
    assert linear.once().complete
    before = linear.space.counts.copy()
    assert linear.later(minutes=1).complete
    assert {linear.decided(key) for key in keys[:EDITED]} == {("mapped", "reliability")}
    assert {linear.decided(key) for key in keys[EDITED:]} == {("unmapped", None)}
    assert (linear.space.counts - before)["Issues"] <= -(-(EDITED + 50) // ISSUES_AT_ONCE) + 1


# --- clocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC)])
def test_an_edit_in_the_hour_in_which_the_clocks_are_changed_is_read_by_the_next_cycle(
    tmp_path: Path, change: datetime
) -> None:
    """Site and account in a zone where an hour comes twice, or not at all; nothing overlaps."""
    clock = MovableClock(change - timedelta(minutes=70))
    site = small_site(clock, site_zone=BERLIN, account_zone=BERLIN)
    with staged(tmp_path, site=site, clock=clock, write="observe", checked=False) as stage:
        stage.write(tracker={"overlap": "0s"})
        key = stage.create()
        stage.once()
        for n in range(14):
            stage.later(minutes=5)
            stage.edit(key, summary=f"edited {n}")
            assert stage.later(minutes=5).complete
            assert stage.known(key).issue.title == f"edited {n}"


def test_an_account_whose_zone_is_another_with_every_request_misses_nothing(tmp_path: Path) -> None:
    clock, zones = MovableClock(), ["Pacific/Pago_Pago", "Pacific/Tongatapu", "UTC"]
    site = small_site(clock)

    def move_on(_: Any) -> None:
        site.account_zone = zones[(zones.index(site.account_zone) + 1) % 3] if site.account_zone in zones else zones[0]

    with staged(tmp_path, site=site, clock=clock, write="observe", checked=False) as stage:
        site.on_exchange = move_on
        key = stage.create()
        stage.once()
        for label, outcome in (("sre", "reliability"), ("finops", "cost"), ("sre", "reliability")):
            stage.edit(key, labels=[label])
            stage.later(minutes=1)
            assert stage.decided(key) == ("mapped", outcome)


@pytest.mark.parametrize("hours", [-11, -1, 1, 13])
def test_our_clock_may_differ_from_linears_by_hours(linear: LinearStage, hours: int) -> None:
    linear.space.clock = lambda: linear.clock.now() + timedelta(hours=hours)
    linear.create()
    linear.once()
    key = linear.create(labels=["sre"])
    linear.later(minutes=1)
    assert linear.decided(key) == ("mapped", "reliability")
    linear.edit(key, labels_remove=["sre"], labels_add=["finops"])
    linear.later(minutes=1)
    assert linear.decided(key) == ("mapped", "cost")


def test_an_edit_that_linear_shows_late_is_measured_and_read(linear: LinearStage) -> None:
    """It bears the instant at which its transaction began."""
    key = linear.create()
    linear.once()
    linear.later(minutes=10)
    linear.space.switches.commit_lag = timedelta(minutes=4)
    linear.edit(key, labels_add=["sre"])
    linear.later(seconds=1)
    assert linear.decided(key) == ("mapped", "reliability")
    assert "reads" in linear.findings("index-lag")[0].text
    linear.space.switches.commit_lag = timedelta(minutes=7)  # more than configured, and less than twice what was seen
    late = linear.create(labels=["sre"])
    linear.later(seconds=1)
    assert linear.decided(late) == ("mapped", "reliability")


# --- what is read again, and what fails ------------------------------------------------------------------------


def test_rows_of_linear_that_are_read_again_unchanged_cost_no_decision(linear: LinearStage) -> None:
    for n in range(3):
        linear.create(f"work {n}", labels=["sre"])
    linear.once()
    result = linear.later(minutes=1)
    assert (result.observed, result.decided, result.planned) == (3, 0, 0)


@pytest.mark.parametrize(
    ("kind", "status", "after"),
    [("ratelimited", 0, 7), ("status", 500, None), ("html", 503, None), ("reset", 0, None)],
    ids=["429", "500", "503", "reset"],
)
def test_with_every_fifth_read_of_linear_failing_everything_arrives_and_the_exit_code_is_0(
    linear: LinearStage, kind: Any, status: int, after: int | None
) -> None:
    keys = [linear.maria.create("ENG", f"work {n}") for n in range(3 * ISSUES_AT_ONCE)]
    fault = linear.space.faults.add(LinearFault(kind, status=status, retry_after=after, every=5, times=None))
    asked: list[tuple[datetime, bool]] = []
    linear.space.on_exchange = lambda e: asked.append((linear.clock.now(), e.fault is not None))
    results = [linear.later(minutes=1), linear.later(minutes=1)]
    assert [(result.complete, _cycle_exit(result)) for result in results] == [(True, 0), (True, 0)]
    with linear.store() as store:
        assert {k.issue.key for some in store.standings(LINEAR) for k in some} == set(keys)
    assert fault.struck >= 3
    waits = [(later - at).total_seconds() for (at, bad), (later, _) in pairwise(asked) if bad]
    assert all(wait >= (after or 1) for wait in waits), waits
    told = linear.app.status()["trackers"][LINEAR]
    assert (told["healthy"], told["why"]) == (True, None)


def test_a_read_that_fails_for_good_is_told_by_exit_code_status_and_report(linear: LinearStage) -> None:
    linear.create(labels=["sre"])
    linear.once()
    linear.space.faults.add(LinearFault("html", status=503, match="Issues", times=None))
    result = linear.later(minutes=1)
    assert (result.complete, _cycle_exit(result), "503" in (result.why or "")) == (False, 4, True)
    told = linear.app.status()["trackers"][LINEAR]
    assert (told["healthy"], "503" in told["why"]) == (False, True)
    (covered,) = linear.app.report().coverage
    assert "503" in (covered.why or "")
    linear.later(hours=30)
    assert "was last read whole at" in linear.findings("not-read")[0].text


def test_a_team_that_is_not_visible_is_told_by_exit_code_status_and_report(linear: LinearStage) -> None:
    linear.create(labels=["sre"])
    linear.write(tracker={"scope": {"teams": ["ENG", "OPS"]}})
    linear.space.hidden.add("OPS")
    result = linear.once()
    assert (result.complete, _cycle_exit(result), "OPS" in (result.why or "")) == (False, 4, True)
    told = linear.app.status()["trackers"][LINEAR]
    assert (told["healthy"], "OPS" in told["why"]) == (False, True)
    (covered,) = linear.app.report().coverage
    assert "OPS" in (covered.why or "")


def test_with_every_fifth_search_of_jira_failing_the_exit_code_is_0_and_4_once_it_fails_for_good(
    tmp_path: Path,
) -> None:
    with staged(tmp_path, write="observe") as stage:
        fault = stage.site.faults.add(Fault("status", status=429, retry_after=7, every=5, times=None))
        stage.create(labels=["sre"])
        assert [_cycle_exit(stage.later(minutes=1)) for _ in range(3)] == [0, 0, 0]
        assert fault.struck >= 2
        stage.site.faults.add(Fault("status", status=503, times=None))
        assert _cycle_exit(stage.later(minutes=1)) == 4
