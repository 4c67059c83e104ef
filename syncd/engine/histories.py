"""Who put marks on and when, asked of the tracker in bulk, and only where it takes that to say whose a mark is."""

from collections.abc import Mapping, Sequence
from typing import Final

from syncd.core.errors import Denied, Unreadable
from syncd.core.model import Issue, IssueRef
from syncd.core.ports import LabelChange, Store, TrackerReader
from syncd.core.witness import History, Reading, since_creation
from syncd.engine.descent import Descent

NOBODY: Final = History()


def histories(
    reader: TrackerReader,
    store: Store,
    issues: Mapping[IssueRef, Issue],
    readings: Mapping[IssueRef, Reading],
    account: str,
) -> Mapping[IssueRef, History]:
    """The history of each of those issues: one request for many, and one more for marks that no change put on.

    `account`: the id of our own, where it is known.

    Raises `Unavailable`. Where a tracker will not tell, or not in a way we understand, authors stay unknown.
    """
    if not issues:
        return {}
    try:
        told = reader.label_changes(list(issues))
        changes = {ref: since_creation(some, issues[ref].created) for ref, some in told.items() if ref in issues}
        unborn = [ref for ref in issues if _without_author(changes.get(ref, ()), readings[ref])]
        births = reader.births(unborn) if unborn else {}
    except (Denied, Unreadable):
        return dict.fromkeys(issues, NOBODY)
    tracker = next(iter(issues)).tracker  # a reader reads one
    copied = Descent(reader, store, tracker).copied({ref: issues[ref] for ref in unborn}, births, changes)
    unproven = store.unproven(list(issues))
    return {
        ref: History(
            changes.get(ref, ()),
            births.get(ref),
            copied.get(ref, frozenset()),
            account,
            unproven.get(ref, frozenset()),
        )
        for ref in issues
    }


def _without_author(changes: Sequence[LabelChange], reading: Reading) -> bool:
    """Whether some mark was there from the issue's creation on: no change put it on."""
    return bool(set(reading.hand) - {change.label for change in changes if change.added})
