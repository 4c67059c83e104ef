"""The only SQL: tables, migrations and `SqlStore`, the `Store` of syncd.core.ports on SQLite and PostgreSQL."""

from syncd.store.backup import Backup
from syncd.store.engine_place import engine_place, file_of
from syncd.store.opening import SqlStore, bring_back, migrate, open_store, take_backup

__all__ = ["Backup", "SqlStore", "bring_back", "engine_place", "file_of", "migrate", "open_store", "take_backup"]
