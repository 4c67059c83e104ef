"""The census of one Linear workspace: ids, keys and parents, 250 a request, in an order that edits do not disturb.

A parent in a team that our key does not see is shown as none. When it moves to one that is seen, nothing below it is
any newer for that (facts/linear.md §6): only what everything hangs below, asked for again, tells of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.linear.documents import CENSUS
from connectors.linear.paging import Part, pages
from connectors.linear.shapes import WrongError, mapping, name, optional_mapping
from connectors.linear.transport import Linear
from syncd.core.errors import Unreadable
from syncd.core.model import Link
from syncd.core.ports import CensusPage


def census(linear: Linear, teams: Sequence[str], after: str) -> Iterator[CensusPage]:
    """Pages of those teams from a cursor on. Raises the TrackerErrors of a read."""
    variables = {"filter": {"team": {"key": {"in": list(teams)}}}}
    for part in pages(linear, CENSUS, variables, after or None):
        yield _page(part, linear.tracker)


def _page(part: Part, tracker: str) -> CensusPage:
    """A row that is not understood spoils it: a census that passes one over would take that issue for deleted."""
    try:
        rows = [(at, mapping(raw, at)) for at, raw in part.rows]
        links = tuple(
            Link(name(raw.get("id"), f"{at}.id"), name(raw.get("identifier"), f"{at}.identifier")) for at, raw in rows
        )
        parents = {raw["id"]: _parent(raw, at) for at, raw in rows}
    except WrongError as wrong:
        raise Unreadable(f"{tracker}: {wrong}", tracker=tracker) from wrong
    return CensusPage(links, part.following or "", last=part.following is None, parents=parents)


def _parent(raw: Mapping[str, Any], at: str) -> str | None:
    parent = optional_mapping(raw.get("parent"), f"{at}.parent")
    return None if parent is None else name(parent.get("id"), f"{at}.parent.id")
