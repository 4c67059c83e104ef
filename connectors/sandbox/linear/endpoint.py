"""One request to the one endpoint: who asks, whether they may, what it costs, what comes back."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    execute_sync,
    is_non_null_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.language import FieldNode
from graphql.utilities import get_operation_ast

from connectors.sandbox.linear import errors
from connectors.sandbox.linear.complexity import Pricing, rounded
from connectors.sandbox.linear.errors import LinearError
from connectors.sandbox.linear.faults import LinearFault
from connectors.sandbox.linear.schema import served_schema
from connectors.sandbox.linear.values import Doer
from connectors.sandbox.linear.workspace import Key, Session, Workspace

KEPT_DOCUMENTS = 256


@dataclass(slots=True)
class Asked:
    """A request, as far as it can be read."""

    headers: Mapping[str, str]
    query: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    document: DocumentNode | None = None
    operation: OperationDefinitionNode | None = None
    problem: LinearError | None = None

    @property
    def roots(self) -> tuple[str, ...]:
        """The root fields that are asked for."""
        chosen = self.operation.selection_set.selections if self.operation else ()
        return tuple(node.name.value for node in chosen if isinstance(node, FieldNode))

    @property
    def name(self) -> str:
        """What tests know it by."""
        named = self.operation_name or (self.operation.name.value if self.operation and self.operation.name else None)
        return named or "+".join(dict.fromkeys(self.roots)) or "?"


@dataclass(slots=True)
class Answered:
    """An answer before it goes out; `price` is what was charged."""

    status: int
    body: Mapping[str, Any]
    headers: dict[str, str]
    price: int = 0


def read(headers: Mapping[str, str], raw: bytes) -> Asked:
    """Takes a request apart; what is wrong with it is kept as its `problem`, for who asks comes first."""
    asked = Asked(headers)
    if not headers.get("content-type", "").startswith("application/json"):
        asked.problem = errors.malformed("The request's content type must be application/json", "BAD_REQUEST")
        return asked
    try:
        told: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        told = None
    query, variables = (told.get("query"), told.get("variables") or {}) if isinstance(told, dict) else (None, {})
    if not isinstance(query, str) or not isinstance(variables, dict):
        asked.problem = errors.malformed("POST body missing, invalid Content-Type, or not JSON", "BAD_REQUEST")
        return asked
    asked.query, asked.variables, asked.operation_name = query, variables, told.get("operationName")
    asked.document, wrong = parsed(asked.query)
    if asked.document is None:
        asked.problem = errors.malformed(wrong, "GRAPHQL_PARSE_FAILED")
        return asked
    asked.operation = get_operation_ast(asked.document, asked.operation_name)
    if asked.operation is None:
        asked.problem = errors.malformed("Unknown operation named or several without a name", "BAD_REQUEST")
    return asked


@lru_cache(KEPT_DOCUMENTS)
def parsed(query: str) -> tuple[DocumentNode | None, str]:
    """A document, or what is wrong with its syntax."""
    try:
        return parse(query), ""
    except GraphQLSyntaxError as wrong:
        return None, wrong.message


@lru_cache(KEPT_DOCUMENTS)
def misfit(query: str) -> str:
    """What of a document does not fit the schema; nothing where it does."""
    document, _ = parsed(query)
    wrong = validate(served_schema(), document) if document is not None else []
    return wrong[0].message if wrong else ""


def answer(workspace: Workspace, asked: Asked, fault: LinearFault | None = None) -> Answered:
    """Does what is asked, under the workspace's lock. `fault` may make a field fail on the way."""
    price, key = 0, None
    try:
        key = _key(workspace, asked)
        if key is not None:
            _spend(workspace, key, "requests", 1)
        price = _price(workspace, asked)
        if key is not None:
            _spend(workspace, key, "complexity", price)
    except LinearError as refused:
        body = refused.body()
        return Answered(body.status, {"errors": [body.error]}, _headers(workspace, key, price), price)
    session = Session(workspace, key, Doer(key.user if key else None), workspace.now())
    result = _execute(session, asked, fault)
    return Answered(200, _told(workspace, result), _headers(workspace, key, price), price)


def _headers(workspace: Workspace, key: Key | None, price: int) -> dict[str, str]:
    return workspace.budget(key.user).headers(price, workspace.now()) if key else {"x-complexity": str(price)}


def _key(workspace: Workspace, asked: Asked) -> Key | None:
    """Whose request it is; nobody's may ask about the schema only.

    Raises:
        LinearError: 400 for a key behind Bearer, 401 for no or a wrong one.
    """
    told = asked.headers.get("authorization", "")
    scheme, _, rest = told.partition(" ")
    bearer = scheme.lower() == "bearer"
    if bearer and rest.startswith("lin_api_"):
        raise errors.bearer_with_key()
    key = workspace.keys.get(rest if bearer else told)
    if key is not None and key.oauth == bearer and key.user.active:
        return key
    if not told and asked.roots and all(name.startswith("__") for name in asked.roots):
        return None
    raise errors.unauthenticated()


def _spend(workspace: Workspace, key: Key, what: str, amount: float) -> None:
    budget = workspace.budget(key.user)
    bucket = budget.requests if what == "requests" else budget.complexity
    if not bucket.take(amount, workspace.now()):
        raise errors.rate_limited(what, bucket.limit, amount, bucket.left)


def _price(workspace: Workspace, asked: Asked) -> int:
    """What it costs, after all that can be wrong with a document.

    Raises:
        LinearError: on HTTP 400.
    """
    if asked.problem is not None:
        raise asked.problem
    document, operation, schema = asked.document, asked.operation, served_schema()
    assert document is not None  # noqa: S101 (else there is a problem)
    assert operation is not None  # noqa: S101 (as above)
    wrong = misfit(asked.query)
    if wrong:
        raise errors.malformed(wrong, "GRAPHQL_VALIDATION_FAILED")
    values = get_variable_values(schema, operation.variable_definitions or (), dict(asked.variables))
    if isinstance(values, list):
        raise errors.malformed(values[0].message, "BAD_USER_INPUT")
    measured = workspace.switches.measured_complexity
    price = Pricing(schema, document, values, measured=measured).price(operation)
    if price > workspace.limits.document:
        raise errors.too_complex(price, workspace.limits.document)
    return rounded(price)


def _execute(session: Session, asked: Asked, fault: LinearFault | None) -> ExecutionResult:
    assert asked.document is not None  # noqa: S101 (priced before)
    partial = fault is not None and fault.kind == "partial"
    breaking = Breaking(fault) if partial and fault is not None else None
    result = execute_sync(
        served_schema(),
        asked.document,
        context_value=session,
        variable_values=dict(asked.variables),
        operation_name=asked.operation_name,
        middleware=[breaking] if breaking else None,
    )
    if breaking is not None and not breaking.broke:
        return ExecutionResult(None, [GraphQLError("failed", original_error=errors.internal())])
    return result


class Breaking:
    """Makes one field of an answer fail, once what it belongs to has been done."""

    def __init__(self, fault: LinearFault) -> None:
        self.fault, self.met, self.broke = fault, 0, False

    def resolve(self, resolver: Any, source: Any, info: Any, **args: Any) -> Any:
        """A field on its way."""
        value = resolver(source, info, **args)
        here = f"{info.parent_type.name}.{info.field_name}"
        fits = fnmatchcase(here, self.fault.at) if self.fault.at else not is_non_null_type(info.return_type)
        if not fits or info.parent_type.name == "PageInfo":
            return value
        self.met += 1
        if self.met != self.fault.nth:
            return value
        self.broke = True
        raise errors.internal()


def _told(workspace: Workspace, result: ExecutionResult) -> dict[str, Any]:
    """Data and errors as they go out; a defect of the sandbox is kept for the test to see."""
    told: dict[str, Any] = {"data": result.data}
    if result.errors:
        told = {"errors": [_error(workspace, error) for error in result.errors], **told}
    return told


def _error(workspace: Workspace, error: GraphQLError) -> dict[str, Any]:
    original = error.original_error
    if not isinstance(original, LinearError):
        lines = traceback.format_exception(original) if original else [str(error)]
        workspace.crashes.append("".join(lines))
        original = errors.internal()
    where = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    told = {"message": original.message, "locations": where, "path": error.path}
    return {**told, "extensions": original.extensions}
