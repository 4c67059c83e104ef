"""Who put a label on, and when: Jira's changelogs and births → values. Pure (facts/jira.md §4)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from connectors.jira.mapping import read_instant, read_person
from syncd.core.model import IssueRef, Link, Person
from syncd.core.ports import Birth, LabelChange, Move

COPY_WORDS: Final = ("clon", "klon", "split")
"""What the names of the link types for copies have in common, in the languages that sites are set up in."""
PARENT_FIELDS: Final = ("IssueParentAssociation", "Parent", "Parent Issue", "Epic Link", "Parent Link")
"""What a changelog calls the parent: by now, of a subtask, and of old in company-managed projects."""
BIRTH_FIELDS: Final = ("creator", "created", "issuelinks")
_SECONDS_END: Final = 100_000_000_000
"""Beyond it a number counts milliseconds: as seconds it would lie in the year 5138."""


def label_changes(logs: Any, tracker: str) -> Iterator[LabelChange]:
    """The changes of one page of changelog/bulkfetch. An entry that cannot be understood tells nothing.

    An entry holds the whole set before and after as a text joined by spaces, so a change is a difference of sets.
    """
    for log in _rows(logs):
        issue_id = log.get("issueId")
        if not isinstance(issue_id, str | int):
            continue
        for entry in _rows(log.get("changeHistories")):
            yield from _of_entry(entry, IssueRef(tracker, str(issue_id)))


def authors(logs: Any, tracker: str) -> Iterator[tuple[IssueRef, datetime, Person | None]]:
    """Who made the changes of one page, and when; None: it is not told."""
    for log in _rows(logs):
        issue_id = log.get("issueId")
        for entry in _rows(log.get("changeHistories")) if isinstance(issue_id, str | int) else ():
            at = _when(entry.get("created"))
            if at is not None:
                yield IssueRef(tracker, str(issue_id)), at, read_person(entry.get("author"))


def _of_entry(entry: Mapping[str, Any], ref: IssueRef) -> Iterator[LabelChange]:
    at, by = _when(entry.get("created")), read_person(entry.get("author"))
    if at is None:
        return
    for item in _rows(entry.get("items")):
        if item.get("fieldId", item.get("field")) != "labels":
            continue
        before, after = _labels(item.get("fromString")), _labels(item.get("toString"))
        yield from (LabelChange(ref, label, added=False, by=by, at=at) for label in before if label not in after)
        yield from (LabelChange(ref, label, added=True, by=by, at=at) for label in after if label not in before)


def moves(logs: Any, tracker: str) -> Iterator[Move]:
    """The changes of parents of one page of changelog/bulkfetch, asked for all fields: that one has no field id."""
    for log in _rows(logs):
        issue_id = log.get("issueId")
        for entry in _rows(log.get("changeHistories")) if isinstance(issue_id, str | int) else ():
            at = _when(entry.get("created"))
            told = [item for item in _rows(entry.get("items")) if item.get("field") in PARENT_FIELDS]
            if at is not None and told:
                yield Move(IssueRef(tracker, str(issue_id)), next(filter(None, map(_left, told)), None), at)


def _left(item: Mapping[str, Any]) -> Link | None:
    """What a change of the parent leads away from."""
    old, key = item.get("from"), item.get("fromString")
    if not old and not key:
        return None
    return Link(str(old) if old else None, key if isinstance(key, str) and key else None)


def _labels(text: Any) -> Sequence[str]:
    return text.split() if isinstance(text, str) else ()


def _when(value: Any) -> datetime | None:
    """A date and time, or a number as the document's own example has it: seconds, or milliseconds."""
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value if value < _SECONDS_END else value / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            return None
    return read_instant(value)


def birth(raw: Mapping[str, Any]) -> Birth | None:
    """Who created an issue, when, and from which issues it was copied; None: no creation date is told."""
    fields = raw.get("fields")
    told = fields if isinstance(fields, Mapping) else {}
    at = read_instant(told.get("created"))
    return None if at is None else Birth(read_person(told.get("creator")), at, tuple(_copied_from(told)))


def _copied_from(fields: Mapping[str, Any]) -> Iterator[Link]:
    """The other ends of links for copies. Which end is the source is not told by any name: the older one is."""
    for tie in _rows(fields.get("issuelinks")):
        told = tie.get("type")
        kind = told if isinstance(told, Mapping) else {}
        names = [str(kind.get(part, "")).casefold() for part in ("name", "inward", "outward")]
        if not any(word in name for name in names for word in COPY_WORDS):
            continue
        for end in (tie.get("inwardIssue"), tie.get("outwardIssue")):
            if isinstance(end, Mapping) and (end.get("id") or end.get("key")):
                key = end.get("key")
                yield Link(str(end["id"]) if end.get("id") else None, str(key) if key else None)


def _rows(value: Any) -> Sequence[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
