"""What a look at the marks on an issue goes by, and what it comes to: authors, histories, readings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from syncd.core.model import Applied, Person
from syncd.core.ports import Birth, LabelChange, MarkNames, Move, Signature

Told = TypeVar("Told", LabelChange, Move)
UNKNOWN_AUTHOR: Final = "unknown"
CLOCKS_DIFFER: Final = timedelta(seconds=2)
"""How far the instant of an answer may lie from the one that the history has for the same write."""

AT_ONCE: Final = timedelta(milliseconds=500)
"""A label that comes so soon after an issue's creation came with it: some trackers tell that in the history, too."""


def since_creation(changes: Sequence[Told], created: datetime) -> Sequence[Told]:
    """What was changed after an issue was created; what it was created with is nobody's change."""
    return [change for change in changes if change.at > created + AT_ONCE]


@dataclass(frozen=True, slots=True)
class Author:
    """Who did something to a mark, and when (tracker's clock)."""

    name: str
    at: datetime
    person: bool = True
    """Not an app, nor a customer of a service desk."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Who and when, for one issue, as the tracker tells it."""

    changes: Sequence[LabelChange] = ()
    birth: Birth | None = None
    copied: frozenset[str] = frozenset()
    """Marks of ours on what the issue is a copy or a part of: its clone source, what it was split from, its parent."""
    account: str = ""
    """The id of the account that syncd works with; empty: not known."""
    unproven: frozenset[str] = frozenset()
    """Marks that writes of ours were sent for, or against, of which no proof was ever seen."""

    def is_ours(self, mark: str, did: Author | None) -> bool:
        """Whether that came of a write of ours that nobody lived to settle.

        Our account alone proves nothing: it may be a person's, too.
        """
        return did is not None and did.id == self.account != "" and mark in self.unproven

    def is_by_us(self, mark: str) -> bool:
        """Whether the account that we work with put a mark on last; by itself that proves nothing."""
        by = self.put_on(mark)
        return by is not None and by.id == self.account != ""

    def put_on(self, mark: str) -> Author | None:
        """Who put a mark on last; None: nobody since the issue was created."""
        change = next((c for c in reversed(self.changes) if c.label == mark and c.added), None)
        return None if change is None else _author(change.by, change.at)

    def took_off(self, mark: str) -> Author | None:
        """Who took a mark off last."""
        change = next((c for c in reversed(self.changes) if c.label == mark and not c.added), None)
        return None if change is None else _author(change.by, change.at)

    def put_back(self, mark: str, since: datetime) -> bool:
        """Whether somebody put a mark on again that our write took off, since about that instant."""
        told = [c for c in self.changes if c.label == mark and c.at >= since - CLOCKS_DIFFER]
        gone = next((n for n, change in enumerate(told) if not change.added), None)
        return gone is not None and any(change.added for change in told[gone:])

    def never_left(self, mark: str, until: datetime) -> bool:
        """Whether a mark that was ours until then stands there as it stood then: nobody took it off, or put it on."""
        if not self.changes and self.birth is None:
            return False  # nothing is told
        told = [c for c in self.changes if c.label == mark]
        return not any(c.at > until + CLOCKS_DIFFER or (not c.added and c.at >= until - CLOCKS_DIFFER) for c in told)

    @property
    def creator(self) -> Author | None:
        """Who created the issue."""
        return None if self.birth is None else _author(self.birth.by, self.birth.at)


def _author(by: Person | None, at: datetime) -> Author:
    if by is None:
        return Author(UNKNOWN_AUTHOR, at)
    return Author(by.name, at, person=by.kind not in ("app", "customer"), id=by.id)


@dataclass(frozen=True, slots=True)
class Word:
    """A mark that somebody put on, and who."""

    mark: str
    by: Author


@dataclass(frozen=True, slots=True)
class Reading:
    """What the marks on an issue mean.

    `applied` is what we now believe is ours; `hand` are marks that others put there; `doubt` says that the issue must
    be read directly before anything new is believed; `foreign` names another installation that signed here, `stranger`
    another store of this one; `lost` says that our last write was acknowledged and is not there.
    """

    applied: Applied | None
    hand: tuple[str, ...] = ()
    doubt: bool = False
    foreign: str | None = None
    lost: bool = False
    taken_off: bool = False
    """The mark of ours that stood until now was taken off by somebody."""
    stranger: str | None = None
    """The instance id of the other store."""
    adopted: bool = False
    """Taken over from the copy that the tracker holds: this store did not know of it."""
    copied: str | None = None
    """A mark that came along when the issue was cloned or split, or that it was created with below its parent."""
    words: tuple[Word, ...] = ()
    """Who put the marks of `hand` on that are news, as far as the history tells."""
    taken_by: Author | None = None

    late: tuple[str, ...] = ()
    """Marks of ours beside the one in `applied`: what came late, or never left."""

    @property
    def left(self) -> tuple[str, ...]:
        """Marks that an app or a customer put on: nobody's word, and left alone."""
        return () if self.applied is None else tuple(m for m in self.applied.left if m in self.hand)

    @property
    def noted(self) -> tuple[str, ...]:
        """Marks that say nothing, and that were looked into already."""
        return () if self.applied is None else tuple(m for m in self.applied.noted if m in self.hand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """What reading depends on, besides the issue."""

    signature: Signature
    now: datetime
    """On the tracker's clock."""
    overlap: timedelta
    """How long an index may lag behind a write of ours."""
    names: MarkNames
    speaks: Callable[[str], bool]
    """Whether a mark that people put on says something: it names an outcome."""
