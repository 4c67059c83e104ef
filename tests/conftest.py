"""What every test shares: a scrubbed environment, the shared material, and no network but loopback."""

import difflib
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails at once instead of passing on some machines."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test tried to reach {address[0]}: only loopback is allowed")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def scrubbed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own settings and proxies never reach a test."""
    for name in list(os.environ):
        if name.startswith(("SYNCD_", "JIRA_", "LINEAR_")) and name not in ("SYNCD_SHARED", "SYNCD_TEST_PG_URL"):
            monkeypatch.delenv(name)
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material; without it such tests skip, in CI they fail."""
    named = os.environ.get("SYNCD_SHARED")
    if named and Path(named).is_dir():
        return Path(named)
    why = "SYNCD_SHARED does not name the folder of shared material (contracts/, data/)"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="accept what the golden tests see now as right")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text that a person reads with the accepted one in tests/golden/; `--bless` accepts the new one."""
    folder = Path(__file__).parent / "golden"

    def check(name: str, text: str) -> None:
        path = folder / name
        accepted = path.read_text(encoding="utf-8") if path.exists() else ""
        if text == accepted:
            return
        difference = "".join(
            difflib.unified_diff(accepted.splitlines(keepends=True), text.splitlines(keepends=True), "accepted", "now")
        )
        if request.config.getoption("--bless"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stderr.write(difference)
            return
        pytest.fail(f"{name} reads otherwise now; if the new text is right, run with --bless\n{difference}")

    return check
