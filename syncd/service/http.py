"""What the daemon answers over HTTP: is it alive, is it ready, how it fares, and thanks for the hint. No decisions."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from syncd.service.webhooks import MOST_BYTES, Hints


class Vitals(Protocol):
    """The daemon, as far as these pages ask."""

    def live(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether its loops go round; if not, it must be restarted."""
        ...

    def ready(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether store, engine and config are there. A tracker's outage is none of ours, and does not count."""
        ...

    def metrics(self) -> bytes:
        """In Prometheus' text form."""
        ...


def _app() -> FastAPI:
    return FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


def health_app(vitals: Vitals, hints: Hints | None = None) -> FastAPI:
    """/livez, /readyz, /metrics; with hints, webhooks too."""
    app = _app()

    @app.get("/livez")
    def livez() -> JSONResponse:
        return _answer(*vitals.live())

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        return _answer(*vitals.ready())

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(vitals.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    if hints is not None:
        _take_hints(app, hints)
    return app


def webhook_app(hints: Hints) -> FastAPI:
    """Webhooks and nothing else: this listener may face the world."""
    app = _app()
    _take_hints(app, hints)
    return app


def _take_hints(app: FastAPI, hints: Hints) -> None:
    @app.post("/webhooks/{tracker}")
    def webhook(tracker: str, request: Request, body: Annotated[bytes | None, Depends(_raw)]) -> PlainTextResponse:
        if body is None:
            return PlainTextResponse("larger than 1 MiB\n", 413, headers={"Connection": "close"})
        heard = hints.receive(tracker, request.headers, body)
        return PlainTextResponse(f"{heard.outcome}\n", heard.status)


async def _raw(request: Request) -> bytes | None:
    """The body as it was sent, before anybody parses it; None: it is too large, and the rest of it is not read."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > MOST_BYTES:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _answer(well: bool, told: Mapping[str, Any]) -> JSONResponse:  # noqa: FBT001 - what the probe answered
    return JSONResponse({"ok": well, **told}, 200 if well else 503)
