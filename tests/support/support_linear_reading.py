"""A reader that is pointed at a served Linear, and what tests ask it again and again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from support_linear import TOKEN, Linear, linear
from support_sandbox import MovingClock

from connectors.linear.reader import LinearReader
from connectors.sandbox.linear import Member, Workspace
from syncd.core.model import Issue
from syncd.core.ports import MarkNames, Page, TrackerOptions

GROUPS = MarkNames("Outcome/", "Alignment/")
IDLE = {"Look": 1, "Labels": 1, "Projects": 1, "NodeLabels": 1, "Initiatives": 1, "Issues": 1, "Moved": 1}
"""What a cycle asks in which nothing changed: one request a stream."""


@dataclass
class Time:
    """The served Linear's clock as a `Clock`. Sleeping moves it, and is written down."""

    clock: MovingClock
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.clock.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.at += timedelta(seconds=seconds)


@dataclass
class Desk:
    """A served workspace with a reader at it."""

    served: Linear
    time: Time
    stack: ExitStack

    @property
    def space(self) -> Workspace:
        return self.served.workspace

    @property
    def maria(self) -> Member:
        return self.space.member("maria")

    def options(self, **changed: Any) -> TrackerOptions:
        told: dict[str, Any] = {
            "id": "acme-linear",
            "kind": "linear",
            "url": self.served.url,
            "auth": {"token": TOKEN},
            "scope": {"teams": ("ENG", "OPS")},
            "overlap": timedelta(minutes=5),
            "marks": GROUPS,
            "installation": "acme",
        }
        return TrackerOptions(**(told | changed))

    def reader(self, **changed: Any) -> LinearReader:
        reader = LinearReader(self.options(**changed), self.time, self.time.sleep)
        self.stack.callback(reader.close)
        return reader

    def later(self, **by: float) -> None:
        self.served.clock.move(**by)

    def counted(self, act: Callable[[], Any]) -> dict[str, int]:
        """How often each document is sent while that is done."""
        before = self.space.counts.copy()
        act()
        return dict(self.space.counts - before)


@contextmanager
def desk(**options: Any) -> Iterator[Desk]:
    with linear(**options) as served, ExitStack() as stack:
        yield Desk(served, Time(served.clock), stack)


@dataclass
class Cycles:
    """Cycle after cycle, as the engine drives a reader: watermark and memory are kept from the last complete one."""

    desk: Desk
    since: datetime | None = None
    memory: str = ""
    issues: dict[str, Issue] = field(default_factory=dict)
    outside: dict[str, Issue] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)

    def run(self) -> list[Page]:
        self.pages = list(self.desk.reader(**self.changed).observe(self.since, self.memory))
        self.take(self.pages)
        return self.pages

    def take(self, pages: Sequence[Page]) -> None:
        for page in pages:
            for issue in page.issues:
                self.issues[issue.ref.id] = issue
                self.outside.pop(issue.ref.id, None)
            for issue in page.outside:
                self.outside[issue.ref.id] = issue
                self.issues.pop(issue.ref.id, None)
            if page.read_to is not None:
                self.since = page.read_to
            if page.memory is not None:
                self.memory = page.memory

    def by_key(self) -> dict[str, Issue]:
        return {issue.key: issue for issue in self.issues.values()}

    def told(self) -> list[str]:
        """The keys of the issues that the last cycle told of."""
        return sorted({issue.key for page in self.pages for issue in page.issues})
