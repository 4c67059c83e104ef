"""The served Linear says of its schema nothing that the official one does not say."""

from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, GraphQLUnionType, build_schema, get_named_type, is_leaf_type
from support_linear import linear
from support_linear_schema import disagreements
from support_sandbox import MovingClock

from connectors.sandbox import Site, build_world
from connectors.sandbox.linear import Workspace, build_linear_world, twins_of
from connectors.sandbox.linear.schema import sdl, served_schema

SIZE = 120


@cache
def official(shared: Path) -> GraphQLSchema:
    text = (shared / "contracts" / "linear-schema.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True, no_location=True)


@pytest.mark.shared
def test_each_type_field_argument_and_value_is_in_the_official_schema_alike(shared: Path) -> None:
    assert disagreements(build_schema(sdl()), official(shared)) == []


@pytest.mark.shared
@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("identifier: String!", "identifier: String", "Issue.identifier: is String!, not String"),
        ("labelIds: [String!]!", "labelIds: [String!]! outcome: String", "Issue.outcome: there is none"),
        ("enum PaginationOrderBy { createdAt", "enum PaginationOrderBy { priority createdAt", "no such value"),
        ("  teamId: String!\n", "  teamId: String\n", "IssueCreateInput.teamId: is String!, not String"),
        ("type PageInfo {", "type PageInfos { a: Int }\ntype PageInfo {", "PageInfos: there is no such"),
        ("removedLabelIds: [String!]\n  stateId", "removedLabelIds: [ID!]\n  stateId", "is [String!], not [ID!]"),
        ("  name: String!\n  parentId: String\n  retiredAt", "  retiredAt", "IssueLabelCreateInput.name: is demanded"),
    ],
)
def test_a_schema_that_says_something_else_is_found_out(shared: Path, before: str, after: str, told: str) -> None:
    assert before in sdl()
    found = disagreements(build_schema(sdl().replace(before, after)), official(shared))
    assert any(told in one for one in found), found


def test_every_field_of_every_type_is_answered() -> None:
    """One query for each root, asking for all leaves two objects deep: nothing is declared that cannot be read."""
    clock = MovingClock()
    site = Site(clock=clock)
    build_world(site, size=200)

    def world(workspace: Workspace) -> None:
        build_linear_world(workspace, size=SIZE, twins=twins_of(site, 20))
        workspace.limits.document = 1e9
        workspace.limits.complexity = 1e12

    schema = served_schema()
    query = schema.query_type
    assert query is not None
    with linear(clock, world) as served:
        issue = next(i for i in served.workspace.issues if i.team.key == "CORE")
        assert set(query.fields) > {"issues", "comments", "initiativeToProjects"}
        for name, field in query.fields.items():
            args = _arguments(name, served.workspace, issue.id)
            kind = get_named_type(field.type)
            answer = served.post(f"{{ {name}{args} {_all_of(schema, kind, depth=3)} }}").json()
            assert "errors" not in answer, (name, answer["errors"][0])


def _arguments(name: str, workspace: Workspace, issue: str) -> str:
    first = {
        "team": "CORE",
        "user": workspace.account.id,
        "issue": issue,
        "issueLabel": next(iter(workspace.labels)).id,
        "project": next(iter(workspace.projects)).id,
        "initiative": next(iter(workspace.initiatives)).id,
        "initiativeToProject": next(iter(workspace.joins)).id,
        "comment": next(c for c in workspace.comments if c.issue and c.issue.team.key == "CORE").id,
        "attachment": next(iter(workspace.attachments)).id,
    }
    if name in first:
        return f'(id: "{first[name]}")'
    if name == "attachmentsForURL":
        return f'(url: "{next(iter(workspace.attachments)).url}")'
    return "" if name in ("viewer", "organization", "rateLimitStatus") else "(first: 3, includeArchived: true)"


def _all_of(schema: GraphQLSchema, kind: object, depth: int) -> str:
    if isinstance(kind, GraphQLUnionType):
        return "{ " + " ".join(f"... on {one.name} {_all_of(schema, one, depth)}" for one in kind.types) + " }"
    assert isinstance(kind, GraphQLObjectType)
    told = []
    for name, field in kind.fields.items():
        below = get_named_type(field.type)
        if is_leaf_type(below):
            told.append(name)
        elif depth or below.name in ("PageInfo", "ActorBot"):
            args = "(first: 2)" if "first" in field.args else ""
            told.append(f"{name}{args} {_all_of(schema, below, depth - 1)}")
    return "{ " + " ".join(told or ["__typename"]) + " }"
