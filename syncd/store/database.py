"""One database, of either engine: connections, transactions, and the few statements that differ between the two.

A transaction belongs to the thread that began it; whatever that thread asks of the store meanwhile joins it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.engine import Dialect
from sqlalchemy.types import Boolean, DateTime, Text, TypeEngine

from syncd.core.errors import Broken
from syncd.store import codec, faults, revisions
from syncd.store.columns import Instant, clean

Statement = TypeVar("Statement")
Insert = sqlite.Insert | postgresql.Insert
Row = dict[str, Any]
"""A row to be written, by column."""
BATCH = 1000
"""Rows in one statement: large enough to be fast, small enough to keep memory flat."""


class Mode(Enum):
    """What a transaction is for."""

    READS = "reads"
    WRITES = "writes"
    LASTS = "lasts"
    """It writes, and what it wrote is on the disk, whatever happens, once it is over."""


MODE = "syncd_mode"
"""Where a connection's `info` tells the mode of the transaction that begins on it."""


@dataclass
class _Joined(threading.local):
    """The transaction that this thread is in."""

    connection: Connection | None = None
    mode: Mode = Mode.READS
    spoiled: bool = field(default=False)


@dataclass(frozen=True, slots=True)
class _Bulk:
    """An upsert of many rows, and how the values of its columns are converted.

    SQLite takes the rows as they are; PostgreSQL as one JSON text in one statement. SQLAlchemy's own way through a
    thousand rows costs more than SQLite's, psycopg's way through lists ten times more than the server's.
    """

    statement: Insert
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    sql: str | None
    """SQLite's, compiled; its parameters stand in the order of `columns`."""

    @classmethod
    def of(cls, statement: Insert, table: Table, names: tuple[str, ...], dialect: Dialect) -> "_Bulk":
        sql = None
        if dialect.name == "sqlite":
            compiled = statement.compile(dialect=dialect, column_keys=names)
            names, sql = tuple(compiled.positiontup or ()), str(compiled)
        else:
            typed = [column(name, _plain(table.c[name])) for name in names]
            given = cast(bindparam("rows", type_=Text), JSON)
            rows = func.json_to_recordset(given).table_valued(*typed).render_derived(with_types=True)
            statement = statement.from_select(names, select(*rows.c), include_defaults=False)
        columns = tuple((name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names)
        return cls(statement, columns, sql)

    def execute(self, connection: Connection, rows: Sequence[Row]) -> None:
        values = [
            [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]
            for name, convert in self.columns
        ]
        if self.sql is not None:
            connection.exec_driver_sql(self.sql, list(zip(*values, strict=True)))
        else:
            names = [name for name, _ in self.columns]
            tree = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
            connection.execute(self.statement, {"rows": codec.dumps(tree)})


def _plain(column: Column[Any]) -> TypeEngine[Any]:
    """PostgreSQL's own type of a column, without conversions."""
    if isinstance(column.type, Instant):
        return DateTime(timezone=True)
    return Boolean() if isinstance(column.type, Boolean) else Text()


class Database:
    """An engine, and how to be in a transaction on it."""

    def __init__(self, engine: Engine, place: str, *, shared_connection: bool = False) -> None:
        self.engine = engine
        self.place = place
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._joined = _Joined()
        self._bulks: dict[str, _Bulk] = {}
        self._kept: dict[str, Any] = {}
        self._upserts: dict[tuple[str, str | None], Insert] = {}
        self._turns = threading.RLock() if shared_connection else None

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads."""
        return self._transaction(Mode.READS)

    def writing(self, *, durable: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that writes; `durable`: on the disk, whatever happens, once it is over."""
        return self._transaction(Mode.LASTS if durable else Mode.WRITES)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what the database raises into a StoreError."""
        try:
            yield
        except faults.DRIVER_ERRORS as error:
            raise faults.told(error, self.place, self._is_behind) from None

    def _is_behind(self) -> bool:
        try:
            with self.engine.connect() as connection:
                return revisions.is_older(revisions.current(connection))
        except faults.DRIVER_ERRORS:
            return False  # then the first error is the one to tell

    @contextmanager
    def _transaction(self, mode: Mode) -> Iterator[Connection]:
        joined = self._joined
        if joined.connection is not None:
            if mode is Mode.LASTS and joined.mode is Mode.WRITES:
                raise AssertionError("what must last joined a transaction that a power cut may undo")
            try:
                with self.guarded():
                    yield joined.connection
            except BaseException:
                joined.spoiled = True
                raise
            return
        with self._turns or nullcontext(), self.guarded(), self._begun(mode) as connection:
            joined.connection, joined.mode, joined.spoiled = connection, mode, False
            try:
                yield connection
                if joined.spoiled:
                    raise Broken("a part of a transaction failed and was passed over: nothing of it is kept")
            finally:
                joined.connection = None

    @contextmanager
    def _begun(self, mode: Mode) -> Iterator[Connection]:
        """A connection in a transaction. (An engine of its own for each mode would cost more than what most hold.)"""
        with self.engine.connect() as connection:
            info = connection.info  # to ask for it again would connect anew, where the connection was lost meanwhile
            info[MODE] = mode
            try:
                with connection.begin():
                    yield connection
            finally:
                info.pop(MODE, None)

    def kept(self, name: str, put_together: Callable[[], Statement]) -> Statement:
        """The statement of that name, put together once: that costs more than running it."""
        if name not in self._kept:
            self._kept[name] = put_together()
        statement: Statement = self._kept[name]
        return statement

    # --- what differs between the engines ---

    def insert(self, table: Table) -> Insert:
        """An INSERT that knows ON CONFLICT."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def upsert(self, table: Table, *, unless_newer: Column[Any] | None = None) -> Insert:
        """INSERT, or UPDATE of all the other columns where the primary key is there already.

        With `unless_newer` a row whose stored value of that column is greater stays as it is.
        """
        name = (table.name, None if unless_newer is None else unless_newer.name)
        if name not in self._upserts:
            statement = self.insert(table)
            self._upserts[name] = statement.on_conflict_do_update(
                index_elements=list(table.primary_key.columns),
                set_={c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key},
                where=None if unless_newer is None else statement.excluded[unless_newer.name] >= unless_newer,
            )
        return self._upserts[name]

    def upsert_many(
        self, connection: Connection, table: Table, rows: Sequence[Row], *, unless_newer: Column[Any] | None = None
    ) -> None:
        """`upsert` of many rows of texts, flags and instants: all of the same columns, each row once."""
        self._bulk(table, rows, lambda: self.upsert(table, unless_newer=unless_newer)).execute(connection, rows)

    def insert_many(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """INSERT of many such rows."""
        self._bulk(table, rows, lambda: self.insert(table)).execute(connection, rows)

    def add_many(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """INSERT of those of many such rows that are not there yet."""
        self._bulk(table, rows, lambda: self.insert(table).on_conflict_do_nothing()).execute(connection, rows)

    def _bulk(self, table: Table, rows: Sequence[Row], statement: Callable[[], Insert]) -> _Bulk:
        bulk = self._bulks.get(table.name)  # each table is written in one manner
        if bulk is None:
            bulk = self._bulks[table.name] = _Bulk.of(statement(), table, tuple(rows[0]), self.engine.dialect)
        return bulk

    def among(self, among: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
        """`among IN values` as one parameter: one cached statement for any number of them."""
        return self._among(among, bindparam(None, listed(values), Text))

    def among_listed(self, among: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """As `among`, for a statement that is put together once: the parameter of that name is a `listed` text."""
        return self._among(among, bindparam(name, type_=Text))

    def _among(self, among: ColumnElement[Any], values: BindParameter[str]) -> ColumnElement[bool]:
        if self.is_sqlite:
            return among.in_(select(func.json_each(values).table_valued("value").c.value))
        each = func.json_array_elements_text(cast(values, JSON))
        return among == func.any(func.array(select(each).scalar_subquery()))


def listed(values: Iterable[str]) -> str:
    """Values as the one parameter that `Database.among_listed` reads."""
    given = list(values)
    text = codec.dumps(given)
    if text.isascii() and "\\u" not in text:  # nothing in them had to be escaped: nothing is to be cleaned
        return text
    return codec.dumps([clean(value) for value in given])


def batches(rows: Iterable[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """Lists of at most that many."""
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch
