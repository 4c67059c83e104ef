"""How the daemon fares, put together from store, engine and config: for /metrics, /readyz, and its own row.

Questions to the store are asked at most once in a while, by whoever asks first, and never while it does not answer:
what is shown then is the last that was known, and `syncd_store_up` says so.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Any, Final

from syncd import __version__
from syncd.config.living import Living
from syncd.core.errors import StoreError
from syncd.core.model import Finding
from syncd.core.ports import Clock, Progress
from syncd.core.running import Attempt, late_after, why_late, why_not_begun
from syncd.engine.keeper import Keeper
from syncd.engine.ports import Engine, Figures
from syncd.engine.work import CycleResult
from syncd.service.metrics import Snapshot, TrackerFigures, render
from syncd.service.webhooks import Hints
from syncd.settings import TrackerSettings
from syncd.store import SqlStore
from syncd.telemetry import logger

FRESH_S: Final = 5.0
"""How old what is shown may be."""
LOOKED_S: Final = 30.0
"""How often the daemon looks by itself whether a tracker goes unread: nobody need ask for its metrics."""
COUNTED_S: Final = 300.0
"""How old the counts of verdicts may be where no pass of this process decided anything."""
SILENT_S: Final = 30.0
"""How long store or engine may be silent before we are not ready."""


class Gauges:
    """Safe for threads."""

    keeper: Keeper | None = None
    hints: Hints | None = None

    def __init__(
        self, store: SqlStore, engine: Engine, living: Living, clock: Clock, monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._engine = engine
        self._living = living
        self._clock = clock
        self._monotonic = monotonic
        self._began = clock.now()
        self._lock = Lock()
        self._totals: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._figures = Figures()
        self._figured = self._looked = -COUNTED_S
        self._trackers: Mapping[str, TrackerFigures] = {}
        self._refused = self._executors = 0
        self._store_up = self._engine_up = True
        self._verdicts: dict[str, tuple[float, Mapping[tuple[str, str | None], int]]] = {}
        self.budgets: dict[str, Mapping[str, float]] = {}

    # --- told by passes

    def told(self, attempt: Attempt, result: CycleResult | None) -> None:
        """A pass ended."""
        tracker, facts = attempt.tracker, attempt.facts
        with self._lock:
            self._totals[tracker, "cycles"] += 1
            self._totals[tracker, "failed"] += not facts.get("complete")
            for name in ("applied", "requests", "seconds", "cpu_s"):
                self._totals[tracker, name] += facts.get(name, 0)
            if result is not None and result.decided:
                self._verdicts.pop(tracker, None)

    # --- asked by others

    def engine(self) -> Mapping[str, float]:
        """The engine's figures, as they go into this process's row."""
        now = self._monotonic()
        if now - self._figured > FRESH_S:
            self._figured = now
            try:
                self._figures, self._engine_up = self._engine.stats(), True
            except Exception as failed:  # noqa: BLE001 - whatever DBOS raises: the last figures stand
                if self._engine_up:
                    logger().error("engine_silent", what=type(failed).__name__)
                self._engine_up = False
        figures = self._figures
        names = ("queued", "running", "here", "stuck", "oldest_queued_s", "oldest_running_s")
        return {name: float(getattr(figures, name)) for name in (*names, "enqueued", "finished", "recovered")}

    def ready(self) -> tuple[bool, Mapping[str, Any]]:
        """Store, engine, config. A config that is broken now is told, and no reason to be taken out of service."""
        self.engine()
        standing, store = self._living.standing, self._takes()
        told = {
            "store": "ok" if store else "silent",
            "engine": "ok" if self._engine_up else "silent",
            "config": f"{len(standing.problems)} problem(s): the last good one is in force"
            if standing.problems
            else "ok",
            "rules": standing.config.rulebook.version,
            "restart_needed": list(standing.restart),
        }
        return store and self._engine_up, told

    def _takes(self) -> bool:
        """Whether the store took a sign of life lately: one that can be read only (the disk is full) is not up."""
        beaten = self.keeper.beaten if self.keeper else None
        return beaten is not None and self._monotonic() - beaten < SILENT_S

    def metrics(self) -> bytes:
        """For Prometheus."""
        self.freshen()
        return render(self.snapshot())

    def snapshot(self) -> Snapshot:
        """What is known now."""
        standing, hints = self._living.standing, self.hints
        with self._lock:
            totals = dict(self._totals)
        return Snapshot(
            now=self._clock.now(),
            version=__version__,
            trackers=self._trackers,
            refused=self._refused,
            config_problems=len(standing.problems),
            restart_needed=len(standing.restart),
            store_up=self._store_up and (self.keeper is None or self._takes()),
            executors=self._executors,
            engine=self.engine(),
            webhooks={} if hints is None else dict(hints.counts),
            webhooks_waiting={} if hints is None else hints.waiting(),
            totals=totals,
        )

    def freshen(self, older: float = FRESH_S) -> None:
        """Ask the store, if what is known is older; open or close the finding of trackers not read for too long."""
        now = self._monotonic()
        with self._lock:
            if now - self._looked <= older:
                return
            self._looked = now
        try:
            self._look(now)
            self._store_up = True
        except StoreError:
            self._store_up = False  # the keeper says why, once

    def _look(self, now: float) -> None:
        store, settings = self._store, self._living.config.settings
        attempts = {a.tracker: a for a in store.attempts() if a.kind == "cycle"}
        findings = [finding for _, finding in store.findings()]
        self._refused, self._executors = len(store.waiting_plans()), len(store.executors())
        self._trackers = {t.id: self._tracker(t, attempts.get(t.id), findings, now) for t in settings.trackers}

    def _tracker(
        self, tracker: TrackerSettings, attempt: Attempt | None, findings: list[Finding], now: float
    ) -> TrackerFigures:
        store, progress, at = self._store, self._store.progress(tracker.id), self._clock.now()
        why = why_not_begun(attempt, progress.last_attempt) or progress.why
        late = self._late(tracker, replace(progress, why=why), findings, at)
        kinds = Counter(str(f.kind) for f in findings if f.tracker == tracker.id)
        return TrackerFigures(
            healthy=why is None and late is None and progress.last_success is not None,
            last_attempt=progress.last_attempt,
            last_success=progress.last_success,
            watermark=progress.watermark,
            failures=0 if attempt is None else attempt.failures,
            verdicts=self._counted(tracker.id, now),
            outbox=store.outbox_counts(tracker.id),
            oldest_unsettled=store.oldest_unsettled(tracker.id),
            findings=dict(kinds),
            budget=self.budgets.get(tracker.id, {}),
            queued_s=(self._figures.by_tracker or {}).get(tracker.id, 0.0),
        )

    def _late(self, tracker: TrackerSettings, progress: Progress, findings: list[Finding], now: datetime) -> str | None:
        late = why_late(progress.last_success or self._began, late_after(tracker.poll_every), now)
        open_ = any(f.tracker == tracker.id and f.kind == "not-read" for f in findings)
        if late is not None and not open_:
            text = f"{tracker.id}: {late}. {progress.why or 'Look into the log of `syncd run`.'}"
            found = Finding(tracker=tracker.id, kind="not-read", cause=tracker.id, text=text)
            self._store.open_finding(found, now)
            logger().error("tracker_not_read", tracker=tracker.id, why=late)
        elif late is None and open_:
            self._store.save_findings(tracker.id, "not-read", [], now)
        return late

    def _counted(self, tracker: str, now: float) -> Mapping[tuple[str, str | None], int]:
        counted = self._verdicts.get(tracker)
        if counted is None or now - counted[0] > COUNTED_S:
            counted = self._verdicts[tracker] = (now, self._store.verdict_counts(tracker))
        return counted[1]
