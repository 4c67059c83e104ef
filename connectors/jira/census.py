"""The census of one Jira Cloud site: ids and keys alone, 5,000 a request, in an order that edits do not disturb."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.http import Rejected
from connectors.jira.jql import everything
from connectors.jira.transport import MOST_IDS, Site, read_refused
from syncd.core.errors import Unavailable, Unreadable
from syncd.core.model import Link
from syncd.core.ports import CensusPage


def census(site: Site, projects: Sequence[str], after: str) -> Iterator[CensusPage]:
    """Pages of search/jql from a page token on. One that went stale (400) begins everything anew, once.

    Raises the TrackerErrors of a read.
    """
    jql, token, may_restart = everything(projects), after or None, bool(after)
    seen: set[str | None] = set()
    while token not in seen:
        seen.add(token)
        try:
            answer = site.search(jql, token, ("id", "key"), (), MOST_IDS)
        except Rejected as rejected:
            if may_restart and rejected.answer.status == 400:  # noqa: PLR2004  # the one status of a bad token
                token, may_restart = None, False
                continue
            raise read_refused(rejected) from rejected
        following = _following(site.tracker, answer)
        yield CensusPage(_links(site.tracker, answer), following or "", last=following is None)
        if following is None:
            return
        token, may_restart = following, False
    raise Unavailable(
        f"{site.tracker}: the census goes round in circles (a page token came twice)", tracker=site.tracker
    )


def _following(tracker: str, answer: Mapping[str, Any]) -> str | None:
    token = answer.get("nextPageToken")
    if answer.get("isLast") is True:
        return None
    if not token and answer.get("isLast") is False:
        raise Unreadable(f"{tracker}: search/jql has more but tells no token", tracker=tracker)
    return str(token) if token else None


def _links(tracker: str, answer: Mapping[str, Any]) -> tuple[Link, ...]:
    """Ids and keys. A row without them spoils the page: a census that passes one over would take it for deleted."""
    rows = answer.get("issues")
    if not isinstance(rows, list):
        raise Unreadable(f"{tracker}: the answer holds no list of issues", tracker=tracker)
    try:
        return tuple(Link(_text(row["id"]), _text(row["key"])) for row in rows)
    except (KeyError, TypeError) as wrong:
        raise Unreadable(f"{tracker}: a row of the census has no id and key", tracker=tracker) from wrong


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value
