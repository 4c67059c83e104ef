"""The schema that is served, made of schema.graphql and of the functions that read and write."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, GraphQLUnionType, build_schema
from graphql.language import ObjectValueNode, StringValueNode, ValueNode
from graphql.utilities import value_from_ast_untyped

from connectors.sandbox.linear.filters import duration, snake
from connectors.sandbox.linear.reading import FIELDS, Resolver
from connectors.sandbox.linear.values import JiraMetadata
from connectors.sandbox.linear.workspace import Session
from connectors.sandbox.linear.writing import MUTATION


def sdl() -> str:
    """The text of the schema."""
    return Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8")


@cache
def served_schema() -> GraphQLSchema:
    """The schema, every field with its resolver. Built once in a process."""
    schema = build_schema(sdl())
    _scalars(schema)
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            special = MUTATION if kind.name == "Mutation" else FIELDS.get(kind.name, {})
            for name, field in kind.fields.items():
                found = special.get(name) or _read(snake(name))
                root = kind.name in ("Query", "Mutation")
                field.resolve = _watched(name, found) if root else found
        elif isinstance(kind, GraphQLUnionType):
            kind.resolve_type = _metadata_type
    return schema


def _metadata_type(value: Any, *_: Any) -> str:
    return "ExternalEntityInfoJiraMetadata" if isinstance(value, JiraMetadata) else "ExternalEntityInfoGithubMetadata"


def _read(attribute: str) -> Resolver:
    def resolve(source: Any, _: Any, **__: Any) -> Any:
        return source[attribute] if isinstance(source, dict) else getattr(source, attribute)

    return resolve


def _watched(name: str, resolver: Resolver) -> Resolver:
    """A root field; tests may act before each (`Workspace.before_field`)."""

    def resolve(source: Any, info: Any, **args: Any) -> Any:
        session: Session = info.context
        if session.workspace.before_field is not None:
            session.workspace.before_field(name)
        return resolver(source, info, **args)

    return resolve


# -- scalars --------------------------------------------------------------------------------------------------------


def instant(text: Any) -> datetime:
    """An ISO 8601 instant; without a zone it is in UTC.

    Raises:
        GraphQLError: it is none.
    """
    try:
        told = datetime.fromisoformat(text)
    except (TypeError, ValueError) as wrong:
        raise GraphQLError(f"{text!r} is not a valid date") from wrong
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)


def shown(at: datetime) -> str:
    """As Linear writes instants."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _instant_or_duration(text: Any) -> datetime | timedelta:
    length = duration(text) if isinstance(text, str) else None
    return instant(text) if length is None else length


def _day(text: Any) -> str:
    return instant(text).date().isoformat()


def _uuid(text: Any) -> str:
    try:
        return str(UUID(text))
    except (AttributeError, TypeError, ValueError) as wrong:
        raise GraphQLError(f"{text!r} is not a valid UUID") from wrong


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise GraphQLError("a JSON object is needed")
    return value


def _scalars(schema: GraphQLSchema) -> None:
    """Gives our scalars their functions, in graphql-core's own way for a schema that was built from text."""
    parsers: dict[str, Callable[[Any], Any]] = {
        "DateTime": instant,
        "DateTimeOrDuration": _instant_or_duration,
        "TimelessDate": _day,
        "UUID": _uuid,
        "JSONObject": _object,
    }
    for name, parse in parsers.items():
        scalar: Any = schema.type_map[name]
        scalar.parse_value = parse
        scalar.parse_literal = _object_literal if name == "JSONObject" else _literal(parse)
    dates: Any = schema.type_map["DateTime"]
    dates.serialize = shown


def _literal(parse: Callable[[Any], Any]) -> Callable[..., Any]:
    def literal(node: ValueNode, _: Any = None) -> Any:
        if not isinstance(node, StringValueNode):
            raise GraphQLError("a string is needed", node)
        return parse(node.value)

    return literal


def _object_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    if not isinstance(node, ObjectValueNode):
        raise GraphQLError("a JSON object is needed", node)
    return value_from_ast_untyped(node, variables)
