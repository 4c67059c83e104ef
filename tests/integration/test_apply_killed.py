"""A process that is killed in the middle of `apply`: the next one finds out what was done and finishes the work.

The site is a process of its own, and so is each `apply`. It dies by SIGKILL after a number of writes that is drawn;
in some rounds the site stands still just then, so that the process dies with a request that was sent and not answered.
"""

import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support_stage import PREFIXES, RULES, STRATEGY, TRACKER, tracker_settings

from syncd.app import App

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
TOKEN = "sandbox-token"


class AheadClock:
    """The machine's time, and as far ahead as it was pushed: leases of the dead run out without waiting."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time_ns() / 1e9, UTC) + self.ahead


class Rig:
    """A site in its own process, a config folder, and what is done to them."""

    def __init__(self, folder: Path, url: str, site: subprocess.Popen[str]) -> None:
        self.folder, self.url, self.site = folder, url, site
        self.clock = AheadClock()
        self.control = httpx.Client(base_url=f"{url}/_sandbox/", timeout=PATIENCE_S)
        (folder / "config").mkdir()
        self._write("rules.yaml", RULES)
        self._write("strategy.yaml", STRATEGY)
        tracker = tracker_settings(url, ("PAY", "OPS"), write="label+comment")
        told = {
            "installation": "acme",
            "store": "sqlite:///syncd.db",
            "trackers": {TRACKER: tracker},
            "marks": {"grace": "0s"},
            "comments": {"grace": "0s", "backlog": True},
            "write_closed": True,
        }
        self._write("syncd.yaml", json.dumps(told))

    def _write(self, name: str, text: str) -> None:
        (self.folder / "config" / name).write_text(text, encoding="utf-8")

    @property
    def app(self) -> App:
        return App(self.folder / "config", {"JIRA_TOKEN": TOKEN}, self.clock)

    def read(self, what: str) -> Any:
        return self.control.get(what).raise_for_status().json()

    def writes(self) -> int:
        """How many writes have reached the site."""
        counts: dict[str, int] = self.read("counts")
        return sum(n for name, n in counts.items() if name.startswith("PUT") or name.endswith("/comment"))

    def apply(self, digest: str) -> subprocess.Popen[bytes]:
        """`syncd apply --plan`, as a process."""
        environ = {"PATH": os.defpath, "JIRA_TOKEN": TOKEN, "PYTHONPATH": str(ROOT), "HOME": str(self.folder)}
        command = [sys.executable, "-m", "syncd", "--config", str(self.folder / "config"), "apply", "--plan", digest]
        return subprocess.Popen(
            command, cwd=self.folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill_after(self, digest: str, more: int, *, standing_still: bool) -> str:
        """Let an `apply` make that many more writes, and kill it; the state of the row it died on, if any."""
        self.free_lease()
        goal = self.writes() + more
        process = self.apply(digest)
        try:
            until = time.monotonic() + PATIENCE_S
            while self.writes() < goal and process.poll() is None:
                assert time.monotonic() < until, "the apply never came that far"
            if standing_still:
                self.site.send_signal(signal.SIGSTOP)
                self.wait_for_sending(process)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE_S)
            self.site.send_signal(signal.SIGCONT)
        return "sending" if self.rows("sending") else ""

    def wait_for_sending(self, process: subprocess.Popen[bytes]) -> None:
        """Until the process has sent something that nobody answers."""
        until = time.monotonic() + PATIENCE_S
        while not self.rows("sending") and process.poll() is None:
            assert time.monotonic() < until, "nothing was ever sent"

    def rows(self, state: str) -> int:
        """Outbox rows in a state, read past everybody."""
        with sqlite3.connect(self.folder / "syncd.db", timeout=PATIENCE_S) as db:
            (count,) = db.execute("SELECT count(*) FROM outbox WHERE state = ?", (state,)).fetchone()
        db.close()
        return int(count)

    def free_lease(self) -> None:
        """As if the two minutes after which a silent pass is given up had gone by."""
        with sqlite3.connect(self.folder / "syncd.db", timeout=PATIENCE_S) as db:
            db.execute("UPDATE leases SET holder = NULL, expires = NULL")
        db.close()


@contextmanager
def rigged(folder: Path, size: int) -> Iterator[Rig]:
    command = [sys.executable, "-m", "connectors.sandbox", "--control", "--size", str(size)]
    site = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert site.stdout is not None
        assert select.select([site.stdout], [], [], PATIENCE_S)[0], "the sandbox did not start"
        url = site.stdout.readline().strip()
        assert url, "the sandbox ended before it said its address"
        rig = Rig(folder, url, site)
        with rig.control:
            yield rig
    finally:
        site.send_signal(signal.SIGCONT)
        site.kill()
        site.wait(PATIENCE_S)
        assert site.stdout is not None
        site.stdout.close()


def people(snapshot: dict[str, Any]) -> dict[str, list[str]]:
    return {key: [n for n in state["labels"] if not n.startswith(PREFIXES)] for key, state in snapshot.items()}


def survive(folder: Path, size: int, kills: int, seed: int) -> None:
    """Kill `apply` again and again, let one finish, and compare what is there with what was planned."""
    draw = random.Random(seed)  # noqa: S311 - moments to die at, not secrets
    with rigged(folder, size) as rig:
        before = rig.read("snapshot")
        shown = rig.app.plan().plan
        wanted = {action.key: action.add for action in shown.actions if action.kind == "mark"}
        asked = [action.key for action in shown.actions if action.kind == "comment"]
        room = len(shown.actions) // (kills + 2)
        assert room >= 2, "the plan is too small for so many deaths"
        died_sending = 0
        for number in range(kills):
            state = rig.kill_after(shown.digest, draw.randint(1, room), standing_still=number % 2 == 0)
            died_sending += state == "sending"
        assert died_sending >= kills // 2, "hardly ever killed while a request was under way"
        rig.free_lease()
        result = rig.app.apply(shown.digest)
        assert result is not None
        after = rig.read("snapshot")
        assert not result.waits, (result.waiting, result.new, result.notes)
        for key, add in wanted.items():
            assert [n for n in after[key]["labels"] if n.startswith(PREFIXES)] == list(add), key
        for key in after:
            assert len(after[key]["comments"]) - len(before[key]["comments"]) == asked.count(key), key
        assert people(after) == people(before)
        rig.clock.ahead += timedelta(minutes=5)
        (quiet,) = rig.app.once()
        assert (quiet.complete, quiet.planned, quiet.applied, quiet.waiting) == (True, 0, 0, 0)
        assert rig.rows("sending") == rig.rows("todo") == 0
        assert rig.read("snapshot") == after
        assert rig.read("crashes") == []


def test_after_being_killed_again_and_again_the_next_apply_finishes_and_nothing_is_there_twice(tmp_path: Path) -> None:
    survive(tmp_path, size=200, kills=5, seed=20261121)


@pytest.mark.stress
@pytest.mark.parametrize("seed", range(5))
def test_after_being_killed_ten_times_too(tmp_path: Path, seed: int) -> None:
    survive(tmp_path, size=800, kills=10, seed=seed)
