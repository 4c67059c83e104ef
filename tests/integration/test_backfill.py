"""Reading everything: several walks at once, in bounded memory, going on after a kill, within the tracker's limits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
import pytest
from support_jira_cloud import MovableClock
from support_stage import TRACKER, Stage, Traffic, empty_site, staged

from connectors.sandbox import Site, build_world
from connectors.sandbox.faults import Fault
from syncd.render.text import status_text

SEARCH = "POST /rest/api/3/search/jql"
SCOPE = ("PAY", "OPS", "RISK", "ONB")


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world of six hundred is large."""
    monkeypatch.setattr("connectors.jira.parts.SMALL", 100)


@contextmanager
def world(folder: Path, size: int = 600, **told: Any) -> Iterator[Stage]:
    clock = MovableClock()
    site = Site(clock.now)
    build_world(site, seed=3, size=size)
    with staged(folder, site=site, clock=clock, projects=SCOPE, write="observe", checked=False, **told) as made:
        yield made


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with world(tmp_path) as made:
        yield made


def stored(stage: Stage) -> dict[str, str]:
    with stage.store() as store:
        return {known.issue.key: known.issue.title for some in store.standings(TRACKER) for known in some}


def there(stage: Stage) -> dict[str, str]:
    return {i.key: i.summary for i in stage.site.live.values() if i.project in SCOPE}


def windows(traffic: Traffic) -> list[str]:
    """The queries by which everything was read, without their continuations."""
    bodies = [orjson.loads(e.request_body) for e in traffic.of("POST", "search/jql")]
    return [b["jql"] for b in bodies if "created" in b["jql"] and len(b["fields"]) > 2 and not b.get("nextPageToken")]


def rows(traffic: Traffic) -> list[str]:
    """Ids that windows answered with, in the order of the answers."""
    answers = [e for e in traffic.of("POST", "search/jql") if e.status == 200 and b"created " in e.request_body]
    bodies = [orjson.loads(e.response_body) for e in answers if b"summary" in e.request_body]
    return [issue["id"] for body in bodies for issue in body["issues"]]


def test_everything_is_read_by_windows_that_overlap_nowhere(stage: Stage) -> None:
    with stage.watched() as traffic:
        assert stage.once().complete
    assert stored(stage) == there(stage)
    asked = windows(traffic)
    assert len(asked) >= 4
    assert len(set(asked)) == len(asked)


def test_what_is_little_is_read_in_one_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with world(tmp_path) as stage, stage.watched() as traffic:
        assert stage.once().complete
        assert windows(traffic) == []
        assert stored(stage) == there(stage)


def test_one_at_a_time_is_one_walk(tmp_path: Path) -> None:
    with world(tmp_path) as stage, stage.watched() as traffic:
        stage.write(tracker={"in_flight": 1})
        assert stage.once().complete
        assert windows(traffic) == []


def test_what_is_created_edited_moved_and_deleted_meanwhile_is_there_in_the_end(stage: Stage) -> None:
    turns = iter(range(10_000))
    ines, lock = stage.site.person("ines"), Lock()
    keys = sorted(i.key for i in stage.site.live.values() if i.project in SCOPE)
    deleted: list[str] = []

    def meddle(exchange: Any) -> None:
        with lock:
            turn = next(turns)
            if not exchange.path.endswith("/search/jql") or turn > 60:
                return
            stage.clock.move(timedelta(milliseconds=10))
            key = keys[turn * 7 % len(keys)]
            if turn % 4 == 0:
                ines.create(project="PAY", summary=f"new {turn}")
            elif turn % 4 == 1 and key not in deleted:
                deleted.append(key)
                ines.delete(key)
            elif key not in deleted and stage.site.resolve(key) is not None:
                ines.edit(key, summary=f"edited {turn}")

    stage.site.on_exchange = meddle
    stage.once()
    stage.site.on_exchange = None
    stage.later(minutes=1)
    assert stage.app.once([TRACKER])[0].complete
    assert stored(stage) == there(stage)
    assert deleted


def test_a_reading_that_was_cut_off_asks_only_for_what_is_left(stage: Stage) -> None:
    stage.site.faults.add(Fault("status", status=503, match=SEARCH, after=6, times=None))
    with stage.watched() as traffic:
        assert not stage.once().complete
    stage.site.faults.clear()
    assert 0 < len(stored(stage)) < len(there(stage))
    with stage.watched() as rest:
        assert stage.later(minutes=1).complete
    assert stored(stage) == there(stage)
    assert rows(traffic)
    assert not set(rows(traffic)) & set(rows(rest)), "what was read is not read again"
    assert rest.of("POST", "search/approximate-count") == [], "the windows are those of before"


def test_status_tells_how_far_a_reading_is_and_how_long_it_may_still_take(stage: Stage) -> None:
    stage.site.faults.add(Fault("status", status=503, match=SEARCH, after=6, times=None))
    assert not stage.once().complete
    stage.site.faults.clear()
    stage.clock.move(timedelta(minutes=4))
    told = stage.app.status()["trackers"][TRACKER]["reading"]
    assert told["read"] == len(stored(stage))
    assert told["of"] == len(there(stage))
    begun = stage.clock.now() - datetime.fromisoformat(told["began"])
    assert told["left_s"] == int(begun.total_seconds() * (told["of"] - told["read"]) / told["read"])
    line = next(line for line in status_text(stage.app.status()).splitlines() if "reading everything" in line)
    assert f"{told['read']} of about {told['of']} issues" in line
    assert "left at that pace" in line
    assert stage.later(minutes=1).complete
    assert stage.app.status()["trackers"][TRACKER]["reading"] is None


def test_the_watcher_is_told_of_pages_as_they_are_kept_and_never_of_fewer_than_there_are(stage: Stage) -> None:
    seen: list[tuple[int, int | None]] = []
    app = stage.app
    app.watch = lambda what, done, of: seen.append((done, of)) if what.startswith("reading") else None
    app.once([TRACKER])
    reading = [(done, of) for done, of in seen if of is not None]
    assert reading == sorted(reading, key=lambda one: one[0])
    assert reading[-1] == (len(there(stage)), len(there(stage)))
    assert all(done <= of for done, of in reading)


def test_another_scope_begins_anew(stage: Stage) -> None:
    stage.site.faults.add(Fault("status", status=503, match=SEARCH, after=6, times=None))
    stage.once()
    stage.site.faults.clear()
    stage.write(tracker={"scope": {"projects": [*SCOPE, "STRAT"]}})
    assert stage.later(minutes=1).complete
    assert set(stored(stage)) == set(there(stage)) | {i.key for i in stage.site.live.values() if i.project == "STRAT"}


def test_a_reading_that_came_to_its_end_is_never_gone_on_with(stage: Stage) -> None:
    stage.once()
    with stage.store() as store:
        assert store.backfill(TRACKER) is None


def test_a_limit_that_one_walk_is_told_of_is_heeded_by_all(stage: Stage) -> None:
    """With four walks at once, nobody asks between the 429 and the end of what it says."""
    told: list[tuple[str, Any]] = []
    stage.site.faults.add(Fault("status", status=429, retry_after=30, match=SEARCH, after=4, times=1))
    ends: list[Any] = []

    def note(exchange: Any) -> None:
        if exchange.status == 429:
            ends.append(stage.clock.now() + timedelta(seconds=30))
        elif ends:
            told.append((exchange.path, stage.clock.now()))

    stage.site.on_exchange = note
    assert stage.once().complete
    # at most the requests that were under way already when the 429 came
    assert sum(at < ends[0] for _, at in told) <= 3
    assert stored(stage) == there(stage)


def test_a_walker_that_ends_by_a_fault_of_ours_is_not_swallowed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise AttributeError("a bug")

    monkeypatch.setattr("connectors.jira.reader.walk_window", broken)
    with pytest.raises(AttributeError, match="a bug"):
        stage.once()


def test_one_issue_that_nobody_understands_is_set_aside_and_nothing_else_is_lost(stage: Stage) -> None:
    victim = next(i for i in stage.site.live.values() if i.project == "PAY")
    victim.cache["status"] = b'"status":17'
    result = stage.once()
    assert result.complete
    assert set(there(stage)) - set(stored(stage)) == {victim.key}
    assert any(victim.key in text for text in stage.findings("unreadable"))


def test_a_window_goes_on_from_an_instant_of_creation_that_many_issues_share(tmp_path: Path) -> None:
    clock = MovableClock()
    site = empty_site(clock)
    for n in range(450):
        site.person("tom").create(project="PAY", summary=f"imported {n}")
        if n % 150 == 0:
            clock.move(timedelta(days=30))
    with staged(tmp_path, site=site, clock=clock, write="observe", checked=False) as stage:
        site.faults.add(Fault("status", status=503, match=SEARCH, after=4, times=None))
        stage.once()
        site.faults.clear()
        assert stage.later(minutes=1).complete
        assert len(stored(stage)) == 450


def test_the_first_reading_is_checked_against_the_document(tmp_path: Path, small_windows: None) -> None:
    clock = MovableClock()
    site = Site(clock.now)
    build_world(site, seed=4, size=300)
    with staged(tmp_path, site=site, clock=clock, projects=SCOPE, write="observe") as stage:
        assert stage.once().complete


def test_a_stale_token_within_a_window_is_gone_around(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.site.token_lifetime = timedelta(seconds=5)
    turns = iter(range(10_000))
    moving: Callable[[Any], None] = lambda _: stage.clock.move(timedelta(seconds=2)) if next(turns) % 3 else None  # noqa: E731
    stage.site.on_exchange = moving
    monkeypatch.setattr("connectors.jira.parts.WINDOWS_EACH", 1)
    for _ in range(6):
        if stage.once().complete:
            break
    stage.site.on_exchange = None
    assert stage.later(minutes=1).complete
    assert stored(stage) == there(stage)
