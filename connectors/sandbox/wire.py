"""What both served trackers do on the wire: read a request whole, hold an answer back, cut or lose it."""

import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

Distort = Callable[[str, Any], Any]


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


def distorted(held: Held, asked: str, distort: Distort | None) -> None:
    """Lets a good answer hold something else than what was said, as a plugin, a proxy or a bug may: `asked` → what."""
    if distort is None or held.status != HTTPStatus.OK:
        return
    held.body = json.dumps(distort(asked, orjson.loads(held.body))).encode()  # also half a surrogate pair
    others = [(name, value) for name, value in held.headers or [] if name.lower() != b"content-length"]
    held.headers = [*others, (b"content-length", b"%d" % len(held.body))]


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


async def deliver(scope: Scope, receive: Receive, send: Send, held: Held, fault: str | None) -> None:
    """Sends an answer, or what a fault leaves of it."""
    if fault == "keep_answer":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
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
