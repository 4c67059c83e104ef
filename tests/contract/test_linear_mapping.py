"""Linear's rows → issues, labels, nodes, options: pure, over every shape that they are known to come in."""

import csv
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.linear.kind import KIND
from connectors.linear.labels import Labels
from connectors.linear.mapping import Dialect, in_scope, read_issue
from connectors.linear.memory import Begun, Memory
from connectors.linear.nodes import Nodes, Raw
from connectors.linear.shapes import Untold, WrongError
from connectors.linear.signs import copy_metadata, copy_of, copy_url, label_sign, mark_of, signer, spare_name
from syncd.core.errors import OptionProblem, Unreadable
from syncd.core.model import Category, Copy, Issue, Link
from syncd.core.ports import MEMORY_AT_MOST, MarkNames

GROUPS = MarkNames("Outcome/", "Alignment/")
LABELS = Labels.of([("l[0]", {"id": "l1", "name": "sre"}), ("l[1]", {"id": "l2"})])
DIALECT = Dialect("acme", LABELS, sprint=True, installation="acme")


def raw(**changed: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": "u-1",
        "identifier": "ENG-1",
        "title": "Fail over",
        "priority": 2,
        "labelIds": [],
        "url": "https://linear.app/acme/issue/ENG-1/fail-over",
        "createdAt": "2026-02-27T13:45:52.436Z",
        "updatedAt": "2026-02-27T14:38:16.837Z",
        "archivedAt": None,
        "trashed": None,
        "state": {"name": "Blocked", "type": "canceled"},
        "team": {"key": "ENG", "name": "Engineering", "visibility": "public"},
    }
    return told | changed


def read(**changed: Any) -> Issue:
    issue = read_issue(raw(**changed), DIALECT)
    assert isinstance(issue, Issue), issue
    return issue


def wrong(**changed: Any) -> Unreadable:
    issue = read_issue(raw(**changed), DIALECT)
    assert isinstance(issue, Unreadable), issue
    return issue


# --- issues ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("triage", Category.TODO), ("backlog", Category.TODO), ("unstarted", Category.TODO),
        ("started", Category.IN_PROGRESS), ("completed", Category.DONE), ("canceled", Category.DONE),
        ("duplicate", Category.DONE),
    ],
)  # fmt: skip
def test_a_state_counts_by_its_type_and_is_called_by_its_name(kind: str, category: Category) -> None:
    issue = read(state={"name": "Blocked", "type": kind})
    assert (issue.status, issue.category) == ("Blocked", category)


@pytest.mark.parametrize(
    "absent",
    ["parent", "project", "assignee", "creator", "botActor", "externalUserCreator", "cycle", "syncedWith", "copies",
     "links", "createdAt", "title", "priority"],
)  # fmt: skip
def test_absent_and_null_both_mean_none(absent: str) -> None:
    without = raw()
    without.pop(absent, None)
    issue = read_issue(without, DIALECT)
    assert isinstance(issue, Issue)
    assert read_issue(raw(**{absent: None}), DIALECT) == issue


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"id": None}, "issue.id is missing"),
        ({"identifier": ""}, "issue.identifier is missing"),
        ({"identifier": 12}, "issue.identifier is not a text: 12"),
        ({"title": 7}, "issue.title is not a text"),
        ({"priority": 9}, "issue.priority is none of 0 to 4: 9"),
        ({"priority": "high"}, "issue.priority is none of 0 to 4"),
        ({"priority": True}, "issue.priority is none of 0 to 4"),
        ({"labelIds": None}, "issue.labelIds is missing"),
        ({"labelIds": "x"}, "issue.labelIds is not a list"),
        ({"labelIds": [3]}, r"issue.labelIds\[0\] is not the id of a label"),
        ({"labelIds": ["l2"]}, r"issue.labelIds\[0\] is a label that cannot be read: l\[1\].name is missing"),
        ({"url": "javascript:alert(1)"}, "issue.url is no web address"),
        ({"updatedAt": None}, "issue.updatedAt is missing"),
        ({"updatedAt": "yesterday"}, "issue.updatedAt is no date and time"),
        ({"updatedAt": "2026-02-27T14:38:16"}, "issue.updatedAt has no time zone"),
        ({"state": None}, "issue.state is missing"),
        ({"state": {"name": "New", "type": "merged"}}, "issue.state.type is none of triage, .*: 'merged'"),
        ({"state": {"name": "New", "type": None}}, "issue.state.type is none of"),
        ({"state": []}, "issue.state is not an object"),
        ({"team": None}, "issue.team is missing"),
        ({"team": {"name": "x"}}, "issue.team.key is missing"),
        ({"parent": {"identifier": "ENG-2"}}, "issue.parent.id is missing"),
        ({"parent": "ENG-2"}, "issue.parent is not an object"),
        ({"project": {"name": "x"}}, "issue.project.id is missing"),
        ({"project": Untold("boom")}, r"issue.project is not an object: it could not be told \(boom\)"),
        ({"syncedWith": Untold("boom")}, "issue.syncedWith is not a list: it could not be told"),
        ({"copies": {"nodes": None}}, "issue.copies.nodes is missing"),
        ({"cycle": {"name": None, "number": "x"}}, "issue.cycle.number is not a number"),
    ],
)
def test_what_a_rule_or_a_write_would_get_wrong_is_refused_with_its_path(changed: dict[str, Any], says: str) -> None:
    bad = wrong(**changed)
    assert re.search(says, str(bad)), str(bad)
    assert bad.link is not None


@pytest.mark.parametrize("value", [None, [], "x", 3, True])
def test_a_row_that_is_no_object_is_a_value_and_stops_nothing(value: Any) -> None:
    bad = read_issue(value, DIALECT, "issues.nodes[4]")
    assert isinstance(bad, Unreadable)
    assert "issues.nodes[4]" in str(bad)
    assert bad.link is None


def test_people_are_told_by_kind_and_one_that_fails_is_nobody() -> None:
    def who(**told: Any) -> Any:
        person = read(assignee={"id": "p1", "name": "Maria", **told}).assignee
        return person and person.kind

    assert who(app=False, guest=False) == "member"
    assert who(app=True, guest=False) == "app"
    assert who(app=False, guest=True) == "customer"
    assert who() == "unknown"
    assert read(assignee=Untold("boom")).assignee is None
    made = read(creator=None, botActor={"id": None, "name": "Sentry"}).reporter
    assert (made and made.kind, made and made.name) == ("app", "Sentry")
    outside = read(externalUserCreator={"id": "e1", "name": "Ana"}).reporter
    assert outside is not None
    assert outside.kind == "customer"


@pytest.mark.parametrize(
    ("visibility", "restricted"), [("public", False), ("private", True), ("new", True), (None, True)]
)
def test_an_issue_is_quoted_elsewhere_only_if_its_team_is_surely_public(visibility: Any, restricted: bool) -> None:
    assert read(team={"key": "ENG", "name": "E", "visibility": visibility}).restricted is restricted


def test_hostile_text_is_made_storable() -> None:
    assert read(title="a\x00b\ud800").title == "a\ufffdb\ufffd"


def test_scope_is_by_team_and_by_life() -> None:
    teams = frozenset({"ENG"})
    assert in_scope(raw(), teams)
    assert not in_scope(raw(archivedAt="2026-02-27T14:38:16.837Z"), teams)
    assert not in_scope(raw(trashed=True), teams)
    assert not in_scope(raw(team={"key": "OPS"}), teams)
    assert not in_scope(None, teams)


# --- signs, labels, nodes, memory -----------------------------------------------------------------------------


def test_the_copy_comes_back_as_it_was_written() -> None:
    for copy in (Copy("acme", "i-1", "Outcome/reliability"), Copy("acme", "i-1", None)):
        assert copy_of({"url": copy_url("acme"), "metadata": copy_metadata(copy)}) == copy
    told = copy_metadata(Copy("acme", "i-1", None))
    assert copy_of({"url": "syncd://other", "metadata": told}) is None  # copied from elsewhere
    assert copy_of({"url": copy_url("acme"), "metadata": {"installation": "acme"}}) is None
    assert copy_of(None) is None


@pytest.mark.parametrize(
    ("description", "installation"),
    [
        (label_sign("acme"), "acme"), ("syncd acme: do not rename", "acme"), ("syncd acme\nmore", "acme"),
        ("made by syncd acme", None), ("syncd", None), ("", None), (None, None), (7, None), ("syncd Acme", None),
    ],
)  # fmt: skip
def test_a_label_is_ours_only_if_its_description_begins_so(description: Any, installation: str | None) -> None:
    assert signer(description) == installation


def test_a_mark_is_the_same_by_its_name_and_by_its_spare_name() -> None:
    assert mark_of("reliability", "Outcome") == mark_of(spare_name("reliability", "Outcome"), "Outcome")
    assert mark_of("(outcome)", "Outcome") == "Outcome/(outcome)"


def test_an_unknown_label_id_is_passed_over_and_texts_are_sorted() -> None:
    told = [
        ("0", {"id": "g", "name": "Area", "isGroup": True}),
        ("1", {"id": "a", "name": "qa", "parent": {"id": "g"}}),
    ]
    labels = Labels.of([*told, ("2", {"id": "b", "name": "alpha", "parent": {"id": "lost"}})])
    assert labels.read(["b", "gone", "a"], "labelIds") == (("Area/qa", "alpha", "qa"), ())
    assert labels.read(["g"], "labelIds") == ((), ())
    with pytest.raises(WrongError):
        labels.read([None], "labelIds")
    assert Labels.of([("3", None), ("4", {"name": "x"})]).unread == ("3 is missing", "4.id is missing")


def test_one_bad_project_does_not_hide_the_others() -> None:
    fine = {
        "id": "p1", "name": "Failover", "slugId": "abc", "labelIds": [], "priority": 0, "url": "https://linear.app/p",
        "createdAt": None, "updatedAt": "2026-02-27T14:38:16.837Z", "status": {"name": "On it", "type": "started"},
        "teams": {"nodes": [{"visibility": "private"}]},
    }  # fmt: skip
    bad = fine | {"id": "p2", "status": {"name": "?", "type": "dreaming"}}
    raw_nodes = Raw(
        [("projects.nodes[0]", fine), ("projects.nodes[1]", bad), ("projects.nodes[2]", None)], (), [("j", {})]
    )
    nodes = Nodes.of(raw_nodes, "acme", Labels(), Labels())
    assert set(nodes.by_id) == {"p1"}
    assert nodes.by_id["p1"].restricted
    assert nodes.by_id["p1"].key == "project-abc"
    told = [str(one) for one in nodes.unreadable]
    assert any("projects.nodes[1].status.type is none of backlog" in one for one in told)
    assert any("projects.nodes[2] is missing" in one for one in told)
    assert any("j.project is missing" in one for one in told)


DAY = datetime(2026, 11, 2, 9, 30, 0, 250_000, tzinfo=UTC)


def test_a_memory_comes_back_and_one_of_another_kind_is_none() -> None:
    memory = Memory(
        {"a": "1"}, {"b": "2"}, {"c": "3"}, {"ENG": "4"}, ("g",), Begun(DAY, DAY, ("", "ENG")), ("Outcome/x",)
    )
    assert Memory.parse(memory.text()) == memory
    for other in ("", "{}", "[]", "null", '{"v":2}', "{", '{"v":1,"groups":[],"labels":3}'):
        assert Memory.parse(other) is None


def test_a_memory_of_very_many_labels_stays_small_and_still_sees_that_one_changed() -> None:
    many = {f"{number:012x}": "0123456789" for number in range(40_000)}
    before = Memory(many)
    text = before.text()
    assert len(text) <= MEMORY_AT_MOST
    kept = Memory.parse(text)
    assert kept is not None
    assert not kept.changes(before, ()).everything
    assert kept.changes(Memory(many | {f"{7:012x}": "changed"}), ()).everything


# --- options --------------------------------------------------------------------------------------------------

FINE = {"auth": {"token": {"env": "LINEAR_TOKEN"}}, "scope": {"teams": ["ENG", "OPS2"]}}


def test_options_are_fine_with_and_without_an_address() -> None:
    for url in ({}, {"url": "https://api.linear.app/graphql"}, {"url": "http://127.0.0.1:4000/graphql"}):
        assert list(KIND.check(FINE | url)) == []


@pytest.mark.parametrize(
    ("changed", "path", "says"),
    [
        ({"url": "ftp://x"}, ("url",), "GraphQL endpoint"),
        ({"url": 7}, ("url",), "GraphQL endpoint"),
        ({"url": "https://u:p@api.linear.app/graphql"}, ("url",), "no credentials"),
        ({"url": "https://api.linear.app/graphql?x=1"}, ("url",), "no ? and no #"),
        ({"url": "https://linear.app/acme"}, ("url",), "not where Linear takes GraphQL"),
        ({"auth": None}, ("auth",), "needs auth"),
        ({"auth": {}}, ("auth",), "needs token"),
        ({"auth": {"token": "x", "email": "a@b.c"}}, ("auth", "email"), "unknown key email"),
        ({"scope": None}, ("scope",), "must be said"),
        ({"scope": {"teams": []}}, ("scope", "teams"), "at least one team key"),
        ({"scope": {"projects": ["ENG"]}}, ("scope", "projects"), "unknown key projects"),
        ({"scope": {"teams": ["eng"]}}, ("scope", "teams", 0), "not a team key"),
        ({"scope": {"teams": ["ENG", "ENG"]}}, ("scope", "teams", 1), "stands twice"),
    ],
)
def test_each_wrong_option_is_told_where_it_stands(changed: dict[str, Any], path: Any, says: str) -> None:
    told: list[OptionProblem] = list(KIND.check(FINE | changed))
    assert any(problem.path == path and says in problem.message for problem in told), told


# --- real payloads --------------------------------------------------------------------------------------------


def as_answered(data: dict[str, Any], url: str) -> dict[str, Any]:
    """A webhook's issue in the shape of an answer: what it calls by id only is an object there."""
    team = data.get("team") or {}
    told = data | {"identifier": f"{team.get('key')}-{data.get('number')}", "url": url}
    return told | {"team": team | {"visibility": "public"}, "creator": {"id": data.get("creatorId")}}


@pytest.mark.parametrize(
    "name",
    ["createIssue", "removeIssue", "updateAssign", "updateIssueCycle", "updateIssueDueDate", "updateIssueEstimated",
     "updateIssueForLabel", "unknownAction", "unknownType"],
)  # fmt: skip
def test_issues_of_real_webhooks_are_read(shared: Path, name: str) -> None:
    told = json.loads((shared / "data/linear-webhooks" / f"{name}.json").read_text(encoding="utf-8"))
    labels = Labels.of([(f"labels[{i}]", row) for i, row in enumerate(told["data"].get("labels", ()))])
    issue = read_issue(as_answered(told["data"], told.get("url", "https://linear.app/x")), Dialect("acme", labels))
    assert isinstance(issue, Issue), issue
    assert issue.key.startswith("KOR-")
    assert issue.priority is None
    assert issue.updated.tzinfo is UTC
    assert issue.labels == (("FUTA",) if name == "updateIssueEstimated" else ())


@pytest.mark.parametrize(
    "name", ["createComment", "removeComment", "createReaction", "updateCycleForRename", "createIssueLabel"]
)
def test_what_is_no_issue_is_a_located_error_and_no_crash(shared: Path, name: str) -> None:
    told = json.loads((shared / "data/linear-webhooks" / f"{name}.json").read_text(encoding="utf-8"))
    bad = read_issue(told["data"], DIALECT, "data")
    assert isinstance(bad, Unreadable)
    assert "data.identifier is missing" in str(bad)


@pytest.mark.parametrize("name", ["createIssueLabel", "updateIssueLabel", "removeIssueLabel"])
def test_labels_of_real_webhooks_are_read(shared: Path, name: str) -> None:
    told = json.loads((shared / "data/linear-webhooks" / f"{name}.json").read_text(encoding="utf-8"))["data"]
    labels = Labels.of([("data", told)])
    assert labels.texts == {told["id"]: (told["name"],)}


def test_no_payload_of_a_real_webhook_is_more_than_a_value_or_a_located_error(shared: Path) -> None:
    files = sorted((shared / "data/linear-webhooks").glob("*.json"))
    assert len(files) > 20
    for file in files:
        told = json.loads(file.read_text(encoding="utf-8"))["data"]
        issue = read_issue(told, DIALECT, "data")
        assert isinstance(issue, Unreadable)
        assert "data." in str(issue)
        labels = Labels.of([("data", told)])
        assert labels.by_id or all("data." in text for text in (*labels.broken.values(), *labels.unread))
        nodes = Nodes.of(Raw([("data", told)], [("data", told)], [("data", told)]), "acme", Labels(), Labels())
        assert len(nodes.by_id) + len(nodes.unreadable) >= 3
        assert all("data." in str(bad) for bad in nodes.unreadable)


def test_projects_of_real_webhooks_lack_their_status_and_say_so(shared: Path) -> None:
    told = json.loads((shared / "data/linear-webhooks/updateProjectForRename.json").read_text(encoding="utf-8"))
    nodes = Nodes.of(Raw([("data", told["data"])]), "acme", Labels(), Labels())
    (bad,) = nodes.unreadable
    assert "data.status is missing" in str(bad)


@pytest.mark.parametrize("name", ["linear_issues.json", "issues.json"])
def test_a_real_workspace_dumped_as_json_is_read_once_it_names_what_it_left_out(shared: Path, name: str) -> None:
    told = json.loads((shared / "data/linear-garraia" / name).read_text(encoding="utf-8-sig"))
    rows = told if isinstance(told, list) else told["data"]["issues"]["nodes"]
    types = {"Backlog": "backlog", "Todo": "unstarted", "In Progress": "started", "Done": "completed"}
    assert len(rows) >= 100
    for i, row in enumerate(rows):
        as_it_is = read_issue(row, DIALECT, f"issues.nodes[{i}]")
        assert isinstance(as_it_is, Unreadable)
        assert f"issues.nodes[{i}]." in str(as_it_is)
        assert as_it_is.link is not None
        labels = Labels.of([(str(n), {"id": str(n), **label}) for n, label in enumerate(_labels(row))])
        state = row["state"]["name"]
        left_out = {
            "team": {"key": "GAR", "name": "Garra", "visibility": "public"},
            "state": {"name": state, "type": types.get(state, "canceled")},
            "labelIds": sorted(labels.by_id),
            "url": "https://linear.app/garra/issue/x",
        }
        when = {"updatedAt": row.get("updatedAt") or "2026-02-27T13:45:52.436Z"}
        issue = read_issue(row | left_out | when, Dialect("acme", labels))
        assert isinstance(issue, Issue), issue
        assert issue.title == row["title"]
        assert len(issue.labels) == len(set(_names(row)))


def _labels(row: dict[str, Any]) -> list[dict[str, Any]]:
    return list((row.get("labels") or {}).get("nodes", ()))


def _names(row: dict[str, Any]) -> list[str]:
    return [label["name"] for label in _labels(row)]


def test_dates_of_linears_csv_are_no_api_dates_and_are_refused_as_such(shared: Path) -> None:
    with (shared / "data/linear-csv/linear-export.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        bad = wrong(updatedAt=row["Updated"], title=row["Title"])
        assert "issue.updatedAt is no date and time: 'Sat Feb 11 2023" in str(bad)
        assert read(title=row["Title"]).title == row["Title"]


def test_instants_are_aware_and_in_utc() -> None:
    assert read(updatedAt="2026-02-27T15:38:16.837+01:00").updated == datetime(2026, 2, 27, 14, 38, 16, 837_000, UTC)
    assert read(parent={"id": "u-9", "identifier": "ENG-9"}).parent == Link("u-9", "ENG-9")
