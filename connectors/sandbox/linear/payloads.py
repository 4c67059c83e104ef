"""What every mutation begins and ends with: who may, under which id, by whose name."""

import uuid
from collections.abc import Mapping
from typing import Any

from connectors.sandbox.linear import values
from connectors.sandbox.linear.errors import bad_argument, conflict, forbidden
from connectors.sandbox.linear.values import Doer
from connectors.sandbox.linear.workspace import Session

Input = Mapping[str, Any]
Answer = dict[str, Any]


def done(session: Session, **fields: Any) -> Answer:
    """A payload that says success."""
    return {"last_sync_id": session.workspace.sync_id(), "success": True, **fields}


def writer(session: Session) -> Session:
    """The session, if its key may write.

    Raises:
        LinearError: forbidden.
    """
    if session.key is None or not session.key.may_write:
        raise forbidden("This API key may not write.")
    return session


def own_id(session: Session, asked: str | None, kind: str, rows: Mapping[str, Any]) -> str:
    """The client's id, or one of ours.

    Raises:
        LinearError: it is no UUID of version 4, or is taken.
    """
    if asked is None:
        return session.workspace.new_id(kind.lower())
    try:
        told = uuid.UUID(asked)
    except ValueError as wrong:
        raise bad_argument("id must be a UUID", name="id", constraint="isUuid") from wrong
    if session.workspace.switches.only_uuid4 and (told.version != 4 or str(told) != asked.lower()):  # noqa: PLR2004
        raise bad_argument("id must be a UUID", name="id", constraint="isUuid")
    if asked in rows:
        raise conflict(kind, asked)
    return asked


def doer_of(session: Session, asked: Input) -> Doer:
    """Who it is by; an app may say who it speaks for.

    Raises:
        LinearError: somebody else says so.
    """
    name = asked.get("createAsUser")
    if name is None:
        return session.doer
    if session.key is None or not session.key.app:
        raise bad_argument("createAsUser can only be used in actor=app mode", name="createAsUser")
    return Doer(session.doer.user, values.Bot(None, "oauthApp", name, user_display_name=name))
