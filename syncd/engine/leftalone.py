"""A tracker that asked to be left alone is left alone: by every process, for reading and for writing.

Asking earlier fails again, and prolongs the wait (facts/jira.md §7). Short waits are slept where they are met; what is
longer is kept in the store, since the next to ask may be another process.
"""

from datetime import datetime

from syncd.core.errors import TrackerError, Unavailable
from syncd.core.ports import READING
from syncd.engine.work import Work


def heed(work: Work, until: datetime | None) -> None:
    """Raise `Unavailable` while the tracker is to be left alone by whoever reads it. Nothing is asked of it."""
    if until is not None and until > work.clock.now():
        message = f"{work.tracker}: it asked to be left alone until {_told(until)}; nothing was asked"
        raise Unavailable(message, tracker=work.tracker)  # until when is known already


def is_left_alone(work: Work) -> bool:
    """Whether nothing at all is to be asked of it now."""
    until = work.store.rests_until(work.tracker)
    return until is not None and until > work.clock.now()


def note(work: Work, failed: TrackerError, *, reading: bool = False) -> None:
    """Keep for how long it asked to be left alone, if it did: as a whole, or by whoever reads it."""
    if not isinstance(failed, Unavailable) or failed.retry_after is None or (failed.narrow and not reading):
        return
    what = work.tracker + (READING if failed.narrow else "")
    until, known = work.clock.now() + failed.retry_after, work.store.rests_until(what)
    if known is None or until > known:
        work.store.rest(what, until)


def _told(until: datetime) -> str:
    return f"{until:%Y-%m-%d %H:%M:%S} UTC"
