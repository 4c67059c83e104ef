"""Report → the shape of `syncd report --json`. Keys are only ever added."""

from collections.abc import Mapping
from typing import Any

from syncd.core.grouping import Group, Line, Unread
from syncd.core.overriding import OverrideLine
from syncd.core.report import ConflictLine, Report, Totals
from syncd.render.jsonable import instant, votes_json
from syncd.render.words import said_json

Json = dict[str, Any]


def report_json(report: Report) -> Json:
    """`report --json` and `--format json`."""
    return {
        "as_of": instant(report.as_of),
        "intent": report.strategy.intent,
        "rulebook": report.version,
        "totals": _totals(report.totals),
        "open": _totals(report.open),
        "outcomes": [
            {
                "id": line.outcome.id,
                "title": line.outcome.title,
                "owner": line.outcome.owner,
                "issues": line.issues,
                "open": line.open,
                "share": line.share,
                "target": line.target,
            }
            for line in report.outcomes
        ],
        "overhead": [
            {
                "id": line.overhead.id,
                "title": line.overhead.title,
                "issues": line.issues,
                "open": line.open,
                "share": line.share,
                "budget": line.overhead.budget,
            }
            for line in report.overhead
        ],
        "unmapped": [_line(line) for line in report.unmapped],
        "incomplete": [_line(line) for line in report.incomplete],
        "conflicts": [_conflict(line) for line in report.conflicts],
        "coverage": [
            {"tracker": c.tracker, "last_success": instant(c.last_success), "why": c.why} for c in report.coverage
        ],
        "groups": {
            grouping.by: {"groups": [_group(group) for group in grouping.groups], "without": grouping.without}
            for grouping in report.groups
        },
        "unread": [_unread(unread) for unread in report.unread],
        "twins": report.twins,
        "overrides": [_word(one) for one in report.overrides.standing],
        "overrides_ended": [_word(one) for one in report.overrides.ended],
        "overridden": {"standing": report.overrides.stand, "ended": report.overrides.over},
        "votes": votes_json(report.votes),
        "muted": list(report.muted),
        "ends_soon": [
            {"what": e.what, "id": e.name, "last_day": e.last.isoformat(), "issues": e.issues, "open": e.open}
            for e in report.endings
        ],
    }


def _totals(totals: Totals) -> Mapping[str, int]:
    return {
        "issues": totals.issues,
        "mapped": totals.mapped,
        "unmapped": totals.unmapped,
        "conflict": totals.conflict,
        "exempt": totals.exempt,
        "incomplete": totals.incomplete,
    }


def _line(line: Line) -> Json:
    return {
        "tracker": line.ref.tracker,
        "key": line.key,
        "project": line.project,
        "title": line.title,
        "url": line.url,
        "open": line.open,
        "labels": list(line.labels),
        "components": list(line.components),
    }


def _conflict(line: ConflictLine) -> Json:
    return {
        "cause": line.cause,
        "name": line.name,
        "tracker": line.tracker,
        "targets": list(line.targets),
        "owners": list(line.owners),
        "issues": line.issues,
        "open": line.open,
        "keys": list(line.keys),
        "claims": [{"target": c.target, "title": c.title, "owner": c.owner} for c in line.claims],
    }


def _group(group: Group) -> Json:
    keys = [line.key for line in group.sample]
    return {"name": group.name, "issues": group.issues, "open": group.open, "keys": keys}


def _unread(unread: Unread) -> Json:
    return {
        "tracker": unread.tracker,
        "project": unread.project,
        "in_scope": unread.in_scope,
        "ancestors": list(unread.ancestors),
        "issues": unread.issues,
        "open": unread.open,
    }


def _word(one: OverrideLine) -> Json:
    line = one.line
    return {**said_json(one), "project": line.project, "title": line.title, "url": line.url, "open": line.open}
