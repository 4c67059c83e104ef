"""Raw answers → issues, and one JQL query: pure, over every shape that Jira is known to answer in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.jira.cloud import KIND
from connectors.jira.custom import Catalogue
from connectors.jira.jql import changed_since, quoted
from connectors.jira.mapping import Dialect, read_issue
from connectors.jira.remembered import AT_MOST, Remembered
from syncd.core.errors import OptionProblem, Unreadable
from syncd.core.model import Category, Copy, Issue, Link, Person
from syncd.core.ports import MarkNames

DIALECT = Dialect("acme", "https://acme.example", MarkNames(), ("customfield_10014", "customfield_10099"))


def raw(**fields: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "summary": "Failover",
        "issuetype": {"id": "1", "name": "Story", "hierarchyLevel": 0, "subtask": False},
        "status": {"name": "Offen", "statusCategory": {"id": 2, "key": "new", "name": "Zu erledigen"}},
        "project": {"key": "PAY", "name": "Payments"},
        "labels": [],
        "created": "2026-09-27T10:03:11.123+0200",
        "updated": "2026-09-28T00:00:00.000-0800",
    }
    return {"id": "10001", "key": "PAY-1", "fields": told | fields}


def read(**fields: Any) -> Issue:
    issue = read_issue(raw(**fields), DIALECT)
    assert isinstance(issue, Issue), issue
    return issue


def wrong(value: Any, where: str = "issue") -> Unreadable:
    issue = read_issue(value, DIALECT, where)
    assert isinstance(issue, Unreadable), issue
    return issue


def test_instants_are_told_in_utc_whatever_zone_the_site_writes() -> None:
    issue = read()
    assert issue.created == datetime(2026, 9, 27, 8, 3, 11, 123_000, tzinfo=UTC)
    assert issue.updated == datetime(2026, 9, 28, 8, 0, tzinfo=UTC)
    assert issue.updated.tzinfo is UTC


@pytest.mark.parametrize(
    "absent",
    ["summary", "priority", "components", "fixVersions", "labels", "parent", "assignee", "reporter", "security"],
)
def test_absent_and_null_both_mean_none(absent: str) -> None:
    with_null = raw(**{absent: None})
    without = raw()
    without["fields"].pop(absent, None)
    assert read_issue(with_null, DIALECT) == read_issue(without, DIALECT)
    assert isinstance(read_issue(without, DIALECT), Issue)


def test_a_missing_creation_date_or_project_is_made_good() -> None:
    issue = read(created=None, project=None)
    assert issue.created == issue.updated
    assert (issue.project, issue.project_name) == ("PAY", "PAY")


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("new", Category.TODO),
        ("undefined", Category.TODO),
        ("indeterminate", Category.IN_PROGRESS),
        ("done", Category.DONE),
    ],
)
def test_status_categories_are_told_by_key_never_by_name(category: str, expected: Category) -> None:
    assert read(status={"name": "?", "statusCategory": {"key": category, "name": "Done"}}).category is expected


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ({"hierarchyLevel": 2}, 2),
        ({"hierarchyLevel": -1}, -1),
        ({"hierarchyLevel": 1, "subtask": True}, 1),
        ({"subtask": True}, -1),
        ({}, 0),
    ],
)
def test_the_level_is_jiras_own_or_told_by_subtask(kind: dict[str, Any], level: int) -> None:
    assert read(issuetype={"name": "X"} | kind).level == level


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        ({"parent": {"id": "7", "key": "PAY-7"}, "customfield_10014": "PAY-9"}, Link("7", "PAY-7")),
        ({"parent": {"id": 7, "key": "PAY-7"}}, Link("7", "PAY-7")),
        ({"parent": None, "customfield_10014": "PAY-9"}, Link(None, "PAY-9")),
        ({"customfield_10014": None, "customfield_10099": "PAY-8"}, Link(None, "PAY-8")),
        ({"customfield_10014": ""}, None),
        ({"customfield_10015": "PAY-9"}, None),
    ],
)
def test_the_parent_is_the_unified_field_else_the_epic_link(fields: dict[str, Any], parent: Link | None) -> None:
    assert read(**fields).parent == parent


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("atlassian", "member"), ("customer", "customer"), ("app", "app"), (None, "unknown"), (3, "unknown")],
)
def test_people_customers_and_apps_are_told_apart(kind: Any, expected: Any) -> None:
    account = {"accountId": "a1", "displayName": "Bo", "accountType": kind}
    assert read(assignee=account).assignee == Person("a1", "Bo", expected)


@pytest.mark.parametrize(
    "value",
    [None, "x", [], {"installation": "acme"}, {"installation": 1, "instance": "i", "mark": None}, {"mark": "m"}],
)
def test_a_property_that_syncd_did_not_write_is_no_copy(value: Any) -> None:
    issue = read_issue(raw() | {"properties": {"syncd": value}}, DIALECT)
    assert isinstance(issue, Issue)
    assert issue.copy is None


def test_the_copy_is_read_from_the_property() -> None:
    held = {"installation": "acme", "instance": "i", "mark": None, "later": "key"}
    issue = read_issue(raw() | {"properties": {"syncd": held}}, DIALECT)
    assert isinstance(issue, Issue)
    assert issue.copy == Copy("acme", "i", None)


def test_an_issue_under_a_security_level_is_restricted() -> None:
    assert read(security={"id": "1", "name": "Board only"}).restricted
    assert not read().restricted


def test_labels_and_marks_are_kept_apart_folded() -> None:
    issue = read(labels=["SRE", "Outcome/x", "\uff2futcome/y", "ALIGNMENT/conflict", "outcomes", ""])
    assert issue.labels == ("SRE", "outcomes")
    assert issue.marks == ("Outcome/x", "\uff2futcome/y", "ALIGNMENT/conflict")


def test_what_no_store_accepts_is_replaced() -> None:
    assert read(summary="a\x00b\ud800c").title == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"labels": "SRE bug"}, "issue.fields.labels"),
        ({"labels": ["SRE", 3]}, "issue.fields.labels[1]"),
        ({"status": None}, "issue.fields.status"),
        ({"status": {"name": "x", "statusCategory": {"key": "paused"}}}, "issue.fields.status.statusCategory.key"),
        ({"status": {"name": "x"}}, "issue.fields.status.statusCategory"),
        ({"issuetype": None}, "issue.fields.issuetype"),
        ({"issuetype": {"name": "x", "hierarchyLevel": "1"}}, "issue.fields.issuetype.hierarchyLevel"),
        ({"updated": None}, "issue.fields.updated"),
        ({"updated": "yesterday"}, "issue.fields.updated"),
        ({"updated": "2026-01-01T00:00:00"}, "issue.fields.updated"),
        ({"created": 5}, "issue.fields.created"),
        ({"parent": {}}, "issue.fields.parent"),
        ({"parent": "PAY-1"}, "issue.fields.parent"),
        ({"components": [{"id": "1"}]}, "issue.fields.components[0].name"),
        ({"summary": {"text": "x"}}, "issue.fields.summary"),
    ],
)
def test_what_a_rule_would_get_wrong_is_set_aside_with_its_path(fields: dict[str, Any], path: str) -> None:
    error = wrong(raw(**fields))
    assert str(error).startswith(f"PAY-1: {path} ")
    assert error.link == Link("10001", "PAY-1")
    assert error.tracker == "acme"


@pytest.mark.parametrize(
    "value", [None, [], "x", 3, {}, {"id": "1"}, {"key": "PAY-1", "fields": {}}, {"id": "1", "key": "K-1"}]
)
def test_anything_at_all_is_read_without_an_exception(value: Any) -> None:
    wrong(value)


def test_the_epic_link_is_found_by_type_never_by_name_or_number() -> None:
    link = {"custom": "com.pyxis.greenhopper.jira:gh-epic-link"}
    fields = [
        {"id": "customfield_10014", "name": "Epic Link", "schema": {"custom": "textfield"}},
        {"id": "customfield_10099", "name": "Épopée", "schema": link},
        {"id": "customfield_10020", "name": "Epic Link", "schema": link},
        {"id": "summary"},
        {"schema": None, "id": "x"},
        None,
    ]
    assert Catalogue.of(fields).epic_links == ("customfield_10020", "customfield_10099")
    assert Catalogue.of({"error": 1}) == Catalogue()


# --- jql ---


def test_the_query_is_zone_free_bounded_below_and_open_above() -> None:
    since = datetime(2026, 11, 21, 12, 0, 0, 999_999, tzinfo=UTC)
    jql = 'project in ("PAY", "OPS") AND updated >= 1795262400999 ORDER BY updated ASC, key ASC'
    assert changed_since(["PAY", "OPS"], since) == jql
    assert changed_since(["PAY", "OPS"], since.astimezone(tz=None)) == jql


def test_every_value_is_quoted_and_cannot_leave_its_quotes() -> None:
    assert changed_since(["ORDER"], None) == 'project in ("ORDER") ORDER BY updated ASC, key ASC'
    assert quoted('a"b\\c\nd') == '"a\\"b\\\\cd"'


def test_a_query_without_a_project_is_never_made() -> None:
    with pytest.raises(ValueError, match="at least one project"):
        changed_since([], None)


def test_an_instant_before_1970_asks_for_everything() -> None:
    assert "updated >= 0 " in changed_since(["A"], datetime(1970, 1, 1, tzinfo=UTC) - timedelta(days=1))


# --- options ---

GOOD = {
    "kind": "jira-cloud",
    "url": "https://acme.atlassian.net/",
    "auth": {"email": "bot@acme.example", "token": {"env": "JIRA_TOKEN"}},
    "scope": {"projects": ["PAY", "OPS"]},
}


def complaints(**changed: Any) -> list[OptionProblem]:
    return list(KIND.check(GOOD | changed))


def test_good_options_draw_no_complaint() -> None:
    assert complaints() == []
    assert complaints(url="https://api.atlassian.com/ex/jira/11223344-a1b2-3b33-c444-def123456789") == []
    assert complaints(url="http://127.0.0.1:8080") == []


@pytest.mark.parametrize(
    ("changed", "path", "word"),
    [
        ({"url": None}, ("url",), "needs the url"),
        ({"url": "acme.atlassian.net"}, ("url",), "needs the url"),
        ({"url": "https://[broken"}, ("url",), "needs the url"),
        ({"url": "https://acme.atlassian.net/jira/projects"}, ("url",), "without /jira/projects"),
        ({"url": "https://u:p@acme.atlassian.net"}, ("url",), "credentials"),
        ({"url": "https://acme.atlassian.net?x=1"}, ("url",), "no ?"),
        ({"url": "https://api.atlassian.com"}, ("url",), "cloud id"),
        ({"auth": None}, ("auth",), "email and token"),
        ({"auth": {"token": {"env": "X"}}}, ("auth",), "email"),
        ({"auth": {"email": "a@b", "tokn": "x"}}, ("auth", "tokn"), "tokn"),
        ({"auth": {"email": "bot", "token": "x"}}, ("auth", "email"), "not the email"),
        ({"scope": None}, ("scope",), "which projects"),
        ({"scope": {"project": ["PAY"]}}, ("scope", "project"), "project"),
        ({"scope": {"projects": []}}, ("scope", "projects"), "at least one"),
        ({"scope": {"projects": "PAY"}}, ("scope", "projects"), "list"),
        ({"scope": {"projects": ["pay"]}}, ("scope", "projects", 0), "not a project key"),
        ({"scope": {"projects": ["PAY", "PAY-1"]}}, ("scope", "projects", 1), "not a project key"),
        ({"scope": {"projects": ["PAY", "PAY"]}}, ("scope", "projects", 1), "twice"),
        ({"scope": {"projects": [{"a": 1}]}}, ("scope", "projects", 0), "not a project key"),
    ],
)
def test_each_fault_in_the_options_is_told_at_its_place(changed: Any, path: tuple[Any, ...], word: str) -> None:
    problems = complaints(**changed)
    assert (path, True) in [(p.path, word in p.message) for p in problems]


def test_near_misses_are_named() -> None:
    assert [p.hint for p in complaints(scope={"project": ["A"], "projects": ["PAY"]})] == ["did you mean projects?"]
    assert [p.hint for p in complaints(scope={"projects": ["pay"]})] == ["PAY"]
    hints = [p.hint for p in complaints(auth={"email": "a@b", "token": "x", "tokens": "y"})]
    assert hints == ["did you mean token?"]


def test_a_complaint_about_a_url_never_repeats_its_credentials() -> None:
    (problem,) = complaints(url="https://bot:hunter2@acme.atlassian.net")
    assert "hunter2" not in repr(problem)


def test_an_issue_read_again_is_the_same_object_while_not_a_word_of_it_differs() -> None:
    remembered = Remembered(DIALECT)
    first = remembered.read(raw(), "issues[0]")
    assert remembered.read(raw(), "issues[7]") is first
    status = {"name": "Open", "statusCategory": {"key": "new"}}
    for other in (raw(labels=["sre"]), raw(status=status), {**raw(), "properties": {"syncd": {}}}):
        assert remembered.read(other, "issues[0]") is not first
        first = remembered.read(raw(), "issues[0]")
        assert first == read()


def test_what_is_remembered_of_issues_read_is_bounded_and_no_words_are_too_strange_to_be_read() -> None:
    remembered, nest = Remembered(DIALECT), list[Any]()
    for _ in range(900):
        nest = [nest]
    for strange in (raw(customfield_1=nest), raw(summary="\ud800"), raw(customfield_1=2**80)):
        assert remembered.read(strange, "issues[0]") == read_issue(strange, DIALECT)
        assert isinstance(read_issue(strange, DIALECT), Issue)
    nameless = {**raw(), "key": None}
    assert str(remembered.read(nameless, "issues[3]")) == str(wrong(nameless, "issues[3]"))
    for n in range(AT_MOST + 5):
        remembered.read({**raw(), "id": str(n)}, "issues[0]")
    assert len(remembered._known) <= AT_MOST
