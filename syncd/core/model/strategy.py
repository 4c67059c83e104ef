"""The strategy: outcomes, objectives, overhead, and the days on which they are in force."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Window:
    """The whole days in UTC, both included, on which something is in effect. None: open on that side."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether `day` (in UTC) lies inside."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


ALWAYS: Final = Window()
"""In force on every day."""


@dataclass(frozen=True, slots=True, order=True)
class Accept:
    """One advice of `check` that an admin accepts where it stands, and why. Decisions know nothing of it."""

    advice: str
    why: str


@dataclass(frozen=True, slots=True)
class Metric:
    """The number that tells whether an outcome is reached."""

    name: str
    unit: str | None = None
    baseline: float | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """How often somebody asks whether the outcome still is the right one."""

    every: timedelta | None = None
    next: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A level below an outcome; its id is unique within it."""

    id: str
    title: str
    owner: str | None = None
    metric: Metric | None = None
    due: date | None = None
    window: Window = ALWAYS
    accept: tuple[Accept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One of the three to five measurable results that the strategy promises."""

    id: str
    title: str
    owner: str
    metric: Metric | None = None
    due: date | None = None
    review: Review | None = None
    allocation: float | None = None
    """The share of work meant for it, as a fraction."""
    objectives: tuple[Objective, ...] = ()
    window: Window = ALWAYS
    accept: tuple[Accept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Declared work that serves no outcome on purpose, with a budget (a fraction)."""

    id: str
    title: str
    owner: str
    budget: float | None = None
    accept: tuple[Accept, ...] = ()


@dataclass(frozen=True, slots=True)
class Focus:
    """The one outcome that matters most until a day."""

    outcome: str
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """The intent and all it is broken down into."""

    intent: str
    outcomes: tuple[Outcome, ...] = ()
    overhead: tuple[Overhead, ...] = ()
    focus: Focus | None = None
    accept: tuple[Accept, ...] = ()

    def outcome(self, outcome_id: str) -> Outcome | None:
        """The outcome of that id, if there is one."""
        return next((o for o in self.outcomes if o.id == outcome_id), None)
