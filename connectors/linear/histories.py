"""Asks one Linear workspace for histories, in bulk: who put which label on, who made an issue, who changed it last."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.linear.documents import BIRTHS, HISTORIES, HISTORIES_AT_ONCE, HISTORY, MOST_AT_ONCE, Document
from connectors.linear.history import birth, label_changes, last_author, moves
from connectors.linear.labels import Labels
from connectors.linear.paging import Row, taken_apart
from connectors.linear.transport import Linear
from syncd.core.errors import Unreadable
from syncd.core.model import IssueRef, Person
from syncd.core.ports import Birth, LabelChange, Move


def all_label_changes(
    linear: Linear, refs: Sequence[IssueRef], labels: Labels
) -> Mapping[IssueRef, Sequence[LabelChange]]:
    """Ten issues a request, fifty entries of each; an issue with a longer history costs more."""
    found: dict[IssueRef, Sequence[LabelChange]] = {}
    for ref, row in _rows(linear, HISTORIES, refs, HISTORIES_AT_ONCE):
        changes = sorted(label_changes(_entries(linear, row), ref, labels), key=lambda change: change.at)
        if changes:
            found[ref] = changes
    return found


def all_moves(linear: Linear, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[Move]]:
    """By the same histories as labels."""
    found: dict[IssueRef, Sequence[Move]] = {}
    for ref, row in _rows(linear, HISTORIES, refs, HISTORIES_AT_ONCE):
        told = sorted(moves(_entries(linear, row), ref), key=lambda move: move.at)
        if told:
            found[ref] = told
    return found


def births(linear: Linear, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Birth]:
    """Who made them, 250 a request."""
    told = ((ref, birth(row)) for ref, row in _rows(linear, BIRTHS, refs, MOST_AT_ONCE))
    return {ref: born for ref, born in told if born is not None}


def changers(linear: Linear, at: Mapping[IssueRef, datetime]) -> Mapping[IssueRef, Person]:
    """By the newest fifty entries of each history, ten issues a request; else by who created it."""
    found: dict[IssueRef, Person] = {}
    for ref, row in _rows(linear, HISTORIES, list(at), HISTORIES_AT_ONCE):
        entries = taken_apart(row.get("history"), "history", linear.tracker).rows
        by = last_author(entries, at[ref]) if ref in at else None
        if by is not None:
            found[ref] = by
    born = births(linear, [ref for ref in at if ref not in found])
    return found | {ref: one.by for ref, one in born.items() if one.by is not None}


def _entries(linear: Linear, row: Mapping[str, Any]) -> Sequence[Row]:
    part = taken_apart(row.get("history"), "history", linear.tracker)
    entries, cursor = list(part.rows), part.following
    seen = set[str]()
    while cursor is not None and cursor not in seen:
        seen.add(cursor)
        issue = linear.ask(HISTORY, {"id": row.get("id"), "after": cursor}).data["issue"]
        part = taken_apart(issue.get("history") if isinstance(issue, Mapping) else None, "history", linear.tracker)
        entries += part.rows
        cursor = part.following
    return entries


def _rows(
    linear: Linear, document: Document, refs: Sequence[IssueRef], at_once: int
) -> Iterator[tuple[IssueRef, Mapping[str, Any]]]:
    """What a document tells of each of those issues; what does not answer is left out."""
    for start in range(0, len(refs), at_once):
        connection = linear.ask(document, {"ids": [ref.id for ref in refs[start : start + at_once]]}).data["issues"]
        rows = connection.get("nodes") if isinstance(connection, Mapping) else None
        if not isinstance(rows, list):
            raise Unreadable(f"{linear.tracker}: issues.nodes is not a list", tracker=linear.tracker)
        yield from ((IssueRef(linear.tracker, str(row.get("id"))), row) for row in rows if isinstance(row, Mapping))
