"""What both served trackers do on the wire: read a request whole, hold an answer back, cut or lose it."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.types import Message, Receive, Scope, Send


@dataclass(slots=True)
class Held:
    """An answer caught before it goes out."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] | None = None
    body: bytes = b""

    async def take(self, message: Message) -> None:
        """Catches what an application sends."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")


def dated(held: Held, at: datetime) -> None:
    """Puts on the date: the site's clock's, not the machine's."""
    held.headers = [*(held.headers or []), (b"date", format_datetime(at.astimezone(UTC), usegmt=True).encode())]


async def whole_body(receive: Receive) -> bytes:
    """A request's body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def replayed(body: bytes) -> Receive:
    """A body that was read, to be read again."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def deliver(scope: Scope, send: Send, held: Held, fault: str | None) -> None:
    """Sends an answer, or what a fault leaves of it."""
    if fault in ("reset", "lose_answer"):
        state: MutableMapping[str, Any] = scope.get("state", {})
        state["reset"]()
        return
    await send({"type": "http.response.start", "status": held.status, "headers": held.headers or []})
    if fault == "truncate":
        # The server closes the connection when an answer is left unfinished: half a body, then nothing.
        await send({"type": "http.response.body", "body": held.body[: len(held.body) // 2], "more_body": True})
        return
    await send({"type": "http.response.body", "body": held.body})
