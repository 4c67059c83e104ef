"""Remembering what was observed: snapshots and the progress made by them, in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Delete, Select, Table, bindparam, delete, or_, select, update

from syncd.core.bearing import INDEXED, indexed
from syncd.core.errors import Unreadable
from syncd.core.model import Issue, IssueRef, Link
from syncd.core.ports import Change, Progress
from syncd.core.twins import keys_told
from syncd.store import codec
from syncd.store.database import Row, batches, listed
from syncd.store.part import Part, folded, note_moved_causes, stored_ids
from syncd.store.plans import forget_plan_states
from syncd.store.tables import (
    former_keys,
    issue_values,
    issues,
    left_scope,
    lies_within,
    loose_links,
    meta,
    plan_states,
    set_aside,
    told_twins,
    trackers,
)


class Snapshots(Part):
    """What the trackers looked like, and how far they were read."""

    def progress(self, tracker: str) -> Progress:
        """How far that tracker has been read."""
        with self._db.reading() as connection:
            return progress_of(connection, tracker)

    def save_progress(self, tracker: str, progress: Progress) -> None:
        """Replace it whole."""
        with self._db.writing() as connection:
            self._save_progress(connection, tracker, progress)

    def _save_progress(self, connection: Connection, tracker: str, progress: Progress) -> None:
        row = {
            "tracker": tracker,
            "watermark": progress.watermark,
            "first_complete": progress.first_complete,
            "last_attempt": progress.last_attempt,
            "last_success": progress.last_success,
            "why": progress.why,
            "scope": codec.texts(progress.scope),
            "complete_scope": codec.texts(progress.complete_scope),
            "fields": codec.texts(progress.fields),
            "rules_key": progress.rules_key,
            "plan_key": progress.plan_key,
            "skew": progress.skew,
            "memory": progress.memory or None,
            "sure": progress.sure,
            "lag": progress.lag,
            "lag_seen": progress.lag_seen,
        }
        connection.execute(self._db.upsert(trackers), row)

    def rests_until(self, what: str) -> datetime | None:
        """Until when a tracker, or a part of it, asked to be left alone."""
        with self._db.reading() as connection:
            told = connection.execute(_REST, {"what": REST + what}).scalar()
        return None if told is None else datetime.fromisoformat(told)

    def rest(self, what: str, until: datetime) -> None:
        """It asked to be left alone until then."""
        with self._db.writing() as connection:
            connection.execute(self._db.upsert(meta), {"name": REST + what, "value": until.isoformat()})

    def remember(
        self,
        tracker: str,
        issues: Sequence[Issue],
        *,
        in_scope: bool,
        now: datetime,
        progress: Progress | None = None,
    ) -> Mapping[IssueRef, Change]:
        """Keep snapshots, and the progress made by them; say what changed (unchanged: absent).

        An issue that comes into scope is `NEW`, also where it was known before as somebody's ancestor.
        """
        if not issues and progress is None:
            return {}
        changes: dict[IssueRef, Change] = {}
        with self._db.writing() as connection:
            for batch in batches(_newest(issues)):
                changes |= self._remember(connection, tracker, batch, in_scope=in_scope, now=now)
            if progress is not None:
                self._save_progress(connection, tracker, progress)
        return changes

    def _remember(
        self, connection: Connection, tracker: str, batch: list[Issue], *, in_scope: bool, now: datetime
    ) -> dict[IssueRef, Change]:
        stored = self._stored(connection, tracker, [issue.ref.id for issue in batch])
        changes: dict[IssueRef, Change] = {}
        rows: list[Row] = []
        fresh: list[Issue] = []  # those whose links may be news
        values, back = _Bound(tracker), set[str]()
        renamed: list[Row] = []
        for issue in batch:
            row, before = _row(issue, in_scope=in_scope), stored.get(issue.ref.id)
            change = _change(before, row)
            if change is None:
                continue
            changes[issue.ref] = change
            rows.append(row)
            if before is not None:
                row["in_scope"] = before["in_scope"] or in_scope
                if in_scope and not before["in_scope"]:
                    back.add(issue.ref.id)
                renamed += _renamed(before, row, now)
            if change is not Change.MARKS:
                fresh.append(issue)
                values.note(issue, before)
        if rows:
            # `unless_newer`: somebody else may have stored a newer one since we looked
            self._db.upsert_many(connection, issues, rows, unless_newer=issues.c.updated)
        if renamed:
            connection.execute(self._db.upsert(former_keys), renamed)
        if back:
            returned = self._db.among(left_scope.c.id, back)
            connection.execute(delete(left_scope).where(left_scope.c.tracker == tracker, returned))
        self._bind(connection, values)
        self._tie(connection, tracker, batch, fresh)
        return changes

    def _bind(self, connection: Connection, values: "_Bound") -> None:
        for table in _BOUND:
            if values.gone[table.name]:
                connection.execute(_take_off(table), values.gone[table.name])
            if values.new[table.name]:
                self._db.add_many(connection, table, values.new[table.name])

    def _stored(self, connection: Connection, tracker: str, ids: list[str]) -> dict[str, Row]:
        rows = connection.execute(self._stored_rows, {"tracker": tracker, "ids": listed(ids)}).all()
        return {row[0]: dict(zip(_STORED, row, strict=True)) for row in rows}

    @cached_property
    def _stored_rows(self) -> Select[Any]:
        columns = (issues.c.id, issues.c.folded_key, issues.c.updated, issues.c.in_scope, issues.c.snapshot)
        these = self._db.among_listed(issues.c.id, "ids")
        return select(*columns).where(issues.c.tracker == bindparam("tracker"), these)

    def _tie(self, connection: Connection, tracker: str, batch: list[Issue], fresh: list[Issue]) -> None:
        """Keep `set_aside` and `loose_links` true: an issue remembered is neither; an unknown parent is loose.

        A missing one that comes back without a change that we would tell of stays missing until `forget_missing`:
        whoever decides must hear of it one way or the other.
        """
        for table, some in ((set_aside, batch), (loose_links, fresh)):
            if some and connection.execute(_ANY[table.name], {"tracker": tracker}).first():
                self._drop_links(connection, table, tracker, [Link(i.ref.id, i.key) for i in some])
        above = {link for i in fresh for link in (i.parent, *i.within) if link is not None}
        if not above:
            return
        known = stored_ids(self._db, connection, tracker, above)
        rows = _distinct(_link_row(tracker, link) for link in sorted(above - known.keys(), key=str))
        if rows:
            connection.execute(self._db.insert(loose_links).on_conflict_do_nothing(), rows)

    def _drop_links(self, connection: Connection, table: Table, tracker: str, links: Iterable[Link]) -> None:
        """Every row that names one of these, by its id or by its key."""
        some = list(links)
        ids = [link.id for link in some if link.id]
        keys = [folded(link.key) for link in some if link.key]
        same = or_(self._db.among(table.c.id, ids), self._db.among(table.c.folded_key, keys))
        connection.execute(delete(table).where(table.c.tracker == tracker, same))

    def mark_missing(self, tracker: str, links: Sequence[Link], now: datetime) -> None:
        """Links that answered nothing when read directly. One that is missing already keeps its clock."""
        rows = _distinct({**_link_row(tracker, link), "missing": now} for link in links)
        if not rows:
            return
        statement = self._db.insert(loose_links)
        upsert = statement.on_conflict_do_update(
            index_elements=list(loose_links.primary_key.columns),
            set_={"missing": statement.excluded.missing},
            where=loose_links.c.missing.is_(None),
        )
        with self._db.writing() as connection:
            connection.execute(upsert, rows)

    def forget_missing(self, tracker: str, links: Sequence[Link]) -> None:
        """They answer again."""
        if links:
            with self._db.writing() as connection:
                self._drop_links(connection, loose_links, tracker, links)

    def missing(self, tracker: str) -> Sequence[Link]:
        """All links that answered nothing when last read."""
        with self._db.reading() as connection:
            rows = connection.execute(_MISSING, {"tracker": tracker}).all()
        return [Link(id_ or None, key or None) for id_, key in rows]

    def set_aside(self, tracker: str, unreadable: Sequence[Unreadable], now: datetime) -> None:
        """Remember issues that could not be understood, by link, with what was wrong."""
        named = [(each.link, str(each)) for each in unreadable if each.link is not None]
        rows = _distinct({**_link_row(tracker, link), "what": what, "at": now} for link, what in named)
        if rows:
            with self._db.writing() as connection:
                connection.execute(self._db.upsert(set_aside), rows)

    def forget_aside(self, tracker: str, links: Sequence[Link]) -> None:
        """These are not there any more, so there is nothing left to understand."""
        if links:
            with self._db.writing() as connection:
                self._drop_links(connection, set_aside, tracker, links)

    def aside(self, tracker: str) -> Mapping[Link, str]:
        """The issues set aside and not understood since, with what was wrong."""
        query = select(set_aside.c.id, set_aside.c.key, set_aside.c.what).where(set_aside.c.tracker == tracker)
        with self._db.reading() as connection:
            rows = connection.execute(query.order_by(set_aside.c.id, set_aside.c.folded_key)).all()
        return {Link(id_ or None, key or None): what for id_, key, what in rows}

    def leave_scope(self, tracker: str, projects: Sequence[str]) -> int:
        """Take every issue of a project not in this list out of scope; how many. Walks all of them."""
        inside = issues.c.in_scope.is_(True)
        others = issues.c.project.not_in(projects)
        with self._db.writing() as connection:
            leaving = select(issues.c.id).where(issues.c.tracker == tracker, inside, others)
            forget_plan_states(self._db, connection, tracker, plan_states.c.id.in_(leaving))
            left = connection.execute(
                update(issues).where(issues.c.tracker == tracker, inside, others).values(in_scope=False)
            )
            if left.rowcount:
                note_moved_causes(self._db, connection, [tracker])
            return left.rowcount

    def take_out(self, tracker: str, ids: Sequence[str], why: str, now: datetime) -> int:
        """Take these out of scope, and keep why until they come back; how many of them were in it."""
        taken = 0
        for some in batches(sorted(set(ids))):
            with self._db.writing() as connection:
                these = self._db.among(issues.c.id, some)
                inside = issues.c.tracker == tracker, issues.c.in_scope.is_(True), these
                leaving = connection.execute(select(issues.c.id).where(*inside).order_by(issues.c.id)).scalars().all()
                if not leaving:
                    continue
                forget_plan_states(self._db, connection, tracker, self._db.among(plan_states.c.id, leaving))
                rows = [{"tracker": tracker, "id": id_, "why": why, "at": now} for id_ in leaving]
                connection.execute(self._db.upsert(left_scope), rows)
                note_moved_causes(self._db, connection, [tracker])
                taken += connection.execute(update(issues).where(*inside).values(in_scope=False)).rowcount
        return taken


_ANY = {
    table.name: select(table.c.id).where(table.c.tracker == bindparam("tracker")).limit(1)
    for table in (set_aside, loose_links)
}
_MISSING = (
    select(loose_links.c.id, loose_links.c.key)
    .where(loose_links.c.tracker == bindparam("tracker"), loose_links.c.missing.is_not(None))
    .order_by(loose_links.c.id, loose_links.c.folded_key)
)
REST = "rest/"
"""Before the name of a tracker or a part of it, as a name in `meta`: until when it asked to be left alone."""
_REST = select(meta.c.value).where(meta.c.name == bindparam("what"))
_PROGRESS = select(trackers).where(trackers.c.tracker == bindparam("tracker"))


def progress_of(connection: Connection, tracker: str) -> Progress:
    """How far that tracker has been read."""
    return progress_in(connection.execute(_PROGRESS, {"tracker": tracker}).mappings().first())


def progress_in(row: Mapping[Any, Any] | None) -> Progress:
    """What a row of `trackers` tells."""
    if row is None:
        return Progress()
    values = {name: row[name] for name in row if name != "tracker"}
    return Progress(
        **{
            **values,
            "scope": tuple(codec.loads(row["scope"])),
            "complete_scope": tuple(codec.loads(row["complete_scope"])),
            "fields": tuple(codec.loads(row["fields"])),
            "memory": row["memory"] or "",
        }
    )


_Values = tuple[str, ...]


class _Bound:
    """What a batch of issues bears, lies in or tells of now and did not before, and the other way round."""

    def __init__(self, tracker: str) -> None:
        self._tracker = tracker
        self.new: dict[str, list[Row]] = {table.name: [] for table in _BOUND}
        self.gone: dict[str, list[Row]] = {table.name: [] for table in _BOUND}

    def note(self, issue: Issue, before: Row | None) -> None:
        """An issue whose content is other than it was."""
        was: codec.Tree = {} if before is None else codec.loads(before["snapshot"])
        values = indexed({name: getattr(issue, name) for name in INDEXED.values()})
        self._note(issue_values, ("field", "value"), values, indexed(was), issue.ref.id)
        if issue.within or "within" in was:
            above = _above(issue.within)
            self._note(lies_within, ("above_id", "above_key"), above, _above(was.get("within", ())), issue.ref.id)
        if issue.twins or "twins" in was:
            now, before_ = keys_told(issue.twins), keys_told(was.get("twins", ()))
            self._note(told_twins, ("folded_key",), _alone(now), _alone(before_), issue.ref.id)

    def _note(
        self, table: Table, names: tuple[str, ...], now: frozenset[_Values], was: frozenset[_Values], id_: str
    ) -> None:
        for rows, values in ((self.new, now - was), (self.gone, was - now)):
            rows[table.name] += [
                {"tracker": self._tracker, "id": id_, **dict(zip(names, v, strict=True))} for v in values
            ]


_BOUND = (issue_values, lies_within, told_twins)


def _above(links: Iterable[Sequence[str | None]]) -> frozenset[_Values]:
    return frozenset((id_ or "", "" if id_ else folded(key or "")) for id_, key in links)


def _alone(keys: Iterable[str]) -> frozenset[_Values]:
    return frozenset((folded(key),) for key in keys)


def _take_off(table: Table) -> Delete:
    return delete(table).where(*(column == bindparam(column.name) for column in table.primary_key.columns))


_STORED = ("id", "folded_key", "updated", "in_scope", "snapshot")


def _newest(given: Sequence[Issue]) -> list[Issue]:
    """Each issue once, in its newest form, by id: everybody locks rows in one order."""
    newest: dict[str, Issue] = {}
    for issue in given:
        before = newest.get(issue.ref.id)
        if before is None or before.updated <= issue.updated:
            newest[issue.ref.id] = issue
    return [newest[id_] for id_ in sorted(newest)]


def _row(issue: Issue, *, in_scope: bool) -> Row:
    parent = issue.parent
    return {
        "tracker": issue.ref.tracker,
        "id": issue.ref.id,
        "folded_key": folded(issue.key),
        "project": issue.project,
        "parent_id": parent.id if parent else None,
        "parent_key": folded(parent.key) if parent and parent.id is None and parent.key else None,
        "updated": issue.updated,
        "closed": issue.closed,
        "in_scope": in_scope,
        "snapshot": codec.dumps(codec.issue_tree(issue)),
    }


def _renamed(before: Row, row: Row, now: datetime) -> list[Row]:
    """The key it no longer bears."""
    if before["folded_key"] == row["folded_key"]:
        return []
    return [{"folded_key": before["folded_key"], "tracker": row["tracker"], "id": row["id"], "until": now}]


def _change(before: Row | None, row: Row) -> Change | None:
    """What is new in `row`; None: nothing, or it is older than what is stored."""
    if before is None:
        return Change.NEW
    if row["updated"] < before["updated"]:
        return None
    if row["in_scope"] and not before["in_scope"]:
        return Change.NEW
    if row["snapshot"] == before["snapshot"]:
        return None
    old, new = codec.loads(before["snapshot"]), codec.loads(row["snapshot"])
    for name in codec.ECHO:
        old.pop(name, None)
        new.pop(name, None)
    if old == new:
        return Change.MARKS
    return Change.FIELDS if codec.without_fields(old, new) == codec.without_fields(new, old) else Change.CONTENT


def _link_row(tracker: str, link: Link) -> Row:
    key = link.key or ""
    return {"tracker": tracker, "id": link.id or "", "folded_key": folded(key), "key": key}


def _distinct(rows: Iterable[Row]) -> list[Row]:
    """The last row of each link: PostgreSQL refuses to upsert one row twice in a statement."""
    return list({(row["id"], row["folded_key"]): row for row in rows}.values())
