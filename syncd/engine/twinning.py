"""Twins by the store: who is the same work as whom, and a finding where they disagree."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Final

from syncd.core.model import Decision, Finding, Issue, IssueRef, Standing
from syncd.core.ports import Known, Store
from syncd.core.twins import TwinLink, counted, disagree, members_of, sets_of, twin_finding

KIND: Final = "twin"
BATCH: Final = 1000
FAR: Final = 8
"""Steps from twin to twin that are followed; each leads to another tracker."""

Twins = Mapping[IssueRef, tuple[IssueRef, ...]]
"""Each issue that has twins → all that are the same work, itself included."""


def twins_of(store: Store, refs: Iterable[IssueRef]) -> Twins:
    """The twins of those of these that have any."""
    links: set[TwinLink] = set()
    known: set[IssueRef] = set()
    ahead = set(refs)
    for _ in range(FAR):
        if not ahead:
            break
        found = store.twin_links(sorted(ahead))
        known |= ahead
        links.update(found)
        ahead = {ref for link in found for ref in link} - known
    return sets_of(links)


class Counting:
    """A stream of issues in which twins come as one. Bounded: a batch at a time, and its twins."""

    def __init__(self, store: Store, trackers: Collection[str]) -> None:
        self._store = store
        self._trackers = trackers
        self.sets = 0
        """Sets of twins that came as one, so far."""

    def _twins(self, refs: Sequence[IssueRef]) -> Twins:
        """Sets of twins in the trackers that are counted."""
        inside = {ref: tuple(one for one in members if one.tracker in self._trackers)
                  for ref, members in twins_of(self._store, refs).items()}  # fmt: skip
        return {ref: members for ref, members in inside.items() if len(members) > 1}

    def once(self, known: Iterable[Known]) -> Iterator[Known]:
        """Each issue once; of twins the first, by tracker and id, as what they are together.

        `known` must hold all that is in scope of the trackers counted; twins in others are not looked at.
        """
        source = iter(known)
        while batch := list(islice(source, BATCH)):
            twins = self._twins([one.issue.ref for one in batch])
            if not twins:
                yield from batch
                continue
            others = {ref for members in twins.values() for ref in members} - {one.issue.ref for one in batch}
            found = {**self._store.known(sorted(others)), **{one.issue.ref: one for one in batch}}
            for one in batch:
                members = twins.get(one.issue.ref, ())
                if not members:
                    yield one
                elif one.issue.ref == members[0]:
                    self.sets += 1
                    yield _as_one([found[ref] for ref in members])


def _as_one(members: Sequence[Known]) -> Known:
    decided = [(one.issue, one.standing.decision) for one in members if one.standing is not None]
    if not decided:
        return members[0]
    issue, decision = counted(decided)
    one = next(one for one in members if one.issue.ref == issue.ref)
    standing: Standing | None = one.standing
    return one if standing is None else replace(one, standing=replace(standing, decision=decision))


def tell_twins(store: Store, refs: Sequence[IssueRef], now: datetime) -> None:
    """Open a finding for each set of twins among these whose verdicts differ."""
    torn = _torn(store, refs)
    news = set(torn) - set(store.findings_of(KIND)) if torn else ()
    if news:
        store.turn_findings([finding for finding in torn if finding in news], (), now)


def settle_twins(store: Store, now: datetime) -> None:
    """Close every finding whose twins agree by now, or are twins no more: one may have left the scope unheard."""
    open_ = store.findings_of(KIND)
    for at in range(0, len(open_), BATCH):
        some = open_[at : at + BATCH]
        torn = _torn(store, sorted({ref for finding in some for ref in members_of(finding)}))
        names = {(finding.tracker, finding.cause) for finding in torn}
        over = [finding for finding in some if (finding.tracker, finding.cause) not in names]
        if over:
            store.turn_findings((), over, now)


def _torn(store: Store, refs: Sequence[IssueRef]) -> list[Finding]:
    sets = sorted(set(twins_of(store, refs).values()))
    if not sets:
        return []
    known = store.known(sorted({ref for members in sets for ref in members}))
    told = [list(_decided(members, known)) for members in sets]
    return [twin_finding(members) for members in told if disagree(decision for _, decision in members)]


def _decided(members: Iterable[IssueRef], known: Mapping[IssueRef, Known]) -> Iterator[tuple[Issue, Decision]]:
    for ref in members:
        one = known.get(ref)
        if one is not None and one.standing is not None:
            yield one.issue, one.standing.decision
