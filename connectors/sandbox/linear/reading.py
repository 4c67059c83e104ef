"""How each field of the schema is read off a row. What is not named here is the row's attribute of that name."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from connectors.sandbox.linear.edits import find_issue
from connectors.sandbox.linear.errors import not_found
from connectors.sandbox.linear.filters import build
from connectors.sandbox.linear.paging import Connection, connect
from connectors.sandbox.linear.tables import Table
from connectors.sandbox.linear.values import PRIORITIES, Issue, Project, Row
from connectors.sandbox.linear.workspace import Session

Resolver = Callable[..., Any]


# -- what a key sees ------------------------------------------------------------------------------------------------


def seen(session: Session, row: Any) -> Any:
    """The row, or nothing where it lies in a team that this key does not see."""
    return row if row is not None and visible(session, row) else None


def visible(session: Session, row: Any) -> bool:
    """Whether a row's team, or one of its teams, is one that this key sees."""
    if isinstance(row, Project):
        return any(session.sees(team) for team in row.teams)
    issue = row if isinstance(row, Issue) else getattr(row, "issue", None)
    if issue is not None:
        return session.sees(issue.team)
    project = getattr(row, "project", None)
    if project is not None:
        return visible(session, project)
    team = getattr(row, "team", None)
    return team is None or session.sees(team)


def _tables(session: Session) -> Mapping[str, Table[Any]]:
    w = session.workspace
    tables: tuple[Table[Any], ...] = (
        w.users, w.teams, w.states, w.labels, w.project_labels, w.initiative_labels, w.projects, w.initiatives,
        w.joins, w.cycles, w.issues, w.comments, w.attachments,
    )  # fmt: skip
    return {table.name: table for table in tables}


def _page(session: Session, kind: str, args: Mapping[str, Any], within: Iterable[Any] | None = None) -> Connection:
    asked = build(session, kind, args.get("filter"))
    everything = bool(args.get("includeArchived"))

    def keep(row: Any) -> bool:
        if kind == "Team" and not session.sees(row):
            return False
        retired = getattr(row, "retired_at", None) is not None and not everything
        return not retired and visible(session, row) and asked(row)

    return connect(session, _tables(session)[kind], keep, args, within)


def _listing(kind: str) -> Resolver:
    return lambda _, info, **args: _page(info.context, kind, args)


def _within(kind: str, rows: Callable[[Session, Any], Iterable[Any]]) -> Resolver:
    return lambda row, info, **args: _page(info.context, kind, args, rows(info.context, row))


def _by_id(kind: str) -> Resolver:
    def resolve(_: Any, info: Any, id: str) -> Any:  # noqa: A002 (the schema's word)
        session: Session = info.context
        row: Row | None = _tables(session)[kind].rows.get(id)
        team_unseen = kind == "Team" and row is not None and not session.sees(row)  # type: ignore[arg-type]
        if row is None or team_unseen or not visible(session, row):
            raise not_found(kind)
        return row

    return resolve


def _team_by_id(_: Any, info: Any, id: str) -> Any:  # noqa: A002 (the schema's word)
    session: Session = info.context
    for team in session.workspace.teams:
        if id in (team.id, team.key) and session.sees(team):
            return team
    raise not_found("Team")


def _comment(_: Any, info: Any, id: str | None = None, **__: Any) -> Any:  # noqa: A002 (the schema's word)
    found = info.context.workspace.comments.rows.get(id)
    if found is None or not visible(info.context, found):
        raise not_found("Comment")
    return found


def _for_url(_: Any, info: Any, url: str, **args: Any) -> Connection:
    session: Session = info.context
    return _page(session, "Attachment", args, [a for a in session.workspace.attachments if a.url == url])


# -- roots ----------------------------------------------------------------------------------------------------------


def _organization(_: Any, info: Any) -> dict[str, Any]:
    workspace = info.context.workspace
    return {
        "id": workspace.id,
        "name": workspace.name,
        "url_key": workspace.url_key,
        "created_at": workspace.created_at,
        "updated_at": workspace.created_at,
        "archived_at": None,
        "user_count": len(workspace.users),
        "created_issue_count": sum(team.last_number for team in workspace.teams),
        "project_statuses": list(workspace.statuses),
    }


def _rate_limits(_: Any, info: Any) -> dict[str, Any]:
    session: Session = info.context
    user = session.doer.user
    assert user is not None  # noqa: S101 (a request without a user asks for introspection only)
    budget = session.workspace.budget(user)
    limits = []
    for kind, bucket in (("requests", budget.requests), ("complexity", budget.complexity)):
        bucket.refill(session.now)
        told = {"type": kind, "allowed_amount": bucket.limit, "remaining_amount": int(bucket.left), "period": 3_600_000}
        limits.append({**told, "requested_amount": 0, "reset": bucket.reset(session.now)})
    return {"identifier": user.id, "kind": "oauthApp" if session.key and session.key.app else "user", "limits": limits}


QUERY: dict[str, Resolver] = {
    "viewer": lambda _, info: info.context.doer.user,
    "organization": _organization,
    "rateLimitStatus": _rate_limits,
    "teams": _listing("Team"),
    "team": _team_by_id,
    "users": _listing("User"),
    "user": _by_id("User"),
    "workflowStates": _listing("WorkflowState"),
    "issues": _listing("Issue"),
    "issue": lambda _, info, id: find_issue(info.context, id),  # noqa: A006 (the schema's word)
    "issueLabels": _listing("IssueLabel"),
    "issueLabel": _by_id("IssueLabel"),
    "projects": _listing("Project"),
    "project": _by_id("Project"),
    "projectLabels": _listing("ProjectLabel"),
    "initiatives": _listing("Initiative"),
    "initiative": _by_id("Initiative"),
    "initiativeLabels": _listing("InitiativeLabel"),
    "initiativeToProjects": _listing("InitiativeToProject"),
    "initiativeToProject": _by_id("InitiativeToProject"),
    "cycles": _listing("Cycle"),
    "comments": _listing("Comment"),
    "comment": _comment,
    "attachments": _listing("Attachment"),
    "attachment": _by_id("Attachment"),
    "attachmentsForURL": _for_url,
}


# -- rows -----------------------------------------------------------------------------------------------------------


def _seen(name: str) -> Resolver:
    return lambda row, info: seen(info.context, getattr(row, name))


def _id_of(name: str) -> Resolver:
    def resolve(row: Any, info: Any) -> str | None:
        other = seen(info.context, getattr(row, name))
        return other.id if other is not None else None

    return resolve


def _name(row: Any, info: Any) -> str:
    """Names come back HTML-escaped at times (facts §5)."""
    escaped = info.context.workspace.switches.escaped_names
    name: str = row.name
    return name.replace("&", "&amp;").replace("<", "&lt;") if escaped else name


def _team_rows(table: str) -> Callable[[Session, Any], Iterable[Any]]:
    return lambda session, team: [row for row in getattr(session.workspace, table) if row.team is team]


def _joins(session: Session, side: str, row: Any) -> list[Any]:
    return [join for join in session.workspace.joins if getattr(join, side) is row]


def _branch(issue: Issue, _: Any) -> str:
    slug = "-".join("".join(c if c.isalnum() else " " for c in issue.title.casefold()).split())[:60]
    return f"{issue.identifier.casefold()}-{slug}".rstrip("-")


def _issue_url(issue: Issue, info: Any) -> str:
    return f"https://linear.app/{info.context.workspace.url_key}/issue/{issue.identifier}"


def _nested_archived(args: dict[str, Any]) -> dict[str, Any]:
    """An issue's labels are shown whatever has become of them."""
    return {**args, "includeArchived": True}


def _issue_labels(issue: Issue, info: Any, **args: Any) -> Connection:
    return _page(info.context, "IssueLabel", _nested_archived(args), issue.labels.values())


ISSUE: dict[str, Resolver] = {
    "attachments": _within("Attachment", lambda s, i: s.workspace.attachments_of.get(i.id, ())),
    "branchName": _branch,
    "children": _within("Issue", lambda s, i: s.workspace.children_of.get(i.id, {}).values()),
    "comments": _within("Comment", lambda s, i: s.workspace.comments_of.get(i.id, ())),
    "labelIds": lambda issue, _: list(issue.labels),
    "labels": _issue_labels,
    "parent": _seen("parent"),
    "priorityLabel": lambda issue, _: PRIORITIES[issue.priority],
    "project": _seen("project"),
    "subscribers": _within("User", lambda _, i: i.subscribers),
    "url": _issue_url,
}


def _history(issue: Issue, info: Any, **args: Any) -> Connection:
    entries = info.context.workspace.history_of.get(issue.id, [])
    table: Table[Any] = Table("IssueHistory")
    for entry in entries:
        table.add(entry)
    return connect(info.context, table, lambda _: True, args)


def _logged(name: str) -> Resolver:
    """What an entry says under this name, by itself or by its id."""

    def resolve(entry: Any, _: Any) -> Any:
        if name in entry.changes:
            return entry.changes[name]
        other = entry.changes.get(name.removesuffix("Id"))
        return other.id if name.endswith("Id") and other is not None else None

    return resolve


def _logged_labels(name: str) -> Resolver:
    def resolve(entry: Any, info: Any) -> list[Any] | None:
        ids, rows = entry.changes.get(name), info.context.workspace.labels.rows
        return None if ids is None else [rows[i] for i in ids if i in rows]

    return resolve


_FROM_TO = [
    f"{side}{what}{suffix}"
    for side in ("from", "to")
    for what in ("Assignee", "Cycle", "Parent", "Project", "State", "Team")
    for suffix in ("", "Id")
]
HISTORY: dict[str, Resolver] = {
    **{name: _logged(name) for name in _FROM_TO},
    **{name: _logged(name) for name in ("fromTitle", "toTitle", "fromPriority", "toPriority", "updatedDescription")},
    **{name: _logged(name) for name in ("archived", "autoArchived", "trashed", "attachment", "attachmentId")},
    "actorId": lambda entry, _: entry.actor.id if entry.actor else None,
    "addedLabelIds": _logged("addedLabelIds"),
    "removedLabelIds": _logged("removedLabelIds"),
    "addedLabels": _logged_labels("addedLabelIds"),
    "removedLabels": _logged_labels("removedLabelIds"),
}

FIELDS: dict[str, dict[str, Resolver]] = {
    "Query": QUERY,
    "Issue": {**ISSUE, "history": _history},
    "IssueHistory": HISTORY,
    "User": {"isMe": lambda user, info: user is info.context.doer.user, "organization": _organization},
    "Team": {
        "cycles": _within("Cycle", _team_rows("cycles")),
        "defaultIssueState": lambda team, info: info.context.workspace.state(team, "backlog"),
        "issueCount": lambda team, info, includeArchived: sum(  # noqa: N803 (the schema's word)
            i.team is team and (includeArchived or i.archived_at is None) for i in info.context.workspace.issues
        ),
        "issues": _within("Issue", _team_rows("issues")),
        "labels": _within("IssueLabel", _team_rows("labels")),
        "parent": lambda team, info: team.parent if team.parent and info.context.sees(team.parent) else None,
        "states": _within("WorkflowState", _team_rows("states")),
        "visibility": lambda team, _: "private" if team.private else "public",
    },
    "Cycle": {
        "isActive": lambda cycle, info: cycle.starts_at <= info.context.now < cycle.ends_at,
        "isFuture": lambda cycle, info: cycle.starts_at > info.context.now,
        "isPast": lambda cycle, info: cycle.ends_at <= info.context.now,
    },
    "IssueLabel": {
        "name": _name,
        "children": _within("IssueLabel", lambda s, row: [x for x in s.workspace.labels if x.parent is row]),
        "issues": _within("Issue", lambda s, row: [i for i in s.workspace.issues if row.id in i.labels]),
    },
    "ProjectLabel": {"name": _name},
    "InitiativeLabel": {"name": _name},
    "Project": {
        "name": _name,
        "comments": _within("Comment", lambda s, row: [c for c in s.workspace.comments if c.project is row]),
        "initiatives": _within("Initiative", lambda s, row: [j.initiative for j in _joins(s, "project", row)]),
        "initiativeToProjects": _within("InitiativeToProject", lambda s, row: _joins(s, "project", row)),
        "issues": _within("Issue", lambda s, row: [i for i in s.workspace.issues if i.project is row]),
        "labelIds": lambda row, _: [label.id for label in row.labels],
        "labels": _within("ProjectLabel", lambda _, row: row.labels),
        "priorityLabel": lambda row, _: PRIORITIES[row.priority],
        "state": lambda row, _: row.status.type,
        "teams": _within("Team", lambda _, row: row.teams),
    },
    "Initiative": {
        "name": _name,
        "labelIds": lambda row, _: [label.id for label in row.labels],
        "labels": _within("InitiativeLabel", lambda _, row: row.labels),
        "parentInitiative": lambda row, _: row.parents[0] if row.parents else None,
        "parentInitiatives": _within("Initiative", lambda _, row: row.parents),
        "projects": _within("Project", lambda s, row: [j.project for j in _joins(s, "initiative", row)]),
        "subInitiatives": _within(
            "Initiative", lambda s, row: [i for i in s.workspace.initiatives if row in i.parents]
        ),
    },
    "Comment": {
        "children": _within("Comment", lambda s, row: [c for c in s.workspace.comments if c.parent is row]),
        "initiativeId": _id_of("initiative"),
        "issueId": _id_of("issue"),
        "parentId": _id_of("parent"),
        "projectId": _id_of("project"),
    },
    "ExternalEntityInfoJiraMetadata": {},
}
