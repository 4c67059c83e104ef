"""What a connector offers: reading, writing, and its kind. The planner is handed a reader only."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from syncd.core.checkup import Checkup
from syncd.core.commands import CommentSeen, Heard
from syncd.core.diff import Pace
from syncd.core.errors import OptionProblem, TrackerError, Unreadable
from syncd.core.model import Action, Comment, Copy, Issue, IssueRef, Link, Person, Receipt

if TYPE_CHECKING:
    from syncd.core.plan import Write
from syncd.core.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class NoSuchField:
    """A field that rules name and a tracker does not have, by the key of the condition, and what it has instead."""

    name: str
    near: tuple[str, ...] = ()
    """Keys of conditions that may be meant."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a tracker shows us at the start of a cycle."""

    account: str
    """Who we are there, in its own terms."""
    skew: timedelta
    """The tracker's clock minus ours."""
    hidden: tuple[str, ...] = ()
    """Entries of the scope that are not visible: not the same as empty."""
    fields: tuple[str, ...] = ()
    """What is asked for beyond the common fields, by `field_key`: of the options' `fields`, those that there are."""
    absent: tuple[NoSuchField, ...] = ()
    """The others."""
    account_id: str = ""
    """Of that account, as histories name who did something; empty: not told."""


MEMORY_AT_MOST: Final = 1_000_000
"""Characters of a reader's memory: a row of the store, read with every poll."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an observation. `read_to`: every change up to it has now been read (tracker's clock)."""

    issues: tuple[Issue, ...]
    unreadable: tuple[Unreadable, ...] = ()
    read_to: datetime | None = None
    last: bool = False
    outside: tuple[Issue, ...] = ()
    """What is surely not in scope: nodes above, archived or trashed work, work that moved out. One that was in scope
    leaves it; none of them is read again within this observation."""
    memory: str | None = None
    """What the reader wants to be told at its next observation (opaque, at most `MEMORY_AT_MOST` characters). None:
    what it was told this time. On an earlier page of a first reading: how far it is, should the rest never come."""


@dataclass(frozen=True, slots=True)
class Found:
    """Issues read directly. `missing`: links that answered nothing, deleted or invisible alike."""

    issues: tuple[Issue, ...]
    missing: tuple[Link, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    archived: frozenset[str] = frozenset()
    """Ids of those that are archived or trashed: they answer, and are not in scope."""


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Somebody put a label on an issue, or took one off, after its creation."""

    ref: IssueRef
    label: str
    added: bool
    by: Person | None
    """None: the tracker does not say."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody hung an issue below another one than before, or below none."""

    ref: IssueRef
    before: Link | None
    """What it hung below until then."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Birth:
    """How an issue came to be. What it was created with stands in no history."""

    by: Person | None
    at: datetime
    copied_from: tuple[Link, ...] = ()
    """The issues that it was cloned or split from, as the tracker tells it."""


@dataclass(frozen=True, slots=True)
class CensusPage:
    """A part of a census: issues in scope by id and key, archived ones left out."""

    links: tuple[Link, ...]
    next: str
    """Where a later census may go on after this page; opaque, not empty but on the last one."""
    last: bool = False
    parents: Mapping[str, str | None] = field(default_factory=dict)
    """What each hangs below, both by id, where the tracker shows of it only what we may see: a parent that comes into
    view makes nothing below it newer. Empty: the census need not ask."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of everything in scope that can be walked beside the others. `size`: an estimate of its issues."""

    name: str
    """The reader's own, understood by any later reader of the tracker with the same scope."""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class PartPage:
    """A piece of a part. `next`: where a later walk of that part may go on behind it; opaque."""

    issues: tuple[Issue, ...]
    unreadable: tuple[Unreadable, ...]
    next: str
    last: bool = False


@dataclass(frozen=True, slots=True)
class SignedComment:
    """A comment that some syncd signed, found by its signature and never by its words."""

    id: str
    installation: str
    instance: str
    digest: str | None
    """Of what it says; None: written by an older version."""


@runtime_checkable
class TraceReader(Protocol):
    """A reader that finds what syncd left without a store that remembers it."""

    def traces(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[SignedComment]]:
        """Comments that a syncd signed on those issues, oldest first, in bulk; issues without any: absent."""
        ...

    def marked(self) -> Iterator[Sequence[Issue]]:
        """Every issue that the account may see, in scope or not, that bears a label in syncd's namespaces."""
        ...


class TrackerReader(Protocol):
    """Reads one tracker. Raises `Unavailable`, `Denied` or `Unreadable`; retries reads by itself, bounded."""

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far, retries counted."""
        ...

    def look_around(self) -> Sight:
        """Who we are and what of the scope is visible. `Denied` when the credentials do not work."""
        ...

    def observe(self, since: datetime | None, memory: str = "") -> Iterator[Page]:
        """Every issue in scope changed since then (tracker's clock; None: all), oldest change first.

        `memory` is that of the last page of the last observation that was complete; where `since` is None, perhaps of a
        first reading that was cut off. Empty: there was none.

        Exactly the final page says `last`. An iteration that ends in an error was not complete; what it yielded
        until then is true. The same issue may come twice; the later one is the newer.
        """
        ...

    def read(self, links: Sequence[Link]) -> Found:
        """Those issues as they are now, never through a search index, in or out of scope."""
        ...

    def label_changes(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[LabelChange]]:
        """Who put which label on and took it off and when, oldest first, in bulk; issues without any: absent.

        Asked only for issues whose marks are not what syncd left. A label of the creation is no change: see `births`.
        """
        ...

    def births(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Birth]:
        """Who created those issues, and what they are copies of, in bulk; what does not answer: absent."""
        ...

    def moves(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[Move]]:
        """When those issues were hung elsewhere, oldest first, in bulk; where that is not told, or never was: absent.

        Asked only for issues that were created with a mark and changed since: their parent may be another by now.
        """
        ...

    def changers(self, at: Mapping[IssueRef, datetime]) -> Mapping[IssueRef, Person]:
        """Who made the change that each issue showed at that instant (its `updated` then), or created it; in bulk.

        Asked only for issues that are about to be commented on. Where the tracker does not tell: absent.
        """
        ...

    def comments(self, refs: Sequence[IssueRef], since: datetime | None) -> Iterator[Heard]:
        """Comments in which commands may stand that were not read before; every other one may be left out.

        Where a comment changes its issue, those of `refs` (that changed, or were named); elsewhere all that were made
        or edited since (tracker's clock). None: wherever in scope a command may stand, by a search for its words.
        """
        ...

    def comments_by_id(self, comments: Mapping[str, IssueRef]) -> Sequence[CommentSeen]:
        """Those comments (by id, with their issues) as they are now; deleted and invisible ones are absent."""
        ...

    def census(self, after: str = "") -> Iterator[CensusPage]:
        """Every issue in the visible scope by id and key, at least once each, far fewer requests than reading them.

        `after` is a page's `next`: what stood before it is left out. Where that is too old to go on from, everything
        comes again. Exactly the final page says `last`; an iteration that ends in an error was not complete.
        """
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


@runtime_checkable
class PartedReader(TrackerReader, Protocol):
    """A reader whose tracker pages by chains of tokens, so that only several chains can be walked at once."""

    def parts(self, at_least: int) -> Sequence[Part]:
        """Parts that together hold everything in the visible scope, whatever changes meanwhile; many, if it is large.

        `at_least`: how many are walked at once. What is changed while they are walked may be read as it was before.
        """
        ...

    def observe_part(self, name: str, after: str = "") -> Iterator[PartPage]:
        """Every issue of a part, in an order that edits do not disturb. Errors as with `observe`."""
        ...

    def beside(self) -> "PartedReader":
        """Another reader of the same tracker, for another thread: told what this one knows, under the same limits."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """An action, and the outbox entry's key that the write is signed with where the tracker lets it be."""

    action: Action
    entry: str


class TrackerWriter(Protocol):
    """Writes to one tracker. Never retries what may have been done. Raises the TrackerErrors of DESIGN §7."""

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far."""
        ...

    @property
    def least_together(self) -> int:
        """From how many actions on `write_together` is worth it; fewer are written alone."""
        ...

    @property
    def most_together(self) -> int:
        """How many actions, each on an issue of its own, one `write_together` takes."""
        ...

    def together(self, action: Action) -> str | None:
        """Actions that get the same answer may go in one call of `write_together`; None: alone, by `write`. Pure."""
        ...

    def write(self, action: Action, entry: str) -> Receipt:
        """Do it, once, signed with the outbox entry's key. `InDoubt` when no answer came."""
        ...

    def look(self, action: Action, entry: str) -> Receipt | None:
        """Whether that very write was done; None: it was not."""
        ...

    def write_together(self, portion: Sequence[Signed]) -> Sequence[Receipt | TrackerError]:
        """Do several actions of one `together` answer, each once; what came of each, in their order.

        `InDoubt` stands where nobody can tell. Raises a TrackerError only when nothing was sent. May take minutes.
        """
        ...

    def look_together(self, portion: Sequence[Signed]) -> Sequence[Receipt | TrackerError | None]:
        """`look` for several, in as few requests as the tracker lets it be; the answers in their order."""
        ...

    def tidy(self) -> tuple[str, ...]:
        """Take away the labels and groups that syncd made and that no issue bears any more; their names."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs marks: the installation, and the store's instance id."""

    installation: str
    instance: str
    adopted: frozenset[str] = frozenset()
    """Instance ids of other stores that this one has taken over."""

    def owns(self, copy: Copy) -> bool:
        """Whether this store wrote that copy, or took over the one that did."""
        return copy.installation == self.installation and (
            copy.instance == self.instance or copy.instance in self.adopted
        )

    def stranger(self, copy: Copy) -> bool:
        """Whether another store of this very installation wrote it."""
        return copy.installation == self.installation and not self.owns(copy)


@dataclass(frozen=True, slots=True)
class MarkNames:
    """How the names of syncd's labels begin: prefixes, or the names of label groups with a slash behind them."""

    outcome: str = "outcome/"
    alignment: str = "alignment/"
    exclusive: bool = False
    """Whether an issue bears at most one label of each: a second one is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerOptions:
    """What a connector is told about its tracker. Secrets are resolved; `repr` never shows them."""

    id: str
    kind: str
    url: str
    auth: Mapping[str, str] = field(repr=False)
    """`email` and `token`, or `token` alone."""
    scope: Mapping[str, tuple[str, ...]]
    overlap: timedelta
    marks: MarkNames
    mail: bool = False
    """Whether a write that mails people is allowed where silence is not."""
    fields: tuple[str, ...] = ()
    """What rules name beyond the common fields, by the keys of conditions: `sprint`, `field.Squad`."""
    installation: str = ""
    """Whose signature to look for where a copy of the mark is found by its address (Linear)."""


CommentRenderer = Callable[[Comment], Any]


class TrackerKind(Protocol):
    """What a connector module offers; one per line of `connectors.KINDS`."""

    comment_format: str
    """`adf`, `markdown` or `wiki`: which renderer `app` hands to the writer."""
    pace: Pace
    """How fast the tracker lets us write, by its documented limits."""
    groups: bool
    """Whether marks are labels in groups: `MarkNames` are then "Outcome/" and "Alignment/", from `marks.groups`."""

    def check(self, options: Mapping[str, Any]) -> Sequence[OptionProblem]:
        """Complaints about the tracker's mapping in syncd.yaml, as written (pure)."""
        ...

    def reader(self, options: TrackerOptions, clock: Clock) -> TrackerReader:
        """A reader. Opens nothing before its first call."""
        ...

    def writer(
        self, options: TrackerOptions, clock: Clock, signature: Signature, render: CommentRenderer
    ) -> TrackerWriter:
        """A writer. Opens nothing before its first call."""
        ...

    def examine(
        self, options: TrackerOptions, clock: Clock, signature: Signature, wanted: "Mapping[str, Write]"
    ) -> Iterator[Checkup]:
        """What `syncd doctor` finds, for each entry of the scope by its policy. Reads only. Raises `TrackerError`."""
        ...
