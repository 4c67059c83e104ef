#!/usr/bin/env python3
"""Proves the service from the wheel in a clean environment: install, run, kill, reload, upgrade, back up, restore.

    python3 deploy/try_service.py [--keep DIR]

Everything happens in a folder of its own with a served Jira on loopback; nothing of this clone is imported, and nothing
is left behind. Each step asserts what a person would look for. Needs Python 3.11 or newer and a package index (or pip's
cache) for the locked packages.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[1]
CREDENTIALS = base64.b64encode(b"syncd@acme.example:sandbox-token").decode()
PATIENCE = 60.0
PIPS = ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE")
SETTINGS = """\
installation: try
store: sqlite:///syncd.db
trackers:
  jira:
    kind: jira-cloud
    url: {jira}
    auth: {{email: syncd@acme.example, token: {{file: {home}/jira-token}}}}
    scope: {{projects: [PAY]}}
    write: label
    poll_every: 2s
marks: {{grace: 0s}}
http: {{listen: "127.0.0.1:{port}"}}
"""
DOWNGRADE = """
import sys
from alembic import command
from sqlalchemy import create_engine, event
from syncd.store import revisions
engine = create_engine("sqlite:///" + sys.argv[1])
event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
with engine.begin() as connection:
    command.downgrade(revisions.config(connection), "-1")
    print(revisions.current(connection))
"""


def say(text: str) -> None:
    print(f"== {text}", flush=True)


def until(what: str, holds: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """What `holds` gives once it is true; a sentence and an end if it never is."""
    last = time.monotonic() + patience
    while time.monotonic() < last:
        if found := holds():
            return found
        time.sleep(0.1)
    raise SystemExit(f"try_service: after {patience:.0f} s still not: {what}")


class Place:
    """A clean environment with the wheel in it, a home, a served Jira, and the service."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.venv = folder / "venv"
        self.home.mkdir()
        self.environment = {
            "PATH": f"{self.venv}/bin:{os.defpath}", "HOME": str(self.home), "LC_ALL": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1",
            **{name: value for name, value in os.environ.items() if name in PIPS},
        }  # fmt: skip
        self.port = _free_port()
        self.jira = ""
        self.service: subprocess.Popen[bytes] | None = None
        self.log = folder / "service.log"

    # --- installing ---

    def install(self) -> None:
        say("a clean environment, the locked packages, the wheel")
        self._run(sys.executable, "-m", "venv", self.venv)
        pip = (self.venv / "bin" / "python", "-m", "pip", "install", "--quiet")
        locks = CLONE / "requirements"
        self._run(
            *pip, "--require-hashes", "--only-binary=:all:", "-r", locks / "build.lock", "-r", locks / "runtime.lock"
        )
        self._run(self.venv / "bin" / "hatchling", "build", "-t", "wheel", "-d", self.folder / "dist", cwd=CLONE)
        (wheel,) = (self.folder / "dist").glob("*.whl")
        self._run(*pip, "--no-deps", "--no-index", wheel)
        where = self._run(self.venv / "bin" / "python", "-c", "import syncd; print(syncd.__file__)").strip()
        assert where.startswith(str(self.venv)), where

    def _run(self, *command: object, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd or self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"try_service: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def syncd(self, *arguments: str, code: int = 0) -> str:
        """One command; its output. Another exit code than expected ends it all."""
        done = subprocess.run(
            [self.venv / "bin" / "syncd", *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != code:
            raise SystemExit(
                f"try_service: syncd {' '.join(arguments)} exits {done.returncode}\n{done.stdout}{done.stderr}"
            )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def configure(self) -> None:
        self.syncd("init")
        token = self.home / "jira-token"
        token.write_text("sandbox-token\n", encoding="utf-8")
        token.chmod(0o600)
        settings = SETTINGS.format(jira=self.jira, home=self.home, port=self.port)
        (self.home / "config" / "syncd.yaml").write_text(settings, encoding="utf-8")
        self.syncd("check")

    # --- the tracker ---

    @contextmanager
    def served_jira(self) -> Iterator[None]:
        process = subprocess.Popen(
            [self.venv / "bin" / "python", "-m", "connectors.sandbox", "--size", "200", "--control"],
            cwd=self.home, env=self.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            self.jira = process.stdout.readline().strip()
            yield
        finally:
            process.kill()
            process.wait()

    def ask_jira(self, path: str, method: str = "GET", body: Any = None) -> Any:
        headers = {"Authorization": f"Basic {CREDENTIALS}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.jira}/rest/api/3/{path}", data, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read() or b"null")

    def labels(self, key: str) -> list[str]:
        return list(self.ask_jira(f"issue/{key}?fields=labels")["fields"]["labels"])

    def marks(self, key: str) -> list[str]:
        return [label for label in self.labels(key) if label.startswith(("outcome/", "alignment/"))]

    def all_marks(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        token = None
        while True:
            body = {"jql": "project = PAY ORDER BY key", "fields": ["labels"], "maxResults": 100}
            page = self.ask_jira("search/jql", "POST", {**body, **({"nextPageToken": token} if token else {})})
            found |= {
                one["key"]: sorted(x for x in one["fields"]["labels"] if x.startswith(("outcome/", "alignment/")))
                for one in page["issues"]
            }
            token = page.get("nextPageToken")
            if not token:
                return found

    def create(self, *labels: str) -> str:
        """What a person does, at the served Jira's back door."""
        body = {"person": "Dana", "do": "create", "project": "PAY", "summary": "by hand", "labels": list(labels)}
        request = urllib.request.Request(f"{self.jira}/_sandbox/edit", json.dumps(body).encode(), method="POST")  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return str(json.loads(answer.read()))

    # --- the service ---

    def start(self) -> None:
        notified = self.folder / "notify"
        notified.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(notified))
            listener.settimeout(PATIENCE)
            with self.log.open("ab") as log:
                self.service = subprocess.Popen(
                    [self.venv / "bin" / "syncd", "run", "--name", "try"], cwd=self.home,
                    env={**self.environment, "NOTIFY_SOCKET": str(notified)}, stdout=log, stderr=log,
                )  # fmt: skip
            told = ""
            while "READY=1" not in told:
                try:
                    told = listener.recv(4096).decode()
                except TimeoutError:
                    raise SystemExit(f"try_service: never READY=1\n{self.log.read_text()[-3000:]}") from None
        until("/readyz answers 200", lambda: self.http("/readyz")[0] == 200)
        assert self.http("/livez")[0] == 200

    def http(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        found = re.search(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+-]+)$", self.http("/metrics")[1], re.MULTILINE)
        assert found is not None, name
        return float(found[1])

    def end(self, how: signal.Signals) -> float:
        """Seconds until it was gone."""
        assert self.service is not None
        began = time.monotonic()
        self.service.send_signal(how)
        code = self.service.wait(PATIENCE)
        took = time.monotonic() - began
        assert code == (0 if how is signal.SIGTERM else -how), (code, self.log.read_text()[-2000:])
        self.service = None
        return took


# --- the story --------------------------------------------------------------------------------------------


def first_plan(place: Place) -> None:
    say("a first plan is seen before anything is written")
    place.syncd("plan", code=3)
    digest = json.loads(_out(place, "plan", "--json", code=3))["digest"]
    assert not any(place.all_marks().values()), "a plan wrote"
    place.syncd("apply", "--plan", digest)
    assert any(place.all_marks().values())


def _out(place: Place, *arguments: str, code: int) -> str:
    return place.syncd(*arguments, code=code).partition("\nnot read whole")[0]


def works(place: Place) -> None:
    """The service sees what a person does, and writes it on the ticket."""
    key = place.create(_label_of_a_rule(place))
    began = time.monotonic()
    mark = until(f"a mark on {key}", lambda: place.marks(key))
    say(f"  {key} bears {mark[0]} {time.monotonic() - began:.1f} s after it was created")


def _label_of_a_rule(place: Place) -> str:
    rules = (place.home / "config" / "rules.yaml").read_text(encoding="utf-8")
    found = re.search(r"^\s+when: \{label: \[?\"?([\w-]+)", rules, re.MULTILINE)
    assert found is not None, "the starter rules name no label"
    return found[1]


def runs_and_is_killed(place: Place) -> None:
    say("the service starts, tells that it is ready, and works")
    place.start()
    works(place)
    say("a command beside it")
    place.syncd("status")
    say("killed, and started again: nothing is lost, nothing is doubled")
    for _ in range(3):
        before = place.all_marks()
        place.end(signal.SIGKILL)
        place.start()
        works(place)
        after = place.all_marks()
        assert {key: after[key] for key in before} == before
        assert all(len(marks) <= 1 for marks in after.values())


def edits_live(place: Place) -> None:
    say("an edit that breaks the rules changes nothing, and is told until it is mended")
    rules = place.home / "config" / "rules.yaml"
    good = rules.read_text(encoding="utf-8")
    rules.write_text(good.replace("outcome:", "outcme:", 1), encoding="utf-8")
    until("the metric tells of the broken rules", lambda: place.metric("syncd_config_problems") > 0)
    works(place)
    place.syncd("status", code=1)
    rules.write_text(good, encoding="utf-8")
    assert place.service is not None
    place.service.send_signal(signal.SIGHUP)
    until("the metric tells that they are mended", lambda: place.metric("syncd_config_problems") == 0)


def is_idle(place: Place) -> None:
    assert place.service is not None
    before, cycles = place.metric("syncd_requests_total"), place.metric("syncd_cycles_total")
    until("ten more polls", lambda: place.metric("syncd_cycles_total") >= cycles + 10)
    requests = (place.metric("syncd_requests_total") - before) / (place.metric("syncd_cycles_total") - cycles)
    memory = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{place.service.pid}/status").read_text())[1]) / 1024  # type: ignore[index]  # Linux
    say(f"idle: {requests:.1f} requests a poll, {memory:.0f} MB")


def upgrades(place: Place) -> None:
    say("back up while it runs; end it; be a program newer than its store")
    place.syncd("backup", "before.jsonl.gz")
    took = place.end(signal.SIGTERM)
    say(f"  SIGTERM: gone after {took:.1f} s")
    assert took < 5
    older = place._run(place.venv / "bin" / "python", "-c", DOWNGRADE, place.home / "syncd.db").strip()  # noqa: SLF001
    told = place.syncd("run", "--name", "try", code=1)
    assert "syncd migrate" in told, told
    assert place.syncd("once", code=1).count("syncd migrate")
    say(f"  refused at revision {older}; " + place.syncd("migrate").strip())
    marks = place.all_marks()
    place.start()
    works(place)
    assert {key: place.all_marks()[key] for key in marks} == marks


def restores(place: Place) -> None:
    say("the store is lost, and comes back from the backup: nothing is undone")
    place.end(signal.SIGTERM)
    marks = place.all_marks()
    for left in place.home.glob("syncd.db*"):
        left.unlink()
    place.syncd("restore", "before.jsonl.gz")
    place.syncd("restore", "before.jsonl.gz", code=1)
    place.start()
    works(place)
    now = place.all_marks()
    assert {key: now[key] for key in marks} == marks
    place.syncd("report", "--format", "html", "--out", "report.html")
    place.end(signal.SIGTERM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it")
    folder = parser.parse_args().keep
    made = folder or Path(tempfile.mkdtemp(prefix="try-service-"))
    made.mkdir(exist_ok=True)
    place = Place(made.resolve())
    try:
        place.install()
        with place.served_jira():
            place.configure()
            for step in (first_plan, runs_and_is_killed, edits_live, is_idle, upgrades, restores):
                step(place)
        assert "sandbox-token" not in place.log.read_text(), "the token is in the log"
        assert "Traceback" not in place.log.read_text(), place.log.read_text()[-3000:]
        say("all of it worked")
    finally:
        if place.service is not None:
            place.service.kill()
        if folder is None:
            shutil.rmtree(made, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
