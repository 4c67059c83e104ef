"""One linear history that leads from nothing to the tables of this program, on both engines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    URL,
    Boolean,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
)
from support_pg import database, postgresql
from support_store import JIRA, NOW, applied, entry, finding, issue, mapped, override, ref, standing, stored_plan

from syncd.core.bearing import Bears
from syncd.core.commands import Order, Said
from syncd.core.errors import Behind, Broken
from syncd.core.model import Conflict, Link, Mapped, Person
from syncd.core.ports import Census, Hold, Listening, Owed, Progress, RulesVersion
from syncd.core.running import Attempt, Executor
from syncd.store import SqlStore, migrate, open_store, revisions
from syncd.store.columns import Duration, Instant
from syncd.store.tables import metadata


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    with postgresql() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/syncd.db"
        return
    with database(request.getfixturevalue("server")) as url:
        yield url


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    made = create_engine(empty_url)
    if made.dialect.name == "sqlite":  # else the driver commits before each change of a table
        event.listen(made, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    yield made
    made.dispose()


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def drift(connection: Connection) -> object:
    context = MigrationContext.configure(
        connection,
        opts={"version_table": revisions.VERSION_TABLE, "compare_type": True, "compare_server_default": True},
    )
    return compare_metadata(context, metadata)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "syncd.store:migrations")
    return ScriptDirectory.from_config(config)


def test_the_history_is_linear_and_its_head_is_the_one_this_program_wants() -> None:
    assert scripts().get_heads() == [revisions.HEAD]
    assert all(not script.is_branch_point and not script.is_merge_point for script in scripts().walk_revisions())


def test_a_new_store_has_the_tables_of_the_model_and_no_others(empty_url: str, engine: Engine) -> None:
    open_store(empty_url, clock_now=NOW).close()
    with engine.connect() as connection:
        assert drift(connection) == []
        assert tables(connection) == {*metadata.tables, revisions.VERSION_TABLE}


def test_every_step_goes_up_and_down_again(engine: Engine) -> None:
    with engine.begin() as connection:
        assert revisions.upgrade(connection) == [s.revision for s in reversed(list(scripts().walk_revisions()))]
        assert drift(connection) == []
        command.downgrade(revisions.config(connection), "base")
        assert tables(connection) == {revisions.VERSION_TABLE}
        command.upgrade(revisions.config(connection), "head")
        assert drift(connection) == []


def test_an_upgrade_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    def failing() -> None:
        with engine.begin() as connection:
            revisions.upgrade(connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    with engine.connect() as connection:
        assert tables(connection) == set()


def test_what_is_drawn_by_the_model_but_not_by_a_migration_is_noticed(empty_url: str, engine: Engine) -> None:
    open_store(empty_url, clock_now=NOW).close()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE leases DROP COLUMN expires"))
        assert drift(connection) != []


def test_an_empty_database_is_created_by_opening_not_by_migrating(empty_url: str, engine: Engine) -> None:
    with engine.connect():  # SQLite makes the file
        pass
    with pytest.raises(Broken, match="`syncd once` creates it"):
        migrate(empty_url)


def test_migrate_brings_the_oldest_store_up_and_names_the_steps(empty_url: str, engine: Engine) -> None:
    *later, first = [script.revision for script in scripts().walk_revisions()]
    store = open_store(empty_url, clock_now=NOW)
    store.close()
    with engine.begin() as connection:
        command.downgrade(revisions.config(connection), first)
    if later:
        with pytest.raises(Behind, match="run `syncd migrate`"):
            open_store(empty_url, clock_now=NOW)
    assert migrate(empty_url) == later[::-1]
    assert migrate(empty_url) == []
    with engine.connect() as connection:
        assert revisions.current(connection) == revisions.HEAD
        assert drift(connection) == []
    again = open_store(empty_url, clock_now=NOW, create=False)
    again.close()
    assert again.instance == store.instance


def test_what_an_edit_of_rules_looks_up_is_filled_from_what_an_older_store_holds(
    empty_url: str, engine: Engine
) -> None:
    store = open_store(empty_url, clock_now=NOW)
    store.remember(JIRA, [issue("1", labels=("SRE,",), components=("API",)), issue("2")], in_scope=True, now=NOW)
    store.remember(JIRA, [issue("3", labels=())], in_scope=False, now=NOW)
    store.save_plan_state([], [ref("2")], {ref("1"): "closed"})
    store.close()
    with engine.begin() as connection:
        command.downgrade(revisions.config(connection), "0003")
        for held in ("NULL", "'closed'"):  # of an issue out of scope, as older stores have them
            row = f"VALUES ('{JIRA}', '3', {'true' if held == 'NULL' else 'false'}, {held})"
            connection.execute(text("DELETE FROM plan_states WHERE id = '3'"))
            connection.execute(text(f"INSERT INTO plan_states (tracker, id, unsettled, held) {row}"))
    migrate(empty_url)
    again = open_store(empty_url, clock_now=NOW, create=False)
    found = again.bearing(JIRA, [Bears("label", "sre"), Bears("component", "api")], limit=9)
    assert [one.id for one in found or ()] == ["1", "2"]
    assert (again.held(JIRA), [one.id for one in again.unsettled(JIRA)]) == ({"closed": 1}, ["2"])
    again.close()


def test_what_people_settle_is_filled_from_what_a_store_without_it_holds(empty_url: str, engine: Engine) -> None:
    store = open_store(empty_url, clock_now=NOW)
    store.remember(JIRA, [issue("1"), issue("2"), issue("3")], in_scope=True, now=NOW)
    torn, other = standing("1", Conflict(())), standing("2", Mapped("growth"))
    torn = replace(torn, decision=torn.decision._replace(cause="a > b"))
    other = replace(other, decision=other.decision._replace(diverges_from="PAY-9"))
    store.save_standings([torn, other, standing("3", Mapped("growth"))])
    store.save_overrides([override("1")], [], NOW)
    drift = replace(finding("issue 1", "drift"), key="PAY-1", issue="1")
    store.save_findings_on(JIRA, ["1"], ["drift"], [drift], NOW)
    store.hold(Hold(JIRA, None, None, NOW))
    store.close()
    before = scripts().get_revision("0008").down_revision
    assert isinstance(before, str)
    with engine.begin() as connection:
        command.downgrade(revisions.config(connection), before)
        assert "holds" not in tables(connection)
    migrate(empty_url)
    again = open_store(empty_url, clock_now=NOW, create=False)
    assert [(count, decision.cause) for count, decision in again.causes(JIRA)] == [(1, "a > b")]
    assert [(count, decision.diverges_from) for count, decision in again.divergences(JIRA)] == [(1, "PAY-9")]
    assert [o for o, _ in again.words()] == [override("1")]
    assert (again.lapse(JIRA, NOW), again.unheard(JIRA), again.holds()) == (0, {}, [])
    again.save_findings_on(JIRA, ["1"], ["drift"], [], NOW)
    assert again.findings(JIRA) == [], "found by its issue, which the older store did not name"
    again.close()


def test_a_store_from_before_comments_keeps_its_verdicts_and_learns_to_listen(empty_url: str, engine: Engine) -> None:
    store = open_store(empty_url, clock_now=NOW)
    store.remember(JIRA, [issue("1"), issue("2")], in_scope=True, now=NOW)
    store.save_standings([standing("1", Mapped("growth")), standing("2", Conflict(()))])
    store.save_standings([standing("1", Mapped("trust"))])
    kept = (store.history(ref("1")), list(store.causes(JIRA)))
    store.close()
    with engine.begin() as connection:
        command.downgrade(revisions.config(connection), "0008")
        assert {"said", "notices", "tradeoffs"}.isdisjoint(tables(connection))
        assert "origin" not in {column["name"] for column in inspect(connection).get_columns("history")}
        rows = connection.execute(text("SELECT count(*) FROM history")).scalar()
    migrate(empty_url)
    again = open_store(empty_url, clock_now=NOW, create=False)
    assert (again.history(ref("1")), list(again.causes(JIRA))) == kept
    turns = again.turns([ref("1")], NOW - timedelta(days=9999))[ref("1")]
    assert rows == 3
    assert [turn.origin for turn in turns] == [None, None], "whose doing it was is not known of what is older"
    assert (again.listening(JIRA), again.said(JIRA), again.votes(JIRA)) == (Listening(), [], [])
    assert (again.notices(NOW - timedelta(days=9999)), again.tradeoffs(ended=True)) == ([], [])
    again.save_standings([standing("1", Mapped("growth"))])
    assert again.turns([ref("1")], NOW - timedelta(days=9999))[ref("1")][-1].origin is not None
    again.close()


# --- with rows in every table -----------------------------------------------------------------------------

EARLIER = [script.revision for script in reversed(list(scripts().walk_revisions()))][:-1]
"""Oldest first, without this program's own."""


def fill(store: SqlStore) -> None:
    """What months of work leave, by the store's own methods."""
    store.remember(JIRA, [issue("1"), issue("2"), issue("3")], in_scope=True, now=NOW)
    store.remember(JIRA, [issue("9")], in_scope=False, now=NOW)
    store.remember(JIRA, [issue("2", key="OPS-2")], in_scope=True, now=NOW)
    torn = standing("1", Conflict(()))
    store.save_standings([replace(torn, decision=torn.decision._replace(cause="a > b")), mapped("2", "growth")])
    store.save_standings([standing("2", Mapped("reliability"))])
    store.save_overrides([override("1")], [], NOW)
    store.save_findings(JIRA, "drift", [finding("issue 1", "drift")], NOW)
    store.save_applied([applied("1", "outcome/growth", 1)])
    store.save_plan(stored_plan("abcdef1234", NOW, (JIRA,)))
    store.save_plan_state([], [ref("1")], {ref("2"): "closed"})
    store.commit_intent([entry("1"), entry("2")], NOW)
    store.save_progress(JIRA, Progress(watermark=NOW, scope=("PAY",)))
    store.save_census(JIRA, Census(began=NOW, scope=("PAY",)), [Link("1", "PAY-1")])
    store.keep_rulebook(RulesVersion(version="v1", at=NOW, author=None, commit=None), {"rules.yaml": "rules: []"})
    store.mark_missing(JIRA, [Link("8", "PAY-8")], NOW)
    store.enlist(Executor(name="one", token="t", started=NOW, seen=NOW))
    store.save_attempt(Attempt(tracker=JIRA, kind="cycle", id="cycle:7", started=NOW))
    store.save_listening(JIRA, Listening(heard_to=NOW))
    ana = Person(id="ana", name="Ana")
    store.save_said(
        JIRA, [Said(ref=ref("1"), comment="77", author=ana, email=None, at=NOW, orders=(Order("why"),))], []
    )
    assert store.acquire(JIRA, "me", NOW, NOW - NOW) is not None


def fill_the_rest(connection: Connection) -> None:
    """A row in each table that is still empty: of which nobody reads the meaning here, only that it stays."""
    for table in metadata.sorted_tables:
        if connection.execute(select(table).limit(1)).first() is None:
            connection.execute(insert(table).values({c.name: _any(c) for c in table.columns if not _drawn(c)}))
    empty = [t.name for t in metadata.sorted_tables if connection.execute(select(t).limit(1)).first() is None]
    assert empty == []


def _drawn(column: Any) -> bool:
    """The database numbers it."""
    return bool(column.table.autoincrement_column is column)


def _any(column: Any) -> Any:
    kinds = ((Instant, NOW), (Duration, NOW - NOW), (Boolean, True), (Integer, 7))
    return next((value for kind, value in kinds if isinstance(column.type, kind)), "[]")


def rows(connection: Connection) -> dict[str, tuple[list[str], list[str]]]:
    """table → (its columns, its rows as texts), as the database itself describes them."""
    seen = MetaData()
    seen.reflect(connection)
    found = {}
    for name, table in seen.tables.items():
        columns = sorted(c.name for c in table.columns)
        found[name] = (columns, _texts(connection, table, columns))
    return found


def _texts(connection: Connection, table: Table, columns: list[str]) -> list[str]:
    named = ", ".join(f'"{name}"' for name in columns)
    told = connection.exec_driver_sql(f"SELECT {named} FROM {table.name}")  # noqa: S608 - names of our own tables
    return sorted(repr(tuple(map(_plain, row))) for row in told)


def _plain(value: Any) -> Any:
    """A flag is a number to SQLite."""
    return int(value) if isinstance(value, bool) else value


@pytest.mark.parametrize("revision", EARLIER)
def test_every_row_of_an_older_store_is_there_after_the_upgrade_and_is_understood(
    revision: str, empty_url: str, engine: Engine
) -> None:
    store = open_store(empty_url, clock_now=NOW)
    fill(store)
    store.close()
    with engine.begin() as connection:
        fill_the_rest(connection)
        command.downgrade(revisions.config(connection), revision)
    with engine.connect() as connection:
        before = rows(connection)
    assert migrate(empty_url) == [*EARLIER[EARLIER.index(revision) + 1 :], revisions.HEAD]
    with engine.connect() as connection:
        assert drift(connection) == []
        for name, (columns, told) in before.items():
            if name == revisions.VERSION_TABLE:
                continue
            now = MetaData()
            now.reflect(connection, only=[name])
            assert _texts(connection, now.tables[name], columns) == told, name
    understood(open_store(empty_url, clock_now=NOW, create=False))


def understood(store: SqlStore) -> None:
    """All that the oldest store held already."""
    assert store.instance
    assert sorted(known.issue.key for some in store.standings(JIRA) for known in some) == ["OPS-2", "PAY-1", "PAY-3"]
    assert [one.id for one in store.find("PAY-2", JIRA)] == ["2"], "by the key it once bore"
    assert store.known([ref("2")])[ref("2")].standing == standing("2", Mapped("reliability"))
    assert [o for o, _ in store.words()] == [override("1")]
    assert [(f.kind, f.cause) for _, f in store.findings(JIRA)] == [("drift", "issue 1")]
    assert store.plan("abcdef1234") == stored_plan("abcdef1234", NOW, (JIRA,))
    assert store.outbox_counts(JIRA)["todo"] == 2
    assert store.progress(JIRA).watermark == NOW
    assert store.brief(JIRA).owed >= {Owed.TODO, Owed.WAITING, Owed.ABOVE, Owed.UNSETTLED}
    assert store.held(JIRA) == {"closed": 1}
    store.remember(JIRA, [issue("4")], in_scope=True, now=NOW)
    store.save_plan_state([ref("1")], [], {})
    store.commit_intent([entry("4")], NOW)
    store.close()
