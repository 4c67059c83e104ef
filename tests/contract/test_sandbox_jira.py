"""The sandbox keeps the promises and the traps of Jira Cloud that the facts describe."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from support_sandbox import JQL, MovingClock, adf, client_of, small_site, walk

from connectors.sandbox import Fault, Site, serve

ISSUE = "/rest/api/3/issue"


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def site(clock: MovingClock, watched: Callable[..., Site]) -> Site:
    return watched(small_site(clock), requests=False)


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    with client_of(site) as client:
        yield client


def made(site: Site, **options: Any) -> str:
    return site.person("maria").create(**{"project": "PAY", "summary": "Pay twice", **options})


def ids(rows: list[dict[str, Any]]) -> set[str]:
    return {row["id"] for row in rows}


# -- search -------------------------------------------------------------------------------------------------------


def test_a_search_that_names_no_fields_answers_ids_and_nothing_else(site: Site, client: httpx.Client) -> None:
    made(site)
    page = client.get(JQL, params={"jql": "project = PAY"}).json()
    assert page == {"issues": [{"id": "10001"}], "isLast": True}


def test_pages_are_capped_at_a_hundred_rows_unless_only_ids_are_asked(site: Site, client: httpx.Client) -> None:
    for _ in range(130):
        made(site)
    full = {"jql": "project = PAY", "maxResults": 5000}
    assert len(client.post(JQL, json={**full, "fields": ["labels"]}).json()["issues"]) == 100
    assert len(client.post(JQL, json=full).json()["issues"]) == 130


def test_a_walk_over_equal_sort_values_sees_every_issue_once(site: Site, client: httpx.Client) -> None:
    keys = {made(site) for _ in range(230)}
    rows = walk(client, "project = PAY ORDER BY updated ASC", fields=["key"], maxResults=7)
    assert len(rows) == 230
    assert {row["key"] for row in rows} == keys


def test_ties_are_not_answered_in_the_order_of_ids(site: Site, client: httpx.Client) -> None:
    for _ in range(20):
        made(site)
    numbers = [int(row["id"]) for row in walk(client, "project = PAY ORDER BY updated ASC")]
    assert numbers != sorted(numbers)


def test_an_issue_edited_during_a_walk_by_update_comes_again_at_the_end(
    site: Site, client: httpx.Client, clock: MovingClock
) -> None:
    keys = []
    for _ in range(6):
        keys.append(made(site))
        clock.move(seconds=1)
    query = {"jql": "project = PAY ORDER BY updated ASC, key ASC", "fields": ["key"], "maxResults": 3}
    first = client.post(JQL, json=query).json()
    site.person("maria").edit(keys[0], labels_add=["late"])
    second = client.post(JQL, json={**query, "nextPageToken": first["nextPageToken"]}).json()
    third = client.post(JQL, json={**query, "nextPageToken": second["nextPageToken"]}).json()
    seen = [row["key"] for page in (first, second, third) for row in page["issues"]]
    assert seen == [*keys, keys[0]]


@pytest.mark.parametrize("token", ["nonsense", "bm90IGpzb24=", "W10="])
def test_a_broken_token_is_refused(site: Site, client: httpx.Client, token: str) -> None:
    answer = client.post(JQL, json={"jql": "project = PAY", "nextPageToken": token})
    assert answer.status_code == 400
    assert answer.json()["errors"] == {}


def test_a_token_is_refused_after_a_week(site: Site, client: httpx.Client, clock: MovingClock) -> None:
    made(site), made(site)
    query = {"jql": "project = PAY", "maxResults": 1}
    token = client.post(JQL, json=query).json()["nextPageToken"]
    clock.move(days=6)
    assert client.post(JQL, json={**query, "nextPageToken": token}).status_code == 200
    clock.move(days=1)
    assert client.post(JQL, json={**query, "nextPageToken": token}).status_code == 400


@pytest.mark.parametrize("limit", [0, 5001, None, "x"])
def test_a_page_size_outside_one_to_five_thousand_is_refused(client: httpx.Client, limit: Any) -> None:
    assert client.post(JQL, json={"jql": "project = PAY", "maxResults": limit}).status_code == 400


def test_a_page_size_in_digits_is_a_number(client: httpx.Client) -> None:
    assert client.post(JQL, json={"jql": "project = PAY", "maxResults": "5"}).status_code == 200


def test_an_unknown_body_property_is_refused_without_field_errors(client: httpx.Client) -> None:
    answer = client.post(JQL, json={"jql": "project = PAY", "startAt": 0})
    assert answer.status_code == 400
    assert answer.json().keys() == {"errorMessages"}


def test_a_wrong_content_type_and_a_bad_query_integer_are_problem_documents(client: httpx.Client) -> None:
    wrong_type = client.post(JQL, content="jql", headers={"content-type": "text/plain"})
    wrong_number = client.get(JQL, params={"jql": "project = PAY", "maxResults": "ten"})
    for answer, status in ((wrong_type, 415), (wrong_number, 400)):
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert "errorMessages" not in answer.json()


@pytest.mark.parametrize("jql", ["", "ORDER BY updated", "project = PAY ORDER BY"])
def test_an_unbounded_or_broken_query_is_refused(client: httpx.Client, jql: str) -> None:
    assert client.get(JQL, params={"jql": jql}).status_code == 400


@pytest.mark.parametrize("project", ["NOPE", "PROC"])
def test_a_project_nobody_may_see_is_an_empty_page_not_an_error(site: Site, client: httpx.Client, project: str) -> None:
    made(site, project="PROC")
    answer = client.get(JQL, params={"jql": f"project = {project}"})
    assert (answer.status_code, answer.json()) == (200, {"issues": [], "isLast": True})


@pytest.mark.parametrize("path", ["/rest/api/3/search", "/rest/api/2/search"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_old_search_is_gone(site: Site, path: str, method: str) -> None:
    with client_of(site) as client:
        answer = client.request(method, path)
    assert answer.status_code == 410
    assert "/rest/api/3/search/jql" in answer.json()["errorMessages"][0]


def test_search_sees_a_change_only_after_the_lag_but_a_read_sees_it_at_once(
    site: Site, client: httpx.Client, clock: MovingClock
) -> None:
    key = made(site, labels=["old"])
    site.index_lag = timedelta(seconds=90)
    clock.move(seconds=200)
    client.put(f"{ISSUE}/{key}", json={"update": {"labels": [{"add": "new"}]}})
    clock.move(seconds=89)

    def labels() -> list[str]:
        return list(walk(client, f'key = "{key}"', fields=["labels"])[0]["fields"]["labels"])

    assert labels() == ["old"]
    assert client.get(f"{ISSUE}/{key}").json()["fields"]["labels"] == ["old", "new"]
    fetched = client.post(f"{ISSUE}/bulkfetch", json={"issueIdsOrKeys": [key], "fields": ["labels"]}).json()
    assert fetched["issues"][0]["fields"]["labels"] == ["old", "new"]
    reconciled = walk(client, f'key = "{key}"', fields=["labels"], reconcileIssues=[10001])
    assert reconciled[0]["fields"]["labels"] == ["old", "new"]
    clock.move(seconds=1)
    assert labels() == ["old", "new"]


def test_a_deleted_issue_stays_in_the_index_for_the_lag_and_then_leaves_no_trace(
    site: Site, client: httpx.Client, clock: MovingClock
) -> None:
    key = made(site)
    site.index_lag = timedelta(seconds=30)
    clock.move(seconds=60)
    assert len(walk(client, "project = PAY")) == 1
    site.person("maria").delete(key)
    assert len(walk(client, "project = PAY", fields=["summary"])) == 1
    assert client.get(f"{ISSUE}/{key}").status_code == 404
    clock.move(seconds=30)
    assert walk(client, "project = PAY") == []


def test_properties_come_with_the_rows_when_asked_for(site: Site, client: httpx.Client) -> None:
    key = made(site)
    client.put(f"{ISSUE}/{key}", json={"properties": [{"key": "syncd", "value": {"rev": 3}}]})
    row = walk(client, "project = PAY", fields=["summary"], properties=["syncd", "other"])[0]
    assert row["properties"] == {"syncd": {"rev": 3}}
    refused = client.post(JQL, json={"jql": "project = PAY", "properties": list("abcdef")})
    assert refused.status_code == 400


def test_the_count_is_of_the_index(site: Site, client: httpx.Client) -> None:
    site.index_lag = timedelta(hours=1)
    made(site)
    answer = client.post("/rest/api/3/search/approximate-count", json={"jql": "project = PAY"})
    assert answer.json() == {"count": 0}


# -- issues -------------------------------------------------------------------------------------------------------


def test_an_answer_speaks_in_the_zone_of_the_site(site: Site, client: httpx.Client) -> None:
    fields = client.get(f"{ISSUE}/{made(site)}").json()["fields"]
    assert fields["updated"] == "2026-11-21T13:00:00.123+0100"


def test_a_moved_issue_keeps_its_id_and_answers_to_its_old_key_with_the_new_one(
    site: Site, client: httpx.Client
) -> None:
    old = made(site)
    new = site.person("maria").move(old, "ONB")
    answer = client.get(f"{ISSUE}/{old.lower()}").json()
    assert (answer["id"], answer["key"], new) == ("10001", "ONB-1", "ONB-1")
    fetched = client.post(f"{ISSUE}/bulkfetch", json={"issueIdsOrKeys": [old]}).json()
    assert [issue["key"] for issue in fetched["issues"]] == ["ONB-1"]


def test_bulkfetch_answers_in_order_of_ids_and_leaves_out_what_is_missing_or_invisible(
    site: Site, client: httpx.Client
) -> None:
    first, second, hidden = made(site), made(site), made(site, project="PROC")
    asked = {"issueIdsOrKeys": [second, hidden, "PAY-999", first]}
    answer = client.post(f"{ISSUE}/bulkfetch", json=asked).json()
    assert ([issue["key"] for issue in answer["issues"]], answer["issueErrors"]) == ([first, second], [])
    too_many = client.post(f"{ISSUE}/bulkfetch", json={"issueIdsOrKeys": ["PAY-1"] * 101})
    assert too_many.status_code == 400


def test_a_parent_is_named_without_its_labels_and_an_invisible_one_by_key_alone(
    site: Site, client: httpx.Client
) -> None:
    epic = made(site, type="Epic", labels=["resilience"])
    hidden = made(site, project="PROC", type="Epic")
    child, orphan = made(site, parent=epic), made(site, parent=hidden)
    fields = client.get(f"{ISSUE}/{child}").json()["fields"]
    assert fields["parent"]["fields"].keys() == {"summary", "status", "priority", "issuetype"}
    assert fields["customfield_10014"] == epic
    parent = client.get(f"{ISSUE}/{orphan}").json()["fields"]["parent"]
    assert parent.keys() == {"id", "key", "self"}
    assert client.get(f"{ISSUE}/{hidden}").status_code == 404


def test_an_edit_of_an_epic_leaves_the_stamp_of_its_children(
    site: Site, client: httpx.Client, clock: MovingClock
) -> None:
    epic = made(site, type="Epic")
    child = made(site, parent=epic)
    before = site.issue(child).updated
    clock.move(minutes=5)
    site.person("maria").edit(epic, summary="Another name", labels_add=["cost"])
    assert site.issue(child).updated == before
    assert client.get(f"{ISSUE}/{child}").json()["fields"]["parent"]["fields"]["summary"] == "Another name"


def test_a_project_without_priorities_answers_no_such_key(site: Site, client: httpx.Client) -> None:
    key = made(site, project="ONB")
    assert "priority" not in client.get(f"{ISSUE}/{key}").json()["fields"]


def test_no_address_in_an_answer_is_the_one_that_was_asked(site: Site) -> None:
    made(site)
    with serve(site) as served, httpx.Client(base_url=served.url, auth=(site.email, site.token), timeout=60) as client:
        texts = [client.get(path).text for path in (f"{ISSUE}/PAY-1", "/rest/api/3/serverInfo")]
        assert not any(served.url in text for text in texts)


# -- edits --------------------------------------------------------------------------------------------------------


def test_label_verbs_change_only_what_they_name(site: Site, client: httpx.Client, clock: MovingClock) -> None:
    key = made(site, labels=["theirs", "outcome/old"])
    clock.move(seconds=5)
    edit = {"update": {"labels": [{"add": "outcome/new"}, {"remove": "outcome/old"}, {"remove": "absent"}]}}
    answer = client.put(f"{ISSUE}/{key}", json=edit, params={"notifyUsers": "false"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert site.issue(key).labels == ("theirs", "outcome/new")
    assert site.issue(key).updated == clock.at


@pytest.mark.parametrize(
    ("label", "words"), [("two words", "contains spaces which is invalid."), ("x" * 256, "exceeds the limit")]
)
def test_a_label_with_a_space_or_too_long_refuses_the_whole_edit(
    site: Site, client: httpx.Client, label: str, words: str
) -> None:
    key = made(site)
    edit = {"update": {"labels": [{"add": "good"}, {"add": label}]}, "fields": {"summary": "New"}}
    answer = client.put(f"{ISSUE}/{key}", json=edit)
    assert answer.status_code == 400
    assert words in answer.json()["errors"]["labels"]
    assert (site.issue(key).labels, site.issue(key).summary) == ((), "Pay twice")


def test_a_field_may_not_stand_in_fields_and_update(site: Site, client: httpx.Client) -> None:
    edit = {"update": {"labels": [{"add": "a"}]}, "fields": {"labels": ["b"]}}
    answer = client.put(f"{ISSUE}/{made(site)}", json=edit)
    assert (answer.status_code, [*answer.json()["errors"]]) == (400, ["labels"])


def test_setting_labels_replaces_what_people_added(site: Site, client: httpx.Client) -> None:
    key = made(site, labels=["theirs"])
    client.put(f"{ISSUE}/{key}", json={"fields": {"labels": ["mine"]}})
    assert site.issue(key).labels == ("mine",)


def test_silence_without_the_right_refuses_the_whole_edit(site: Site, client: httpx.Client) -> None:
    site.permissions.may_silence["PAY"] = False
    key, edit = made(site), {"update": {"labels": [{"add": "a"}]}}
    before = site.snapshot()
    answer = client.put(f"{ISSUE}/{key}", json=edit, params={"notifyUsers": "false"})
    assert answer.status_code == 403
    assert site.snapshot() == before
    assert client.put(f"{ISSUE}/{key}", json=edit).status_code == 204


@pytest.mark.parametrize(("value", "mails"), [("false", 0), ("true", 1), ("1", 1), ("0", 1)])
def test_only_the_word_false_keeps_an_edit_silent(site: Site, client: httpx.Client, value: str, mails: int) -> None:
    key = made(site)
    client.put(f"{ISSUE}/{key}", json={"update": {"labels": [{"add": "a"}]}}, params={"notifyUsers": value})
    assert [mail.to for mail in site.mails] == ["maria"] * mails


def test_labels_off_the_screen_are_a_field_error(site: Site, client: httpx.Client) -> None:
    site.permissions.labels_on_screen["PAY"] = False
    answer = client.put(f"{ISSUE}/{made(site)}", json={"update": {"labels": [{"add": "a"}]}})
    assert answer.status_code == 400
    assert "not on the appropriate screen" in answer.json()["errors"]["labels"]


def test_editing_without_the_right_is_forbidden_and_without_sight_not_found(site: Site, client: httpx.Client) -> None:
    key, hidden = made(site), made(site, project="PROC")
    site.permissions.may_edit["PAY"] = False
    edit = {"update": {"labels": [{"add": "a"}]}}
    assert client.put(f"{ISSUE}/{key}", json=edit).status_code == 403
    assert client.put(f"{ISSUE}/{hidden}", json=edit).status_code == 404


@pytest.mark.parametrize("bumps", [False, True])
def test_an_edit_that_changes_nothing_answers_as_any_other(
    site: Site, client: httpx.Client, clock: MovingClock, *, bumps: bool
) -> None:
    site.quirks.noop_edit_bumps = bumps
    key = made(site, labels=["a"])
    clock.move(seconds=1)
    answer = client.put(f"{ISSUE}/{key}", json={"update": {"labels": [{"add": "a"}]}})
    assert answer.status_code == 204
    assert (site.issue(key).updated == clock.at) is bumps
    assert site.mails == []


def test_the_changelog_names_the_author_and_holds_whole_sets_of_labels(site: Site, client: httpx.Client) -> None:
    key = made(site, labels=["a"])
    site.person("jonas").edit(key, labels_add=["b"], summary="Else")
    client.put(f"{ISSUE}/{key}", json={"update": {"labels": [{"add": "c"}]}})
    asked = {"issueIdsOrKeys": [key], "fieldIds": ["labels"]}
    log = client.post("/rest/api/3/changelog/bulkfetch", json=asked).json()["issueChangeLogs"]
    told = [
        (entry["author"]["displayName"], item["fromString"], item["toString"])
        for entry in log[0]["changeHistories"]
        for item in entry["items"]
    ]
    assert told == [("Jonas", "a", "a b"), ("syncd", "a b", "a b c")]


def test_a_changelog_longer_than_a_page_has_a_token(site: Site, client: httpx.Client) -> None:
    key = made(site)
    for number in range(5):
        site.person("jonas").edit(key, labels_add=[f"l{number}"])
    asked: dict[str, Any] = {"issueIdsOrKeys": [key], "maxResults": 3}
    first = client.post("/rest/api/3/changelog/bulkfetch", json=asked).json()
    rest = client.post(
        "/rest/api/3/changelog/bulkfetch", json={**asked, "nextPageToken": first["nextPageToken"]}
    ).json()
    counts = [len(page["issueChangeLogs"][0]["changeHistories"]) for page in (first, rest)]
    assert (counts, "nextPageToken" in rest) == ([3, 2], False)


def test_edits_at_the_same_time_all_land(site: Site, client: httpx.Client) -> None:
    key = made(site)

    def add(number: int) -> int:
        edit = {"update": {"labels": [{"add": f"bot-{number}"}]}}
        status = client.put(f"{ISSUE}/{key}", json=edit).status_code
        site.person("jonas").edit(key, labels_add=[f"jonas-{number}"])
        return status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(add, range(20))) == {204}
    assert sorted(site.issue(key).labels) == sorted(f"{who}-{n}" for who in ("bot", "jonas") for n in range(20))


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"fields": {"description": "plain words"}}, "description"),
        ({"fields": {"summary": "two\nlines"}}, "summary"),
        ({"fields": {"summary": " "}}, "summary"),
        ({"fields": {"nonsense": 1}}, "nonsense"),
        ({"fields": {"parent": {"key": "PAY-999"}}}, "parent"),
        ({"fields": {"priority": {"name": "Urgent"}}}, "priority"),
        ({"update": {"labels": [{"remove": "a b"}]}}, "labels"),
        ({"update": {"labels": [{"set": "a"}]}}, "labels"),
        ({"update": {"labels": [{"add": 1}]}}, "labels"),
    ],
)
def test_a_field_that_jira_would_not_take_is_named(
    site: Site, client: httpx.Client, edit: dict[str, Any], field: str
) -> None:
    answer = client.put(f"{ISSUE}/{made(site)}", json=edit)
    assert (answer.status_code, [*answer.json()["errors"]]) == (400, [field])


def test_other_fields_are_written_too(site: Site, client: httpx.Client) -> None:
    epic, key = made(site, type="Epic"), made(site)
    fields = {"summary": "New", "description": adf("Why"), "priority": {"name": "Low"}, "parent": {"key": epic}}
    edit = {"fields": fields, "update": {"components": [{"add": {"name": "Ledger"}}]}}
    answer = client.put(f"{ISSUE}/{key}", json=edit, params={"returnIssue": "true"}).json()["fields"]
    assert (answer["summary"], answer["priority"]["name"], answer["parent"]["key"]) == ("New", "Low", epic)
    assert ([c["name"] for c in answer["components"]], answer["description"]) == (["Ledger"], adf("Why"))


def test_a_defect_of_the_sandbox_is_answered_as_such_and_kept(clock: MovingClock) -> None:
    site = small_site(clock)
    key = made(site)
    del site.histories[site.issue(key).id]
    with client_of(site) as client:
        answer = client.post("/rest/api/3/changelog/bulkfetch", json={"issueIdsOrKeys": [key]})
    assert answer.status_code == 500
    assert ["KeyError" in crash for crash in site.crashes] == [True]


# -- properties and comments --------------------------------------------------------------------------------------


def test_properties_are_written_read_and_deleted_without_touching_the_stamp(
    site: Site, client: httpx.Client, clock: MovingClock
) -> None:
    key = made(site)
    path, before = f"{ISSUE}/{key}/properties/syncd", site.issue(key).updated
    clock.move(minutes=1)
    assert client.put(path, json={"a": 1}).status_code == 201
    assert client.put(path, json={"a": 2}).status_code == 200
    assert client.get(path).json() == {"key": "syncd", "value": {"a": 2}}
    assert [one["key"] for one in client.get(f"{ISSUE}/{key}/properties").json()["keys"]] == ["syncd"]
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert (site.issue(key).updated, site.mails) == (before, [])
    assert client.put(path, json="x" * 33_000).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]},
        {"type": "doc", "version": 2, "content": []},
        {"type": "doc", "version": 1},
        {"type": "doc", "version": 1, "content": [{"type": "text", "text": "bare"}]},
        {"type": "doc", "version": 1, "content": [{"type": "bulletList", "content": []}]},
        {"type": "doc", "version": 1, "content": [{"type": "heading", "content": []}]},
    ],
)
def test_a_malformed_document_is_invalid_input(site: Site, client: httpx.Client, body: Any) -> None:
    answer = client.post(f"{ISSUE}/{made(site)}/comment", json={"body": body})
    assert (answer.status_code, answer.json()["errorMessages"]) == (400, ["INVALID_INPUT"])


@pytest.mark.parametrize(("marks", "status"), [(["code", "link"], 201), (["code", "strong"], 400), (["em"], 201)])
def test_code_combines_with_links_only(site: Site, client: httpx.Client, marks: list[str], status: int) -> None:
    shown = [{"type": m, "attrs": {"href": "https://x.example"}} if m == "link" else {"type": m} for m in marks]
    body = adf("word")
    body["content"][0]["content"][0]["marks"] = shown
    assert client.post(f"{ISSUE}/{made(site)}/comment", json={"body": body}).status_code == status


def test_a_comment_in_plain_words_is_refused(site: Site, client: httpx.Client) -> None:
    answer = client.post(f"{ISSUE}/{made(site)}/comment", json={"body": "hello"})
    assert (answer.status_code, answer.json()["errors"]) == (400, {"comment": "Comment body is not valid!"})


def test_a_comment_is_stored_changed_signed_by_a_property_and_always_mailed(
    site: Site, client: httpx.Client, clock: MovingClock
) -> None:
    key = made(site)
    clock.move(minutes=1)
    signed = {"body": adf("Who decides?"), "properties": [{"key": "syncd", "value": {"rev": 1}}]}
    answer = client.post(f"{ISSUE}/{key}/comment", json=signed)
    comment = answer.json()
    assert answer.status_code == 201
    assert comment["body"] != signed["body"]
    assert site.issue(key).updated == clock.at
    assert [mail.to for mail in site.mails] == ["maria"]
    listed = client.get(f"{ISSUE}/{key}/comment").json()
    assert (listed["total"], "properties" in listed["comments"][0]) == (1, False)
    found = client.post("/rest/api/3/comment/list?expand=properties", json={"ids": [int(comment["id"]), 1]}).json()
    assert [value["properties"] for value in found["values"]] == [signed["properties"]]


def test_a_comment_can_be_edited_silently_and_deleted_by_its_author_alone(site: Site, client: httpx.Client) -> None:
    key = made(site)
    theirs = site.person("jonas").comment(key, "Mine")
    site.mails.clear()
    own = client.post(f"{ISSUE}/{key}/comment", json={"body": adf("One")}).json()["id"]
    site.mails.clear()
    edit = {"body": adf("Two"), "properties": [{"key": "syncd", "value": 2}]}
    silent = client.put(f"{ISSUE}/{key}/comment/{own}", json=edit, params={"notifyUsers": "false"})
    assert (silent.status_code, site.mails) == (200, [])
    assert client.get(f"/rest/api/3/comment/{own}/properties/syncd").json()["value"] == 2
    assert client.put(f"/rest/api/3/comment/{own}/properties/syncd", json=3).status_code == 200
    assert client.put(f"{ISSUE}/{key}/comment/{theirs}", json=edit).status_code == 400
    assert client.delete(f"{ISSUE}/{key}/comment/{theirs}").status_code == 400
    assert client.delete(f"{ISSUE}/{key}/comment/{own}").status_code == 204
    assert client.get(f"{ISSUE}/{key}/comment/{own}").status_code == 404


def test_whoever_comments_watches_from_then_on(site: Site, client: httpx.Client) -> None:
    key = made(site)
    client.post(f"{ISSUE}/{key}/comment", json={"body": adf("One")})
    site.mails.clear()
    site.person("maria").edit(key, summary="Changed")
    assert [mail.to for mail in site.mails] == ["syncd"]


def test_a_row_holds_a_cut_list_of_comments_with_the_true_total(site: Site, client: httpx.Client) -> None:
    key = made(site)
    for number in range(30):
        site.person("jonas").comment(key, f"No {number}")
    held = walk(client, "project = PAY", fields=["comment"])[0]["fields"]["comment"]
    assert (len(held["comments"]), held["total"]) == (20, 30)
    tail = client.get(f"{ISSUE}/{key}/comment", params={"startAt": 25, "maxResults": 50, "orderBy": "-created"})
    assert len(tail.json()["comments"]) == 5


@pytest.mark.parametrize("internal", [False, True])
def test_in_a_service_project_a_comment_is_public_unless_its_property_says_internal(
    site: Site, client: httpx.Client, *, internal: bool
) -> None:
    mark = [{"key": "sd.public.comment", "value": {"internal": True}}] if internal else []
    key = made(site, project="SD")
    answer = client.post(f"{ISSUE}/{key}/comment", json={"body": adf("One"), "properties": mark})
    assert answer.json()["jsdPublic"] is not internal


# -- who may ------------------------------------------------------------------------------------------------------


def test_wrong_credentials_are_refused_and_missing_ones_see_nothing(site: Site) -> None:
    made(site)
    with serve(site) as served, httpx.Client(base_url=served.url) as nobody:
        assert nobody.get("/rest/api/3/myself", auth=(site.email, "old")).status_code == 401
        assert nobody.get(JQL, params={"jql": "project = PAY"}, auth=("x", "y")).status_code == 401
        assert nobody.get("/rest/api/3/myself").status_code == 401
        assert nobody.get(JQL, params={"jql": "project = PAY"}).json()["issues"] == []
        assert nobody.get("/rest/api/3/project/search").json()["values"] == []
        assert nobody.get(f"{ISSUE}/PAY-1").status_code == 404
        assert nobody.put(f"{ISSUE}/PAY-1", json={"fields": {"summary": "x"}}).status_code == 401


def test_the_account_and_the_site_live_in_different_zones(site: Site, client: httpx.Client) -> None:
    me, server = client.get("/rest/api/3/myself").json(), client.get("/rest/api/3/serverInfo").json()
    assert (me["timeZone"], me["accountId"]) == ("Pacific/Auckland", site.account.account_id)
    assert (server["deploymentType"], server["baseUrl"]) == ("Cloud", site.base_url)


def test_projects_are_those_one_may_browse(site: Site, client: httpx.Client) -> None:
    found = client.get("/rest/api/3/project/search").json()
    assert [(p["key"], p["style"], p["projectTypeKey"]) for p in found["values"]] == [
        ("ONB", "classic", "software"),
        ("PAY", "classic", "software"),
        ("SD", "classic", "service_desk"),
        ("WEB", "next-gen", "software"),
    ]
    some = client.get("/rest/api/3/project/search", params={"keys": ["PAY", "PROC", "NOPE"]}).json()
    assert [project["key"] for project in some["values"]] == ["PAY"]
    page = client.get("/rest/api/3/project/search", params={"maxResults": 3, "startAt": 3}).json()
    assert (len(page["values"]), page["isLast"], page["total"]) == (1, True, 4)


def test_the_epic_link_is_found_by_its_schema_alone(client: httpx.Client) -> None:
    fields = client.get("/rest/api/3/field").json()
    links = [f["id"] for f in fields if f["schema"].get("custom", "").endswith(":gh-epic-link")]
    decoys = [f["id"] for f in fields if f["name"] == "Epic Link"]
    assert links == ["customfield_10014"]
    assert len(decoys) >= 2
    assert not set(links) & set(decoys)


def test_labels_are_listed_in_the_case_they_were_stored_in(site: Site, client: httpx.Client) -> None:
    made(site, labels=["sre", "SRE"])
    assert client.get("/rest/api/3/label").json()["values"] == ["SRE", "sre"]


# -- the wire -----------------------------------------------------------------------------------------------------


def test_every_answer_carries_the_time_of_the_sites_clock_and_the_rate_limit(
    client: httpx.Client, clock: MovingClock
) -> None:
    clock.move(days=400)
    for path in ("/rest/api/3/myself", f"{ISSUE}/PAY-404", "/nowhere"):
        headers = client.get(path).headers
        assert headers["date"] == "Sun, 26 Dec 2027 12:00:00 GMT"
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-nearlimit"} <= headers.keys()


def test_a_rate_limit_fault_says_when_to_come_back_and_why(site: Site, client: httpx.Client) -> None:
    fault = Fault(
        "status", status=429, retry_after=2, reason="jira-burst-based", match="GET /rest/api/3/myself", times=2
    )
    site.faults.add(fault)
    answers = [client.get("/rest/api/3/myself") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].headers["retry-after"], answers[0].headers["ratelimit-reason"]) == ("2", "jira-burst-based")
    assert fault.struck == 2


def test_a_fault_may_answer_in_html(site: Site, client: httpx.Client) -> None:
    site.faults.add(Fault("status", status=503, html=True))
    answer = client.get("/rest/api/3/myself")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html;charset=UTF-8")


def test_a_fault_strikes_each_nth_request_after_some(site: Site, client: httpx.Client) -> None:
    site.faults.add(Fault("status", status=500, times=None, every=3, after=1))
    assert [client.get("/rest/api/3/myself").status_code for _ in range(7)] == [200, 200, 200, 500, 200, 200, 500]


@pytest.mark.parametrize(
    ("kind", "error", "done"),
    [
        ("reset", httpx.ReadError, False),
        ("lose_answer", httpx.ReadError, True),
        ("truncate", httpx.RemoteProtocolError, True),
    ],
)
def test_faults_on_the_wire_end_the_request_before_or_after_the_write(
    site: Site, client: httpx.Client, kind: Any, error: type[Exception], *, done: bool
) -> None:
    key = made(site)
    site.faults.add(Fault(kind, match="POST /rest/api/3/issue/*/comment"))
    with pytest.raises(error):
        client.post(f"{ISSUE}/{key}/comment", json={"body": adf("One")})
    assert len(site.issue(key).comments) == int(done)
    assert client.get("/rest/api/3/myself").status_code == 200


def test_exchanges_are_recorded_and_counted_by_template(site: Site, client: httpx.Client) -> None:
    key = made(site)
    client.put(f"{ISSUE}/{key}", json={"fields": {"summary": "New"}}, params={"notifyUsers": "false"})
    last = site.exchanges[-1]
    assert (last.method, last.path, last.query, last.status) == ("PUT", f"{ISSUE}/{key}", "notifyUsers=false", 204)
    assert last.request_body == b'{"fields":{"summary":"New"}}'
    assert site.counts == {"PUT /rest/api/3/issue/{issueIdOrKey}": 1}
