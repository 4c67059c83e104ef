"""Linear's issues → `Issue`. Pure. What cannot be understood comes back as a value that says what and where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.linear.labels import Labels
from connectors.linear.shapes import (
    WrongError,
    instant,
    mapping,
    name,
    nodes,
    optional_mapping,
    optional_rows,
    rows,
    shown,
    text,
)
from connectors.linear.signs import copy_of
from syncd.core.errors import Unreadable
from syncd.core.fold import storable
from syncd.core.model import Category, Copy, Issue, IssueRef, Link, Person

CATEGORIES: Final = {
    "triage": Category.TODO,
    "backlog": Category.TODO,
    "unstarted": Category.TODO,
    "started": Category.IN_PROGRESS,
    "completed": Category.DONE,
    "canceled": Category.DONE,
    "duplicate": Category.DONE,
}
"""Types of workflow states; their names are free (facts/linear.md §5)."""

PRIORITIES: Final = {0: None, 1: "Urgent", 2: "High", 3: "Medium", 4: "Low"}

SPRINT: Final = frozenset({"sprint"})
_BROWSED: Final = re.compile(r"/browse/([A-Za-z][A-Za-z0-9_]*-[0-9]+)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What reading one workspace's issues depends on, besides the issues."""

    tracker: str
    labels: Labels
    sprint: bool = False
    """Whether cycles were asked for."""
    installation: str = ""
    """Whose copy counts where several installations left one."""


def project_key(slug: str) -> str:
    """What people call a project by: its slug alone, for the whole one would quote its name."""
    return f"project-{slug}"


def initiative_key(slug: str) -> str:
    """As `project_key`."""
    return f"initiative-{slug}"


def read_issue(raw: Any, dialect: Dialect, at: str = "issue") -> Issue | Unreadable:
    """One issue of an answer, or what is wrong with it as a value, with the path (facts/linear.md §5).

    Tolerated: absent keys and nulls where Linear says "none", and people that failed to be told, whom no rule sees.
    Not tolerated is what a rule or a write would get wrong: no id, key, state, team, label ids or date of change, a
    type of state or a priority that nobody knows, signs of being archived that are none, any other field that failed
    (`Untold`).
    """
    try:
        told = mapping(raw, at)
        return _issue(told, dialect, at)
    except WrongError as wrong:
        link = link_of(raw)
        return Unreadable(f"{link}: {wrong}" if link else str(wrong), tracker=dialect.tracker, link=link)


def in_scope(raw: Any, teams: frozenset[str]) -> bool:
    """Whether an issue counts: of a team in scope (their keys in capitals), and neither archived nor in the trash."""
    told = raw if isinstance(raw, Mapping) else {}
    team = told.get("team")
    key = team.get("key") if isinstance(team, Mapping) else None
    away = told.get("archivedAt") is not None or told.get("trashed") is True
    return not away and isinstance(key, str) and key.upper() in teams


def link_of(raw: Any) -> Link | None:
    """Which issue it is, by whatever it tells of itself."""
    told = raw if isinstance(raw, Mapping) else {}
    issue_id, key = told.get("id"), told.get("identifier")
    link = Link(issue_id if isinstance(issue_id, str) and issue_id else None, _key(key))
    return link if link.id or link.key else None


def _key(value: Any) -> str | None:
    return storable(value) if isinstance(value, str) and value else None


def _issue(raw: Mapping[str, Any], dialect: Dialect, at: str) -> Issue:
    issue_id, key = name(raw.get("id"), f"{at}.id"), name(raw.get("identifier"), f"{at}.identifier")
    state = mapping(raw.get("state"), f"{at}.state")
    team = mapping(raw.get("team"), f"{at}.team")
    team_key = name(team.get("key"), f"{at}.team.key")
    labels, marks = dialect.labels.read(rows(raw.get("labelIds"), f"{at}.labelIds"), f"{at}.labelIds")
    parent = optional_mapping(raw.get("parent"), f"{at}.parent")
    project = optional_mapping(raw.get("project"), f"{at}.project")
    updated = instant(raw.get("updatedAt"), f"{at}.updatedAt")
    _check_life(raw, at)
    return Issue(
        ref=IssueRef(dialect.tracker, issue_id),
        key=key,
        title=text(raw.get("title"), f"{at}.title") or "",
        type="issue" if parent is None else "sub-issue",
        level=0 if parent is None else -1,
        status=name(state.get("name"), f"{at}.state.name"),
        category=category(state.get("type"), f"{at}.state.type"),
        priority=priority(raw.get("priority"), f"{at}.priority"),
        project=team_key,
        project_name="" if project is None else text(project.get("name"), f"{at}.project.name") or "",
        labels=labels,
        marks=marks,
        parent=None
        if parent is None
        else Link(name(parent.get("id"), f"{at}.parent.id"), _key(parent.get("identifier"))),
        within=() if project is None else (_project(project, f"{at}.project"),),
        twins=_twins(raw, at),
        assignee=person(raw.get("assignee")),
        reporter=reporter(raw),
        created=updated if raw.get("createdAt") is None else instant(raw.get("createdAt"), f"{at}.createdAt"),
        updated=updated,
        url=web_address(raw.get("url"), f"{at}.url"),
        copy=_copy(raw, dialect, at),
        restricted=team.get("visibility") != "public",
        team=(team_key, text(team.get("name"), f"{at}.team.name") or team_key),
        sprints=_sprints(raw.get("cycle"), f"{at}.cycle") if dialect.sprint else (),
        asked=SPRINT if dialect.sprint else frozenset(),
    )


def _check_life(raw: Mapping[str, Any], at: str) -> None:
    """Anything but a date there must not count as archived, and so take an issue out of all figures in silence."""
    archived, trashed = raw.get("archivedAt"), raw.get("trashed")
    if archived is not None:
        instant(archived, f"{at}.archivedAt")
    if not isinstance(trashed, bool | None):
        raise WrongError(f"{at}.trashed", f"is neither true nor false: {shown(trashed)}")


def category(value: Any, at: str) -> Category:
    """What a type of workflow state comes to. One that we do not know is an error: a guess would close or open work."""
    found = CATEGORIES.get(value) if isinstance(value, str) else None
    if found is None:
        raise WrongError(at, f"is none of {', '.join(CATEGORIES)}: {shown(value)}")
    return found


def priority(value: Any, at: str) -> str | None:
    """The name of a priority; None for "No priority", which is 0."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in PRIORITIES:
        raise WrongError(at, f"is none of 0 to 4: {shown(value)}")
    return PRIORITIES[int(value)]


def person(value: Any) -> Person | None:
    """An account of the workspace; None for nobody, or for one that Linear does not name."""
    told = value if isinstance(value, Mapping) else {}
    user_id, called = told.get("id"), told.get("name")
    if not isinstance(user_id, str) or not user_id:
        return None
    shown_name = storable(called) if isinstance(called, str) and called else user_id
    if told.get("app") is True:
        return Person(user_id, shown_name, "app")
    if told.get("guest") is True:
        return Person(user_id, shown_name, "customer")
    known = isinstance(told.get("app"), bool) and isinstance(told.get("guest"), bool)
    return Person(user_id, shown_name, "member" if known else "unknown")


def machine(value: Any) -> Person | None:
    """A bot or integration; its id may be missing."""
    told = value if isinstance(value, Mapping) else {}
    bot_id, called = told.get("id"), told.get("name")
    if not isinstance(bot_id, str | None) or not isinstance(called, str | None) or not (bot_id or called):
        return None
    return Person(bot_id or f"bot {called}", storable(called or bot_id or ""), "app")


def web_address(value: Any, at: str) -> str:
    """An address that a browser may be sent to."""
    told = name(value, at)
    try:
        parts = urlsplit(told)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
        raise WrongError(at, f"is no web address: {shown(told)}")
    return told


def _project(raw: Mapping[str, Any], at: str) -> Link:
    slug = text(raw.get("slugId"), f"{at}.slugId")
    return Link(name(raw.get("id"), f"{at}.id"), project_key(slug) if slug else None)


def reporter(raw: Mapping[str, Any]) -> Person | None:
    """Who made it: a user, a bot, or somebody outside who wrote in by an integration."""
    outside = person(raw.get("externalUserCreator"))
    if outside is not None:
        outside = Person(outside.id, outside.name, "customer")
    return person(raw.get("creator")) or machine(raw.get("botActor")) or outside


def _sprints(value: Any, at: str) -> tuple[str, ...]:
    """The cycle by its name; one without is called by its number, as Linear shows it."""
    cycle = optional_mapping(value, at)
    if cycle is None:
        return ()
    called = text(cycle.get("name"), f"{at}.name")
    if called:
        return (called,)
    number = cycle.get("number")
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise WrongError(f"{at}.number", f"is not a number: {shown(number)}")
    return (f"Cycle {number:g}",)


def _copy(raw: Mapping[str, Any], dialect: Dialect, at: str) -> Copy | None:
    found = [copy for one in nodes(raw.get("copies"), f"{at}.copies") if (copy := copy_of(one)) is not None]
    ours = (copy for copy in found if copy.installation == dialect.installation)
    return next(ours, found[0] if found else None)


def _twins(raw: Mapping[str, Any], at: str) -> tuple[str, ...]:
    """Addresses of Jira issues that it links to; keys that Linear's own Jira sync tells, where no address does."""
    told = [one.get("url") for one in nodes(raw.get("links"), f"{at}.links") if isinstance(one, Mapping)]
    urls = {storable(url): found[1].upper() for url in told if isinstance(url, str) and (found := _BROWSED.search(url))}
    keys = {
        key.upper() for one in optional_rows(raw.get("syncedWith"), f"{at}.syncedWith") if (key := _synced_key(one))
    }
    return tuple(sorted({*urls, *(keys - set(urls.values()))}))


def _synced_key(value: Any) -> str | None:
    told = value if isinstance(value, Mapping) else {}
    metadata = told.get("metadata")
    key = metadata.get("issueKey") if isinstance(metadata, Mapping) else None
    return storable(key) if told.get("service") == "jira" and isinstance(key, str) and key else None
