"""Actions committed to be done. Everything here is on the disk before the call it speaks of is made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, func, select, update

from syncd.core.model import Applied, Receipt
from syncd.core.ports import Entry, EntryState, Lease
from syncd.store import codec
from syncd.store.database import batches
from syncd.store.leases import held_by
from syncd.store.part import Part
from syncd.store.plans import save_applied
from syncd.store.tables import leases, outbox

NOT_OVER = (EntryState.TODO, EntryState.SENDING, EntryState.DEAD)
MOVABLE = (EntryState.TODO.value, EntryState.SENDING.value)


class Outbox(Part):
    """What is to be written, and what became of it."""

    def commit_intent(self, entries: Sequence[Entry], now: datetime) -> int:
        """Add outbox rows that are not there yet (by key), revive dropped ones; how many are todo by this call.

        A revived one keeps its place in the order, and its count of attempts.
        """
        rows = [_row(entry, now) for entry in {entry.key: entry for entry in entries}.values()]
        if not rows:
            return 0
        with self._db.writing(durable=True) as connection:
            return sum(self._commit(connection, batch) for batch in batches(rows))

    def _commit(self, connection: Connection, rows: list[dict[str, Any]]) -> int:
        these = self._db.among(outbox.c.key, [row["key"] for row in rows])
        dropped = outbox.c.state == EntryState.DROPPED.value
        over = connection.execute(select(func.count()).select_from(outbox).where(these, ~dropped)).scalar_one()
        statement = self._db.insert(outbox)
        again = {name: statement.excluded[name] for name in ("action", "state", "note", "committed", "moved")}
        connection.execute(
            statement.on_conflict_do_update(index_elements=[outbox.c.key], set_=again, where=dropped), rows
        )
        return len(rows) - over

    def entries(self, tracker: str, states: Sequence[EntryState], limit: int = 1000) -> Sequence[Entry]:
        """Outbox rows in those states, in the order they were committed."""
        wanted = and_(outbox.c.tracker == tracker, outbox.c.state.in_([state.value for state in states]))
        with self._db.reading() as connection:
            rows = connection.execute(select(outbox).where(wanted).order_by(outbox.c.n).limit(limit)).all()
        return [
            Entry(
                key=row.key,
                action=codec.action_value(codec.loads(row.action)),
                state=EntryState(row.state),
                attempts=row.attempts,
                note=row.note,
            )
            for row in rows
        ]

    def begin(self, entry: Entry, lease: Lease, now: datetime) -> bool:
        """`todo → sending`, durably, before the call; False when the lease's fence is stale or the row moved on."""
        ours = exists().where(held_by(lease), leases.c.tracker == outbox.c.tracker)
        statement = (
            update(outbox)
            .where(outbox.c.key == entry.key, outbox.c.state == EntryState.TODO.value, ours)
            .values(state=EntryState.SENDING.value, attempts=outbox.c.attempts + 1, fence=lease.fence, moved=now)
        )
        with self._db.writing(durable=True) as connection:
            return connection.execute(statement).rowcount == 1

    def settle(self, entry: Entry, receipt: Receipt, applied: Applied, now: datetime) -> None:
        """`done`, and what is applied now, in one transaction. A row that is over already changes nothing."""
        statement = _moving(entry).values(
            state=EntryState.DONE.value,
            note="",
            moved=now,
            receipt_at=receipt.at,
            comment_id=receipt.comment_id,
        )
        with self._db.writing(durable=True) as connection:
            if connection.execute(statement).rowcount == 1:
                save_applied(self._db, connection, [applied])

    def put_back(self, entry: Entry, state: EntryState, note: str, now: datetime) -> None:
        """`sending` or `todo` → todo, dropped or dead, with why."""
        if state not in (EntryState.TODO, EntryState.DROPPED, EntryState.DEAD):
            raise ValueError(f"an entry is not put back to {state}")
        with self._db.writing(durable=True) as connection:
            connection.execute(_moving(entry).values(state=state.value, note=note, moved=now))

    def outbox_counts(self) -> Mapping[str, int]:
        """How many rows are in each state that is not over (todo, sending, dead), zeros included."""
        query = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        with self._db.reading() as connection:
            counted = {row[0]: row[1] for row in connection.execute(query)}
        return {state.value: counted.get(state.value, 0) for state in NOT_OVER}


def _moving(entry: Entry) -> Any:
    return update(outbox).where(outbox.c.key == entry.key, outbox.c.state.in_(MOVABLE))


def _row(entry: Entry, now: datetime) -> dict[str, Any]:
    return {
        "key": entry.key,
        "tracker": entry.action.ref.tracker,
        "id": entry.action.ref.id,
        "action": codec.dumps(codec.action_tree(entry.action)),
        "state": EntryState.TODO.value,
        "attempts": 0,
        "note": "",
        "committed": now,
        "moved": now,
    }
