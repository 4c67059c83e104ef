"""How far what was read may be believed: credentials that ended meanwhile, and a search that showed changes late.

A tracker may answer a lost credential with less instead of with a refusal (facts/jira.md §8): a walk is beyond doubt
only when the account was seen to be itself after it. And its search index lags: a change that shows after the
watermark had passed it came late by so much, and the next reads begin that much earlier (facts §1).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from syncd.core.model import Finding, Issue
from syncd.core.ports import Progress
from syncd.engine.work import Work

MARGIN: Final = 2
"""Reads begin that many times the longest lag seen before the watermark."""
LONGEST: Final = timedelta(hours=1)
"""What shows later than that was not slow but hidden: the read before the next census finds it."""
REMEMBERED: Final = timedelta(days=7)
"""After so long a lag is forgotten, unless it was seen again."""


def trusted(progress: Progress) -> Progress:
    """The account was seen to be itself: what was read until now was read as itself."""
    return replace(progress, sure=progress.watermark)


def doubted(progress: Progress) -> Progress:
    """It was refused: what was read since it was last seen to be itself may have been answered to nobody."""
    return replace(progress, watermark=progress.sure)


def overlap_of(work: Work, progress: Progress, now: datetime) -> timedelta:
    """How far before the watermark to read: as configured, or further where the search was seen to lag."""
    if progress.lag is None or progress.lag_seen is None or now - progress.lag_seen > REMEMBERED:
        return work.overlap
    return max(work.overlap, progress.lag * MARGIN)


def since(work: Work, progress: Progress, now: datetime) -> datetime | None:
    """From when on to read; the reader itself goes back by the configured overlap from there."""
    if progress.watermark is None:
        return None
    return progress.watermark - (overlap_of(work, progress, now) - work.overlap)


def lateness(work: Work, issues: Sequence[Issue], known_to: datetime | None) -> timedelta:
    """How late the latest of these shows, before they are remembered: it was changed before `known_to`, and is news."""
    late = [issue for issue in issues if known_to is not None and issue.updated < known_to]
    if known_to is None or not late:
        return timedelta(0)
    stamps = work.store.stamps(work.tracker, [issue.ref.id for issue in late])
    news = (known_to - i.updated for i in late if i.ref.id not in stamps or stamps[i.ref.id] < i.updated)
    return max((lag for lag in news if lag <= LONGEST), default=timedelta(0))


def learned(progress: Progress, late: timedelta, now: datetime) -> Progress:
    """The progress with a lag that was seen just now; the longest of the last days counts."""
    if not late:
        return progress
    old = progress.lag is None or progress.lag_seen is None or now - progress.lag_seen > REMEMBERED
    if old or late >= (progress.lag or late):
        return replace(progress, lag=late, lag_seen=now)
    return progress


def lag_findings(work: Work, progress: Progress, now: datetime) -> list[Finding]:
    """That the search lags by more than the overlap was made for."""
    wide = overlap_of(work, progress, now)
    if wide <= work.overlap or progress.lag is None:
        return []
    seen, overlap = timedelta(seconds=round(progress.lag.total_seconds())), _minutes(wide)
    text = (
        f"a search of {work.tracker} showed a change {seen} after it was made, and the overlap is {work.overlap}: for "
        f"{REMEMBERED.days} days syncd reads {overlap}m back. If that goes on, set `overlap: {overlap}m`."
    )
    return [Finding(tracker=work.tracker, kind="index-lag", cause=work.tracker, text=text)]


def _minutes(span: timedelta) -> int:
    return -int(-span.total_seconds() // 60)
