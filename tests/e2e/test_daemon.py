"""`syncd run` as people run it: real processes over a served site. Each test starts few, for a start takes seconds."""

import hashlib
import hmac
import json
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from support_daemon import BRISK, HOOK_SECRET, Process, Rig, rigged, until
from support_stage import RULES, TRACKER

CLIENT = httpx.Client(timeout=60, trust_env=False, verify=False)  # noqa: S501 - plain HTTP on loopback


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rigged(tmp_path) as made:
        yield made


def hook(process: Process, key: str, body: bytes | None = None, **headers: str) -> httpx.Response:
    content = json.dumps({"issue": {"key": key}}).encode() if body is None else body
    signature = hmac.new(HOOK_SECRET.encode(), content, hashlib.sha256).hexdigest()
    told = {"X-Hub-Signature": f"sha256={signature}", **headers}
    url = f"http://127.0.0.1:{process.port}/webhooks/{TRACKER}"
    return CLIENT.post(url, content=content, headers=told)


def test_it_labels_what_people_do_and_follows_edits_of_the_rules_and_keeps_the_last_good_ones(rig: Rig) -> None:
    key = rig.create(labels=["sre"])
    process = rig.start(program=BRISK)
    rig.await_marks(key, "outcome/reliability")
    rig.edit(key, labels=["finops"])
    assert rig.await_marks(key, "outcome/cost") < 30

    rig.write(rules=RULES.replace("outcome: cost", "outcome: nothing-of-the-kind"))
    until(lambda: process.events("config_broken"), "it notices the broken edit")
    ready = process.get("/readyz")
    assert ready.status_code == 200, "a broken edit takes nothing out of service"
    assert "the last good one is in force" in ready.json()["config"]
    assert process.metric("syncd_config_problems") == 1
    assert rig.status()["rules"]["problems"], "status says so, too"
    other = rig.create(labels=["finops"])
    rig.await_marks(other, "outcome/cost")  # by the rules last in use

    swapped = RULES.replace("label: finops", "label: [finops, sre]").replace("label: [sre, ", "label: [")
    rig.write(rules=swapped)
    until(lambda: process.events("config_in_force"), "it takes the mended rules up")
    third = rig.create(labels=["sre"])
    rig.await_marks(third, "outcome/cost")
    assert process.metric("syncd_config_problems") == 0

    rig.write(tracker={"poll_every": "3s"}, write_closed=True)
    until(lambda: process.events("config_needs_a_restart"), "it says which keys wait")
    assert f"'trackers.{TRACKER}.poll_every'" in process.events("config_needs_a_restart")[0]
    assert "write_closed" not in process.events("config_needs_a_restart")[0]
    assert process.metric("syncd_config_restart_needed") == 1
    rig.write(tracker={"poll_every": "2s"}, write_closed=False)
    process.popen.send_signal(signal.SIGHUP)
    until(lambda: process.metric("syncd_config_restart_needed") == 0, "SIGHUP reads the files")

    refused = rig.command("run", "--name", "two")
    assert refused.returncode == 1
    assert f"pid {process.popen.pid}" in refused.stderr
    code, seconds = process.end()
    assert (code, seconds < 5) == (0, True)


def test_a_killed_process_loses_nothing_and_a_term_lets_the_write_in_hand_finish(rig: Rig) -> None:
    rig.site.permissions.may_bulk["*"] = False  # one PUT an issue
    keys = [rig.create(labels=["sre"]) for _ in range(30)]
    writes: list[float] = []
    go_on = threading.Event()

    def slowly(exchange: Any) -> None:
        if exchange.method == "PUT":
            writes.append(time.monotonic())
            if len(writes) == 3:
                go_on.wait(30)

    rig.site.on_exchange = slowly
    process = rig.start(program=BRISK)
    until(lambda: len(writes) == 3, "the third write arrives")
    process.end(signal.SIGKILL)  # it died with a write that was sent and not answered
    assert _rows(rig, "sending") == 1
    writes.extend([0.0] * 3)  # nobody stands in its way now
    go_on.set()
    process = rig.start(program=BRISK)
    until(lambda: len(writes) > 12, "it goes on")
    rig.site.on_exchange = lambda exchange: time.sleep(0.6) if exchange.method == "PUT" else None
    code, seconds = process.end()
    assert (code, seconds < 5) == (0, True), process.lines
    assert _rows(rig, "sending") == 0, "the write in hand was finished"
    assert _rows(rig, "todo") > 0, "no new one was begun"
    rig.site.on_exchange = None
    process = rig.start(program=BRISK)
    for key in keys:
        rig.await_marks(key, "outcome/reliability")
    edits = [e for e in rig.site.counts.items() if e[0].startswith("PUT")]
    assert sum(n for _, n in edits) <= len(keys) + 1, "at most the one in doubt was written twice"
    process.end()


def _rows(rig: Rig, state: str) -> int:
    with sqlite3.connect(rig.folder / "syncd.db", timeout=60) as db:
        (count,) = db.execute("SELECT count(*) FROM outbox WHERE state = ?", (state,)).fetchone()
    db.close()
    return int(count)


def test_webhooks_bring_a_change_within_seconds_and_abuse_is_cut_off(tmp_path: Path) -> None:
    with rigged(tmp_path, poll_every="10m") as rig:
        first = rig.create(labels=["sre"])
        process = rig.start()
        rig.await_marks(first, "outcome/reliability")
        rig.edit(first, labels=["finops"])
        assert hook(process, first).text == "accepted\n"
        assert rig.await_marks(first, "outcome/cost") < 20  # the next poll is ten minutes away
        assert hook(process, first).text == "repeated\n"
        new = rig.create(labels=["sre"])
        assert hook(process, new).status_code == 200
        rig.await_marks(new, "outcome/reliability")

        assert hook(process, first, b"{}", **{"X-Hub-Signature": "sha256=" + "0" * 64}).status_code == 401
        with suppress(httpx.TransportError):  # it may hang up before all was sent
            assert hook(process, first, b"x" * (1024 * 1024 + 1)).status_code == 413
        lazy = [_slow(process) for _ in range(50)]  # each sends the beginning of a request, and never ends it
        assert {hook(process, f"PAY-{n + 1000}").status_code for n in range(50)} == {200}, "others are served meanwhile"
        assert process.get("/livez").status_code == 200
        for one in lazy:
            one.close()
        assert process.metric(f'syncd_webhooks_total{{outcome="bad_signature",tracker="{TRACKER}"}}') == 1

        text = "".join(process.lines) + process.get("/metrics").text + process.get("/readyz").text
        for secret in (rig.site.token, HOOK_SECRET):
            assert secret not in text
        assert process.status("VmRSS") < 250_000
        process.end()


def _slow(process: Process) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", process.port))
    line.sendall(f"POST /webhooks/{TRACKER} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    return line


def test_a_store_that_is_behind_or_ahead_is_refused_and_left_as_it_was(rig: Rig) -> None:
    assert rig.command("once").returncode == 0
    told = {"0001": "was made by an older syncd: run `syncd migrate`", "9999": "was made by a newer syncd"}
    for revision, says in told.items():
        with sqlite3.connect(rig.folder / "syncd.db") as db:
            db.execute("UPDATE syncd_revision SET version_num = ?", (revision,))
        db.close()
        refused = rig.command("run")
        assert refused.returncode == 1
        assert says in refused.stderr
        assert "Traceback" not in refused.stderr
        with sqlite3.connect(rig.folder / "syncd.db") as db:
            assert db.execute("SELECT version_num FROM syncd_revision").fetchall() == [(revision,)]
        db.close()
    assert not (rig.folder / "syncd.db.engine").exists(), "nothing was begun"
