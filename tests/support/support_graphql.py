"""Linear's official schema, and what a document costs by the documented rule: a second opinion beside the sandbox's.

A scalar costs 0.1, an object 1; a connection multiplies what is below it, `pageInfo` too, by `first` or `last`, by 50
where neither is said. What is charged is what is asked for: directives and unions take nothing off.
"""

from functools import cached_property
from pathlib import Path

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    parse,
    validate,
)

UNSAID = 50


class OfficialSchema:
    """The SDL that Linear publishes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def schema(self) -> GraphQLSchema:
        return build_schema(self._path.read_text(encoding="utf-8"), assume_valid=True)

    def problems(self, text: str) -> list[str]:
        """What is wrong with a document; nothing where it is valid."""
        return [error.message for error in validate(self.schema, parse(text))]

    def cost(self, text: str) -> float:
        """What its one operation costs."""
        (operation,) = _operations(parse(text))
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        return self._cost(operation.selection_set, root.name)

    def _cost(self, selections: SelectionSetNode, type_name: str) -> float:
        total = 0.0
        for node in selections.selections:
            if isinstance(node, InlineFragmentNode):
                total += self._cost(node.selection_set, node.type_condition.name.value)
            else:
                assert isinstance(node, FieldNode), node
                total += self._field(node, type_name)
        return total

    def _field(self, node: FieldNode, type_name: str) -> float:
        if node.selection_set is None:
            return 0.1
        below = get_named_type(self.schema.type_map[type_name].fields[node.name.value].type).name  # type: ignore[attr-defined]  # an object
        inner = self._cost(node.selection_set, below)
        if not below.endswith("Connection"):
            return 1 + inner
        sizes = [a.value for a in node.arguments if a.name.value in ("first", "last")]
        size = sizes[0] if sizes else None
        if size is None:
            return UNSAID * inner
        assert isinstance(size, IntValueNode), "a page size in a variable cannot be priced"
        return int(size.value) * inner


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
