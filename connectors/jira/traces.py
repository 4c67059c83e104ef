"""What syncd left on a Jira Cloud site, found by its signatures and without a store that remembers it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.jira.mapping import COPY_PROPERTY
from connectors.jira.transport import Site
from syncd.core.model import IssueRef
from syncd.core.ports import SignedComment

LABELS_AT_ONCE: Final = 50
"""Names in one query: it must stay short enough to be read."""
ISSUES_AT_ONCE: Final = 100
COMMENTS_AT_ONCE: Final = 1000
LABELS_A_PAGE: Final = 1000
COMMENTS_A_PAGE: Final = 100


def all_labels(site: Site) -> Iterator[str]:
    """Every label of the site."""
    start = 0
    while True:
        page = site.mapping(site.get("label", {"startAt": start, "maxResults": LABELS_A_PAGE}), "label")
        values = page.get("values") or []
        yield from (value for value in values if isinstance(value, str))
        start += len(values)
        if page.get("isLast") is True or not values:
            return


def signed_comments(site: Site, ids: Sequence[str]) -> Mapping[IssueRef, Sequence[SignedComment]]:
    """Comments with our property, by issue, oldest first."""
    home: dict[str, str] = {}
    for start in range(0, len(ids), ISSUES_AT_ONCE):
        some = list(ids[start : start + ISSUES_AT_ONCE])
        body = {"issueIdsOrKeys": some, "fields": ["comment"]}
        answer = site.mapping(site.ask("issue/bulkfetch", body), "issue/bulkfetch")
        for raw in _rows(answer.get("issues")):
            home |= dict.fromkeys(_comments_on(site, raw), str(raw.get("id")))
    found: dict[IssueRef, list[SignedComment]] = {}
    numbers = [int(comment_id) for comment_id in home if comment_id.isdecimal()]
    for start in range(0, len(numbers), COMMENTS_AT_ONCE):
        asked = {"ids": numbers[start : start + COMMENTS_AT_ONCE]}
        told = site.mapping(site.ask("comment/list", asked, {"expand": "properties"}), "comment/list")
        for row in _rows(told.get("values")):
            comment = _signed(row)
            if comment is not None and comment.id in home:
                found.setdefault(IssueRef(site.tracker, home[comment.id]), []).append(comment)
    return {ref: sorted(comments, key=lambda one: int(one.id)) for ref, comments in found.items()}


def _comments_on(site: Site, raw: Mapping[str, Any]) -> Iterator[str]:
    """Ids of an issue's comments; what is embedded in the issue is cut, the rest is read page by page."""
    fields = raw.get("fields")
    told = fields.get("comment") if isinstance(fields, Mapping) else None
    held = told if isinstance(told, Mapping) else {}
    rows = _rows(held.get("comments"))
    total = held.get("total")
    if not isinstance(total, int) or total <= len(rows):
        yield from (str(row.get("id")) for row in rows)
        return
    start = 0
    while start < total:
        path = f"issue/{raw.get('id')}/comment"
        page = site.mapping(site.get(path, {"startAt": start, "maxResults": COMMENTS_A_PAGE}), "comments")
        rows = _rows(page.get("comments"))
        if not rows:
            return
        yield from (str(row.get("id")) for row in rows)
        start += len(rows)


def _signed(row: Mapping[str, Any]) -> SignedComment | None:
    for held in _rows(row.get("properties")):
        value = held.get("value")
        if held.get("key") != COPY_PROPERTY or not isinstance(value, Mapping):
            continue
        installation, instance, digest = value.get("installation"), value.get("instance"), value.get("digest")
        if isinstance(installation, str) and isinstance(instance, str):
            return SignedComment(
                str(row.get("id")), installation, instance, digest if isinstance(digest, str) else None
            )
    return None


def _rows(value: Any) -> Sequence[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
