"""Signs of life between the daemon's processes, and taking over what a dead one left behind.

A process is dead when its count of signs of life has stood still for a while *as watched here*: no two clocks are
compared. One of the living is elected by a lock on the dead one's row; it frees the dead one's leases, so that what a
process that only stood still would still write is refused by the fence, and queues its begun work again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from syncd.core.errors import StoreError
from syncd.core.ports import Clock
from syncd.core.running import Executor, RunStore
from syncd.engine.ports import Engine
from syncd.telemetry import logger

BEAT_EVERY: Final = 3.0
DEAD_AFTER: Final = 15.0
UNSTICK_EVERY: Final = 20.0
PRUNE_EVERY: Final = 300.0


class DisplacedError(Exception):
    """Another process runs under our name by now: this one must end."""


@dataclass(slots=True)
class Keeper:
    """Keeps one process's row, and an eye on the others. One thread calls `beat`."""

    store: RunStore
    engine: Engine
    me: Executor
    clock: Clock
    monotonic: Callable[[], float]
    dead_after: float = DEAD_AFTER
    figures: Callable[[], Mapping[str, float]] = dict
    """What goes into the row."""
    beaten: float | None = None
    """When the store last took a sign of life, on our own clock that never jumps."""
    tried: float | None = None
    """When it last went round, whether the store answered or not."""
    rescued: int = 0
    _watched: dict[str, tuple[str, int, float]] = field(default_factory=dict)
    _unstuck: float = 0.0
    _pruned: float = 0.0
    _lost: str | None = None

    def enlist(self) -> None:
        """Begin: whoever had our name before has lost it, its leases too."""
        self.store.enlist(self.me)
        self.store.free_leases(self.me.name)
        self._unstuck = self._pruned = self.beaten = self.tried = self.monotonic()

    def beat(self) -> None:
        """One sign of life, one look at the others. A store that fails is told once and asked again next time."""
        self.tried = self.monotonic()
        try:
            self._beat()
        except StoreError as failed:
            if self._lost is None:
                logger().error("store_lost", why=str(failed))
            self._lost = str(failed)
            self._watched.clear()  # the others may have been unable to beat, too
        else:
            if self._lost is not None:
                logger().info("store_back", was=self._lost)
                self._unstuck = -UNSTICK_EVERY  # what ended meanwhile could not be recorded
            self._lost = None

    def _beat(self) -> None:
        self.me = replace(self.me, seen=self.clock.now(), figures=dict(self.figures()))
        if not self.store.beat(self.me):
            self._return()
        now = self.monotonic()
        self.beaten = now
        self._look_at_others(now)
        if now - self._unstuck > UNSTICK_EVERY:
            self._unstuck = now
            if lost := self.engine.unstick():
                logger().warning("stuck_work_queued_again", count=lost)
        if now - self._pruned > PRUNE_EVERY:
            self._pruned = now
            self.engine.prune()

    def _return(self) -> None:
        """Our row is gone (we stood still, and were given up) or another's (our name is taken)."""
        if any(one.name == self.me.name for one in self.store.executors()):
            raise DisplacedError(f"another `syncd run` took the name {self.me.name}: give each its own (--name)")
        logger().warning("given_up_and_back")
        self.store.enlist(self.me)

    def _look_at_others(self, now: float) -> None:
        others = {one.name: one for one in self.store.executors() if one.name != self.me.name}
        self._watched = {name: seen for name, seen in self._watched.items() if name in others}
        for name, one in others.items():
            token, beats, since = self._watched.get(name, ("", -1, now))
            if (token, beats) != (one.token, one.beats):
                self._watched[name] = (one.token, one.beats, now)
            elif now - since > self.dead_after:
                self._rescue(one)

    def _rescue(self, dead: Executor) -> None:
        with self.store.rescuing(dead) as ours:
            if not ours:
                return
            leases = self.store.free_leases(dead.name)
            works = self.engine.recover(dead.name)
        self._watched.pop(dead.name, None)
        self.rescued += 1
        logger().warning("took_over", executor=dead.name, leases=leases, works=works)
