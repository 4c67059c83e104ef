"""Conflicts as work: for each cause what is claimed, who decides, since when, until when, what it holds up. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.core.findings import Level, deadline_of, level_of
from syncd.core.model import Candidate, Finding
from syncd.core.report import Claim, ConflictLine
from syncd.core.tradeoffs import Tradeoff, scope_of

KEYS = 20
"""Keys of held-up issues that are listed for one cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """One thing to decide."""

    cause: str
    name: str | None
    """What the project or initiative is called that is torn."""
    trackers: tuple[str, ...]
    claims: tuple[Claim, ...]
    decider: str
    """Who is to decide: one name, or several who must agree."""
    level: Level
    opened: datetime
    deadline: datetime
    issues: int
    open: int
    keys: tuple[str, ...]
    """Some of the issues that it holds up, open ones first; restricted ones are counted only."""
    reopened: int = 0
    """How often it had been settled, and came back."""
    lapsed: str | None = None
    """Why a trade-off that was recorded on it does not hold any more."""

    def age(self, now: datetime) -> timedelta:
        """How long it has been open."""
        return now - self.opened

    @property
    def owners(self) -> tuple[str, ...]:
        """Of what is claimed."""
        return tuple(sorted({claim.owner for claim in self.claims if claim.owner is not None}))


@dataclass(frozen=True, slots=True)
class Recorded:
    """A trade-off with where it stands."""

    tradeoff: Tradeoff
    state: str
    """`holds`, `expired`, `other claims` (not those it was recorded for), or `idle`: nothing comes from that cause."""
    settles: int = 0
    """Issues that it decides."""


def torn_lines(
    conflicts: Iterable[ConflictLine],
    opened: Sequence[tuple[datetime, Finding]],
    closed: Sequence[tuple[datetime, datetime, Finding]],
    *,
    assignees: Mapping[tuple[str, str], str],
    tradeoffs: Sequence[Tradeoff],
    candidates: Mapping[tuple[str, str], Sequence[Candidate]],
    now: datetime,
) -> tuple[Torn, ...]:
    """Every cause of conflict, the one first that is due first. A cause between rules is one over all trackers.

    Args:
        conflicts: by cause and tracker, from the report.
        opened: open findings with when they were opened.
        closed: those that have closed, with when they were opened and closed.
        assignees: by (tracker, cause), who works on the issue that is torn.
        tradeoffs: all that nobody took back.
        candidates: by (tracker, cause), what disagrees.
        now: on our clock.
    """
    groups: dict[tuple[str | None, str], list[ConflictLine]] = {}
    for line in conflicts:
        groups.setdefault((scope_of(line.cause, line.tracker), line.cause), []).append(line)
    since = {(f.tracker, f.cause): at for at, f in opened if f.kind == "conflict"}
    lines = []
    for (scope, cause), some in groups.items():
        first = min((since[one.tracker, cause] for one in some if (one.tracker, cause) in since), default=now)
        finding = Finding(tracker=some[0].tracker, kind="conflict", cause=cause, text="")
        lines.append(
            Torn(
                cause=cause,
                name=next((one.name for one in some if one.name is not None), None),
                trackers=tuple(one.tracker for one in some),
                claims=some[0].claims,
                decider=_decider(some[0], level_of(finding), assignees),
                level=level_of(finding),
                opened=first,
                deadline=deadline_of(finding, first),
                issues=sum(one.issues for one in some),
                open=sum(one.open for one in some),
                keys=tuple(held.key for one in some for held in one.held_up)[:KEYS],
                reopened=_times(closed, {one.tracker for one in some}, cause),
                lapsed=_lapsed(scope, cause, tradeoffs, candidates.get((some[0].tracker, cause), ()), now),
            )
        )
    return tuple(sorted(lines, key=lambda one: (one.deadline, -one.open, one.cause)))


def _decider(line: ConflictLine, level: Level, assignees: Mapping[tuple[str, str], str]) -> str:
    """The owners of outcomes together; below one epic, and between two people's marks, who works on that issue."""
    owners = " and ".join(line.owners) or "the admin"
    if level is Level.OUTCOME_OWNERS:
        return owners
    return assignees.get((line.tracker, line.cause), owners)


def _times(closed: Sequence[tuple[datetime, datetime, Finding]], trackers: set[str], cause: str) -> int:
    mine = [f.tracker for _, _, f in closed if f.kind == "conflict" and f.cause == cause and f.tracker in trackers]
    return max((mine.count(tracker) for tracker in trackers), default=0)


def _lapsed(
    scope: str | None, cause: str, tradeoffs: Sequence[Tradeoff], candidates: Sequence[Candidate], now: datetime
) -> str | None:
    found = next((one for one in tradeoffs if (one.tracker, one.cause) == (scope, cause)), None)
    if found is None:
        return None
    if not found.stands(now):
        return f"a trade-off of {found.author} ran out on {found.expires:%Y-%m-%d}"
    if not found.settles(candidate.target for candidate in candidates):
        return f"a trade-off of {found.author} was recorded for other claims"
    return None


def recorded(
    tradeoffs: Iterable[Tradeoff], torn: Iterable[Torn], settled: Mapping[tuple[str | None, str], int], now: datetime
) -> tuple[Recorded, ...]:
    """Trade-offs with where they stand. `settled`: by (scope, cause), how many issues were decided by each."""
    open_ = {(scope_of(one.cause, tracker), one.cause) for one in torn for tracker in one.trackers}
    lines = []
    for one in tradeoffs:
        name = (one.tracker, one.cause)
        if not one.stands(now):
            state = "expired"
        elif settled.get(name):
            state = "holds"
        else:
            state = "other claims" if name in open_ else "idle"
        lines.append(Recorded(one, state, settled.get(name, 0)))
    return tuple(lines)
