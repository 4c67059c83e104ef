"""The only SQL: tables, migrations and `SqlStore`, the `Store` of syncd.core.ports on SQLite and PostgreSQL."""

from syncd.store.opening import SqlStore, migrate, open_store

__all__ = ["SqlStore", "migrate", "open_store"]
