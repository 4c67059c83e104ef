"""Writes that failed for good: a person mends what is wrong and retries them, or drops them (`syncd outbox`)."""

from collections.abc import Sequence
from typing import Final

from syncd.core.ports import Entry, EntryState, Store

ALL: Final = 1_000_000


def dead_letters(store: Store, tracker: str, *, dismissed: bool = False) -> Sequence[Entry]:
    """Those of a tracker, in the order they were committed; with those that a person dropped, if asked."""
    states = [EntryState.DEAD, EntryState.DISMISSED] if dismissed else [EntryState.DEAD]
    return store.entries(tracker, states, limit=ALL)


def letters_of(store: Store, tracker: str, key: str | None, *, dismissed: bool = False) -> Sequence[Entry]:
    """The dead letters of the issue that bears or once bore that key (any case); None: of every issue."""
    found = dead_letters(store, tracker, dismissed=dismissed)
    if key is None:
        return found
    refs = set(store.find(key, tracker))
    return [entry for entry in found if entry.action.ref in refs]
