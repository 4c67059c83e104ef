"""An HTTP listener in a thread of its own, bounded: a client that is slow, silent or verbose is cut off.

uvicorn bounds how long a connection may stay idle, but not how long a request may take to arrive; without that, some
hundred clients that send a byte a second would keep everybody else out (slow-loris).
"""

import socket
from threading import Event, Thread
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from syncd.core.errors import Broken

ARRIVAL_S: Final = 10.0
"""How long a whole request may take to arrive."""
BACKLOG: Final = 512
CONNECTIONS: Final = 512
HEADERS: Final = 16 * 1024
PATIENCE_S: Final = 10.0


class Bounded(H11Protocol):
    """HTTP/1.1 whose requests must arrive whole in time."""

    arrival_s = ARRIVAL_S
    _deadline: Any = None

    def connection_made(self, transport: Any) -> None:
        """A client is there, and the time of its first request runs."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.arrival_s, self._cut)

    def on_response_complete(self) -> None:
        """The time of the next request begins."""
        self._forget()
        super().on_response_complete()
        if not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.arrival_s, self._cut)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to cut any more."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        under_way: Any = self.cycle
        if under_way is not None and not under_way.more_body and not under_way.response_complete:
            return  # it arrived, and is being answered
        self.transport.abort()


class Listener:
    """One application on one address. `port` says the real one where 0 was asked for."""

    def __init__(self, app: ASGIApp, address: tuple[str, int], what: str) -> None:
        host, port = address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host.strip("[]"), port), family=family, backlog=BACKLOG)
        except OSError as taken:
            why = f"{what} cannot listen on {host}:{port} ({taken.strerror}): see `http:` in syncd.yaml"
            raise Broken(why) from None
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self._began = Event()
        self._server = _Server(
            uvicorn.Config(
                app,
                http=Bounded,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                h11_max_incomplete_event_size=HEADERS,
                limit_concurrency=CONNECTIONS,
                timeout_keep_alive=int(ARRIVAL_S),
                timeout_graceful_shutdown=1,
            ),
            self._began,
        )
        self._thread = Thread(target=self._server.run, args=([self._socket],), name=f"syncd-{what}", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        if not self._began.wait(PATIENCE_S):
            raise Broken(f"the listener on {self.host}:{self.port} did not start")

    def hush(self) -> None:
        """Take no more; `stop` waits for it."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Serve no more."""
        self.hush()
        self._thread.join(2.0)
        self._socket.close()


class _Server(uvicorn.Server):
    """Says when it has begun."""

    def __init__(self, config: uvicorn.Config, began: Event) -> None:
        super().__init__(config)
        self._began = began

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin."""
        await super().startup(sockets)
        self._began.set()
