"""What may be done to an issue's fields and labels, and what that leaves behind. People's edits take the same way."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.linear import values
from connectors.sandbox.linear.errors import LinearError, not_found
from connectors.sandbox.linear.holdings import full_name
from connectors.sandbox.linear.markdown import kept
from connectors.sandbox.linear.values import Issue, Label, State, Team
from connectors.sandbox.linear.workspace import Session

DONE_TYPES = ("completed", "canceled", "duplicate")
_PLAIN = ("title", "priority", "estimate", "dueDate")
_LABEL_KEYS = ("labelIds", "addedLabelIds", "removedLabelIds")


def update(session: Session, issue: Issue, asked: Mapping[str, Any]) -> bool:
    """Changes what is asked, all of it or nothing, and says whether anything changed.

    `asked` holds the keys of `IssueUpdateInput`; a key that is there with null empties that field.

    Raises:
        LinearError: the issue is archived, or the change is against the rules.
    """
    prepared = prepare(session, issue, asked)
    return commit(session, issue, prepared)


def prepare(session: Session, issue: Issue, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the issue would hold, by attribute; nothing is changed yet.

    Raises:
        LinearError: as of `update`.
    """
    if issue.archived_at is not None and not session.workspace.switches.archived_editable:
        raise LinearError("Entity is archived", "The issue is archived and cannot be edited. Restore it first.")
    new: dict[str, Any] = {_attribute(name): asked[name] for name in _PLAIN if name in asked}
    if "title" in asked and not (asked["title"] or "").strip():
        raise LinearError("title must not be empty", "A title is needed.")
    if "description" in asked:
        new["description"] = kept(asked["description"]) if asked["description"] is not None else None
    if "assigneeId" in asked:
        new["assignee"] = _found(session.workspace.users.rows, asked["assigneeId"], "User")
    team = _team(session, issue, asked, new)
    _places(session, issue, asked, new, team)
    new["labels"] = _labels(session, issue, asked, team)
    return new


def _attribute(name: str) -> str:
    return {"dueDate": "due_date"}.get(name, name)


def _found(rows: Mapping[str, Any], identity: str | None, what: str) -> Any:
    if identity is None:
        return None
    if identity not in rows:
        raise not_found(what)
    return rows[identity]


def _team(session: Session, issue: Issue, asked: Mapping[str, Any], new: dict[str, Any]) -> Team:
    """The team it will be in. A move maps the state by its type and leaves the cycle behind."""
    workspace = session.workspace
    team: Team = issue.team
    if asked.get("teamId"):
        team = _found(workspace.teams.rows, asked["teamId"], "Team")
        if not session.sees(team):
            raise not_found("Team")
    if team is not issue.team:
        new["team"] = team
        new["cycle"] = None
        new["state"] = workspace.state(team, issue.state.type)
    return team


def _places(session: Session, issue: Issue, asked: Mapping[str, Any], new: dict[str, Any], team: Team) -> None:
    """State, project, cycle, parent: each must fit the team."""
    workspace = session.workspace
    if asked.get("stateId"):
        new["state"] = _found(workspace.states.rows, asked["stateId"], "WorkflowState")
    if "projectId" in asked:
        new["project"] = _found(workspace.projects.rows, asked["projectId"], "Project")
    if "cycleId" in asked:
        new["cycle"] = _found(workspace.cycles.rows, asked["cycleId"], "Cycle")
    state, project, cycle = (new.get(name, getattr(issue, name)) for name in ("state", "project", "cycle"))
    strange = state.team is not team or (cycle is not None and cycle.team is not team)
    if strange or (project is not None and team not in project.teams):
        told = "Discrepancy between issue team and state, cycle or project."
        raise LinearError(told, told)
    if "parentId" in asked:
        new["parent"] = find_issue(session, asked["parentId"]) if asked["parentId"] is not None else None
        if new["parent"] is not None and _below(new["parent"], issue):
            raise LinearError("parentId is circular", "An issue cannot be its own parent.")


def _below(issue: Issue | None, above: Issue) -> bool:
    while issue is not None:
        if issue is above:
            return True
        issue = issue.parent
    return False


def find_issue(session: Session, identity: str) -> Issue:
    """By UUID or identifier, also a former one; trashed ones too, until they are purged.

    Raises:
        LinearError: there is none that this key may see.
    """
    workspace = session.workspace
    found = workspace.issues.rows.get(workspace.identifiers.get(identity.upper(), identity))
    if found is None or not session.sees(found.team):
        raise not_found("Issue")
    return found


# -- labels ---------------------------------------------------------------------------------------------------------


def find_label(session: Session, identity: str) -> Label:
    """A label by id, not deleted and not of a team that this key does not see.

    Raises:
        LinearError: there is none.
    """
    label = session.workspace.labels.rows.get(identity)
    if label is None or label.archived_at is not None or (label.team is not None and not session.sees(label.team)):
        raise not_found("IssueLabel")
    return label


def _labels(session: Session, issue: Issue, asked: Mapping[str, Any], team: Team) -> dict[str, Label]:
    base = dict(issue.labels)
    if team is not issue.team:
        base = {i: label for i, label in base.items() if label.team is None or label.team is team}
    if not any(name in asked for name in _LABEL_KEYS):
        return base
    wanted = base
    if asked.get("labelIds") is not None:
        wanted = {i: find_label(session, i) for i in asked["labelIds"]}
    removed = asked.get("removedLabelIds") or ()
    absent = [i for i in removed if i not in wanted]
    if absent and session.workspace.switches.absent_removal_fails:
        raise not_found("IssueLabel")
    wanted = {i: label for i, label in wanted.items() if i not in removed}
    wanted |= {i: find_label(session, i) for i in asked.get("addedLabelIds") or ()}
    check_labels(wanted, issue.labels, team)
    return wanted


def check_labels(wanted: Mapping[str, Label], before: Mapping[str, Label], team: Team) -> None:
    """The rules that a set of labels on an issue must keep.

    Raises:
        LinearError: a group, another team's label, a retired label newly put on, or two of one group.
    """
    for label in wanted.values():
        if label.is_group:
            raise LinearError(
                "labelIds contain parent labels", f"The label '{label.name}' is a group and cannot be applied."
            )
        if label.team is not None and label.team is not team:
            raise LinearError(
                "labelIds for incorrect team",
                f"The label '{label.name}' is not associated with the same team as the issue.",
            )
        if label.retired_at is not None and label.id not in before:
            raise LinearError("labelIds contain retired labels", f"The label '{label.name}' is retired.")
    in_group: dict[str, Label] = {}
    for label in wanted.values():
        if label.parent is None:
            continue
        other = in_group.setdefault(label.parent.id, label)
        if other is not label:
            raise LinearError(
                "labelIds not exclusive child labels",
                f"The label '{label.name}' is in the same group as '{other.name}'. "
                "Only one label in a group can be applied to an issue.",
            )


# -- writing --------------------------------------------------------------------------------------------------------


def commit(session: Session, issue: Issue, new: Mapping[str, Any]) -> bool:
    """Writes what was prepared: history, instants, notifications. What is as it was leaves no trace."""
    changes = _changes(issue, new)
    moved = {name: value for name, value in new.items() if name != "labels" and getattr(issue, name) is not value}
    moved = {name: value for name, value in moved.items() if getattr(issue, name) != value}
    workspace = session.workspace
    if not changes and not moved and not workspace.switches.noop_edit_bumps:
        return False
    before = (issue.state, issue.assignee)
    if "team" in moved:
        _move(session, issue, moved["team"])
    if "parent" in moved:
        workspace.reparent(issue, moved["parent"])
    for name, value in moved.items():
        if name not in ("team", "parent"):
            setattr(issue, name, value)
    for label in new["labels"].values():
        if label.id not in issue.labels:
            label.last_applied_at = session.now
    issue.labels = dict(new["labels"])
    _stamp(session, issue, before[0])
    if changes:
        workspace.log(issue, session.doer, changes)
    _notify(session, issue, *before)
    return bool(changes or moved)


_LOGGED = ("title", "priority", "state", "team", "parent", "project", "cycle", "assignee")


def _changes(issue: Issue, new: Mapping[str, Any]) -> dict[str, Any]:
    """The history entry, by the schema's names."""
    told: dict[str, Any] = {}
    for name in _LOGGED:
        old = getattr(issue, name)
        if name in new and new[name] != old:
            told[f"from{name.capitalize()}"], told[f"to{name.capitalize()}"] = old, new[name]
    if "description" in new and new["description"] != issue.description:
        told["updatedDescription"] = True
    added = [i for i in new["labels"] if i not in issue.labels]
    removed = [i for i in issue.labels if i not in new["labels"]]
    return told | ({"addedLabelIds": added} if added else {}) | ({"removedLabelIds": removed} if removed else {})


def _move(session: Session, issue: Issue, team: Team) -> None:
    workspace = session.workspace
    issue.previous_identifiers.append(issue.identifier)
    team.last_number += 1
    issue.team, issue.number, issue.identifier = team, team.last_number, f"{team.key}-{team.last_number}"
    workspace.identifiers[issue.identifier.upper()] = issue.id


def _stamp(session: Session, issue: Issue, before: State) -> None:
    issue.updated_at = session.stamp(issue.updated_at)
    session.workspace.issues.touch()
    if issue.state is before:
        return
    kind = issue.state.type
    issue.started_at = (issue.started_at or session.now) if kind in ("started", "completed") else None
    issue.completed_at = session.now if kind == "completed" else None
    issue.canceled_at = session.now if kind in ("canceled", "duplicate") else None


def _notify(session: Session, issue: Issue, state: State, assignee: values.User | None) -> None:
    """Labels, titles and places are silent; being assigned and an end are not."""
    workspace = session.workspace
    if issue.assignee is not None and issue.assignee is not assignee:
        if issue.assignee not in issue.subscribers:
            issue.subscribers.append(issue.assignee)
        workspace.notify(session.doer, issue, "assigned", only=[issue.assignee])
    if issue.state is not state and issue.state.type in DONE_TYPES:
        workspace.notify(session.doer, issue, issue.state.name)


def archive(session: Session, issue: Issue, *, trash: bool) -> None:
    """Out of sight, restorable; with `trash` to be purged later."""
    issue.archived_at = session.now
    issue.trashed = True if trash else None
    issue.updated_at = session.stamp(issue.updated_at)
    session.workspace.issues.touch()
    session.workspace.log(issue, session.doer, {"archived": True, **({"trashed": True} if trash else {})})


def restore(session: Session, issue: Issue) -> None:
    """Back from the archive or the trash."""
    issue.archived_at, issue.trashed, issue.updated_at = None, None, session.stamp(issue.updated_at)
    session.workspace.issues.touch()
    session.workspace.log(issue, session.doer, {"archived": False})


def check_name(session: Session, name: str, parent: Label | None, team: Team | None, own: Label | None = None) -> None:
    """Whether a label may have a name: two rules, of which one is in force (`Switches.label_names`).

    Retired labels and groups are in the way too, though no list shows the former.

    Raises:
        LinearError: it is taken.
    """
    switches = session.workspace.switches
    for other in session.workspace.labels:
        gone = other.archived_at is not None and not switches.deleted_labels_collide
        if other is own or gone or other.name.casefold() != name.casefold():
            continue
        near = other.parent is parent if switches.label_names == "group" else True
        if near and (other.team is team or (switches.label_names == "workspace" and None in (other.team, team))):
            where = f"in team {other.team.name}" if other.team else "in the workspace"
            raise LinearError("duplicate label name", f'Label "{full_name(other)}" already exists {where}.')
