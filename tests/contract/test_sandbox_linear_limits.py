"""What the served Linear counts, refuses, breaks and loses; and that a world and a process of it can be had."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from support_linear import MUTATE, TOKEN, Linear, linear, troubled
from support_sandbox import MovingClock

from connectors.sandbox import Site, build_world
from connectors.sandbox.linear import LinearFault, Workspace, build_linear_world, twins_of
from connectors.sandbox.linear.world import LINEAR_SCOPE, SMALLEST

IDS = "query Ids($first: Int) { issues(first: $first) { nodes { id } pageInfo { hasNextPage endCursor } } }"


@pytest.fixture
def served() -> Iterator[Linear]:
    with linear() as one:
        one.workspace.label("sre")
        one.workspace.member("maria").create("ENG", "One")
        yield one


def void(_: object) -> None:
    """For hooks, which give nothing back."""


def mark(served: Linear) -> dict[str, Any]:
    return {"id": "ENG-1", "input": {"addedLabelIds": [served.workspace.find_label("sre").id]}}


# -- who asks -------------------------------------------------------------------------------------------------------


def test_a_key_behind_bearer_is_400_and_a_wrong_one_401_whatever_is_asked(served: Linear) -> None:
    bearer = served.post("{ viewer { id } }", token=f"Bearer {TOKEN}")
    assert bearer.status_code == 400
    assert bearer.json()["errors"][0]["extensions"]["code"] == "INPUT_ERROR"
    assert bearer.json()["errors"][0]["message"].startswith("It looks like you're trying to use an API key as a Bearer")
    for query in ("{ viewer { id } }", "{ nonsense", IDS.replace("$first)", "250) @nonsense")):
        wrong = served.post(query, token="lin_api_wrong")
        assert wrong.status_code == 401
        error = wrong.json()["errors"][0]
        assert error["message"] == "Authentication required, not authenticated"
        assert error["extensions"]["type"] == "authentication error"


def test_the_schema_may_be_asked_without_a_key_and_nothing_else(served: Linear) -> None:
    assert served.post("{ __schema { queryType { name } } }", token="").status_code == 200
    assert served.post("{ __typename viewer { id } }", token="").status_code == 401


def test_oauth_tokens_go_behind_bearer_and_apps_may_speak_for_others(served: Linear) -> None:
    served.workspace.new_key("app-token", "syncd-app", oauth=True, app=True)
    served.workspace.new_key("lin_api_read", "reader", may_write=False, teams=frozenset({"OPS"}))
    say = 'mutation { commentCreate(input: {issueId: "ENG-1", body: "Hi", createAsUser: "Ann"}) { success } }'
    assert "data" in served.post(say, token="Bearer app-token").json()
    refused = served.post(say).json()["errors"][0]["extensions"]["userPresentableMessage"]
    assert refused == "createAsUser can only be used in actor=app mode"
    (comment,) = served.workspace.comments
    assert comment.bot_actor is not None
    assert comment.bot_actor.user_display_name == "Ann"
    assert served.post("{ issues { nodes { id } } }", token="lin_api_read").json()["data"]["issues"]["nodes"] == []
    written = served.post(MUTATE, token="lin_api_read", **mark(served)).json()
    assert written["errors"][0]["extensions"]["type"] == "forbidden"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "BAD_REQUEST"),
        (b"[]", "BAD_REQUEST"),
        (b'{"query": "{ viewer {"}', "GRAPHQL_PARSE_FAILED"),
        (b'{"query": "{ viewer { shoeSize } }"}', "GRAPHQL_VALIDATION_FAILED"),
        (b'{"query": "query($n: Int!) { issues(first: $n) { nodes { id } } }"}', "BAD_USER_INPUT"),
        (
            b'{"query": "query($n: Int!) { issues(first: $n) { nodes { id } } }", "variables": {"n": "x"}}',
            "BAD_USER_INPUT",
        ),
    ],
)
def test_what_cannot_be_read_or_does_not_fit_is_400(served: Linear, body: bytes, code: str) -> None:
    headers = {"authorization": TOKEN, "content-type": "application/json"}
    answer = served.client.post(served.url, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == code


# -- budgets --------------------------------------------------------------------------------------------------------


def test_over_the_budget_answers_400_with_linears_words_and_429_inside(served: Linear) -> None:
    served.workspace.drain(requests=1)
    last = served.post("{ viewer { id } }")
    assert last.headers["x-ratelimit-requests-remaining"] == "0"
    refused = served.post("{ viewer { id } }")
    assert refused.status_code == 400
    error = refused.json()["errors"][0]
    assert error["message"] == (
        "Rate limit exceeded. Only 2500 requests are allowed per 1 hour. "
        "For more information see our developer docs at: https://linear.app/developers/rate-limiting"
    )
    extensions = error["extensions"]
    assert (extensions["type"], extensions["code"], extensions["statusCode"]) == ("ratelimited", "RATELIMITED", 429)
    result = {"allowed": False, "requested": 1, "remaining": 0, "duration": 3_600_000, "limit": 2500}
    assert extensions["meta"] == {"rateLimitResult": result}
    assert extensions["http"]["status"] == 400
    assert "retry-after" not in refused.headers


def test_a_drained_bucket_trickles_at_once_though_reset_is_always_an_hour_off(served: Linear) -> None:
    served.workspace.drain()
    refused = served.post("{ viewer { id } }")
    hour = served.clock.at + timedelta(hours=1)
    assert int(refused.headers["x-ratelimit-requests-reset"]) == pytest.approx(hour.timestamp() * 1000, abs=1)
    served.clock.move(seconds=1.4)
    assert served.post("{ viewer { id } }").status_code == 400
    served.clock.move(seconds=0.1)
    assert served.post("{ viewer { id } }").status_code == 200


def test_all_keys_of_a_user_share_one_budget_and_users_have_their_own(served: Linear) -> None:
    served.workspace.new_key("lin_api_second", "syncd")
    served.workspace.new_key("lin_api_other", "maria")
    for token, left in ((TOKEN, "2499"), ("lin_api_second", "2498"), ("lin_api_other", "2499")):
        assert served.post("{ viewer { id } }", token=token).headers["x-ratelimit-requests-remaining"] == left


def test_complexity_is_charged_as_documented_on_what_is_asked(served: Linear) -> None:
    priced = [
        ("{ viewer { id } }", 2),
        ("{ issues(first: 250) { nodes { id } } }", 275),
        ("{ projects(first: 250) { nodes { id name } } }", 300),
        ("{ projects(first: 250) { nodes { id name } pageInfo { hasNextPage endCursor } } }", 600),
        ("{ issues { nodes { id } } }", 55),
        ("query($n: Int) { issues(first: $n) { ...F } } fragment F on IssueConnection { nodes { id } }", 55),
        ("{ issues(first: 10) { nodes { labels(first: 3) { nodes { id } } } } }", 43),
    ]
    for query, price in priced:
        assert served.post(query).headers["x-complexity"] == str(price), query
    served.workspace.switches.measured_complexity = True
    assert served.post("{ issues(first: 250) { nodes { id } } }").headers["x-complexity"] == "2"


def test_a_document_over_ten_thousand_is_refused_and_only_people_are_told_the_number(served: Linear) -> None:
    answer = served.post("{ issues(first: 250) { nodes { labels { nodes { id } } } } }")
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["message"] == "Query too complex"
    assert error["extensions"]["code"] == "INPUT_ERROR"
    told = error["extensions"]["userPresentableMessage"]
    assert re.fullmatch(r"Complexity: 14000\.0\d*\. Maximum allowed complexity: 10000\.", told)


def test_the_complexity_of_an_hour_is_a_budget_too(served: Linear) -> None:
    served.workspace.drain(requests=9, complexity=100)
    refused = served.post(IDS, first=250)
    result = refused.json()["errors"][0]["extensions"]["meta"]["rateLimitResult"]
    assert (result["limit"], result["requested"], result["remaining"]) == (3_000_000, 575, 100)
    assert served.ask("{ rateLimitStatus { limits { type remainingAmount } } }")["rateLimitStatus"]["limits"][0] == {
        "type": "requests",
        "remainingAmount": 7,
    }


# -- faults ---------------------------------------------------------------------------------------------------------


def test_a_rate_limit_or_a_page_from_the_edge_does_nothing(served: Linear) -> None:
    served.workspace.faults.add(LinearFault("ratelimited", match="Mark", retry_after=3))
    limited = served.post(MUTATE, **mark(served))
    assert (limited.status_code, limited.headers["retry-after"]) == (400, "3")
    assert limited.headers["x-ratelimit-requests-remaining"] == "0"
    served.workspace.faults.add(LinearFault("html", status=502, match="issueUpdate"))
    edge = served.post(MUTATE, **mark(served))
    assert (edge.status_code, edge.headers["content-type"]) == (502, "text/html; charset=UTF-8")
    assert served.workspace.snapshot()["ENG-1"]["labels"] == []
    served.ask(MUTATE, **mark(served))
    assert served.workspace.counts["Mark"] == 3


@pytest.mark.parametrize(("kind", "done"), [("reset", []), ("lose_answer", ["sre"]), ("truncate", ["sre"])])
def test_a_cut_connection_leaves_the_write_done_or_not(served: Linear, kind: str, done: list[str]) -> None:
    served.workspace.faults.add(LinearFault(kind))  # type: ignore[arg-type]
    with pytest.raises(httpx.TransportError):
        served.post(MUTATE, **mark(served))
    assert served.workspace.snapshot()["ENG-1"]["labels"] == done
    assert served.workspace.exchanges[-1].status == (200 if kind == "truncate" else None)


def test_a_failing_field_takes_what_may_not_be_null_with_it(served: Linear) -> None:
    ask = "{ issues { nodes { id project { id } title } } }"
    served.workspace.faults.add(LinearFault("partial"))
    partial = served.post(ask).json()
    assert partial["errors"][0]["path"] == ["issues", "nodes", 0, "project"]
    assert partial["data"]["issues"]["nodes"][0]["project"] is None
    served.workspace.faults.add(LinearFault("partial", at="Issue.title"))
    whole = served.post(ask).json()
    assert whole["data"] is None
    assert whole["errors"][0]["extensions"]["type"] == "internal error"
    served.workspace.faults.add(LinearFault("partial", at="Comment.body"))
    assert served.post(ask).json()["data"] is None


def test_html_and_junk_may_come_with_200(served: Linear) -> None:
    served.workspace.faults.add(LinearFault("html", status=200))
    assert served.post(IDS).text.startswith("<!DOCTYPE html>")
    served.workspace.faults.add(LinearFault("body", body='{"data": {"issues": null}}'))
    assert served.post(IDS).json() == {"data": {"issues": None}}
    served.workspace.faults.add(LinearFault("status", status=503))
    assert served.post(IDS).status_code == 503


def test_every_fifth_request_suffers_each_fault_in_turn(served: Linear) -> None:
    troubled(served.workspace)
    struck = []
    for _ in range(40):
        with suppress(httpx.TransportError):
            served.post(IDS)
        struck.append(served.workspace.exchanges[-1].fault)
    quiet = [None] * 4
    assert struck == [*quiet, "ratelimited", *quiet, "html", *quiet, "reset", *quiet, "partial"] * 2


def test_tests_may_edit_between_requests_and_during_one(served: Linear) -> None:
    maria = served.workspace.member("maria")
    seen: list[str] = []

    def edit(field: str) -> None:
        seen.append(field)
        if field == "issueLabels":
            maria.rename_label("sre", "renamed")

    served.workspace.before_field = edit
    found = served.ask("{ issues { nodes { title } } issueLabels { nodes { name } } }")
    assert found["issueLabels"]["nodes"] == [{"name": "renamed"}]
    assert seen == ["issues", "issueLabels"]
    served.workspace.before_field = None
    served.workspace.on_exchange = lambda _: void(maria.edit("ENG-1", title="Edited between"))
    served.ask(IDS)
    assert served.workspace.issue("ENG-1").title == "Edited between"
    assert served.workspace.spent["Ids"] == served.workspace.exchanges[-1].complexity


# -- worlds, processes ----------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_world_with_every_anomaly() -> None:
    def made(seed: int) -> Workspace:
        clock = MovingClock()
        site = Site(clock=clock)
        build_world(site, size=200)
        workspace = Workspace(clock)
        build_linear_world(workspace, seed=seed, size=SMALLEST, twins=twins_of(site, 12, "http://127.0.0.1:1"))
        return workspace

    one = made(1)
    assert one.snapshot() == made(1).snapshot()
    assert one.snapshot() != made(2).snapshot()
    issues = list(one.issues)
    assert {team.key for team in one.teams} > set(LINEAR_SCOPE)
    assert one.hidden == {"SEC"}
    assert any(issue.parent and issue.parent.parent for issue in issues)
    assert any(issue.trashed for issue in issues)
    assert any(issue.bot_actor for issue in issues)
    assert sum(issue.synced_with is not None for issue in issues) >= 4
    links = [a.url for a in one.attachments]
    assert len(links) >= 8
    assert all(link.startswith("http://127.0.0.1:1/browse/") for link in links)
    torn = next(iter(one.projects))
    assert len({j.initiative.name for j in one.joins if j.project is torn}) >= 2
    assert all(i.updated_at <= one.now() and i.created_at <= i.updated_at for i in issues)
    with pytest.raises(ValueError, match="at least 60"):
        build_linear_world(Workspace(MovingClock()), size=SMALLEST - 1)


def test_twins_follow_from_the_jira_worlds_seed_and_size_whatever_the_hour() -> None:
    """So that a process which serves Linear knows the issues of another which serves Jira."""
    told = []
    for hours in (0, 1234.5):
        clock = MovingClock()
        clock.move(hours=hours)
        site = Site(clock=clock)
        build_world(site, size=400)
        told.append(twins_of(site, 20))
    assert told[0] == told[1]
    assert len({twin.key for twin in told[0]}) == 20


def test_it_runs_as_a_process_that_tests_control_and_kill() -> None:
    command = [sys.executable, "-m", "connectors.sandbox.linear", "--size", str(SMALLEST), "--control"]
    command += ["--twins-of", "http://127.0.0.1:9", "--jira-size", "200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            base = url.removesuffix("/graphql")
            with httpx.Client(headers={"authorization": TOKEN}) as client:
                settings = {"limits": {"requests": 600}, "switches": {"comment_cap": 1}}
                edit = {"person": "maria", "do": "create", "team": "CORE", "title": "By control"}
                key = client.post(f"{base}/_sandbox/edit", json=edit).json()
                robot = {"automation": "Rules", "do": "edit", "key": key, "labels_add": ["sre"]}
                assert client.post(f"{base}/_sandbox/edit", json=robot).status_code == 200
                client.post(f"{base}/_sandbox/faults", json=[{"kind": "html", "status": 503}])
                client.post(f"{base}/_sandbox/settings", json=settings)
                assert client.post(url, json={"query": IDS}).status_code == 503
                assert client.post(url, json={"query": IDS}).headers["x-ratelimit-requests-limit"] == "600"
                assert client.get(f"{base}/_sandbox/snapshot").json()[key]["labels"] == ["sre"]
                links = [
                    a["url"] for i in client.get(f"{base}/_sandbox/snapshot").json().values() for a in i["attachments"]
                ]
                assert any(link.startswith("http://127.0.0.1:9/browse/") for link in links)
                assert client.get(f"{base}/_sandbox/counts").json() == {"Ids": 2}
                assert client.post(f"{base}/_sandbox/edit", json={"person": "m", "do": "fly"}).status_code == 400
                assert client.get(f"{base}/elsewhere").status_code == 404
        finally:
            process.kill()
