"""What people say in comments of one Linear workspace: Linear's answers → values. Pure (facts/linear.md §5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.linear.mapping import machine, person
from connectors.linear.markdown import paragraphs
from connectors.linear.shapes import WrongError, instant
from syncd.core.commands import CommentSeen
from syncd.core.fold import storable
from syncd.core.model import IssueRef, Person


def comment_seen(raw: Any, tracker: str) -> CommentSeen | None:
    """One comment on an issue; None: it stands elsewhere, or it cannot be told what it is.

    A bot is its author where there is one, whoever it acted for; so is a person of another system that is synced.
    """
    told = raw if isinstance(raw, Mapping) else {}
    issue, comment_id, body = told.get("issue"), told.get("id"), told.get("body")
    issue_id = issue.get("id") if isinstance(issue, Mapping) else None
    if not isinstance(issue_id, str) or not isinstance(comment_id, str) or not isinstance(body, str):
        return None
    try:
        created = instant(told.get("createdAt"), "createdAt")
    except WrongError:
        return None
    author = machine(told.get("botActor")) or _outsider(told.get("externalUser")) or person(told.get("user"))
    user = told.get("user")
    email = user.get("email") if isinstance(user, Mapping) else None
    return CommentSeen(
        id=comment_id,
        ref=IssueRef(tracker, issue_id),
        author=author,
        email=storable(email) if isinstance(email, str) and email else None,
        created=created,
        edited=_optional(told.get("editedAt")),
        paragraphs=paragraphs(body),
    )


def _outsider(value: Any) -> Person | None:
    told = value if isinstance(value, Mapping) else {}
    outsider, called = told.get("id"), told.get("name")
    if not isinstance(outsider, str) or not outsider:
        return None
    return Person(outsider, storable(called) if isinstance(called, str) and called else outsider, "customer")


def _optional(value: Any) -> datetime | None:
    try:
        return None if value is None else instant(value, "editedAt")
    except WrongError:
        return None
