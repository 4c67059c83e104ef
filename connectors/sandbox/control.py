"""Control endpoints under /_sandbox/, for tests that run the sandbox as a process of its own (`--control`)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.sandbox.faults import Fault
from connectors.sandbox.site import Site

PREFIX = "/_sandbox/"
_ACTS = frozenset({"edit", "create", "comment", "delete", "move"})


def with_control(site: Site, app: ASGIApp) -> ASGIApp:
    """The application with control endpoints before it; their requests are neither counted nor recorded."""
    control = _control(site)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = control if scope["type"] == "http" and scope["path"].startswith(PREFIX) else app
        await chosen(scope, receive, send)

    return dispatch


def _reading(site: Site, read: Callable[[], Any]) -> Callable[[], Response]:
    def endpoint() -> Response:
        with site.lock:
            return _json(read())

    return endpoint


def _writing(site: Site, write: Callable[[Site, Any], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        try:
            with site.lock:
                return _json(write(site, asked))
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            return _json({"error": f"{type(wrong).__name__}: {wrong}"}, 400)

    return endpoint


def _faults(site: Site, asked: Any) -> Any:
    """A list of faults, keys as `Fault` takes them; an empty list switches all off."""
    if not asked:
        site.faults.clear()
    for one in asked:
        site.faults.add(Fault(**one))
    return {"added": len(asked)}


def _act(site: Site, asked: Any) -> Any:
    """`{"person": …, "do": edit|create|comment|delete|move, …}`: the rest as that method of a person takes it."""
    who, do = asked.pop("person"), asked.pop("do")
    if do not in _ACTS:
        raise ValueError(f"nobody can {do}")
    done = getattr(site.person(who), do)(**asked)
    return done if isinstance(done, str | int) else None


def _settings(site: Site, asked: Any) -> Any:
    """`{"index_lag_s": …, "delay_s": …}` and `{"may_edit": {"PAY": false}}` and the other permissions."""
    if "index_lag_s" in asked:
        site.index_lag = timedelta(seconds=asked.pop("index_lag_s"))
    site.delay = float(asked.pop("delay_s", site.delay))
    for name, per_project in asked.items():
        getattr(site.permissions, name).update(per_project)
    return {}


def _control(site: Site) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    reads: dict[str, Callable[[], Any]] = {
        "snapshot": site.snapshot,
        "counts": lambda: site.counts,
        "mails": lambda: site.mails,
        "crashes": lambda: site.crashes,
    }
    for name, read in reads.items():
        app.add_api_route(PREFIX + name, _reading(site, read), methods=["GET"], response_model=None)
    for name, write in {"faults": _faults, "edit": _act, "settings": _settings}.items():
        app.add_api_route(PREFIX + name, _writing(site, write), methods=["POST"], response_model=None)
    return app


def _json(value: Any, status: int = 200) -> Response:
    options = orjson.OPT_NON_STR_KEYS
    return Response(orjson.dumps(_plain(value), option=options), status, media_type="application/json")


def _plain(value: Any) -> Any:
    """Named tuples and counters as JSON can hold them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if hasattr(value, "_asdict"):
        return {key: _plain(inner) for key, inner in value._asdict().items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
