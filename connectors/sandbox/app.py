"""The site behind HTTP: routes, log-in, faults, headers that every answer carries, and the record."""

import asyncio
import base64
import binascii
import traceback
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.sandbox import bulk_api, comment_api, directory_api, issue_api, search_api
from connectors.sandbox.answers import Answer, Call, JiraError, problem
from connectors.sandbox.faults import DONE_FIRST, Exchange, Fault
from connectors.sandbox.site import Site
from connectors.sandbox.values import Person
from connectors.sandbox.wire import Held, dated, deliver, distorted, replayed, whole_body

Handler = Callable[[Site, Call], Answer]
RATE_LIMIT = 100
HTML = "<!DOCTYPE html><html><head><title>Oops</title></head><body><h1>{}</h1></body></html>"

_COMMENT = "/issue/{issueIdOrKey}/comment"
_PROPERTY = "/issue/{issueIdOrKey}/properties/{propertyKey}"
_COMMENT_PROPERTY = "/comment/{commentId}/properties/{propertyKey}"
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/myself", directory_api.myself),
    ("GET", "/serverInfo", directory_api.server_info),
    ("GET", "/field", directory_api.fields),
    ("GET", "/label", directory_api.labels),
    ("GET", "/mypermissions", directory_api.my_permissions),
    ("GET", "/project/search", directory_api.project_search),
    ("GET", "/search", search_api.removed),
    ("POST", "/search", search_api.removed),
    ("GET", "/search/jql", search_api.search_get),
    ("POST", "/search/jql", search_api.search_post),
    ("POST", "/search/approximate-count", search_api.approximate_count),
    ("POST", "/bulk/issues/fields", bulk_api.submit_edit),
    ("GET", "/bulk/queue/{taskId}", bulk_api.progress),
    ("POST", "/issue/properties", bulk_api.set_properties),
    ("GET", "/task/{taskId}", bulk_api.get_task),
    ("POST", "/issue/bulkfetch", issue_api.bulkfetch),
    ("GET", "/issue/{issueIdOrKey}", issue_api.get_issue),
    ("PUT", "/issue/{issueIdOrKey}", issue_api.put_issue),
    ("GET", "/issue/{issueIdOrKey}/changelog", issue_api.get_changelog),
    ("GET", "/issue/{issueIdOrKey}/properties", issue_api.property_keys),
    ("GET", _PROPERTY, issue_api.get_property),
    ("PUT", _PROPERTY, issue_api.put_property),
    ("DELETE", _PROPERTY, issue_api.delete_property),
    ("POST", "/changelog/bulkfetch", issue_api.changelog_bulkfetch),
    ("GET", _COMMENT, comment_api.list_comments),
    ("POST", _COMMENT, comment_api.add_comment),
    ("GET", _COMMENT + "/{id}", comment_api.get_comment),
    ("PUT", _COMMENT + "/{id}", comment_api.put_comment),
    ("DELETE", _COMMENT + "/{id}", comment_api.delete_comment),
    ("POST", "/comment/list", comment_api.comments_by_id),
    ("GET", "/comment/{commentId}/properties", comment_api.comment_property_keys),
    ("GET", _COMMENT_PROPERTY, comment_api.get_comment_property),
    ("PUT", _COMMENT_PROPERTY, comment_api.put_comment_property),
    ("DELETE", _COMMENT_PROPERTY, comment_api.delete_comment_property),
)
# What answers the same under version 2: it holds no rich text.
ALSO_V2 = frozenset({"/myself", "/serverInfo", "/field", "/label", "/project/search", "/search"})


def actor_of(site: Site, authorization: str | None) -> Person | None:
    """Who the header names; nobody when there is none.

    Raises:
        JiraError: 401, the credentials are wrong.
    """
    if authorization is None:
        return None
    scheme, _, credentials = authorization.partition(" ")
    try:
        email, _, token = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        email, token = "", ""
    if scheme.lower() != "basic" or (email, token) != (site.email, site.token):
        raise JiraError(401, "Client must be authenticated to access this resource.")
    return site.account


def _endpoint(site: Site, handler: Handler) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        with site.lock:
            answer = _answer(site, request, handler, raw)
        media_type = answer.content_type if answer.body else None
        return Response(answer.body, answer.status, dict(answer.headers), media_type=media_type)

    return endpoint


def _answer(site: Site, request: Request, handler: Handler, raw: bytes) -> Answer:
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    try:
        site.tasks.work(site.now())
        actor = actor_of(site, request.headers.get("authorization"))
        content_type = request.headers.get("content-type", "")
        return handler(site, Call(request.method, request.path_params, query, content_type, raw, actor))
    except JiraError as refused:
        return refused.answer
    except Exception:  # noqa: BLE001 (a defect of the sandbox: kept for the test to see, answered as 500)
        site.crashes.append(f"{request.method} {request.url.path}\n{traceback.format_exc()}")
        return Answer.of({"errorMessages": ["Internal server error"], "errors": {}}, 500)


def build_app(site: Site) -> ASGIApp:
    """The ASGI application that serves a site."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    async def refused(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        phrase = HTTPStatus(status).phrase
        answer = problem(status, phrase, f"{phrase}: no such resource")
        return Response(answer.body, status, media_type=answer.content_type)

    app.add_exception_handler(HTTPException, refused)
    for method, path, handler in ROUTES:
        versions = ("3", "2") if path in ALSO_V2 else ("3",)
        for version in versions:
            template = f"/rest/api/{version}{path}"
            app.add_api_route(template, _endpoint(site, handler), methods=[method], response_model=None)
    return Gate(site, app)


class Gate:
    """Stands before the application: reads the request whole, lets faults strike, records the exchange."""

    def __init__(self, site: Site, app: ASGIApp) -> None:
        self.site, self.app = site, app
        self.templates = _templates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        body = await whole_body(receive)
        template = self._template(scope)
        if self.site.delay:
            await asyncio.sleep(self.site.delay)
        fault = self.site.faults.strike(scope["method"], scope["path"], template)
        held = Held()
        if fault is None or fault.kind in DONE_FIRST:
            await self.app(scope, replayed(body), held.take)
        elif fault.kind == "status":
            held = _fault_answer(fault)
        self._dress(held, fault)
        self._record(scope, body, held, fault, template)
        distorted(held, scope["path"], self.site.distort)
        await deliver(scope, receive, send, held, fault.kind if fault else None)

    def _template(self, scope: Scope) -> str:
        found = next((t for m, t in self.templates if m == scope["method"] and _fits(t, scope["path"])), None)
        return found or scope["path"]

    def _dress(self, held: Held, fault: Fault | None) -> None:
        """Adds what Jira puts on every answer; the date is the site's clock's, not the machine's."""
        dated(held, self.site.clock())
        headers = held.headers or []
        limited = fault is not None and fault.status == HTTPStatus.TOO_MANY_REQUESTS
        remaining = 0 if limited and fault and fault.kind == "status" else RATE_LIMIT - 1
        headers.append((b"x-ratelimit-limit", b"%d" % RATE_LIMIT))
        headers.append((b"x-ratelimit-remaining", b"%d" % remaining))
        headers.append((b"x-ratelimit-nearlimit", b"true" if remaining == 0 else b"false"))
        held.headers = headers

    def _record(self, scope: Scope, body: bytes, held: Held, fault: Fault | None, template: str) -> None:
        answered = fault is None or fault.kind in ("status", "truncate")
        self.site.record(
            Exchange(
                method=scope["method"],
                path=scope["path"],
                query=scope["query_string"].decode(),
                request_headers={k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]},
                request_body=body,
                status=held.status if answered else None,
                response_headers={k.decode("latin-1"): v.decode("latin-1") for k, v in held.headers or []},
                response_body=held.body,
                template=template,
                fault=fault.kind if fault else None,
            )
        )


def _templates() -> list[tuple[str, str]]:
    versions = {path: ("3", "2") if path in ALSO_V2 else ("3",) for _, path, _ in ROUTES}
    return [(method, f"/rest/api/{v}{path}") for method, path, _ in ROUTES for v in versions[path]]


def _fits(template: str, path: str) -> bool:
    want, have = template.split("/"), path.split("/")
    return len(want) == len(have) and all(w == h or w.startswith("{") for w, h in zip(want, have, strict=True))


def _fault_answer(fault: Fault) -> Held:
    headers: list[tuple[bytes, bytes]] = []
    if fault.html:
        body, kind = HTML.format(HTTPStatus(fault.status).phrase).encode(), b"text/html;charset=UTF-8"
    else:
        body = b'{"errorMessages":["%s"],"errors":{}}' % HTTPStatus(fault.status).phrase.encode()
        kind = b"application/json;charset=UTF-8"
    headers.extend([(b"content-type", kind), (b"content-length", b"%d" % len(body))])
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    if fault.reason is not None:
        headers.append((b"ratelimit-reason", fault.reason.encode()))
    return Held(fault.status, headers, body)
