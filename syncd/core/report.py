"""Decisions → the alignment report: how much work serves which outcome, and what somebody must settle.

Pure, one pass over a stream, and bounded: lists are cut at `LISTED`, numbers never are.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, assert_never

from syncd.core.model import (
    Candidate,
    Conflict,
    Decision,
    Exempt,
    Issue,
    IssueRef,
    Mapped,
    Outcome,
    Overhead,
    Strategy,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
)
from syncd.core.ports import Known

LISTED: Final = 10_000
"""Issues listed one by one in a report."""
SAMPLE: Final = 20
"""Keys listed of one conflict."""


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


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One issue in a list. A restricted one is named by key only."""

    ref: IssueRef
    key: str
    project: str
    title: str
    url: str
    open: bool
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class ConflictLine:
    """One cause of conflict: one thing to settle, however many issues it holds up."""

    cause: str
    tracker: str
    targets: tuple[str, ...]
    owners: tuple[str, ...]
    issues: int
    open: int
    keys: tuple[str, ...]


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


@dataclass(slots=True)
class _Tally:
    kinds: Counter[str] = field(default_factory=Counter)
    open_kinds: Counter[str] = field(default_factory=Counter)
    served: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    open_served: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    unmapped: list[Line] = field(default_factory=list)
    incomplete: list[Line] = field(default_factory=list)
    conflicts: dict[tuple[str, str], list[tuple[Issue, Decision]]] = field(default_factory=dict)

    def add(self, issue: Issue, decision: Decision) -> None:
        kind, outcome = decision.pair
        self.kinds[kind] += 1
        self.served[kind, outcome] += 1
        if not issue.closed:
            self.open_kinds[kind] += 1
            self.open_served[kind, outcome] += 1
        match decision.verdict:
            case Unmapped(incomplete=incomplete):
                _keep(self.incomplete if incomplete else self.unmapped, _line(issue))
            case Conflict():
                self.conflicts.setdefault((issue.ref.tracker, decision.cause or ""), []).append((issue, decision))
            case Mapped() | Exempt():
                pass
            case _:
                assert_never(decision.verdict)


def build_report(known: Iterable[Known], strategy: Strategy, version: str, coverage: Iterable[Coverage]) -> Report:
    """Count a stream of issues with their standings. Issues not decided yet are not counted."""
    tally = _Tally()
    for one in known:
        if one.standing is not None:
            tally.add(one.issue, one.standing.decision)
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
        conflicts=tuple(_conflict_lines(tally, strategy)),
        coverage=covered,
    )


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


def _line(issue: Issue) -> Line:
    if issue.restricted:
        return Line(issue.ref, issue.key, issue.project, "", issue.url, not issue.closed)
    return Line(
        issue.ref, issue.key, issue.project, issue.title, issue.url, not issue.closed, issue.labels, issue.components
    )


def _conflict_lines(tally: _Tally, strategy: Strategy) -> Iterable[ConflictLine]:
    """Most work held up first."""
    ordered = sorted(tally.conflicts.items(), key=lambda item: (-len(item[1]), item[0]))
    for (tracker, cause), held_up in ordered:
        targets = sorted({c.target for _, d in held_up for c in _candidates(d)}, key=repr)
        yield ConflictLine(
            cause=cause,
            tracker=tracker,
            targets=tuple(target_name(t) for t in targets),
            owners=tuple(sorted({owner for t in targets for owner in owners(t, strategy)})),
            issues=len(held_up),
            open=sum(not issue.closed for issue, _ in held_up),
            keys=tuple(sorted(issue.key for issue, _ in held_up)[:SAMPLE]),
        )


def _candidates(decision: Decision) -> tuple[Candidate, ...]:
    return decision.verdict.candidates if isinstance(decision.verdict, Conflict) else ()


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


def owners(target: Target, strategy: Strategy) -> Iterable[str]:
    """Who owns what a target names."""
    match target:
        case ToOutcome(outcome=outcome_id):
            return [o.owner for o in strategy.outcomes if o.id == outcome_id]
        case ToOverhead(overhead=overhead_id):
            return [o.owner for o in strategy.overhead if o.id == overhead_id]
        case ToExempt():
            return []
        case _:
            assert_never(target)
