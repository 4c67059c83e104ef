"""A store as one file, and back: the same on SQLite and PostgreSQL, so that it also moves a store between them.

The file is gzipped JSON Lines: a header with the revision and the columns of every table, then rows by table, then the
number of rows, without which the file was cut off. It is taken in one snapshot while others write, and goes into an
empty database only: at the revision it was taken at, and from there up to this program's.
"""

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import Boolean, Connection, Integer, MetaData, Table, Text, func, insert, literal, select, text
from sqlalchemy import Column as SqlColumn
from sqlalchemy.types import TypeEngine

from syncd.core.errors import Broken, SyncdError
from syncd.store import revisions
from syncd.store.codec import instant_text
from syncd.store.columns import Duration, Instant
from syncd.store.database import BATCH, Database, batches
from syncd.store.tables import metadata

FORMAT: Final = 1
_KINDS: Final[dict[str, type[TypeEngine[Any]]]] = {
    "instant": Instant, "duration": Duration, "flag": Boolean, "integer": Integer, "text": Text,
}  # fmt: skip


class BackupError(SyncdError):
    """The file cannot be written, or is no whole backup: take another one."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written or read back."""

    revision: str
    taken: datetime
    tables: int
    rows: int


# --- taking -----------------------------------------------------------------------------------------------


def take(db: Database, file: Path, now: datetime) -> Backup:
    """Write the whole store to `file`, which appears only when it is complete, readable by its owner alone."""
    tables = metadata.sorted_tables
    beside = file.with_name(f".{file.name}.part")
    rows = 0
    try:
        with _written(beside) as out, db.guarded(), _snapshot(db) as connection:
            _line(out, _header(revisions.current(connection), now, tables))
            for table in tables:
                for batch in batches(connection.execute(select(table), execution_options={"yield_per": BATCH})):
                    _line(out, {"table": table.name, "rows": [[_plain(value) for value in row] for row in batch]})
                    rows += len(batch)
            _line(out, {"end": True, "rows": rows})
        beside.replace(file)
    except OSError as failed:
        raise BackupError(f"{file} cannot be written: {failed.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)
    return Backup(revisions.HEAD, now, len(tables), rows)


@contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)  # it holds titles of restricted issues
    with os.fdopen(descriptor, "wb") as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
            yield out  # type: ignore[misc]  # a GzipFile is an IO[bytes] in all but name
        raw.flush()
        os.fsync(raw.fileno())


@contextmanager
def _snapshot(db: Database) -> Iterator[Connection]:
    """One moment of the whole database, whoever writes meanwhile."""
    engine = db.engine if db.is_sqlite else db.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        yield connection


def _header(revision: str | None, now: datetime, tables: list[Table]) -> dict[str, Any]:
    return {
        "syncd_backup": FORMAT,
        "revision": revision,
        "taken": instant_text(now),
        "tables": {table.name: [[c.name, _kind(c.type)] for c in table.columns] for table in tables},
    }


def _kind(kept: TypeEngine[Any]) -> str:
    return next((name for name, kind in _KINDS.items() if name != "text" and isinstance(kept, kind)), "text")


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return instant_text(value)
        case timedelta():
            return value // timedelta(microseconds=1)
        case _:
            return value


def _line(out: IO[bytes], value: Any) -> None:
    out.write(json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")


# --- bringing back ----------------------------------------------------------------------------------------


def bring_back(db: Database, connection: Connection, file: Path) -> Backup:
    """Fill an empty database from `file`, within the transaction that the connection is in: all of it, or nothing."""
    if not revisions.is_empty(connection):
        raise Broken(
            f"the store {db.place} is not empty: a backup goes into an empty one. Move the old one away first, "
            "or name another database under `store:`"
        )
    lines = _lines(file)
    header = next(lines)
    if not isinstance(header, dict) or header.get("syncd_backup") != FORMAT:
        raise BackupError(f"{file} is no backup of syncd's")
    revision = str(header["revision"])
    if revision != revisions.HEAD and not revisions.is_older(revision):
        raise BackupError(f"{file} was taken by a newer syncd (revision {revision}): use that version")
    revisions.upgrade(connection, revision)
    tables = {name: _table(name, columns) for name, columns in header["tables"].items()}
    rows = _fill(connection, tables, lines, file)
    if not db.is_sqlite:
        _advance_serials(connection, tables)
    revisions.upgrade(connection)
    return Backup(revision, datetime.fromisoformat(header["taken"]).astimezone(UTC), len(tables), rows)


def _lines(file: Path) -> Iterator[Any]:
    try:
        with gzip.open(file, "rt", encoding="ascii") as text_lines:
            for line in text_lines:
                yield json.loads(line)
    except FileNotFoundError:
        raise BackupError(f"there is no file {file}") from None
    except (OSError, EOFError, ValueError) as failed:
        raise BackupError(f"{file} cannot be read as a backup ({type(failed).__name__}): take another one") from None
    raise BackupError(f"{file} was cut off: take another one")


def _table(name: str, columns: list[list[str]]) -> Table:
    """A table as the header tells it, whatever this program's own has become since."""
    return Table(name, MetaData(), *(SqlColumn(column, _KINDS[kind]()) for column, kind in columns))


def _fill(connection: Connection, tables: dict[str, Table], lines: Iterator[Any], file: Path) -> int:
    count = 0
    for line in lines:
        if line.get("end"):
            if line["rows"] != count:
                raise BackupError(f"{file} should hold {line['rows']} rows and holds {count}: take another one")
            return count
        table = tables[line["table"]]
        rows = [_row(table, values) for values in line["rows"]]
        connection.execute(insert(table), rows)
        count += len(rows)
    return count


def _row(table: Table, values: list[Any]) -> dict[str, Any]:
    return {column.name: _typed(column.type, value) for column, value in zip(table.columns, values, strict=True)}


def _typed(kind: TypeEngine[Any], value: Any) -> Any:
    match kind:
        case Instant() if value is not None:
            return datetime.fromisoformat(value)
        case Duration() if value is not None:
            return timedelta(microseconds=value)
        case _:
            return value


def _advance_serials(connection: Connection, tables: dict[str, Table]) -> None:
    """PostgreSQL draws the next row number from a sequence, which rows that bring their own do not move."""
    for table in tables.values():
        for column in table.columns:
            if not isinstance(column.type, Integer):
                continue
            asked = func.pg_get_serial_sequence(literal(table.name), literal(column.name))
            sequence = connection.execute(select(asked)).scalar()
            if sequence is not None:
                top = connection.execute(select(func.max(column))).scalar()
                connection.execute(
                    text("SELECT setval(CAST(:sequence AS regclass), :top, :used)"),
                    {"sequence": sequence, "top": top or 1, "used": top is not None},
                )
