"""What syncd left in a Linear workspace, found by its signatures and without a store that remembers it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.linear.documents import OWN_COMMENTS
from connectors.linear.ids import is_own_comment
from connectors.linear.paging import Filter, pages
from connectors.linear.signs import copy_url
from connectors.linear.transport import Linear
from syncd.core.model import IssueRef
from syncd.core.ports import SignedComment

NAMED_AT_ONCE: Final = 100
"""Ids in one filter."""


def signed_comments(
    linear: Linear, installation: str, ids: Sequence[str]
) -> Mapping[IssueRef, Sequence[SignedComment]]:
    """Our account's comments with an id that this installation drew, by issue, oldest first; 100 issues a request."""
    told: list[tuple[str, str, str]] = []
    for start in range(0, len(ids), NAMED_AT_ONCE):
        for part in pages(linear, OWN_COMMENTS, {"ids": list(ids[start : start + NAMED_AT_ONCE])}):
            told += [one for _, row in part.rows if (one := _told(row)) is not None]
    found: dict[IssueRef, list[SignedComment]] = {}
    for _, identity, issue in sorted(set(told)):
        if is_own_comment(identity, installation, issue):
            comment = SignedComment(identity, installation, "", None)
            found.setdefault(IssueRef(linear.tracker, issue), []).append(comment)
    return found


def bearing(installation: str, labels: Sequence[str]) -> Iterator[Filter]:
    """Filters for the issues that bear our copy, or one of these labels."""
    yield {"attachments": {"some": {"url": {"eq": copy_url(installation)}}}}
    for start in range(0, len(labels), NAMED_AT_ONCE):
        yield {"labels": {"some": {"id": {"in": list(labels[start : start + NAMED_AT_ONCE])}}}}


def _told(row: Any) -> tuple[str, str, str] | None:
    """When, which and where; None: not a comment on an issue."""
    issue = row.get("issue") if isinstance(row, Mapping) else None
    if not isinstance(issue, Mapping):
        return None
    return str(row.get("createdAt")), str(row.get("id")), str(issue.get("id"))
