"""What one pass over one tracker needs, and what it made of it. Values that `app` puts together."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final

from syncd.core.match import Matcher
from syncd.core.model import Finding, Limits, Plan, Refusal, Rule, Rulebook
from syncd.core.plan import Policy
from syncd.core.ports import Clock, Lease, Progress, Signature, Store, TrackerReader
from syncd.core.tradeoffs import Tradeoff

Watcher = Callable[[str, int, int | None], None]
"""Told of progress: what is being done, how many are done, of how many (None: nobody knows)."""

LEASE_TTL: Final = timedelta(minutes=2)
"""How long a pass may be silent before another may take its tracker over. Renewed with every page, batch and write."""


TRADED: Final = "/"
"""Stands between the rules' part of a `rules_key` and that of the trade-offs."""


class LeaseLostError(Exception):
    """Somebody else holds the tracker's lease by now: stop without another write."""


class StoppingError(Exception):
    """This process is to end: nothing new is begun, and what was done so far is kept."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """One pass over one tracker. There is no writer in it: looking cannot write (DESIGN §2.8)."""

    tracker: str
    reader: TrackerReader
    scope: tuple[str, ...]
    overlap: timedelta
    policy: Policy
    limits: Limits
    signature: Signature
    store: Store
    rulebook: Rulebook
    matcher: Matcher
    clock: Clock
    lease: Lease
    watch: Watcher = lambda _what, _done, _of: None
    in_flight: int = 4
    """Walks at once while everything is read, where the tracker allows for it."""
    census_every: timedelta = timedelta(hours=6)
    token_expires: date | None = None
    """The last day of the tracker's token, where somebody noted it down."""
    accept_missing: bool = False
    """A person said that what answers nothing was deleted, however much it is: take a census now and believe it."""
    adopting: bool = False
    """Whether what other stores of this installation signed is taken over: a person asked for it (`syncd adopt`)."""
    earlier: Callable[[str], Rulebook | None] = lambda _version: None
    """The rulebook of an earlier version; None: it is not kept, or cannot be read any more."""
    tradeoffs: tuple[Tradeoff, ...] = ()
    """What was recorded on causes of conflict, in every tracker, and has not expired."""
    ending: Callable[[], bool] = lambda: False
    """Whether this process is to end, and begins nothing new."""

    def still_ours(self, ttl: timedelta = LEASE_TTL) -> None:
        """Renew the lease, for as long as what comes may be silent.

        `LeaseLostError` when it is somebody else's, `StoppingError` when this process is to end.
        """
        if self.ending():
            raise StoppingError(f"syncd is ending; {self.tracker} goes on from here next time")
        if not self.store.renew(self.lease, self.clock.now(), ttl):
            raise LeaseLostError(f"another process took over {self.tracker}")

    @cached_property
    def rules_key(self) -> str:
        """Equal while every decision would come out the same."""
        return rules_key(self.rulebook, self.matcher.rules) + self.traded_key

    @property
    def traded_key(self) -> str:
        """What stands behind the rules' part of `rules_key`: equal while the same trade-offs hold here."""
        here = sorted(repr(one) for one in self.tradeoffs if one.tracker in (None, self.tracker))
        return TRADED + _hash(*here) if here else ""

    @cached_property
    def plan_key(self) -> str:
        """Equal while every omission for a lasting reason would come out the same: the settings that plans follow."""
        policy = self.policy
        write_by = sorted(policy.write_by.items())
        talk = (policy.comments, policy.commands, policy.holds)
        return _hash(repr((policy.write, write_by, policy.write_closed, policy.names, *talk)))


def rules_key(rulebook: Rulebook, in_effect: Iterable[Rule]) -> str:
    """The version of a rulebook, and which of its rules are in effect."""
    return f"{rulebook.version}:{_hash(*sorted(rule.id for rule in in_effect))}"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What observing, deciding and planning came to."""

    plan: Plan
    complete: bool
    why: str | None
    """Why the observation was not complete."""
    observed: int
    decided: int
    held: int
    """Issues skipped for a reason that only an edit of them or of the settings can change; not named in the plan."""
    in_scope: int
    """Issues in scope, for the guard: 0 where nothing is planned."""
    skew: timedelta
    """The tracker's clock minus ours."""
    denied: tuple[Finding, ...] = ()
    """Permissions that were missing for reading."""
    reachable: bool = True
    """Whether the tracker answered at all."""
    adopted: int = 0
    """Marks that the store did not know of, and that are ours by the copies in the tracker."""
    notes: tuple[str, ...] = ()
    """What a person should know of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleResult:
    """One cycle in numbers (the keys of `once --json`), and in words what a person must know."""

    tracker: str
    observed: int = 0
    decided: int = 0
    planned: int = 0
    applied: int = 0
    skipped: int = 0
    waiting: int = 0
    """Actions that could not be written and wait."""
    requests: int = 0
    complete: bool = False
    reachable: bool = True
    """Whether the tracker answered; if not, the daemon backs off from it."""
    why: str | None = None
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be written and why, once per cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What an observation came to."""

    progress: Progress
    """As it was saved."""
    rows: int
    changed: frozenset[str]
    """Ids of issues in or out of scope whose content changed: they and their descendants are decided again."""
    refielded: frozenset[str]
    """Of those, issues that nobody changed: only other fields are asked for, since the rules name others."""
    echoed: frozenset[str]
    """Ids of issues on which only marks, or the time of change, are different."""
    complete: bool
    reachable: bool
    """Whether reading worked, as far as there was anything to see: single issues may be read, too."""
    why: str | None
    skew: timedelta
    denied: tuple[Finding, ...]
    """Permissions that were missing."""
    now: datetime
    """When it ended, on the tracker's clock."""
    familiar: frozenset[str]
    """Scope entries that had been through a first complete cycle before: what is new in the others is a backlog."""
    read_whole: tuple[str, ...]
    """Those that will have been through one when what was read is decided."""
    account_id: str = ""
    """Of our own account there; empty: nobody asked."""
    everything: bool = False
    """Everything was read, and `changed` names only what may be somebody's doing: decide all of it."""

    @property
    def quiet(self) -> bool:
        """Whether nothing of it is news: what was read again is as it was."""
        return not (self.changed or self.echoed or self.everything)
