"""Connections: newest first, at most 250, and a cursor that is a row's id.

The cursor holds no instant: where it stands is asked of the row's *present* value, so a walk whose last row has been
edited begins again near the top (facts §3).
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.linear.errors import bad_argument, not_found
from connectors.sandbox.linear.tables import Table, first_not_before, place
from connectors.sandbox.linear.values import Row
from connectors.sandbox.linear.workspace import Session

DEFAULT, MOST = 50, 250
Keep = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where the page stands."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    """A row and its cursor."""

    cursor: str
    node: Any


@dataclass(frozen=True, slots=True)
class Connection:
    """One page."""

    nodes: list[Any]
    page_info: PageInfo
    edges: list[Edge]


def connect(
    session: Session, table: Table[Any], keep: Keep, args: Mapping[str, Any], within: Iterable[Any] | None = None
) -> Connection:
    """A page of a table's rows that `keep` lets pass, of all of them or of those `within`.

    Raises:
        LinearError: an argument is out of its bounds, or a cursor is of no row.
    """
    order = args.get("orderBy") or "createdAt"
    size = _size(args)
    rows = table.ranked(order) if within is None else sorted(within, key=lambda row: place(row, order))
    low, high = _window(session, table, rows, args, order)
    passing: Keep = keep if args.get("includeArchived") else lambda row: row.archived_at is None and keep(row)
    if args.get("last") is not None:
        found, more = _take((rows[i] for i in range(low, high)), passing, size)
        found.reverse()
        return _page(session, found, has_next=low > 0 and bool(args.get("before")), has_previous=more)
    found, more = _take((rows[i] for i in range(high - 1, low - 1, -1)), passing, size)
    return _page(session, found, has_next=more, has_previous=bool(args.get("after")))


def _size(args: Mapping[str, Any]) -> int:
    for name in ("first", "last"):
        asked = args.get(name)
        if asked is None:
            continue
        if asked > MOST:
            raise bad_argument(f"{name} must not be greater than {MOST}", name=name, constraint="max")
        if asked < 1:
            raise bad_argument(f"{name} must not be less than 1", name=name, constraint="min")
        return int(asked)
    return DEFAULT


def _window(
    session: Session, table: Table[Any], rows: list[Any], args: Mapping[str, Any], order: str
) -> tuple[int, int]:
    """What lies between the cursors, as indexes into rows that stand oldest first."""
    low, high = 0, len(rows)
    if args.get("after"):
        anchor = _anchor(session, table, args["after"], "after")
        if anchor is not None:
            high = first_not_before(rows, place(anchor, order), order)
        elif session.workspace.switches.lost_cursor == "end":
            high = 0
    if args.get("before"):
        anchor = _anchor(session, table, args["before"], "before")
        if anchor is not None:
            low = first_not_before(rows, place(anchor, order), order) + 1
    return low, max(low, high)


def _anchor(session: Session, table: Table[Any], cursor: str, name: str) -> Row | None:
    identity = cursor
    if session.workspace.switches.cursor_form == "base64":
        try:
            identity = base64.b64decode(cursor, validate=True).decode().removeprefix('{"key":"').removesuffix('"}')
        except (binascii.Error, UnicodeDecodeError) as wrong:
            raise bad_argument(f"{name} is not a valid cursor", name=name) from wrong
    found: Row | None = table.rows.get(identity)
    if found is None and session.workspace.switches.lost_cursor == "error":
        raise not_found(table.name)
    return found


def _take(rows: Iterator[Any], keep: Keep, size: int) -> tuple[list[Any], bool]:
    found: list[Any] = []
    for row in rows:
        if keep(row):
            if len(found) == size:
                return found, True
            found.append(row)
    return found, False


def _page(session: Session, rows: list[Any], *, has_next: bool, has_previous: bool) -> Connection:
    encoded = session.workspace.switches.cursor_form == "base64"

    def cursor(row: Any) -> str:
        return base64.b64encode(f'{{"key":"{row.id}"}}'.encode()).decode() if encoded else row.id

    start, end = (cursor(rows[0]), cursor(rows[-1])) if rows else (None, None)
    return Connection(rows, PageInfo(has_next, has_previous, start, end), [Edge(cursor(row), row) for row in rows])
