"""Random schedules of what people, permissions, lag and faults do to a served tracker between and during requests.

    told = play(JiraSchedule, shelf.empty(), seed=7, zone="Pacific/Tongatapu")
    assert told.missed == [] and told.wrong == []

A schedule is a function of its seed, apart from what threads of one reading do to each other's order. Pages hold seven
issues, so that every walk is of several. After the cycles all is given back, and two comparisons are made: after a
quiet while, of what incremental reads promise; after a census, of everything, verdicts too, against the tracker itself.
"""

import os
import sqlite3
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final
from unittest.mock import patch

from support_jira_cloud import MovableClock
from support_stage import RULES, STRATEGY

from syncd.config.versions import rulebook_of
from syncd.core.commands import CommandPolicy
from syncd.core.match import Matcher
from syncd.core.model import Limits, Rulebook
from syncd.core.plan import Policy
from syncd.core.ports import Signature, TrackerReader
from syncd.engine.census import RECHECK
from syncd.engine.looking import look
from syncd.engine.work import Looked, Work
from syncd.store import SqlStore, open_store

ZONES: Final = ("Pacific/Pago_Pago", "UTC", "Pacific/Tongatapu")  # UTC-11, UTC, UTC+13
PAGE: Final = 7
SECOND: Final = timedelta(seconds=1)
FIVE_MINUTES: Final = timedelta(minutes=5)
CENSUS_EVERY: Final = timedelta(hours=6)
TRACKER: Final = "acme"
Facts = Mapping[str, Any]
"""What is compared of an issue: all that the tracker shows of it and people edit here."""
Pair = tuple[str, str | None]
LABELS: Final = ("sre", "finops", "deps", "x")
_SAYS: Final[Mapping[str, Pair]] = {
    "sre": ("mapped", "reliability"), "finops": ("mapped", "cost"), "deps": ("exempt", "chores")
}  # fmt: skip
"""What the rules make of a label: they are those of `support_stage`."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What befalls a schedule: to show what a safeguard is there for, only what it is there for."""

    lag: bool = True
    """Rows come late."""
    bustle: float = 1
    """How much people, permissions and faults do while syncd reads; 0: they wait until it is done."""
    only: Sequence[str] = ()
    """The acts that there are; none: all."""
    overlap: timedelta = FIVE_MINUTES


@dataclass(slots=True)
class Told:
    """What became of one schedule."""

    seed: int
    zone: str
    missed: list[str] = field(default_factory=list)
    """What the quiet cycle should have shown and did not."""
    wrong: list[str] = field(default_factory=list)
    """What differs after the census."""
    seen: Counter[str] = field(default_factory=Counter)
    """What happened: `edit during a walk`, `row that came late`, `lost permission`, …"""


class Shelf:
    """One store that every schedule finds empty: opening one costs more than emptying it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "schedules.db"
        self.store: SqlStore = open_store(f"sqlite:///{self._path}", clock_now=MovableClock().now())
        with closing(sqlite3.connect(self._path)) as raw:
            names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            tables = {name: raw.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}  # noqa: S608 - ours
        self._tables = [name for name, rows in tables.items() if not rows]
        self._born = [name for name, *_ in tables["meta"]]

    def empty(self) -> SqlStore:
        """The store, without anything in it."""
        with closing(sqlite3.connect(self._path)) as raw, raw:
            for name in self._tables:
                raw.execute(f"DELETE FROM {name}")  # noqa: S608 - names of our own tables
            raw.execute(f"DELETE FROM meta WHERE name NOT IN ({','.join('?' * len(self._born))})", self._born)  # noqa: S608
        return self.store


@cache
def _rulebook() -> Rulebook:
    return rulebook_of({"strategy.yaml": STRATEGY, "rules.yaml": RULES}, "test")


class Schedule(ABC):
    """One served tracker, one store, and whoever meddles. Each kind of tracker fills in what happens on it."""

    scope: ClassVar[tuple[str, ...]]
    acts: ClassVar[Sequence[str]]
    quiet_acts: ClassVar[Collection[str]] = frozenset({"set_lag", "fail"})
    """Acts that edit nothing."""

    def __init__(self, stack: ExitStack, store: SqlStore, told: Told, weather: Weather) -> None:
        self.random = Random(told.seed)  # noqa: S311 - a schedule, not a secret
        self.clock = MovableClock()
        self.clock.move(timedelta(minutes=self.random.randrange(400_000)))  # on both sides of clock changes
        self.skew = timedelta(seconds=self.random.choice((0, 0, -7200, 5400, 37)))
        self.told, self.store, self.weather = told, store, weather
        self.doubtful: set[str] = set()
        """Issues that no incremental read can promise: deleted, moved out, hidden for a while, or below such a one."""
        self.walking = False
        self.deleted = 0
        self.serve(stack)
        self.set_lag()

    # --- what each tracker says

    @abstractmethod
    def serve(self, stack: ExitStack) -> None:
        """Build it with people's work in it, and serve it until the stack ends."""

    @abstractmethod
    def reader(self) -> TrackerReader:
        """A fresh process's reader."""

    @abstractmethod
    def there(self) -> Mapping[str, Facts]:
        """What is in scope by id, as the tracker itself has it."""

    @abstractmethod
    def stamps(self) -> Mapping[str, datetime]:
        """When each issue in scope was changed last, by the tracker."""

    @abstractmethod
    def above(self, issue_id: str) -> Iterator[list[Sequence[str]]]:
        """The labels of an issue, then of what stands above it, level by level."""

    @abstractmethod
    def set_lag(self) -> None:
        """How late rows come from now on, where the weather has that."""

    @abstractmethod
    def renew_token(self) -> None:
        """The credentials of the settings are good."""

    @abstractmethod
    def give_back(self) -> None:
        """End all faults, and give all permissions back."""

    def seen_of(self, known: Any) -> Facts:
        """The same of a stored snapshot."""
        issue = known.issue
        return {
            "key": issue.key,
            "title": issue.title,
            "labels": sorted(issue.labels),
            "status": issue.status,
            "parent": None if issue.parent is None else issue.parent.id,
        }

    # --- what happens

    def act(self) -> None:
        """One thing that people, admins or the network do."""
        name = self.random.choice(self.weather.only or self.acts)
        self._a_moment()
        getattr(self, name)()
        if self.walking and name not in self.quiet_acts:
            self.told.seen["edit during a walk"] += 1

    def during(self, _: Any) -> None:
        """Somebody may act while a request is under way."""
        if self.walking and self.random.random() < self.likely * self.weather.bustle:
            self.act()
            self._a_moment()

    def _a_moment(self) -> None:
        self.clock.move(SECOND * self.random.choice((0.001, 0.4, 3)))

    likely: ClassVar[float] = 0.25

    def lost(self, ids: Collection[str]) -> None:
        """A permission is gone, and with it the sight of those."""
        self.doubtful.update(ids)
        self.told.seen["lost permission"] += 1

    def some_labels(self) -> list[str]:
        """Labels to put on."""
        return self.random.sample(LABELS, self.random.choice((1, 1, 2)))

    # --- cycles

    def cycle(self, *, busy: bool = False) -> Looked:
        """One pass of a fresh process; `busy`: others act within it."""
        now = self.clock.now()
        lease = self.store.acquire(TRACKER, "test", now, timedelta(hours=1))
        assert lease is not None
        reader = self.reader()
        self._note_late()
        self.walking = busy
        try:
            return look(
                Work(
                    tracker=TRACKER,
                    reader=reader,
                    scope=self.scope,
                    overlap=self.weather.overlap,
                    policy=Policy(strategy=_rulebook().strategy, commands=CommandPolicy(allow="off")),
                    limits=Limits(),
                    signature=Signature("acme", self.store.instance),
                    store=self.store,
                    rulebook=_rulebook(),
                    matcher=Matcher(_rulebook(), now.date()),
                    clock=self.clock,
                    lease=lease,
                    census_every=CENSUS_EVERY,
                )
            )
        finally:
            self.walking = False
            reader.close()
            self.store.release(lease)

    def run(self) -> Told:
        """Cycles with people between and within them, then a quiet while, then a census; what each of them showed."""
        self.cycle(busy=True)
        for _ in range(self.random.randrange(1, 5)):
            for _ in range(self.random.randrange(4)):
                self.act()
            self.clock.move(timedelta(seconds=self.random.choice((1, 60, 60, 60, 200, 1000, 30_000))))
            if self.random.random() < 0.6:  # an operator looks after it
                self.renew_token()
            self.cycle(busy=True)
        self.give_back()
        self._quiet()
        self.told.missed = self._differences(self.doubtful)
        self.clock.move(CENSUS_EVERY + timedelta(hours=1))
        looked = self.cycle()
        assert looked.complete, looked.why
        self.told.wrong = self._differences(()) + self._misjudged()
        return self.told

    def _quiet(self) -> None:
        """Two cycles with nobody at work: the second after everything that lags has shown."""
        self.clock.move(timedelta(seconds=30))
        self.cycle()
        self.clock.move(timedelta(seconds=245))
        looked = self.cycle()
        if self.store.census(TRACKER).why is not None:  # the brake held one: a permission was lost in the midst of it
            assert not looked.complete
            self.told.seen["census that was held"] += 1
            self.clock.move(RECHECK)
            looked = self.cycle()
        assert looked.complete, f"seed {self.told.seed} in {self.told.zone}: {looked.why}"

    def _note_late(self) -> None:
        """Whether rows come late: changed before the watermark that passed them, and not read yet."""
        progress = self.store.progress(TRACKER)
        if progress.watermark is None:
            return
        late = {i: at for i, at in self.stamps().items() if at < progress.watermark and i not in self.doubtful}
        stored = self.store.stamps(TRACKER, list(late))
        self.told.seen["row that came late"] += any(i not in stored or stored[i] < at for i, at in late.items())

    def _differences(self, but: Collection[str]) -> list[str]:
        stored = {k.issue.ref.id: self.seen_of(k) for some in self.store.standings(TRACKER) for k in some}
        there = self.there()
        ids = sorted(i for i in stored.keys() | there.keys() if i not in but)
        return [f"{i}: {stored.get(i)} is not {there.get(i)}" for i in ids if stored.get(i) != there.get(i)]

    def _misjudged(self) -> list[str]:
        """Verdicts that are not those of the labels that stand in the tracker now."""
        wrong = []
        for some in self.store.standings(TRACKER):
            for known in some:
                assert known.standing is not None
                got, due = known.standing.decision.pair, _verdict(self.above(known.issue.ref.id))
                if got != due:
                    wrong.append(f"{known.issue.key} is {got} and should be {due}")
        return wrong


def _verdict(levels: Iterator[list[Sequence[str]]]) -> Pair:
    """DESIGN §4, for these rules: the nearest level that says anything decides; at odds with itself it is torn."""
    for nodes in levels:
        said = {_SAYS[label] for labels in nodes for label in labels if label in _SAYS}
        if said:
            return said.pop() if len(said) == 1 else ("conflict", None)
    return ("unmapped", None)


@contextmanager
def machine_zone(zone: str) -> Iterator[None]:
    """This machine stands there: no instant may depend on it."""
    with patch.dict(os.environ, {"TZ": zone}):
        time.tzset()
        try:
            yield
        finally:
            os.environ.pop("TZ")
    time.tzset()


def play(
    kind: type[Schedule],
    store: SqlStore,
    seed: int,
    zone: str,
    *,
    weather: Weather = Weather(),
    reading: AbstractContextManager[Any] | None = None,
) -> Told:
    """Play one schedule on an empty store. `reading`: a patch under which reading is done wrong."""
    told = Told(seed, zone)
    with ExitStack() as stack:
        stack.enter_context(machine_zone(zone))
        if reading is not None:
            stack.enter_context(reading)
        return kind(stack, store, told, weather).run()
