"""Planted secrets show in nothing that syncd says, writes or keeps, also where a tracker says them back to us."""

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from support_cli import Cli, commanded
from support_stage import staged

TOKEN = "planted-token-9e31"
HOOK = "planted-hook-9e32"
EMAIL = "syncd@acme.example"
BASIC = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
PLANTED = (TOKEN, HOOK, BASIC)
COMMANDS = (
    ("check",),
    ("doctor",),
    ("doctor", "--json"),
    ("once",),
    ("once", "--json"),
    ("plan",),
    ("status", "--json"),
    ("report",),
    ("report", "--format", "json"),
    ("findings", "--json"),
    ("outbox", "list"),
    ("noise",),
    ("conflicts",),
    ("explain", "PAY-1"),
    ("rules", "log"),
    ("backup", "copy.gz"),
)


class Echo(BaseHTTPRequestHandler):
    """Refuses everything, and says back all that it was told."""

    status = 401

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        words = f"refused-by-echo {self.path} {dict(self.headers)} {BASIC} {TOKEN}"
        told = json.dumps({"errorMessages": [words], "errors": {TOKEN: words}}).encode()
        self.send_response(self.status, f"No {TOKEN}")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *told: object) -> None:
        del told


@contextmanager
def echoing() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
def test_a_tracker_that_says_our_secrets_back_is_quoted_without_them(
    status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Echo, "status", status)
    monkeypatch.chdir(tmp_path)
    with staged(tmp_path, write="label+comment") as stage, echoing() as url:
        stage.create(labels=["sre"])
        stage.once()
        stage.write(tracker={"url": url, "webhook": {"secret": {"env": "HOOK_SECRET"}}})
        with commanded(stage, capsys, monkeypatch) as syncd:
            monkeypatch.setenv("JIRA_TOKEN", TOKEN)
            monkeypatch.setenv("HOOK_SECRET", HOOK)
            assert said(syncd) == []
            if status != 302:
                assert "refused-by-echo" in syncd("once", "--json").out, "it is quoted, and so could have been said"
    assert kept(tmp_path) == []


def said(syncd: Cli) -> list[tuple[str, ...]]:
    """Commands that say a secret. Each of them says something."""
    loud: list[tuple[str, ...]] = []
    for command in COMMANDS:
        ran = syncd(*command)
        text = ran.out + ran.err
        if any(planted in text for planted in PLANTED):
            loud.append(command)
    return loud


def kept(folder: Path) -> list[Path]:
    """Files that hold a secret, packed ones unpacked."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            if any(planted.encode() in content for planted in PLANTED):
                found.append(path)
    return found
