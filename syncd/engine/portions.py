"""Which entries are written next, and with which others: in order, an issue's writes one after another.

An entry whose action a tracker takes together with others' draws along all later ones of the same answer whose turn
it is, up to what the tracker takes. One that failed is written alone from its last try on: what a tracker refuses
for many at once may be fine for one.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from syncd.core.model import IssueRef
from syncd.core.ports import Entry, TrackerWriter

TOGETHER_AGAIN: Final = 2
"""From so many failed attempts on, an entry goes alone."""


class Portions:
    """Hands out every entry once. `may`: whether an entry may be drawn along now; asked each time anew."""

    def __init__(self, entries: Sequence[Entry], writer: TrackerWriter, *, may: Callable[[Entry], bool]) -> None:
        self._left = deque(entries)
        self._over: set[str] = set()
        self._may = may
        self._writer = writer
        self._least = max(2, writer.least_together)
        self._turns: dict[IssueRef, deque[str]] = {}
        self._groups: dict[str, deque[Entry]] = {}
        self._names: dict[str, str] = {}
        """Entry → its group; without: written alone."""
        for entry in entries:
            self._turns.setdefault(entry.action.ref, deque()).append(entry.key)
            name = writer.together(entry.action) if entry.attempts < TOGETHER_AGAIN else None
            if name is not None:
                self._names[entry.key] = name
                self._groups.setdefault(name, deque()).append(entry)

    @property
    def taken(self) -> int:
        """How many were handed out."""
        return len(self._over)

    def take(self) -> Sequence[Entry] | None:
        """The next portion, each on an issue of its own; None: no entry is left."""
        while self._left and self._left[0].key in self._over:
            self._left.popleft()
        if not self._left:
            return None
        first = self._left.popleft()
        portion = self._drawn(first) if self._may(first) else [first]
        for entry in portion:
            self._over.add(entry.key)
            self._turns[entry.action.ref].popleft()
        return portion

    def _drawn(self, first: Entry) -> Sequence[Entry]:
        name = self._names.get(first.key)
        if name is None:
            return [first]
        group = deque(entry for entry in self._groups[name] if entry.key not in self._over and entry.key in self._names)
        most = self._writer.most_together if len(group) >= self._least else 0  # which may have to be asked
        drawn = list(islice((entry for entry in group if self._is_its_turn(entry) and self._may(entry)), most))
        if len(drawn) < self._least:
            for entry in drawn or group:  # they would not become more: what was not their turn comes after them
                self._names.pop(entry.key)
            return [first]
        chosen = {entry.key for entry in drawn}
        self._groups[name] = deque(entry for entry in group if entry.key not in chosen)
        return drawn

    def _is_its_turn(self, entry: Entry) -> bool:
        """Whether no earlier write of that issue is still to come."""
        return self._turns[entry.action.ref][0] == entry.key
