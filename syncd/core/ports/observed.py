"""The store, as far as what was observed goes: the right to work, snapshots, finding them, census and first reading."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from syncd.core.bearing import Bears
from syncd.core.errors import Unreadable
from syncd.core.model import Issue, IssueRef, Link
from syncd.core.ports.kept import Backfill, Census, Change, Known, Lease, PartProgress, Progress
from syncd.core.seen import Glance
from syncd.core.twins import TwinLink


class Instances(Protocol):
    """Which store this is, and which others are taken for it."""

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


class Leases(Protocol):
    """The right to work on a tracker."""

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


class Snapshots(Protocol):
    """What was observed, and how far."""

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

    def rests_until(self, what: str) -> datetime | None:
        """Until when a tracker, or a part of it, by name, asked to be left alone. None: it never has."""
        ...

    def rest(self, what: str, until: datetime) -> None:
        """It asked to be left alone until then. Every process heeds it."""
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


class Lookups(Protocol):
    """Finding in what was observed."""

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


class Censuses(Protocol):
    """How far a census and a first reading are."""

    def census(self, tracker: str) -> Census:
        """Where that tracker's census stands."""
        ...

    def save_census(self, tracker: str, census: Census, met: Sequence[Link] | None = ()) -> None:
        """Replace it whole, and keep that those were met; None: forget all that were."""
        ...

    def strangers(self, tracker: str, links: Sequence[Link], parents: Mapping[str, str | None]) -> Sequence[Link]:
        """Of those links (by id and key) the ones that are not in scope, not under that key, or not below that parent.

        `parents` by id, of those of which it is told.
        """
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
