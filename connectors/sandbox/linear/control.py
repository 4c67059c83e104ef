"""Control endpoints under /_sandbox/, for tests that run the workspace as a process of its own (`--control`)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.sandbox.linear.faults import LinearFault
from connectors.sandbox.linear.people import Member
from connectors.sandbox.linear.workspace import Workspace

PREFIX = "/_sandbox/"
_ACTS = frozenset(name for name in vars(Member) if not name.startswith("_")) - {"workspace", "who", "backdate"}


def with_linear_control(workspace: Workspace, app: ASGIApp) -> ASGIApp:
    """The application with control endpoints before it; their requests are neither counted nor recorded."""
    control = _control(workspace)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = control if scope["type"] == "http" and scope["path"].startswith(PREFIX) else app
        await chosen(scope, receive, send)

    return dispatch


def _control(workspace: Workspace) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    reads: dict[str, Callable[[], Any]] = {
        "snapshot": workspace.snapshot,
        "counts": lambda: dict(workspace.counts),
        "spent": lambda: dict(workspace.spent),
        "notifications": lambda: [told._asdict() for told in workspace.notifications],
        "crashes": lambda: workspace.crashes,
        "labels": workspace.label_names,
    }
    for name, read in reads.items():
        app.add_api_route(PREFIX + name, _reading(workspace, read), methods=["GET"], response_model=None)
    for name, write in {"faults": _faults, "edit": _act, "settings": _settings}.items():
        app.add_api_route(PREFIX + name, _writing(workspace, write), methods=["POST"], response_model=None)
    return app


def _reading(workspace: Workspace, read: Callable[[], Any]) -> Callable[[], Response]:
    def endpoint() -> Response:
        with workspace.lock:
            return _json(read())

    return endpoint


def _writing(workspace: Workspace, write: Callable[[Workspace, Any], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        try:
            with workspace.lock:
                return _json(write(workspace, asked))
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            return _json({"error": f"{type(wrong).__name__}: {wrong}"}, 400)

    return endpoint


def _faults(workspace: Workspace, asked: Any) -> Any:
    """A list of faults, keys as `LinearFault` takes them; an empty list switches all off."""
    if not asked:
        workspace.faults.clear()
    for one in asked:
        workspace.faults.add(LinearFault(**one))
    return {"added": len(asked)}


def _act(workspace: Workspace, asked: Any) -> Any:
    """`{"person": …, "do": "edit", …}`: the rest as that method of `Member` takes it; `automation` for `person`."""
    robot, do = asked.pop("automation", None), asked.pop("do")
    who = workspace.automation(robot) if robot else workspace.member(asked.pop("person"))
    if do not in _ACTS:
        raise ValueError(f"nobody can {do}")
    done = getattr(who, do)(**asked)
    return done if isinstance(done, str | int) else None


def _settings(workspace: Workspace, asked: Any) -> Any:
    """`{"switches": {…}, "limits": {…}, "hidden": ["SEC"]}`: what is named is set; `trash_kept_s`, `commit_lag_s`."""
    for name, value in asked.get("switches", {}).items():
        span = name.endswith("_s")
        setattr(workspace.switches, name.removesuffix("_s"), timedelta(seconds=value) if span else value)
    for name, value in asked.get("limits", {}).items():
        setattr(workspace.limits, name, value)
    workspace.hidden = set(asked.get("hidden", workspace.hidden))
    return {}


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
