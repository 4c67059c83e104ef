"""Random schedules of what people, permissions and faults do to a served Jira between and during requests.

    told = play(seed=7, zone="Pacific/Tongatapu")
    assert told.late_reads == [] and told.wrong == []

A schedule is a function of its seed. The site's pages hold seven issues, so that every walk is of several. After the
cycles all is given back, and two comparisons are made: after a quiet while, of what incremental reads promise; after a
census, of everything.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from threading import RLock
from typing import Any, Final
from unittest.mock import patch

from support_jira_cloud import MovableClock
from support_stage import RULES, STRATEGY, TRACKER

from connectors.jira.cloud import CloudKind
from connectors.sandbox import Exchange, Fault, Site, serve
from connectors.sandbox.faults import FaultKind
from syncd.config.versions import rulebook_of
from syncd.core.match import Matcher
from syncd.core.model import Limits, Rulebook
from syncd.core.plan import Policy
from syncd.core.ports import MarkNames, Signature, TrackerOptions, TrackerReader
from syncd.engine.looking import look
from syncd.engine.work import Looked, Work
from syncd.store import SqlStore, open_store

ZONES: Final = ("Pacific/Pago_Pago", "UTC", "Pacific/Tongatapu")  # UTC-11, UTC, UTC+13
SCOPE: Final = ("PAY", "OPS")
PAGE: Final = 7
SECOND: Final = timedelta(seconds=1)
Facts = tuple[str, str, tuple[str, ...], str | None]
"""What is compared of an issue: key, title, labels, the parent's id."""


@dataclass
class Told:
    """What became of one schedule."""

    seed: int
    zone: str
    late_reads: list[str] = field(default_factory=list)
    """What the quiet cycle should have shown and did not."""
    wrong: list[str] = field(default_factory=list)
    """What differs after the census."""
    seen: Counter[str] = field(default_factory=Counter)
    """What happened: `edit during a walk`, `row that came late`, `lost permission`, …"""


@cache
def _rulebook() -> Rulebook:
    return rulebook_of({"strategy.yaml": STRATEGY, "rules.yaml": RULES}, "test")


@cache
def _empty_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        open_store(f"sqlite:///{folder}/s.db", clock_now=MovableClock().now()).close()
        return (Path(folder) / "s.db").read_bytes()


class Schedule:
    """One site, one store, and whoever meddles."""

    def __init__(self, stack: ExitStack, seed: int, zone: str, overlap: timedelta) -> None:
        self.random = Random(seed)  # noqa: S311 - a schedule, not a secret
        self.clock = MovableClock()
        self.clock.move(timedelta(minutes=self.random.randrange(400_000)))  # on both sides of clock changes
        skew = timedelta(seconds=self.random.choice((0, 0, -7200, 5400, 37)))
        self.site = Site(lambda: self.clock.now() + skew, account_zone=zone)
        self.lock = RLock()
        self.told = Told(seed, zone)
        self.overlap = overlap
        for key in (*SCOPE, "STRAT"):
            self.site.registry.add_project(key, key.title())
        self.doubtful: set[int] = set()
        """Issues that no incremental read can promise: deleted, moved out, hidden for a while, or below such a one."""
        self.walking = False
        self.deleted = 0
        self._people()
        served = stack.enter_context(serve(self.site))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        (Path(folder) / "s.db").write_bytes(_empty_store())  # making one takes longer than a schedule
        self.store: SqlStore = open_store(f"sqlite:///{folder}/s.db", clock_now=self.clock.now())
        stack.callback(self.store.close)
        self.url = served.url
        self.site.on_exchange = self._during

    def _people(self) -> None:
        tom = self.site.person("tom")
        for n in range(24):
            self.clock.move(timedelta(minutes=self.random.randrange(60)))
            project = self.random.choice(("PAY", "PAY", "OPS", "STRAT"))
            kind = "Epic" if n < 5 else "Story"
            tom.create(project=project, summary=f"work {n}", type=kind, labels=self.random.sample(["sre", "finops"], 1))

    # --- what happens

    def act(self) -> None:
        """One thing that people, admins or the network do."""
        with self.lock, self.site.lock:
            name = self.random.choice(_ACTS)
            self.clock.move(SECOND * self.random.choice((0.001, 0.4, 3)))
            getattr(self, name)()
            if self.walking and name not in ("set_lag", "fail"):
                self.told.seen["edit during a walk"] += 1

    def edit(self) -> None:
        key = self._any().key
        self.site.person("tom").edit(key, summary=f"edited {self.random.random()}")

    def relabel(self) -> None:
        issue = self._any()
        self.site.person("tom").edit(issue.key, labels=self.random.sample(["sre", "finops", "deps", "x"], 2))

    def create(self) -> None:
        self.site.person("tom").create(project=self.random.choice(SCOPE), summary=f"new {self.random.random()}")

    def hang_elsewhere(self) -> None:
        issue, above = self._any(), self._any()
        epic = self.site.registry.types[above.type_id].level == 1
        if epic and self.site.registry.types[issue.type_id].level == 0:
            self.site.person("tom").edit(issue.key, parent=above.key)

    def move(self) -> None:
        issue, target = self._any(), self.random.choice((*SCOPE, "STRAT"))
        if target == issue.project:
            return
        self.site.person("ines").move(issue.key, target)
        if target not in SCOPE:
            self.doubtful.add(issue.id)

    def delete(self) -> None:
        issue = self._any()
        if self.deleted >= 5 or issue.project not in SCOPE:
            return
        self.deleted += 1
        self.doubtful |= {issue.id, *self.site.children.get(issue.id, ())}
        self.site.person("ines").delete(issue.key)

    def hide(self) -> None:
        issue = self._any()
        self.site.permissions.hidden.add(issue.id)
        self._lost({issue.id})

    def show(self) -> None:
        self.site.permissions.hidden.clear()

    def close_project(self) -> None:
        self.site.permissions.may_browse["OPS"] = False
        self._lost({issue.id for issue in self.site.live.values() if issue.project == "OPS"})

    def open_project(self) -> None:
        self.site.permissions.may_browse["OPS"] = True

    def set_lag(self) -> None:
        self.site.index_lag = timedelta(seconds=self.random.choice((0, 20, 90, 240)))

    def set_zone(self) -> None:
        self.site.account_zone = self.random.choice(ZONES)

    def fail(self) -> None:
        self.told.seen["fault"] += 1
        kinds: tuple[FaultKind, ...] = ("status", "status", "reset", "truncate")
        kind = self.random.choice(kinds)
        status = self.random.choice((429, 500, 503))
        after = self.random.choice((None, 2, 400)) if status == 429 else None
        self.site.faults.add(Fault(kind, status=status, retry_after=after, match="* *", times=1))

    def _any(self) -> Any:
        return self.site.live[self.random.choice(sorted(self.site.live))]

    def _lost(self, ids: set[int]) -> None:
        self.doubtful |= ids
        self.told.seen["lost permission"] += 1

    def _during(self, exchange: Exchange) -> None:
        if self.walking and self.random.random() < 0.25:
            self.act()

    # --- cycles

    def cycle(self) -> Looked:
        """One pass of a fresh process."""
        now = self.clock.now()
        lease = self.store.acquire(TRACKER, "test", now, timedelta(hours=1))
        assert lease is not None
        reader = self.reader()
        try:
            return look(
                Work(
                    tracker=TRACKER,
                    reader=reader,
                    scope=SCOPE,
                    overlap=self.overlap,
                    policy=Policy(strategy=_rulebook().strategy),
                    limits=Limits(),
                    signature=Signature("acme", self.store.instance),
                    store=self.store,
                    rulebook=_rulebook(),
                    matcher=Matcher(_rulebook(), now.date()),
                    clock=self.clock,
                    lease=lease,
                    accept_missing=False,
                )
            )
        finally:
            reader.close()
            self.store.release(lease)

    def reader(self) -> TrackerReader:
        auth = {"email": self.site.email, "token": self.site.token}
        options = TrackerOptions(
            id=TRACKER,
            kind="jira-cloud",
            url=self.url,
            auth=auth,
            scope={"projects": SCOPE},
            overlap=self.overlap,
            marks=MarkNames(),
        )
        return CloudKind(sleep=self.clock.sleep).reader(options, self.clock)

    def run(self) -> Told:
        self.walking = True
        self.cycle()
        self.walking = False
        for _ in range(self.random.randrange(3, 7)):
            for _ in range(self.random.randrange(4)):
                self.act()
            self.clock.move(timedelta(seconds=self.random.choice((1, 60, 60, 200, 1000))))
            self._note_late()
            self.walking = True
            self.cycle()
            self.walking = False
        self._give_back()
        self._quiet()
        self.told.late_reads = self._differences(self.doubtful)
        self.clock.move(timedelta(hours=7))
        assert self.cycle().complete
        self.told.wrong = self._differences(set())
        return self.told

    def _note_late(self) -> None:
        """Rows that the search does not show yet, though they were changed before the walk that begins now."""
        if self.site._pending and self.site.index_lag:
            due = self.site.now() - self.site.index_lag
            self.told.seen["row that came late"] += any(at > due for at, *_ in self.site._pending)

    def _give_back(self) -> None:
        self.site.faults.clear()
        self.show()
        self.open_project()

    def _quiet(self) -> None:
        """Two cycles with nobody at work: the second after everything that lags has shown."""
        self.clock.move(timedelta(seconds=30))
        self.cycle()
        self.clock.move(timedelta(seconds=245))
        assert self.cycle().complete

    def _differences(self, but: set[int]) -> list[str]:
        stored, there = self._stored(), self._there()
        ids = sorted(i for i in stored.keys() | there.keys() if int(i) not in but)
        return [f"{i}: {stored.get(i)} is not {there.get(i)}" for i in ids if stored.get(i) != there.get(i)]

    def _there(self) -> Mapping[str, Facts]:
        inside = (issue for issue in self.site.live.values() if issue.project in SCOPE)
        return {
            str(i.id): (i.key, i.summary, tuple(i.labels), None if i.parent is None else str(i.parent.id))
            for i in inside
        }

    def _stored(self) -> Mapping[str, Facts]:
        known = (k.issue for some in self.store.standings(TRACKER) for k in some)
        return {i.ref.id: (i.key, i.title, i.labels, None if i.parent is None else i.parent.id) for i in known}


_ACTS: Final = (
    *(["edit"] * 6), *(["relabel"] * 3), *(["create"] * 2), *(["hang_elsewhere"] * 3), *(["move"] * 2), "delete",
    "hide", "show", "show", "close_project", "open_project", "open_project", *(["set_lag"] * 3), "set_zone", "fail",
)  # fmt: skip


def play(
    seed: int, zone: str, *, overlap: timedelta = timedelta(minutes=5), broken: Callable[[], Any] | None = None
) -> Told:
    """Play one schedule. `broken`: a patch under which reading is done wrong."""
    with ExitStack() as stack:
        stack.enter_context(patch("connectors.sandbox.search_api.MOST_ROWS", PAGE))
        # every other one is read by windows the first time, several at once
        stack.enter_context(patch("connectors.jira.parts.SMALL", 2000 if seed % 2 else 6))
        if broken is not None:
            stack.enter_context(broken())
        return Schedule(stack, seed, zone, overlap).run()
