"""Values that the store keeps besides snapshots and decisions: progress, leases, outbox entries, plans, holds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from syncd.core.model import Action, Applied, Issue, Plan, Refusal, Standing
from syncd.core.ports.trackers import Part


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
    """When the last one began that came to an end and was not held up. None: none did since all was read anew."""
    sound: datetime | None = None
    """From when on all is read once more before the next one: since the one before the last began, or since all was
    read anew in one piece. None: since everything was read for the first time."""
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


class Owed(StrEnum):
    """What a store may hold for a tracker that a pass over it has to do with."""

    SENDING = "sending"
    """Writes that were begun and have no receipt."""
    TODO = "todo"
    """Writes that were committed and not begun."""
    WAITING = "waiting"
    """A refused plan that waits for a person."""
    ASIDE = "aside"
    """Issues that could not be understood."""
    ABOVE = "above"
    """Ancestors outside the scope, known or to be read."""
    SAID = "said"
    """Comments with commands."""
    EXPIRING = "expiring"
    """Words of people that will run out."""
    UNHEARD = "unheard"
    """Words that were begun or ended and that no pass has decided with."""
    UNSETTLED = "unsettled"
    """Issues whose last plan left something that time or a retry may change."""


READING: Final = "/reading"
"""After a tracker's id, where waits are kept: what a whole observation cannot do without is limited, and other calls
are not."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What the store holds for a pass over a tracker as it begins, in one moment.

    What a command adds while the pass runs is for the next one.
    """

    progress: Progress
    census: Census
    listening: Listening
    owed: frozenset[Owed]
    findings: frozenset[str]
    """Kinds of which a finding is open, of this tracker; `twin`: of any."""
    held: int
    """Issues in scope that were last skipped for a lasting reason."""
    rests: datetime | None = None
    """Until when the tracker asked to be left alone by whoever reads it."""


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
