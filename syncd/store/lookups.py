"""Finding issues again: by key, by link, by parent, or all of them in a fixed order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    union,
)

from syncd.core.bearing import Bears
from syncd.core.model import Issue, IssueRef, Link, Origin, Standing
from syncd.core.ports import Known
from syncd.store import codec
from syncd.store.columns import clean
from syncd.store.database import batches, listed
from syncd.store.glance import StoredGlance
from syncd.store.part import Part, by_tracker, folded, stored_ids
from syncd.store.tables import (
    applied,
    former_keys,
    issue_values,
    issues,
    left_scope,
    lies_within,
    loose_links,
    outside_scope,
    standings,
)

_KNOWN = (
    issues.c.tracker,
    issues.c.id,
    issues.c.snapshot,
    issues.c.in_scope,
    standings.c.decision,
    standings.c.since,
    standings.c.origin,
    standings.c.changed,
    standings.c.version,
    applied.c.applied,
)


class Lookups(Part):
    """Reading what is known."""

    def find(self, key: str, tracker: str | None = None) -> Sequence[IssueRef]:
        """Issues that bear or once bore that key (any case); those that bear it now come first."""
        found: dict[IssueRef, None] = {}
        with self._db.reading() as connection:
            for table in (issues, former_keys):
                query = select(table.c.tracker, table.c.id).where(table.c.folded_key == folded(key))
                if tracker is not None:
                    query = query.where(table.c.tracker == tracker)
                rows = connection.execute(query.order_by(table.c.tracker, table.c.id))
                found.update((IssueRef(row[0], row[1]), None) for row in rows)
        return list(found)

    def known(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Known]:
        """What is known of those issues; unknown ones are absent."""
        known: dict[IssueRef, Known] = {}
        with self._db.reading() as connection:
            for tracker, ids in by_tracker(refs).items():
                for batch in batches(ids):
                    rows = connection.execute(self._known_of, {"tracker": tracker, "ids": listed(batch)}).all()
                    known |= {k.issue.ref: k for k in map(_known, rows)}
        return known

    @cached_property
    def _known_of(self) -> Select[Any]:
        return _select_known().where(_HERE, self._db.among_listed(issues.c.id, "ids"))

    def by_link(self, tracker: str, links: Sequence[Link]) -> Mapping[Link, Issue]:
        """Snapshots by id or (old or new) key; unknown ones are absent."""
        found: dict[Link, Issue] = {}
        with self._db.reading() as connection:
            for batch in batches(links):
                ids = stored_ids(self._db, connection, tracker, batch)
                named = {"tracker": tracker, "ids": listed(set(ids.values()))}
                snapshots = _issues(tracker, connection, self._snapshots_of, named)
                found |= {link: snapshots[id_] for link, id_ in ids.items()}
        return found

    @cached_property
    def _snapshots_of(self) -> Select[str, str]:
        return _SNAPSHOTS.where(_HERE, self._db.among_listed(issues.c.id, "ids"))

    def children(self, refs: Sequence[IssueRef]) -> Sequence[IssueRef]:
        """Direct children, in or out of scope, by parent id or (old or new) parent key."""
        found: set[IssueRef] = set()
        with self._db.reading() as connection:
            for tracker, ids in by_tracker(refs).items():
                for batch in batches(ids):
                    some = connection.execute(self._children_of, {"tracker": tracker, "ids": listed(batch)}).scalars()
                    found.update(IssueRef(tracker, id_) for id_ in some)
        return sorted(found)

    @cached_property
    def _children_of(self) -> CompoundSelect[str]:
        """What names them as its parent or lies in them, by id, by key or by a key that one of them once bore."""
        i, inside = issues.c, lies_within.c
        keys = union(
            *(
                select(table.c.folded_key).where(
                    table.c.tracker == bindparam("tracker"), self._db.among_listed(table.c.id, "ids")
                )
                for table in (issues, former_keys)
            )
        )
        within = select(inside.id).where(inside.tracker == bindparam("tracker"))
        return union(
            select(i.id).where(_HERE, self._db.among_listed(i.parent_id, "ids")),
            select(i.id).where(_HERE, i.parent_key.in_(keys)),
            within.where(self._db.among_listed(inside.above_id, "ids")),
            within.where(inside.above_id == "", inside.above_key.in_(keys)),
        )

    def left(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, tuple[datetime, str]]:
        """When and why each of these was taken out of scope; those that were not are absent."""
        found: dict[IssueRef, tuple[datetime, str]] = {}
        columns = (left_scope.c.id, left_scope.c.at, left_scope.c.why)
        with self._db.reading() as connection:
            for tracker, ids in by_tracker(refs).items():
                for batch in batches(ids):
                    here = left_scope.c.tracker == tracker, self._db.among(left_scope.c.id, batch)
                    rows = connection.execute(select(*columns).where(*here)).all()
                    found |= {IssueRef(tracker, id_): (at, why) for id_, at, why in rows}
        return found

    def outside(self, tracker: str) -> Sequence[Link]:
        """Ancestors outside the scope that some issue in it hangs on, known or never read (missing ones: not)."""
        with self._db.reading() as connection:
            level = _seen(tracker, connection, _OUTSIDE, {"tracker": tracker})
            reached = dict(level)
            while level:  # what an ancestor hangs on is an ancestor too
                links = {link for i in level.values() for link in (i.parent, *i.within) if link is not None}
                ids = set(stored_ids(self._db, connection, tracker, links).values()) - reached.keys()
                named = {"tracker": tracker, "ids": listed(ids)}
                level = _seen(tracker, connection, self._outside_of, named) if ids else {}
                reached |= level
            unread = connection.execute(_NEVER_READ, {"tracker": tracker}).all()
            never_read = [Link(id_ or None, key or None) for id_, key in unread]
        return [Link(id_, reached[id_].key) for id_ in sorted(reached)] + never_read

    @cached_property
    def _outside_of(self) -> Select[str, str]:
        return _SNAPSHOTS.where(_HERE, outside_scope, self._db.among_listed(issues.c.id, "ids"))

    def in_scope(self, tracker: str, *, batch: int = 1000) -> Iterator[Sequence[IssueRef]]:
        """Every issue in scope, in batches, by id. Each batch is read by itself: no transaction stays open."""
        last = ""
        while True:
            with self._db.reading() as connection:
                query = select(issues.c.id).where(_inside(tracker), issues.c.id > last).order_by(issues.c.id)
                ids = connection.execute(query.limit(batch)).scalars().all()
            if not ids:
                return
            yield [IssueRef(tracker, id_) for id_ in ids]
            last = ids[-1]

    def glances(
        self, tracker: str, ids: Sequence[str] | None = None, *, batch: int = 1000
    ) -> Iterator[Sequence[StoredGlance]]:
        """Every issue in scope, or those of these ids that are, some at a time; no transaction stays open meanwhile.

        `batch`: how many are read at once.
        """
        if ids is None:
            yield from self._all_glances(tracker, batch)
            return
        for some in batches(ids, batch):
            with self._db.reading() as connection:
                rows = connection.execute(self._glanced, {"tracker": tracker, "ids": listed(some)}).all()
            yield from _glances(tracker, rows)

    @cached_property
    def _glanced(self) -> Select[str, str]:
        return _GLANCES.where(self._db.among_listed(issues.c.id, "ids"))

    def _all_glances(self, tracker: str, batch: int) -> Iterator[Sequence[StoredGlance]]:
        last = ""
        while True:
            with self._db.reading() as connection:
                rows = connection.execute(_NEXT_GLANCES, {"tracker": tracker, "last": last, "most": batch}).all()
            if not rows:
                return
            yield from _glances(tracker, rows)
            last = rows[-1][0]

    def bearing(self, tracker: str, values: Iterable[Bears], *, limit: int) -> Sequence[IssueRef] | None:
        """Issues, in or out of scope, that bear one of those values; None: more than `limit` do."""
        found: set[str] = set()
        v = issue_values.c
        whole: dict[str, list[str]] = {}
        which: list[ColumnElement[bool]] = []
        for value in values:
            if value.prefix:
                text = clean(value.text)
                which.append(and_(v.field == value.field, v.value >= text, v.value <= text + _LAST))
            else:
                whole.setdefault(value.field, []).append(value.text)
        which += [and_(v.field == field, self._db.among(v.value, texts)) for field, texts in whole.items()]
        with self._db.reading() as connection:
            for one in which:
                query = select(v.id).where(v.tracker == tracker, one).limit(limit + 1)
                found.update(connection.execute(query).scalars())
                if len(found) > limit:
                    return None
        return [IssueRef(tracker, id_) for id_ in sorted(found)]

    def count_in_scope(self, tracker: str) -> int:
        """How many issues are in scope: all of them less those outside, which two small indexes tell."""
        named = {"tracker": tracker}
        with self._db.reading() as connection:
            everything = connection.execute(_COUNT, named).scalar_one()
            return everything - connection.execute(_COUNT_OUTSIDE, named).scalar_one()

    def standings(self, tracker: str | None = None, *, batch: int = 1000) -> Iterator[Sequence[Known]]:
        """Every issue in scope with its standing, by tracker and id; no transaction stays open between batches."""
        if tracker is not None:
            yield from self._standings(tracker, batch)
            return
        with self._db.reading() as connection:
            names = connection.execute(select(issues.c.tracker).distinct().order_by(issues.c.tracker)).scalars().all()
        for name in names:
            yield from self._standings(name, batch)

    def _standings(self, tracker: str, batch: int) -> Iterator[Sequence[Known]]:
        last = ""
        while True:
            query = _select_known().where(_inside(tracker), issues.c.id > last).order_by(issues.c.id).limit(batch)
            with self._db.reading() as connection:
                some = [_known(row) for row in connection.execute(query).all()]
            if not some:
                return
            yield some
            last = some[-1].issue.ref.id


_LAST = "\U0010ffff"
"""Sorts after whatever may follow the beginning of a text."""


def _inside(tracker: str) -> ColumnElement[bool]:
    return and_(issues.c.tracker == tracker, issues.c.in_scope.is_(True))


def _glances(tracker: str, rows: Iterable[Any]) -> Iterator[Sequence[StoredGlance]]:
    for some in batches(rows, _ALIVE):
        yield [StoredGlance(IssueRef(tracker, id_), codec.loads(text)) for id_, text in some]


_ALIVE = 200
"""Snapshots parsed at one time: so few that they are gone before the garbage collector walks through them."""


def _issues(
    tracker: str, connection: Connection, query: Select[str, str], values: Mapping[str, str] | None = None
) -> dict[str, Issue]:
    rows = connection.execute(query, values).all()
    return {id_: codec.issue_value(IssueRef(tracker, id_), codec.loads(text)) for id_, text in rows}


def _seen(
    tracker: str, connection: Connection, query: Select[str, str], values: Mapping[str, str] | None = None
) -> dict[str, StoredGlance]:
    rows = connection.execute(query, values).all()
    return {id_: StoredGlance(IssueRef(tracker, id_), codec.loads(text)) for id_, text in rows}


def _has_children(parent: Table) -> ColumnElement[bool]:
    """Whether an issue in scope hangs on that one, or lies in it: by id, by its key, or by a key it once bore."""
    child = issues.alias("child")
    here = and_(child.c.tracker == parent.c.tracker, child.c.in_scope.is_(True))
    # no bare column, or SQLite walks through all of a tracker, for each parent, rather than look up its few former keys
    once = and_(func.coalesce(child.c.tracker, "") == parent.c.tracker, child.c.in_scope.is_(True))
    same = and_(former_keys.c.tracker == parent.c.tracker, former_keys.c.id == parent.c.id)
    tie = lies_within
    inside = and_(tie.c.tracker == parent.c.tracker, tie.c.id == child.c.id)
    return or_(
        exists().where(here, child.c.parent_id == parent.c.id),
        exists().where(here, child.c.parent_key == parent.c.folded_key),
        exists().where(here, inside, tie.c.above_id == parent.c.id),
        exists().where(here, inside, tie.c.above_id == "", tie.c.above_key == parent.c.folded_key),
        exists().where(once, same, child.c.parent_key == former_keys.c.folded_key),
    )


# Statements that every poll needs, written once: putting one together costs more than running it.
_HERE = issues.c.tracker == bindparam("tracker")
_SNAPSHOTS = select(issues.c.id, issues.c.snapshot)
_GLANCES = _SNAPSHOTS.where(_HERE, issues.c.in_scope.is_(True)).order_by(issues.c.id)
_NEXT_GLANCES = _GLANCES.where(issues.c.id > bindparam("last")).limit(bindparam("most"))
_OUTSIDE = _SNAPSHOTS.where(_HERE, outside_scope, _has_children(issues))
_NEVER_READ = (
    select(loose_links.c.id, loose_links.c.key)
    .where(loose_links.c.tracker == bindparam("tracker"), loose_links.c.missing.is_(None))
    .order_by(loose_links.c.id, loose_links.c.folded_key)
)
_COUNT = select(func.count()).select_from(issues).where(_HERE)
_COUNT_OUTSIDE = _COUNT.where(outside_scope)


def _select_known() -> Select[Any]:
    """One statement, so that it is one moment on both engines."""
    same = (standings.c.tracker == issues.c.tracker) & (standings.c.id == issues.c.id)
    wrote = (applied.c.tracker == issues.c.tracker) & (applied.c.id == issues.c.id)
    return select(*_KNOWN).select_from(issues.outerjoin(standings, same).outerjoin(applied, wrote))


_ORIGINS = {origin.value: origin for origin in Origin}


def _known(row: Any) -> Known:
    tracker, id_, snapshot, in_scope, decision, since, origin, changed, version, wrote = row
    ref = IssueRef(tracker, id_)
    standing: Standing | None = None
    if decision is not None:
        decided = codec.decision_value(ref, codec.loads(decision))
        standing = Standing(decision=decided, since=since, origin=_ORIGINS[origin], changed=changed, version=version)
    return Known(
        issue=codec.issue_value(ref, codec.loads(snapshot)),
        standing=standing,
        applied=None if wrote is None else codec.applied_value(ref, codec.loads(wrote)),
        in_scope=in_scope,
    )
