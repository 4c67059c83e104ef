"""Jira's JSON → `Issue`. Pure. What cannot be understood comes back as a value that says what and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote

from connectors.jira.custom import NOTHING, Wanted, extras_of
from syncd.core.errors import Unreadable
from syncd.core.fold import storable
from syncd.core.marks import split_labels
from syncd.core.model import Category, Copy, Issue, IssueRef, Link, Person
from syncd.core.ports import MarkNames

COPY_PROPERTY: Final = "syncd"
"""The issue and comment property that syncd signs with."""

FIELDS: Final = (
    "summary", "issuetype", "status", "priority", "project", "components", "fixVersions", "labels", "parent",
    "assignee", "reporter", "created", "updated", "security",
)  # fmt: skip
"""All that is asked for of an issue, besides the Epic Link and what rules name: never a description or a comment."""

T = TypeVar("T")

_CATEGORIES: Final = {
    "new": Category.TODO,
    "undefined": Category.TODO,  # a status of no category: Jira's "No Category" (DESIGN §4)
    "indeterminate": Category.IN_PROGRESS,
    "done": Category.DONE,
}
_ACCOUNT_KINDS: Final[Mapping[Any, Literal["member", "customer", "app"]]] = {
    "atlassian": "member",
    "customer": "customer",
    "app": "app",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What reading one site's issues depends on, besides the issues."""

    tracker: str
    browse: str
    """The site's address for people, without a slash at its end."""
    marks: MarkNames
    epic_links: tuple[str, ...] = ()
    """Ids of this site's Epic Link fields."""
    wanted: Wanted = NOTHING
    """What rules name beyond the common fields."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The field ids to ask for."""
        return tuple(dict.fromkeys((*FIELDS, *self.epic_links, *self.wanted.ids)))


class _WrongError(Exception):
    """Something at `path` is not what it must be; caught by `read_issue` alone."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        self.what = what
        super().__init__(path, what)


def read_issue(raw: Any, dialect: Dialect, where: str = "issue") -> Issue | Unreadable:
    """One issue of an answer, or what is wrong with it as a value, with the JSON path (facts/jira.md §3).

    Tolerated: absent keys and nulls (both are how Jira says "none"), ids as numbers, a missing creation date or
    project name. Not tolerated is what a rule or a write would get wrong: no id or key, no type, status or `updated`,
    an unknown status category, labels that are not a list of texts.
    """
    try:
        return _issue(_mapping(raw, where), dialect, where)
    except _WrongError as wrong:
        link = _link(raw) if isinstance(raw, Mapping) else None
        name = f"{link}: " if link else ""
        return Unreadable(f"{name}{wrong.path} {wrong.what}", tracker=dialect.tracker, link=link)


def _issue(raw: Mapping[str, Any], dialect: Dialect, where: str) -> Issue:
    issue_id = _required(_id(raw.get("id")), f"{where}.id", "is missing")
    key = _required(_text(raw.get("key"), f"{where}.key"), f"{where}.key", "is missing")
    at = f"{where}.fields"
    fields = _mapping(raw.get("fields"), at)
    kind = _mapping(fields.get("issuetype"), f"{at}.issuetype")
    status = _mapping(fields.get("status"), f"{at}.status")
    project = _mapping(fields.get("project") or {}, f"{at}.project")
    project_key = _text(project.get("key"), f"{at}.project.key") or key.rpartition("-")[0]
    labels, marks = split_labels(_texts(fields.get("labels"), f"{at}.labels"), dialect.marks)
    updated = _instant(fields.get("updated"), f"{at}.updated")
    extras = extras_of(fields, dialect.wanted)
    return Issue(
        ref=IssueRef(dialect.tracker, issue_id),
        key=key,
        title=_text(fields.get("summary"), f"{at}.summary") or "",
        type=_name(kind, f"{at}.issuetype"),
        level=_level(kind, f"{at}.issuetype"),
        status=_name(status, f"{at}.status"),
        category=_category(status, f"{at}.status"),
        priority=_optional_name(fields.get("priority"), f"{at}.priority"),
        project=project_key,
        project_name=_text(project.get("name"), f"{at}.project.name") or project_key,
        components=_names(fields.get("components"), f"{at}.components"),
        fix_versions=_names(fields.get("fixVersions"), f"{at}.fixVersions"),
        labels=labels,
        marks=marks,
        parent=_parent(fields, dialect.epic_links, at),
        assignee=read_person(fields.get("assignee")),
        reporter=read_person(fields.get("reporter")),
        created=updated if fields.get("created") is None else _instant(fields.get("created"), f"{at}.created"),
        updated=updated,
        url=f"{dialect.browse}/browse/{quote(key, safe='')}",
        copy=_copy(raw.get("properties")),
        restricted=fields.get("security") is not None,
        sprints=extras.sprints,
        extra=extras.extra,
        asked=extras.asked,
    )


def _parent(fields: Mapping[str, Any], epic_links: Sequence[str], at: str) -> Link | None:
    """`parent`, the unified field, where there is one; else the Epic Link, which holds a key (facts/jira.md §3)."""
    parent = fields.get("parent")
    if parent is not None:
        link = _link(_mapping(parent, f"{at}.parent"))
        return _required(link, f"{at}.parent", "has neither an id nor a key")
    for name in epic_links:
        value = fields.get(name)
        key = value.get("key") if isinstance(value, Mapping) else value
        if key:
            return Link(None, _text(key, f"{at}.{name}"))
    return None


def _level(kind: Mapping[str, Any], at: str) -> int:
    level = kind.get("hierarchyLevel")
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    if level is not None:
        raise _WrongError(f"{at}.hierarchyLevel", f"is not a whole number: {_shown(level)}")
    return -1 if kind.get("subtask") is True else 0


def _category(status: Mapping[str, Any], at: str) -> Category:
    at = f"{at}.statusCategory"
    key = _mapping(status.get("statusCategory"), at).get("key")
    found = _CATEGORIES.get(key) if isinstance(key, str) else None
    if found is None:
        raise _WrongError(f"{at}.key", f"is none of {', '.join(_CATEGORIES)}: {_shown(key)}")
    return found


def read_person(value: Any) -> Person | None:
    """An account; None for nobody, or for one that Jira does not name (facts/jira.md §5, account types)."""
    account = value.get("accountId") if isinstance(value, Mapping) else None
    if not isinstance(account, str) or not account:
        return None
    name = value.get("displayName")
    kind = value.get("accountType")
    return Person(
        account,
        storable(name) if isinstance(name, str) else account,
        _ACCOUNT_KINDS.get(kind, "unknown") if isinstance(kind, str) else "unknown",
    )


def _copy(properties: Any) -> Copy | None:
    """What travels with the mark; anything not written by syncd's own hand is no copy at all."""
    value = properties.get(COPY_PROPERTY) if isinstance(properties, Mapping) else None
    if not isinstance(value, Mapping):
        return None
    installation, instance, mark = value.get("installation"), value.get("instance"), value.get("mark")
    if not isinstance(installation, str) or not isinstance(instance, str) or not isinstance(mark, str | None):
        return None
    return Copy(installation, instance, mark)


def _link(raw: Mapping[str, Any]) -> Link | None:
    key = raw.get("key")
    link = Link(_id(raw.get("id")), storable(key) if isinstance(key, str) and key else None)
    return link if link.id or link.key else None


def _id(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def read_instant(value: Any) -> datetime | None:
    """An aware instant in UTC; None for what is none."""
    try:
        return _instant(value, "")
    except _WrongError:
        return None


def _instant(value: Any, at: str) -> datetime:
    """An aware instant in UTC. Jira writes the site's zone, as `2026-09-27T10:03:11.123+0200` (facts/jira.md §2)."""
    try:
        told = datetime.fromisoformat(value)
        return told.astimezone(UTC) if told.tzinfo else _naive(value, at)
    except (TypeError, ValueError, OverflowError):
        raise _WrongError(at, f"is no date and time: {_shown(value)}") from None


def _naive(value: Any, at: str) -> datetime:
    raise _WrongError(at, f"has no time zone: {_shown(value)}")


def _names(value: Any, at: str) -> tuple[str, ...]:
    return tuple(_name(_mapping(item, f"{at}[{i}]"), f"{at}[{i}]") for i, item in enumerate(_list(value, at)))


def _name(value: Mapping[str, Any], at: str) -> str:
    return _required(_text(value.get("name"), f"{at}.name"), f"{at}.name", "is missing")


def _optional_name(value: Any, at: str) -> str | None:
    return None if value is None else _text(_mapping(value, at).get("name"), f"{at}.name")


def _texts(value: Any, at: str) -> tuple[str, ...]:
    texts = tuple(_text(item, f"{at}[{i}]") for i, item in enumerate(_list(value, at)))
    return tuple(text for text in texts if text)


def _text(value: Any, at: str) -> str | None:
    if isinstance(value, str):
        return storable(value)
    if value is not None:
        raise _WrongError(at, f"is not a text: {_shown(value)}")
    return None


def _list(value: Any, at: str) -> Sequence[Any]:
    if value is not None and not isinstance(value, list):
        raise _WrongError(at, f"is not a list: {_shown(value)}")
    return value or ()


def _mapping(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, (dict, Mapping)):  # a dict at once, the rest by asking what it offers
        raise _WrongError(at, "is missing" if value is None else f"is not an object: {_shown(value)}")
    return value


def _required(value: T | None, at: str, what: str) -> T:
    if value is None or value == "":
        raise _WrongError(at, what)
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004  # enough to recognise it by
