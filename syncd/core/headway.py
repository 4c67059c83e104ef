"""How far a whole reading is, and how long it may still take: by the tracker's own estimate and the pace so far."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from syncd.core.ports import Backfill

TOO_SOON: Final = timedelta(seconds=10)
"""Before that nothing is said of the time left: the first pages tell little."""


@dataclass(frozen=True, slots=True)
class Headway:
    """Where a reading stands."""

    read: int
    of: int | None
    """About how many there are; None: the tracker does not tell. Never less than was read."""
    began: datetime
    left: timedelta | None
    """At the pace since it began, whatever held it up counted; None: nobody can tell yet."""


def headway(backfill: Backfill, now: datetime) -> Headway:
    """Of a reading under way, at that instant on our clock."""
    read = sum(part.read for part in backfill.parts)
    sizes = [part.part.size for part in backfill.parts]
    told = sum(size for size in sizes if size is not None)
    of = None if None in sizes or not told else max(told, read)
    took = now - backfill.began
    unknown = of is None or not read or took < TOO_SOON
    left = None if unknown or of is None else took * (of - read) / read
    return Headway(read, of, backfill.began, left)


def in_words(left: timedelta) -> str:
    """As people say it: an estimate has no seconds, and of hours no minutes."""
    minutes = round(left / timedelta(minutes=1))
    if minutes < 1:
        return "less than a minute"
    return f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"  # noqa: PLR2004  # an hour and a half
