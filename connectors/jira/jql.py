"""The one query. Zone-free, bounded below by project, unbounded above."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def changed_since(projects: Sequence[str], since: datetime | None) -> str:
    """JQL for every issue of those projects updated at or after an instant (None: all), oldest change first.

    The instant is written as unquoted epoch milliseconds: a literal such as "2026-01-01 10:00" is read in the searching
    account's own time zone, which can change any day (facts/jira.md §2). No upper bound: an issue that changes
    every few minutes would stay above it for ever (facts §1, the moving window). With `updated` ascending, what
    changes during the walk moves to its end and is met again, never skipped. Every value is quoted: a project may be
    called ORDER or IN.

    Raises:
        ValueError: no project: Jira refuses a query that nothing bounds.
    """
    if not projects:
        raise ValueError("a query needs at least one project")
    within = f"project in ({', '.join(quoted(key) for key in projects)})"
    changed = "" if since is None else f" AND updated >= {epoch_ms(since)}"
    return f"{within}{changed} ORDER BY updated ASC, key ASC"


def everything(projects: Sequence[str], created_from: int | None = None, created_before: int | None = None) -> str:
    """JQL for every issue of those projects in an order that nothing changes: edits and moves within keep their place.

    Bounds in epoch milliseconds cut out those created from the one on and before the other.

    Raises:
        ValueError: no project.
    """
    if not projects:
        raise ValueError("a query needs at least one project")
    lower = "" if created_from is None else f" AND created >= {created_from}"
    upper = "" if created_before is None else f" AND created < {created_before}"
    within = f"project in ({', '.join(quoted(key) for key in projects)})"
    return f"{within}{lower}{upper} ORDER BY created ASC, key ASC"


def bearing(labels: Sequence[str]) -> str:
    """JQL for every issue, of whatever project, that bears one of those labels.

    Raises:
        ValueError: no label.
    """
    if not labels:
        raise ValueError("a query needs at least one label")
    return f"labels in ({', '.join(quoted(label) for label in labels)}) ORDER BY created ASC, key ASC"


def commented(projects: Sequence[str], word: str) -> str:
    """JQL for every issue of those projects that a comment with that word stands on, in an order that edits keep.

    Raises:
        ValueError: no project.
    """
    if not projects:
        raise ValueError("a query needs at least one project")
    within = f"project in ({', '.join(quoted(key) for key in projects)})"
    return f"{within} AND comment ~ {quoted(word)} ORDER BY created ASC, key ASC"


def quoted(value: str) -> str:
    """A JQL string. Control characters are dropped: no name of Jira's holds them and none may end the string."""
    printable = "".join(c for c in value if c >= " ")
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'


def epoch_ms(instant: datetime) -> int:
    """Whole milliseconds since 1970, rounded down, never negative."""
    return max(0, (instant - _EPOCH) // timedelta(milliseconds=1))
