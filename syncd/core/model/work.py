"""The work: issues and what they point to, people, and the lineage of an issue."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple


class Category(StrEnum):
    """Where work stands, told alike for every tracker."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class IssueRef(NamedTuple):
    """An issue by what never changes: its tracker's id in syncd.yaml and the id the tracker gave it.

    A tuple, as `Link` is: both are hashed and sorted in every step of a pass.
    """

    tracker: str
    id: str


class Link(NamedTuple):
    """A pointer to another issue of the same tracker: by id where the tracker tells it, else by key.

    Jira's `parent` tells both; its Epic Link tells the key alone (facts/jira.md §3).
    """

    id: str | None
    key: str | None

    def __str__(self) -> str:
        """The name a person knows it by."""
        return self.key or f"id {self.id}"


@dataclass(frozen=True, slots=True, order=True)
class Person:
    """Somebody the tracker names. `kind` tells people of the site from customers and automation."""

    id: str
    name: str
    kind: Literal["member", "customer", "app", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True)
class Copy:
    """What travels with a mark in the tracker: who wrote it, and which mark (None: taken off)."""

    installation: str
    instance: str
    mark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What one issue looked like at one moment (a snapshot), in every tracker's common terms.

    `labels` are people's, `marks` are those in syncd's namespaces whoever put them there. They are kept apart so
    that what syncd writes never reaches what syncd decides (DESIGN §3).
    """

    ref: IssueRef
    key: str
    title: str
    type: str
    level: int
    """Hierarchy level: -1 sub-task, 0 base, 1 epic or Linear project, 2 and more above those."""
    status: str
    category: Category
    priority: str | None
    project: str
    project_name: str
    components: tuple[str, ...] = ()
    fix_versions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    parent: Link | None = None
    within: tuple[Link, ...] = ()
    """What it lies in beyond its parents, all at one level: an issue's project, a project's initiatives, an
    initiative's parents (Linear only)."""
    twins: tuple[str, ...] = ()
    """The same work elsewhere as this tracker tells it: browser URLs, or bare Jira keys where no URL is told."""
    assignee: Person | None = None
    reporter: Person | None = None
    created: datetime
    updated: datetime
    url: str
    """Where a person opens it in a browser."""
    copy: Copy | None = None
    restricted: bool = False
    """Under a security level or of a private team: nothing of it is quoted anywhere else."""
    team: tuple[str, ...] = ()
    """Its Linear team by key and by name; Jira has none."""
    sprints: tuple[str, ...] = ()
    """The names of all sprints it is or was in, where `sprint` was asked for."""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The custom fields that were asked for and have values, as texts: (key as in `asked`, values), by key."""
    asked: frozenset[str] = frozenset()
    """What was asked for beyond the common fields: `sprint` and custom fields by `field_key`.

    A condition on one that is not in here is unknown: neither it nor its negation holds (DESIGN §3.5).
    """

    @property
    def closed(self) -> bool:
        """Whether nobody is expected to work on it any more."""
        return self.category is Category.DONE

    def values_of(self, key: str) -> tuple[str, ...]:
        """The values of the custom field of that key (see `field_key`); none where it was not asked for."""
        return next((values for name, values in self.extra if name == key), ())


@dataclass(frozen=True, slots=True)
class Lineage:
    """An issue's ancestors, nearest first. Each step holds those at one distance (Jira: always one).

    `missing` is the nearest ancestor that could not be read; `cycle` the key at which a circle was cut.
    """

    steps: tuple[tuple[Issue, ...], ...] = ()
    missing: Link | None = None
    cycle: str | None = None
    gap: int | None = None
    """How many steps lie nearer than the missing one, where others lie at its distance or beyond: an issue's project
    may be read where its parent may not. None: all of them."""
    beyond: tuple[tuple["Lineage", ...], ...] = ()
    """The lineage of each ancestor, where it is not just the rest of this one: a parent may lie in another project,
    and of two initiatives each has its own parents. Empty: it is."""

    def above(self, step: int, place: int = 0) -> "Lineage":
        """The lineage of the ancestor at `step` (0 is the nearest) that stands there at `place`."""
        return self.beyond[step][place] if self.beyond else self.rest(step)

    def rest(self, step: int) -> "Lineage":
        """What is left of this lineage past that step. Of an only ancestor that is its own, wherever it can be."""
        steps, further = self.steps[step + 1 :], self.beyond[step + 1 :]
        if self.beyond and len(self.steps[step]) == 1 and self.beyond[step][0].steps == steps:
            own = self.beyond[step][0]
            if own.missing == self.missing and own.gap == self._gap_past(step):
                return own
        if self.gap is not None and step >= self.gap:
            return Lineage(steps, None, self.cycle, None, further)
        return Lineage(steps, self.missing, self.cycle, self._gap_past(step), further)

    def refs(self) -> frozenset[IssueRef]:
        """All that it names."""
        return frozenset(ancestor.ref for step in self.steps for ancestor in step)

    def _gap_past(self, step: int) -> int | None:
        return None if self.gap is None else self.gap - step - 1
