"""Linear's projects and initiatives → `Issue`: nodes that issues lie within, read as outside the scope. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from connectors.linear.labels import Labels
from connectors.linear.mapping import (
    initiative_key,
    link_of,
    person,
    priority,
    project_key,
    web_address,
)
from connectors.linear.shapes import WrongError, instant, mapping, name, optional_mapping, rows, shown, text
from connectors.linear.shapes import nodes as nodes_in
from syncd.core.errors import Unreadable
from syncd.core.model import Category, Issue, IssueRef, Link

Rows = Iterable[tuple[str, Any]]
"""Raw values, each with its path."""

PROJECT_LEVEL: Final = 1
INITIATIVE_LEVEL: Final = 2

_PROJECT_CATEGORIES: Final = {
    "backlog": Category.TODO,
    "planned": Category.TODO,
    "started": Category.IN_PROGRESS,
    "paused": Category.IN_PROGRESS,
    "completed": Category.DONE,
    "canceled": Category.DONE,
}
_INITIATIVE_CATEGORIES: Final = {
    "Proposed": Category.TODO,
    "Planned": Category.TODO,
    "Active": Category.IN_PROGRESS,
    "Completed": Category.DONE,
    "Canceled": Category.DONE,
}


@dataclass(frozen=True, slots=True)
class Raw:
    """What the streams of a cycle told, unread."""

    projects: Sequence[tuple[str, Any]] = ()
    initiatives: Sequence[tuple[str, Any]] = ()
    joins: Sequence[tuple[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Nodes:
    """All projects and initiatives of a workspace, by id, and those that could not be understood."""

    by_id: Mapping[str, Issue]
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def of(cls, raw: Raw, tracker: str, project_labels: Labels, initiative_labels: Labels) -> "Nodes":
        """Read them. A project lies within its initiatives, all at one level, an initiative within its parent."""
        keys = _keys(raw.initiatives)
        unreadable: list[Unreadable] = []
        above = _above(raw.joins, keys, tracker, unreadable)
        found: dict[str, Issue] = {}
        read: list[tuple[str, Any, Callable[[Mapping[str, Any], str], Issue]]] = [
            (at, row, partial(_project, tracker=tracker, labels=project_labels, above=above))
            for at, row in raw.projects
        ]
        read += [
            (at, row, partial(_initiative, tracker=tracker, labels=initiative_labels, keys=keys))
            for at, row in raw.initiatives
        ]
        for at, row, reading in read:
            try:
                node = reading(mapping(row, at), at)
            except WrongError as wrong:
                unreadable.append(Unreadable(str(wrong), tracker=tracker, link=link_of(row)))
            else:
                found[node.ref.id] = node
        return cls(found, tuple(unreadable))


def _keys(initiatives: Rows) -> Mapping[str, str]:
    """Initiatives' keys by id."""
    told = (row for _, row in initiatives if isinstance(row, Mapping))
    pairs = ((row.get("id"), row.get("slugId")) for row in told)
    return {i: initiative_key(slug) for i, slug in pairs if isinstance(i, str) and isinstance(slug, str) and slug}


def _above(
    joins: Rows, keys: Mapping[str, str], tracker: str, unreadable: list[Unreadable]
) -> Mapping[str, tuple[Link, ...]]:
    """Project → the initiatives it lies in, in a fixed order."""
    found: dict[str, set[str]] = {}
    for at, row in joins:
        try:
            join = mapping(row, at)
            project = name(mapping(join.get("project"), f"{at}.project").get("id"), f"{at}.project.id")
            initiative = name(mapping(join.get("initiative"), f"{at}.initiative").get("id"), f"{at}.initiative.id")
        except WrongError as wrong:
            unreadable.append(Unreadable(str(wrong), tracker=tracker))
        else:
            found.setdefault(project, set()).add(initiative)
    return {project: tuple(Link(i, keys.get(i)) for i in sorted(ids)) for project, ids in found.items()}


def _project(
    raw: Mapping[str, Any], at: str, *, tracker: str, labels: Labels, above: Mapping[str, tuple[Link, ...]]
) -> Issue:
    status = mapping(raw.get("status"), f"{at}.status")
    teams = [team for team in nodes_in(raw.get("teams"), f"{at}.teams") if isinstance(team, Mapping)]
    project_id = name(raw.get("id"), f"{at}.id")
    return _node(
        raw,
        tracker,
        labels,
        at,
        kind="project",
        level=PROJECT_LEVEL,
        key=project_key(name(raw.get("slugId"), f"{at}.slugId")),
        status=name(status.get("name"), f"{at}.status.name"),
        category=_category(status.get("type"), _PROJECT_CATEGORIES, f"{at}.status.type"),
        within=above.get(project_id, ()),
        restricted=bool(teams) and all(team.get("visibility") != "public" for team in teams),
        owner=raw.get("lead"),
    )


def _initiative(raw: Mapping[str, Any], at: str, *, tracker: str, labels: Labels, keys: Mapping[str, str]) -> Issue:
    parent = optional_mapping(raw.get("parentInitiative"), f"{at}.parentInitiative")
    parent_id = None if parent is None else name(parent.get("id"), f"{at}.parentInitiative.id")
    return _node(
        raw,
        tracker,
        labels,
        at,
        kind="initiative",
        level=INITIATIVE_LEVEL,
        key=initiative_key(name(raw.get("slugId"), f"{at}.slugId")),
        status=name(raw.get("status"), f"{at}.status"),
        category=_category(raw.get("status"), _INITIATIVE_CATEGORIES, f"{at}.status"),
        within=() if parent_id is None else (Link(parent_id, keys.get(parent_id)),),
        restricted=False,
        owner=raw.get("owner"),
    )


def _node(
    raw: Mapping[str, Any],
    tracker: str,
    labels: Labels,
    at: str,
    *,
    kind: str,
    level: int,
    key: str,
    status: str,
    category: Category,
    within: tuple[Link, ...],
    restricted: bool,
    owner: Any,
) -> Issue:
    title = text(raw.get("name"), f"{at}.name") or ""
    texts, _ = labels.read(rows(raw.get("labelIds"), f"{at}.labelIds"), f"{at}.labelIds")
    updated = instant(raw.get("updatedAt"), f"{at}.updatedAt")
    return Issue(
        ref=IssueRef(tracker, name(raw.get("id"), f"{at}.id")),
        key=key,
        title=title,
        type=kind,
        level=level,
        status=status,
        category=category,
        priority=priority(raw.get("priority"), f"{at}.priority"),
        project="",
        project_name=title if kind == "project" else "",
        labels=texts,
        within=within,
        assignee=person(owner),
        created=updated if raw.get("createdAt") is None else instant(raw.get("createdAt"), f"{at}.createdAt"),
        updated=updated,
        url=web_address(raw.get("url"), f"{at}.url"),
        restricted=restricted,
    )


def _category(value: Any, known: Mapping[str, Category], at: str) -> Category:
    found = known.get(value) if isinstance(value, str) else None
    if found is None:
        raise WrongError(at, f"is none of {', '.join(known)}: {shown(value)}")
    return found
