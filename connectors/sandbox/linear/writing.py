"""The mutations of issues and labels, and the table of all."""

from collections.abc import Callable
from typing import Any

from connectors.sandbox.linear.edits import (
    archive,
    check_name,
    commit,
    find_issue,
    find_label,
    prepare,
    restore,
    update,
)
from connectors.sandbox.linear.errors import LinearError, bad_argument, forbidden, no_label_rights, not_found
from connectors.sandbox.linear.payloads import Answer, Input, doer_of, done, own_id, writer
from connectors.sandbox.linear.talking import TALK
from connectors.sandbox.linear.values import Issue, Label, Team
from connectors.sandbox.linear.workspace import Session

BATCH = 50


# -- issues ---------------------------------------------------------------------------------------------------------


def _issue_update(_: Any, info: Any, id: str, input: Input) -> Answer:  # noqa: A002 (the schema's words)
    session = writer(info.context)
    issue = find_issue(session, id)
    if input.get("trashed") is not None:
        if input["trashed"]:
            archive(session, issue, trash=True)
        else:
            restore(session, issue)
    rest = {name: value for name, value in input.items() if name != "trashed"}
    if rest:
        update(session, issue, rest)
    return done(session, issue=issue)


def _issue_batch_update(_: Any, info: Any, ids: list[str], input: Input) -> Answer:  # noqa: A002 (the schema's words)
    session = writer(info.context)
    if not ids or len(ids) > BATCH:
        raise bad_argument(f"ids must contain no more than {BATCH} elements", name="ids", constraint="arrayMaxSize")
    issues = [find_issue(session, one) for one in dict.fromkeys(ids)]
    prepared = [(issue, prepare(session, issue, input)) for issue in issues]
    for issue, new in prepared:
        commit(session, issue, new)
    return done(session, issues=issues)


def _one_label(key: str) -> Callable[..., Answer]:
    def mutate(_: Any, info: Any, id: str, labelId: str) -> Answer:  # noqa: A002, N803 (the schema's words)
        session = writer(info.context)
        issue = find_issue(session, id)
        update(session, issue, {key: [find_label(session, labelId).id]})
        return done(session, issue=issue)

    return mutate


def _issue_create(_: Any, info: Any, input: Input) -> Answer:  # noqa: A002 (the schema's word)
    session = writer(info.context)
    return done(session, issue=create_issue(session, input))


def create_issue(session: Session, asked: Input) -> Issue:
    """A new issue in the team's backlog, or as it is asked for.

    Raises:
        LinearError: something asked for is not there or not allowed; nothing is made then.
    """
    workspace = session.workspace
    team = workspace.teams.rows.get(asked["teamId"])
    if team is None or not session.sees(team):
        raise not_found("Team")
    if not (asked.get("title") or "").strip():
        raise bad_argument("title should not be empty", name="title", constraint="isNotEmpty")
    identity = own_id(session, asked.get("id"), "Issue", workspace.issues.rows)
    doer, born = doer_of(session, asked), asked.get("createdAt") or session.stamp()
    number = team.last_number + 1
    key, state = f"{team.key}-{number}", workspace.state(team, "backlog")
    made = Issue(identity, born, session.stamp(), team, number, key, asked["title"], state, creator=doer.user)
    made.bot_actor, made.external_user_creator = doer.bot, doer.external
    rest = {name: value for name, value in asked.items() if name not in _AT_BIRTH and value is not None}
    new = prepare(session, made, rest)
    parent = new.pop("parent", None)
    for name, value in new.items():
        setattr(made, name, value)
    made.parent = parent
    made.subscribers = [user for user in dict.fromkeys((doer.user, made.assignee)) if user is not None]
    workspace.place(made)
    if made.labels:
        workspace.log(made, doer, {"addedLabelIds": list(made.labels)})
    if made.assignee is not None:
        workspace.notify(doer, made, "assigned", only=[made.assignee])
    return made


_AT_BIRTH = frozenset({"teamId", "title", "id", "createdAt", "createAsUser", "displayIconUrl", "subscriberIds"})


def _issue_archive(_: Any, info: Any, id: str, trash: bool | None = None) -> Answer:  # noqa: A002, FBT001 (the schema's)
    session = writer(info.context)
    issue = find_issue(session, id)
    archive(session, issue, trash=bool(trash))
    return done(session, entity=issue)


def _issue_unarchive(_: Any, info: Any, id: str) -> Answer:  # noqa: A002 (the schema's word)
    session = writer(info.context)
    issue = find_issue(session, id)
    restore(session, issue)
    return done(session, entity=issue)


def _issue_delete(
    _: Any,
    info: Any,
    id: str,  # noqa: A002 (the schema's word)
    permanentlyDelete: bool | None = None,  # noqa: FBT001, N803 (the schema's)
) -> Answer:
    session = writer(info.context)
    issue = find_issue(session, id)
    if not permanentlyDelete:
        archive(session, issue, trash=True)
        return done(session, entity=issue)
    if session.doer.user is None or not session.doer.user.admin:
        raise forbidden("Only admins may delete issues for good.")
    session.workspace.drop_issue(issue)
    return done(session, entity=None)


# -- labels ---------------------------------------------------------------------------------------------------------


def _labeller(session: Session) -> Session:
    writer(session)
    user = session.doer.user
    if session.workspace.switches.label_owners_only and not (user is not None and (user.admin or user.owner)):
        raise no_label_rights()
    return session


def _above(session: Session, identity: str | None, team: Team | None) -> Label | None:
    if identity is None:
        return None
    parent = find_label(session, identity)
    if not parent.is_group:
        raise LinearError("parentId is not a label group", f"The label '{parent.name}' is not a group.")
    if parent.team is not team:
        raise LinearError("parentId for incorrect team", "A label and its group belong to the same team, or to none.")
    size = sum(label.parent is parent and label.archived_at is None for label in session.workspace.labels)
    if size >= session.workspace.switches.group_cap:
        raise LinearError("too many labels in group", f"A group can have at most {size} labels.")
    return parent


def _issue_label_create(_: Any, info: Any, input: Input, **__: Any) -> Answer:  # noqa: A002 (the schema's word)
    session = _labeller(info.context)
    workspace = session.workspace
    if not input["name"].strip():
        raise bad_argument("name should not be empty", name="name", constraint="isNotEmpty")
    team = workspace.teams.rows.get(input["teamId"]) if input.get("teamId") else None
    if input.get("teamId") and (team is None or not session.sees(team)):
        raise not_found("Team")
    parent = _above(session, input.get("parentId"), team)
    check_name(session, input["name"], parent, team)
    identity = own_id(session, input.get("id"), "IssueLabel", workspace.labels.rows)
    made = Label(identity, session.now, session.now, input["name"], parent=parent, team=team, creator=session.doer.user)
    made.color = input.get("color") or made.color
    made.description, made.is_group = input.get("description"), bool(input.get("isGroup"))
    made.retired_at = input.get("retiredAt")
    return done(session, issue_label=workspace.labels.add(made))


def _issue_label_update(_: Any, info: Any, id: str, input: Input, **__: Any) -> Answer:  # noqa: A002 (the schema's words)
    session = _labeller(info.context)
    label = find_label(session, id)
    parent = _above(session, input["parentId"], label.team) if "parentId" in input else label.parent
    name = input.get("name") or label.name
    if (name, parent) != (label.name, label.parent):
        check_name(session, name, parent, label.team, own=label)
    if input.get("isGroup") and any(label.id in issue.labels for issue in session.workspace.issues):
        raise LinearError("label is applied to issues", f"The label '{label.name}' is on issues and cannot be a group.")
    label.name, label.parent = name, parent
    for key, attribute in (("color", "color"), ("isGroup", "is_group")):
        if input.get(key) is not None:
            setattr(label, attribute, input[key])
    for key, attribute in (("description", "description"), ("retiredAt", "retired_at")):
        if key in input:
            setattr(label, attribute, input[key])
    return done(session, issue_label=_changed_label(session, label))


def _changed_label(session: Session, label: Label) -> Label:
    """A label's own instant moves; no issue's does (facts §6, assumed)."""
    label.updated_at = session.now
    session.workspace.labels.touch()
    return label


def _issue_label_delete(_: Any, info: Any, id: str) -> Answer:  # noqa: A002 (the schema's word)
    session = _labeller(info.context)
    delete_label(session, find_label(session, id))
    return done(session, entity_id=id)


def delete_label(session: Session, label: Label) -> None:
    """Archives a label and those in it, and takes them off every issue; no issue's instant moves."""
    for child in [x for x in session.workspace.labels if x.parent is label and x.archived_at is None]:
        delete_label(session, child)
    label.archived_at = session.now
    _changed_label(session, label)
    for issue in session.workspace.issues:
        issue.labels.pop(label.id, None)


def _retiring(*, retire: bool) -> Callable[..., Answer]:
    def mutate(_: Any, info: Any, id: str) -> Answer:  # noqa: A002 (the schema's word)
        session = _labeller(info.context)
        label = find_label(session, id)
        label.retired_at = session.now if retire else None
        label.retired_by = session.doer.user if retire else None
        return done(session, issue_label=_changed_label(session, label))

    return mutate


MUTATION: dict[str, Callable[..., Answer]] = {
    **TALK,
    "issueCreate": _issue_create,
    "issueUpdate": _issue_update,
    "issueBatchUpdate": _issue_batch_update,
    "issueAddLabel": _one_label("addedLabelIds"),
    "issueRemoveLabel": _one_label("removedLabelIds"),
    "issueArchive": _issue_archive,
    "issueUnarchive": _issue_unarchive,
    "issueDelete": _issue_delete,
    "issueLabelCreate": _issue_label_create,
    "issueLabelUpdate": _issue_label_update,
    "issueLabelDelete": _issue_label_delete,
    "issueLabelRetire": _retiring(retire=True),
    "issueLabelRestore": _retiring(retire=False),
}
