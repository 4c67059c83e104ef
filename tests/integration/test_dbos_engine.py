"""The real engine, on SQLite and in this process: what it forgets and what it sets going again."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support_daemon import WallClock, until

from syncd.engine import dbos_engine
from syncd.engine.dbos_engine import DbosEngine, Place
from syncd.engine.ports import Task


class Ahead(WallClock):
    """The machine's time, and as much more as a test says."""

    by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.by


class Runs:
    """What was run, and whether it may end."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self, task: Task) -> Mapping[str, Any]:
        self.ids.append(task.id)
        self.may_end.wait(60)
        return {"done": task.id}


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
def engine(tmp_path: Path, runs: Runs, clock: Ahead) -> Iterator[DbosEngine]:
    made = DbosEngine(Place(f"sqlite:///{tmp_path}/engine.db"), "one", clock, poll=0.05)
    made.start(runs)
    yield made
    runs.may_end.set()
    made.stop(timedelta(seconds=20))


def rows(tmp_path: Path) -> dict[str, str]:
    with sqlite3.connect(tmp_path / "engine.db") as connection:
        found = dict(connection.execute("SELECT workflow_uuid, status FROM workflow_status").fetchall())
    connection.close()
    return {id_: status for id_, status in found.items() if id_.startswith(("cycle:", "webhook_batch:"))}


def test_of_what_is_over_the_newest_of_each_kind_and_tracker_stay_and_what_is_not_over_always(
    tmp_path: Path, engine: DbosEngine, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbos_engine, "KEPT", 2)
    for number in range(1, 6):
        assert engine.take("jira", "cycle", number)
    engine.enqueue("jira", "webhook_batch", ["1"])
    engine.take("linear", "cycle", 1)
    until(lambda: list(rows(tmp_path).values()).count("SUCCESS") == 7, "all are over")
    runs.may_end.clear()
    engine.take("jira", "cycle", 6)
    until(lambda: len(runs.ids) == 8, "the last one is begun")

    assert engine.prune() == 3
    left = sorted(rows(tmp_path))
    assert [one.rpartition(":")[2].lstrip("0") for one in left if one.startswith("cycle:jira")] == ["4", "5", "6"]
    assert len(left) == 5, "the others' are few and stay"
    assert engine.prune() == 0
    assert engine.latest("jira", "cycle")[0] == 6, "numbers go on from what is kept"
    assert not engine.take("jira", "cycle", 5), "and no number is given twice"


def test_what_stands_as_begun_here_and_nobody_is_at_is_done_again_and_what_is_being_done_is_left(
    tmp_path: Path, engine: DbosEngine, runs: Runs, clock: Ahead
) -> None:
    engine.take("lost", "cycle", 1)
    until(lambda: list(rows(tmp_path).values()) == ["SUCCESS"], "it is over")
    with sqlite3.connect(tmp_path / "engine.db") as connection:  # a thread that vanished left it so
        connection.execute("UPDATE workflow_status SET status = 'PENDING', completed_at = NULL, output = NULL")
    connection.close()
    runs.may_end.clear()
    engine.take("slow", "cycle", 1)
    until(lambda: len(runs.ids) == 2, "another one is being done")
    assert engine.unstick() == 0, "neither is old enough to be taken for lost"

    clock.by = dbos_engine.SUSPECT + timedelta(seconds=5)
    assert engine.unstick() == 1, "one is lost, and one only slow"
    runs.may_end.set()
    until(lambda: list(rows(tmp_path).values()) == ["SUCCESS", "SUCCESS"], "both are over")
    assert [one.split(":")[1] for one in runs.ids] == ["lost", "slow", "lost"]
    assert engine.stats().recovered == 1


def test_what_ended_here_while_its_end_could_not_be_recorded_is_done_again_at_once(
    tmp_path: Path, engine: DbosEngine, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.take("jira", "cycle", 1)
    until(lambda: list(rows(tmp_path).values()) == ["SUCCESS"], "it is over")
    with sqlite3.connect(tmp_path / "engine.db") as connection:  # as a database leaves it that was away at its end
        connection.execute("UPDATE workflow_status SET status = 'PENDING', completed_at = NULL, output = NULL")
    connection.close()
    assert engine.unstick() == 0, "it may be about to be recorded"
    monkeypatch.setattr(dbos_engine, "UNRECORDED", 0.0)
    assert engine.unstick() == 1, "long before it is old enough to be taken for lost"
    until(lambda: list(rows(tmp_path).values()) == ["SUCCESS"], "it is over")
    assert len(runs.ids) == 2
