"""Every document against Linear's official schema, and its price by the documented rule."""

from pathlib import Path

import pytest
from graphql import FieldNode, OperationDefinitionNode, parse
from support_graphql import OfficialSchema

from connectors.linear import documents
from connectors.linear.documents import MOST_AT_ONCE, Document

MARKINGS = [
    documents.marking(1, copies=1, dropped=0),
    documents.marking(1, copies=0, dropped=1),
    documents.marking(documents.MARKS_AT_ONCE, copies=documents.MARKS_AT_ONCE, dropped=0),
    documents.marking(documents.MARKS_AT_ONCE, copies=0, dropped=documents.MARKS_AT_ONCE),
]
ALL = sorted(
    [*(value for value in vars(documents).values() if isinstance(value, Document)), *MARKINGS], key=lambda d: d.name
)
A_THIRD = 10_000 / 3


@pytest.fixture(scope="session")
def official(shared: Path) -> OfficialSchema:
    return OfficialSchema(shared / "contracts" / "linear-schema.graphql")


def named(document: Document) -> str:
    return document.name


@pytest.mark.parametrize("document", ALL, ids=named)
def test_the_official_schema_accepts_it(official: OfficialSchema, document: Document) -> None:
    assert official.problems(document.text) == []


@pytest.mark.parametrize("document", ALL, ids=named)
def test_it_costs_less_than_a_third_of_what_a_query_may(official: OfficialSchema, document: Document) -> None:
    assert 0 < official.cost(document.text) < A_THIRD


@pytest.mark.parametrize("document", ALL, ids=named)
def test_it_says_of_itself_what_stands_in_it(document: Document) -> None:
    (operation,) = parse(document.text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    assert operation.name.value == document.name  # sent as operationName
    fields = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    assert tuple((node.alias or node.name).value for node in fields) == document.roots
    assert document.writes is (operation.operation.value == "mutation")
    assert document.page <= MOST_AT_ONCE


def test_a_page_without_a_size_or_too_large_is_seen(official: OfficialSchema) -> None:
    """The rule bites: Linear's own SDK asks for a page like the second, and is over the limit by this rule."""
    assert official.cost("{ issues { nodes { id title } } }") == pytest.approx(50 * 1.2)
    nested = "{ issues(first: 250) { nodes { id labels { nodes { id } } } pageInfo { hasNextPage } } }"
    assert official.cost(nested) > 10_000
    assert official.problems("{ issues { nodes { identifer } } }") != []
