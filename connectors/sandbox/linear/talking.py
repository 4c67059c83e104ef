"""The mutations of comments and attachments."""

from collections.abc import Callable
from typing import Any

from connectors.sandbox.linear import values
from connectors.sandbox.linear.edits import find_issue
from connectors.sandbox.linear.errors import LinearError, bad_argument, forbidden, not_found
from connectors.sandbox.linear.markdown import kept
from connectors.sandbox.linear.payloads import Answer, Input, doer_of, done, own_id, writer
from connectors.sandbox.linear.values import Doer, Issue
from connectors.sandbox.linear.workspace import Session

# -- comments -------------------------------------------------------------------------------------------------------


def _comment_create(_: Any, info: Any, input: Input) -> Answer:  # noqa: A002 (the schema's word)
    session: Session = info.context
    if session.key is None or not session.key.may_comment:
        raise forbidden("This API key may not create comments.")
    return done(session, comment=create_comment(session, input))


def create_comment(session: Session, asked: Input) -> values.Comment:
    """A new comment. It tells those who subscribe to the issue; the issue's own `updatedAt` stays (facts §6).

    Raises:
        LinearError: no or several places to comment on, no text, the id is taken, the issue is full or archived.
    """
    workspace = session.workspace
    places = [name for name in ("issueId", "projectId", "initiativeId", "parentId") if asked.get(name)]
    if len([name for name in places if name != "parentId"]) > 1 or not places:
        told = (
            "Exactly one of issueId, projectId, projectUpdateId, initiativeId, initiativeUpdateId, parentId is needed"
        )
        raise bad_argument(told, name="issueId")
    identity = own_id(session, asked.get("id"), "Comment", workspace.comments.rows)
    parent = workspace.comments.rows.get(asked.get("parentId") or "")
    if asked.get("parentId") and parent is None:
        raise not_found("Comment")
    body = kept(asked.get("body") or "")
    if not body:
        raise bad_argument("body should not be empty", name="body", constraint="isNotEmpty")
    issue = find_issue(session, asked["issueId"]) if asked.get("issueId") else (parent.issue if parent else None)
    doer, born = doer_of(session, asked), asked.get("createdAt") or session.now
    place = f"https://linear.app/{workspace.url_key}/{issue.identifier if issue else 'project'}#comment-{identity[:8]}"
    made = values.Comment(identity, born, session.now, body, issue, place, doer.user, doer.bot, doer.external, parent)
    made.quoted_text = asked.get("quotedText")
    _elsewhere(session, made, asked)
    if issue is not None:
        _comment_on(session, issue, doer)
        if doer.user is not None and not asked.get("doNotSubscribeToIssue") and doer.user not in issue.subscribers:
            issue.subscribers.append(doer.user)
    return workspace.add_comment(made)


def _elsewhere(session: Session, made: values.Comment, asked: Input) -> None:
    workspace = session.workspace
    for key, name, rows in (
        ("projectId", "project", workspace.projects.rows),
        ("initiativeId", "initiative", workspace.initiatives.rows),
    ):
        if asked.get(key):
            if asked[key] not in rows:
                raise not_found(name.capitalize())
            setattr(made, name, rows[asked[key]])


def _comment_on(session: Session, issue: Issue, doer: Doer) -> None:
    workspace = session.workspace
    if issue.archived_at is not None and not workspace.switches.archived_editable:
        raise LinearError("Entity is archived", "The issue is archived and cannot be commented on. Restore it first.")
    cap = workspace.switches.comment_cap
    if len(workspace.comments_of.get(issue.id, ())) >= cap:
        told = f"Quota exceeded - An issue can have a maximum of {cap} comments."
        raise LinearError(told, told, kind="usage limit exceeded", code="USAGE_LIMIT_EXCEEDED")
    if workspace.switches.comment_bumps:
        issue.updated_at = session.now
        workspace.issues.touch()
    workspace.notify(doer, issue, "commented")


def _own_comment(session: Session, identity: str) -> values.Comment:
    found = session.workspace.comments.rows.get(identity)
    if found is None or (found.issue is not None and not session.sees(found.issue.team)):
        raise not_found("Comment")
    user = session.doer.user
    if found.user is not user and not (user is not None and user.admin):
        raise forbidden("You can only change your own comments.")
    return found


def _comment_update(
    _: Any,
    info: Any,
    id: str,  # noqa: A002 (the schema's word)
    input: Input,  # noqa: A002 (the schema's word)
    skipEditedAt: bool | None = None,  # noqa: FBT001, N803 (the schema's)
) -> Answer:
    session = writer(info.context)
    comment = _own_comment(session, id)
    edit_comment(session, comment, input.get("body"), silent=bool(skipEditedAt))
    return done(session, comment=comment)


def edit_comment(session: Session, comment: values.Comment, body: str | None, *, silent: bool = False) -> None:
    """Puts another text in its place; nobody is told."""
    if body is None or kept(body) == comment.body:
        return
    comment.body, comment.updated_at = kept(body), session.now
    comment.edited_at = comment.edited_at if silent else session.now
    session.workspace.comments.touch()


def _comment_delete(_: Any, info: Any, id: str) -> Answer:  # noqa: A002 (the schema's word)
    session = writer(info.context)
    session.workspace.drop_comment(_own_comment(session, id))
    return done(session, entity_id=id)


# -- attachments ----------------------------------------------------------------------------------------------------


def _attachment_create(_: Any, info: Any, input: Input) -> Answer:  # noqa: A002 (the schema's word)
    session = writer(info.context)
    return done(session, attachment=upsert_attachment(session, input))


def upsert_attachment(session: Session, asked: Input) -> values.Attachment:
    """One for each (issue, url): the same id comes back, with title, subtitle and metadata replaced. Silent.

    Raises:
        LinearError: no such issue, it is archived, or the id is taken.
    """
    workspace = session.workspace
    issue = find_issue(session, asked["issueId"])
    if issue.archived_at is not None and not workspace.switches.archived_editable:
        raise LinearError("Entity is archived", "The issue is archived and cannot be edited. Restore it first.")
    doer = doer_of(session, asked)
    held = next((a for a in workspace.attachments_of.get(issue.id, ()) if a.url == asked["url"]), None)
    if held is None:
        identity = own_id(session, asked.get("id"), "Attachment", workspace.attachments.rows)
        held = values.Attachment(identity, session.now, session.now, issue, asked["title"], asked["url"])
        held.creator, held.external_user_creator = doer.user, doer.external
        held.source_type = "api"
        workspace.add_attachment(held)
    held.title, held.subtitle = asked["title"], asked.get("subtitle")
    held.metadata, held.group_by_source = asked.get("metadata") or {}, bool(asked.get("groupBySource"))
    held.updated_at = session.now
    _attached(session, issue)
    return held


def _attached(session: Session, issue: Issue) -> None:
    session.workspace.attachments.touch()
    if session.workspace.switches.attachment_bumps:
        issue.updated_at = session.now
        session.workspace.issues.touch()


def _attachment(session: Session, identity: str) -> values.Attachment:
    found = session.workspace.attachments.rows.get(identity)
    if found is None or not session.sees(found.issue.team):
        raise not_found("Attachment")
    return found


def _attachment_update(_: Any, info: Any, id: str, input: Input) -> Answer:  # noqa: A002 (the schema's words)
    session = writer(info.context)
    held = _attachment(session, id)
    held.title = input["title"]
    held.subtitle = input.get("subtitle", held.subtitle)
    held.metadata = input["metadata"] or {} if "metadata" in input else held.metadata
    held.updated_at = session.now
    _attached(session, held.issue)
    return done(session, attachment=held)


def _attachment_delete(_: Any, info: Any, id: str) -> Answer:  # noqa: A002 (the schema's word)
    session = writer(info.context)
    held = _attachment(session, id)
    session.workspace.drop_attachment(held)
    _attached(session, held.issue)
    return done(session, entity_id=id)


TALK: dict[str, Callable[..., Answer]] = {
    "commentCreate": _comment_create,
    "commentUpdate": _comment_update,
    "commentDelete": _comment_delete,
    "attachmentCreate": _attachment_create,
    "attachmentUpdate": _attachment_update,
    "attachmentDelete": _attachment_delete,
}
