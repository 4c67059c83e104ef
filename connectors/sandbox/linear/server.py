"""Serving a workspace over real HTTP, by the same server as the small Jira."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from connectors.sandbox.linear.app import PATH, build_linear
from connectors.sandbox.linear.workspace import Workspace
from connectors.sandbox.server import host_forever, hosting


@dataclass(frozen=True, slots=True)
class ServedLinear:
    """A workspace being served. `url` is the GraphQL endpoint, `base` the address without its path."""

    url: str
    base: str
    workspace: Workspace


@contextmanager
def serve_linear(workspace: Workspace, *, control: bool = False, port: int = 0) -> Iterator[ServedLinear]:
    """Serves a workspace from a background thread until the block ends.

    Raises:
        RuntimeError: the server did not start, or did not end, within ten seconds.
    """
    with hosting(_app(workspace, control=control), port) as base:
        yield ServedLinear(base + PATH, base, workspace)


def serve_linear_forever(workspace: Workspace, listener: socket.socket, *, control: bool) -> None:
    """Serves a workspace on this thread until a signal ends the process."""
    host_forever(_app(workspace, control=control), listener)


def _app(workspace: Workspace, *, control: bool) -> ASGIApp:
    app = build_linear(workspace)
    if not control:
        return app
    from connectors.sandbox.linear.control import with_linear_control  # noqa: PLC0415 (exists only where asked for)

    return with_linear_control(workspace, app)
