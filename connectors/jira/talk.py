"""What people say in comments on one Jira site, and who changed an issue, as values (facts/jira.md §5)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.http import Params, Rejected
from connectors.jira.adf import paragraphs
from connectors.jira.histories import authors
from connectors.jira.jql import commented
from connectors.jira.mapping import read_instant, read_person
from connectors.jira.transport import Site, read_refused
from syncd.core.commands import CommentSeen, Heard
from syncd.core.errors import Gone, Unavailable
from syncd.core.fold import storable
from syncd.core.model import IssueRef, Person

ISSUES_AT_ONCE: Final = 100  # bulkfetch refuses more (facts/jira.md §3)
COMMENTS_AT_ONCE: Final = 1000  # comment/list refuses more (OpenAPI)
COMMENTS_A_PAGE: Final = 100
MOST_PAGES: Final = 50  # an issue holds 5,000 (facts/jira.md §5)
SAME: Final = timedelta(seconds=2)
"""How far the instants of one change may lie apart in its history and in `updated`."""


def comments_of(site: Site, refs: Sequence[IssueRef]) -> Iterator[Heard]:
    """All comments on those issues, 100 issues a request; the embedded list is cut, so that long ones cost more."""
    ids = list(dict.fromkeys(ref.id for ref in refs))
    for start in range(0, len(ids), ISSUES_AT_ONCE):
        body = {"issueIdsOrKeys": ids[start : start + ISSUES_AT_ONCE], "fields": ["comment"]}
        answer = site.mapping(site.ask("issue/bulkfetch", body), "issue/bulkfetch")
        yield _heard(site, _rows(answer.get("issues")))


def comments_with_commands(site: Site, projects: Sequence[str]) -> Iterator[Heard]:
    """All comments of issues that a text search finds the word in: it knows words, and not what stands before them."""
    jql, token, seen = commented(projects, "outcome"), None, set[str]()
    while True:
        try:
            answer = site.search(jql, token, ("comment",), ())
        except Rejected as rejected:
            raise read_refused(rejected) from rejected
        yield _heard(site, _rows(answer.get("issues")))
        told = answer.get("nextPageToken")
        token = str(told) if told and answer.get("isLast") is not True else None
        if token is None:
            return
        if token in seen:
            message = f"{site.tracker}: search/jql goes round in circles (a page token came twice)"
            raise Unavailable(message, tracker=site.tracker)
        seen.add(token)


def comments_by_id(site: Site, ids: Sequence[str], homes: Mapping[str, IssueRef]) -> list[CommentSeen]:
    """Those comments, 1000 a request; deleted and invisible ones are left out by Jira without a word."""
    found: list[CommentSeen] = []
    numbers = [int(comment_id) for comment_id in ids if comment_id.isascii() and comment_id.isdecimal()]
    for start in range(0, len(numbers), COMMENTS_AT_ONCE):
        told = site.ask("comment/list", {"ids": numbers[start : start + COMMENTS_AT_ONCE]})
        for row in _rows(site.mapping(told, "comment/list").get("values")):
            ref = homes.get(str(row.get("id")))
            seen = None if ref is None else comment_seen(row, ref)
            if seen is not None:
                found.append(seen)
    return found


def _heard(site: Site, rows: Sequence[Mapping[str, Any]]) -> Heard:
    comments: list[CommentSeen] = []
    whole: set[str] = set()
    for row in rows:
        issue_id = str(row.get("id"))
        ref = IssueRef(site.tracker, issue_id)
        fields = row.get("fields")
        held = fields.get("comment") if isinstance(fields, Mapping) else None
        if not isinstance(held, Mapping):  # not told: nothing is known of its comments
            continue
        told, total = _rows(held.get("comments")), held.get("total")
        if isinstance(total, int) and total > len(told):
            told = _all(site, issue_id)
        comments += [seen for raw in told if (seen := comment_seen(raw, ref)) is not None]
        whole.add(issue_id)
    return Heard(tuple(comments), frozenset(whole))


def _all(site: Site, issue_id: str) -> Sequence[Mapping[str, Any]]:
    """Every comment on one issue, newest first."""
    found: list[Mapping[str, Any]] = []
    for page in range(MOST_PAGES):
        params: Params = {"startAt": page * COMMENTS_A_PAGE, "maxResults": COMMENTS_A_PAGE, "orderBy": "-created"}
        try:
            told = site.mapping(site.get(f"issue/{issue_id}/comment", params), "comments")
        except Gone:
            return found
        rows, total = _rows(told.get("comments")), told.get("total")
        found += rows
        if not rows or (isinstance(total, int) and total <= len(found)):
            break
    return found


def comment_seen(raw: Mapping[str, Any], ref: IssueRef) -> CommentSeen | None:
    """One comment; None: it cannot be told what it is. Its author is whoever edited it last: an app may have."""
    created, updated = read_instant(raw.get("created")), read_instant(raw.get("updated"))
    comment_id = raw.get("id")
    if created is None or not isinstance(comment_id, str | int):
        return None
    edited = updated if updated is not None and updated > created else None
    by = raw.get("updateAuthor") if edited is not None and raw.get("updateAuthor") else raw.get("author")
    email = by.get("emailAddress") if isinstance(by, Mapping) else None
    return CommentSeen(
        id=str(comment_id),
        ref=ref,
        author=read_person(by),
        email=storable(email) if isinstance(email, str) and email else None,
        created=created,
        edited=edited,
        paragraphs=paragraphs(raw.get("body")),
    )


def changers(
    logs: Sequence[Any], births: Mapping[IssueRef, Person | None], at: Mapping[IssueRef, datetime], tracker: str
) -> Mapping[IssueRef, Person]:
    """Whoever made the last change up to that instant, else whoever created the issue."""
    latest: dict[IssueRef, tuple[datetime, Person | None]] = {}
    for log in logs:
        for ref, when, by in authors(log, tracker):
            if ref in at and when <= at[ref] + SAME and (ref not in latest or when >= latest[ref][0]):
                latest[ref] = (when, by)
    found = {ref: by for ref, (_, by) in latest.items() if by is not None}
    return found | {ref: by for ref, by in births.items() if ref in at and ref not in latest and by is not None}


def _rows(value: Any) -> Sequence[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
