"""Actions committed to be done. Everything here is on the disk before the call it speaks of is made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, or_, select, update

from syncd.core.model import Applied, IssueRef, Receipt
from syncd.core.ports import Entry, EntryState, Lease
from syncd.store import codec
from syncd.store.database import batches
from syncd.store.leases import held_by
from syncd.store.part import Part, by_tracker
from syncd.store.plans import save_applied
from syncd.store.tables import leases, outbox

NOT_OVER = (EntryState.TODO, EntryState.SENDING, EntryState.DEAD)
MOVABLE = (EntryState.TODO.value, EntryState.SENDING.value)
REVIVED = (EntryState.DROPPED.value, EntryState.GONE.value, EntryState.BARRED.value)
UNPROVEN = (EntryState.TODO.value, EntryState.SENDING.value, EntryState.DROPPED.value)
PUT_BACK = (EntryState.TODO, EntryState.DROPPED, EntryState.GONE, EntryState.BARRED, EntryState.DEAD)


class Outbox(Part):
    """What is to be written, and what became of it."""

    def commit_intent(self, entries: Sequence[Entry], now: datetime) -> int:
        """Add outbox rows that are not there yet (by key), revive dropped and gone ones; how many are todo by this.

        A revived one keeps its place in the order, and its count of attempts.
        """
        rows = [_row(entry, now) for entry in {entry.key: entry for entry in entries}.values()]
        if not rows:
            return 0
        with self._db.writing(durable=True) as connection:
            return sum(self._commit(connection, batch) for batch in batches(rows))

    def _commit(self, connection: Connection, rows: list[dict[str, Any]]) -> int:
        these = self._db.among(outbox.c.key, [row["key"] for row in rows])
        dropped = or_(*(outbox.c.state == state for state in REVIVED))  # an IN would not go with many rows
        over = connection.execute(select(func.count()).select_from(outbox).where(these, ~dropped)).scalar_one()
        statement = self._db.insert(outbox)
        again = {name: statement.excluded[name] for name in ("action", "state", "note", "committed", "moved")}
        connection.execute(
            statement.on_conflict_do_update(index_elements=[outbox.c.key], set_=again, where=dropped), rows
        )
        return len(rows) - over

    def entries(self, tracker: str | None, states: Sequence[EntryState], limit: int = 1000) -> Sequence[Entry]:
        """Outbox rows in those states, of one tracker or of all, in the order they were committed."""
        query = select(outbox).where(outbox.c.state.in_([state.value for state in states]))
        # named one by one, for the index: whoever began a write had a lease
        query = query.where(outbox.c.tracker.in_(select(leases.c.tracker) if tracker is None else [tracker]))
        with self._db.reading() as connection:
            rows = connection.execute(query.order_by(outbox.c.n).limit(limit)).all()
        return [_entry(row) for row in rows]

    def unproven(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, frozenset[str]]:
        """Marks on these issues that writes were sent for, or against, and of which no proof was ever seen.

        One that was sent again is proven once: the request that was given up may still come.
        """
        found: dict[IssueRef, frozenset[str]] = {}
        again = and_(outbox.c.state == EntryState.DONE.value, outbox.c.attempts > 1)
        left = or_(outbox.c.state.in_(UNPROVEN), again)
        with self._db.reading() as connection:
            for tracker, ids in by_tracker(refs).items():
                for batch in batches(ids):
                    here = and_(outbox.c.tracker == tracker, self._db.among(outbox.c.id, batch))
                    rows = connection.execute(select(outbox).where(here, left, outbox.c.attempts > 0)).all()
                    for action in (_entry(row).action for row in rows):
                        marks = found.get(action.ref, frozenset())
                        found[action.ref] = marks | set(action.add) | set(action.remove)
        return found

    def entries_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """Outbox rows by key; unknown ones are absent."""
        found: dict[str, Entry] = {}
        with self._db.reading() as connection:
            for batch in batches(keys):
                rows = connection.execute(select(outbox).where(self._db.among(outbox.c.key, batch)))
                found.update((row.key, _entry(row)) for row in rows)
        return found

    def begin(self, entry: Entry, lease: Lease, now: datetime) -> bool:
        """`todo → sending`, durably, before the call; False when the lease's fence is stale or the row moved on."""
        return bool(self.begin_together([entry], lease, now))

    def begin_together(self, entries: Sequence[Entry], lease: Lease, now: datetime) -> frozenset[str]:
        """`begin` for several in one transaction: the keys of those that were begun, none under a stale fence."""
        ours = exists().where(held_by(lease), leases.c.tracker == outbox.c.tracker)
        values = {"state": EntryState.SENDING.value, "fence": lease.fence, "moved": now}
        begun: set[str] = set()
        with self._db.writing(durable=True) as connection:
            for batch in batches([entry.key for entry in entries]):
                due = and_(self._db.among(outbox.c.key, batch), outbox.c.state == EntryState.TODO.value, ours)
                statement = (
                    update(outbox).where(due).values(attempts=outbox.c.attempts + 1, **values).returning(outbox.c.key)
                )
                begun.update(connection.execute(statement).scalars())
        return frozenset(begun)

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

    def put_back(self, entry: Entry, state: EntryState, note: str, now: datetime, *, tried: bool = True) -> None:
        """`sending` or `todo` → todo, dropped, gone, barred or dead, with why. `tried=False`: it does not count."""
        if state not in PUT_BACK:
            raise ValueError(f"an entry is not put back to {state}")
        values: dict[str, Any] = {"state": state.value, "note": note, "moved": now}
        if not tried:
            values["attempts"] = entry.attempts
        with self._db.writing(durable=True) as connection:
            connection.execute(_moving(entry).values(values))

    def revive(self, entry: Entry, now: datetime) -> bool:
        """`dead` or `dismissed` → todo, as if it had never been tried; False: it is in neither state any more."""
        over = (EntryState.DEAD.value, EntryState.DISMISSED.value)
        values = {"state": EntryState.TODO.value, "note": "", "moved": now, "attempts": 0}
        return self._move(entry, over, values)

    def dismiss(self, entry: Entry, note: str, now: datetime) -> bool:
        """`dead` → dismissed, with who dropped it; False: it is dead no more."""
        values = {"state": EntryState.DISMISSED.value, "note": note, "moved": now}
        return self._move(entry, (EntryState.DEAD.value,), values)

    def _move(self, entry: Entry, states: Sequence[str], values: dict[str, Any]) -> bool:
        statement = update(outbox).where(outbox.c.key == entry.key, outbox.c.state.in_(states)).values(values)
        with self._db.writing(durable=True) as connection:
            return connection.execute(statement).rowcount == 1

    def outbox_counts(self, tracker: str | None = None) -> Mapping[str, int]:
        """How many rows are in each state that is not over (todo, sending, dead), zeros included."""
        query = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        query = query.where(outbox.c.state.in_([state.value for state in NOT_OVER]))
        if tracker is not None:
            query = query.where(outbox.c.tracker == tracker)
        with self._db.reading() as connection:
            counted = {row[0]: row[1] for row in connection.execute(query)}
        return {state.value: counted.get(state.value, 0) for state in NOT_OVER}


def _moving(entry: Entry) -> Any:
    return update(outbox).where(outbox.c.key == entry.key, outbox.c.state.in_(MOVABLE))


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        key=row.key,
        action=codec.action_value(codec.loads(row.action)),
        state=EntryState(row.state),
        attempts=row.attempts,
        note=row.note,
        moved=row.moved,
    )


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
