"""Walks over a scripted Linear: an issue that fails for ever, and what a page says of itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.linear.documents import ISSUE_IDS, LABELS, Document
from connectors.linear.paging import IssueWalk, pages, taken_apart, told, whole
from connectors.linear.transport import Fault, NotTaken, Reply, Torn
from syncd.core.errors import Unavailable, Unreadable
from syncd.core.model import Link

FAULT = Fault("internal error", "INTERNAL_SERVER_ERROR", "boom", "boom", ("issues", "nodes", 2, "team"), {})
FINE = {"hasNextPage": False, "endCursor": None}


class Scripted:
    """A workspace of issues by id, some of which fail whenever their fields are asked for."""

    tracker = "acme-linear"

    def __init__(self, ids: list[str], broken: set[str], *, place: int = 2) -> None:
        self.ids = ids
        self.broken = broken
        self.fault = Fault(FAULT.type, FAULT.code, FAULT.message, FAULT.words, ("issues", "nodes", place, "team"), {})
        self.asked: list[tuple[str, int]] = []

    def ask(self, document: Document, variables: Mapping[str, Any]) -> Reply:
        wanted = variables["filter"].get("id", {}).get("in", self.ids)
        self.asked.append((document.name, len(wanted)))
        if document is not ISSUE_IDS and self.broken.intersection(wanted):
            raise Torn("boom", (self.fault,), tracker=self.tracker)
        rows = [{"id": i, "identifier": f"ENG-{i}"} for i in wanted]
        return Reply({"issues": {"nodes": rows, "pageInfo": FINE}}, None)  # type: ignore[arg-type]  # nobody asks when


def walk_of(linear: Any) -> IssueWalk:
    return IssueWalk(linear, sprint=False)


def test_an_issue_that_fails_each_time_is_set_aside_and_its_page_arrives() -> None:
    linear = Scripted([str(n) for n in range(10)], {"2"})
    (part,) = walk_of(linear).run({"team": {}})
    assert [raw["id"] for _, raw in part.rows] == [str(n) for n in range(10) if n != 2]
    assert [bad.link for bad in part.broken] == [Link("2", "ENG-2")]
    assert linear.asked == [("Issues", 10), ("IssueIds", 10), ("Issues", 9), ("Issues", 1)]


def test_a_fault_that_points_at_the_wrong_place_is_found_by_halves() -> None:
    linear = Scripted([str(n) for n in range(16)], {"5", "6"}, place=0)
    (part,) = walk_of(linear).run({"team": {}})
    assert sorted(int(raw["id"]) for _, raw in part.rows) == [n for n in range(16) if n not in (5, 6)]
    assert sorted(str(bad.link) for bad in part.broken) == ["ENG-5", "ENG-6"]


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        (None, "issues is missing"),
        ([], "issues is not an object"),
        ({"nodes": None, "pageInfo": FINE}, "issues.nodes is missing"),
        ({"nodes": {}, "pageInfo": FINE}, "issues.nodes is not a list"),
        ({"nodes": []}, "issues.pageInfo is missing"),
        ({"nodes": [], "pageInfo": {}}, "has more but tells no cursor"),
        ({"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": ""}}, "has more but tells no cursor"),
        ({"nodes": [], "pageInfo": {"hasNextPage": "no", "endCursor": "x"}}, "has more but tells no cursor"),
    ],
)
def test_a_page_that_is_none_is_an_error_with_its_path(connection: Any, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as wrong:
        taken_apart(connection, "issues", "acme-linear")
    assert wrong.value.tracker == "acme-linear"


class InCircles:
    """Says for ever that there is more, by the same cursor."""

    tracker = "acme-linear"

    def ask(self, document: Document, variables: Mapping[str, Any]) -> Reply:
        more = {"nodes": [{"id": "1"}], "pageInfo": {"hasNextPage": True, "endCursor": "c"}}
        return Reply(dict.fromkeys(document.roots, more), None)  # type: ignore[arg-type]  # nobody asks when


def test_a_walk_in_circles_ends_in_an_error() -> None:
    linear: Any = InCircles()
    for walk in (
        lambda: list(walk_of(linear).run({})),
        lambda: list(pages(linear, ISSUE_IDS, {})),
        lambda: whole(linear, LABELS),
    ):
        with pytest.raises(Unavailable, match="goes round in circles"):
            walk()


class Refusing:
    """Takes no request."""

    tracker = "acme-linear"

    def ask(self, document: Document, variables: Mapping[str, Any]) -> Reply:
        raise NotTaken("acme-linear: Cannot query field 'labelIds'", tracker=self.tracker)


def test_a_document_that_is_no_longer_accepted_is_said_at_once() -> None:
    linear: Any = Refusing()
    with pytest.raises(NotTaken, match="labelIds"):
        list(walk_of(linear).run({}))


def test_instants_in_filters_are_in_utc_to_the_millisecond() -> None:

    assert told(datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)) == "2026-11-21T12:00:00.123Z"
