"""Serving a site over real HTTP, from a thread of this process or as a process of its own."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors.sandbox.app import build_app
from connectors.sandbox.gateway import Gateway
from connectors.sandbox.site import Site

BACKLOG = 128
PATIENCE_S = 10.0
TURNS_TO_CLOSE = 1000  # of the event loop: answers under way get out, nobody is waited for
_RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST, not FIN


class ResettingProtocol(H11Protocol):
    """HTTP/1.1 that lets the application cut the connection with a reset: `scope["state"]["reset"]()`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """A client is there."""
        super().connection_made(transport)

        def reset() -> None:
            held = cast("socket.socket | None", transport.get_extra_info("socket"))
            if held is not None:
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            transport.abort()

        state: dict[str, Any] = {**self.app_state, "reset": reset}
        self.app_state = state


@dataclass(frozen=True, slots=True)
class Served:
    """A site being served at `url`, which has no slash at its end."""

    url: str
    site: Site


class _BackgroundServer(uvicorn.Server):
    """A server that starts and ends at a word from another thread, at once and not at the next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for held in sockets or []:
            held.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(TURNS_TO_CLOSE):
            if not self.server_state.connections and not self.server_state.tasks:
                return
            await asyncio.sleep(0)

    def stop(self) -> None:
        self.should_exit = self.force_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._told.set)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ResettingProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


def bound(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one."""
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def hosting(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serves an application from a background thread until the block ends; gives its address.

    Raises:
        RuntimeError: the server did not start, or did not end, within ten seconds.
    """
    listener = bound(port)
    server = _BackgroundServer(_config(app))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(PATIENCE_S):
            raise RuntimeError("the sandbox did not start")
        yield url_of(listener)
    finally:
        server.stop()
        thread.join(PATIENCE_S)
        listener.close()
    if thread.is_alive():
        raise RuntimeError("the sandbox did not end")


def host_forever(app: ASGIApp, listener: socket.socket) -> None:
    """Serves an application on this thread until a signal ends the process."""
    uvicorn.Server(_config(app)).run(sockets=[listener])


def _app(site: Site, *, control: bool) -> ASGIApp:
    app: ASGIApp = Gateway(site, build_app(site))
    if not control:
        return app
    from connectors.sandbox.control import with_control  # noqa: PLC0415 (exists only where asked for)

    return with_control(site, app)


@contextmanager
def serve(site: Site, *, control: bool = False, port: int = 0) -> Iterator[Served]:
    """Serves a site from a background thread until the block ends.

    Raises:
        RuntimeError: as of `hosting`.
    """
    with hosting(_app(site, control=control), port) as url:
        yield Served(url, site)


def serve_forever(site: Site, listener: socket.socket, *, control: bool) -> None:
    """Serves a site on this thread until a signal ends the process."""
    host_forever(_app(site, control=control), listener)
