"""The gateway that stands before sites: /ex/jira/{cloudId}, the one door where a scoped token works (facts §8)."""

import base64
import binascii
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.sandbox.shapes import CLOUD_ID
from connectors.sandbox.site import Site
from connectors.sandbox.wire import Held, deliver

DOOR: Final = "/ex/jira/"
_UNKNOWN: Final = b'{"code":404,"message":"Not Found"}'


class Gateway:
    """Lets requests for this site through to it, a scoped token exchanged for the account that it was made by."""

    def __init__(self, site: Site, app: ASGIApp) -> None:
        self.site, self.app = site, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request: those that come to the site's own address go by untouched."""
        if scope["type"] != "http" or not scope["path"].startswith(DOOR):
            await self.app(scope, receive, send)
            return
        own, _, path = scope["path"].removeprefix(DOOR).partition("/")
        if own != CLOUD_ID:
            length = (b"content-length", b"%d" % len(_UNKNOWN))
            unknown = Held(404, [(b"content-type", b"application/json"), length], _UNKNOWN)
            await deliver(scope, receive, send, unknown, None)
            return
        headers = [
            (name, self._exchanged(value) if name == b"authorization" else value) for name, value in scope["headers"]
        ]
        raw = scope["raw_path"].removeprefix(f"{DOOR}{CLOUD_ID}".encode())
        await self.app({**scope, "path": f"/{path}", "raw_path": raw, "headers": headers}, receive, send)

    def _exchanged(self, authorization: bytes) -> bytes:
        scheme, _, told = authorization.partition(b" ")
        try:
            email, _, token = base64.b64decode(told, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return authorization
        if scheme.lower() != b"basic" or token != self.site.scoped_token:
            return authorization
        return b"Basic " + base64.b64encode(f"{email}:{self.site.token}".encode())
