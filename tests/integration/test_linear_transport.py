"""One call to Linear: what its answers mean whatever their HTTP status, what is sent again, and how long is waited."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from support_jira_cloud import START, MovableClock

from connectors.linear.budget import Bucket, Budget
from connectors.linear.documents import INITIATIVES, LOOK, Document
from connectors.linear.shapes import Untold
from connectors.linear.transport import (
    ENDPOINT,
    Linear,
    NotOffered,
    NotTaken,
    PartlyDone,
    Refusal,
    Torn,
    authorization,
)
from syncd.core.errors import Denied, Gone, InDoubt, TrackerError, Unavailable, Unreadable
from syncd.core.ports import MarkNames, TrackerOptions

KEY = "lin_api_s3cret"
WRITE = Document("Two", "mutation Two { a: x { y } b: x { y } }", roots=("a", "b"), writes=True)
FINE = {"data": {"viewer": {"id": "u1"}, "teams": {"nodes": [], "pageInfo": {"hasNextPage": False}}}}
LIMITED = {
    "errors": [
        {
            "message": "Rate limit exceeded. Only 2500 requests are allowed per 1 hour.",
            "extensions": {
                "type": "ratelimited",
                "code": "RATELIMITED",
                "statusCode": 429,
                "userError": True,
                "userPresentableMessage": "Rate limit exceeded.",
                "meta": {
                    "rateLimitResult": {
                        "allowed": False, "requested": 1, "remaining": 0, "duration": 3_600_000, "limit": 2500,
                    }
                },
                "http": {"headers": {}, "status": 400},
            },
        }
    ]
}  # fmt: skip


def error(type_: str = "", code: str = "", message: str = "No", path: Any = None, **more: Any) -> dict[str, Any]:
    told = {name: value for name, value in {"type": type_, "code": code, **more}.items() if value}
    return {"errors": [{"message": message, "extensions": told} | ({"path": path} if path else {})], "data": None}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def linear(clock: MovableClock) -> Iterator[Linear]:
    options = TrackerOptions(
        id="acme-linear",
        kind="linear",
        url="",
        auth={"token": KEY},
        scope={"teams": ("ENG",)},
        overlap=timedelta(minutes=5),
        marks=MarkNames(),
    )
    made = Linear(options, clock, clock.sleep)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[respx.Route]:
    with respx.mock(assert_all_called=False) as mock:
        yield mock.post(ENDPOINT)


def answer(value: Any = None, status: int = 200, **more: Any) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(FINE if value is None else value).encode(), **more)


# --- who we are -----------------------------------------------------------------------------------------------


def test_an_api_key_is_sent_bare_and_an_oauth_token_with_bearer(linear: Linear, server: respx.Route) -> None:
    server.side_effect = [answer()]
    linear.ask(LOOK, {"teams": ["ENG"]})
    assert server.calls[0].request.headers["Authorization"] == KEY
    assert authorization("lin_oauth_x") == "Bearer lin_oauth_x"
    sent = json.loads(server.calls[0].request.content)
    assert (sent["operationName"], sent["query"], sent["variables"]) == ("Look", LOOK.text, {"teams": ["ENG"]})


# --- what an error means --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "value", "kind"),
    [
        (401, error("authentication error", "AUTHENTICATION_ERROR"), Denied),
        (400, error("authentication error", "AUTHENTICATION_ERROR"), Denied),
        (
            400,
            error("invalid input", "INPUT_ERROR", "It looks like you're trying to use an API key as a Bearer"),
            NotTaken,
        ),
        (200, error("forbidden", "FORBIDDEN", path=["teams"]), Denied),
        (403, error("forbidden", "FORBIDDEN"), Denied),
        (200, error("feature not accessible", path=["initiatives"]), NotOffered),
        (200, error("usage limit exceeded", path=["x"]), Denied),
        (200, error("invalid input", "INPUT_ERROR", "Entity not found: Issue", path=["issue"]), Gone),
        (400, error("graphql error", "GRAPHQL_VALIDATION_FAILED", "Cannot query field x"), NotTaken),
        (200, error("invalid input", "INVALID_INPUT", "Argument Validation Error", path=["issues"]), NotTaken),
        (400, error("invalid input", "INPUT_ERROR", "Query too complex"), NotTaken),
        (200, error("invalid input", path=["issues", "nodes", 3, "team"]), Torn),
        (200, {"data": None}, Unreadable),
        (200, {}, Unreadable),
        (200, [], Unreadable),
        (200, "text", Unreadable),
        (404, {"error": "no such thing"}, Unreadable),
        (301, {}, Denied),
        (403, {}, Denied),
    ],
)
def test_a_read_says_what_came_of_it_by_the_remedy(
    linear: Linear, server: respx.Route, status: int, value: Any, kind: type[TrackerError]
) -> None:
    server.side_effect = [answer(value, status)]
    with pytest.raises(TrackerError) as raised:
        linear.ask(LOOK, {"teams": ["ENG"]})
    assert type(raised.value) is kind
    assert (linear.requests, raised.value.tracker) == (1, "acme-linear")


def test_what_is_meant_for_people_is_shown_and_the_key_never(linear: Linear, server: respx.Route) -> None:
    told = error("invalid input", message="Query too complex", userPresentableMessage=f"Complexity: 17055 {KEY}")
    server.side_effect = [answer(told, 400)]
    with pytest.raises(NotTaken, match=r"Query too complex: Complexity: 17055 \[secret\]"):
        linear.ask(LOOK)


@pytest.mark.parametrize(
    "trouble",
    [
        answer(status=503),
        httpx.Response(502, content=b"<html><title>Bad gateway</title></html>"),
        httpx.Response(200, content=b"<html><title>Just a moment</title></html>"),
        httpx.Response(200, content=b'{"data": {"viewer"'),
        httpx.ReadTimeout("slow"),
        answer(error("internal error", "INTERNAL_SERVER_ERROR", path=["viewer"])),
        answer(error("lock timeout")),
        answer(error("network error")),
        answer(LIMITED, 400),
        answer(LIMITED, 429),
        answer(LIMITED, 200),
    ],
    ids=repr,
)
def test_a_read_is_asked_again_after_what_passes(linear: Linear, server: respx.Route, trouble: Any) -> None:
    server.side_effect = [trouble, answer()]
    assert linear.ask(LOOK).data["viewer"] == {"id": "u1"}
    assert linear.requests == 2


# --- partial data ---------------------------------------------------------------------------------------------


def test_a_field_that_failed_is_told_apart_from_one_that_is_empty(linear: Linear, server: respx.Route) -> None:
    row = {"id": "1", "project": None, "parent": None}
    data = {"viewer": {"id": "u1"}, "teams": {"nodes": [row]}}
    fault = {"message": "boom", "path": ["teams", "nodes", 0, "project", "name"], "extensions": {"type": "forbidden"}}
    server.side_effect = [answer({"data": data, "errors": [fault]})]
    (told,) = linear.ask(LOOK).data["teams"]["nodes"]
    assert told == {"id": "1", "project": Untold("boom"), "parent": None}


def test_partial_data_by_a_failure_of_the_moment_is_asked_for_again_a_few_times(
    linear: Linear, server: respx.Route
) -> None:
    fault = {"message": "boom", "path": ["viewer", "email"], "extensions": {"type": "internal error"}}
    torn = {"data": {**FINE["data"], "viewer": {"id": "u1", "email": None}}, "errors": [fault]}
    server.side_effect = [answer(torn), answer()]
    assert linear.ask(LOOK).data["viewer"] == {"id": "u1"}
    server.side_effect = [answer(torn)] * 3
    assert linear.ask(LOOK).data["viewer"]["email"] == Untold("boom")
    assert linear.requests == 5


def test_a_root_that_was_left_out_is_not_missed(linear: Linear, server: respx.Route) -> None:
    server.side_effect = [answer({"data": {"initiatives": {"nodes": []}}})]
    variables = {"initiatives": True, "initiativeToProjects": False}
    assert linear.ask(INITIATIVES, variables).data == {"initiatives": {"nodes": []}}


# --- writes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "status", "kind"),
    [
        (error("invalid input", message="labelIds not exclusive child labels", path=["a"]), 200, Refusal),
        (error("invalid input", message="labelIds not exclusive child labels", path=["b"]), 200, PartlyDone),
        (error("internal error", path=["a"]), 200, PartlyDone),
        (error("graphql error", "GRAPHQL_VALIDATION_FAILED"), 400, Refusal),
        (error("forbidden", path=["a"]), 200, Denied),
        (error("invalid input", message="Entity not found: Issue", path=["a"]), 200, Gone),
        ({"data": {"a": {"y": 1}, "b": None}}, 200, InDoubt),
        ({"data": None}, 200, InDoubt),
        ({}, 503, InDoubt),
    ],
)
def test_a_write_is_sent_once_and_says_whether_it_was_done(
    linear: Linear, server: respx.Route, value: Any, status: int, kind: type[TrackerError]
) -> None:
    server.side_effect = [answer(value, status), answer({"data": {"a": {}, "b": {}}})]
    with pytest.raises(TrackerError) as raised:
        linear.send(WRITE, {})
    assert type(raised.value) is kind
    assert linear.requests == 1


def test_a_write_is_sent_again_after_a_limit_which_says_that_nothing_was_done(
    linear: Linear, server: respx.Route
) -> None:
    server.side_effect = [answer(LIMITED, 400), answer({"data": {"a": {"y": 1}, "b": {"y": 2}}})]
    assert linear.send(WRITE, {}).data["b"] == {"y": 2}


def test_a_limit_that_struck_in_the_middle_of_a_write_is_in_doubt(linear: Linear, server: respx.Route) -> None:
    inside = {"data": None, "errors": [{**LIMITED["errors"][0], "path": ["b"]}]}
    server.side_effect = [answer(inside)]
    with pytest.raises(InDoubt):
        linear.send(WRITE, {})
    assert linear.requests == 1


# --- limits ---------------------------------------------------------------------------------------------------


def headers(left: float, limit: float = 2500, **more: Any) -> dict[str, str]:
    reset = str(int((START + timedelta(hours=1)).timestamp() * 1000))
    told = {"limit": limit, "remaining": left, "reset": reset}
    return {f"X-RateLimit-Requests-{name}": str(value) for name, value in told.items()} | more


def test_a_spent_budget_is_waited_for_as_long_as_one_request_takes_and_never_until_reset(
    linear: Linear, server: respx.Route, clock: MovableClock
) -> None:
    server.side_effect = [answer(headers=headers(0)), answer(headers=headers(0))]
    linear.ask(LOOK)
    assert clock.slept == []
    linear.ask(LOOK)
    assert clock.slept == [pytest.approx(3600 / 2500)]


def test_a_refusal_is_waited_out_by_what_it_says_itself(
    linear: Linear, server: respx.Route, clock: MovableClock
) -> None:
    server.side_effect = [answer(LIMITED, 400), answer()]
    linear.ask(LOOK)
    (slept,) = clock.slept
    assert 1.44 <= slept < 3


def test_a_long_wait_is_handed_on_and_nothing_is_sent(linear: Linear, server: respx.Route) -> None:
    server.side_effect = [answer(headers=headers(0, limit=10))]
    linear.ask(LOOK)
    with pytest.raises(Unavailable) as told:
        linear.ask(LOOK)
    assert told.value.retry_after == timedelta(seconds=360)
    assert linear.requests == 1


def test_points_are_waited_for_by_what_the_document_cost_last_time() -> None:
    budget = Budget()
    told = {"x-complexity": "600", "x-ratelimit-complexity-limit": "3600", "x-ratelimit-complexity-remaining": "100"}
    budget.learn("Issues", told, START)
    assert budget.wait("Issues", START) == pytest.approx(500)
    assert budget.wait("Issues", START + timedelta(seconds=499)) == pytest.approx(1)
    assert budget.wait("Look", START) == 0


def test_a_limit_of_one_endpoint_holds_up_that_document_alone() -> None:
    budget = Budget()
    told = {"x-ratelimit-endpoint-requests-limit": "30", "x-ratelimit-endpoint-requests-remaining": "0"}
    budget.learn("Search", told, START)
    assert budget.wait("Search", START) == pytest.approx(120)
    assert budget.wait("Look", START) == 0


@pytest.mark.parametrize("value", ["", "many", "nan", "-1", "inf"])
def test_headers_that_are_no_numbers_tell_nothing(value: str) -> None:
    budget = Budget()
    budget.learn("Look", {"x-ratelimit-requests-limit": value, "x-ratelimit-requests-remaining": value}, START)
    assert budget.wait("Look", START) == 0


def test_a_bucket_never_holds_more_than_its_limit() -> None:
    bucket = Bucket(10, 0, START)
    assert bucket.wait(1, START + timedelta(days=9)) == 0
    assert bucket.wait(99, START) == pytest.approx(3600)  # asked for with a full one
    assert bucket.wait(1, START - timedelta(hours=1)) == pytest.approx(360)  # a clock that went back gives nothing
