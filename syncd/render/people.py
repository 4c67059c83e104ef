"""Words of people as lines, and findings as lines and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from syncd.core.findings import Level, OpenFinding, deadline_of, level_of
from syncd.core.model import Finding
from syncd.render.adf import inert
from syncd.render.jsonable import instant
from syncd.render.words import Told, how_text, target_text

WHO: Final[Mapping[Level, str]] = {
    Level.ENGINEER: "engineers",
    Level.EPIC_OWNER: "epic owners",
    Level.TEAM_LEAD: "team leads and operators",
    Level.OUTCOME_OWNERS: "outcome owners",
}


def said_line(said: Told) -> str:
    """One word in a line."""
    override = said.override
    by = f"{how_text(override)} of {override.author}, {override.at:%Y-%m-%d %H:%M} UTC"
    line = f"{said.key} → {target_text(override.target)}, {by}"
    if override.reason:
        line += f", because {override.reason}"
    if override.expires is not None:
        line += f", until {override.expires:%Y-%m-%d %H:%M} UTC"
    return inert(line if said.ended is None else f"{line}, ended {said.ended:%Y-%m-%d %H:%M} UTC")


def finding_json(one: OpenFinding, now: datetime) -> dict[str, Any]:
    """One open finding with its clock."""
    return {
        **_named(one.finding),
        "level": int(one.level),
        "opened": instant(one.opened),
        "age_s": int(one.age(now).total_seconds()),
        "deadline": instant(one.deadline),
        "overdue": now > one.deadline,
    }


def closed_json(closed: Sequence[tuple[datetime, datetime, Finding]]) -> list[dict[str, Any]]:
    """Findings that have closed."""
    return [
        {
            **_named(finding),
            "level": int(level_of(finding)),
            "opened": instant(opened),
            "deadline": instant(deadline_of(finding, opened)),
            "closed": instant(at),
        }
        for opened, at, finding in closed
    ]


def _named(finding: Finding) -> dict[str, Any]:
    names = ("tracker", "kind", "cause", "text", "key", "owner")
    return {name: getattr(finding, name) for name in names}


def finding_lines(findings: Sequence[OpenFinding], now: datetime) -> Iterator[str]:
    """Findings by level, highest first: what it is, who settles it, and how long there is."""
    for level, some in groupby(findings, key=lambda one: one.level):
        told = list(some)
        yield f"{level:,} ft, {WHO[level]}: {len(told)}"
        for one in told:
            owner = f"{one.finding.owner}, " if one.finding.owner else ""
            left = "overdue since" if now > one.deadline else "due"
            clock = f"{one.age(now).days} d old, {left} {one.deadline:%Y-%m-%d}"
            yield inert(f"  {one.finding.kind}: {one.finding.text} ({owner}{clock})")
