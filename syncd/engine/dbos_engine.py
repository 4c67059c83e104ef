"""The engine on DBOS: the only module that knows it (docs/adr/0012). Coarse: one workflow is one pass over one tracker.

Workflows have no steps: a pass that is begun again starts from the trackers and the store, and the outbox sees to it
that nothing is written twice. What DBOS is here for: a queue with one running workflow per tracker over all
processes, and what is begun staying known until it is done (facts/stack.md 1c).
"""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import IO, Any, Final

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from dbos import error as dbos_error

from syncd.core.errors import Broken, Busy
from syncd.core.ports import Clock
from syncd.core.running import WorkKind
from syncd.engine.ports import Duty, Figures, Runner, Task
from syncd.engine.ticking import Ticker
from syncd.telemetry import LibraryLog, logger

NAME: Final = "syncd"
QUEUE: Final = "trackers"
KINDS: Final[tuple[WorkKind, ...]] = ("cycle", "webhook_batch")
APPLICATION_VERSION: Final = "1"
"""Of the workflows' arguments. Raised only when those change: else an upgrade would leave begun work behind."""
SCHEMA: Final = "syncd_engine"
"""DBOS's own schema on PostgreSQL."""
KEPT: Final = 20
"""Work that is over and kept, for each kind and tracker."""
AT_ONCE: Final = 16
"""Passes that one process runs at a time."""
SUSPECT: Final = timedelta(seconds=60)
"""Work that stands as begun here for so long, and is not being done here, was lost."""
UNRECORDED: Final = 5.0
"""Seconds after which work that ended here and still stands as begun will not be recorded any more."""
FAREWELL: Final = 1.0
"""Seconds in which the library may close what it has open, once nothing runs any more."""
GOING: Final = ("ENQUEUED", "PENDING")
OVER: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
PRUNED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where the engine keeps its work. `lock`: the file that keeps a second process off an SQLite one."""

    url: str
    lock: Path | None = None


class DbosEngine:
    """An `Engine`. There can be one in a process: DBOS is a singleton."""

    def __init__(
        self, place: Place, executor: str, clock: Clock, *, poll: float = 1.0, stuck: timedelta = timedelta(minutes=30)
    ) -> None:
        self._place = place
        self._executor = executor
        self._clock = clock
        self._poll = poll
        self._stuck = stuck
        self._lock: IO[str] | None = None
        self._run: Runner | None = None
        self._here: set[str] = set()
        self._left: dict[str, float] = {}
        """Work that ended here lately, and when. Where its end could not be recorded, it stands as begun."""
        self._guard = threading.Lock()
        self._ended = threading.Condition(self._guard)
        self._stop = threading.Event()
        self._figures = Figures()
        self._ticker = Ticker(self, monotonic)
        self._ticking: threading.Thread | None = None
        self._client: DBOSClient | None = None
        self.gone = False
        """Whether nothing of it is left that could keep the process from ending."""
        self.ticked = monotonic()
        """When the thread that schedules last went round."""

    # --- starting and ending

    def start(self, run: Runner) -> None:
        """Launch and register. `Broken`: the database cannot be used."""
        self._run = run
        self.hold()
        _route_logs()
        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": self._place.url,
            "dbos_system_schema": SCHEMA,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._executor,
            "serializer": DBOSPortableJSONSerializer(),
            "sys_db_pool_size": 5,
            "max_executor_threads": AT_ONCE + 8,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        try:
            DBOS(config=config)
            for kind in KINDS:
                DBOS.workflow(name=kind)(_workflow(self, kind))
            DBOS.launch()
            DBOS.register_queue(
                QUEUE,
                partition_concurrency=1,
                worker_concurrency=AT_ONCE,
                polling_interval_sec=self._poll,
                on_conflict="always_update",
            )
            self._client = self._asking()
        except Exception as failed:
            self._let_go()
            raise Broken(f"the engine's database cannot be used ({_told(failed)})") from failed
        self._ticking = threading.Thread(target=self._keep_ticking, name="syncd-ticking", daemon=True)
        self._ticking.start()

    def _asking(self) -> DBOSClient:
        """What asks the engine's database for us, and fails where `DBOS` itself would wait until it is back.

        The thread that schedules, and the one that gives signs of life, must go round meanwhile.
        """
        return DBOSClient(
            system_database_url=self._place.url,
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            system_database_pool_size=3,
            application_name=NAME,
            retry_connection_errors=False,
            lazy=True,
        )

    def stop(self, patience: timedelta) -> bool:
        """Nothing more is begun; True when all that ran here has ended in time. `gone` says the rest."""
        self._stop.set()
        with self._guard:
            quiet = self._ended.wait_for(lambda: not self._here, patience.total_seconds())
        ended = threading.Thread(target=self._destroy, name="syncd-engine-end", daemon=True)
        ended.start()
        ended.join(FAREWELL if quiet else 0.2)  # its own threads are given 10 s each to end
        return quiet

    def _destroy(self) -> None:
        DBOS.destroy(destroy_registry=True)
        if self._client is not None:
            self._client.destroy()
        self._let_go()
        self.gone = True

    def hold(self) -> None:
        """Lock the file that says who works here; nothing to lock on PostgreSQL. `Busy` names who holds it."""
        if self._place.lock is None or self._lock is not None:
            return
        file = self._place.lock.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            who = file.read(64).strip() or "unknown"
            file.close()
            raise Busy(
                f"another `syncd run` (pid {who}) works on this store; SQLite bears one, PostgreSQL many"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._lock = file

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # --- running

    def perform(self, kind: WorkKind, tracker: str, refs: Sequence[str]) -> Mapping[str, Any]:
        """What a workflow does."""
        task = Task(str(DBOS.workflow_id), kind, tracker, tuple(refs))
        if self._stop.is_set() or self._run is None:
            return {"stopped": True}
        with self._guard:
            self._here.add(task.id)
            self._left.pop(task.id, None)
        try:
            return self._run(task)
        finally:
            with self._guard:
                self._here.discard(task.id)
                self._left[task.id] = monotonic()
                self._figures = replace(self._figures, finished=self._figures.finished + 1)
                self._ended.notify_all()

    # --- scheduling

    def schedule(self, duties: Sequence[Duty]) -> None:
        """As the port says."""
        self._ticker.set(duties)

    def hurry(self, tracker: str) -> None:
        """As the port says."""
        self._ticker.hurry(tracker)

    def _keep_ticking(self) -> None:
        down = False
        while not self._stop.is_set():
            wait, before = 1.0, self._ticker.turns
            try:
                wait = self._ticker.tick()
                if down and self._ticker.turns > before:  # else nothing was due, and nobody asked
                    logger().info("engine_database_back")
                    down = False
            except Exception as failed:  # noqa: BLE001 - a boundary: whatever DBOS raises, the next tick tries again
                if not down:
                    logger().error("engine_database_lost", why=_told(failed))
                down = True
            self.ticked = monotonic()
            self._stop.wait(min(max(wait, 0.05), 1.0))

    def latest(self, tracker: str, kind: WorkKind) -> tuple[int, bool, float]:
        """Of the newest work of that kind for that tracker: its number, whether some is going on, its age."""
        found = self._list(workflow_id_prefix=_prefix(tracker, kind), sort_desc=True, limit=10)
        if not found:
            return 0, False, 0.0
        age = self._clock.now().timestamp() - (found[0].created_at or 0) / 1000
        return max(_number(w.workflow_id) for w in found), any(w.status in GOING for w in found), age

    def take(self, tracker: str, kind: WorkKind, number: int, refs: Sequence[str] = ()) -> bool:
        """Enqueue it under that number, once over all processes."""
        try:
            self._asked.enqueue(
                {
                    "workflow_name": kind,
                    "queue_name": QUEUE,
                    "workflow_id": f"{_prefix(tracker, kind)}{number:012d}",
                    "workflow_id_reuse_policy": "reject",
                    "queue_partition_key": tracker,
                    "app_version": APPLICATION_VERSION,
                },
                tracker,
                list(refs),
            )
        except dbos_error.DBOSWorkflowIDInUseError:
            return False
        self._figures = replace(self._figures, enqueued=self._figures.enqueued + 1)
        return True

    def enqueue(self, tracker: str, kind: WorkKind, refs: Sequence[str] = ()) -> str | None:
        """As the port says."""
        if self._list(workflow_id_prefix=_prefix(tracker, kind), status="ENQUEUED", limit=1):
            return None
        number = self.latest(tracker, kind)[0] + 1
        while not self.take(tracker, kind, number, refs):
            number += 1
        return f"{_prefix(tracker, kind)}{number:012d}"

    @property
    def _asked(self) -> DBOSClient:
        if self._client is None:
            raise Broken("the engine was not started")
        return self._client

    def _list(self, **asked: Any) -> Sequence[Any]:
        return self._asked.list_workflows(load_input=False, load_output=False, **asked)

    # --- recovering

    def recover(self, executor: str) -> int:
        """Put it back into the queue it was in: elsewhere it would lose its being alone on its tracker."""
        return self._resume(self._list(status="PENDING", executor_id=executor))

    def unstick(self) -> int:
        """Work of ours that no thread of ours is at: ended here and not recorded as such, or begun long ago."""
        now = monotonic()
        with self._guard:
            here, left = set(self._here), dict(self._left)
            self._left = {work: at for work, at in left.items() if now - at <= SUSPECT.total_seconds()}

        def lost(work: Any) -> bool:
            if work.workflow_id in here:
                return False
            ended = left.get(work.workflow_id)
            unrecorded = ended is not None and now - ended > UNRECORDED
            return unrecorded or self._age(work) > SUSPECT.total_seconds()

        ours = self._list(status="PENDING", executor_id=self._executor)
        return self._resume([work for work in ours if lost(work)])

    def _resume(self, found: Sequence[Any]) -> int:
        for work in found:
            self._asked.resume_workflow(work.workflow_id, queue_name=QUEUE)
        self._figures = replace(self._figures, recovered=self._figures.recovered + len(found))
        return len(found)

    def prune(self) -> int:
        """The newest `KEPT` of each kind and tracker stay."""
        gone = 0
        kept: dict[str, int] = {}
        for work in self._list(status=list(OVER), sort_desc=True, limit=5000):
            name = work.workflow_id.rpartition(":")[0]
            kept[name] = kept.get(name, 0) + 1
            if kept[name] > KEPT:
                self._asked.delete_workflows([work.workflow_id])
                gone += 1
            if gone >= PRUNED_AT_ONCE:
                break
        return gone

    def stats(self) -> Figures:
        """One question to the engine's database."""
        going = self._list(status=list(GOING))
        queued = [w for w in going if w.status == "ENQUEUED"]
        running = [w for w in going if w.status == "PENDING"]
        waits: dict[str, float] = {}
        for work in queued:
            tracker = work.workflow_id.split(":")[1]
            waits[tracker] = max(waits.get(tracker, 0.0), self._age(work, begun=False))
        with self._guard:
            here = len(self._here)
        return replace(
            self._figures,
            queued=len(queued),
            running=len(running),
            here=here,
            oldest_queued_s=max(waits.values(), default=0.0),
            oldest_running_s=max(map(self._age, running), default=0.0),
            stuck=sum(self._age(work) > self._stuck.total_seconds() for work in running),
            by_tracker=waits,
        )

    def _age(self, work: Any, *, begun: bool = True) -> float:
        """Seconds since it was begun, or else enqueued."""
        at = (work.dequeued_at if begun else None) or work.created_at or 0
        return max(0.0, self._clock.now().timestamp() - float(at) / 1000)


def _workflow(engine: DbosEngine, kind: WorkKind) -> Callable[[str, list[str]], Mapping[str, Any]]:
    def run(tracker: str, refs: list[str]) -> Mapping[str, Any]:
        return engine.perform(kind, tracker, refs)

    run.__qualname__ = kind
    return run


def _prefix(tracker: str, kind: WorkKind) -> str:
    return f"{kind}:{tracker}:"


def _number(workflow_id: str) -> int:
    return int(workflow_id.rpartition(":")[2])


def _told(failed: BaseException) -> str:
    """An error in a few words; the drivers' messages name host and user, never the password."""
    cause = getattr(failed, "orig", None) or failed
    return f"{type(cause).__name__}: {' '.join(str(cause).split())[:200]}"


def _route_logs() -> None:
    """DBOS's own lines through our log; its advertisement nowhere."""
    log = logging.getLogger("dbos")
    log.handlers[:] = [LibraryLog(drop=("console.dbos.dev",))]
    log.propagate = False
    log.setLevel(logging.WARNING)
