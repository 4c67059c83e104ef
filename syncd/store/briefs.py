"""What a pass must know as it begins: the few rows and the many "is there any?", in one transaction.

A poll that finds nothing asks the store for this and for nothing else; that is what an idle syncd costs.
"""

from functools import cached_property
from typing import Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
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

from syncd.core.ports import Brief, EntryState, Owed
from syncd.store.censuses import census_of
from syncd.store.part import Part
from syncd.store.snapshots import progress_of
from syncd.store.tables import (
    findings,
    held_counts,
    issues,
    loose_links,
    outbox,
    outside_scope,
    overrides,
    plan_states,
    said,
    set_aside,
    waiting,
)
from syncd.store.talk import listening_of

_TRACKER: Final[BindParameter[str]] = bindparam("tracker", type_=Text)


class Briefs(Part):
    """The beginning of a pass."""

    def brief(self, tracker: str) -> Brief:
        """All that a pass over that tracker must know as it begins."""
        with self._db.reading() as connection:
            told = self._answers(connection, tracker)
            return Brief(
                progress=progress_of(connection, tracker),
                census=census_of(connection, tracker),
                listening=listening_of(connection, tracker),
                owed=frozenset(Owed(value) for what, value in told if what == "owed"),
                findings=frozenset(value for what, value in told if what == "finding"),
                held=sum(int(value) for what, value in told if what == "held"),
            )

    def _answers(self, connection: Connection, tracker: str) -> list[tuple[str, str]]:
        return [(what, value) for what, value in connection.execute(self._question, {"tracker": tracker}).all()]

    @cached_property
    def _question(self) -> CompoundSelect[str, str]:
        """One statement for all of it; every part of it is a look into an index."""
        there = [select(literal("owed"), literal(owed.value)).where(exists().where(where)) for owed, where in _OWED]
        return union_all(*there, _open_kinds(), _held())


def _open_kinds() -> Select[str, str]:
    f = findings.c
    theirs = (f.tracker == _TRACKER) | (f.kind == "twin")
    return select(literal("finding"), f.kind).where(f.closed.is_(None), theirs).distinct()


def _held() -> Select[str, str]:
    total = sql_cast(func.coalesce(func.sum(held_counts.c.issues), 0), Text)
    return select(literal("held"), total).where(held_counts.c.tracker == _TRACKER)


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
