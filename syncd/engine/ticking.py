"""When work comes up: each duty once per interval, over all processes, without comparing anybody's clocks.

Every process keeps its own timer per duty, on a clock that never jumps, and asks the engine for the next number of
that duty when the timer ends. Work is named by that number, and the engine takes a name once: of two processes that
ask, one gets it, and the other starts its timer anew. A tick that is missed is not made up for: the next one is enough.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from syncd.core.running import WorkKind
from syncd.engine.ports import Duty

Monotonic = Callable[[], float]


AGAIN_AFTER: Final = 2.0
"""Seconds until a duty comes up again that the engine could not be asked for."""


class Numbered(Protocol):
    """The part of an engine that takes work by number."""

    def latest(self, tracker: str, kind: WorkKind) -> tuple[int, bool, float]:
        """(the number of the newest work, whether it is still to be done or being done, its age in seconds)."""
        ...

    def take(self, tracker: str, kind: WorkKind, number: int) -> bool:
        """Enqueue the work of that number; False: somebody did."""
        ...


@dataclass(slots=True)
class _Timer:
    duty: Duty
    due: float
    number: int = 0


class Ticker:
    """Asks for what is due. `tick` is called again and again by one thread."""

    def __init__(self, engine: Numbered, monotonic: Monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._timers: dict[tuple[str, WorkKind], _Timer] = {}
        self.turns = 0
        """How often the engine was asked, and answered."""

    def set(self, duties: Sequence[Duty]) -> None:
        """These duties from now on. New ones are due at once."""
        now, before = self._monotonic(), self._timers
        self._timers = {}
        for duty in duties:
            name = (duty.tracker, duty.kind)
            timer = before.get(name)
            if timer is None:
                timer = _Timer(duty, now, self._engine.latest(duty.tracker, duty.kind)[0])
            elif timer.duty != duty:
                timer.due = min(timer.due, now + duty.every.total_seconds())
                timer.duty = duty
            self._timers[name] = timer

    def tick(self) -> float:
        """Enqueue what is due; seconds until something is due again. What the engine raises comes through."""
        now = self._monotonic()
        for timer in list(self._timers.values()):
            if timer.due <= now:
                try:
                    self._turn(timer, now)
                except BaseException:
                    timer.due = min(timer.due, now + AGAIN_AFTER)
                    raise
                self.turns += 1
        return max(0.0, min((timer.due for timer in self._timers.values()), default=now + 60.0) - self._monotonic())

    def hurry(self, tracker: str) -> None:
        """A cycle of that tracker is due now."""
        timer = self._timers.get((tracker, "cycle"))
        if timer is not None:
            timer.due = self._monotonic()

    def _turn(self, timer: _Timer, now: float) -> None:
        duty = timer.duty
        timer.due = now + duty.every.total_seconds()
        number, going, age = self._engine.latest(duty.tracker, duty.kind)
        seen, timer.number = timer.number, max(number, timer.number)
        if going:
            return
        if number > seen:  # another process was faster: our interval begins with its work
            timer.due -= min(max(age, 0.0), duty.every.total_seconds() / 2)
            return
        while not self._engine.take(duty.tracker, duty.kind, timer.number + 1):
            timer.number += 1
            if self._engine.latest(duty.tracker, duty.kind)[0] >= timer.number:
                return  # another process took it in this very moment
            # else that number is older than the newest by the wall clock, which was set back: try the next one
        timer.number += 1
