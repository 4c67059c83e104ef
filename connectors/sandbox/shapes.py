"""Issues as Jira answers them. The JSON of a field is made once per version of an issue and then reused."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from connectors.sandbox.registry import EPIC_LINK, Registry
from connectors.sandbox.values import Comment, History, Issue, IssueLink, Person, Project, Tie

# Answers name themselves at the gateway, not at the address they were asked at (facts §8): nobody may follow `self`.
CLOUD_ID = "8c6f1d0e-5a43-4b7e-9d2a-5d3c1f0a7b11"
SELF = f"https://api.atlassian.com/ex/jira/{CLOUD_ID}/rest/api/3"
EMBEDDED_COMMENTS = 20
HEAVY = frozenset({"comment", "attachment"})


def person_json(person: Person | None) -> dict[str, Any] | None:
    """An account as others see it: without its mail address, where the profile hides it."""
    if person is None:
        return None
    shown = {"emailAddress": person.email} if person.email else {}
    return shown | {
        "self": f"{SELF}/user?accountId={person.account_id}",
        "accountId": person.account_id,
        "displayName": person.display_name,
        "active": person.active,
        "timeZone": "Europe/Berlin",
        "accountType": person.account_type,
    }


# A site's administrators name these at will: the words in front of "from" differ, and the type's own name may, too.
TIES = {
    "Cloners": ("10001", "is cloned into", "is cloned from"),
    "Issue split": ("10200", "split from", "split to"),
}


def tie_json(issue: Issue, tie: Tie) -> dict[str, Any]:
    """A link as it stands on one of its issues."""
    number, inward, outward = TIES[tie.kind]
    kind = {
        "id": number,
        "name": tie.kind,
        "inward": inward,
        "outward": outward,
        "self": f"{SELF}/issueLinkType/{number}",
    }
    first, second = sorted((issue.id, tie.other.id))
    other = {"id": str(tie.other.id), "key": tie.other.key, "self": f"{SELF}/issue/{tie.other.id}"}
    side = "outwardIssue" if tie.outward else "inwardIssue"
    return {"id": f"{first}{second}", "self": f"{SELF}/issueLink/{first}{second}", "type": kind, side: other}


@dataclass(frozen=True, slots=True)
class View:
    """Which versions of issues an answer shows (the live ones or the index's), and to whom."""

    issues: Mapping[int, Issue]
    children: Mapping[int, Iterable[int]]
    visible: Callable[[Issue], bool]


class Shapes:
    """Turns the sandbox's values into JSON, in the site's time zone."""

    def __init__(self, registry: Registry, zone: ZoneInfo) -> None:
        self.registry = registry
        self.zone = zone
        self.plain: dict[str, Callable[[Issue], Any]] = {
            "summary": lambda i: i.summary,
            "description": lambda i: i.description,
            "labels": lambda i: list(i.labels),
            "status": lambda i: self.status(i.status_id),
            "statusCategory": lambda i: self.category(self.registry.statuses[i.status_id].category),
            "priority": lambda i: self.priority(i.priority),
            "issuetype": lambda i: self.issue_type(i.type_id),
            "project": lambda i: self.project_ref(self.registry.projects[i.project]),
            "components": lambda i: [self.component(i.project, name) for name in i.components],
            "fixVersions": lambda i: [self.version(i.project, name) for name in i.fix_versions],
            "versions": lambda _: [],
            "assignee": lambda i: person_json(i.assignee),
            "reporter": lambda i: person_json(i.reporter),
            "creator": lambda i: person_json(i.creator),
            "created": lambda i: self.stamp(i.created),
            "updated": lambda i: self.stamp(i.updated),
            "resolution": lambda i: self.resolution(i.resolution),
            "resolutiondate": lambda i: self.stamp(i.resolved) if i.resolved else None,
            "duedate": lambda _: None,
            "environment": lambda _: None,
            "issuelinks": lambda i: [tie_json(i, tie) for tie in i.ties],
            "attachment": lambda _: [],
            "watches": lambda i: {"watchCount": len(i.watchers), "isWatching": False},
            "comment": self.embedded_comments,
        }
        self.moving = frozenset({"parent", "subtasks", EPIC_LINK})
        self.known = self.plain.keys() | self.moving

    def stamp(self, moment: datetime) -> str:
        """An instant as Jira writes it: the site's zone, milliseconds, an offset without colon."""
        local = moment.astimezone(self.zone)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"

    def status(self, status_id: str) -> dict[str, Any]:
        """A status with its category."""
        status = self.registry.statuses[status_id]
        shown = {"self": f"{SELF}/status/{status.id}", "description": "", "name": status.name, "id": status.id}
        return shown | {"statusCategory": self.category(status.category)}

    @staticmethod
    def category(key: str) -> dict[str, Any]:
        """A status category; its name depends on the language, its key does not."""
        number, color, name = {
            "new": (2, "blue-gray", "To Do"),
            "indeterminate": (4, "yellow", "In Progress"),
            "done": (3, "green", "Done"),
        }.get(key, (1, "medium-gray", "No Category"))
        return {
            "self": f"{SELF}/statuscategory/{number}",
            "id": number,
            "key": key,
            "colorName": color,
            "name": name,
        }

    def priority(self, name: str | None) -> dict[str, Any] | None:
        """A priority, or null."""
        if name is None:
            return None
        number = self.registry.priorities.setdefault(name, str(10200 + len(self.registry.priorities)))
        return {"self": f"{SELF}/priority/{number}", "name": name, "id": number}

    def issue_type(self, type_id: str) -> dict[str, Any]:
        """An issue type with its level; a team-managed project's type says whose it is."""
        kind = self.registry.types[type_id]
        shown: dict[str, Any] = {
            "self": f"{SELF}/issuetype/{kind.id}",
            "id": kind.id,
            "description": "",
            "name": kind.name,
            "subtask": kind.subtask,
            "hierarchyLevel": kind.level,
        }
        if kind.project:
            shown["scope"] = {"type": "PROJECT", "project": {"id": self.registry.projects[kind.project].id}}
        return shown

    def project_ref(self, project: Project) -> dict[str, Any]:
        """A project as an issue names it."""
        return {
            "self": f"{SELF}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": project.type_key,
            "simplified": project.style == "next-gen",
        }

    def component(self, project: str, name: str) -> dict[str, Any]:
        """A component as an issue names it."""
        number = self.registry.component_id(project, name)
        return {"self": f"{SELF}/component/{number}", "id": number, "name": name}

    def version(self, project: str, name: str) -> dict[str, Any]:
        """A version as an issue names it."""
        number = self.registry.version_id(project, name)
        shown = {"self": f"{SELF}/version/{number}", "id": number, "name": name}
        return {**shown, "archived": False, "released": False}

    @staticmethod
    def resolution(name: str | None) -> dict[str, Any] | None:
        """A resolution, or null."""
        return {"self": f"{SELF}/resolution/{name}", "id": "10000", "name": name} if name else None

    def comment(self, issue: Issue, comment: Comment, *, properties: bool = False) -> dict[str, Any]:
        """A comment; its properties only where the documentation promises them (facts §5)."""
        shown: dict[str, Any] = {
            "self": f"{SELF}/issue/{issue.id}/comment/{comment.id}",
            "id": str(comment.id),
            "created": self.stamp(comment.created),
            "updated": self.stamp(comment.updated),
        }
        if comment.author:
            shown["author"] = person_json(comment.author)
            shown["updateAuthor"] = person_json(comment.update_author or comment.author)
        if comment.body is not None:
            shown["body"] = comment.body
        if self.registry.projects[issue.project].type_key == "service_desk":
            internal = comment.properties.get("sd.public.comment", {})
            shown["jsdPublic"] = not (isinstance(internal, dict) and internal.get("internal") is True)
        if properties:
            shown["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return shown

    def embedded_comments(self, issue: Issue) -> dict[str, Any]:
        """The `comment` field of a row: cut, while `total` tells the truth (facts §5)."""
        return {
            "comments": [self.comment(issue, comment) for comment in issue.comments[:EMBEDDED_COMMENTS]],
            "self": f"{SELF}/issue/{issue.id}/comment",
            "maxResults": EMBEDDED_COMMENTS,
            "total": len(issue.comments),
            "startAt": 0,
        }

    def history(self, entry: History, fields: frozenset[str] | None) -> dict[str, Any] | None:
        """A changelog entry with the fields asked for, or None when nothing of it was."""
        items = []
        for item in entry.items:
            if fields is not None and item.field_id not in fields:
                continue
            shown = {"field": item.field, "fieldtype": "jira", "fieldId": item.field_id, "from": item.old}
            shown |= {"fromString": item.old_text, "to": item.new, "toString": item.new_text}
            items.append({key: value for key, value in shown.items() if value is not None})
        if not items:
            return None
        author, created = person_json(entry.author), self.stamp(entry.created)
        return {"id": str(entry.id), "author": author, "created": created, "items": items}

    def wanted(self, asked: list[str] | None, default: str) -> list[str]:
        """Field ids from `fields=`: names, `*all`, `*navigable`, and `-name` to leave one out."""
        chosen: dict[str, None] = {}
        for name in asked or [default]:
            if name in ("*all", "*navigable"):
                chosen.update(dict.fromkeys(sorted(self.known - (HEAVY if name == "*navigable" else set()))))
                chosen[name] = None
            elif name.startswith("-"):
                chosen.pop(name[1:], None)
            else:
                chosen[name] = None
        if all(name.startswith("-") for name in asked or []) and asked:
            return self.wanted([default, *asked], default)
        return list(chosen)

    def row(self, issue: Issue, wanted: list[str], properties: list[str], view: View) -> bytes:
        """One issue as JSON bytes, with the fields and properties asked for."""
        head = orjson.dumps({"expand": "renderedFields,names,schema", "id": str(issue.id)})
        parts = [head[:-1], b'"self":"%s/issue/%d"' % (SELF.encode(), issue.id), b'"key":"%s"' % issue.key.encode()]
        fields = [part for name in wanted if (part := self.field(issue, name, view))]
        if "*all" in wanted or "*navigable" in wanted:
            fields.extend(self.field(issue, name, view) or b"" for name in issue.extra if name not in wanted)
        if fields or set(wanted) - {"id", "key"}:
            parts.append(b'"fields":{' + b",".join(fields) + b"}")
        if properties:
            held = {key: issue.properties[key] for key in properties if key in issue.properties}
            parts.append(b'"properties":' + orjson.dumps(held))
        return b",".join(parts) + b"}"

    def field(self, issue: Issue, name: str, view: View) -> bytes | None:
        """`"name":value` as bytes, None where the issue has no such field."""
        if name in self.moving:
            return self._moving(issue, name, view)
        cached = issue.cache.get(name)
        if cached is None:
            cached = issue.cache[name] = self._fixed(issue, name)
        return cached or None

    def _fixed(self, issue: Issue, name: str) -> bytes:
        if name in issue.absent or name in self.registry.projects[issue.project].absent:
            return b""
        if name in issue.extra:
            value = issue.extra[name]
        elif name in self.plain:
            value = self.plain[name](issue)
        else:
            return b""
        return orjson.dumps(name) + b":" + orjson.dumps(value)

    def _moving(self, issue: Issue, name: str, view: View) -> bytes | None:
        """Fields that change when another issue does."""
        if name in self.registry.projects[issue.project].absent:
            return None
        if name == "parent":
            return b'"parent":' + self._reference(issue.parent, view) if issue.parent else None
        if name == "subtasks":
            below = sorted(view.children.get(issue.id, ()))
            found = [view.issues[child] for child in below if child in view.issues]
            subtasks = [i for i in found if self.registry.types[i.type_id].subtask and view.visible(i)]
            return b'"subtasks":[' + b",".join(self._short(child) for child in subtasks) + b"]"
        if self.registry.projects[issue.project].style == "next-gen":
            return None
        link = issue.epic_link
        held = view.issues.get(link.id) if link else None
        key = held.key if held else link.key if link else None
        return orjson.dumps(EPIC_LINK) + b":" + orjson.dumps(key)

    def _reference(self, link: IssueLink, view: View) -> bytes:
        """A parent as its child names it: never its labels; of an invisible one no more than id and key."""
        held = view.issues.get(link.id)
        if held is not None and view.visible(held):
            return self._short(held)
        key = held.key if held else link.key
        return orjson.dumps({"id": str(link.id), "key": key, "self": f"{SELF}/issue/{link.id}"})

    def _short(self, issue: Issue) -> bytes:
        cached = issue.cache.get("#short")
        if cached is None:
            fields: dict[str, Any] = {"summary": issue.summary, "status": self.status(issue.status_id)}
            fields |= {"priority": self.priority(issue.priority), "issuetype": self.issue_type(issue.type_id)}
            shown = {"id": str(issue.id), "key": issue.key, "self": f"{SELF}/issue/{issue.id}", "fields": fields}
            cached = issue.cache["#short"] = orjson.dumps(shown)
        return cached
