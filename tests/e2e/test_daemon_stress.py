"""Two processes on one PostgreSQL, many trackers, people, faults, webhooks, and a SIGKILL every few seconds.

What must come out is worked out here, from the sites alone and by a few lines that share nothing with the product's
decider. The suite runs a tenth; `make stress` the two minutes.
"""

import hashlib
import hmac
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import URL, make_url
from support_daemon import HOOK_SECRET, Process, Rig, WallClock, until
from support_pg import database, postgresql
from support_stage import RULES, STRATEGY, empty_site, is_mark, tracker_settings

from connectors.sandbox import Site, serve
from connectors.sandbox.faults import Fault
from syncd.core.ports import Progress
from syncd.store import open_store

SAYS = {"sre": "outcome/reliability", "finops": "outcome/cost", "deps": ""}  # declared overhead bears no mark
WORDS = ("sre", "finops", "deps", "other", "more")


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    with postgresql() as running:
        yield running


def wanted(site: Site) -> dict[str, str]:
    """Issue → the one mark that it must bear (empty: none), by its own labels, else the epic's, else unmapped."""
    marks = {}
    for issue in site.live.values():
        said = {SAYS[label] for label in issue.labels if label in SAYS}
        if not said and issue.parent is not None:  # epics hang on nothing here
            said = {SAYS[label] for label in site.live[issue.parent.id].labels if label in SAYS}
        marks[issue.key] = said.pop() if len(said) == 1 else f"alignment/{'conflict' if said else 'unmapped'}"
    return marks


@dataclass
class Storm:
    """All that goes on, and what was seen of it."""

    rig: Rig
    sites: dict[str, Site]
    keys: dict[str, list[str]]
    rng: random.Random
    over: threading.Event = field(default_factory=threading.Event)
    seen: Counter[str] = field(default_factory=Counter)
    cycles: dict[str, list[str]] = field(default_factory=dict)
    """Site → the ids of cycles in the order in which their requests came, each change once."""
    ages: dict[str, float] = field(default_factory=dict)
    crashed: list[str] = field(default_factory=list)

    def watch(self, name: str, exchange: Any) -> None:
        order = self.cycles.setdefault(name, [])
        cycle = exchange.request_headers.get("x-request-id", "")
        if not order or order[-1] != cycle:
            order.append(cycle)
        self.seen["requests"] += 1
        self.seen["429s"] += exchange.status == 429
        self.seen["resets"] += exchange.fault in ("reset", "lose_answer")

    def people(self) -> None:
        """Edit a random issue of a random site again and again, and send the webhook for every other edit."""
        client = httpx.Client(timeout=5, trust_env=False, verify=False)  # noqa: S501 - plain HTTP on loopback
        with client:
            while not self.over.wait(0.03):
                name = self.rng.choice(list(self.sites))
                key = self.rng.choice(self.keys[name])
                labels = self.rng.sample(WORDS, self.rng.choice((0, 1, 1, 2)))
                others = [word for word in WORDS if word not in labels]
                self.sites[name].person("tom").edit(key, labels_add=labels, labels_remove=others)
                self.seen["edits"] += 1
                if self.rng.random() < 0.5:
                    self._hook(client, name, key)

    def _hook(self, client: httpx.Client, name: str, key: str) -> None:
        body = json.dumps({"issue": {"key": key}, "n": self.seen["edits"]}).encode()
        signature = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        port = self.rng.choice([p.port for p in self.rig.processes if p.port and p.popen.poll() is None] or [1])
        try:
            answer = client.post(
                f"http://127.0.0.1:{port}/webhooks/{name}",
                content=body,
                headers={"X-Hub-Signature": f"sha256={signature}"},
            )
            self.seen["webhooks"] += answer.status_code == 200
        except httpx.HTTPError:
            self.seen["webhooks lost"] += 1

    def watch_ages(self, store_url: str) -> None:
        """How long each tracker goes without a whole reading, once it had its first."""
        store = open_store(store_url, create=False, clock_now=WallClock().now())
        first: dict[str, float] = {}
        while not self.over.wait(0.5):
            for name in self.sites:
                progress: Progress = store.progress(name)
                if progress.last_success is not None:
                    first.setdefault(name, time.monotonic())
                    age = (WallClock().now() - progress.last_success).total_seconds()
                    self.ages[name] = max(self.ages.get(name, 0.0), age)
        store.close()

    def run(self, what: Any, *given: Any) -> threading.Thread:
        def safely() -> None:
            try:
                what(*given)
            except Exception as failed:  # noqa: BLE001 - told by the test
                self.crashed.append(repr(failed))

        thread = threading.Thread(target=safely, daemon=True)
        thread.start()
        return thread


def filled(site: Site, size: int, rng: random.Random) -> list[str]:
    person = site.person("tom")
    keys, epics = list[str](), list[str]()
    for n in range(size):
        labels = rng.sample(WORDS, rng.choice((0, 1, 1, 2)))
        told: dict[str, Any] = {"project": rng.choice(("PAY", "OPS")), "summary": f"Work {n}", "labels": labels}
        if n % 20 == 0:
            epics.append(person.create(type="Epic", **told))
            keys.append(epics[-1])
        else:
            keys.append(person.create(parent=rng.choice(epics), **told))
    return keys


@contextmanager
def stormy(folder: Path, store: str, trackers: int, issues: int, seed: int) -> Iterator[Storm]:
    rng = random.Random(seed)  # noqa: S311 - a drawn schedule, no secret
    sites = {f"site-{n}": empty_site(WallClock()) for n in range(trackers)}  # type: ignore[arg-type]  # it tells the time
    for site in list(sites.values())[::2]:
        site.permissions.may_bulk["*"] = False  # one request an issue there, and hundreds at once on the others
    keys = {name: filled(site, issues // trackers, rng) for name, site in sites.items()}
    with ExitStack() as stack:
        told = {}
        for name, site in sites.items():
            url = stack.enter_context(serve(site)).url
            told[name] = tracker_settings(
                url,
                ("PAY", "OPS"),
                write="label+comment",
                poll_every="2s",
                webhook={"secret": {"env": "HOOK_SECRET"}},
            )
        settings = {
            "installation": "acme",
            "store": make_url(store)._replace(password=None).render_as_string(),
            "trackers": told,
            "marks": {"grace": "0s"},
            "comments": {"grace": "0s", "backlog": True, "per_project_per_day": 99999, "per_person_per_day": 99999},
            "limits": {"share": 1.0, "actions": 1_000_000, "always": 1_000_000},
            "write_closed": True,
        }
        environ = {"JIRA_TOKEN": "sandbox-token", "HOOK_SECRET": HOOK_SECRET, "HOME": str(folder)}
        root = Path(__file__).resolve().parents[2]
        rig = Rig(folder, next(iter(sites.values())), "", settings, {"PYTHONPATH": str(root), **environ})
        rig.texts = {"rules.yaml": RULES, "strategy.yaml": STRATEGY}
        rig._write_one(rig.config, rig.ports["one"])
        storm = Storm(rig, sites, keys, rng)
        for name, site in sites.items():
            site.on_exchange = lambda exchange, name=name: storm.watch(name, exchange)
        try:
            yield storm
        finally:
            storm.over.set()
            for process in rig.processes:
                if process.popen.poll() is None:
                    process.popen.kill()
                    process.popen.wait(60)
                assert process.reader is not None
                process.reader.join(60)


def faults_on(storm: Storm, rng: random.Random) -> None:
    for site in storm.sites.values():  # the first fault that strikes a request is the one it suffers
        site.faults.add(Fault("status", status=429, retry_after=1, times=None, every=rng.randint(20, 40)))
        site.faults.add(Fault("status", status=503, times=None, every=rng.randint(30, 60)))
        site.faults.add(Fault("reset", times=None, every=rng.randint(12, 18)))
        site.faults.add(Fault("lose_answer", match="PUT *", times=None, every=rng.randint(10, 20)))


def survive(folder: Path, store: str, *, trackers: int, issues: int, seconds: float, every: float, seed: int) -> Storm:
    with stormy(folder, store, trackers, issues, seed) as storm:
        rng = random.Random(seed + 1)  # noqa: S311 - as above
        names = ["one", "two"]
        running: dict[str, Process] = {"one": storm.rig.start("one", hasty=True)}
        running["two"] = storm.rig.start("two", hasty=True)
        threads = [storm.run(storm.people), storm.run(storm.watch_ages, store)]
        faults_on(storm, rng)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            storm.over.wait(every)
            name = rng.choice(names)
            running[name].end(signal.SIGKILL)
            storm.seen["kills"] += 1
            storm.over.wait(rng.choice((0.0, every)))  # at once, or so late that the other one takes over
            running[name] = storm.rig.start(name, hasty=True)
            storm.seen["restarts"] += 1
        for site in storm.sites.values():
            site.faults.clear()
        storm.over.set()
        for thread in threads:
            thread.join(60)
        assert storm.crashed == []
        for name, site in storm.sites.items():
            until(lambda site=site: _is_right(site), f"{name} is as it must be", 1200)  # type: ignore[misc]  # its default is bound
        for process in running.values():
            code, took = process.end()
            assert (code, took < 5) == (0, True), process.lines[-5:]
        storm.seen["taken over"] = sum(len(p.events("took_over")) for p in storm.rig.processes)
        return storm


def _is_right(site: Site) -> bool:
    with site.lock:
        right = wanted(site)
        there = {i.key: [n for n in i.labels if is_mark(n)] for i in site.live.values()}
    return there == {key: [mark] if mark else [] for key, mark in right.items()}


def judged(storm: Storm) -> None:
    """Beyond the marks being right: nothing doubled, nobody starved, no two processes at one tracker."""
    for name, site in storm.sites.items():
        for issue in site.live.values():
            ours = [c for c in issue.comments if c.author == site.account]
            asked = any(n.startswith("alignment/") for n in issue.labels)
            assert len(ours) <= 1, f"{issue.key} of {name} was asked twice"
            assert asked or not ours, f"{issue.key} of {name} is settled and still asked"
        order = storm.cycles[name]
        assert "" not in order, "every request tells which cycle it belongs to"
        mixed = [cycle for cycle, times in Counter(order).items() if times > 1]
        assert mixed == [], f"another pass was at {name} meanwhile"
        storm.seen["passes"] += len(order)
    for what in ("kills", "restarts", "429s", "resets", "edits", "webhooks"):
        assert storm.seen[what] > 0, f"no {what}: {storm.seen}"
    sys.stderr.write(f"\n{dict(storm.seen)}, oldest tracker {max(storm.ages.values()):.1f} s\n")


@pytest.mark.stress
def test_two_processes_that_are_killed_now_and_then_bring_every_tracker_to_what_the_rules_say(
    tmp_path: Path, server: URL
) -> None:
    with database(server) as url:
        storm = survive(tmp_path, url, trackers=2, issues=300, seconds=8, every=3, seed=1)
        judged(storm)


@pytest.mark.stress
def test_for_two_minutes_with_ten_trackers_and_twenty_thousand_issues(tmp_path: Path, server: URL) -> None:
    with database(server) as url:
        storm = survive(tmp_path, url, trackers=10, issues=20_000, seconds=120, every=5, seed=2)
        judged(storm)
        assert max(storm.ages.values()) < 120
