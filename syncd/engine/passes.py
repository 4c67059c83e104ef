"""One pass of the daemon over one tracker: the boundary inside which anything may go wrong (DESIGN §7).

It holds the tracker's lease, runs the work, records what came of it for everybody who asks (the store's `attempts`),
and tells it in one line. A tracker that cannot be reached is left alone for longer and longer; the others go on.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic, thread_time
from typing import Any, Final, Protocol

from syncd.core.errors import Busy, ConfigError, SyncdError, TrackerError
from syncd.core.ports import Clock, Lease, Store, TrackerWriter
from syncd.core.running import Attempt, RunStore
from syncd.engine.holding import gone_holder, holder_words
from syncd.engine.ports import Task
from syncd.engine.work import LEASE_TTL, CycleResult, LeaseLostError, StoppingError, Work
from syncd.telemetry import during, logger

MOST_PATIENCE: Final = timedelta(minutes=15)
"""The longest that a tracker that cannot be reached is left alone, unless its own interval is longer."""
DOUBLINGS: Final = 10


class PassStore(Store, RunStore, Protocol):
    """The store as a pass needs it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What one pass works with, made for it."""

    work: Work
    writer: TrackerWriter
    every: timedelta
    """How often the tracker is polled."""


Act = Callable[[Tools, Task], CycleResult]
"""A cycle, or a look at what webhooks named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """Runs tasks. Safe for several threads at different trackers."""

    store: PassStore
    clock: Clock
    holder: str
    """Who signs leases here."""
    tools: Callable[[str, Lease], AbstractContextManager[Tools]]
    """Makes what a pass over a tracker needs, under a lease, by the config that is in force."""
    acts: Mapping[str, Act]
    every: Callable[[str], timedelta | None]
    """How often a tracker is polled; None: there is none of that id any more."""
    renewed: Callable[[str], bool]
    """Whether a tracker would be reached with something else than in the last pass, a new token say: nobody waits."""
    correlated: Callable[[str], AbstractContextManager[None]]
    """Sends a cycle's id along with what goes to the tracker in the block."""
    ending: Callable[[], bool]
    told: Callable[[Attempt, CycleResult | None], None] = lambda _attempt, _result: None
    """Hears of every pass that was made."""
    traced: Callable[[Task], AbstractContextManager[None]] = lambda _task: nullcontext()
    """Stays while a task is run."""

    def run(self, task: Task) -> Mapping[str, Any]:
        """Do it; never raises. What comes back is kept by the engine for as long as it keeps its history."""
        bound = during(cycle=task.id, tracker=task.tracker, kind=task.kind)
        with bound, self.correlated(task.id), self.traced(task):
            every = self.every(task.tracker)
            if every is None or self.ending():
                return {"skipped": "ending" if every is not None else "no such tracker"}
            try:
                return self._attempted(task, every)
            except SyncdError as failed:  # the store itself: nobody could record anything
                logger().error("store_failed", why=str(failed))
                return {"failed": str(failed)}
            except Exception as bug:  # noqa: BLE001 - the last boundary: one pass never takes the daemon down
                logger().error("bug", what=type(bug).__name__, where=_where(bug))
                return {"failed": type(bug).__name__}

    def _attempted(self, task: Task, every: timedelta) -> Mapping[str, Any]:
        with self.store.together():
            before, now = self.store.attempt(task.tracker, "cycle"), self.clock.now()
            until = None if before is None else _still_waits(before, now)
            lease = None if until else self.store.acquire(task.tracker, self.holder, now, LEASE_TTL)
        if until is not None:
            # only a cycle finds out whether the tracker is well again; a secret's file is read without the store's lock
            if task.kind != "cycle" or not self.renewed(task.tracker):
                return {"skipped": f"backing off until {until}"}
            lease = self.store.acquire(task.tracker, self.holder, now, LEASE_TTL)
        held_by = None if lease else self.store.lease_holder(task.tracker, now)
        if gone := gone_holder(held_by):
            lease = self.store.acquire(task.tracker, self.holder, now, LEASE_TTL, gone=gone)
        if lease is None:
            logger().info("cycle_skipped", held_by=holder_words(held_by))
            return {"skipped": f"held by {holder_words(held_by)}"}
        try:
            attempt, result = self._carried_out(task, lease, before, every)
            with self.store.together():
                self._record(attempt)
                self.store.release(lease)
        except BaseException:
            self.store.release(lease)
            raise
        self._tell(attempt, before, result)
        return attempt.facts

    def _carried_out(
        self, task: Task, lease: Lease, before: Attempt | None, every: timedelta
    ) -> tuple[Attempt, CycleResult | None]:
        """How it went, and what it came to where it came to its end."""
        failures = 0 if before is None else before.failures
        began = Attempt(tracker=task.tracker, kind=task.kind, id=task.id, started=self.clock.now(), failures=failures)
        clock, cpu = monotonic(), thread_time()
        result, why, unreached, patient = None, None, False, True
        try:
            with self.tools(task.tracker, lease) as tools:
                result = self.acts[task.kind](tools, task)
            why, unreached = result.why, not result.reachable
        except StoppingError as stopping:
            why = str(stopping)
        except LeaseLostError as lost:
            why = str(lost)
        except Busy as busy:
            why = str(busy)
        except TrackerError as failed:
            why, unreached = str(failed), True
        except ConfigError as wrong:  # a secret is not to be had any more; to look for it again costs nobody anything
            why, unreached, patient = "; ".join(problem.message for problem in wrong.problems), True, False
        except SyncdError as failed:
            why = str(failed)
        facts = {**_facts(result), "why": why, "seconds": round(monotonic() - clock, 3)}
        facts["cpu_s"] = round(thread_time() - cpu, 3)
        now, failures = self.clock.now(), failures + 1 if unreached else 0
        not_before = _not_before(now, failures, every) if patient else None
        ended = replace(began, ended=now, failures=failures, not_before=not_before, why=why, facts=facts)
        return ended, result

    def _record(self, attempt: Attempt) -> None:
        self.store.save_attempt(attempt)
        if attempt.kind != "cycle" and attempt.failures:  # the tracker as a whole is left alone, whatever found it out
            self.store.save_attempt(replace(attempt, kind="cycle"))

    def _tell(self, attempt: Attempt, before: Attempt | None, result: CycleResult | None) -> None:
        log = logger()
        failing, failed = attempt.failures > 0, before is not None and before.failures > 0
        if failing and not failed:
            log.warning("tracker_unreachable", why=attempt.why)
        elif failed and not failing:
            log.info("tracker_reachable_again", after=before.failures if before else 0)
        whole = result is not None and result.complete
        (log.info if whole else log.warning)("cycle_finished", failures=attempt.failures, **attempt.facts)
        self.told(attempt, result)


def _not_before(now: datetime, failures: int, every: timedelta) -> datetime | None:
    """Until when to leave a tracker alone that so many passes in a row could not reach."""
    if failures <= 1:
        return None
    doubled: int = 2 ** min(failures - 1, DOUBLINGS)
    wait = min(every * doubled, max(MOST_PATIENCE, every))
    return now + wait - every / 2  # so that the tick at that time finds it over


def _still_waits(before: Attempt, now: datetime) -> datetime | None:
    """Until when it backs off. A wait that is longer than any we give was made by a clock that was set back since."""
    until = before.not_before
    return until if until is not None and now < until < now + 2 * MOST_PATIENCE + timedelta(days=1) else None


def _facts(result: CycleResult | None) -> dict[str, Any]:
    if result is None:
        return {"complete": False}
    names = ("observed", "decided", "planned", "applied", "skipped", "waiting", "requests", "complete")
    facts: dict[str, Any] = {name: getattr(result, name) for name in names}
    return {**facts, "refused": len(result.refusals), "notes": len(result.notes)}


def _where(bug: BaseException) -> str:
    """The line of ours that it came from: no message, which might quote an issue."""
    at, where = bug.__traceback__, ""
    while at is not None:
        name = at.tb_frame.f_globals.get("__name__", "")
        if name.startswith(("syncd", "connectors")):
            where = f"{name}:{at.tb_lineno}"
        at = at.tb_next
    return where
