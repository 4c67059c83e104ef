"""Custom fields and sprints of Jira: names to ids, and values of every shape to the texts that people read."""

from typing import Any

import pytest

from connectors.jira.custom import Catalogue, Wanted
from connectors.jira.mapping import FIELDS, Dialect, read_issue
from syncd.core.model import Issue
from syncd.core.ports import MarkNames, NoSuchField

CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes"
SPRINTS = "com.pyxis.greenhopper.jira:gh-sprint"


def field(identity: str, name: str, kind: str = f"{CUSTOM}:select") -> dict[str, Any]:
    return {"id": identity, "name": name, "custom": True, "schema": {"type": "option", "custom": kind}}


def built_in(identity: str, name: str) -> dict[str, Any]:
    return {"id": identity, "name": name, "custom": False, "schema": {"type": "string", "system": identity}}


SITE = Catalogue.of(
    [
        built_in("priority", "Priorität"),
        built_in("environment", "Umgebung"),
        field("customfield_10001", "Squad"),
        field("customfield_10002", " squad "),
        field("customfield_10003", "Story Points", f"{CUSTOM}:float"),
        field("customfield_10020", "Sprint", SPRINTS),
        field("customfield_10021", "Итерация", SPRINTS),
        {"id": "customfield_10004", "custom": True},
        {"name": "no id"},
        "not a field",
    ]
)


def wanted(*names: str) -> Wanted:
    return Wanted.of(names, SITE)


def test_a_name_is_resolved_folded_and_stands_for_all_fields_that_bear_it() -> None:
    found = wanted("field.SQUAD", "field.story points", "sprint")
    assert found.fields == (
        ("field.squad", ("customfield_10001", "customfield_10002")),
        ("field.story points", ("customfield_10003",)),
        ("sprint", ("customfield_10020", "customfield_10021")),
    )
    assert found.absent == ()
    assert found.keys == ("field.squad", "field.story points", "sprint")


def test_a_field_may_be_named_by_its_id() -> None:
    assert wanted("field.customfield_10003").ids == ("customfield_10003",)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("field.Sqad", ("field.Squad",)),
        ("field.Story Point", ("field.Story Points",)),
        ("field.Priorität", ("priority",)),
        ("field.Umgebung", ()),
        ("field.Nothing like it", ()),
    ],
)
def test_a_name_that_the_site_lacks_is_told_with_what_may_be_meant(name: str, near: tuple[str, ...]) -> None:
    found = wanted(name)
    assert found.fields == ()
    (absent,) = found.absent
    assert absent.name == name
    assert set(near) <= set(absent.near)
    assert bool(near) is bool(absent.near)


def test_a_site_without_sprints_says_so() -> None:
    assert Wanted.of(["sprint"], Catalogue.of([field("customfield_10020", "Sprint")])) == Wanted(
        (), (NoSuchField("sprint"),)
    )


def test_only_what_is_wanted_is_asked_for_and_nothing_twice() -> None:
    dialect = Dialect("acme", "https://acme.example", MarkNames(), ("customfield_10003",), wanted("field.story points"))
    assert dialect.fields == (*FIELDS, "customfield_10003")


def read(wants: Wanted, **fields: Any) -> Issue:
    told = {
        "summary": "Failover",
        "issuetype": {"id": "1", "name": "Story", "hierarchyLevel": 0},
        "status": {"name": "Open", "statusCategory": {"key": "new"}},
        "project": {"key": "PAY", "name": "Payments"},
        "updated": "2026-09-28T00:00:00.000+0000",
    }
    raw = {"id": "1", "key": "PAY-1", "fields": told | fields}
    issue = read_issue(raw, Dialect("acme", "https://acme.example", MarkNames(), (), wants))
    assert isinstance(issue, Issue), issue
    return issue


PERSON = {"accountId": "a1", "displayName": "Maria M.", "emailAddress": "maria@acme.example"}
PARAGRAPHS = {
    "type": "doc",
    "version": 1,
    "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "Fail"}, {"type": "text", "text": "over"}]},
        {"type": "bulletList", "content": [{"type": "listItem", "content": [{"type": "text", "text": "soon"}]}]},
    ],
}


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (None, ()),
        ("", ()),
        (" \n", ()),
        ([], ()),
        ("free text", ("free text",)),
        ("2026-12-31", ("2026-12-31",)),
        (8.0, ("8",)),
        (2.5, ("2.5",)),
        (0, ("0",)),
        (10**15, ("1000000000000000",)),
        (True, ("true",)),
        ({"id": "1", "value": "Core"}, ("Core",)),
        ([{"value": "Core"}, {"value": "Edge"}, {"value": "Core"}], ("Core", "Edge")),
        (["a", "b"], ("a", "b")),
        ({"value": "Europe", "child": {"value": "Berlin"}}, ("Europe", "Europe/Berlin", "Berlin")),
        (PERSON, ("Maria M.",)),
        ([PERSON, {"displayName": "Bo", "accountId": "b"}], ("Maria M.", "Bo")),
        ({"name": "2026.1", "id": "7", "released": False}, ("2026.1",)),
        ({"id": "t1", "title": "Payments", "isVisible": True}, ("Payments",)),
        (PARAGRAPHS, ("Failover\nsoon",)),
        ("nul \0", ("nul \ufffd",)),
    ],
)
def test_values_become_the_texts_that_people_read(value: Any, texts: tuple[str, ...]) -> None:
    issue = read(wanted("field.story points"), customfield_10003=value)
    assert issue.values_of("field.story points") == texts
    assert issue.asked == {"field.story points"}


@pytest.mark.parametrize("value", [{"workRatio": 3}, [{"value": "Core"}, {"nothing": 1}], {"value": 3}])
def test_a_value_of_no_known_shape_leaves_the_field_unknown_on_that_issue(value: Any) -> None:
    issue = read(wanted("field.squad", "field.story points"), customfield_10001=value, customfield_10003=3)
    assert issue.asked == {"field.story points"}
    assert issue.values_of("field.squad") == ()


def test_fields_of_one_name_are_joined_and_an_absent_one_is_empty() -> None:
    issue = read(wanted("field.squad"), customfield_10002={"value": "Edge"})
    assert issue.extra == (("field.squad", ("Edge",)),)
    both = read(wanted("field.squad"), customfield_10001={"value": "Core"}, customfield_10002={"value": "Edge"})
    assert both.values_of("field.squad") == ("Core", "Edge")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, ()),
        ([{"id": 1, "name": "Payments 7", "state": "closed"}, {"name": "Q3"}], ("Payments 7", "Q3")),
        (
            ["com.atlassian.greenhopper.service.sprint.Sprint@1f[id=1,state=ACTIVE,name=Q3, late,goal=<null>]"],
            ("Q3, late",),
        ),
        (["Sprint@2[id=2,name=Last]"], ("Last",)),
    ],
)  # fmt: skip
def test_sprints_are_told_by_name_past_ones_too_in_both_of_jiras_forms(value: Any, names: tuple[str, ...]) -> None:
    issue = read(wanted("sprint"), customfield_10020=value)
    assert issue.sprints == names
    assert issue.asked == {"sprint"}


def test_strange_sprints_are_unknown() -> None:
    issue = read(wanted("sprint"), customfield_10020=[3])
    assert (issue.sprints, issue.asked) == ((), frozenset())


def test_nothing_is_asked_for_where_rules_name_nothing() -> None:
    issue = read(Wanted(), customfield_10001={"value": "Core"})
    assert (issue.asked, issue.extra, issue.sprints, issue.team) == (frozenset(), (), (), ())
