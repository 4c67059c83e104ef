"""Where the exceptions of SQLAlchemy and of the drivers end: each becomes a StoreError that says what to do.

No message holds a password, a statement or its parameters; a driver's own words are quoted only where they cannot.
"""

import sqlite3
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from syncd.core.errors import Behind, Broken, Busy, StoreError

DRIVER_ERRORS = (SQLAlchemyError, sqlite3.Error)
"""What a transaction may raise besides the caller's own (psycopg's arrive wrapped)."""

_SQLITE = {
    "SQLITE_FULL": "the disk is full: make room; `syncd run` goes on by itself then",
    "SQLITE_CORRUPT": "the file is damaged: restore it from a backup (docs/store.md)",
    "SQLITE_NOTADB": "the file is not an SQLite database: name another file under `store:`",
    "SQLITE_READONLY": "it may not be written: give this user the right to write the file and its folder",
    "SQLITE_CANTOPEN": "it cannot be opened: see that its folder exists and that this user may write there",
    "SQLITE_PERM": "it may not be opened: give this user the right to write the file and its folder",
    "SQLITE_IOERR": "the disk failed to read or write: see the system's log",
    "SQLITE_NOMEM": "there is not enough memory",
    "SQLITE_CONSTRAINT": "a row contradicts the tables: please report this",
}
_POSTGRES_BUSY = {
    "55P03": "somebody holds a lock on it",
    "40P01": "two transactions waited for each other",
    "40001": "two transactions changed the same rows",
    "57P03": "the server is starting up or shutting down",
    "57P01": "the server is shutting down",
    "53300": "the server has no connection left",
    "57014": "the server gave a statement up",
}
_POSTGRES = {
    "53100": "the server's disk is full: make room; `syncd run` goes on by itself then",
    "53200": "the server has not enough memory",
    "28P01": "the server refuses the password: see `password` under `store:`",
    "28000": "the server refuses this user: see the user in `store:` and the server's pg_hba.conf",
    "3D000": "there is no such database on the server: create it, or name another under `store:`",
    "42501": "this user lacks a right there: let it own the database",
    "25006": "the server is read-only: name the primary under `store:`",
    "23505": "a row contradicts the tables: please report this",
    "23503": "a row contradicts the tables: please report this",
}
_POSTGRES_NO_SUCH = ("42P01", "42703")  # table, column


def told(error: Exception, place: str, behind: Callable[[], bool]) -> Exception:
    """The error to raise instead. `behind()` tells whether the tables are older than this program.

    A `ValueError` of ours from inside a statement (a naive datetime) is given back as it is: a fault of the caller.
    """
    if isinstance(error, PoolTimeoutError):
        return Busy(f"the store {place} is busy: all connections are in use; try again")
    cause = error.orig if isinstance(error, StatementError) else error
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause, place, behind)
    if isinstance(error, DBAPIError) and cause is not None:
        return _postgres(cause, place, behind)
    if isinstance(cause, ValueError):
        return cause
    return Broken(f"the store {place} cannot be used ({type(error).__name__})")


def _sqlite(cause: sqlite3.Error, place: str, behind: Callable[[], bool]) -> StoreError:
    name = getattr(cause, "sqlite_errorname", "")  # absent where Python itself complains
    primary = "_".join(name.split("_")[:2])
    if primary in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return Busy(f"the store {place} is locked by another process; try again")
    if primary == "SQLITE_ERROR" and behind():
        return is_behind(place)
    remedy = _SQLITE.get(primary, "this is not foreseen: please report this")
    return Broken(f"the store {place} cannot be used: {remedy} ({name or type(cause).__name__})")


def _postgres(cause: BaseException, place: str, behind: Callable[[], bool]) -> StoreError:
    state: str | None = getattr(cause, "sqlstate", None)
    if state in _POSTGRES_BUSY:
        return Busy(f"the store {place} is busy: {_POSTGRES_BUSY[state]}; try again")
    if state in _POSTGRES_NO_SUCH and behind():
        return is_behind(place)
    if state in _POSTGRES:
        return Broken(f"the store {place} cannot be used: {_POSTGRES[state]}")
    if state is None:
        # No answer from the server: libpq's words name host, port and user, never the password.
        words = " ".join(str(cause).split())
        return Broken(
            f"the store {place} cannot be reached; see that the server runs and the address is right: {words}"
        )
    return Broken(f"the store {place} cannot be used ({type(cause).__name__}, SQLSTATE {state})")


def is_behind(place: str) -> Behind:
    """The one wording of it."""
    return Behind(f"the store {place} was made by an older syncd: run `syncd migrate`")
