"""The workspace behind HTTP: one endpoint, faults on the wire, and the record."""

from http import HTTPStatus
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.sandbox.linear import endpoint, errors
from connectors.sandbox.linear.endpoint import Answered, Asked
from connectors.sandbox.linear.faults import DONE_FIRST, LinearExchange, LinearFault
from connectors.sandbox.linear.workspace import Workspace
from connectors.sandbox.wire import Held, dated, deliver, distorted, whole_body

PATH = "/graphql"
EDGE = (
    "<!DOCTYPE html>\n<html><head><title>linear.app | {status}: {phrase}</title></head>"
    "<body><h1>{phrase}</h1><p>Error code {status}</p></body></html>\n"
)
JSON = "application/json; charset=utf-8"


def build_linear(workspace: Workspace) -> ASGIApp:
    """The ASGI application that serves a workspace at /graphql."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        raw = await whole_body(receive)
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        if scope["path"] != PATH or scope["method"] != "POST":
            await deliver(scope, receive, send, _elsewhere(workspace, scope), None)
            return
        asked = endpoint.read(headers, raw)
        if workspace.before_request is not None:
            workspace.before_request(asked.name)
        with workspace.lock:
            fault = workspace.faults.strike("POST", asked.name, "+".join(dict.fromkeys(asked.roots)))
            answered, held = _answer(workspace, asked, fault)
        dated(held, workspace.clock())
        workspace.record(_exchange(asked, held, answered, fault))
        distorted(held, asked.name, workspace.distort)
        await deliver(scope, receive, send, held, fault.kind if fault else None)

    return app


def _elsewhere(workspace: Workspace, scope: Scope) -> Held:
    status = 405 if scope["path"] == PATH else 404
    held = Held(status, [], HTTPStatus(status).phrase.encode())
    dated(held, workspace.clock())
    return held


def _answer(workspace: Workspace, asked: Asked, fault: LinearFault | None) -> tuple[Answered | None, Held]:
    workspace.purge()
    if fault is not None and fault.kind not in DONE_FIRST:
        return None, _fault_answer(workspace, fault)
    answered = endpoint.answer(workspace, asked, fault)
    return answered, _held(answered.status, orjson.dumps(answered.body), JSON, answered.headers)


def _held(status: int, body: bytes, kind: str, headers: dict[str, str]) -> Held:
    pairs = {"content-type": kind, "content-length": str(len(body)), **headers}
    return Held(status, [(name.encode(), value.encode()) for name, value in pairs.items()], body)


def _fault_answer(workspace: Workspace, fault: LinearFault) -> Held:
    after = {"retry-after": str(fault.retry_after)} if fault.retry_after is not None else {}
    if fault.kind == "ratelimited":
        return _limited(workspace, fault, after)
    if fault.kind == "html":
        status = fault.status or 503
        page = EDGE.format(status=status, phrase=HTTPStatus(status).phrase)
        return _held(status, page.encode(), "text/html; charset=UTF-8", after)
    if fault.kind == "body":
        return _held(fault.status or 200, fault.body.encode(), JSON, after)
    if fault.kind == "status":
        body: Any = fault.error or errors.internal().body().error
        return _held(fault.status or 500, orjson.dumps({"errors": [body]}), JSON, after)
    return Held()


def _limited(workspace: Workspace, fault: LinearFault, after: dict[str, str]) -> Held:
    """Linear's own words, and headers that say that nothing is left."""
    limit = workspace.limits.requests
    body = errors.rate_limited("requests", limit, 1, 0).body(fault.status or None)
    headers = workspace.budget(workspace.account).headers(0, workspace.now())
    headers["x-ratelimit-requests-remaining"] = "0"
    return _held(body.status, orjson.dumps({"errors": [body.error]}), JSON, {**headers, **after})


def _exchange(asked: Asked, held: Held, answered: Answered | None, fault: LinearFault | None) -> LinearExchange:
    lost = fault is not None and fault.kind in ("reset", "lose_answer", "keep_answer")
    return LinearExchange(
        operation=asked.name,
        roots=asked.roots,
        query=asked.query,
        variables=asked.variables,
        request_headers=asked.headers,
        status=None if lost else held.status,
        response_headers={k.decode("latin-1"): v.decode("latin-1") for k, v in held.headers or []},
        response_body=held.body,
        complexity=answered.price if answered else 0,
        fault=fault.kind if fault else None,
    )
