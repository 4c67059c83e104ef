"""Which revision a database is at, and how it is brought to the newest one. alembic is loaded only where it works."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

VERSION_TABLE = "syncd_revision"
HEAD = "0013"
"""The newest revision in migrations/versions; a test compares."""


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None: it holds none of our tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    # The table is alembic's, so it stands in no MetaData of ours; the name is a constant.
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608


def is_empty(connection: Connection) -> bool:
    """Whether there is no table at all."""
    return not inspect(connection).get_table_names()


def is_older(revision: str | None) -> bool:
    """Whether that is a revision this program knows and has left behind."""
    if revision in (None, HEAD):
        return False
    return any(script.revision == revision for script in _scripts().walk_revisions())


def upgrade(connection: Connection, to: str = HEAD) -> list[str]:
    """Bring it up to that revision within the transaction that the connection is in; the revisions applied."""
    from alembic import command  # noqa: PLC0415 - takes a tenth of a second, and most openings need none of it

    before = current(connection)
    command.upgrade(config(connection), to)
    return [s.revision for s in reversed(list(_scripts().iterate_revisions(to, before or "base")))]


def config(connection: Connection) -> "Config":
    """Alembic's configuration, without a file."""
    made = _config()
    made.attributes["connection"] = connection
    return made


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - as above

    made = Config()
    made.set_main_option("script_location", "syncd.store:migrations")
    return made


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    return ScriptDirectory.from_config(_config())
