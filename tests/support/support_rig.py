"""A rig to kill syncd on: a served tracker in a process of its own, a config folder, and real `syncd` processes.

    with rigged(tmp_path, JIRA_SITE, size=200) as rig:
        shown = rig.app.plan()
        rig.kill_after(shown.plan.digest, writes=3, standing_still=True)

The tracker can be made to stand still, so that a process dies with a request that was sent and not answered.
"""

import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import httpx
from support_forked import started
from support_killable import Killable
from support_stage import RULES, STRATEGY

from syncd.app import App

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE_S: Final = 120.0
STANDS_S: Final = 3.0
STILL_S: Final = 0.3
"""For so long the same rows are in `sending` where nobody answers. An answer that was on its way comes sooner."""
ASKED_EVERY_S: Final = 0.02
"""Asking on and on would take the machine from those who are asked."""


class AheadClock:
    """The machine's time, and as far ahead as it was pushed."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time_ns() / 1e9, UTC) + self.ahead


class Rig:
    """A served tracker in its own process, a config folder, and what is done to them."""

    def __init__(self, folder: Path, kind: Killable, url: str, site: subprocess.Popen[str]) -> None:
        self.folder, self.kind, self.site = folder, kind, site
        self.program = "syncd"
        self.clock = AheadClock()
        self.control = httpx.Client(base_url=urljoin(url, "/_sandbox/"), timeout=PATIENCE_S)
        (folder / "config").mkdir()
        self._write("rules.yaml", RULES)
        self._write("strategy.yaml", STRATEGY)
        told = {
            "installation": "acme",
            "store": "sqlite:///syncd.db",
            "trackers": {kind.tracker: dict(kind.settings(url))},
            "marks": {"grace": "0s"},
            "comments": {"grace": "0s", "backlog": True, "per_project_per_day": 10_000, "per_person_per_day": 10_000},
            "write_closed": True,
        }
        self._write("syncd.yaml", json.dumps(told))

    def _write(self, name: str, text: str) -> None:
        (self.folder / "config" / name).write_text(text, encoding="utf-8")

    @property
    def app(self) -> App:
        """A command in this process."""
        return App(self.folder / "config", dict(self.kind.environ), self.clock, wait=time.sleep)

    # --- the tracker

    def read(self, what: str) -> Any:
        return self.control.get(what).raise_for_status().json()

    def tell(self, what: str, value: Any) -> None:
        self.control.post(what, json=value).raise_for_status()

    def writes(self) -> int:
        """How many writes have reached the tracker."""
        counts: dict[str, int] = self.read("counts")
        return sum(n for name, n in counts.items() if self.kind.writes(name))

    # --- syncd

    def apply(self, digest: str) -> BaseProcess:
        """`syncd apply --plan`, as a process."""
        return self.command("apply", "--plan", digest)

    def command(self, *argv: str) -> BaseProcess:
        """`syncd …`, as a process."""
        arguments = ["--config", str(self.folder / "config"), *argv]
        environ = {"PATH": os.defpath, "HOME": str(self.folder), **self.kind.environ}
        return started(self.program, arguments, self.folder, environ)

    def kill_after(self, digest: str, writes: int, *, standing_still: bool) -> bool:
        """As `kill`, of an `apply`."""
        return self.kill(self.apply, digest, writes=writes, standing_still=standing_still)

    def kill(self, start: Callable[..., BaseProcess], *argv: str, writes: int, standing_still: bool) -> bool:
        """Let a command make that many more writes, and kill it; whether a row was in `sending` then."""
        before = self.writes()
        process = start(*argv)
        try:
            self._writes_reach(before + writes, process)
            while standing_still and not self._stands_in_sending(process):
                self._writes_reach(self.writes() + 1, process)
        finally:
            process.kill()
            process.join(PATIENCE_S)
            self.site.send_signal(signal.SIGCONT)
            ended = process.exitcode
            process.close()
        assert ended == -signal.SIGKILL, self._ended_by_itself(ended)
        return self.rows("sending") > 0

    def kill_waiting(self, digest: str, comments: int) -> None:
        """Let an `apply` make that many comments and one more, whose answer never comes; kill it where it waits."""
        kept = {"kind": "keep_answer", "match": self.kind.commenting, "after": comments, "times": 1}
        self.tell("faults", [])
        self.tell("faults", [kept, *self.kind.losing])
        goal = self._comments() + comments + 1
        process = self.apply(digest)
        try:
            assert self._within(PATIENCE_S, lambda: self._comments() >= goal, process), "it never came that far"
            assert process.exitcode is None, self._ended_by_itself(process.exitcode)
        finally:
            process.kill()
            process.join(PATIENCE_S)
            process.close()
        assert self.rows("sending") > 0
        self.tell("faults", [])

    def _ended_by_itself(self, code: int | None) -> str:
        return f"it ended by itself with {code}, and had said: {(self.folder / 'said').read_text()}"

    def _comments(self) -> int:
        return sum(n for name, n in self.read("counts").items() if fnmatchcase(name, self.kind.commenting))

    def _stands_in_sending(self, process: BaseProcess) -> bool:
        """Stop the tracker until the process waits for a write of its own; where it is reading just then, go on."""
        self.site.send_signal(signal.SIGSTOP)
        rows, since = self._keys("sending"), time.monotonic()

        def stands() -> bool:
            nonlocal rows, since
            if (now := self._keys("sending")) != rows:
                rows, since = now, time.monotonic()
            return bool(rows) and time.monotonic() - since >= STILL_S

        if self._within(STANDS_S, stands, process):
            return True
        self.site.send_signal(signal.SIGCONT)
        return process.exitcode is not None

    def _writes_reach(self, goal: int, process: BaseProcess) -> None:
        assert self._within(PATIENCE_S, lambda: self.writes() >= goal, process), "it never came that far"

    def _within(self, seconds: float, reached: Callable[[], bool], process: BaseProcess) -> bool:
        """Whether it comes true in that time; true also when the process ends."""
        until = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > until:
                return False
            process.join(ASKED_EVERY_S)
            if process.exitcode is not None:
                return True
        return True

    def rows(self, state: str) -> int:
        """How many outbox rows are in a state."""
        return len(self._keys(state))

    def _keys(self, state: str) -> set[str]:
        """Of outbox rows in a state, read past everybody."""
        with closing(sqlite3.connect(self.folder / "syncd.db", timeout=PATIENCE_S)) as db:
            return {key for (key,) in db.execute("SELECT key FROM outbox WHERE state = ?", (state,))}


@contextmanager
def rigged(folder: Path, kind: Killable, size: int) -> Iterator[Rig]:
    """A served world of that size until the block ends."""
    command = [sys.executable, "-m", kind.module, "--control", "--size", str(size)]
    site = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert site.stdout is not None
        assert select.select([site.stdout], [], [], PATIENCE_S)[0], "the sandbox did not start"
        url = site.stdout.readline().strip()
        assert url, "the sandbox ended before it said its address"
        rig = Rig(folder, kind, url, site)
        with rig.control:
            yield rig
    finally:
        site.send_signal(signal.SIGCONT)
        site.kill()
        site.wait(PATIENCE_S)
        assert site.stdout is not None
        site.stdout.close()
