"""What a document costs by the documented rule, before it is run: on what is asked, not on what comes back.

A scalar is 0.1, an object 1; a connection multiplies what stands in it by `first` or `last`, or by 50 if neither is
given, page information too; the sum is rounded up.
"""

import math
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)
from graphql.execution.values import get_directive_values
from graphql.type import GraphQLNamedType, GraphQLUnionType

SCALAR, OBJECT, DEFAULT_PAGE = 0.1, 1.0, 50
UNMULTIPLIED = frozenset({("Query", "issues"), ("Issue", "labels")})  # as measured, against what is documented


class Pricing:
    """Prices one operation. `measured`: root `issues` and an issue's `labels` multiply nothing, as some have seen."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], *, measured: bool = False
    ) -> None:
        self.schema, self.variables, self.measured = schema, dict(variables), measured
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}

    def price(self, operation: OperationDefinitionNode) -> float:
        """The whole operation, rounded up; the unrounded sum is what the refusal tells."""
        root = self.schema.get_root_type(operation.operation)
        return self._selections(operation.selection_set, root) if root is not None else 0.0

    def _selections(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> float:
        total = 0.0
        for node in selections.selections:
            if not self._asked(node):
                continue
            if isinstance(node, FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                found = self.fragments[node.name.value]
                total += self._selections(found.selection_set, self._type(found.type_condition.name.value))
            elif isinstance(node, InlineFragmentNode):
                on = getattr(node.type_condition, "name", None)  # the library's types say that it is always there
                inside = self._type(on.value) if on is not None else parent
                total += self._selections(node.selection_set, inside)
        return total

    def _asked(self, node: SelectionNode) -> bool:
        """What `@skip` and `@include` leave out is not asked."""
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def _type(self, name: str) -> GraphQLNamedType:
        return self.schema.type_map[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> float:
        name = node.name.value
        if name.startswith("__") or isinstance(parent, GraphQLUnionType):
            return 0.0 if name.startswith("__sc") or name == "__type" else SCALAR
        fields: Mapping[str, Any] = getattr(parent, "fields", {})
        kind = get_named_type(fields[name].type)
        if is_leaf_type(kind) or node.selection_set is None:
            return SCALAR
        inside = self._selections(node.selection_set, kind)
        if not kind.name.endswith("Connection"):
            return OBJECT + inside
        alone = self.measured and (parent.name, name) in UNMULTIPLIED
        return inside if alone else inside * self._size(node)

    def _size(self, node: FieldNode) -> float:
        for argument in node.arguments:
            if argument.name.value in ("first", "last"):
                value = argument.value
                if isinstance(value, IntValueNode):
                    return int(value.value)
                if isinstance(value, VariableNode) and self.variables.get(value.name.value) is not None:
                    return int(self.variables[value.name.value])
        return DEFAULT_PAGE


def rounded(price: float) -> int:
    """Up, and blind to what binary fractions add."""
    return math.ceil(round(price, 6))
