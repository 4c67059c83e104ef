"""What the daemon needs from a workflow engine. One adapter knows which engine that is (syncd.engine.dbos_engine)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from syncd.core.running import WorkKind


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work that the engine hands out. No two of one tracker run at a time, over all processes."""

    id: str
    kind: WorkKind
    tracker: str
    refs: tuple[str, ...] = ()
    """Of a webhook batch: ids of the issues to look at, or keys."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Work that comes up again and again."""

    tracker: str
    kind: WorkKind
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The engine at a glance."""

    queued: int = 0
    running: int = 0
    """By all processes."""
    here: int = 0
    """Of those, by this process."""
    oldest_queued_s: float = 0.0
    oldest_running_s: float = 0.0
    stuck: int = 0
    """Running for so long that nobody can be at it any more."""
    enqueued: int = 0
    """By this process since it started."""
    finished: int = 0
    recovered: int = 0
    """Taken over from dead processes, or set going again."""
    by_tracker: Mapping[str, float] | None = None
    """Tracker → seconds since its oldest queued work was enqueued."""


Runner = Callable[[Task], Mapping[str, Any]]
"""Does the work and says what came of it (JSON). Never raises."""


class Engine(Protocol):
    """Schedules, queues, and recovers work. Raises `StoreError` where its database cannot be used."""

    def hold(self) -> None:
        """Make sure that this process may be at it: `Busy` where it bears one process only, and there is one."""
        ...

    def start(self, run: Runner) -> None:
        """Begin to hand out work; what an earlier process of this name left half way is queued again."""
        ...

    def schedule(self, duties: Sequence[Duty]) -> None:
        """These are the duties from now on, once per interval over all processes; new ones come up at once."""
        ...

    def hurry(self, tracker: str) -> None:
        """The next cycle of that tracker is due now."""
        ...

    def enqueue(self, tracker: str, kind: WorkKind, refs: Sequence[str] = ()) -> str | None:
        """Ask for work; its id. None: work of that kind for that tracker is queued and not begun yet."""
        ...

    def recover(self, executor: str) -> int:
        """Queue again what a dead process had begun; how many. The caller holds the right to (`rescuing`)."""
        ...

    def unstick(self) -> int:
        """Queue again what stands as begun by this process and is not being done; how many."""
        ...

    def prune(self) -> int:
        """Forget work that is over, but the newest of each kind and tracker; how many."""
        ...

    def stats(self) -> Figures:
        """How it stands."""
        ...

    def stop(self, patience: timedelta) -> bool:
        """Hand out nothing more and wait so long for what runs; whether it ended."""
        ...
