"""Who put a label on and when, and who made an issue: Linear's history → values. Pure (facts/linear.md §5)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.linear.labels import Labels
from connectors.linear.mapping import machine, person, reporter
from connectors.linear.shapes import WrongError, instant
from syncd.core.model import IssueRef, Link, Person
from syncd.core.ports import Birth, LabelChange, Move

SAME: Final = timedelta(seconds=2)
"""How far the instants of one change may lie apart in its history and in `updatedAt`."""


def label_changes(entries: Sequence[tuple[str, Any]], ref: IssueRef, labels: Labels) -> Iterator[LabelChange]:
    """The changes that entries tell of. One that cannot be understood, or a label that is no more, tells nothing."""
    for _, entry in entries:
        if not isinstance(entry, Mapping):
            continue
        try:
            at = instant(entry.get("createdAt"), "createdAt")
        except WrongError:
            continue
        by = _by(entry)
        for key, added in (("removedLabelIds", False), ("addedLabelIds", True)):
            ids = entry.get(key)
            for label_id in ids if isinstance(ids, list) else ():
                name = labels.name_of(label_id) if isinstance(label_id, str) else None
                if name is not None:
                    yield LabelChange(ref, name, added=added, by=by, at=at)


def moves(entries: Sequence[tuple[str, Any]], ref: IssueRef) -> Iterator[Move]:
    """The changes of its parent that entries tell of. One that cannot be understood tells nothing."""
    for _, entry in entries:
        if not isinstance(entry, Mapping):
            continue
        before, after = entry.get("fromParentId"), entry.get("toParentId")
        if before == after:  # both are null where something else was changed
            continue
        try:
            at = instant(entry.get("createdAt"), "createdAt")
        except WrongError:
            continue
        yield Move(ref, Link(before, None) if isinstance(before, str) else None, at)


def _by(entry: Mapping[str, Any]) -> Person | None:
    """A bot acted where there is one, whoever it acted for."""
    return machine(entry.get("botActor")) or person(entry.get("actor"))


def last_author(entries: Sequence[tuple[str, Any]], at: datetime) -> Person | None:
    """Who made the last of those changes up to that instant; None: nobody, or it is not told."""
    told: list[tuple[datetime, Person | None]] = []
    for _, entry in entries:
        try:
            when = instant(entry.get("createdAt"), "createdAt") if isinstance(entry, Mapping) else None
        except WrongError:
            continue
        if when is not None and when <= at + SAME:
            told.append((when, _by(entry)))
    return max(told, key=lambda one: one[0])[1] if told else None


def birth(raw: Mapping[str, Any]) -> Birth | None:
    """Who made an issue, and when; Linear keeps no tie between an issue and its copy."""
    try:
        return Birth(machine(raw.get("botActor")) or reporter(raw), instant(raw.get("createdAt"), "createdAt"))
    except WrongError:
        return None
