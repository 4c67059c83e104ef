"""A stored snapshot, parsed for rules alone: an edit of rules looks at millions, and decides few of them anew."""

from typing import Any, Final

from syncd.core.model import Category, IssueRef, Link

_CATEGORIES: Final = {category.value: category for category in Category}


class StoredGlance:
    """The `Glance` of syncd.core.seen, made of a tree of `codec.issue_tree`: equal to its `Issue` field by field.

    All is taken out of the tree at once: to keep a thousand trees alive costs more than to parse them.
    """

    __slots__ = (
        "asked", "category", "components", "extra", "fix_versions", "key", "labels", "level", "marks", "parent",
        "priority", "project", "project_name", "ref", "sprints", "status", "team", "title", "type", "within",
    )  # fmt: skip

    def __init__(self, ref: IssueRef, tree: dict[str, Any]) -> None:
        get = tree.get
        self.ref = ref
        self.key: str = tree["key"]
        self.title: str = tree["title"]
        self.type: str = tree["type"]
        self.level: int = tree["level"]
        self.status: str = tree["status"]
        self.category = _CATEGORIES[tree["category"]]
        self.priority: str | None = get("priority")
        self.project: str = tree["project"]
        self.project_name: str = tree["project_name"]
        self.team: tuple[str, ...] = tuple(get("team", ()))
        self.components: tuple[str, ...] = tuple(get("components", ()))
        self.fix_versions: tuple[str, ...] = tuple(get("fix_versions", ()))
        self.sprints: tuple[str, ...] = tuple(get("sprints", ()))
        self.labels: tuple[str, ...] = tuple(get("labels", ()))
        self.marks: tuple[str, ...] = tuple(get("marks", ()))
        asked, parent, within = get("asked"), get("parent"), get("within")
        self.asked: frozenset[str] = _NOTHING if asked is None else frozenset(asked)
        self.parent = None if parent is None else Link(parent[0], parent[1])
        self.within = () if within is None else tuple(Link(id_, key) for id_, key in within)
        self.extra: list[tuple[str, list[str]]] | tuple[()] = get("extra", ())

    def values_of(self, key: str) -> tuple[str, ...]:
        """As in `Issue`."""
        return next((tuple(values) for name, values in self.extra if name == key), ())


_NOTHING: Final[frozenset[str]] = frozenset()
