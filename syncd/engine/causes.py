"""What conflicts and divergences come from: one finding for each cause, from the decisions as they stand."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from syncd.core.findings import conflict_finding, divergence_finding, finding_of_cause, finding_of_divergence
from syncd.core.model import Decision, Finding, Link, Standing
from syncd.engine.work import Work

AT_ONCE: Final = 200
"""Causes in memory at one time: each with all its evidence, and a large backlog has thousands."""
_Cause = tuple[int, Decision]
FEW: Final = 2000
"""Causes that are told of by name; where more moved, all are told of as fast."""


@dataclass(slots=True)
class Touched:
    """Which causes a pass may have moved, by what it decided; `all` if nobody can tell."""

    all: bool
    causes: set[str] = field(default_factory=set)
    diverging: set[str] = field(default_factory=set)
    """Keys of ancestors that something below differs from."""

    def note(self, before: Standing | None, now: Standing, *, changed: bool) -> None:
        """A decision before and now; `changed`: so is the issue, and it counts only while it is open."""
        decisions = [now.decision] if before is None else [before.decision, now.decision]
        if before is not None and not changed and _counted(decisions[0]) == _counted(decisions[1]):
            return
        for decision in decisions:
            if decision.cause is not None:
                self.causes.add(decision.cause)
            if decision.diverges_from is not None:
                self.diverging.add(decision.diverges_from)

    @property
    def few(self) -> bool:
        """Whether it pays to name them."""
        return not self.all and len(self.causes) + len(self.diverging) <= FEW


def _counted(decision: Decision) -> tuple[object, ...]:
    """All of a decision that a finding about its cause may say."""
    return decision.verdict, decision.cause, decision.diverges_from


def tell_causes(work: Work, touched: Touched, now: datetime) -> None:
    """Open one finding for each cause of a conflict, and for each ancestor that work below it differs from.

    Where the pass knows which it may have moved, the others are left as they are.
    """
    store, tracker = work.store, work.tracker
    if not touched.few:
        store.save_findings(tracker, "conflict", _conflicts(work, None), now)
        store.save_findings(tracker, "divergence", _divergences(work, None), now)
    elif touched.causes or touched.diverging:
        found = [*_conflicts(work, touched.causes), *_divergences(work, touched.diverging)]
        named = [finding_of_cause(tracker, cause) for cause in touched.causes]
        named += [finding_of_divergence(tracker, key) for key in touched.diverging]
        there = {(one.kind, one.cause) for one in found}
        store.turn_findings(found, [one for one in named if (one.kind, one.cause) not in there], now)
    store.causes_told(tracker)


def _conflicts(work: Work, among: Collection[str] | None) -> list[Finding]:
    found: list[Finding] = []
    for some in _some(work.store.causes(work.tracker, among)):
        keys = _keys(work, some)
        found += [conflict_finding(count, keys[one.ref.id], one, work.rulebook.strategy) for count, one in some]
    return found


def _divergences(work: Work, among: Collection[str] | None) -> list[Finding]:
    found: list[Finding] = []
    for some in _some(work.store.divergences(work.tracker, among)):
        keys = _keys(work, some)
        links = {one.diverges_from: Link(None, one.diverges_from) for _, one in some}
        above = work.store.by_link(work.tracker, list(links.values()))
        found += [
            divergence_finding(count, keys[one.ref.id], one, above.get(links[one.diverges_from])) for count, one in some
        ]
    return found


def _some(causes: Iterator[_Cause]) -> Iterator[Sequence[_Cause]]:
    while some := list(islice(causes, AT_ONCE)):
        yield some


def _keys(work: Work, causes: Sequence[_Cause]) -> Mapping[str, str]:
    links = [Link(decision.ref.id, None) for _, decision in causes]
    return {issue.ref.id: issue.key for issue in work.store.by_link(work.tracker, links).values()}
