"""The store: planning, the outbox, and with them all that it is asked to keep."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from syncd.core.model import Applied, Issue, IssueRef, Lineage, Receipt
from syncd.core.ports.decided import Decisions, Talk
from syncd.core.ports.kept import Brief, Entry, EntryState, Known, Lease, StoredPlan
from syncd.core.ports.observed import Censuses, Instances, Leases, Lookups, Snapshots


class Plans(Protocol):
    """What is applied, what is planned, what waits for a person."""

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


class Outbox(Protocol):
    """Actions committed to be done."""

    def commit_intent(self, entries: Sequence[Entry], now: datetime) -> int:
        """Add outbox rows that are not there yet (by key), revive dropped and gone ones; how many are todo by this."""
        ...

    def entries(self, tracker: str | None, states: Sequence[EntryState], limit: int = 1000) -> Sequence[Entry]:
        """Outbox rows in those states, of one tracker or of all, in the order they were committed."""
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
        """Marks on these issues that writes were sent for, or against, and that may still land.

        Either no proof of them was ever seen, or they were sent more than once (also of what is done, with more than
        one attempt): the proof is of one request, and the one that was given up may still come.
        """
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


class Store(Instances, Leases, Snapshots, Lookups, Censuses, Decisions, Talk, Plans, Outbox, Protocol):
    """syncd's memory. Every method is one transaction; values in, values out; raises `StoreError` only."""

    def brief(self, tracker: str) -> Brief:
        """All that a pass over that tracker must know as it begins."""
        ...

    def moment(self) -> AbstractContextManager[object]:
        """Group several calls that only read: they see one moment, and cost little more than one."""
        ...

    def together(self) -> AbstractContextManager[object]:
        """Group several calls into one commit that a power cut may undo: nothing that must last joins it."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Group several calls into one commit (decisions and outbox: DESIGN §3.8)."""
        ...

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
