"""A reader that stays from cycle to cycle: it keeps its connection, and asks who it is only now and then.

Who we are, which projects are visible and which fields there are is asked again after a while, after any trouble, and
when something does not answer or a census is taken: silence must not be taken for deletion.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from syncd.core.ports import Sight, TrackerReader

LOOK_AROUND_EVERY: Final = 600.0
"""Seconds for which what was seen is believed."""
REMEMBERED: Final = 10_000


class KeptReader:
    """A `TrackerReader` around another one. For one thread at a time."""

    def __init__(self, reader: TrackerReader, monotonic: Callable[[], float], every: float = LOOK_AROUND_EVERY) -> None:
        self._reader: Any = reader
        self._monotonic = monotonic
        self._every = every
        self._sight: Sight | None = None
        self._looked = 0.0
        self._missed: set[Any] = set()
        """What did not answer before: a parent that was deleted is asked for in every poll."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def look_around(self) -> Sight:
        """What was seen lately, with the clock as it was last told; anew when that is old or was not all in order."""
        known = self._sight
        if known is not None and self._monotonic() - self._looked < self._every:
            return replace(known, skew=getattr(self._reader, "skew", known.skew))
        self._sight = None
        sight: Sight = self._reader.look_around()
        if not sight.hidden:
            self._sight, self._looked = sight, self._monotonic()
        return sight

    def observe(self, *given: Any, **named: Any) -> Iterator[Any]:
        """As the reader's; trouble makes what was seen doubtful."""
        with self._watched():
            yield from self._reader.observe(*given, **named)

    def read(self, *given: Any) -> Any:
        """As the reader's; trouble, or no answer where there was one, makes what was seen doubtful."""
        with self._watched():
            found = self._reader.read(*given)
        if not self._missed.issuperset(found.missing):
            self.doubt()
        self._missed = self._missed.union(found.missing) if len(self._missed) < REMEMBERED else set(found.missing)
        return found

    def census(self, *given: Any, **named: Any) -> Iterator[Any]:
        """As the reader's; what was seen is doubtful by the time it ends."""
        try:
            yield from self._reader.census(*given, **named)
        finally:
            self.doubt()

    def doubt(self) -> None:
        """Look around anew next time."""
        self._sight = None

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.doubt()
            raise
