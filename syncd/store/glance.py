"""A stored snapshot, parsed only as far as somebody looks: an edit of rules looks at millions, at a field of each."""

from typing import Any, overload

from syncd.core.model import Category, IssueRef, Link


class _Text:
    """A field that every snapshot holds."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, glance: None, owner: type) -> "_Text": ...
    @overload
    def __get__(self, glance: "StoredGlance", owner: type) -> str: ...
    def __get__(self, glance: "StoredGlance | None", owner: type) -> "str | _Text":
        if glance is None:
            return self
        text: str = glance.tree[self._name]
        return text


class _Texts:
    """A field of several values, left out where there are none."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, glance: None, owner: type) -> "_Texts": ...
    @overload
    def __get__(self, glance: "StoredGlance", owner: type) -> tuple[str, ...]: ...
    def __get__(self, glance: "StoredGlance | None", owner: type) -> "tuple[str, ...] | _Texts":
        return self if glance is None else tuple(glance.tree.get(self._name, ()))


class StoredGlance:
    """The `Glance` of syncd.core.seen over a tree of `codec.issue_tree`: equal to its `Issue` field by field."""

    __slots__ = ("ref", "tree")

    def __init__(self, ref: IssueRef, tree: dict[str, Any]) -> None:
        self.ref = ref
        self.tree = tree

    key, title, type, status, project, project_name = _Text(), _Text(), _Text(), _Text(), _Text(), _Text()
    components, fix_versions, labels, marks = _Texts(), _Texts(), _Texts(), _Texts()
    team, sprints = _Texts(), _Texts()

    @property
    def level(self) -> int:
        """As in `Issue`; so are the others."""
        level: int = self.tree["level"]
        return level

    @property
    def category(self) -> Category:
        """As in `Issue`."""
        return Category(self.tree["category"])

    @property
    def priority(self) -> str | None:
        """As in `Issue`."""
        priority: str | None = self.tree.get("priority")
        return priority

    @property
    def parent(self) -> Link | None:
        """As in `Issue`."""
        parent = self.tree.get("parent")
        return None if parent is None else Link(parent[0], parent[1])

    @property
    def within(self) -> tuple[Link, ...]:
        """As in `Issue`."""
        return tuple(Link(id_, key) for id_, key in self.tree.get("within", ()))

    @property
    def asked(self) -> frozenset[str]:
        """As in `Issue`."""
        return frozenset(self.tree.get("asked", ()))

    def values_of(self, key: str) -> tuple[str, ...]:
        """As in `Issue`."""
        return next((tuple(values) for name, values in self.tree.get("extra", ()) if name == key), ())
