"""`syncd run` as a real process over a served site, with the machine's own clock."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import httpx
from support_stage import RULES, STRATEGY, TRACKER, empty_site, is_mark, tracker_settings

from connectors.sandbox import Site, serve

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
HOOK_SECRET = "planted-hook-secret-5f1c"
HASTY = "support_hasty.py"
BRISK = "support_brisk.py"
SHIFTED = "support_shifted.py"
T = TypeVar("T")


class WallClock:
    """The machine's time."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time_ns() / 1e9, UTC) + self.ahead


def until(probe: Callable[[], T | None], what: str, patience: float = PATIENCE_S, pause: float = 0.02) -> T:
    """Look again and again until there is something."""
    end = time.monotonic() + patience
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < end, f"never: {what}"
        select.select([], [], [], pause)


@dataclass
class Process:
    """One process of the daemon, and what it says."""

    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    port: int = 0
    reader: Thread | None = None

    def read(self) -> None:
        assert self.popen.stderr is not None
        with self.popen.stderr as told:
            for line in told:
                self.lines.append(line)

    def events(self, name: str) -> list[str]:
        """The lines of an event."""
        return [line for line in list(self.lines) if f"event='{name}'" in line]

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S, trust_env=False, verify=False)  # noqa: S501 - plain HTTP on loopback

    def metric(self, name: str) -> float:
        """One sample, named as it stands in the text."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no sample {name}")

    def end(self, how: signal.Signals = signal.SIGTERM, patience: float = PATIENCE_S) -> tuple[int, float]:
        """Signal it; (exit code, seconds until it was gone)."""
        began = time.monotonic()
        self.popen.send_signal(how)
        code = self.popen.wait(patience)
        return code, time.monotonic() - began

    def status(self, field_name: str) -> int:
        """A number out of /proc/PID/status, in kB."""
        text = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(rf"^{field_name}:\s+(\d+)", text, re.MULTILINE)[0])

    def cpu_s(self) -> float:
        """CPU time used so far."""
        parts = Path(f"/proc/{self.popen.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Rig:
    """A site, a config folder, and daemons over them."""

    folder: Path
    site: Site
    url: str
    settings: dict[str, Any]
    environ: dict[str, str]
    processes: list[Process] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=lambda: {"one": free_port()})
    stores: dict[str, str] = field(default_factory=dict)
    """Where a process finds the store, if it goes another way than the others do."""

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def config_of(self, name: str) -> Path:
        """Each process has a folder of its own, which differs in the port and the way to the store alone."""
        return self.config if name == "one" else self.folder / f"config-{name}"

    def write(self, *, rules: str | None = None, strategy: str | None = None, **settings: Any) -> None:
        """Edit the files, each by a swap as editors do."""
        self.settings["trackers"][TRACKER] |= settings.pop("tracker", {})
        self.settings |= settings
        texts = {"rules.yaml": rules, "strategy.yaml": strategy}
        self.texts |= {name: text for name, text in texts.items() if text is not None}
        for name, port in self.ports.items():
            self._write_one(name, port)

    def _write_one(self, name: str, port: int) -> None:
        folder = self.config_of(name)
        folder.mkdir(exist_ok=True)
        http = {"listen": f"127.0.0.1:{port}", **self.settings.get("http", {})}
        settings = {**self.settings, "http": http, "store": self.stores.get(name, self.settings["store"])}
        texts = {**self.texts, "syncd.yaml": json.dumps(settings, indent=2)}
        for file, text in texts.items():
            if (folder / file).exists() and (folder / file).read_text(encoding="utf-8") == text:
                continue
            (folder / f".{file}").write_text(text, encoding="utf-8")
            (folder / f".{file}").replace(folder / file)

    def start(self, name: str = "one", *, ready: bool = True, program: str | None = None) -> Process:
        """Start it, by that program of tests/support in place of `syncd`."""
        if name not in self.ports:
            self.ports[name] = free_port()
            self._write_one(name, self.ports[name])
        begin = ["-m", "syncd"] if program is None else [str(ROOT / "tests/support" / program)]
        command = [sys.executable, *begin, "--config", str(self.config_of(name)), "run", "--name", name]
        popen = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        process = Process(popen)
        self.processes.append(process)
        process.reader = Thread(target=process.read, daemon=True)
        process.reader.start()
        if ready:
            began = until(lambda: process.events("daemon_started") or popen.poll() is not None, "it started")
            assert began is not True, "".join(process.lines)
            process.port = int(re.findall(r"127\.0\.0\.1:(\d+)", process.events("daemon_started")[0])[0])
        return process

    def end_all(self) -> None:
        """Every process that is still there, at once and for good."""
        for process in self.processes:
            if process.popen.poll() is None:
                process.popen.send_signal(signal.SIGCONT)
                process.popen.kill()
                process.popen.wait(PATIENCE_S)
            assert process.reader is not None
            process.reader.join(PATIENCE_S)

    def command(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same folder."""
        return subprocess.run(
            [sys.executable, "-m", "syncd", "--config", str(self.config), *argv],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return told

    # --- people

    def create(self, *, project: str = "PAY", **told: Any) -> str:
        return self.site.person("tom").create(project=project, **{"summary": "Something to do", **told})

    def edit(self, key: str, **told: Any) -> None:
        self.site.person("tom").edit(key, **told)

    def marks(self, key: str) -> list[str]:
        with self.site.lock:
            return sorted(label for label in self.site.issue(key).labels if is_mark(label))

    def await_marks(self, key: str, *marks: str, patience: float = PATIENCE_S) -> float:
        """Until the issue bears exactly those; seconds that it took."""
        began = time.monotonic()
        until(lambda: self.marks(key) == sorted(marks), f"{key} bears {marks}", patience)
        return time.monotonic() - began


@contextmanager
def rigged(
    folder: Path, *, site: Site | None = None, store: str | Mapping[str, Any] = "sqlite:///syncd.db", **tracker: Any
) -> Iterator[Rig]:
    """Serve a site on the machine's clock, and end every daemon that was started in the block."""
    site = site or empty_site(WallClock())  # type: ignore[arg-type]  # it needs a clock that tells the time, and this does
    with serve(site) as served:
        told = tracker_settings(served.url, ("PAY", "OPS"), **{"write": "label", "poll_every": "2s", **tracker})
        told.setdefault("webhook", {"secret": {"env": "HOOK_SECRET"}})
        settings = {
            "installation": "acme",
            "store": store,
            "trackers": {TRACKER: told},
            "marks": {"grace": "0s"},
            "limits": {"share": 1.0, "actions": 100_000},
        }
        environ = {"PATH": os.defpath, "JIRA_TOKEN": site.token, "HOOK_SECRET": HOOK_SECRET, "HOME": str(folder)}
        rig = Rig(folder, site, served.url, settings, {**environ, "PYTHONPATH": str(ROOT)})
        rig.write(rules=RULES, strategy=STRATEGY)
        try:
            yield rig
        finally:
            rig.end_all()
    assert not site.crashes, site.crashes[0]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
