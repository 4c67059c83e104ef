"""A store as one file, and back: online, whole or not at all, from either database into either."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest
from alembic import command
from sqlalchemy import URL, create_engine, event, select
from support_pg import database, postgresql
from support_store import JIRA, NOW, issue, ref
from support_values import override

from syncd.core.errors import Broken
from syncd.core.model import Override, ToOutcome
from syncd.core.ports import Progress
from syncd.store import bring_back, open_store, revisions, take_backup
from syncd.store.backup import BackupError
from syncd.store.tables import metadata


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    with postgresql() as running:
        yield running


@pytest.fixture(params=["sqlite → sqlite", "sqlite → postgresql", "postgresql → sqlite", "postgresql → postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of a store to take a backup of, and of an empty one to bring it back into."""
    with ExitStack() as stack:
        urls: list[str] = []
        for place in request.param.split(" → "):
            if place == "sqlite":
                urls.append(f"sqlite:///{tmp_path}/{len(urls)}.db")
            else:
                urls.append(str(stack.enter_context(database(request.getfixturevalue("server")))))
        yield urls[0], urls[1]


def fill(url: str) -> None:
    store = open_store(url, clock_now=NOW)
    store.remember(JIRA, [issue(str(n), labels=("SRE", "a\0b")) for n in range(1100)], in_scope=True, now=NOW)
    store.save_progress(JIRA, Progress(watermark=NOW, last_success=NOW, scope=("PAY",)))
    store.mark_missing(JIRA, [], NOW)
    store.close()


def content(url: str) -> dict[str, list[tuple[object, ...]]]:
    store = open_store(url, create=False, clock_now=NOW)
    with store._db.reading() as connection:
        found = {t.name: sorted(map(tuple, connection.execute(select(t))), key=repr) for t in metadata.sorted_tables}
    store.close()
    return found


def test_what_comes_back_is_what_was_there(both: tuple[str, str], tmp_path: Path) -> None:
    old, new = both
    fill(old)
    file = tmp_path / "store.jsonl.gz"
    taken = take_backup(old, file, now=NOW)
    back = bring_back(new, file)
    assert content(new) == content(old)
    assert (taken.rows, back.rows) == (sum(map(len, content(old).values())),) * 2
    assert back.taken == NOW
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_store_brought_back_goes_on_from_there(both: tuple[str, str], tmp_path: Path) -> None:
    old, new = both
    fill(old)
    store = open_store(old, clock_now=NOW)
    started = [_override(str(n)) for n in range(3)]
    store.save_overrides(started, [], NOW)
    instance = store.instance
    store.close()
    take_backup(old, tmp_path / "b.gz", now=NOW)
    bring_back(new, tmp_path / "b.gz")
    again = open_store(new, create=False, clock_now=NOW)
    again.save_overrides([_override("7")], [started[0]], NOW)  # draws a row number after those brought back
    assert sorted(again.overrides([ref(str(n)) for n in range(9)])) == [ref("1"), ref("2"), ref("7")]
    assert again.instance == instance
    again.close()


def _override(issue_id: str) -> Override:
    return override(issue_id, "reliability", ref=ref(issue_id), target=ToOutcome("reliability"))


def test_a_backup_is_one_moment_though_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/syncd.db"
    fill(url)
    before = sum(map(len, content(url).values()))
    others = open_store(url, clock_now=NOW)
    told = iter(range(10_000))

    def written_beside(out: IO[bytes], value: object) -> None:
        others.remember(JIRA, [issue(f"late-{next(told)}")], in_scope=True, now=NOW)
        out.write(json.dumps(value).encode() + b"\n")

    monkeypatch.setattr("syncd.store.backup._line", written_beside)
    taken = take_backup(url, tmp_path / "b.gz", now=NOW)
    others.close()
    assert next(told) > 1
    assert taken.rows == before
    assert b"late-" not in gzip.decompress((tmp_path / "b.gz").read_bytes())


def test_a_store_that_holds_something_is_never_overwritten(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/syncd.db"
    fill(url)
    take_backup(url, tmp_path / "b.gz", now=NOW)
    before = content(url)
    with pytest.raises(Broken, match="is not empty"):
        bring_back(url, tmp_path / "b.gz")
    assert content(url) == before


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda raw: raw[: len(raw) // 2], "cannot be read as a backup"),
        (lambda raw: gzip.compress(b"\n".join(gzip.decompress(raw).splitlines()[:-1]) + b"\n"), "was cut off"),
        (lambda raw: gzip.compress(b"".join(_without_a_row(raw))), "should hold"),
        (lambda raw: b"PK\x03\x04 something else", "cannot be read as a backup"),
        (lambda raw: gzip.compress(b'{"other": 1}\n'), "is no backup of syncd's"),
        (lambda raw: gzip.compress(b'{"syncd_backup": 1, "revision": "9999", "tables": {}}\n'), "by a newer syncd"),
    ],
)
def test_a_file_that_is_not_a_whole_backup_changes_nothing(
    spoil: Callable[[bytes], bytes], words: str, tmp_path: Path
) -> None:
    url, new = f"sqlite:///{tmp_path}/syncd.db", f"sqlite:///{tmp_path}/new.db"
    fill(url)
    file = tmp_path / "b.gz"
    take_backup(url, file, now=NOW)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(BackupError, match=words):
        bring_back(new, file)
    take_backup(url, file, now=NOW)
    bring_back(new, file)  # what failed left an empty store behind
    assert content(new) == content(url)


def _without_a_row(raw: bytes) -> Iterator[bytes]:
    for line in gzip.decompress(raw).splitlines(keepends=True):
        value = json.loads(line)
        if value.get("table") == "meta":
            value["rows"].pop()
        yield json.dumps(value).encode() + b"\n"


def test_a_backup_of_an_older_store_is_brought_up_to_this_programs_tables(tmp_path: Path) -> None:
    url, new = f"sqlite:///{tmp_path}/syncd.db", f"sqlite:///{tmp_path}/new.db"
    fill(url)
    file = tmp_path / "b.gz"
    take_backup(url, file, now=NOW)
    _as_taken_at(file, "0004", tmp_path)
    bring_back(new, file)
    kept = content(url)
    assert content(new)["issues"] == kept["issues"]
    assert content(new)["issue_values"] == kept["issue_values"]


def _as_taken_at(file: Path, revision: str, tmp_path: Path) -> None:
    """The same backup as a program of that revision would have written it: its tables, its columns."""
    engine = create_engine(f"sqlite:///{tmp_path}/older.db")
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with engine.begin() as connection:
        command.upgrade(revisions.config(connection), revision)
        columns = {
            table: [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
            for (table,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").all()
        }
    engine.dispose()
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    header = lines[0]
    places: dict[str, list[int]] = {}
    for table, told in list(header["tables"].items()):
        places[table] = [at for at, (name, _) in enumerate(told) if name in columns.get(table, ())]
        header["tables"][table] = [told[at] for at in places[table]]
    header["tables"] = {table: told for table, told in header["tables"].items() if told}
    header["revision"] = revision
    kept = [line for line in lines[1:-1] if line["table"] in header["tables"]]
    for line in kept:
        line["rows"] = [[row[at] for at in places[line["table"]]] for row in line["rows"]]
    end = {"end": True, "rows": sum(len(line["rows"]) for line in kept)}
    file.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in [header, *kept, end]).encode() + b"\n"))
