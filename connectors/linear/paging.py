"""Pages of connections, made safe: every catalogue whole, and issues newest first without losing what moves meanwhile.

A cursor is the id of the last row, and what counts is that row's *present* place: an issue that is edited jumps in
front of the walk, and where it was the anchor the walk begins again near the top. Rows therefore come twice, or not at
all in this walk but surely in the next, if that begins from before this one (facts/linear.md §3).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connectors.linear.documents import ISSUE_IDS, ISSUES, ISSUES_AT_ONCE, Document
from connectors.linear.mapping import link_of
from connectors.linear.shapes import WrongError, instant, mapping, rows
from connectors.linear.transport import Linear, NotTaken, Torn
from syncd.core.errors import Gone, Unavailable, Unreadable

RESTARTS: Final = 3

Row = tuple[str, Any]
"""A raw value, with its path."""
Filter = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A page of issues, unread. `broken`: those that cannot be answered at all."""

    rows: Sequence[Row]
    following: str | None = None
    """The cursor of what comes next; None: nothing does."""
    broken: tuple[Unreadable, ...] = field(default=())


def taken_apart(connection: Any, at: str, tracker: str) -> Part:
    """A connection's rows and cursor.

    Raises:
        Unreadable: it is none; or there is more and no cursor to it, which is never taken for the end.
    """
    try:
        told = mapping(connection, at)
        found = [(f"{at}.nodes[{i}]", row) for i, row in enumerate(rows(told.get("nodes"), f"{at}.nodes"))]
        info = mapping(told.get("pageInfo"), f"{at}.pageInfo")
    except WrongError as wrong:
        raise Unreadable(f"{tracker}: {wrong}", tracker=tracker) from wrong
    more, cursor = info.get("hasNextPage"), info.get("endCursor")
    if more is False:
        return Part(found)
    if more is not True or not isinstance(cursor, str) or not cursor:
        raise Unreadable(f"{tracker}: {at}.pageInfo has more but tells no cursor", tracker=tracker)
    return Part(found, cursor)


class _CursorGoneError(Exception):
    """The row that a cursor names is no more: the walk has to begin again."""


def whole(linear: Linear, document: Document, roots: Sequence[str] = ()) -> Mapping[str, Sequence[Row]]:
    """Every row of every root of a document (or of those `roots` alone), in one request a page.

    A cursor whose row was deleted meanwhile begins everything again, a few times.
    """
    for _ in range(RESTARTS):
        try:
            return _whole(linear, document, roots or document.roots)
        except _CursorGoneError:
            continue
    raise in_circles(linear, document)


def _whole(linear: Linear, document: Document, roots: Sequence[str]) -> Mapping[str, Sequence[Row]]:
    found: dict[str, list[Row]] = {root: [] for root in roots}
    cursors: dict[str, str | None] = dict.fromkeys(roots)
    seen = set[str]()
    while cursors:
        variables: dict[str, Any] = {f"{root}After": cursors.get(root) for root in document.roots}
        if len(document.roots) > 1:
            variables |= {root: root in cursors for root in document.roots}
        data = _asked(linear, document, variables, going_on=any(cursors.values()))
        for root in list(cursors):
            part = _going_on(taken_apart(data.get(root), root, linear.tracker), cursors[root])
            found[root] += part.rows
            cursors[root] = part.following
            if part.following is None:
                del cursors[root]
                continue
            _see(seen, f"{root} {part.following}")
    return found


def pages(linear: Linear, document: Document, variables: Mapping[str, Any], after: str | None = None) -> Iterator[Part]:
    """The pages of a document's one root, from a cursor on. One that is gone begins from the start, a few times."""
    root, cursor, seen, restarts = document.roots[0], after, set[str](), 0
    while True:
        try:
            data = _asked(linear, document, {**variables, "after": cursor}, going_on=cursor is not None)
            part = _going_on(taken_apart(data.get(root), root, linear.tracker), cursor)
            _see(seen, part.following)
        except _CursorGoneError:
            restarts += 1
            if restarts > RESTARTS:
                raise in_circles(linear, document) from None
            cursor, seen = None, set()
            continue
        yield part
        cursor = part.following
        if cursor is None:
            return


def _asked(linear: Linear, document: Document, variables: Mapping[str, Any], *, going_on: bool) -> Mapping[str, Any]:
    """The data of an answer. A cursor that is gone is refused in one way or another (facts/linear.md §11)."""
    try:
        return linear.ask(document, variables).data
    except (NotTaken, Gone) as refused:
        if going_on:
            raise _CursorGoneError from refused
        raise


def _going_on(part: Part, cursor: str | None) -> Part:
    """The part. An empty end where more was promised may be a cursor that is gone, and answered in silence."""
    if cursor is not None and not part.rows and part.following is None:
        raise _CursorGoneError
    return part


def _see(seen: set[str], cursor: str | None) -> None:
    """A cursor that comes twice leads in circles, or the lost one before it led back to the top."""
    if cursor is not None and cursor in seen:
        raise _CursorGoneError
    if cursor is not None:
        seen.add(cursor)


def in_circles(linear: Linear, document: Document) -> Unavailable:
    """A walk that gets nowhere: its cursors come again, or are refused again and again."""
    message = f"{linear.tracker}: {document.name} goes round in circles (a cursor came twice, or is refused each time)"
    return Unavailable(message, tracker=linear.tracker)


# --- issues, newest first ------------------------------------------------------------------------------------


@dataclass(slots=True)
class IssueWalk:
    """Walks issues that meet a filter, and reads issues by id. One that cannot be answered never stops a page."""

    linear: Linear
    sprint: bool

    def run(self, wanted: Filter, oldest: datetime | None = None) -> Iterator[Part]:
        """Pages, newest change first; from that change on, where an earlier walk got as far as it.

        Where a cursor is gone, the walk goes on from the oldest change it has seen instead; nothing is left out, as
        rows only ever move to the front.
        """
        cursor: str | None = None
        seen, restarts = set[str](), 0
        wanted = _until(wanted, oldest)
        while True:
            try:
                part = _going_on(self._part(_until(wanted, oldest) if restarts else wanted, cursor), cursor)
                _see(seen, part.following)
            except _CursorGoneError:
                restarts += 1
                if restarts > RESTARTS:
                    raise in_circles(self.linear, ISSUES) from None
                cursor, seen = None, set()
                continue
            yield part
            oldest = oldest_of(part, oldest)
            cursor = part.following
            if cursor is None:
                return

    def by_id(self, ids: Sequence[str]) -> Part:
        """Those issues, in or out of scope. Ids that answer nothing are left out (facts/linear.md §3)."""
        found: list[Row] = []
        broken: list[Unreadable] = []
        waiting = [list(ids[i : i + ISSUES_AT_ONCE]) for i in range(0, len(ids), ISSUES_AT_ONCE)]
        while waiting:
            group = waiting.pop(0)
            try:
                found += self._part({"id": {"in": group}}, None, torn=True).rows
            except Torn as torn:
                if len(group) == 1:
                    broken.append(Unreadable(str(torn), tracker=self.linear.tracker, link=link_of({"id": group[0]})))
                else:
                    half = len(group) // 2
                    waiting += [group[:half], group[half:]]
        return Part(found, broken=tuple(broken))

    def _part(self, wanted: Filter, after: str | None, *, torn: bool = False) -> Part:
        variables = {"filter": wanted, "after": after, "sprint": self.sprint}
        try:
            data = _asked(self.linear, ISSUES, variables, going_on=after is not None)
        except Torn as failed:
            if torn:
                raise
            return self._around(wanted, after, failed)
        return taken_apart(data.get("issues"), "issues", self.linear.tracker)

    def _around(self, wanted: Filter, after: str | None, torn: Torn) -> Part:
        """A page one issue of which fails and takes the others with it: by ids, that one apart from the rest."""
        data = _asked(self.linear, ISSUE_IDS, {"filter": wanted, "after": after}, going_on=after is not None)
        listed = taken_apart(data.get("issues"), "issues", self.linear.tracker)
        links = [link_of(row) for _, row in listed.rows]
        ids = [link.id for link in links if link is not None and link.id is not None]
        places = (fault.path[2:3] for fault in torn.faults if fault.path[:2] == ("issues", "nodes"))
        suspects = [ids[at] for place in set(places) for at in place if isinstance(at, int) and 0 <= at < len(ids)]
        parts = [self.by_id([i for i in ids if i not in suspects]), *(self.by_id([i]) for i in suspects)]
        keys = {link.id: link for link in links if link is not None}
        broken = (
            Unreadable(str(bad), tracker=bad.tracker, link=keys.get(bad.link.id, bad.link) if bad.link else None)
            for part in parts
            for bad in part.broken
        )
        return Part([row for part in parts for row in part.rows], listed.following, tuple(broken))


def updated(row: Row) -> datetime | None:
    """When a raw issue was changed, as far as it tells."""
    _, raw = row
    try:
        return instant(raw.get("updatedAt") if isinstance(raw, Mapping) else None, "updatedAt")
    except WrongError:
        return None


def oldest_of(part: Part, before: datetime | None) -> datetime | None:
    """The oldest change on a page, or before it."""
    return min((at for at in (before, *map(updated, part.rows)) if at is not None), default=None)


def _until(wanted: Filter, oldest: datetime | None) -> Filter:
    """The filter, for what is no newer than that."""
    if oldest is None:
        return wanted
    return {"and": [wanted, {"updatedAt": {"lte": told(oldest)}}]}


def told(at: datetime) -> str:
    """An instant as Linear's filters take it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
