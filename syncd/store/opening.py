"""Opening a store: creating it, bringing it up to date, or saying in a sentence why it cannot be used."""

import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event, insert, make_url, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from syncd.core.errors import Broken
from syncd.store import backup, faults, revisions
from syncd.store.backfills import Backfills
from syncd.store.backup import Backup
from syncd.store.briefs import Briefs
from syncd.store.censuses import Censuses
from syncd.store.codec import instant_text
from syncd.store.database import MODE, Database, Mode
from syncd.store.decisions import Decisions
from syncd.store.engine_place import patient
from syncd.store.leases import Leases
from syncd.store.lookups import Lookups
from syncd.store.noise import Noise
from syncd.store.outbox import Outbox
from syncd.store.plans import Plans
from syncd.store.runs import Runs
from syncd.store.snapshots import Snapshots
from syncd.store.tables import meta
from syncd.store.talk import Talk
from syncd.store.twinlinks import TwinLinks

WAIT_SECONDS = 30
"""How long a transaction waits for another's lock before it is `Busy`."""
CONNECTIONS = 16
_MIGRATING = 0x73796E6364
"""PostgreSQL's advisory lock under which a database is created or migrated ("syncd")."""


class SqlStore(
    Leases, Briefs, Censuses, Backfills, Snapshots, Lookups, Decisions, Plans, Outbox, Runs, TwinLinks, Noise, Talk
):
    """The `Store` of syncd.core.ports on SQLite or PostgreSQL. Safe for threads: each is in its own transactions.

    Raises `StoreError` only, but `ValueError` where the caller broke the contract (a naive datetime).
    """

    def __init__(self, db: Database, instance: str) -> None:
        super().__init__(db)
        self._instance = instance

    @property
    def instance(self) -> str:
        """The id drawn when this store was created."""
        return self._instance

    def transaction(self) -> AbstractContextManager[None]:
        """Group this thread's calls into one durable commit; an exception undoes them all. Nested, it joins."""
        return self._grouped()

    @contextmanager
    def _grouped(self) -> Iterator[None]:
        with self._db.writing(durable=True):
            yield

    def together(self) -> AbstractContextManager[object]:
        """Group this thread's calls into one commit, which a power cut may undo: nothing in it may be durable."""
        return self._db.writing()

    def moment(self) -> AbstractContextManager[object]:
        """Group this thread's calls, which only read, into one transaction."""
        return self._db.reading()

    def close(self) -> None:
        """Give connections back."""
        self._db.engine.dispose()


def open_store(url: str, *, password: str | None = None, create: bool = True, clock_now: datetime) -> SqlStore:
    """Open the store at `url` (`sqlite:///path`, `postgresql+psycopg://user@host/db`), creating an empty one.

    `Behind`: it wants `migrate`. `Busy`: try again. `Broken`: it is no store of ours, was made by a newer syncd, or
    cannot be reached or written; the message says what to do.
    """
    db = _database(url, password, create=create)
    try:
        with db.guarded(), _alone(db) as connection:
            revision = revisions.current(connection)
            if revision is None:
                _create(db, connection, create=create, now=clock_now)
            else:
                _require_head(db, revision)
            instance = connection.execute(select(meta.c.value).where(meta.c.name == "instance")).scalar_one()
    except BaseException:
        db.engine.dispose()
        raise
    return SqlStore(db, instance)


def migrate(url: str, password: str | None = None) -> list[str]:
    """Bring an existing store to this program's revision; the revisions applied, oldest first."""
    db = _database(url, password, create=False)
    try:
        with db.guarded(), _alone(db) as connection:
            revision = revisions.current(connection)
            if revision is None:
                raise _not_ours(db, connection)
            if revision == revisions.HEAD:
                return []
            if not revisions.is_older(revision):
                raise _newer(db)
            return revisions.upgrade(connection)
    finally:
        db.engine.dispose()


def take_backup(url: str, file: Path, *, password: str | None = None, now: datetime) -> Backup:
    """Write an existing store of this program's revision to one file, while others use it. Raises as `open_store`."""
    open_store(url, password=password, create=False, clock_now=now).close()
    db = _database(url, password, create=False)
    try:
        return backup.take(db, file, now)
    finally:
        db.engine.dispose()


def bring_back(url: str, file: Path, *, password: str | None = None) -> Backup:
    """Fill an empty store from such a file: all of it, or nothing. `Broken` if the store is not empty."""
    db = _database(url, password, create=True)
    try:
        with db.guarded(), _alone(db) as connection:
            return backup.bring_back(db, connection, file)
    finally:
        db.engine.dispose()


@contextmanager
def _alone(db: Database) -> Iterator[Connection]:
    """A transaction in which nobody else creates or migrates."""
    if db.is_sqlite:
        _write_ahead(db)
    with db.writing(durable=True) as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATING})
        yield connection


def _create(db: Database, connection: Connection, *, create: bool, now: datetime) -> None:
    if not create or not revisions.is_empty(connection):
        raise _not_ours(db, connection)
    revisions.upgrade(connection)
    connection.execute(
        insert(meta),
        [{"name": "instance", "value": str(uuid.uuid4())}, {"name": "created", "value": instant_text(now)}],
    )


def _require_head(db: Database, revision: str) -> None:
    if revision == revisions.HEAD:
        return
    raise faults.is_behind(db.place) if revisions.is_older(revision) else _newer(db)


def _not_ours(db: Database, connection: Connection) -> Broken:
    if revisions.is_empty(connection):
        return Broken(f"the store {db.place} is empty: `syncd once` creates it")
    return Broken(
        f"the store {db.place} holds tables that are not syncd's: give syncd a database of its own under `store:`"
    )


def _newer(db: Database) -> Broken:
    return Broken(f"the store {db.place} was made by a newer syncd: use that version, or another store")


# --- connecting -------------------------------------------------------------------------------------------


def _database(url: str, password: str | None, *, create: bool) -> Database:
    try:
        address = make_url(url)
    except ArgumentError:
        raise Broken("the address under `store:` is not one: write sqlite:///syncd.db, for example") from None
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    if password is not None:
        address = address.set(password=password)
    place = address.render_as_string(hide_password=True)
    try:
        if address.drivername in ("sqlite", "sqlite+pysqlite"):
            return _sqlite(address, place, create=create)
        if address.drivername == "postgresql+psycopg":
            return _postgresql(address, place)
    except ImportError:
        raise Broken("PostgreSQL needs one package more: pip install 'syncd[postgresql]'") from None
    except NoSuchModuleError:
        pass
    raise Broken(
        f"the store {place} is of no kind known here: write sqlite:///path or postgresql+psycopg://user@host/database"
    )


def _sqlite(address: URL, place: str, *, create: bool) -> Database:
    options: dict[str, Any] = {"connect_args": {"timeout": WAIT_SECONDS, "isolation_level": None}}
    in_memory = address.database in (None, "", ":memory:")
    if in_memory:
        options |= {"poolclass": StaticPool}
        options["connect_args"]["check_same_thread"] = False
    else:
        _own_file(Path(str(address.database)), place, create=create)
        options |= {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": WAIT_SECONDS}
    engine = create_engine(address, hide_parameters=True, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return Database(engine, place, shared_connection=in_memory)


def _own_file(path: Path, place: str, *, create: bool) -> None:
    """Make the file readable by its owner alone: it holds titles of restricted issues."""
    if path.exists():
        return
    if not create:
        raise Broken(f"the store {place} does not exist: `syncd once` creates it")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Broken(
            f"the store {place} cannot be created: see that its folder exists and that this user may write there"
            f" ({error.strerror})"
        ) from None


def _prepare_sqlite(connection: Any, record: Any) -> None:
    del record
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    """Begin as a writer where we will write: a reader that becomes one half way cannot wait for its turn.

    Outbox rows are flushed to the disk at commit (FULL). With the write-ahead log a power cut may undo the newest of
    the other commits (NORMAL), whole and in order, and the next cycle observes those again. The driver is asked
    itself: every transaction begins so, and SQLAlchemy's way costs more than what most of them hold.
    """
    info, raw = connection.info, connection.connection.driver_connection
    if raw is None:
        raise AssertionError("a transaction began on a connection that is closed")
    mode = info.get(MODE, Mode.READS)
    if mode is Mode.READS:
        raw.execute("BEGIN")
        return
    level = "FULL" if mode is Mode.LASTS else "NORMAL"
    if info.get("synchronous") != level:
        raw.execute(f"PRAGMA synchronous={level}")
        info["synchronous"] = level
    raw.execute("BEGIN IMMEDIATE")


def _write_ahead(db: Database) -> None:
    """Switch the write-ahead log on; it stays on in the file. (A database in memory has none.)"""
    raw = db.engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.close()
    finally:
        raw.close()


def _postgresql(address: URL, place: str) -> Database:
    engine = create_engine(
        patient(address),
        hide_parameters=True,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        pool_pre_ping=True,  # a server that was restarted is met by a new connection
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return Database(engine, place)


def _prepare_postgresql(connection: Any, record: Any) -> None:
    del record
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
    connection.commit()
