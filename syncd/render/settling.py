"""Conflicts and trade-offs, as lines and as JSON."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from syncd.core.advice import counted, days
from syncd.core.torn import Recorded, Torn
from syncd.core.tradeoffs import words
from syncd.render.adf import inert
from syncd.render.jsonable import instant

SHOWN = 5


def torn_json(one: Torn, now: datetime) -> dict[str, Any]:
    """One cause of conflict."""
    return {
        "cause": one.cause,
        "name": one.name,
        "trackers": list(one.trackers),
        "claims": [{"target": c.target, "title": c.title, "owner": c.owner} for c in one.claims],
        "owners": list(one.owners),
        "decider": one.decider,
        "level": int(one.level),
        "opened": instant(one.opened),
        "age_s": int(one.age(now).total_seconds()),
        "deadline": instant(one.deadline),
        "overdue": now > one.deadline,
        "issues": one.issues,
        "open": one.open,
        "keys": list(one.keys),
        "reopened": one.reopened,
        "lapsed": one.lapsed,
    }


def torn_lines_text(torn: Sequence[Torn], now: datetime) -> Iterator[str]:
    """Causes of conflict with who decides, until when, and what waits for it."""
    for one in torn:
        clock = "overdue since" if now > one.deadline else "due"
        named = one.cause if one.name is None else f"{one.name} ({one.cause})"
        waits = "1 open issue waits" if one.open == 1 else f"{one.open} open issues wait"
        yield inert(f"{named}: {waits}, {one.issues} in all; {clock} {one.deadline:%Y-%m-%d}")
        for claim in one.claims:
            yield inert(f"  {claim.target}: {claim.title}, owner {claim.owner or 'nobody'}")
        yield inert(f"  to be decided by {one.decider}; open for {days(one.age(now))}{_again(one)}")
        if one.keys:
            yield inert(f"  holds up {', '.join(one.keys[:SHOWN])}{', …' if one.issues > SHOWN else ''}")


def _again(one: Torn) -> str:
    again = f", settled {counted(one.reopened, 'time')} before" if one.reopened else ""
    return again if one.lapsed is None else f"{again}; {one.lapsed}"


def recorded_json(one: Recorded) -> dict[str, Any]:
    """One trade-off."""
    told = one.tradeoff
    return {
        "cause": told.cause,
        "tracker": told.tracker,
        "target": words(told.target),
        "claimed": [words(target) for target in told.claimed],
        "by": told.author,
        "reason": told.reason,
        "at": instant(told.at),
        "expires": instant(told.expires),
        "state": one.state,
        "settles": one.settles,
    }


def recorded_line(one: Recorded) -> str:
    """One trade-off in a line."""
    told = one.tradeoff
    until = "" if told.expires is None else f", until {told.expires:%Y-%m-%d %H:%M} UTC"
    where = "" if told.tracker is None else f" in {told.tracker}"
    state = f"decides {counted(one.settles, 'issue')}" if one.state == "holds" else one.state
    line = f"{told.cause}{where} → {words(told.target)}, by {told.author}, {told.at:%Y-%m-%d}, because {told.reason}"
    return inert(f"{line}{until} ({state})")
