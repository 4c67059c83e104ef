"""`syncd run` while its surroundings fail: it stays up or refuses cleanly, and recovers by itself.

Real processes, a real full disk, a real PostgreSQL that is stopped and started, a clock that is set.
"""

import hashlib
import hmac
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from sqlalchemy import make_url
from support_daemon import BRISK, HOOK_SECRET, SHIFTED, Process, WallClock, rigged, until
from support_pg import over_tcp, own_postgresql
from support_stage import RULES, TRACKER

from connectors.sandbox import Exchange
from syncd.service.webhooks import MOST_HINTS

HOUR: Final = 3600
DAY: Final = 24 * HOUR


def ready(process: Process) -> bool:
    return process.get("/readyz").status_code == 200


def alive(process: Process) -> bool:
    return process.popen.poll() is None and process.get("/livez").status_code == 200


def ends_well(process: Process) -> None:
    code, seconds = process.end()
    assert (code, seconds < 5) == (0, True), (code, seconds, process.lines[-5:])


# --- the disk


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own that holds no more than that."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"needs the right to mount a small disk: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes what is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


def test_a_full_disk_is_told_once_and_room_on_it_is_all_that_it_takes_to_go_on(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", "24m") as disk,
        rigged(tmp_path, store=f"sqlite:///{disk}/syncd.db", poll_every="1s") as rig,
    ):
        key = rig.create(labels=["sre"])
        process = rig.start(program=BRISK)
        rig.await_marks(key, "outcome/reliability")
        assert ready(process)
        ballast = fill(disk)
        rig.edit(key, labels=["finops"])
        until(lambda: process.events("store_lost"), "it meets the full disk")
        assert "the disk is full: make room" in process.events("store_lost")[0]
        until(lambda: not ready(process), "it is not ready")
        assert alive(process)
        assert process.metric("syncd_store_up") == 0, "a store that can only be read is not up"
        ballast.unlink()
        rig.await_marks(key, "outcome/cost")
        until(lambda: ready(process), "it is ready again")
        assert alive(process)
        assert process.metric("syncd_store_up") == 1
        assert len(process.events("store_lost")) == len(process.events("store_back")) == 1, "each told once"
        ends_well(process)
        with sqlite3.connect(disk / "syncd.db") as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.close()


# --- the database


def away(tmp_path: Path, seconds: float, *, network: bool) -> None:
    """PostgreSQL is stopped for so long, under a daemon that has work to do."""
    folder = Path(tempfile.mkdtemp(prefix="syncd-pg-"))  # a socket's path must be short
    with own_postgresql(folder / "data") as server, ExitStack() as stack:
        address = make_url(server.get_uri()).set(drivername="postgresql+psycopg")._replace(password=None)
        if network:
            port = stack.enter_context(over_tcp(f"{address.query['host']}/.s.PGSQL.5432"))
            address = address.set(host="127.0.0.1", port=port, query={})
        with rigged(tmp_path, store=address.render_as_string(), poll_every="1s") as rig:
            key = rig.create(labels=["sre"])
            process = rig.start(program=BRISK)
            rig.await_marks(key, "outcome/reliability")
            assert ready(process)
            server.stop()
            began = time.monotonic()
            rig.edit(key, labels=["finops"])
            until(lambda: not ready(process), "it is not ready")
            while time.monotonic() < began + seconds:
                assert alive(process), "an outage of the store is no reason to restart it"
                threading.Event().wait(0.5)
            server.ensure_postgres_running()
            back = time.monotonic()
            until(lambda: ready(process), "it is ready again")
            rig.await_marks(key, "outcome/cost")
            sys.stderr.write(f"\naway for {back - began:.0f} s; written {time.monotonic() - back:.1f} s after\n")
            for lost, found in (("store_lost", "store_back"), ("engine_database_lost", "engine_database_back")):
                until(lambda lost=lost, found=found: len(process.events(lost)) == len(process.events(found)), found)  # type: ignore[misc]  # its defaults are bound
                # more than once, since a server that is starting answers now and then
                assert 1 <= len(process.events(lost)) <= 3, f"{lost} is told when it changes"
            edits = [e for e in rig.site.counts.items() if e[0].startswith("PUT")]
            assert sum(n for _, n in edits) <= 2, "nothing was written twice"
            before = len(process.events("store_lost"))
            server.stop()
            until(lambda: len(process.events("store_lost")) > before, "it notices")
            ends_well(process)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    "network", [pytest.param(False, id="socket", marks=pytest.mark.stress), pytest.param(True, id="network")]
)
def test_a_database_that_goes_away_and_comes_back_is_all_that_it_notices(tmp_path: Path, network: bool) -> None:
    away(tmp_path, 4, network=network)


@pytest.mark.stress
def test_a_database_that_is_gone_for_a_minute_is_waited_for(tmp_path: Path) -> None:
    away(tmp_path, 60, network=True)


@pytest.mark.stress
@pytest.mark.parametrize("how", ["cut off", "standing still"])
def test_one_that_is_silent_for_long_is_taken_over_from_and_writes_nothing_before_it_is_back(
    tmp_path: Path, how: str
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="syncd-pg-"))  # a socket's path must be short
    with own_postgresql(folder / "data") as server, ExitStack() as stack:
        address = make_url(server.get_uri()).set(drivername="postgresql+psycopg")._replace(password=None)
        flows, puts, go_on = threading.Event(), list[str](), threading.Event()
        flows.set()
        port = stack.enter_context(over_tcp(f"{address.query['host']}/.s.PGSQL.5432", flows))
        rig = stack.enter_context(rigged(tmp_path, store=address.render_as_string(), poll_every="1s"))
        rig.stores["one"] = address.set(host="127.0.0.1", port=port, query={}).render_as_string()
        rig.write()
        rig.site.permissions.may_bulk["*"] = False  # one PUT an issue

        def slowly(exchange: Exchange) -> None:
            if exchange.method == "PUT":
                puts.append(exchange.path)
                if len(puts) == 3:
                    go_on.wait(60)

        keys = [rig.create(labels=["sre"]) for _ in range(10)]
        rig.site.on_exchange = slowly
        one = rig.start(program=BRISK)
        until(lambda: len(puts) == 3, "a write is on its way")
        if how == "cut off":
            flows.clear()
        else:
            one.popen.send_signal(signal.SIGSTOP)
        silent = time.monotonic()
        go_on.set()  # the write lands, and the one that sent it can tell nobody
        two = rig.start("two", program=BRISK)
        for key in keys:
            rig.await_marks(key, "outcome/reliability")
        took = time.monotonic() - silent
        assert len(two.events("took_over")) == 1
        rig.edit(keys[0], labels=["finops"])
        rig.await_marks(keys[0], "outcome/cost")
        flows.set()
        one.popen.send_signal(signal.SIGCONT)
        until(lambda: one.events("given_up_and_back"), "it is back")
        until(lambda: ready(one), "it is ready")
        rig.edit(keys[1], labels=["finops"])
        rig.await_marks(keys[1], "outcome/cost")
        assert sorted(Counter(puts).values()) == [1] * 8 + [2] * 2, "each once, and two of them edited since"
        sys.stderr.write(f"\n{how}: all written {took:.1f} s after it fell silent, the start of the other included\n")
        ends_well(one)
        ends_well(two)
    shutil.rmtree(folder, ignore_errors=True)


# --- the clock


def tells(process: Process, ahead: float) -> bool:
    """Whether the process takes the time for so many seconds ahead of the machine's."""
    stamp = f'syncd_tracker_last_attempt_timestamp_seconds{{tracker="{TRACKER}"}} '
    found = [line for line in process.get("/metrics").text.splitlines() if line.startswith(stamp)]
    return any(abs(float(line.removeprefix(stamp)) - WallClock().now().timestamp() - ahead) < 60 for line in found)


def test_a_clock_that_jumps_ahead_and_back_changes_nothing_but_the_time(tmp_path: Path) -> None:
    with rigged(tmp_path, poll_every="1s") as rig:
        shift = tmp_path / "shift"

        def set_clock(seconds: float) -> None:
            (tmp_path / "shift.new").write_text(str(seconds), encoding="utf-8")
            (tmp_path / "shift.new").replace(shift)

        set_clock(0)
        rig.environ["SHIFT"] = str(shift)
        still, key = rig.create(labels=["sre"]), rig.create(labels=["sre"])
        process = rig.start(program=SHIFTED)
        rig.await_marks(still, "outcome/reliability")
        rig.await_marks(key, "outcome/reliability")
        for n, jump in enumerate((DAY, -DAY, 10 * 60, -HOUR, 0)):
            set_clock(jump)
            label, mark = (("finops", "cost"), ("sre", "reliability"))[n % 2]
            rig.edit(key, labels=[label])
            took = rig.await_marks(key, f"outcome/{mark}")
            assert took < 30, f"{took:.0f} s after a jump to {jump} s off"
            assert alive(process)
            assert ready(process)
            if n < 2:  # what it tells is looked up every few seconds only
                until(lambda jump=jump: tells(process, jump), "its clock is set")  # type: ignore[misc]  # its default is bound
        assert rig.marks(still) == ["outcome/reliability"]
        writes = {e: n for e, n in rig.site.counts.items() if e.startswith("PUT") or "bulk/issues/fields" in e}
        assert sum(writes.values()) <= 7, f"two first marks and five edits: {writes}"
        assert not process.events("bug")
        assert rig.status()["trackers"][TRACKER]["healthy"]
        ends_well(process)


# --- the config


def test_whatever_becomes_of_the_files_what_was_in_force_stays_and_mended_ones_are_taken_up(tmp_path: Path) -> None:
    with rigged(tmp_path, poll_every="1s") as rig:
        process = rig.start(program=BRISK)
        good = {path.name: path.read_text(encoding="utf-8") for path in sorted(rig.config.iterdir())}

        def gone(path: Path) -> None:
            path.unlink()

        def cut(path: Path) -> None:
            path.write_text(good[path.name][: len(good[path.name]) // 2], encoding="utf-8")

        def torn(path: Path) -> None:
            path.write_bytes(b"\xff\xfe: [\n")

        def folder(path: Path) -> None:
            path.unlink()
            path.mkdir()

        harm: list[tuple[str, Callable[[Path], None]]] = [
            ("syncd.yaml", cut),
            ("strategy.yaml", gone),
            ("rules.yaml", torn),
            ("rules.yaml", folder),
        ]
        for n, (name, break_it) in enumerate(harm, start=1):
            break_it(rig.config / name)
            until(lambda n=n: len(process.events("config_broken")) == n, f"it notices {name}")  # type: ignore[misc]  # its default is bound
            assert ready(process)
            key = rig.create(labels=["sre"])
            rig.await_marks(key, "outcome/reliability")
            if (rig.config / name).is_dir():
                (rig.config / name).rmdir()
            (rig.config / name).write_text(good[name], encoding="utf-8")
            until(lambda: process.metric("syncd_config_problems") == 0, f"{name} is mended")
        rig.write(rules=RULES.replace("label: finops", "label: [finops, other]"))
        until(lambda: process.events("config_in_force"), "an edit is taken up as ever")
        ends_well(process)


# --- webhooks by the thousand


def posts(process: Process, numbers: range, took: list[float], statuses: Counter[int]) -> None:
    """One connection that sends one webhook after the other, as a tracker's sender does, and times each answer."""
    with socket.create_connection(("127.0.0.1", process.port)) as line:
        for n in numbers:
            body = b'{"issue": {"key": "PAY-%d"}, "n": %d}' % (n % (2 * MOST_HINTS), n)
            signature = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
            head = f"POST /webhooks/{TRACKER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            began = time.monotonic()
            line.sendall(f"{head}X-Hub-Signature: sha256={signature}\r\n\r\n".encode() + body)
            answer = b""
            while not answer.endswith(b"accepted\n"):
                answer += line.recv(1000)
            took.append(time.monotonic() - began)
            statuses[int(answer.split()[1])] += 1


def burst(tmp_path: Path, many: int) -> str:
    """That many webhooks over eight connections at once; the figures."""
    with rigged(tmp_path, poll_every="10m") as rig:
        key = rig.create(labels=["sre"])
        process = rig.start()
        rig.await_marks(key, "outcome/reliability")
        before, requests = process.status("VmRSS"), sum(rig.site.counts.values())
        rig.edit(key, labels=["finops"])
        took, statuses, most = list[float](), Counter[int](), 0.0
        share = many // 8
        senders = [
            threading.Thread(target=posts, args=(process, range(n * share, (n + 1) * share), took, statuses))
            for n in range(8)
        ]
        began, cpu = time.monotonic(), process.cpu_s()
        for sender in senders:
            sender.start()
        while any(sender.is_alive() for sender in senders):
            most = max(most, process.metric(f'syncd_webhooks_waiting{{tracker="{TRACKER}"}}'))
            threading.Event().wait(0.3)
        for sender in senders:
            sender.join()
        lasted = time.monotonic() - began
        assert statuses == {200: share * 8}
        assert most <= MOST_HINTS
        rig.await_marks(key, "outcome/cost")  # it was named among them; the next poll is ten minutes away
        until(lambda: not process.metric(f'syncd_webhooks_waiting{{tracker="{TRACKER}"}}'), "all were looked at")
        asked = sum(rig.site.counts.values()) - requests
        grown = process.status("VmRSS") - before
        assert asked < many / 20, "they are coalesced"
        assert grown < 60_000, "and nothing of them stays"
        assert alive(process)
        used = process.cpu_s() - cpu
        ends_well(process)
    slowest = sorted(took)
    return (
        f"{share * 8} webhooks in {lasted:.1f} s ({used:.1f} s of CPU), half answered within "
        f"{slowest[len(took) // 2] * 1000:.0f} ms, all within {slowest[-1] * 1000:.0f} ms; at most {most:.0f} waited; "
        f"{asked} requests to the tracker; {grown / 1000:.1f} MB more"
    )


def test_a_burst_of_webhooks_is_answered_at_once_and_looked_at_together(tmp_path: Path) -> None:
    sys.stderr.write(f"\n{burst(tmp_path, 1000)}\n")


@pytest.mark.stress
def test_ten_thousand_webhooks_in_a_burst_are_bounded_in_every_way(tmp_path: Path) -> None:
    sys.stderr.write(f"\n{burst(tmp_path, 10_000)}\n")


# --- clients that mean no good


def test_more_lazy_clients_than_it_bears_keep_others_out_for_a_moment_only(tmp_path: Path) -> None:
    with rigged(tmp_path) as rig:
        process = rig.start()
        lazy = [socket.create_connection(("127.0.0.1", process.port)) for _ in range(700)]
        for one in lazy:
            one.sendall(f"POST /webhooks/{TRACKER} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        key = rig.create(labels=["sre"])
        rig.await_marks(key, "outcome/reliability")  # what comes in by polling is not kept out by anything

        def served() -> bool:
            try:
                return alive(process)
            except httpx.HTTPError:
                return False

        until(served, "the lazy ones were cut off")
        for one in lazy:
            one.close()
        assert process.status("VmRSS") < 300_000
        ends_well(process)


# --- the one that started it


def test_systemd_hears_when_it_is_ready_that_it_lives_and_that_it_reads_its_config_again(tmp_path: Path) -> None:
    address = str(Path(tempfile.mkdtemp(prefix="syncd-notify-")) / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, rigged(tmp_path) as rig:
        systemd.bind(address)
        systemd.settimeout(60)
        rig.environ["NOTIFY_SOCKET"] = address

        def hear(word: str) -> list[str]:
            heard = list[str]()
            while word not in heard:
                heard += systemd.recv(1000).decode().splitlines()
            return heard

        process = rig.start(program=BRISK)
        assert "WATCHDOG=1" not in hear("READY=1"), "no sign of life before it is ready"
        hear("WATCHDOG=1")
        hear("WATCHDOG=1")
        process.popen.send_signal(signal.SIGHUP)
        hear("RELOADING=1")
        hear("READY=1")
        process.popen.send_signal(signal.SIGSTOP)
        systemd.settimeout(1)  # six times its round
        with pytest.raises(TimeoutError):
            hear("a word of one that stands still")
        systemd.settimeout(60)
        process.popen.send_signal(signal.SIGCONT)
        hear("WATCHDOG=1")
        began = time.monotonic()
        process.popen.send_signal(signal.SIGTERM)
        hear("STOPPING=1")
        assert process.popen.wait(60) == 0
        assert time.monotonic() - began < 5
    shutil.rmtree(Path(address).parent)
