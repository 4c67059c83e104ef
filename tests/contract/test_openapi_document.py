"""The check against Atlassian's document finds what is wrong, so that its silence means something."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from support_openapi import OpenApiDocument
from support_sandbox import MovingClock, client_of, small_site

from connectors.sandbox import Exchange, Site
from connectors.sandbox.app import ROUTES

SEARCH = Exchange(
    method="POST",
    path="/rest/api/3/search/jql",
    query="",
    request_headers={"content-type": "application/json"},
    request_body=b'{"jql":"project = PAY","maxResults":50}',
    status=200,
    response_headers={"content-type": "application/json;charset=UTF-8"},
    response_body=b'{"issues":[{"id":"1"}],"isLast":true}',
    template="/rest/api/3/search/jql",
)
EDIT = replace(
    SEARCH,
    method="PUT",
    path="/rest/api/3/issue/PAY-1",
    query="notifyUsers=false",
    request_body=b'{"update":{"labels":[{"add":"a"}]}}',
    status=204,
    response_body=b"",
)


@pytest.mark.parametrize("exchange", [SEARCH, EDIT])
def test_a_good_exchange_has_no_problems(openapi: OpenApiDocument, exchange: Exchange) -> None:
    assert openapi.request_problems(exchange) == []
    assert openapi.answer_problems(exchange) == []


@pytest.mark.parametrize(
    ("exchange", "changes", "told"),
    [
        (SEARCH, {"path": "/rest/api/3/search/jqll"}, "not in the document"),
        (SEARCH, {"method": "DELETE"}, "not in the document"),
        (SEARCH, {"query": "jql=x"}, "unknown query parameter 'jql'"),
        (SEARCH, {"request_body": b'{"jql":"x","startAt":0}'}, "startAt"),
        (SEARCH, {"request_body": b'{"maxResults":null}'}, "None is not of type 'integer'"),
        (SEARCH, {"request_body": b""}, "no body"),
        (SEARCH, {"request_body": b"{"}, "not JSON"),
        (SEARCH, {"request_headers": {"content-type": "text/plain"}}, "content type"),
        (EDIT, {"query": "notifyUsers=1"}, "neither true nor false"),
        (EDIT, {"request_body": b'{"update":{"labels":[{"append":"a"}]}}'}, "append"),
        (replace(SEARCH, method="GET", request_body=b""), {"query": "maxResults=ten"}, "is not an integer"),
        (replace(SEARCH, method="GET"), {}, "a body where none is taken"),
    ],
)
def test_a_bad_request_is_named(
    openapi: OpenApiDocument, exchange: Exchange, changes: dict[str, Any], told: str
) -> None:
    problems = openapi.request_problems(replace(exchange, **changes))
    assert len(problems) >= 1
    assert told in problems[0]


@pytest.mark.parametrize(
    ("exchange", "changes", "told"),
    [
        (SEARCH, {"status": 206}, "not a documented status"),
        (SEARCH, {"response_body": b'{"issues":[{"id":1}]}'}, "1 is not of type 'string'"),
        (SEARCH, {"response_body": b'{"issues":[],"total":0}'}, "total"),
        (SEARCH, {"response_body": b'{"issues":[],"nextPageToken":null}'}, "None is not of type 'string'"),
        (SEARCH, {"response_body": b"<html>"}, "not JSON"),
        (SEARCH, {"status": 400, "response_body": b'{"message":"no"}'}, "message"),
        (EDIT, {"response_body": b"{}"}, "has a body"),
    ],
)
def test_a_bad_answer_is_named(
    openapi: OpenApiDocument, exchange: Exchange, changes: dict[str, Any], told: str
) -> None:
    problems = openapi.answer_problems(replace(exchange, **changes))
    assert len(problems) >= 1
    assert told in problems[0]


def test_a_stamp_in_another_form_than_jiras_is_named(openapi: OpenApiDocument) -> None:
    body = orjson.dumps({"comments": [{"id": "1", "created": "2026-11-21T12:00:00Z"}], "total": 1})
    path = "/rest/api/3/issue/PAY-1/comment"
    exchange = replace(SEARCH, method="GET", path=path, request_body=b"", response_body=body)
    assert "date-time" in openapi.answer_problems(exchange)[0]


@pytest.mark.parametrize(
    "changes", [{"status": None}, {"fault": "truncate"}, {"fault": "status", "status": 429, "response_body": b"<h1>"}]
)
def test_what_a_fault_put_on_the_wire_is_not_held_against_the_document(
    openapi: OpenApiDocument, changes: dict[str, Any]
) -> None:
    assert openapi.answer_problems(replace(SEARCH, **{"response_body": b"half", **changes})) == []


def test_a_literal_path_wins_over_a_hole(openapi: OpenApiDocument) -> None:
    found = openapi.operation("POST", "/rest/api/3/issue/bulkfetch")
    assert found is not None
    assert found.template == "/rest/api/3/issue/bulkfetch"


def test_every_route_of_the_sandbox_is_in_the_document_under_its_very_template(openapi: OpenApiDocument) -> None:
    for method, path, _ in ROUTES:
        found = openapi.operation(method, f"/rest/api/3{path}")
        assert found is not None, (method, path)
        assert found.template == f"/rest/api/3{path}"


def test_watching_a_site_raises_what_was_wrong_and_stops_looking(openapi: OpenApiDocument) -> None:
    site: Site = small_site(MovingClock())
    with client_of(site) as client:
        with pytest.raises(AssertionError, match="unknown query parameter 'startAt'"), openapi.watching(site):
            client.get("/rest/api/3/search/jql", params={"jql": "project = PAY", "startAt": "0"})
        with openapi.watching(site) as watch:
            client.get("/rest/api/3/search/jql", params={"jql": "project = PAY"})
    assert (watch.seen, watch.problems, site.on_exchange) == (1, [], None)
