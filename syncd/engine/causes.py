"""What conflicts and divergences come from: one finding for each cause, from the decisions as they stand."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from syncd.core.findings import conflict_finding, divergence_finding
from syncd.core.model import Decision, Finding, IssueRef, Link
from syncd.engine.work import Work

AT_ONCE: Final = 200
"""Causes in memory at one time: each with all its evidence, and a large backlog has thousands."""
_Cause = tuple[int, Decision]


def tell_causes(work: Work, now: datetime) -> None:
    """Open one finding for each cause of a conflict, and for each ancestor that work below it differs from."""
    store, tracker, strategy = work.store, work.tracker, work.rulebook.strategy
    conflicts: list[Finding] = []
    diverging: list[Finding] = []
    for some in _some(store.causes(tracker)):
        keys = _keys(work, some)
        conflicts += [conflict_finding(count, keys[one.ref], one, strategy) for count, one in some]
    for some in _some(store.divergences(tracker)):
        keys = _keys(work, some)
        links = {one.diverges_from: Link(None, one.diverges_from) for _, one in some}
        above = store.by_link(tracker, list(links.values()))
        diverging += [
            divergence_finding(count, keys[one.ref], one, above.get(links[one.diverges_from])) for count, one in some
        ]
    store.save_findings(tracker, "conflict", conflicts, now)
    store.save_findings(tracker, "divergence", diverging, now)


def _some(causes: Iterator[_Cause]) -> Iterator[Sequence[_Cause]]:
    while some := list(islice(causes, AT_ONCE)):
        yield some


def _keys(work: Work, causes: Sequence[_Cause]) -> Mapping[IssueRef, str]:
    refs = sorted({decision.ref for _, decision in causes})
    return {ref: known.issue.key for ref, known in work.store.known(refs).items()}
