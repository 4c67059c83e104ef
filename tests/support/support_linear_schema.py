"""Whether one GraphQL schema says nothing that another does not say alike."""

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLSchema, GraphQLUnionType, Undefined


def disagreements(ours: GraphQLSchema, official: GraphQLSchema) -> list[str]:
    """Each type, field, argument, input field and enum value of ours that is not there, or is there otherwise.

    Also what the official schema demands and ours does not ask for: such a call would work here only.
    """
    return [told for name in sorted(ours.type_map) if not name.startswith("__") for told in _type(name, ours, official)]


def _type(name: str, ours: GraphQLSchema, official: GraphQLSchema) -> Iterator[str]:
    mine, theirs = ours.type_map[name], official.type_map.get(name)
    if theirs is None or type(theirs) is not type(mine):
        yield f"{name}: there is no such {type(mine).__name__}"
        return
    if isinstance(mine, GraphQLEnumType):
        yield from (f"{name}.{value}: no such value" for value in mine.values if value not in theirs.values)  # type: ignore[attr-defined]
    if isinstance(mine, GraphQLUnionType):
        known = {kind.name for kind in theirs.types}  # type: ignore[attr-defined]
        yield from (f"{name}: has no {kind.name}" for kind in mine.types if kind.name not in known)
    known_interfaces = {kind.name for kind in getattr(theirs, "interfaces", ())}
    for kind in getattr(mine, "interfaces", ()):
        if kind.name not in known_interfaces:
            yield f"{name}: is no {kind.name}"
    yield from _members(name, getattr(mine, "fields", {}), getattr(theirs, "fields", {}))
    for field, told in getattr(mine, "fields", {}).items():
        other = getattr(theirs, "fields", {}).get(field)
        if other is not None and not isinstance(mine, GraphQLInputObjectType):
            yield from _members(f"{name}.{field}", told.args, other.args)
            yield from _demanded(f"{name}.{field}", told.args, other.args)
    if isinstance(mine, GraphQLInputObjectType):
        yield from _demanded(name, mine.fields, theirs.fields)  # type: ignore[attr-defined]


def _members(where: str, mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    for name, told in mine.items():
        other = theirs.get(name)
        if other is None:
            yield f"{where}.{name}: there is none"
        elif str(other.type) != str(told.type):
            yield f"{where}.{name}: is {other.type}, not {told.type}"
        elif getattr(other, "default_value", None) != getattr(told, "default_value", None):
            yield f"{where}.{name}: has another default"


def _demanded(where: str, mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    for name, other in theirs.items():
        if name not in mine and str(other.type).endswith("!") and other.default_value is Undefined:
            yield f"{where}.{name}: is demanded"
