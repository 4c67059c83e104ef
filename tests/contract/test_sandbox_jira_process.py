"""The sandbox as a process of its own, steered from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

AUTH = ("syncd@acme.example", "sandbox-token")


@contextmanager
def process(*arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", "connectors.sandbox", "--port", "0", "--size", "200", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(10)


def test_a_process_prints_its_address_and_can_be_steered() -> None:
    with process("--control", "--seed", "3") as url, httpx.Client(base_url=url, auth=AUTH, timeout=10) as client:
        query = {"jql": "project = PAY ORDER BY key", "fields": "labels", "maxResults": "1"}
        key = client.get("/rest/api/3/search/jql", params=query).json()["issues"][0]["key"]
        edit = {"person": "maria", "do": "edit", "key": key, "labels_add": ["by-hand"]}
        assert client.post("/_sandbox/edit", json=edit).status_code == 200
        assert "by-hand" in client.get("/_sandbox/snapshot").json()[key]["labels"]
        fault = {"kind": "status", "status": 502, "match": "GET /rest/api/3/myself"}
        client.post("/_sandbox/faults", json=[fault])
        assert [client.get("/rest/api/3/myself").status_code for _ in range(2)] == [502, 200]
        assert client.get("/_sandbox/counts").json()["GET /rest/api/3/myself"] == 2
        client.post("/_sandbox/settings", json={"may_edit": {"PAY": False}, "index_lag_s": 60})
        refused = client.put(f"/rest/api/3/issue/{key}", json={"update": {"labels": [{"add": "x"}]}})
        assert refused.status_code == 403
        assert client.post("/_sandbox/edit", json={**edit, "do": "rename"}).status_code == 400
        assert client.get("/_sandbox/crashes").json() == []


def test_without_the_word_there_is_no_control() -> None:
    with process() as url, httpx.Client(base_url=url, auth=AUTH, timeout=10) as client:
        assert client.get("/_sandbox/snapshot").status_code == 404
        assert client.get("/rest/api/3/myself").status_code == 200
