"""One manner of calling out: what is sent twice, what never is, how long is waited, and what an error may say."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx
from support_jira_cloud import START, MovableClock

from connectors.http import Caller, Rejected, calling, meaning
from syncd.core.errors import Denied, Gone, InDoubt, Stale, TrackerError, Unavailable, Unreadable

URL = "https://acme.example/rest/api/3/thing"
SECRET = "s3cret/token+"
SENT_BUT: tuple[Any, ...] = (
    httpx.ReadTimeout("slow"),
    httpx.WriteError("cut"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("cut"),
    httpx.WriteTimeout("slow"),
)
NEVER_SENT: tuple[Any, ...] = (
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.PoolTimeout("busy"),
)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def caller(clock: MovableClock) -> Iterator[Caller]:
    made = Caller(
        "acme",
        clock,
        headers={"Authorization": f"Bearer {SECRET}"},
        secrets=(SECRET,),
        credentials="a valid token",
        sleep=clock.sleep,
    )
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[respx.Route]:
    with respx.mock(assert_all_called=False) as mock:
        yield mock.route()


def answer(status: int = 200, value: Any = None, **more: Any) -> httpx.Response:
    return httpx.Response(status, content=json.dumps({} if value is None else value).encode(), **more)


# --- what is sent twice ---


@pytest.mark.parametrize(
    "trouble", [*SENT_BUT, *NEVER_SENT, answer(500), answer(503), answer(429), answer(408)], ids=repr
)
def test_a_read_is_asked_again(caller: Caller, server: respx.Route, trouble: Any) -> None:
    server.side_effect = [trouble, trouble, answer(value={"a": 1})]
    assert caller.call("GET", URL, read=True).value == {"a": 1}
    assert caller.requests == 3


@pytest.mark.parametrize("trouble", [*SENT_BUT, answer(500), answer(503), answer(504), answer(408)], ids=repr)
def test_a_write_that_was_sent_is_in_doubt_and_never_sent_again(
    caller: Caller, server: respx.Route, clock: MovableClock, trouble: Any
) -> None:
    server.side_effect = [trouble, answer()]
    with pytest.raises(InDoubt) as doubt:
        caller.call("POST", URL, read=False, body=b"{}")
    assert (caller.requests, clock.slept, doubt.value.tracker) == (1, [], "acme")


@pytest.mark.parametrize("trouble", NEVER_SENT, ids=repr)
def test_a_write_that_never_left_is_unavailable(caller: Caller, server: respx.Route, trouble: Any) -> None:
    server.side_effect = [trouble]
    with pytest.raises(Unavailable, match="not reached"):
        caller.call("PUT", URL, read=False, body=b"{}")


def test_a_write_that_was_refused_for_its_rate_is_sent_again(
    caller: Caller, server: respx.Route, clock: MovableClock
) -> None:
    server.side_effect = [answer(429, headers={"Retry-After": "3"}), answer(201, {"id": "1"})]
    assert caller.call("POST", URL, read=False, body=b"{}").value == {"id": "1"}
    assert clock.slept[0] >= 3


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"a": 1', b"[1,", b"\xff\xfe"])
def test_a_read_that_is_answered_with_no_json_is_asked_again(
    caller: Caller, server: respx.Route, content: bytes
) -> None:
    server.side_effect = [httpx.Response(200, content=content), answer(value={"a": 1})]
    assert caller.call("GET", URL, read=True).value == {"a": 1}


def test_a_write_that_is_answered_with_no_json_is_in_doubt(caller: Caller, server: respx.Route) -> None:
    server.side_effect = [httpx.Response(200, content=b"<html>we are down</html>")]
    with pytest.raises(InDoubt):
        caller.call("PUT", URL, read=False, body=b"{}")


def test_no_content_is_an_answer(caller: Caller, server: respx.Route) -> None:
    server.side_effect = [httpx.Response(204)]
    assert caller.call("PUT", URL, read=False, body=b"{}").value is None


def test_odd_but_readable_json_is_read(caller: Caller, server: respx.Route) -> None:
    server.side_effect = [
        httpx.Response(200, content=b'\xef\xbb\xbf{"a": 1}'),
        httpx.Response(200, content=b'{"title": "\\ud800"}'),
        httpx.Response(200, content=b'{"a": 1}', headers={"Content-Type": "text/html"}),
    ]
    assert [caller.call("GET", URL, read=True).value for _ in range(3)] == [{"a": 1}, {"title": "\ud800"}, {"a": 1}]


def test_json_nested_beyond_reason_is_unreadable_not_a_crash(caller: Caller, server: respx.Route) -> None:
    server.mock(return_value=httpx.Response(200, content=b"[" * 100_000))
    with pytest.raises(Unreadable):
        caller.call("GET", URL, read=True)


def test_an_answer_has_a_largest_size(caller: Caller, server: respx.Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "MOST_BYTES", 10)
    server.mock(return_value=httpx.Response(200, content=b'"12345678901"'))
    with pytest.raises(Unreadable, match="larger than 10 bytes"):
        caller.call("GET", URL, read=True)
    assert caller.requests == 1, "it would be as large again"
    with pytest.raises(InDoubt):
        caller.call("PUT", URL, read=False)


def test_an_answer_that_trickles_has_an_end(caller: Caller, server: respx.Route, clock: MovableClock) -> None:
    def trickle() -> Iterator[bytes]:
        while True:
            clock.move(timedelta(minutes=1))
            yield b" "

    server.side_effect = lambda _: httpx.Response(200, content=trickle())
    with pytest.raises(Unavailable, match="still going on"):
        caller.call("GET", URL, read=True)


# --- waiting ---


@pytest.mark.parametrize(
    ("headers", "bounds"),
    [
        ({"Retry-After": "7"}, (7, 8)),
        ({"Retry-After": "7.25"}, (7.25, 8)),
        ({"Retry-After": "0"}, (1, 2)),
        ({"Retry-After": "-5"}, (0.5, 3)),
        ({"Retry-After": "soon"}, (0.5, 3)),
        ({"Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT"}, (30, 31)),
        ({"Retry-After": "Sat, 21 Nov 2026 11:00:00 GMT"}, (1, 2)),
        ({"Retry-After": "Sat, 21 Nov 2026 13:00:30 GMT", "Date": "Sat, 21 Nov 2026 13:00:00 GMT"}, (30, 31)),
        ({"X-RateLimit-Reset": "2026-11-21T12:00:20Z"}, (20, 21)),
        ({"X-RateLimit-Reset": "never"}, (0.5, 3)),
        ({}, (0.5, 3)),
    ],
)
def test_a_wait_is_at_least_what_was_told_in_every_notation(
    caller: Caller, server: respx.Route, clock: MovableClock, headers: dict[str, str], bounds: tuple[float, float]
) -> None:
    server.side_effect = [answer(429, headers=headers), answer()]
    caller.call("GET", URL, read=True)
    assert bounds[0] <= clock.slept[0] <= bounds[1]


def test_waits_grow_without_a_word_from_the_server(caller: Caller, server: respx.Route, clock: MovableClock) -> None:
    server.mock(return_value=answer(502))
    with pytest.raises(Unavailable):
        caller.call("GET", URL, read=True)
    assert caller.requests == 5
    assert [base <= slept <= base + 1 for base, slept in zip((1, 2, 4, 8), clock.slept, strict=True)] == [True] * 4


@pytest.mark.parametrize(
    ("part", "held_up"),
    [("all", {"same", "endpoint", "other"}), ("endpoint", {"same", "endpoint"}), ("thing", {"same"})],
)
def test_a_long_limit_holds_up_what_it_is_about(
    clock: MovableClock, server: respx.Route, part: Any, held_up: set[str]
) -> None:
    caller = Caller(
        "acme", clock, headers={}, secrets=(), credentials="", limited=lambda _headers: part, sleep=clock.sleep
    )
    server.side_effect = [answer(429, headers={"Retry-After": "600"}), answer(), answer(), answer()]
    urls = {"same": f"{URL}/10001", "endpoint": f"{URL}/10002", "other": f"{URL}/10001/comment"}
    with pytest.raises(Unavailable):
        caller.call("PUT", urls["same"], read=False, body=b"{}")
    refused = set()
    for name, url in urls.items():
        try:
            caller.call("PUT", url, read=False, body=b"{}")
        except Unavailable:
            refused.add(name)
    assert refused == held_up
    clock.move(timedelta(minutes=10))
    caller.call("PUT", urls["same"], read=False, body=b"{}")
    caller.close()


def test_a_short_rest_of_a_limit_is_slept(caller: Caller, server: respx.Route, clock: MovableClock) -> None:
    server.side_effect = [answer(429, headers={"Retry-After": "600"}), answer()]
    with pytest.raises(Unavailable):
        caller.call("GET", URL, read=True)
    clock.move(timedelta(seconds=570))
    caller.call("GET", URL, read=True)
    assert clock.slept == [30]


# --- what it says ---


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"errorMessages": ["No."], "errors": {"labels": "Bad label."}}, "No.; labels: Bad label."),
        ({"errorMessages": None, "errors": None}, "no explanation"),
        ({"errorMessages": [], "errors": {"comment": "Not valid!"}}, "comment: Not valid!"),
        ({"type": "about:blank", "title": "Bad Request", "detail": "Failed"}, "Bad Request; Failed"),
        ({"errors": [{"message": "Linear's way"}]}, "Linear's way"),
        ({"message": "Client must be authenticated"}, "Client must be authenticated"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(caller: Caller, server: respx.Route, body: Any, expected: str) -> None:
    server.mock(return_value=answer(400, body))
    with pytest.raises(Rejected) as rejected:
        caller.call("PUT", URL, read=False)
    assert str(rejected.value) == f"acme: PUT /rest/api/3/thing: 400, {expected}"


def test_the_servers_words_have_a_largest_length(caller: Caller, server: respx.Route) -> None:
    server.mock(return_value=answer(400, {"errorMessages": ["x" * 100_000]}))
    with pytest.raises(Rejected) as rejected:
        caller.call("PUT", URL, read=False)
    assert len(str(rejected.value)) < 500


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 429, 500])
def test_no_error_shows_a_secret_even_if_the_server_echoes_it(
    caller: Caller, server: respx.Route, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    echo = f"<html><title>Authorization: Bearer {SECRET}</title></html>".encode()
    server.mock(return_value=httpx.Response(status, content=echo))
    with pytest.raises(TrackerError) as failed:
        caller.call("GET", URL, read=True)
    assert "[secret]" in str(failed.value)
    assert SECRET not in f"{failed.value} {failed.value!r} {vars(failed.value)!r} {caller!r} {caplog.text}"


@pytest.mark.parametrize(
    ("status", "error"), [(403, Denied), (404, Gone), (409, Stale), (410, Unreadable), (302, Denied), (422, Rejected)]
)
def test_a_refusal_has_a_common_meaning(
    caller: Caller, server: respx.Route, status: int, error: type[TrackerError]
) -> None:
    server.mock(return_value=answer(status, headers={"Location": "https://evil.example/"}))
    with pytest.raises(Rejected) as rejected:
        caller.call("PUT", URL, read=False)
    meant = meaning(rejected.value, need="Edit issues", project="PAY")
    assert type(meant) is error
    assert meant.tracker == "acme"


def test_no_redirect_is_followed(caller: Caller, server: respx.Route) -> None:
    server.mock(return_value=answer(302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(Rejected):
        caller.call("GET", URL, read=True)
    assert caller.requests == 1


def test_wrong_credentials_say_whose(caller: Caller, server: respx.Route) -> None:
    server.mock(return_value=answer(401))
    with pytest.raises(Denied) as denied:
        caller.call("GET", URL, read=True)
    assert denied.value.need == "a valid token"


# --- clocks, and the environment ---


def test_the_trackers_clock_is_learnt_from_every_answer(
    caller: Caller, server: respx.Route, clock: MovableClock
) -> None:
    server.side_effect = [
        answer(headers={"Date": "Sat, 21 Nov 2026 12:05:00 GMT"}),
        answer(404, headers={"Date": "Sat, 21 Nov 2026 11:58:00 GMT"}),
        answer(headers={"Date": "no date"}),
    ]
    got = caller.call("GET", URL, read=True)
    assert (got.at, caller.skew) == (datetime(2026, 11, 21, 12, 5, tzinfo=UTC), timedelta(minutes=5))
    with pytest.raises(Rejected):
        caller.call("GET", URL, read=True)
    assert caller.skew == timedelta(minutes=-2)
    caller.call("GET", URL, read=True)
    assert caller.tracker_now() == START - timedelta(minutes=2)


def test_the_environment_and_netrc_are_not_asked(
    clock: MovableClock, server: respx.Route, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine acme.example login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    caller = Caller("acme", clock, headers={}, secrets=(), credentials="", sleep=clock.sleep)
    server.mock(return_value=answer())
    caller.call("GET", URL, read=True)
    assert "Authorization" not in server.calls.last.request.headers
    caller.close()


def test_parameters_do_not_wipe_out_those_in_the_url(caller: Caller, server: respx.Route) -> None:
    server.mock(return_value=answer())
    caller.call("GET", URL + "?a=1", read=True)
    assert server.calls.last.request.url.query == b"a=1"
    caller.call("GET", URL, read=True, params={"keys": ["A", "B"], "n": 2})
    assert server.calls.last.request.url.query == b"keys=A&keys=B&n=2"
