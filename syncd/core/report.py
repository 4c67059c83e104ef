"""Decisions → the alignment report: how much work serves which outcome, and what somebody must settle.

Pure, one pass over a stream, and bounded: lists are cut at `LISTED` and `SAMPLE`, numbers never are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, assert_never

from syncd.core.endings import Ending, Endings
from syncd.core.grouping import Grouping, Groups, Line, Sample, Unread, UnreadGroups, line_of
from syncd.core.model import (
    Candidate,
    Conflict,
    Decision,
    Exempt,
    Issue,
    Mapped,
    Outcome,
    Overhead,
    Strategy,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
    Via,
)
from syncd.core.overriding import Overrides
from syncd.core.ports import Known, LineageSource
from syncd.core.seen import is_node
from syncd.core.votes import RuleVotes

LISTED: Final = 10_000
"""Issues listed one by one in a report."""
BATCH: Final = 1_000
"""Incomplete issues whose lineages are asked for together."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Issues by verdict; `issues` is the sum of the other five."""

    mapped: int = 0
    unmapped: int = 0
    conflict: int = 0
    exempt: int = 0
    incomplete: int = 0

    @property
    def issues(self) -> int:
        """All of them."""
        return self.mapped + self.unmapped + self.conflict + self.exempt + self.incomplete

    @property
    def known(self) -> int:
        """All but those whose ancestors could not be read: what shares are fractions of."""
        return self.issues - self.incomplete


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """How much work serves one outcome. `share` and `target` are fractions of `Totals.known`."""

    outcome: Outcome
    issues: int
    open: int
    share: float

    @property
    def target(self) -> float | None:
        """The share meant for it."""
        return self.outcome.allocation


@dataclass(frozen=True, slots=True)
class OverheadLine:
    """How much work is declared overhead of one kind."""

    overhead: Overhead
    issues: int
    open: int
    share: float


@dataclass(frozen=True, slots=True)
class Claim:
    """One of the targets that a conflict is torn between, and whose it is."""

    target: str
    """As it is written in rules.yaml."""
    title: str
    """What that outcome or overhead is called; of an exemption the whole target."""
    owner: str | None
    """None: an exemption, which nobody owns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictLine:
    """One cause of conflict: one thing to settle, however many issues it holds up."""

    cause: str
    name: str | None = None
    """What the project or initiative is called that is torn; None: the cause is another, or it is restricted."""
    tracker: str
    claims: tuple[Claim, ...]
    issues: int
    open: int
    held_up: tuple[Line, ...]
    """Some of those issues, open ones first."""

    @property
    def targets(self) -> tuple[str, ...]:
        """What is claimed, as it is written in rules.yaml."""
        return tuple(claim.target for claim in self.claims)

    @property
    def owners(self) -> tuple[str, ...]:
        """Who must agree."""
        return tuple(sorted({claim.owner for claim in self.claims if claim.owner is not None}))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of `held_up`."""
        return tuple(line.key for line in self.held_up)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the numbers speak of: nothing found is not the same as did not look."""

    tracker: str
    last_success: datetime | None
    why: str | None
    """Why the last attempt was not complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The alignment report as a value; `syncd.render` makes texts of it."""

    as_of: datetime | None
    """The oldest of the trackers' last complete observations; None: some tracker was never read whole."""
    strategy: Strategy
    version: str
    totals: Totals
    open: Totals
    outcomes: tuple[OutcomeLine, ...]
    overhead: tuple[OverheadLine, ...]
    unmapped: tuple[Line, ...]
    incomplete: tuple[Line, ...]
    conflicts: tuple[ConflictLine, ...]
    coverage: tuple[Coverage, ...]
    groups: tuple[Grouping, ...] = ()
    """Unmapped work by label, by component and by project."""
    unread: tuple[Unread, ...] = ()
    """Incomplete work by the project of the ancestor that could not be read."""
    endings: tuple[Ending, ...] = ()
    """What runs out within fourteen days, with the issues that hang on it."""
    votes: tuple[RuleVotes, ...] = ()
    """Rules that people vote against, most first."""
    muted: tuple[str, ...] = ()
    """Whose comments stopped by themselves, since nobody acted on them."""
    twins: int = 0
    """Sets of issues that are the same work in several trackers, each counted as one."""
    overrides: Overrides = field(default_factory=Overrides)
    """What people said on single issues, and what they said before."""


@dataclass(slots=True)
class _Cause:
    issues: int = 0
    open: int = 0
    targets: set[Target] = field(default_factory=set)
    held_up: Sample = field(default_factory=Sample)
    such: Issue | None = None
    """One of the issues, where what is torn is a project or an initiative above it."""

    def add(self, line: Line, candidates: Iterable[Candidate]) -> None:
        self.issues += 1
        self.open += line.open
        self.targets.update(candidate.target for candidate in candidates)
        self.held_up.add(line)


@dataclass(slots=True)
class _Tally:
    kinds: Counter[str] = field(default_factory=Counter)
    open_kinds: Counter[str] = field(default_factory=Counter)
    served: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    open_served: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    unmapped: list[Line] = field(default_factory=list)
    incomplete: list[Line] = field(default_factory=list)
    groups: Groups = field(default_factory=Groups)
    conflicts: dict[tuple[str, str], _Cause] = field(default_factory=dict)

    def add(self, issue: Issue, decision: Decision) -> None:
        kind, outcome = decision.pair
        self.kinds[kind] += 1
        self.served[kind, outcome] += 1
        if not issue.closed:
            self.open_kinds[kind] += 1
            self.open_served[kind, outcome] += 1
        match decision.verdict:
            case Unmapped(incomplete=True):
                _keep(self.incomplete, line_of(issue))
            case Unmapped():
                line = line_of(issue)
                _keep(self.unmapped, line)
                self.groups.add(line)
            case Conflict(candidates=candidates):
                cause = (issue.ref.tracker, decision.cause or "")
                found = self.conflicts.setdefault(cause, _Cause())
                found.add(line_of(issue), candidates)
                found.such = issue if decision.via is Via.INHERITED and " " not in cause[1] else None
            case Mapped() | Exempt():
                pass
            case _:
                assert_never(decision.verdict)


def build_report(
    known: Iterable[Known],
    strategy: Strategy,
    version: str,
    coverage: Iterable[Coverage],
    *,
    lineages: Mapping[str, LineageSource] | None = None,
    endings: Endings | None = None,
) -> Report:
    """Count a stream of issues with their standings. Issues not decided yet are not counted.

    `lineages`, by tracker, tell which ancestor could not be read; without them `Report.unread` is empty.
    """
    tally, unread = _Tally(), _Blind(lineages or {})
    for one in known:
        unread.projects.add((one.issue.ref.tracker, one.issue.project))
        if one.standing is not None:
            tally.add(one.issue, one.standing.decision)
            if endings is not None:
                endings.add(one.standing.decision, is_open=not one.issue.closed)
            unread.add(one.issue, one.standing.decision)
    covered = tuple(coverage)
    instants = [c.last_success for c in covered]
    totals, open_ = _totals(tally.kinds), _totals(tally.open_kinds)
    return Report(
        as_of=min((i for i in instants if i is not None), default=None) if all(instants) else None,
        strategy=strategy,
        version=version,
        totals=totals,
        open=open_,
        outcomes=tuple(_outcome_line(o, tally, totals) for o in strategy.outcomes),
        overhead=tuple(_overhead_line(o, tally, totals) for o in strategy.overhead),
        unmapped=tuple(sorted(tally.unmapped)),
        incomplete=tuple(sorted(tally.incomplete)),
        conflicts=tuple(_conflict_lines(tally, strategy, lineages or {})),
        coverage=covered,
        groups=tally.groups.ordered(),
        unread=unread.ordered(),
        endings=() if endings is None else tuple(endings.ordered()),
    )


class _Blind:
    """Incomplete issues, and the ancestors that would have to be read; asked for in batches."""

    def __init__(self, lineages: Mapping[str, LineageSource]) -> None:
        self.projects: set[tuple[str, str]] = set()
        self._lineages = lineages
        self._waiting: dict[str, list[Issue]] = {}
        self._groups = UnreadGroups()

    def add(self, issue: Issue, decision: Decision) -> None:
        if decision.pair[0] != "incomplete":
            return
        waiting = self._waiting.setdefault(issue.ref.tracker, [])
        waiting.append(issue)
        if len(waiting) >= BATCH:
            self._ask(issue.ref.tracker)

    def ordered(self) -> tuple[Unread, ...]:
        for tracker in self._waiting:
            self._ask(tracker)
        return self._groups.ordered(self.projects)

    def _ask(self, tracker: str) -> None:
        issues: Sequence[Issue] = self._waiting[tracker]
        self._waiting[tracker] = []
        if tracker in self._lineages:
            above = self._lineages[tracker].of(issues)
            for issue in issues:
                self._groups.add(line_of(issue), above[issue.ref].missing)


def _totals(kinds: Counter[str]) -> Totals:
    return Totals(kinds["mapped"], kinds["unmapped"], kinds["conflict"], kinds["exempt"], kinds["incomplete"])


def _outcome_line(outcome: Outcome, tally: _Tally, totals: Totals) -> OutcomeLine:
    name = ("mapped", outcome.id)
    return OutcomeLine(outcome, tally.served[name], tally.open_served[name], _share(tally.served[name], totals))


def _overhead_line(overhead: Overhead, tally: _Tally, totals: Totals) -> OverheadLine:
    name = ("exempt", overhead.id)
    return OverheadLine(overhead, tally.served[name], tally.open_served[name], _share(tally.served[name], totals))


def _share(issues: int, totals: Totals) -> float:
    return issues / totals.known if totals.known else 0.0


def _keep(lines: list[Line], line: Line) -> None:
    if len(lines) < LISTED:
        lines.append(line)


def _conflict_lines(tally: _Tally, strategy: Strategy, lineages: Mapping[str, LineageSource]) -> Iterator[ConflictLine]:
    """Most work held up first."""
    names = _names(tally, lineages)
    ordered = sorted(tally.conflicts.items(), key=lambda item: (-item[1].issues, item[0]))
    for (tracker, cause), found in ordered:
        yield ConflictLine(
            cause=cause,
            name=names.get((tracker, cause)),
            tracker=tracker,
            claims=tuple(_claim(t, strategy) for t in sorted(found.targets, key=repr)),
            issues=found.issues,
            open=found.open,
            held_up=found.held_up.lines(),
        )


def _names(tally: _Tally, lineages: Mapping[str, LineageSource]) -> Mapping[tuple[str, str], str]:
    """What the projects and initiatives are called that are torn."""
    names: dict[tuple[str, str], str] = {}
    for tracker, source in lineages.items():
        such = {cause: f.such for (where, cause), f in tally.conflicts.items() if where == tracker and f.such}
        above = source.of(list(such.values())) if such else {}
        for cause, issue in such.items():
            nodes = (one for step in above[issue.ref].steps for one in step if is_node(one) and one.key == cause)
            title = next((node.title for node in nodes if not node.restricted), None)
            names |= {} if title is None else {(tracker, cause): title}
    return names


def _claim(target: Target, strategy: Strategy) -> Claim:
    named = target_name(target)
    found: list[tuple[str, str]] = []
    match target:
        case ToOutcome(outcome=one_id):
            found = [(o.title, o.owner) for o in strategy.outcomes if o.id == one_id]
        case ToOverhead(overhead=one_id):
            found = [(o.title, o.owner) for o in strategy.overhead if o.id == one_id]
        case ToExempt():
            pass
        case _:
            assert_never(target)
    title, owner = found[0] if found else (named, None)
    return Claim(named, title, owner)


def target_name(target: Target) -> str:
    """A target as it is written in rules.yaml."""
    match target:
        case ToOutcome(outcome=outcome, objective=objective):
            return outcome if objective is None else f"{outcome}/{objective}"
        case ToOverhead(overhead=overhead):
            return f"overhead: {overhead}"
        case ToExempt(why=why):
            return f"exempt: {why}"
        case _:
            assert_never(target)
