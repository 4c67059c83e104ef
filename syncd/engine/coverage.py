"""What was not looked at, said as findings: "nothing found" is never shown for "did not look"."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from syncd.core.expiry import expiry_findings
from syncd.core.model import Finding
from syncd.core.ports import Progress
from syncd.engine.sureness import lag_findings
from syncd.engine.work import Work

STALE: Final = timedelta(days=1)
"""A tracker that was not read whole for that long is told of."""


def coverage_findings(
    work: Work, progress: Progress, hidden: Sequence[str], now: datetime
) -> dict[str, Sequence[Finding]]:
    """By kind: entries of the scope that are hidden, a tracker not read for long, a lagging search, a token's end"""
    return {
        "hidden": [_hidden(work, entry) for entry in hidden],
        "not-read": _not_read(work, progress, now),
        "index-lag": lag_findings(work, progress, now),
        "token-expires": expiry_findings(work.tracker, work.token_expires, now.date()),
    }


def _hidden(work: Work, entry: str) -> Finding:
    text = (
        f"{entry} is in the scope of {work.tracker} and syncd's account cannot see it: what it held is as it was last "
        f"read, and nothing in it is found. Let the account browse it, or take it out of the scope."
    )
    return Finding(tracker=work.tracker, kind="hidden", cause=entry, text=text)


def _not_read(work: Work, progress: Progress, now: datetime) -> list[Finding]:
    if progress.why is None or progress.last_success is None or now - progress.last_success < STALE:
        return []
    text = (
        f"{work.tracker} was last read whole at {progress.last_success:%Y-%m-%d %H:%M} UTC; what changed there since "
        f"may be missing from every figure. The last attempt: {progress.why}"
    )
    return [Finding(tracker=work.tracker, kind="not-read", cause=work.tracker, text=text)]
