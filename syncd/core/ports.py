"""What the core and the engine need from the world. The planner is handed a reader only: a dry run is not a flag."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from syncd.core.acting import Turn
from syncd.core.bearing import Bears
from syncd.core.checkup import Checkup
from syncd.core.commands import CommentSeen, Heard, Said, Vote
from syncd.core.diff import Pace
from syncd.core.errors import OptionProblem, TrackerError, Unreadable
from syncd.core.model import (
    Action,
    Applied,
    Comment,
    Copy,
    Decision,
    Finding,
    Issue,
    IssueRef,
    Lineage,
    Link,
    Override,
    Person,
    Plan,
    Receipt,
    Refusal,
    Standing,
)
from syncd.core.noise import Notice
from syncd.core.seen import Glance
from syncd.core.tradeoffs import Tradeoff
from syncd.core.twins import TwinLink

if TYPE_CHECKING:
    from syncd.core.plan import Write


class Clock(Protocol):
    """Time, so that nothing else asks the machine for it."""

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        ...


# --- trackers ---------------------------------------------------------------------------------------------


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


# --- the store --------------------------------------------------------------------------------------------


class Change(StrEnum):
    """What remembering a snapshot found."""

    NEW = "new"
    CONTENT = "content"
    """Something that a rule can see, or that lineage hangs on, is different."""
    FIELDS = "fields"
    """Only that other fields are asked for now than were before: what a rule edit brings about, and nobody's doing."""
    MARKS = "marks"
    """Only marks, the copy, or the time of change: what our own echo looks like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a tracker has been read. All None: never."""

    watermark: datetime | None = None
    """Everything changed up to then has been read, lag aside (tracker's clock)."""
    first_complete: datetime | None = None
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    why: str | None = None
    """Why the last attempt was not complete; None when it was."""
    scope: tuple[str, ...] = ()
    """The scope entries that the watermark speaks of: those visible then."""
    fields: tuple[str, ...] = ()
    """The fields beyond the common ones that the watermark speaks of, by `field_key`."""
    complete_scope: tuple[str, ...] = ()
    """The scope entries that have been through their first complete cycle."""
    rules_key: str | None = None
    """The rulebook version and the set of rules in effect that every decision here was made under."""
    plan_key: str | None = None
    """A hash of the settings that the last full planning was made under."""
    skew: timedelta = timedelta(0)
    """The tracker's clock minus ours, when last seen."""
    memory: str = ""
    """What the reader wants to be told at its next observation."""
    sure: datetime | None = None
    """The watermark that is beyond doubt: after the walk that led to it our credentials were seen to work still."""
    lag: timedelta | None = None
    """The longest that a change took to show in an observation, as seen lately."""
    lag_seen: datetime | None = None
    """When that was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Where a tracker's census stands. `began` None: none is under way. Instants are of our clock."""

    began: datetime | None = None
    scope: tuple[str, ...] = ()
    """The scope entries that it counts."""
    after: str = ""
    """Where its walk goes on."""
    walked: bool = False
    """Its walk is over; what it did not meet is still to be looked for."""
    last: datetime | None = None
    """When the last one began that came to an end."""
    tried: datetime | None = None
    """When one was last worked on."""
    why: str | None = None
    """Why what did not answer was not taken for deleted; None: nothing holds it up."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A whole reading under way. `read_to`: the tracker's clock when it began; what is changed later is read after."""

    began: datetime
    read_to: datetime
    scope: tuple[str, ...]
    fields: tuple[str, ...]
    parts: tuple["PartProgress", ...]


@dataclass(frozen=True, slots=True)
class PartProgress:
    """How far one part of a whole reading is."""

    n: int
    part: Part
    after: str = ""
    read: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How far a tracker's comments have been read. None: never."""

    heard_to: datetime | None = None
    """Every comment made up to then has been read, lag aside (tracker's clock)."""
    checked: datetime | None = None
    """When the known commands were last read again by id (our clock): a deletion shows in nothing else."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one tracker. A later holder has a higher fence."""

    tracker: str
    holder: str
    fence: int


class EntryState(StrEnum):
    """Where an outbox entry stands."""

    TODO = "todo"
    SENDING = "sending"
    DONE = "done"
    DROPPED = "dropped"
    """It no longer holds (moved on, gone, denied); `note` says why."""
    GONE = "gone"
    """Its issue was not there when it was to be written: it rests, and is tried again much later."""
    BARRED = "barred"
    """The tracker denies it on that one issue, whose project is otherwise open: it rests as well."""
    DEAD = "dead"
    """It failed for good and waits for a person."""
    DISMISSED = "dismissed"
    """It was dead, and a person dropped it: it is not planned again while the same is wanted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An outbox row."""

    key: str
    action: Action
    state: EntryState
    attempts: int = 0
    note: str = ""
    moved: datetime | None = field(default=None, compare=False)
    """When it came into that state; None: it is not stored yet."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan that was shown, or that a guard refused. `settled` once every action of it was done or dropped."""

    plan: Plan
    trackers: tuple[str, ...]
    at: datetime
    refusals: tuple[Refusal, ...] = ()
    settled: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A place where `syncd withdraw` was: nothing is written there before an `apply --plan` ends it."""

    tracker: str
    project: str | None
    """None: the whole tracker, or one issue."""
    issue: str | None
    """The id of the one issue."""
    at: datetime


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """A version of the rules coming into use: when, and who committed it where git knows."""

    version: str
    at: datetime
    author: str | None = None
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All that the store holds of one issue, to decide, to plan and to explain it."""

    issue: Issue
    standing: Standing | None
    applied: Applied | None
    in_scope: bool


class Store(Protocol):
    """syncd's memory. Every method is one transaction; values in, values out; raises `StoreError` only."""

    @property
    def instance(self) -> str:
        """The id drawn when this store was created."""
        ...

    def adopted(self) -> frozenset[str]:
        """Ids of other stores of this installation that this one has taken over."""
        ...

    def adopt(self, instance: str, now: datetime) -> None:
        """What that store signed is ours from now on."""
        ...

    # the right to work
    def acquire(
        self, tracker: str, holder: str, now: datetime, ttl: timedelta, *, gone: str | None = None
    ) -> Lease | None:
        """Take a tracker's lease if it is free, expired, already ours or that of `gone`; None: see `lease_holder`.

        `gone`: a holder of whom is proven that it is no more.
        """
        ...

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> bool:
        """Push the expiry out; False when somebody else holds it by now."""
        ...

    def release(self, lease: Lease) -> None:
        """Give it back, if it still is ours."""
        ...

    def lease_holder(self, tracker: str, now: datetime) -> str | None:
        """Who holds it now."""
        ...

    # observing
    def progress(self, tracker: str) -> Progress:
        """How far that tracker has been read."""
        ...

    def save_progress(self, tracker: str, progress: Progress) -> None:
        """Replace it whole."""
        ...

    def remember(
        self,
        tracker: str,
        issues: Sequence[Issue],
        *,
        in_scope: bool,
        now: datetime,
        progress: Progress | None = None,
    ) -> Mapping[IssueRef, Change]:
        """Keep snapshots, and the progress made by them, in one transaction; say what changed (unchanged: absent).

        A snapshot older (`updated`) than the stored one is ignored. Old keys keep answering. `in_scope=False` never
        takes an issue out of the scope that is in it: see `take_out`.
        """
        ...

    def mark_missing(self, tracker: str, links: Sequence[Link], now: datetime) -> None:
        """Links that answered nothing when read directly: their children's lineage is incomplete."""
        ...

    def forget_missing(self, tracker: str, links: Sequence[Link]) -> None:
        """They answer again."""
        ...

    def missing(self, tracker: str) -> Sequence[Link]:
        """All links that answered nothing when last read."""
        ...

    def twin_links(self, refs: Sequence[IssueRef]) -> Sequence[TwinLink]:
        """What these tell of issues of other trackers, and those of them; both ends in scope, in a fixed order."""
        ...

    def outside(self, tracker: str) -> Sequence[Link]:
        """Ancestors outside the scope that some issue still hangs on: they are read again every cycle."""
        ...

    def set_aside(self, tracker: str, unreadable: Sequence[Unreadable], now: datetime) -> None:
        """Remember issues that could not be understood, by link, with what was wrong."""
        ...

    def forget_aside(self, tracker: str, links: Sequence[Link]) -> None:
        """These are not there any more, so there is nothing left to understand."""
        ...

    def aside(self, tracker: str) -> Mapping[Link, str]:
        """The issues set aside and not remembered since, with what was wrong."""
        ...

    # looking up
    def find(self, key: str, tracker: str | None = None) -> Sequence[IssueRef]:
        """Issues that bear or once bore that key (any case), in every tracker or in one."""
        ...

    def known(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Known]:
        """What is known of those issues; unknown ones are absent."""
        ...

    def by_link(self, tracker: str, links: Sequence[Link]) -> Mapping[Link, Issue]:
        """Snapshots by id or (old or new) key; unknown ones are absent."""
        ...

    def children(self, refs: Sequence[IssueRef]) -> Sequence[IssueRef]:
        """What hangs on them or lies within them directly, in or out of scope."""
        ...

    def in_scope(self, tracker: str, *, batch: int = 1000) -> Iterator[Sequence[IssueRef]]:
        """Every issue in scope, in batches, in a fixed order."""
        ...

    def glances(
        self, tracker: str, ids: Sequence[str] | None = None, *, batch: int = 1000
    ) -> Iterator[Sequence[Glance]]:
        """Every issue in scope, streamed, in a fixed order; or those of these ids that are in scope."""
        ...

    def bearing(self, tracker: str, values: Iterable[Bears], *, limit: int) -> Sequence[IssueRef] | None:
        """Issues, in or out of scope, that bear one of those values; None: more than `limit` do."""
        ...

    def count_in_scope(self, tracker: str) -> int:
        """How many issues are in scope and not gone."""
        ...

    def leave_scope(self, tracker: str, projects: Sequence[str]) -> int:
        """Take every issue of a project not in this list out of scope; how many."""
        ...

    def take_out(self, tracker: str, ids: Sequence[str], why: str, now: datetime) -> int:
        """Take these out of scope, and keep why until they come back; how many of them were in it."""
        ...

    def left(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, tuple[datetime, str]]:
        """When and why each of these was taken out of scope; those that were not are absent."""
        ...

    # census and backfill
    def census(self, tracker: str) -> Census:
        """Where that tracker's census stands."""
        ...

    def save_census(self, tracker: str, census: Census, met: Sequence[Link] | None = ()) -> None:
        """Replace it whole, and keep that those were met; None: forget all that were."""
        ...

    def strangers(self, tracker: str, links: Sequence[Link]) -> Sequence[Link]:
        """Of those links (by id and key) the ones that are not in scope, or not under that key."""
        ...

    def unmet(self, tracker: str, project: str, *, after: str = "", limit: int = 1000) -> Sequence[Link]:
        """Issues of a project in scope that the census under way did not meet, by id, from an id on."""
        ...

    def count_projects(self, tracker: str) -> Mapping[str, int]:
        """How many issues are in scope in each project (or team)."""
        ...

    def drop_entries(self, tracker: str, ids: Sequence[str], note: str, now: datetime) -> int:
        """Drop what waits to be written on those issues, dead letters too; how many rows."""
        ...

    def stamps(self, tracker: str, ids: Sequence[str]) -> Mapping[str, datetime]:
        """When those issues were last changed, as stored; unknown ones are absent."""
        ...

    def backfill(self, tracker: str) -> Backfill | None:
        """The whole reading under way."""
        ...

    def begin_backfill(self, tracker: str, backfill: Backfill) -> None:
        """Begin one, in the place of any other."""
        ...

    def save_part(self, tracker: str, part: PartProgress) -> None:
        """How far a part of it is."""
        ...

    def end_backfill(self, tracker: str) -> None:
        """Everything was read, or nobody wants it any more."""
        ...

    # deciding
    def keep_rulebook(self, version: RulesVersion, sources: Mapping[str, str]) -> None:
        """It is in use from now on. A version is kept once with its files' texts; its use is logged each time."""
        ...

    def rulebook_version(self) -> str | None:
        """The version that is in use."""
        ...

    def rulebook_texts(self, version: str | None = None) -> Mapping[str, str] | None:
        """The files' texts of a version, by name (None: of the one in use); None where it is not kept."""
        ...

    def rulebook_log(self) -> Sequence[RulesVersion]:
        """Every version that came into use, newest first; one that came back stands there again."""
        ...

    def save_standings(self, standings: Sequence[Standing]) -> None:
        """Keep decisions; a row of history for each whose (kind, outcome) pair is new."""
        ...

    def history(self, ref: IssueRef) -> Sequence[tuple[datetime, Decision]]:
        """When the pair changed, and to what, oldest first."""
        ...

    def overrides(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[Override]]:
        """Overrides that have not been ended, expired ones included."""
        ...

    def overridden(self, tracker: str) -> Sequence[IssueRef]:
        """Issues on which an override has not been ended, expired ones included."""
        ...

    def save_overrides(self, started: Sequence[Override], ended: Sequence[Override], now: datetime) -> None:
        """Begin some, end others; history is kept."""
        ...

    def speak(self, started: Sequence[Override], ended: Sequence[Override], now: datetime) -> None:
        """Begin and end words that no pass has heard: those of commands, and those that have run out."""
        ...

    def lapse(self, tracker: str, now: datetime) -> int:
        """End the words that have run out; how many."""
        ...

    def unheard(self, tracker: str) -> Mapping[int, IssueRef]:
        """Words that were begun or ended and that no pass has decided with, by a number of the store's."""
        ...

    def heard(self, numbers: Sequence[int]) -> None:
        """A pass has decided with those."""
        ...

    def words(self, *, ended: bool = False) -> Sequence[tuple[Override, datetime | None]]:
        """Every word that stands, or was ever said, with when it ended, in the order they began."""
        ...

    def holds(self, tracker: str | None = None) -> Sequence[Hold]:
        """Places where everything was taken off, and nothing is put on before an `apply --plan`."""
        ...

    def hold(self, hold: Hold) -> None:
        """Put a place on hold; one that is on hold stays so since when it was."""
        ...

    def release_hold(self, hold: Hold) -> None:
        """That place is no longer on hold."""
        ...

    def marked(self, tracker: str) -> Sequence[IssueRef]:
        """Every issue that this store ever wrote on or took a mark of over, in or out of scope, by id."""
        ...

    def tradeoffs(self, *, ended: bool = False) -> Sequence[Tradeoff]:
        """Trade-offs that nobody took back, expired ones included, in the order they were recorded; or all."""
        ...

    def save_tradeoff(self, tradeoff: Tradeoff, now: datetime) -> None:
        """Record one, in the place of an earlier one on that cause in that tracker."""
        ...

    def end_tradeoff(self, cause: str, tracker: str | None, now: datetime) -> Tradeoff | None:
        """Take one back; None: there is none."""
        ...

    def save_findings(self, tracker: str, kind: str, findings: Sequence[Finding], now: datetime) -> None:
        """The whole present set of that kind: new ones open, absent ones close, the rest keep their clock."""
        ...

    def settle_findings(self, tracker: str, found: Mapping[str, Sequence[Finding]], now: datetime) -> None:
        """As `save_findings`, for several kinds at once: kind → the whole present set of it."""
        ...

    def save_findings_on(
        self, tracker: str, ids: Sequence[str], kinds: Sequence[str], findings: Sequence[Finding], now: datetime
    ) -> None:
        """The whole present set of those kinds on those issues: new ones open, absent ones close."""
        ...

    def finding_log(self, limit: int = 1000) -> Sequence[tuple[datetime, datetime, Finding]]:
        """Findings that have closed, with when they were opened and closed, the last closed first."""
        ...

    def causes(self, tracker: str) -> Sequence[tuple[int, Decision]]:
        """What conflicts in scope come from: how many open issues hang on it, and one of the decisions; by cause."""
        ...

    def divergences(self, tracker: str) -> Sequence[tuple[int, Decision]]:
        """Ancestors that issues in scope are mapped otherwise than: how many open ones, and one of the decisions."""
        ...

    def open_finding(self, finding: Finding, now: datetime) -> None:
        """Open one, or leave the open one of the same name as it is."""
        ...

    def turn_findings(self, opened: Sequence[Finding], closed: Sequence[Finding], now: datetime) -> None:
        """Open some, or say them anew with their clock kept; close those of the others that are open."""
        ...

    def findings_of(self, kind: str, tracker: str | None = None) -> Sequence[Finding]:
        """Open findings of that kind, in that tracker or in all, oldest first."""
        ...

    def findings(self, tracker: str | None = None) -> Sequence[tuple[datetime, Finding]]:
        """Open findings with the time they were opened, oldest first."""
        ...

    # comments
    def listening(self, tracker: str) -> Listening:
        """How far comments have been read there."""
        ...

    def save_listening(self, tracker: str, listening: Listening) -> None:
        """Replace it."""
        ...

    def said(self, tracker: str, ids: Sequence[str] | None = None) -> Sequence[Said]:
        """Comments with commands on those issues, or on any, by issue and time."""
        ...

    def save_said(self, tracker: str, said: Sequence[Said], unsaid: Sequence[str]) -> None:
        """Keep comments with commands, and forget others by their ids."""
        ...

    def votes(self, tracker: str, ids: Sequence[str] | None = None) -> Sequence[Vote]:
        """Votes against rules on those issues, or on any, oldest first."""
        ...

    def save_votes(self, cast: Sequence[Vote], withdrawn: Sequence[Vote]) -> None:
        """Cast some (again: nothing), take others back."""
        ...

    def add_notice(self, notice: Notice, entry: str) -> None:
        """A write told people something. Once for each outbox entry."""
        ...

    def notices(self, since: datetime, tracker: str | None = None) -> Sequence[Notice]:
        """What was told since then, in every tracker or in one, oldest first."""
        ...

    def turns(self, refs: Sequence[IssueRef], since: datetime) -> Mapping[IssueRef, Sequence[Turn]]:
        """How the verdicts on those issues turned since then, oldest first; those that did not turn are absent."""
        ...

    # planning
    def save_applied(self, applied: Sequence[Applied]) -> None:
        """What observation taught about our marks (seen, declined, adopted)."""
        ...

    def commented(self, tracker: str) -> Sequence[IssueRef]:
        """Issues on which a comment of ours stands."""
        ...

    def unsettled(self, tracker: str) -> Sequence[IssueRef]:
        """Issues whose last plan left something that time or a retry may change: planned again each cycle."""
        ...

    def held(self, tracker: str) -> Mapping[str, int]:
        """How many issues were last skipped for a lasting reason, by that reason."""
        ...

    def save_plan_state(
        self, settled: Iterable[IssueRef], unsettled: Iterable[IssueRef], held: Mapping[IssueRef, str]
    ) -> None:
        """What planning made of those issues."""
        ...

    def save_plan(self, stored: StoredPlan) -> None:
        """Keep a plan under its digest (again: the newer replaces)."""
        ...

    def plan(self, digest: str) -> StoredPlan | None:
        """By its digest, or by a beginning of it of at least 6 characters that is unique."""
        ...

    def settle_plan(self, digest: str, now: datetime) -> None:
        """It has been done, or nothing of it is left."""
        ...

    def waiting_plans(self) -> Sequence[StoredPlan]:
        """Refused plans that wait for a person: the newest for each tracker, unless settled since."""
        ...

    def clear_waiting(self, tracker: str, now: datetime) -> None:
        """No refused plan of that tracker waits any more: the last cycle refused nothing."""
        ...

    # writing
    def commit_intent(self, entries: Sequence[Entry], now: datetime) -> int:
        """Add outbox rows that are not there yet (by key), revive dropped and gone ones; how many are todo by this."""
        ...

    def entries(self, tracker: str, states: Sequence[EntryState], limit: int = 1000) -> Sequence[Entry]:
        """Outbox rows in those states, in the order they were committed."""
        ...

    def begin(self, entry: Entry, lease: Lease, now: datetime) -> bool:
        """`todo → sending`, durably, before the call; False when the lease's fence is stale or the row moved on."""
        ...

    def begin_together(self, entries: Sequence[Entry], lease: Lease, now: datetime) -> frozenset[str]:
        """`begin` for several in one transaction: the keys of those that were begun, none under a stale fence."""
        ...

    def settle(self, entry: Entry, receipt: Receipt, applied: Applied, now: datetime) -> None:
        """`done`, and what is applied now, in one transaction."""
        ...

    def unproven(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, frozenset[str]]:
        """Marks on these issues that writes were sent for, or against, and of which no proof was ever seen."""
        ...

    def entries_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """Outbox rows by key; unknown ones are absent."""
        ...

    def put_back(self, entry: Entry, state: EntryState, note: str, now: datetime, *, tried: bool = True) -> None:
        """`sending` or `todo` → todo, dropped, gone, barred or dead, with why. `tried=False`: it does not count."""
        ...

    def revive(self, entry: Entry, now: datetime) -> bool:
        """`dead` or `dismissed` → todo, as if it had never been tried; False: it is in neither state any more."""
        ...

    def dismiss(self, entry: Entry, note: str, now: datetime) -> bool:
        """`dead` → dismissed, with who dropped it; False: it is dead no more."""
        ...

    def outbox_counts(self, tracker: str | None = None) -> Mapping[str, int]:
        """How many rows are in each state that is not over (todo, sending, dead), of one tracker or of all."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Group several calls into one commit (decisions and outbox: DESIGN §3.8)."""
        ...

    # reporting
    def standings(self, tracker: str | None = None, *, batch: int = 1000) -> Iterator[Sequence[Known]]:
        """Every issue in scope with its standing, streamed, in a fixed order."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


class LineageSource(Protocol):
    """Something that knows ancestors (the engine's cache over a store)."""

    def of(self, issues: Sequence[Issue]) -> Mapping[IssueRef, Lineage]:
        """The lineage of each issue."""
        ...
