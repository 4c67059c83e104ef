"""A poll that finds nothing: one request, one look at the store, and no row written but who read how far and when."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from support_daemon import WallClock, rigged
from support_stage import empty_site
from support_store import override, statements

from syncd.telemetry import masked

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))  # the passes of the daemon without its engine, as they are measured

from bench_idle import daemon  # noqa: E402 - see above

WRITTEN = re.compile(r"^(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
MOST_STATEMENTS = 11
MOST_TRANSACTIONS = 5


@contextmanager
def passes(folder: Path, write: str) -> Iterator[Any]:
    """(a pass, its store, the site) over a small site that has been read and decided."""
    clock = WallClock()
    clock.ahead = timedelta(hours=-1)  # else the overlap shows them again
    with rigged(folder, site=empty_site(clock), write=write) as rig:  # type: ignore[arg-type]  # it tells the time
        for _ in range(5):
            rig.create(labels=["sre"])
        clock.ahead = timedelta(hours=0)
        with daemon(rig.config) as (go, gauges, _):
            told = [go() for _ in range(4)][-1]
            assert (told["complete"], told["decided"], told["planned"]) == (True, 0, 0), told
            yield go, gauges._store, rig


def test_a_pass_that_finds_nothing_asks_once_and_writes_three_rows(tmp_path: Path) -> None:
    with passes(tmp_path, "observe") as (go, store, _), statements(store) as seen:
        began: list[Any] = []
        event.listen(store._db.engine, "begin", began.append)
        told = go()
        assert told["requests"] == 1
        assert len(began) <= MOST_TRANSACTIONS
        written = [found[1] for text in seen if (found := WRITTEN.match(text))]
        # the lease is taken, kept while the answer is looked at, and given back; then how far, and how it went
        assert written == ["leases", "leases", "trackers", "attempts", "leases"]
        assert len(seen) <= MOST_STATEMENTS, seen


def test_a_pass_whose_tracker_was_taken_over_while_it_asked_says_so_and_keeps_nothing_of_what_it_found(
    tmp_path: Path,
) -> None:
    with passes(tmp_path, "observe") as (go, store, rig):
        before = store.progress("acme-jira")

        def taken_over(_exchange: Any) -> None:
            store.free_leases("bench")
            assert store.acquire("acme-jira", "another", WallClock().now(), timedelta(minutes=2))

        rig.site.on_exchange = taken_over
        assert "took over" in go()["why"]
        assert store.progress("acme-jira") == before
        assert store.lease_holder("acme-jira", WallClock().now()) == "another"


def test_nor_does_one_that_finds_nothing_end_what_people_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with passes(tmp_path, "observe") as (go, store, rig):
        (ref,) = store.find("PAY-1", "acme-jira")
        store.save_overrides([override(ref.id, expires=WallClock().now() + timedelta(days=1))], [], WallClock().now())
        seen: list[object] = []
        monkeypatch.setattr(type(store), "lapse", lambda *given: seen.append(given))

        def taken_over(_exchange: Any) -> None:
            store.free_leases("bench")
            assert store.acquire("acme-jira", "another", WallClock().now(), timedelta(minutes=2))

        rig.site.on_exchange = taken_over
        assert "took over" in go()["why"]
        assert seen == []


def test_a_mended_token_is_tried_at_once_however_long_the_wrong_one_made_the_tracker_wait_and_shows_in_no_line(
    tmp_path: Path,
) -> None:
    token, clock = tmp_path / "token", WallClock()
    token.write_text("a wrong token", encoding="utf-8")
    with rigged(tmp_path, site=empty_site(clock), poll_every="1m") as rig:  # type: ignore[arg-type]  # it tells the time
        rig.settings["trackers"]["acme-jira"]["auth"]["token"] = {"file": str(token)}
        rig.write()
        with daemon(rig.config) as (go, gauges, _):
            told = [go() for _ in range(4)]
            assert "401" in told[1]["why"]
            assert [str(fact["skipped"])[:7] for fact in told] == ["0", "0", "backing", "backing"]
        with daemon(rig.config) as (go, gauges, _):
            assert ["401" in go().get("why", "") for _ in range(2)] == [True, False], "a new process tries once"
            token.unlink()
            assert go()["skipped"], "nothing new to try"
            token.write_text("another wrong token", encoding="utf-8")
            assert ["401" in go().get("why", "") for _ in range(2)] == [True, False]
            token.write_text(rig.site.token, encoding="utf-8")
            assert go()["complete"]
            assert masked("a wrong token") == "[secret]", "a pass may still use it"
            assert masked(f"Basic {rig.site.token}") == "Basic [secret]"
            store = gauges._store
            attempt = store.attempt("acme-jira", "cycle")
            assert attempt is not None
            assert attempt.failures == 0


def test_what_is_owed_to_an_issue_is_done_though_nobody_changed_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with passes(tmp_path, "label") as (go, store, rig):
        key = rig.create(labels=["sre"])
        assert go()["applied"] == 1
        assert rig.marks(key) == ["outcome/reliability"]
        assert go()["applied"] == 0
        (ref,) = store.find(key, "acme-jira")
        store.save_plan_state([], [ref], {})  # as a write that is to be tried again leaves it
        assert go()["decided"] == 0
        assert store.unsettled("acme-jira") == []
