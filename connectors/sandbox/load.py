"""Real issues from a file, one JSON issue a line in the agile API's shape, laid into a site in Cloud's shape.

What changes: type Epic gets level 1, `epic.key` becomes the parent, wiki text becomes ADF, user names become
account ids. Ids and keys stay. What an issue names but the file does not hold answers as invisible.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from connectors.sandbox.registry import Registry
from connectors.sandbox.site import Site
from connectors.sandbox.values import Comment, Issue, IssueLink, IssueType, Person, Status
from connectors.sandbox.wiki import adf_of

_EPIC = "epic"
_LINES = re.compile(r"[\r\n]+")
LONGEST_SUMMARY = 255


def load_issues(site: Site, path: Path) -> int:
    """Lays the file's issues into the site and returns how many there are.

    Raises:
        ValueError: a line is not an issue; the text says which line.
    """
    with site.lock:
        rows = list(_rows(path))
        for where, row in rows:
            with _told(where):
                _register(site.registry, row["fields"])
        for where, row in rows:
            with _told(where):
                site.put(_new(site, _issue(site, row)))
    return len(rows)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """What a field is not, told with the line it stands in: files come from anywhere."""
    try:
        yield
    except KeyError as missing:
        raise ValueError(f"{where}: not an issue: {missing} is missing") from missing
    except (TypeError, AttributeError, ValueError) as wrong:
        raise ValueError(f"{where}: not an issue: {wrong}") from wrong


def _new(site: Site, issue: Issue) -> Issue:
    if issue.id in site.live or issue.key in site.keys:
        raise ValueError(f"there is one of id {issue.id} or key {issue.key} already")
    return issue


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.removeprefix(b"\xef\xbb\xbf").strip()
            if text:
                yield f"{path}:{number}", _row(text, f"{path}:{number}")


def _row(text: bytes, where: str) -> dict[str, Any]:
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError as broken:
        raise ValueError(f"{where}: not JSON: {broken}") from broken
    fields = row.get("fields") if isinstance(row, dict) else None
    needed = {"project", "issuetype", "status", "created", "updated"}
    if not isinstance(fields, dict) or not row.keys() >= {"id", "key"} or not fields.keys() >= needed:
        raise ValueError(f"{where}: not an issue: id, key, and fields with {', '.join(sorted(needed))} are needed")
    return dict(row)


def _register(registry: Registry, fields: dict[str, Any]) -> None:
    project = fields["project"]
    if project["key"] not in registry.projects:
        registry.add_project(project["key"], project["name"], identity=str(project["id"]))
    kind, status = fields["issuetype"], fields["status"]
    registry.types[_type_id(kind)] = _type(kind)
    category = status.get("statusCategory", {}).get("key", "undefined")
    registry.statuses[_status_id(status)] = Status(_status_id(status), status["name"], category)
    if fields.get("priority"):
        registry.priorities[fields["priority"]["name"]] = str(fields["priority"]["id"])


def _type_id(kind: dict[str, Any]) -> str:
    """The file's own ids, moved away from those that a site begins with."""
    return f"1{int(kind['id']):05d}"


def _status_id(status: dict[str, Any]) -> str:
    return f"1{int(status['id']):05d}"


def _type(kind: dict[str, Any]) -> IssueType:
    role = kind["name"].casefold().replace("-", "").replace("new feature", "feature")
    level = -1 if kind.get("subtask") else 1 if role == _EPIC else 0
    return IssueType(_type_id(kind), "subtask" if level < 0 else role, kind["name"], level)


def _instant(text: str) -> datetime:
    """With or without milliseconds, with or without a colon in the offset: exports differ."""
    told = datetime.fromisoformat(text)
    if told.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return told.astimezone(UTC)


def _person(site: Site, user: dict[str, Any] | None) -> Person | None:
    if not user:
        return None
    name, active = user.get("name") or user["displayName"], bool(user.get("active", True))
    return site.registry.person(name, user["displayName"], active=active)


def _names(values: Iterable[dict[str, Any]] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value["name"] for value in values or ()))


def _issue(site: Site, row: dict[str, Any]) -> Issue:
    fields = row["fields"]
    subtask = bool(fields["issuetype"].get("subtask"))
    epic, above = _link(fields.get("epic")), _link(fields.get("parent"))
    description = fields.get("description")
    return Issue(
        id=int(row["id"]),
        key=row["key"],
        project=fields["project"]["key"],
        type_id=_type_id(fields["issuetype"]),
        status_id=_status_id(fields["status"]),
        summary=_LINES.sub(" ", fields.get("summary") or "")[:LONGEST_SUMMARY],
        created=_instant(fields["created"]),
        updated=_instant(fields["updated"]),
        labels=tuple(fields.get("labels") or ()),
        description=adf_of(description) if description else None,
        priority=fields["priority"]["name"] if fields.get("priority") else None,
        components=_names(fields.get("components")),
        fix_versions=_names(fields.get("fixVersions")),
        parent=above or (None if subtask else epic),
        epic_link=None if subtask else epic,
        assignee=_person(site, fields.get("assignee")),
        reporter=_person(site, fields.get("reporter")),
        creator=_person(site, fields.get("creator")),
        resolution=fields["resolution"]["name"] if fields.get("resolution") else None,
        resolved=_instant(fields["resolutiondate"]) if fields.get("resolutiondate") else None,
        comments=tuple(_comments(site, fields.get("comment") or {})),
        absent=frozenset(name for name in ("description", "priority", "fixVersions") if name not in fields),
    )


def _link(other: dict[str, Any] | None) -> IssueLink | None:
    return IssueLink(int(other["id"]), other["key"]) if other else None


def _comments(site: Site, held: dict[str, Any]) -> Iterator[Comment]:
    """Those in the file; an archive may hold fewer than its own `total`, and some without a body."""
    for comment in held.get("comments", ()):
        body = comment.get("body")
        yield Comment(
            id=int(comment["id"]),
            author=_person(site, comment.get("author")),
            body=adf_of(body) if body else None,
            created=_instant(comment["created"]),
            updated=_instant(comment["updated"]),
            update_author=_person(site, comment.get("updateAuthor")),
        )
