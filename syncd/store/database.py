"""One database, of either engine: connections, transactions, and the few statements that differ between the two.

A transaction belongs to the thread that began it; whatever that thread asks of the store meanwhile joins it.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Engine, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from syncd.core.errors import Broken
from syncd.store import codec, faults, revisions
from syncd.store.columns import clean

Insert = sqlite.Insert | postgresql.Insert
BATCH = 1000
"""Rows in one statement: large enough to be fast, small enough to keep memory flat."""


@dataclass
class _Joined(threading.local):
    """The transaction that this thread is in."""

    connection: Connection | None = None
    spoiled: bool = field(default=False)


class Database:
    """An engine, and how to be in a transaction on it."""

    def __init__(self, engine: Engine, place: str, *, shared_connection: bool = False) -> None:
        self.engine = engine
        self.place = place
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._reads = engine
        self._writes = engine.execution_options(syncd_writes=True)
        self._durable = engine.execution_options(syncd_writes=True, syncd_durable=True)
        self._joined = _Joined()
        self._turns = threading.RLock() if shared_connection else None

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads."""
        return self._transaction(self._reads)

    def writing(self, *, durable: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that writes; `durable`: on the disk, whatever happens, once it is over."""
        return self._transaction(self._durable if durable else self._writes)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what the database raises into a StoreError."""
        try:
            yield
        except faults.DRIVER_ERRORS as error:
            raise faults.told(error, self.place, self._is_behind) from None

    def _is_behind(self) -> bool:
        try:
            with self._reads.connect() as connection:
                return revisions.is_older(revisions.current(connection))
        except faults.DRIVER_ERRORS:
            return False  # then the first error is the one to tell

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        joined = self._joined
        if joined.connection is not None:
            try:
                with self.guarded():
                    yield joined.connection
            except BaseException:
                joined.spoiled = True
                raise
            return
        with self._turns or nullcontext(), self.guarded(), engine.connect() as connection, connection.begin():
            joined.connection, joined.spoiled = connection, False
            try:
                yield connection
                if joined.spoiled:
                    raise Broken("a part of a transaction failed and was passed over: nothing of it is kept")
            finally:
                joined.connection = None

    # --- what differs between the engines ---

    def insert(self, table: Table) -> Insert:
        """An INSERT that knows ON CONFLICT."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def upsert(self, table: Table, *, unless_newer: Column[Any] | None = None) -> Insert:
        """INSERT, or UPDATE of all the other columns where the primary key is there already.

        With `unless_newer` a row whose stored value of that column is greater stays as it is.
        """
        statement = self.insert(table)
        return statement.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key},
            where=None if unless_newer is None else statement.excluded[unless_newer.name] >= unless_newer,
        )

    def among(self, column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
        """`column IN values` as one parameter: one cached statement for any number of them."""
        texts = [clean(value) for value in values]
        if self.is_sqlite:
            each = func.json_each(bindparam(None, codec.dumps(texts), Text)).table_valued("value")
            return column.in_(select(each.c.value))
        return column == func.any(bindparam(None, texts, ARRAY(Text)))


def batches(rows: Iterable[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """Lists of at most that many."""
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
