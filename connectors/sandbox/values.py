"""The nouns of the sandbox: what a small Jira Cloud remembers. Every value is frozen; a write makes a new one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

Adf = dict[str, Any]


def words(text: str) -> frozenset[str]:
    """A set written as words between spaces."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the site. `account_type` is `atlassian` (people), `app` or `customer`."""

    account_id: str
    name: str
    display_name: str
    account_type: str = "atlassian"
    active: bool = True
    email: str = ""
    """Shown to others where it is set: most profiles hide it."""


@dataclass(frozen=True, slots=True)
class IssueType:
    """An issue type. `role` is our own name for it; `name` is what the site shows, in any language."""

    id: str
    role: str
    name: str
    level: int
    project: str | None = None

    @property
    def subtask(self) -> bool:
        """Whether issues of this type hang below a parent and never stand alone."""
        return self.level < 0


@dataclass(frozen=True, slots=True)
class Status:
    """A workflow status; `category` is one of new, indeterminate, done, undefined."""

    id: str
    name: str
    category: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project. Team-managed ones (`style` next-gen) have issue types of their own.

    `absent` names fields that do not exist on its issues at all (no key in the answer, not even null).
    """

    id: str
    key: str
    name: str
    style: str = "classic"
    type_key: str = "software"
    absent: frozenset[str] = frozenset()


class IssueLink(NamedTuple):
    """How one issue names another: by id and key. The other may be invisible or gone."""

    id: int
    key: str


class Tie(NamedTuple):
    """A link between two issues of one rank, as it stands on one of them."""

    kind: str
    """`Cloners` or `Issue split`."""
    outward: bool
    other: IssueLink


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment. `body` is ADF as stored, or None where the site has lost it."""

    id: int
    author: Person | None
    body: Adf | None
    created: datetime
    updated: datetime
    properties: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    update_author: Person | None = None


class ChangeItem(NamedTuple):
    """One field's change in the changelog. Labels are whole sets joined by spaces."""

    field: str
    field_id: str
    old: str | None
    old_text: str | None
    new: str | None
    new_text: str | None


@dataclass(frozen=True, slots=True)
class History:
    """One changelog entry: who changed which fields when."""

    id: int
    author: Person
    created: datetime
    items: tuple[ChangeItem, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue at one moment. All instants are aware and cut to the millisecond.

    `extra` holds further fields exactly as they are answered; `absent` names fields left out of answers.
    """

    id: int
    key: str
    project: str
    type_id: str
    status_id: str
    summary: str
    created: datetime
    updated: datetime
    labels: tuple[str, ...] = ()
    description: Adf | None = None
    priority: str | None = None
    components: tuple[str, ...] = ()
    fix_versions: tuple[str, ...] = ()
    parent: IssueLink | None = None
    epic_link: IssueLink | None = None
    ties: tuple[Tie, ...] = ()
    assignee: Person | None = None
    reporter: Person | None = None
    creator: Person | None = None
    resolution: str | None = None
    resolved: datetime | None = None
    comments: tuple[Comment, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    watchers: frozenset[Person] = frozenset()
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    absent: frozenset[str] = frozenset()
    cache: dict[str, bytes] = field(init=False, default_factory=dict, compare=False, repr=False)

    @property
    def number(self) -> int:
        """The digits of the key."""
        return int(self.key.rpartition("-")[2])


class IssueState(NamedTuple):
    """What a test compares byte for byte before and after: everything that a bot could have touched."""

    labels: tuple[str, ...]
    comments: tuple[tuple[str, str, str, str], ...]
    properties: tuple[tuple[str, str], ...]
