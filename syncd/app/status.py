"""`syncd status`: how each tracker stands, what waits for a person, who is at work."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from syncd.app.desk import Desk
from syncd.core.errors import Problem
from syncd.core.headway import headway
from syncd.core.model import IssueRef
from syncd.core.ports import Backfill, Hold, Progress, Store
from syncd.core.running import Attempt, late_after, why_late, why_not_begun
from syncd.engine.deadletters import dead_letters
from syncd.render.check import check_json
from syncd.render.jsonable import entry_json, instant, waiting_json

STALE: Final = timedelta(days=1)
"""A tracker not read whole for that long is not healthy."""


def status(desk: Desk, broken: Sequence[Problem], now: datetime) -> Mapping[str, Any]:
    """What `status --json` shows. `broken`: what is wrong with the files, where the last good rules are in force."""
    outbox = dict(desk.store.outbox_counts())
    waiting = waiting_json(desk.store.waiting_plans())
    daemons = desk.store.executors()
    attempts = {a.tracker: a for a in desk.store.attempts() if a.kind == "cycle"}
    trackers = {
        t.id: {
            **_tracker(
                desk.store.progress(t.id), attempts.get(t.id), late_after(t.poll_every) if daemons else STALE, now
            ),
            "last_attempt": instant(desk.store.progress(t.id).last_attempt),
            "failures": attempts[t.id].failures if t.id in attempts else 0,
            "not_before": instant(attempts[t.id].not_before) if t.id in attempts else None,
            "reading": _reading(desk.store.backfill(t.id), now),
        }
        for t in desk.config.settings.trackers
    }
    sound = not broken and not waiting and not outbox.get("dead")
    healthy = sound and all(t["healthy"] for t in trackers.values())
    problems = check_json(broken, strict=False)["problems"]
    findings = [
        {"tracker": f.tracker, "kind": f.kind, "cause": f.cause, "text": f.text, "opened": instant(at)}
        for at, f in desk.store.findings()
    ]
    return {
        "healthy": healthy,
        "trackers": trackers,
        "outbox": outbox,
        "dead": [entry_json(entry) for t in trackers for entry in dead_letters(desk.store, t)],
        "refused": waiting,
        "findings": findings,
        "holds": [_hold(desk.store, hold) for hold in desk.store.holds()],
        "rules": {
            "in_use": desk.store.rulebook_version(),
            "problems": problems,
        },
        "executors": [
            {"name": e.name, "started": instant(e.started), "seen": instant(e.seen), **e.figures} for e in daemons
        ],
    }


def _reading(backfill: Backfill | None, now: datetime) -> Mapping[str, Any] | None:
    """A whole reading under way, or one that was cut off and is gone on with."""
    if backfill is None:
        return None
    told = headway(backfill, now)
    left = None if told.left is None else int(told.left.total_seconds())
    return {"read": told.read, "of": told.of, "began": instant(told.began), "left_s": left}


def _hold(store: Store, hold: Hold) -> Mapping[str, Any]:
    """A place where nothing is written; one issue by its id, and by its key where that is known."""
    ref = None if hold.issue is None else IssueRef(hold.tracker, hold.issue)
    known = {} if ref is None else store.known([ref])
    key = known[ref].issue.key if ref is not None and ref in known else None
    place = {"tracker": hold.tracker, "project": hold.project, "issue": hold.issue, "key": key}
    return {**place, "since": instant(hold.at)}


def _tracker(progress: Progress, attempt: Attempt | None, patience: timedelta, now: datetime) -> Mapping[str, Any]:
    lag = None if progress.last_success is None else (now - progress.last_success).total_seconds()
    why = (
        why_not_begun(attempt, progress.last_attempt) or progress.why or why_late(progress.last_success, patience, now)
    )
    return {
        "watermark": instant(progress.watermark),
        "last_success": instant(progress.last_success),
        "healthy": why is None,
        "lag_s": None if lag is None else int(lag),
        "why": why,
    }
