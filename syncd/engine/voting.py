"""Votes against rules, counted over the store: marks taken off, words that say otherwise, disputes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from syncd.core.decide import Decider
from syncd.core.match import Matcher
from syncd.core.model import Decision, IssueRef
from syncd.core.ports import Store
from syncd.core.tradeoffs import Tradeoffs
from syncd.core.votes import Ballots, RuleVotes
from syncd.engine.lineage import Ancestry

BATCH = 1000


def count_votes(store: Store, trackers: Sequence[str], matcher: Matcher, now: datetime) -> tuple[RuleVotes, ...]:
    """Rules with votes against them, most first. `matcher`: of the rules that the stored decisions were made under.

    Where nobody voted nothing else is read.
    """
    ballots = Ballots()
    ruled = {tracker: _ruled(store, tracker, matcher, now) for tracker in trackers}
    removed = any(finding.kind == "drift" for _, finding in store.findings())
    if removed or any(ruled.values()) or any(store.votes(tracker) for tracker in trackers):
        for tracker in trackers:
            _count(store, tracker, ballots, ruled[tracker])
    return ballots.counted()


def _count(store: Store, tracker: str, ballots: Ballots, ruled: Mapping[IssueRef, Decision]) -> None:
    disputed: dict[IssueRef, list[str]] = {}
    for vote in store.votes(tracker):
        disputed.setdefault(vote.ref, []).append(vote.rule)
    for batch in store.standings(tracker, batch=BATCH):
        for known in batch:
            if known.standing is None:
                continue
            ballots.add(
                known.issue,
                known.standing.decision,
                known.applied,
                ruled=ruled.get(known.issue.ref),
                disputes=disputed.get(known.issue.ref, ()),
            )


def _ruled(store: Store, tracker: str, matcher: Matcher, now: datetime) -> dict[IssueRef, Decision]:
    """What the rules alone decide on the issues on which a person's word stands."""
    found: dict[IssueRef, Decision] = {}
    refs = store.overridden(tracker)
    ancestry, decider = Ancestry(store, tracker), Decider(matcher, now, Tradeoffs(store.tradeoffs(), now, tracker))
    for start in range(0, len(refs), BATCH):
        known = store.known(refs[start : start + BATCH])
        issues = [one.issue for one in known.values() if one.in_scope]
        lineages = ancestry.of(issues)
        above = {a.ref for lineage in lineages.values() for step in lineage.steps for a in step}
        overrides = store.overrides(sorted(above))
        for issue in issues:
            others = {ref: words for ref, words in overrides.items() if ref != issue.ref}
            found[issue.ref] = decider.decide(issue, lineages[issue.ref], others)
    return found
