"""The `jira` package on our own client, and answers that no well-behaved site gives."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
import respx
from support_jira_cloud import MovableClock

from connectors.jira.cloud import CloudKind
from connectors.jira.reader import CloudReader
from connectors.jira.transport import what_is_limited
from syncd.core.errors import Unavailable, Unreadable
from syncd.core.model import Link
from syncd.core.ports import MarkNames, Page, TrackerOptions

TOKEN = "a-token-that-nobody-may-see"
SITE = "https://acme.atlassian.net"
GATEWAY = "https://api.atlassian.com/ex/jira/11223344-a1b2"


def options(url: str = SITE) -> TrackerOptions:
    return TrackerOptions(
        id="acme",
        kind="jira-cloud",
        url=url,
        auth={"email": "bot@acme.example", "token": TOKEN},
        scope={"projects": ("PAY",)},
        overlap=timedelta(minutes=5),
        marks=MarkNames(),
    )


def row(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "key": f"PAY-{number}",
        "self": "https://evil.example/rest/api/3/issue/1",
        "fields": {
            "summary": "x",
            "issuetype": {"name": "Story", "hierarchyLevel": 0},
            "status": {"name": "Open", "statusCategory": {"key": "new"}},
            "project": {"key": "PAY", "name": "Payments"},
            "labels": [],
            "created": "2026-11-01T00:00:00.000+0000",
            "updated": "2026-11-01T00:00:00.000+0000",
        },
    }


class Server:
    """Canned answers by the end of the path; every request is kept."""

    def __init__(self, mock: respx.MockRouter) -> None:
        self.answers: dict[str, Any] = {
            "/myself": {"accountId": "a1"},
            "/field": [],
            "/project/search": {"values": [{"key": "PAY"}]},
            "/serverInfo": {"baseUrl": "https://acme.example/"},
        }
        self.asked: list[httpx.Request] = []
        mock.route().mock(side_effect=self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = next((a for end, a in self.answers.items() if request.url.path.endswith(end)), None)
        if isinstance(found, list) and found and isinstance(found[0], httpx.Response):
            first: httpx.Response = found.pop(0)
            return first
        return httpx.Response(404 if found is None else 200, content=orjson.dumps(found))


@pytest.fixture
def server() -> Iterator[Server]:
    with respx.mock(assert_all_called=False) as mock:
        yield Server(mock)


def reader_of(url: str = SITE) -> CloudReader:
    clock = MovableClock()
    return CloudKind(sleep=clock.sleep).reader(options(url), clock)


@pytest.fixture
def reader() -> Iterator[CloudReader]:
    made = reader_of()
    yield made
    made.close()


def test_the_package_makes_no_request_of_its_own_and_holds_no_secret(server: Server, reader: CloudReader) -> None:
    server.answers["/search/jql"] = {"issues": [row(1)], "isLast": True}
    list(reader.observe(None))
    paths = [request.url.path.removeprefix("/rest/api/3") for request in server.asked]
    assert paths == ["/myself", "/field", "/project/search", "/search/jql"]
    session = reader._site.jira._session
    assert session.auth is None
    assert "authorization" not in {name.lower() for name in session.headers}
    assert all(request.headers["Authorization"].startswith("Basic ") for request in server.asked)


def test_nothing_is_asked_of_a_host_that_an_answer_names(server: Server, reader: CloudReader) -> None:
    server.answers["/search/jql"] = {"issues": [row(1)], "isLast": True}
    server.answers["/issue/bulkfetch"] = {"issues": [row(1)]}
    list(reader.observe(None))
    reader.read([Link("1", None)])
    assert {request.url.host for request in server.asked} == {"acme.atlassian.net"}


def test_behind_the_gateway_people_are_sent_to_the_site(server: Server) -> None:
    server.answers["/search/jql"] = {"issues": [row(1)], "isLast": True}
    reader = reader_of(GATEWAY)
    (page,) = reader.observe(None)
    reader.close()
    assert page.issues[0].url == "https://acme.example/browse/PAY-1"
    assert {request.url.path.partition("/rest/")[0] for request in server.asked} == {"/ex/jira/11223344-a1b2"}


def test_a_page_token_that_comes_twice_is_an_error_and_no_loop(server: Server, reader: CloudReader) -> None:
    server.answers["/search/jql"] = {"issues": [row(1)], "nextPageToken": "again"}
    pages: list[Page] = []
    walk = reader.observe(None)
    with pytest.raises(Unavailable, match="circles"):
        pages.extend(walk)
    assert [page.last for page in pages] == [False]


def test_new_tokens_without_an_issue_have_an_end(server: Server, reader: CloudReader) -> None:
    server.answers["/search/jql"] = [
        httpx.Response(200, json={"issues": [], "nextPageToken": f"t{n}"}) for n in range(200)
    ]
    with pytest.raises(Unavailable):
        list(reader.observe(None))
    assert len(server.asked) < 110


@pytest.mark.parametrize(
    "end",
    [{"isLast": True}, {"isLast": True, "nextPageToken": "x"}, {}, {"nextPageToken": None}, {"nextPageToken": ""}],
)
def test_each_way_of_saying_last_ends_the_walk(server: Server, reader: CloudReader, end: dict[str, Any]) -> None:
    server.answers["/search/jql"] = {"issues": [row(1)]} | end
    assert [page.last for page in reader.observe(None)] == [True]


@pytest.mark.parametrize("answer", [{"issues": [], "isLast": False}, {"isLast": True}, [], {"issues": {}}, "text"])
def test_an_answer_that_contradicts_itself_is_never_a_complete_walk(
    server: Server, reader: CloudReader, answer: Any
) -> None:
    server.answers["/search/jql"] = answer
    with pytest.raises(Unreadable):
        list(reader.observe(None))


def test_an_issue_that_could_not_be_fetched_now_is_not_missing(server: Server, reader: CloudReader) -> None:
    server.answers["/issue/bulkfetch"] = {
        "issues": [row(1)],
        "issueErrors": [{"id": "2", "errorMessage": "try again"}],
    }
    server.answers["/issue/2"] = row(2)
    found = reader.read([Link("1", None), Link("2", None), Link("3", None)])
    assert {issue.ref.id for issue in found.issues} == {"1", "2"}
    assert found.missing == (Link("3", None),)


def test_a_key_cannot_lead_to_another_path(server: Server, reader: CloudReader) -> None:
    server.answers["/issue/bulkfetch"] = {"issues": [row(1)]}
    found = reader.read([Link(None, "../../myself?x=")])
    assert found.missing == (Link(None, "../../myself?x="),)
    assert server.asked[-1].url.raw_path.startswith(b"/rest/api/3/issue/..%2F..%2Fmyself%3Fx%3D?")


def test_a_link_that_names_nothing_is_missing_without_a_request(server: Server, reader: CloudReader) -> None:
    found = reader.read([Link(None, None)])
    assert (found.missing, server.asked) == ((Link(None, None),), [])
    assert reader.read([]).issues == ()


@pytest.mark.parametrize(
    ("reason", "part"),
    [
        ("jira-burst-based", "endpoint"),
        ("jira-per-issue-on-write", "thing"),
        ("jira-quota-tenant-based", "all"),
        ("jira-cost-based", "all"),
        ("something new", "all"),
    ],
)
def test_a_limit_of_unknown_reason_pauses_everything(reason: str, part: str) -> None:
    assert what_is_limited({"RateLimit-Reason": reason}) == part
    assert what_is_limited({}) == "all"


def test_a_url_that_is_no_jira_site_is_said_to_be_none(server: Server, reader: CloudReader) -> None:
    server.answers.clear()
    with pytest.raises(Unreadable, match="is the url that of a Jira Cloud site"):
        reader.look_around()
