"""Every metric, built anew from what is known at each scrape: nothing is counted twice, nothing outlives its cause.

docs/metrics.md lists them with an alert rule each; a test holds the two together.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerFigures:
    """One tracker. Instants are UTC."""

    healthy: bool
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    watermark: datetime | None = None
    failures: int = 0
    verdicts: Mapping[tuple[str, str | None], int] = field(default_factory=dict)
    outbox: Mapping[str, int] = field(default_factory=dict)
    oldest_unsettled: datetime | None = None
    findings: Mapping[str, int] = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)
    """What the tracker last said is left of its rate limits, by limit."""
    queued_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The daemon at one moment."""

    now: datetime
    version: str
    trackers: Mapping[str, TrackerFigures] = field(default_factory=dict)
    refused: int = 0
    config_problems: int = 0
    restart_needed: int = 0
    store_up: bool = True
    executors: int = 0
    engine: Mapping[str, float] = field(default_factory=dict)
    """queued, running, stuck, oldest_queued_s, oldest_running_s; enqueued, finished, recovered since the start."""
    webhooks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    webhooks_waiting: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(tracker, what) → counted by this process: cycles, failed, applied, requests, seconds, cpu."""


TOTALS: Final = {
    "cycles": ("syncd_cycles", "Passes that ended, of any kind."),
    "failed": ("syncd_cycles_failed", "Passes that were not whole."),
    "applied": ("syncd_actions_applied", "Writes that were done."),
    "requests": ("syncd_requests", "HTTP requests sent to the tracker, retries counted."),
    "seconds": ("syncd_cycle_seconds", "Wall time spent in passes."),
    "cpu_s": ("syncd_cycle_cpu_seconds", "CPU time spent in passes."),
}
ENGINE_GAUGES: Final = {
    "queued": ("syncd_engine_queued", "Passes that wait for their turn."),
    "running": ("syncd_engine_running", "Passes under way, by all processes."),
    "stuck": ("syncd_engine_stuck", "Passes begun so long ago that nobody can be at them."),
    "oldest_queued_s": ("syncd_engine_oldest_queued_seconds", "Age of the pass that has waited longest."),
    "oldest_running_s": ("syncd_engine_oldest_running_seconds", "Age of the pass that has run longest."),
}
ENGINE_TOTALS: Final = {
    "enqueued": ("syncd_engine_enqueued", "Passes enqueued by this process."),
    "finished": ("syncd_engine_finished", "Passes ended in this process."),
    "recovered": ("syncd_engine_recovered", "Passes queued again after their process died or lost them."),
}


def render(snapshot: Snapshot) -> bytes:
    """In Prometheus' text form, by a registry of our own: nothing of the process's default one."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(snapshot))
    return generate_latest(registry)


def names() -> list[str]:
    """Every metric's name, as scraped."""
    moment = Snapshot(now=datetime.fromtimestamp(0, UTC), version="")
    return sorted(family.name + ("_total" if family.type == "counter" else "") for family in families(moment))


class _Collected(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Any]:
        return families(self._snapshot)


def families(of: Snapshot) -> Iterator[Any]:
    """All families, also those that have no sample now."""
    yield _gauge("syncd_info", "The version that runs.", {(of.version,): 1.0}, ["version"])
    yield _gauge("syncd_store_up", "Whether the store answered the last sign of life.", {(): float(of.store_up)})
    yield _gauge("syncd_executors", "Processes of the daemon that give signs of life.", {(): float(of.executors)})
    yield _gauge(
        "syncd_config_problems",
        "Errors in the files while an earlier version is in force.",
        {(): float(of.config_problems)},
    )
    yield _gauge("syncd_config_restart_needed", "Edited keys that wait for a restart.", {(): float(of.restart_needed)})
    yield _gauge("syncd_refused_plans", "Plans that wait for a person.", {(): float(of.refused)})
    for key, (name, text) in ENGINE_GAUGES.items():
        yield _gauge(name, text, {(): of.engine.get(key, 0.0)})
    for key, (name, text) in ENGINE_TOTALS.items():
        yield _counter(name, text, {(): of.engine.get(key, 0.0)})
    yield _counter("syncd_webhooks", "Webhooks by what came of them.", of.webhooks, ["tracker", "outcome"])
    waiting = {(tracker,): float(n) for tracker, n in of.webhooks_waiting.items()}
    yield _gauge("syncd_webhooks_waiting", "Issues that webhooks named and nobody looked at yet.", waiting, ["tracker"])
    for key, (name, text) in TOTALS.items():
        samples = {(tracker,): value for (tracker, what), value in of.totals.items() if what == key}
        yield _counter(name, text, samples, ["tracker"])
    yield from _of_trackers(of)


def _of_trackers(of: Snapshot) -> Iterator[Any]:
    each = of.trackers.items()
    yield _each(
        "syncd_tracker_healthy", "1 while it is read whole and in time.", {t: float(f.healthy) for t, f in each}
    )
    yield _each("syncd_tracker_last_attempt_timestamp_seconds", "When it was last tried.", _stamps(of, "last_attempt"))
    yield _each(
        "syncd_tracker_last_success_timestamp_seconds", "When it was last read whole.", _stamps(of, "last_success")
    )
    lags = {t: (of.now - f.watermark).total_seconds() for t, f in each if f.watermark is not None}
    yield _each("syncd_tracker_cursor_lag_seconds", "Age of the newest instant that is known to be fully read.", lags)
    yield _each(
        "syncd_tracker_failures", "Attempts in a row that could not reach it.", {t: float(f.failures) for t, f in each}
    )
    yield _each(
        "syncd_tracker_queued_seconds", "How long its oldest queued pass has waited.", {t: f.queued_s for t, f in each}
    )
    verdicts = {(t, kind, out or ""): float(n) for t, f in each for (kind, out), n in f.verdicts.items()}
    yield _gauge("syncd_verdicts", "Issues in scope by verdict.", verdicts, ["tracker", "verdict", "outcome"])
    outbox = {(t, state): float(n) for t, f in each for state, n in f.outbox.items()}
    yield _gauge("syncd_outbox", "Actions that are not over, by state.", outbox, ["tracker", "state"])
    ages = {t: (of.now - f.oldest_unsettled).total_seconds() for t, f in each if f.oldest_unsettled is not None}
    yield _each("syncd_outbox_oldest_seconds", "Age of the oldest action that is not over.", ages)
    findings = {(t, kind): float(n) for t, f in each for kind, n in f.findings.items()}
    yield _gauge("syncd_findings", "Open findings by kind.", findings, ["tracker", "kind"])
    budget = {(t, limit): left for t, f in each for limit, left in f.budget.items()}
    yield _gauge("syncd_rate_budget", "What the tracker said is left of a rate limit.", budget, ["tracker", "limit"])


def _stamps(of: Snapshot, name: str) -> dict[str, float]:
    found = {tracker: getattr(figures, name) for tracker, figures in of.trackers.items()}
    return {tracker: at.timestamp() for tracker, at in found.items() if at is not None}


def _each(name: str, text: str, samples: Mapping[str, float]) -> GaugeMetricFamily:
    return _gauge(name, text, {(tracker,): value for tracker, value in samples.items()}, ["tracker"])


def _gauge(name: str, text: str, samples: Mapping[Any, float], labels: list[str] | None = None) -> GaugeMetricFamily:
    """`samples`: a tuple of the labels' values → the value."""
    family = GaugeMetricFamily(name, text, labels=labels or [])
    for values, value in sorted(samples.items()):
        family.add_metric(list(values), value)
    return family


def _counter(
    name: str, text: str, samples: Mapping[Any, float], labels: list[str] | None = None
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels or [])
    for values, value in sorted(samples.items()):
        family.add_metric(list(values), float(value))
    return family
