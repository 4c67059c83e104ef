"""The parts of the daemon, each on its own: when work comes up, who is dead, what an edit changes, who may not wait."""

import io
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from fastapi import FastAPI
from support_stage import RULES, TRACKER, Stage, staged
from support_store import NOW

from syncd.app import App, correlated
from syncd.config.living import Living, Standing
from syncd.core.errors import Broken, Unavailable
from syncd.core.match import Matcher
from syncd.core.ports import Found, Lease, Sight
from syncd.core.running import Executor
from syncd.daemon import STILL, Daemon
from syncd.engine.cycle import run_cycle
from syncd.engine.keeper import DisplacedError, Keeper
from syncd.engine.kept import KeptReader
from syncd.engine.passes import Passes, Tools
from syncd.engine.ports import Duty, Figures, Task
from syncd.engine.ticking import Ticker
from syncd.engine.work import CycleResult
from syncd.gauges import Gauges
from syncd.service import server
from syncd.service.notify import Notifier
from syncd.service.server import Listener
from syncd.store import open_store
from syncd.telemetry import LibraryLog, configure, hide

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def own_log() -> None:
    """Earlier tests may have pointed the log at a stream that is closed by now."""
    configure(io.StringIO())


class Time:
    """A clock that never jumps, moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


# --- when work comes up


class Queue:
    """What an engine knows of numbered work."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.going = False
        self.hidden: set[int] = set()

    def latest(self, tracker: str, kind: str) -> tuple[int, bool, float]:
        return max([n for n in self.taken if n not in self.hidden], default=0), self.going, 0.0

    def take(self, tracker: str, kind: str, number: int) -> bool:
        if number in self.taken:
            return False
        self.taken.append(number)
        return True


def ticker(queue: Queue, time: Time) -> Ticker:
    made = Ticker(queue, time)
    made.set([Duty("jira", "cycle", MINUTE)])
    return made


def run_for(time: Time, seconds: int, *tickers: Ticker) -> None:
    for _ in range(seconds):
        for one in tickers:
            one.tick()
        time.at += 1


def test_a_duty_comes_up_at_once_and_then_once_an_interval() -> None:
    queue, time = Queue(), Time()
    run_for(time, 601, ticker(queue, time))
    assert queue.taken == list(range(1, 12))


def test_two_processes_take_a_duty_once_an_interval_between_them() -> None:
    queue, time = Queue(), Time()
    one = ticker(queue, time)
    run_for(time, 20, one)
    two = ticker(queue, time)  # it started later, and does not know when the first one's interval began
    run_for(time, 600, one, two)
    assert 10 <= len(queue.taken) <= 13
    assert queue.taken == sorted(set(queue.taken))


def test_a_duty_that_is_still_being_done_is_not_piled_up() -> None:
    queue, time = Queue(), Time()
    made = ticker(queue, time)
    run_for(time, 1, made)
    queue.going = True
    run_for(time, 600, made)
    assert queue.taken == [1]
    queue.going = False
    run_for(time, 61, made)
    assert queue.taken == [1, 2]


def test_a_wall_clock_that_was_set_back_does_not_stop_it() -> None:
    queue, time = Queue(), Time()
    queue.taken, queue.hidden = list(range(1, 9)), {6, 7, 8}  # newer numbers look older by the wall clock
    run_for(time, 1, ticker(queue, time))
    assert queue.taken[-1] == 9


def test_a_duty_that_the_engine_could_not_be_asked_for_comes_up_as_soon_as_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue, time = Queue(), Time()
    made = Ticker(queue, time)
    made.set([Duty("jira", "cycle", 15 * MINUTE)])
    with monkeypatch.context() as away:
        away.setattr(queue, "take", lambda *_: 1 / 0)
        for _ in range(10):
            with suppress(ZeroDivisionError):
                made.tick()
            time.at += 1
        assert made.turns == 0
    run_for(time, 3, made)
    assert (queue.taken, made.turns) == ([1], 1)


def test_a_hurried_duty_comes_up_now() -> None:
    queue, time = Queue(), Time()
    made = ticker(queue, time)
    run_for(time, 10, made)
    made.hurry("jira")
    run_for(time, 1, made)
    assert queue.taken == [1, 2]


# --- who is dead


@contextmanager
def keepers(folder: Path, *names: str) -> Iterator[tuple[Time, list[Keeper], list[str]]]:
    clock = SimpleNamespace(now=lambda: NOW)
    store = open_store(f"sqlite:///{folder}/syncd.db", clock_now=NOW)
    time, recovered = Time(), list[str]()

    def recover(name: str) -> int:
        recovered.append(name)
        return 2

    engine: Any = SimpleNamespace(recover=recover, unstick=lambda: 0, prune=lambda: 0)
    made = [
        Keeper(store, engine, Executor(name=name, token=f"t-{name}", started=NOW, seen=NOW), clock, time)
        for name in names
    ]
    for keeper in made:
        keeper.enlist()
    yield time, made, recovered
    store.close()


def test_one_of_the_living_takes_over_from_the_dead_and_frees_its_leases(tmp_path: Path) -> None:
    with keepers(tmp_path, "a", "b", "dead") as (time, (a, b, dead), recovered):
        store: Any = a.store
        store.acquire("jira", "syncd run dead: pid 7 on host", NOW, MINUTE)
        store.acquire("linear", "syncd run deadly: pid 8 on host", NOW, MINUTE)
        for _ in range(4):
            for keeper in (a, b, dead):
                keeper.beat()
            time.at += 3
        for _ in range(8):
            for keeper in (a, b):
                keeper.beat()
            assert not recovered or time.at > 1020
            time.at += 3
        assert recovered == ["dead"]
        assert [one.name for one in store.executors()] == ["a", "b"]
        assert store.lease_holder("jira", NOW) is None
        assert store.lease_holder("linear", NOW) is not None, "another name that begins alike keeps its own"


def test_one_that_only_stood_still_is_back_and_nobody_else_may_have_its_name(tmp_path: Path) -> None:
    with keepers(tmp_path, "a", "still") as (time, (a, still), recovered):
        for _ in range(8):
            a.beat()
            time.at += 3
        assert recovered == ["still"]
        still.beat()
        assert [one.name for one in a.store.executors()] == ["a", "still"]
        a.store.enlist(replace(still.me, token="another"))
        with pytest.raises(DisplacedError, match="another `syncd run` took the name still"):
            still.beat()


def test_a_store_that_was_away_makes_nobody_dead(tmp_path: Path) -> None:
    with keepers(tmp_path, "a", "b") as (time, (a, b), recovered):
        a.beat()
        b.beat()
        broken = a.store

        def away() -> Any:
            raise Broken("away")

        a.store = SimpleNamespace(beat=lambda _me: away())
        for _ in range(10):
            a.beat()
            time.at += 3
        a.store = broken
        a.beat()
        assert recovered == [], "b could not beat either: it is watched anew"
        b.beat()
        a.beat()
        assert recovered == []


def test_a_loop_that_goes_round_no_more_is_taken_for_dead_also_if_it_hung_in_its_first_round(tmp_path: Path) -> None:
    with keepers(tmp_path, "a") as (time, (a,), _), patch("syncd.daemon.monotonic", time):
        daemon, engine = Daemon(App(tmp_path, {}), "a"), SimpleNamespace(ticked=time.at)
        daemon._keeper, daemon._engine, daemon._round = a, engine, time.at  # type: ignore[assignment]  # as much of one as is used here

        def hang(*going: str) -> bool:
            time.at += STILL
            engine.ticked = time.at if "schedule" in going else engine.ticked
            daemon._round = time.at if "main" in going else daemon._round
            if "signs" in going:
                a.beat()
            return not daemon.live()[0]

        assert hang("main", "schedule"), "not one sign of life was ever given"
        assert not hang("main", "schedule", "signs")
        assert hang("main", "signs")
        assert not hang("main", "schedule", "signs")
        assert hang("schedule", "signs")


# --- what an edit changes


def test_of_an_edit_only_what_may_change_is_taken_up(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        living = Living(stage.app.load, Standing(stage.app.load()))
        stage.write(
            tracker={
                "write": "observe",
                "scope": {"projects": ["PAY"]},
                "auth": {"email": "a@b.c", "token": {"env": "B"}},
            },
            limits={"share": 0.5},
            http={"listen": "127.0.0.1:9"},
            installation="other",
        )
        assert living.reload() == "swapped"
        settings = living.config.settings
        assert (settings.trackers[0].write, settings.limits.share) == ("observe", 0.5)
        assert settings.trackers[0].scope == {"projects": ("PAY", "OPS")}
        assert (settings.installation, settings.http.listen[1]) == ("acme", 8080)
        names = ("installation", "http", f"trackers.{TRACKER}.auth", f"trackers.{TRACKER}.scope")
        assert sorted(living.standing.restart) == sorted(names)


def test_a_broken_edit_leaves_everything_as_it_was_and_a_mended_one_is_taken_up(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        before = stage.app.load()
        living = Living(stage.app.load, Standing(before))
        stage.write(rules="rules: [{id: x}]", limits={"share": 0.9})
        assert living.reload() == "broken"
        assert living.config is before, "not even the sound half of it"
        assert living.standing.problems
        stage.write(rules=RULES)
        assert living.reload() == "swapped"
        assert (living.standing.problems, living.config.settings.limits.share) == ((), 0.9)
        assert living.reload() == "same"


def test_a_secret_that_moved_to_another_line_is_the_same_secret(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        living = Living(stage.app.load, Standing(stage.app.load()))
        path = stage.config / "syncd.yaml"
        path.write_text("# a comment\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
        living.reload()
        assert living.standing.restart == ()


# --- a reader that stays


class Reader:
    """Counts how often it is asked who it is."""

    requests = 0
    hidden: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    fails = False
    looks = 0

    def look_around(self) -> Sight:
        self.looks += 1
        return Sight("me", timedelta(0), self.hidden)

    def observe(self, since: Any, memory: str = "") -> Iterator[Any]:
        if self.fails:
            raise Unavailable("away")
        yield since

    def read(self, links: Any) -> Any:
        return Found((), self.missing)  # type: ignore[arg-type]  # only whether there are any counts

    def census(self, after: str = "") -> Iterator[Any]:
        yield after


def test_who_we_are_is_asked_now_and_then_and_after_whatever_makes_it_doubtful() -> None:
    reader, time = Reader(), Time()
    kept = KeptReader(reader, time)  # type: ignore[arg-type]  # as much of a reader as is used here
    looks = []

    def twice() -> None:
        for _ in range(2):
            before = reader.looks
            kept.look_around()
            looks.append(reader.looks - before)

    twice()
    time.at += 601
    twice()
    reader.fails = True
    with pytest.raises(Unavailable):
        list(kept.observe(None))
    twice()
    reader.missing = ("x",)
    kept.read([])
    twice()
    kept.read([])
    list(kept.census())
    twice()
    assert looks == [1, 0] * 5
    kept.read([])  # the same as before: no news
    twice()
    assert looks[-2:] == [0, 0]
    reader.hidden = ("PAY",)
    time.at += 601
    twice()
    assert looks[-2:] == [1, 1], "what is hidden may be shown again any moment"


# --- a pass


@contextmanager
def passes(stage: Stage, **changed: Any) -> Iterator[Passes]:
    """Passes over a stage, as the daemon makes them."""
    with ExitStack() as stack:
        desk = stage.app.desk(stack)
        (tracker,) = desk.config.settings.trackers

        @contextmanager
        def tools(_tracker: str, lease: Lease) -> Iterator[Tools]:
            with ExitStack() as own:
                day = stage.clock.now().date()
                fresh = stage.app.desk_of(desk.config, desk.store, Matcher(desk.config.rulebook, day))
                work = replace(fresh.work(own, tracker, lease), ending=changed.get("ending", lambda: False))
                yield Tools(work, fresh.writer(own, tracker), tracker.poll_every)

        told: dict[str, Any] = {
            "store": desk.store,
            "clock": stage.clock,
            "holder": "syncd run one: pid 1 on host",
            "tools": tools,
            "acts": {"cycle": lambda t, _: run_cycle(t.work, t.writer)},
            "every": lambda _tracker: MINUTE,
            "renewed": lambda _tracker: False,
            "correlated": correlated,
            "ending": lambda: False,
        }
        yield Passes(**{**told, **{k: v for k, v in changed.items() if k != "ending"}})


def task(n: int = 1) -> Task:
    return Task(f"cycle:{TRACKER}:{n:012d}", "cycle", TRACKER)


def test_the_cycles_id_goes_along_to_the_tracker_and_stands_in_what_is_kept(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, passes(stage) as made, stage.watched() as traffic:
        stage.create(labels=["sre"])
        facts = made.run(task(7))
        assert facts["applied"] == 1
        assert {e.request_headers.get("x-request-id") for e in traffic.seen} == {task(7).id}
        (attempt,) = made.store.attempts()
        assert (attempt.id, attempt.why, attempt.facts["complete"]) == (task(7).id, None, True)


def test_a_tracker_that_fails_is_left_alone_for_longer_and_longer_and_comes_back(tmp_path: Path) -> None:
    def fail(_tools: Tools, _task: Task) -> CycleResult:
        raise Unavailable("it is away")

    with staged(tmp_path) as stage, passes(stage, acts={"cycle": fail}) as made:
        tried = []
        for n in range(120):  # two hours
            if "skipped" not in made.run(task(n)):
                tried.append(n)
            stage.clock.move(MINUTE)
        gaps = [b - a for a, b in pairwise(tried)]
        assert gaps[0] == 1
        assert gaps == sorted(gaps)
        assert 10 <= max(gaps) <= 15
        (attempt,) = made.store.attempts()
        assert attempt.failures == len(tried)
        well = replace(made, acts={"cycle": lambda t, _: run_cycle(t.work, t.writer)})
        stage.clock.move(15 * MINUTE)
        assert well.run(task(999))["complete"]
        assert well.store.attempts()[0].failures == 0


def test_what_a_tracker_is_reached_with_anew_is_tried_by_its_next_cycle_and_not_used_up_by_a_webhook(
    tmp_path: Path,
) -> None:
    def fail(_tools: Tools, _task: Task) -> CycleResult:
        raise Unavailable("it is away")

    with staged(tmp_path) as stage, passes(stage, acts={"cycle": fail}) as made:
        for n in range(2):
            made.run(task(n))
        assert "backing off" in str(made.run(task(2))["skipped"])
        mended = replace(made, renewed=lambda _tracker: True)
        hint = replace(task(3), kind="webhook_batch")
        assert "backing off" in str(mended.run(hint)["skipped"]), "it does not tell whether the tracker is well again"
        assert mended.run(task(4))["why"] == "it is away"


def test_a_secret_that_is_gone_is_told_wherever_one_looks_and_looked_for_again_in_every_pass(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        token = tmp_path / "token"
        token.write_text(stage.site.token, encoding="utf-8")
        stage.write(tracker={"auth": {"email": stage.site.email, "token": {"file": str(token)}}})
        with passes(stage) as made:
            living, engine = Living(stage.app.load, Standing(stage.app.load(), ())), SimpleNamespace(stats=Figures)
            gauges = Gauges(made.store, engine, living, stage.clock, Time())  # type: ignore[arg-type]  # as much of one as is used here

            def turn() -> tuple[str | None, int, bool]:
                stage.clock.move(MINUTE)
                made.run(task())
                gauges.freshen(-1.0)
                (told,) = stage.app.status()["trackers"].values()
                assert told["healthy"] is (told["why"] is None) is gauges.snapshot().trackers[TRACKER].healthy
                return told["why"], told["failures"], told["not_before"] is None

            assert turn() == (None, 0, True)
            token.unlink()
            gone = f"there is no file `{token}`"
            assert [turn() for _ in range(3)] == [(gone, n, True) for n in (1, 2, 3)]
            token.write_text("", encoding="utf-8")
            assert turn() == (f"the file `{token}` is empty", 4, True)
            token.write_text(stage.site.token, encoding="utf-8")
            assert turn() == (None, 0, True)


def test_a_bug_in_one_pass_is_recorded_and_ends_nothing(tmp_path: Path) -> None:
    def bug(_tools: Tools, _task: Task) -> CycleResult:
        raise ZeroDivisionError("PAY-1: the title of a restricted issue")

    with staged(tmp_path) as stage, passes(stage, acts={"cycle": bug}) as made:
        told = io.StringIO()
        configure(told)
        assert made.run(task()) == {"failed": "ZeroDivisionError"}
        assert made.store.lease_holder(TRACKER, stage.clock.now()) is None, "the next pass need not wait for it"
        assert "event='bug'" in told.getvalue()
        assert "restricted" not in told.getvalue()


def test_a_tracker_that_a_command_works_on_is_left_to_it(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, passes(stage) as made:
        lease = made.store.acquire(TRACKER, "pid 5 on elsewhere", stage.clock.now(), MINUTE)
        assert lease is not None
        assert made.run(task())["skipped"] == "held by pid 5 on elsewhere"
        made.store.release(lease)
        assert made.run(task())["complete"]


def test_an_ending_process_begins_no_new_write(tmp_path: Path) -> None:
    end = threading.Event()
    with staged(tmp_path) as stage:
        stage.site.permissions.may_bulk["*"] = False
        for _ in range(5):
            stage.create(labels=["sre"])
        stage.write(limits={"share": 1.0, "always": 20})
        with stage.watched() as traffic, passes(stage, ending=lambda: len(traffic.edits) >= 2 or end.is_set()) as made:
            facts = made.run(task())
            assert "syncd is ending" in facts["why"]
            assert len(traffic.edits) == 2
            assert made.store.outbox_counts()["sending"] == 0
            assert made.store.outbox_counts()["todo"] == 3


def test_a_secret_that_was_named_shows_in_no_line(tmp_path: Path) -> None:
    def leak(_tools: Tools, _task: Task) -> CycleResult:
        raise Unavailable("https://me:planted-token@host said: planted-token is wrong")

    with staged(tmp_path) as stage, passes(stage, acts={"cycle": leak}) as made:
        told = io.StringIO()
        configure(told)
        made.run(task(1))
        assert "planted-token" in told.getvalue(), "without the net it would show"
        told = io.StringIO()
        configure(told)
        hide(["planted-token"])
        try:
            made.run(task(2))
        finally:
            hide([])
        assert "cycle_finished" in told.getvalue()
        assert "planted-token" not in told.getvalue()


def test_what_a_library_says_again_and_again_is_told_now_and_then() -> None:
    told, time, library = io.StringIO(), Time(), logging.getLogger("a library of this test")
    configure(told)
    library.addHandler(LibraryLog(drop=("advert",), since=time))
    for second in range(600):
        library.warning("Exception encountered in queue thread for trackers: attempt %d failed", second)
        library.warning("an advert")
        time.at += 1
    library.warning("something else")
    lines = told.getvalue().splitlines()
    assert [line.partition("text=")[2].split(":")[0].strip("'") for line in lines] == [
        "Exception encountered in queue thread for trackers",
        "Exception encountered in queue thread for trackers",
        "something else",
    ]


# --- the listener


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setattr(server.Bounded, "arrival_s", 0.4)
    app = FastAPI()

    @app.get("/")
    def hello() -> str:
        return "hello"

    made = Listener(app, ("127.0.0.1", 0), "test")
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"])
def test_a_request_that_does_not_arrive_is_cut_off_and_others_are_served(listener: Listener, sent: bytes) -> None:
    lazy = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(40)]
    for one in lazy:
        one.sendall(sent)
    assert httpx.get(f"http://127.0.0.1:{listener.port}/", trust_env=False).json() == "hello"
    for one in lazy:
        one.settimeout(20)
        with suppress(ConnectionResetError):  # either end is an end
            while one.recv(1000):
                pass
        one.close()


def test_headers_without_end_are_refused(listener: Listener) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as line:
        line.settimeout(20)
        line.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000)
        assert b" 4" in line.recv(12)


# --- systemd, and what commands never load


def test_systemd_hears_it_and_nobody_listening_is_no_harm(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        assert Notifier(address).say("READY=1", "STATUS=well")
        assert systemd.recv(100) == b"READY=1\nSTATUS=well"
    Path(address).unlink()
    assert not Notifier(address).say("READY=1")
    assert not Notifier().say("READY=1")


def test_commands_never_load_the_engine() -> None:
    code = "import sys, syncd.cli; assert not {'dbos', 'uvicorn', 'prometheus_client'} & set(sys.modules), 'loaded'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
