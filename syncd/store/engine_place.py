"""Where the engine keeps its own tables: beside the store, never among ours (facts/stack.md §1c)."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url

from syncd.core.errors import Broken

_PATIENCE: Final[Mapping[str, str]] = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}


def patient(address: URL) -> URL:
    """A PostgreSQL server's address with how long it may be silent, where the address itself does not say so.

    A host that vanished without a word would else be waited for as long as the system repeats what it sent: a quarter
    of an hour.
    """
    return address.update_query_dict({**_PATIENCE, **address.query})


def file_of(url: str) -> Path | None:
    """The file that an SQLite store is; None for the others, and for one in memory."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        return None
    return Path(str(address.database))


def engine_place(url: str, password: str | None = None) -> tuple[str, Path | None]:
    """The address for the engine, and the file that keeps a second process away (SQLite; else None).

    On PostgreSQL it is the store's own database, where the engine has a schema of its own. With SQLite it is a file
    beside the store's, made here: readable by its owner alone, with a write-ahead log.
    """
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        if password is not None:
            address = address.set(password=password)
        address = patient(address.set(drivername="postgresql+psycopg"))
        return address.render_as_string(hide_password=False), None
    store = file_of(url)
    if store is None:
        raise Broken("`syncd run` needs a store that outlives it: write sqlite:///syncd.db under `store:`")
    place = store.with_name(f"{store.name}.engine")
    try:
        if not place.exists():
            os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(place)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except (OSError, sqlite3.Error) as failed:
        why = f"the engine's file {place} cannot be used ({failed}): see that this user may write there"
        raise Broken(why) from None
    return f"sqlite:///{place}", store.with_name(f"{store.name}.lock")
