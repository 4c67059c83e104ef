"""A storm: processes of `syncd run` on one PostgreSQL, many served sites, people, faults, webhooks, and SIGKILLs.

What must come out is worked out here, from the sites alone and by a few lines that share nothing with the product's
decider (`wanted`). Every draw comes from a seed; what the machine makes of it does not.
"""

import hashlib
import hmac
import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import make_url
from support_daemon import HASTY, HOOK_SECRET, ROOT, Rig, WallClock, until
from support_stage import RULES, STRATEGY, empty_site, is_mark, tracker_settings

from connectors.sandbox import Exchange, Site, serve
from connectors.sandbox.faults import Fault
from syncd.core.ports import EntryState
from syncd.store import SqlStore, open_store

SAYS: Final = {"sre": "outcome/reliability", "finops": "outcome/cost", "deps": ""}  # declared overhead bears no mark
WORDS: Final = ("sre", "finops", "deps", "other", "more")
NAMES: Final = ("one", "two")
DEATHS_S: Final = (0.0, 6.0, 0.0)
"""How long a killed process stays away, in turn: mostly its supervisor brings it back, else the other takes over."""


def wanted(site: Site) -> dict[str, str]:
    """Issue → the one mark that it must bear (empty: none), by its own labels, else the epic's, else unmapped."""
    marks = {}
    for issue in site.live.values():
        said = {SAYS[label] for label in issue.labels if label in SAYS}
        if not said and issue.parent is not None:  # epics hang on nothing here
            said = {SAYS[label] for label in site.live[issue.parent.id].labels if label in SAYS}
        marks[issue.key] = said.pop() if len(said) == 1 else f"alignment/{'conflict' if said else 'unmapped'}"
    return marks


def wrong(site: Site) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Issues that do not bear just what they must: by key, (what they must, all their labels)."""
    with site.lock:
        right = wanted(site)
        there = {i.key: tuple(i.labels) for i in site.live.values()}
    bears = {key: [n for n in labels if is_mark(n)] for key, labels in there.items()}
    return {key: (mark, there[key]) for key, mark in right.items() if bears[key] != ([mark] if mark else [])}


@dataclass
class Watched:
    """What went over the wire to one site, as its server saw it."""

    cycles: list[str] = field(default_factory=list)
    """The ids of cycles in the order in which their requests came, each change once."""
    asked: Counter[str] = field(default_factory=Counter)
    """Issue → comments of ours that are on it now."""
    doubled: list[str] = field(default_factory=list)
    """Issues on which at some moment two comments of ours stood."""

    def see(self, exchange: Exchange) -> None:
        cycle = exchange.request_headers.get("x-request-id", "")
        if not self.cycles or self.cycles[-1] != cycle:
            self.cycles.append(cycle)
        done = exchange.fault in (None, "lose_answer", "truncate")
        if not done or "/comment" not in exchange.path or exchange.path.endswith("/list"):
            return
        issue = exchange.path.partition("/issue/")[2].partition("/")[0]
        if exchange.method == "POST" and exchange.status in (201, None):
            self.asked[issue] += 1
            if self.asked[issue] > 1:
                self.doubled.append(issue)
        elif exchange.method == "DELETE" and exchange.status in (204, None):
            self.asked[issue] -= 1


@dataclass
class Storm:
    """All that goes on, and what was seen of it."""

    rig: Rig
    sites: Mapping[str, Site]
    keys: Mapping[str, list[str]]
    store: str
    seed: int
    over: threading.Event = field(default_factory=threading.Event)
    counting: threading.Lock = field(default_factory=threading.Lock)
    seen: Counter[str] = field(default_factory=Counter)
    took: dict[str, float] = field(default_factory=dict)
    """What → seconds."""
    watched: dict[str, Watched] = field(default_factory=dict)
    ages: dict[str, float] = field(default_factory=dict)
    """Site → the longest that it went without having been read whole."""
    crashed: list[str] = field(default_factory=list)

    # --- what goes on

    def note(self, **seen: int) -> None:
        with self.counting:
            self.seen.update(seen)

    def see(self, name: str, exchange: Exchange) -> None:
        self.watched[name].see(exchange)
        told = {f"answers {exchange.status}": 1} if exchange.status in (429, 503) else {}
        self.note(requests=1, **told, **({exchange.fault: 1} if exchange.fault in ("reset", "lose_answer") else {}))

    def people(self, pause: float) -> None:
        """Edit a random issue of a random site again and again, and send the webhook for every other edit."""
        rng = self._draws("people")
        client = httpx.Client(timeout=5, trust_env=False, verify=False)  # noqa: S501 - plain HTTP on loopback
        with client:
            while not self.over.wait(pause):
                name = rng.choice(list(self.sites))
                key = rng.choice(self.keys[name])
                labels = rng.sample(WORDS, rng.choice((0, 1, 1, 2)))
                others = [word for word in WORDS if word not in labels]
                self.sites[name].person("tom").edit(key, labels_add=labels, labels_remove=others)
                self.note(edits=1)
                if rng.random() < 0.5:
                    self._hook(client, rng.choice(NAMES), name, key)

    def _hook(self, client: httpx.Client, process: str, site: str, key: str) -> None:
        body = json.dumps({"issue": {"key": key}, "n": self.seen["edits"]}).encode()
        signature = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        url = f"http://127.0.0.1:{self.rig.ports[process]}/webhooks/{site}"
        try:
            answer = client.post(url, content=body, headers={"X-Hub-Signature": f"sha256={signature}"})
            self.note(webhooks=answer.status_code == 200)
        except httpx.HTTPError:  # that process is dead at the moment: losing webhooks must lose nothing
            self.note(webhooks_lost=1)

    def watch_ages(self) -> None:
        """How long each tracker goes without a whole reading."""
        with self._opened() as store:
            while not self.over.wait(0.5):
                for name in self.sites:
                    success = store.progress(name).last_success
                    assert success is not None, f"{name} was read whole before the storm"
                    self.ages[name] = max(self.ages.get(name, 0.0), (WallClock().now() - success).total_seconds())

    def await_read(self, patience: float) -> None:
        """Until every tracker has been read whole from here on: our own writes, too, are behind it then."""
        now = WallClock().now()
        with self._opened() as store:

            def read(name: str) -> bool:
                success = store.progress(name).last_success
                return success is not None and success > now

            until(lambda: all(map(read, self.sites)), "every tracker was read again", patience, pause=0.5)

    @contextmanager
    def _opened(self) -> Iterator[SqlStore]:
        store = open_store(self.store, create=False, clock_now=WallClock().now())
        try:
            yield store
        finally:
            store.close()

    def kill(self, name: str, lives: tuple[float, float]) -> None:
        """That process dies again and again: mostly a while after it got a first pass done, else as soon as it is up.

        So the schedule follows the machine: one that is slow in everything does not spend the storm in starting.
        """
        rng, process = self._draws(name), self.rig.processes[NAMES.index(name)]
        for away in cycle(DEATHS_S):
            first = rng.random() < 2 / 3
            while first and not process.events("cycle_finished") and not self.over.wait(0.1):
                pass
            self.over.wait(rng.uniform(*lives))
            if self.over.is_set():
                return
            process.end(signal.SIGKILL)
            self.note(kills=1)
            self.over.wait(away)
            process = self.rig.start(name, program=HASTY)
            self.note(restarts=1)

    def run(self, what: Callable[..., None], *given: Any) -> threading.Thread:
        def safely() -> None:
            try:
                what(*given)
            except Exception as failed:  # noqa: BLE001 - told by the test
                self.crashed.append(repr(failed))

        thread = threading.Thread(target=safely, daemon=True)
        thread.start()
        return thread

    def await_right(self, what: str, patience: float) -> None:
        """Until every site is as it must be."""
        began = time.monotonic()
        left = dict(self.sites)

        def all_right() -> bool:
            for name, site in list(left.items()):
                if not wrong(site):
                    del left[name]
            return not left

        try:
            until(all_right, f"every tracker is as it must be ({what})", patience, pause=0.5)
        except AssertionError as never:
            told = [self._told(name, key, *how) for name, site in left.items() for key, how in wrong(site).items()]
            raise AssertionError(f"{never}; {len(told)} issues are not: {told[:5]}") from None
        self.took[what] = time.monotonic() - began

    def _told(self, name: str, key: str, must: str, labels: Sequence[str]) -> str:
        """What the site and the store know of an issue that is not as it must be."""
        with self._opened() as store:
            refs = store.find(key, name)
            known = [store.known([ref]).get(ref) for ref in refs]
            states = (EntryState.DROPPED, EntryState.DONE)
            outbox = [one for one in store.entries(name, states, 100_000) if one.action.ref in refs]
        at = self.sites[name].issue(key)
        return (
            f"{name} {key} must bear {must}, has {labels}, changed {at.updated}; known: {known}; written: {outbox[-3:]}"
        )

    def _draws(self, who: str) -> random.Random:
        return random.Random(f"{self.seed} {who}")  # noqa: S311 - a drawn schedule, no secret


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
    """Sites full of work, served, and the config of two processes over them. Nothing is running yet."""
    rng = random.Random(seed)  # noqa: S311 - as above
    sites = {f"site-{n}": empty_site(WallClock()) for n in range(trackers)}  # type: ignore[arg-type]  # it tells the time
    for site in list(sites.values())[::3]:
        site.permissions.may_bulk["*"] = False  # one request an issue there, and hundreds at once on the others
    keys = {name: filled(site, issues // trackers, rng) for name, site in sites.items()}
    with ExitStack() as stack:
        told = {name: _tracker(stack.enter_context(serve(site)).url) for name, site in sites.items()}
        url = make_url(store)._replace(password=None).render_as_string()
        environ = {"JIRA_TOKEN": "sandbox-token", "HOOK_SECRET": HOOK_SECRET, "HOME": str(folder)}
        settings = {"installation": "acme", "store": url, "trackers": told, **SETTINGS}
        rig = Rig(folder, next(iter(sites.values())), "", settings, {"PYTHONPATH": str(ROOT), **environ})
        rig.texts = {"rules.yaml": RULES, "strategy.yaml": STRATEGY}
        rig._write_one("one", rig.ports["one"])
        storm = Storm(rig, sites, keys, store, seed, watched={name: Watched() for name in sites})
        for name, site in sites.items():
            site.on_exchange = lambda exchange, name=name: storm.see(name, exchange)
        try:
            yield storm
        finally:
            storm.over.set()
            rig.end_all()


SETTINGS: Final[Mapping[str, Any]] = {
    "marks": {"grace": "0s"},
    "comments": {"grace": "0s", "per_project_per_day": 99999, "per_person_per_day": 99999},
    "commands": {"allow": "off"},
    "limits": {"share": 1.0, "actions": 1_000_000, "always": 1_000_000},
    "write_closed": True,
}


def _tracker(url: str) -> dict[str, Any]:
    told = {"write": "label+comment", "poll_every": "5s", "overlap": "30s"}
    return tracker_settings(url, ("PAY", "OPS"), **told, webhook={"secret": {"env": "HOOK_SECRET"}})


def faults_on(storm: Storm) -> None:
    """Every kind at every site, each at its own rhythm."""
    rng = storm._draws("faults")
    for site in storm.sites.values():  # the first fault that strikes a request is the one it suffers
        site.faults.add(Fault("status", status=429, retry_after=1, times=None, every=rng.randint(15, 30)))
        site.faults.add(Fault("status", status=503, times=None, every=rng.randint(15, 30)))
        site.faults.add(Fault("reset", times=None, every=rng.randint(12, 18)))
        site.faults.add(Fault("lose_answer", match="PUT *", times=None, every=rng.randint(3, 6)))
        site.faults.add(Fault("lose_answer", match="POST *comment", times=None, every=rng.randint(3, 6)))


def survive(
    folder: Path,
    store: str,
    *,
    trackers: int,
    issues: int,
    seconds: float,
    kills: int,
    lives: tuple[float, float],
    seed: int,
) -> Storm:
    """Label a backlog in peace, weather the storm, and see it settle; the processes are gone then, each by SIGTERM.

    The storm lasts so long, and longer on a machine that is too slow for so many kills meanwhile.
    """
    with stormy(folder, store, trackers, issues, seed) as storm:
        for name in NAMES:
            storm.rig.start(name, program=HASTY)
        storm.await_right("first labelling", 600)
        storm.await_read(120)
        faults_on(storm)
        threads = [storm.run(storm.people, 0.05), storm.run(storm.watch_ages)]
        threads += [storm.run(storm.kill, name, lives) for name in NAMES]
        began = time.monotonic()
        until(
            lambda: time.monotonic() - began > seconds and storm.seen["restarts"] >= kills, "it raged", 4 * seconds, 0.5
        )
        storm.took["the storm"] = time.monotonic() - began
        storm.over.set()
        for thread in threads:
            thread.join(120)
        for site in storm.sites.values():
            site.faults.clear()
        assert storm.crashed == []
        storm.await_right("settling after it", 300)
        for process in storm.rig.processes:
            if process.popen.poll() is None:
                code, took = process.end()
                assert (code, took < 5) == (0, True), process.lines[-5:]
        storm.seen["taken over"] = sum(len(p.events("took_over")) for p in storm.rig.processes)
        return storm


def judged(storm: Storm, oldest: float) -> str:
    """Beyond the marks being right: nothing doubled, nobody starved, no two processes at one tracker. The figures."""
    for name, site in storm.sites.items():
        watched = storm.watched[name]
        assert watched.doubled == [], f"at some moment two comments of ours stood on an issue of {name}"
        for issue in site.live.values():
            ours = [c for c in issue.comments if c.author == site.account]
            asked = any(n.startswith("alignment/") for n in issue.labels)
            assert len(ours) <= 1, f"{issue.key} of {name} was asked twice"
            assert asked or not ours, f"{issue.key} of {name} is settled and still asked"
            storm.seen["comments left"] += len(ours)
        assert "" not in watched.cycles, "every request tells which cycle it belongs to"
        mixed = [cycle for cycle, times in Counter(watched.cycles).items() if times > 1]
        assert mixed == [], f"another pass was at {name} meanwhile"
        storm.seen["passes"] += len(watched.cycles)
    counted = ("kills", "restarts", "taken over", "answers 429", "answers 503", "reset", "lose_answer", "edits")
    for what in (*counted, "webhooks", "webhooks_lost", "comments left"):
        assert storm.seen[what] > 0, f"no {what}: {storm.seen}"
    assert set(storm.ages) == set(storm.sites)
    assert max(storm.ages.values()) < oldest, storm.ages
    took = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in storm.took.items())
    return f"{dict(sorted(storm.seen.items()))}; oldest tracker {max(storm.ages.values()):.1f} s; {took}"
