"""Opening a store: it is created once, and where it cannot be used a sentence says what to do."""

import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text
from support_pg import database
from support_store import JIRA, NOW, issue, ref

from syncd.core.errors import Behind, Broken, Busy, StoreError
from syncd.core.ports import Progress
from syncd.store import engine_place, migrate, open_store, opening, revisions

ROOT = Path(__file__).parents[2]


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def refusal(url: str, **options: Any) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_store(url, clock_now=NOW, **options)
    told = caught.value  # nobody is shown the driver's traceback, which may quote what it was given
    assert told.__suppress_context__ or told.__context__ is None
    return told


def test_the_instance_is_drawn_once_and_differs_between_stores(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in "ab"]
    instances = []
    for url in (*urls, *urls):
        store = open_store(url, clock_now=NOW)
        instances.append(store.instance)
        store.close()
    assert instances[:2] == instances[2:]
    assert instances[0] != instances[1]


def test_a_store_in_memory_works_and_is_shared_by_threads() -> None:
    store = open_store("sqlite://", clock_now=NOW)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.remember(JIRA, [issue(str(n))], in_scope=True, now=NOW), range(40)))
    assert store.count_in_scope(JIRA) == 40
    store.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/syncd.db", clock_now=NOW).close()
    assert stat.S_IMODE((tmp_path / "syncd.db").stat().st_mode) == 0o600


def test_the_write_ahead_log_is_on_and_outbox_rows_are_flushed(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/syncd.db", clock_now=NOW)
    levels = []
    for durable in (False, True, False):
        with store._db.writing(durable=durable) as connection:
            levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert levels == [1, 2, 1]  # NORMAL, FULL, NORMAL
    store.close()


def test_many_that_create_one_store_at_once_agree_on_it(tmp_path: Path) -> None:
    def opened(_: int) -> str:
        store = open_store(f"sqlite:///{tmp_path}/syncd.db", clock_now=NOW)
        store.close()
        return store.instance

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(opened, range(4)))) == 1


def test_a_store_at_another_revision_is_not_touched(store_url: str) -> None:
    execute(store_url, "UPDATE syncd_revision SET version_num = '9999'")
    try:
        error = refusal(store_url)
        assert isinstance(error, Broken)
        assert "made by a newer syncd" in str(error)
        with pytest.raises(Broken, match="made by a newer syncd"):
            migrate(store_url)
    finally:
        execute(store_url, f"UPDATE syncd_revision SET version_num = '{revisions.HEAD}'")  # noqa: S608 - our own


def test_an_older_store_says_which_command_to_run(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "HEAD", "a later one")  # this program has moved on
    error = refusal(store_url)
    assert isinstance(error, Behind)
    assert "run `syncd migrate`" in str(error)


def test_a_store_that_falls_behind_while_open_says_so_too(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(store_url, clock_now=NOW)
    monkeypatch.setattr(revisions, "HEAD", "a later one")
    execute(store_url, "ALTER TABLE leases RENAME TO gone")
    try:
        with pytest.raises(Behind, match="run `syncd migrate`"):
            store.lease_holder(JIRA, NOW)
        monkeypatch.undo()  # at this program's revision a missing table is damage
        with pytest.raises(Broken):
            store.lease_holder(JIRA, NOW)
    finally:
        execute(store_url, "ALTER TABLE gone RENAME TO leases")
        store.close()


def test_migrating_a_store_that_is_up_to_date_does_nothing(store_url: str) -> None:
    assert migrate(store_url) == []


# --- what is no store -------------------------------------------------------------------------------------


def test_a_missing_file_is_created_only_when_that_is_wanted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/syncd.db"
    error = refusal(url, create=False)
    assert isinstance(error, Broken)
    assert "does not exist: `syncd once` creates it" in str(error)
    with pytest.raises(Broken, match="does not exist"):
        migrate(url)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_an_empty_store(tmp_path: Path) -> None:
    (tmp_path / "syncd.db").touch()
    url = f"sqlite:///{tmp_path}/syncd.db"
    assert "is empty" in str(refusal(url, create=False))
    open_store(url, clock_now=NOW).close()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda path: path.write_text("strategy: x\n" * 200), "not an SQLite database"),
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: closing(sqlite3.connect(path)).__enter__().execute("CREATE TABLE a (b)"), "not syncd's"),
    ],
)
def test_what_is_not_a_store_is_named_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    path = tmp_path / "some.db"
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    error = refusal(f"sqlite:///{path}")
    assert isinstance(error, Broken)
    assert sentence in str(error)
    assert (path.read_bytes() if path.is_file() else b"")[100:] == before[100:]  # WAL is noted in the header


def test_a_damaged_file_asks_for_its_backup(tmp_path: Path) -> None:
    path = tmp_path / "syncd.db"
    open_store(f"sqlite:///{path}", clock_now=NOW).close()
    content = bytearray(path.read_bytes())
    content[200:] = b"\xff" * (len(content) - 200)
    path.write_bytes(content)
    error = refusal(f"sqlite:///{path}")
    assert isinstance(error, Broken)
    assert "damaged" in str(error)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = refusal(f"sqlite:///{tmp_path}/none/syncd.db")
    assert isinstance(error, Broken)
    assert "see that its folder exists" in str(error)
    assert str(tmp_path) in str(error)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "this user may write there" in str(refusal(f"sqlite:///{tmp_path}/syncd.db"))


def test_a_locked_store_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/syncd.db"
    open_store(url, clock_now=NOW).close()
    monkeypatch.setattr(opening, "WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / "syncd.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = refusal(url)
    assert isinstance(error, Busy)
    assert "locked by another process; try again" in str(error)


@pytest.mark.parametrize("url", ["mysql://root:hunter2@host/db", "nonsense", "", "sqlite+aiosqlite:///x", "nosuch://x"])
def test_an_address_of_another_kind_says_what_to_write(url: str) -> None:
    error = refusal(url)
    assert isinstance(error, Broken)
    assert "sqlite:///" in str(error)
    assert "hunter2" not in str(error)


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    error = refusal(f"postgresql://syncd@127.0.0.1:{port}/syncd", password="hunter2")
    assert isinstance(error, Broken)
    assert "cannot be reached" in str(error)
    assert str(port) in str(error)
    assert "hunter2" not in str(error)


def test_a_database_that_is_not_there_is_named(pg_server: URL) -> None:
    error = refusal(pg_server.set(database="nowhere").render_as_string(hide_password=False))
    assert isinstance(error, Broken)
    assert "nowhere" in str(error)


def test_a_server_that_falls_silent_is_given_up_after_half_a_minute_unless_the_address_says_otherwise(
    pg_server: URL,
) -> None:
    with database(pg_server) as url:
        for address, wanted in ((url, "25000"), (f"{url}&tcp_user_timeout=9000", "9000")):
            store = open_store(address, clock_now=NOW)
            raw = store._db.engine.raw_connection()
            told: Any = raw.driver_connection
            assert told.info.get_parameters()["tcp_user_timeout"] == wanted
            raw.close()
            store.close()
            assert f"tcp_user_timeout={wanted}" in engine_place(address)[0], "the engine's connections, too"


def test_a_database_of_others_is_left_alone(pg_server: URL) -> None:
    with database(pg_server) as url:
        execute(url, "CREATE TABLE invoices (id int)")
        assert "not syncd's" in str(refusal(url))
        assert "is empty" not in str(refusal(url, create=False))


# --- crashes ----------------------------------------------------------------------------------------------

WRITER = """
import sys
from support_store import JIRA, NOW, entry, issue, mapped
from syncd.core.ports import Progress
from syncd.store import open_store
store = open_store(sys.argv[1], clock_now=NOW)
def work():
    store.remember(JIRA, [issue(str(n)) for n in range(300)], in_scope=True, now=NOW, progress=Progress(watermark=NOW))
    store.save_standings([mapped(str(n), "growth") for n in range(300)])
    store.commit_intent([entry("1")], NOW)
if sys.argv[2] == "inside":
    with store.transaction():
        work()
        print("ready", flush=True)
        sys.stdin.read()
else:
    work()
    print("ready", flush=True)
    sys.stdin.read()
"""


def killed(url: str, where: str) -> None:
    """Run the writer up to that point, and end it as a power switch would."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}"}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()


def test_of_a_transaction_that_was_killed_nothing_is_left(store_url: str) -> None:
    killed(store_url, "inside")
    store = open_store(store_url, clock_now=NOW)
    assert store.progress(JIRA) == Progress()
    assert store.count_in_scope(JIRA) == 0
    assert store.outbox_counts()["todo"] == 0
    store.close()


def test_what_was_committed_before_a_kill_is_there_whole(store_url: str) -> None:
    killed(store_url, "after")
    store = open_store(store_url, clock_now=NOW)
    assert store.progress(JIRA) == Progress(watermark=NOW)
    assert store.count_in_scope(JIRA) == 300
    assert all(known.standing for known in store.known([ref(str(n)) for n in range(300)]).values())
    assert store.outbox_counts()["todo"] == 1
    store.close()


def test_a_copy_made_by_sqlites_backup_while_writing_opens(tmp_path: Path) -> None:
    """What docs/store.md tells operators to do."""
    store = open_store(f"sqlite:///{tmp_path}/syncd.db", clock_now=NOW)
    store.remember(JIRA, [issue("1")], in_scope=True, now=NOW)
    with closing(sqlite3.connect(tmp_path / "syncd.db")) as source, closing(sqlite3.connect(tmp_path / "copy")) as copy:
        source.backup(copy)
    store.close()
    shutil.move(tmp_path / "copy", tmp_path / "restored.db")
    restored = open_store(f"sqlite:///{tmp_path}/restored.db", clock_now=NOW, create=False)
    assert restored.instance == store.instance
    assert restored.count_in_scope(JIRA) == 1
    restored.close()
