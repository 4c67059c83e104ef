"""What syncd left behind on an issue: the third leg of every plan."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from syncd.core.model.work import IssueRef


class Proof(StrEnum):
    """How sure syncd is that what it wrote is there."""

    SENT = "sent"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class StickyComment:
    """The one comment of syncd's on an issue, and a digest of what it says."""

    id: str
    digest: str
    pair: tuple[str, str | None] | None = None
    """The verdict pair that it was last written for, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What syncd last wrote on an issue: the third leg of every plan."""

    ref: IssueRef
    mark: str | None
    proof: Proof
    revision: int
    """Grows with every settled write; a write's identity derives from it."""
    at: datetime
    """When it was written, on the tracker's clock."""
    was: str | None = None
    """The mark that this write took off: a lagging row may still show it."""
    shown: datetime | None = None
    """`updated` of the row that first showed the mark."""
    tries: int = 1
    """How often this state was written, counting one more after a write that got lost."""
    declined: tuple[str, str | None] | None = None
    """A person took the mark off while this verdict pair stood: it stays off until the pair changes."""
    declined_by: str | None = None
    """Who that was, where it is known."""
    comment: StickyComment | None = None
    tried: tuple[str | None, str | None] | None = None
    """(put on, taken off) by the write that got lost: `tries` counts the writes of that very state."""
    hushed: tuple[str, str | None] | None = None
    """A person deleted the comment while this verdict pair stood: it stays away until the pair changes."""
    bare: bool = False
    """No copy in the tracker tells of the mark, or of its absence.

    It was taken over as it was found, or a late write of ours took it off and did not live to tell.
    """
    left: tuple[str, ...] = ()
    """Marks that an app or a customer put on: known, and left alone."""
    recalled: bool = False
    """Taken over from the tracker: a comment of ours may stand there that this store knows nothing of."""
    noted: tuple[str, ...] = ()
    """Marks that others put on and that say nothing (`alignment/…`, or no outcome's): looked into, and left alone."""
    past: tuple[tuple[str, datetime], ...] = ()
    """Marks that were ours, and until when (tracker's clock): a copy of the issue that was made before bears one."""
