"""What a pass must know as it begins: the few rows and the many "is there any?", in one transaction.

A poll that finds nothing asks the store for this and for nothing else; that is what an idle syncd costs.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.sql.selectable import CompoundSelect

from syncd.core.ports import READING, Brief, EntryState, Owed
from syncd.store.censuses import census_in
from syncd.store.part import Part
from syncd.store.snapshots import REST, progress_in
from syncd.store.tables import (
    censuses,
    findings,
    held_counts,
    issues,
    listenings,
    loose_links,
    meta,
    outbox,
    outside_scope,
    overrides,
    plan_states,
    said,
    set_aside,
    trackers,
    waiting,
)
from syncd.store.talk import listening_in

_TRACKER: Final[BindParameter[str]] = bindparam("tracker", type_=Text)


class Briefs(Part):
    """The beginning of a pass."""

    def brief(self, tracker: str) -> Brief:
        """All that a pass over that tracker must know as it begins."""
        with self._db.reading() as connection:
            told = self._answers(connection, tracker)
            read, counted, heard = self._rows(connection, tracker)
            return Brief(
                progress=progress_in(read),
                census=census_in(counted),
                listening=listening_in(heard),
                owed=frozenset(Owed(value) for what, value in told if what == "owed"),
                findings=frozenset(value for what, value in told if what == "finding"),
                held=sum(int(value) for what, value in told if what == "held"),
                rests=max((datetime.fromisoformat(value) for what, value in told if what == "rest"), default=None),
            )

    def _answers(self, connection: Connection, tracker: str) -> list[tuple[str, str]]:
        given = {"tracker": tracker, "rest": REST + tracker, "reading": REST + tracker + READING}
        return [(what, value) for what, value in connection.execute(self._question, given).all()]

    def _rows(self, connection: Connection, tracker: str) -> Iterator[Mapping[str, Any] | None]:
        """The tracker's own row in each of these tables."""
        values = iter(connection.execute(_ROWS, {"tracker": tracker}).one())
        for table in _ONE_EACH:
            row = dict(zip(table.c.keys(), values, strict=False))
            yield None if row["tracker"] is None else row

    @cached_property
    def _question(self) -> CompoundSelect[str, str]:
        """One statement for all of it; every part of it is a look into an index."""
        there = [select(literal("owed"), literal(owed.value)).where(exists().where(where)) for owed, where in _OWED]
        return union_all(*there, _open_kinds(), _held(), _rests())


_ONE_EACH: Final = (trackers, censuses, listenings)


def _rows() -> Select[Any]:
    rows: FromClause = select(_TRACKER.label("whose")).subquery("asked")
    whose = rows.c.whose
    for table in _ONE_EACH:
        rows = rows.outerjoin(table, table.c.tracker == whose)
    return select(*(column for table in _ONE_EACH for column in table.c)).select_from(rows)


_ROWS: Final = _rows()


def _open_kinds() -> Select[str, str]:
    f = findings.c
    theirs = (f.tracker == _TRACKER) | (f.kind == "twin")
    return select(literal("finding"), f.kind).where(f.closed.is_(None), theirs).distinct()


def _held() -> Select[str, str]:
    total = sql_cast(func.coalesce(func.sum(held_counts.c.issues), 0), Text)
    return select(literal("held"), total).where(held_counts.c.tracker == _TRACKER)


def _rests() -> Select[str, str]:
    names = (bindparam("rest", type_=Text), bindparam("reading", type_=Text))
    return select(literal("rest"), meta.c.value).where(meta.c.name.in_(names))


def _in_state(state: EntryState) -> ColumnElement[bool]:
    return and_(outbox.c.tracker == _TRACKER, outbox.c.state == state.value)


_OWED: tuple[tuple[Owed, ColumnElement[bool]], ...] = (
    (Owed.SENDING, _in_state(EntryState.SENDING)),
    (Owed.TODO, _in_state(EntryState.TODO)),
    (Owed.WAITING, waiting.c.tracker == _TRACKER),
    (Owed.ASIDE, set_aside.c.tracker == _TRACKER),
    (Owed.ABOVE, and_(issues.c.tracker == _TRACKER, outside_scope)),
    (Owed.ABOVE, loose_links.c.tracker == _TRACKER),
    (Owed.SAID, said.c.tracker == _TRACKER),
    (
        Owed.EXPIRING,
        and_(overrides.c.tracker == _TRACKER, overrides.c.ended.is_(None), overrides.c.expires.is_not(None)),
    ),
    (Owed.UNHEARD, and_(overrides.c.tracker == _TRACKER, overrides.c.unheard.is_not(None))),
    (Owed.UNSETTLED, and_(plan_states.c.tracker == _TRACKER, plan_states.c.unsettled.is_(True))),
)
