"""Votes against rules: what people undid, overruled or disputed, and the exception that their issues have in common.

Pure. A vote stands while what it is about stands: a mark that was taken off while the rule still wants it, a person's
word that says otherwise than the rule, a dispute that nobody took back.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from syncd.core.model import Applied, Decision, Issue, IssueRef

VoteKind = Literal["removal", "override", "dispute"]
KINDS: Final[tuple[VoteKind, ...]] = ("removal", "override", "dispute")
MOST_KEYS: Final = 5
SHARED: Final = 0.6
"""The share of the issues with votes that must have in common what is suggested as an exception."""
AT_LEAST: Final = 2
"""So many of them, too: one vote is no pattern."""
SPARED: Final = 0.5
"""Of all issues that the exception would let go of, the share that has votes: more others would be lost than won."""

Feature = tuple[str, str]
"""The key of a condition, and a value of it."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An exception for a rule, in the words of rules.yaml, and what it would let go of."""

    key: str
    value: str
    voted: int
    """Issues with a vote against the rule that have it."""
    others: int
    """Issues that the rule decides without anybody's protest, and that have it as well."""


@dataclass(frozen=True, slots=True)
class RuleVotes:
    """What stands against one rule."""

    rule: str
    decides: int
    """Issues that it speaks on, or would but for a person's word."""
    votes: Mapping[VoteKind, int]
    issues: int
    """Issues with a vote against it."""
    keys: tuple[str, ...]
    """Some of them."""
    suggestion: Suggestion | None = None


@dataclass(slots=True)
class _Ballot:
    decides: int = 0
    voted: set[IssueRef] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)
    votes: Counter[VoteKind] = field(default_factory=Counter)
    features_voted: Counter[Feature] = field(default_factory=Counter)
    features_others: Counter[Feature] = field(default_factory=Counter)

    def add(self, issue: Issue, votes: Mapping[VoteKind, int]) -> None:
        self.decides += 1
        if not votes:
            self.features_others.update(features(issue))
            return
        self.votes.update(votes)
        self.voted.add(issue.ref)
        self.features_voted.update(features(issue))
        if len(self.keys) < MOST_KEYS:
            self.keys.append(issue.key)


class Ballots:
    """Counts a stream of issues; bounded by the number of rules and of different values."""

    def __init__(self) -> None:
        self._rules: dict[str, _Ballot] = {}

    def add(
        self,
        issue: Issue,
        decision: Decision,
        applied: Applied | None,
        *,
        ruled: Decision | None = None,
        disputes: Iterable[str] = (),
    ) -> None:
        """Count one issue.

        Args:
            issue: as it is.
            decision: the verdict on it.
            applied: what stands of our marks.
            ruled: what the rules alone decide, where a person's word decides instead.
            disputes: the rules that are disputed on it.
        """
        removed = applied is not None and applied.declined is not None and applied.declined == decision.pair
        spoke = ruled if ruled is not None else decision
        overruled = ruled is not None and ruled.pair != decision.pair
        disputed = Counter(disputes)
        for rule in sorted({e.source for e in spoke.evidence if e.key == issue.key} - {"override", "tradeoff"}):
            votes: dict[VoteKind, int] = {}
            if removed and ruled is None:
                votes["removal"] = 1
            if overruled:
                votes["override"] = 1
            if disputed[rule]:
                votes["dispute"] = disputed[rule]
            self._rules.setdefault(rule, _Ballot()).add(issue, votes)

    def counted(self) -> tuple[RuleVotes, ...]:
        """Rules with votes against them, most first."""
        told = [_told(rule, ballot) for rule, ballot in self._rules.items() if ballot.voted]
        return tuple(sorted(told, key=lambda one: (-one.issues, one.rule)))


def _told(rule: str, ballot: _Ballot) -> RuleVotes:
    return RuleVotes(
        rule=rule,
        decides=ballot.decides,
        votes={kind: ballot.votes[kind] for kind in KINDS},
        issues=len(ballot.voted),
        keys=tuple(ballot.keys),
        suggestion=_suggestion(ballot),
    )


def _suggestion(ballot: _Ballot) -> Suggestion | None:
    """What most of the issues with votes have in common and few of the others have."""
    found = []
    for (key, value), voted in ballot.features_voted.items():
        others = ballot.features_others[key, value]
        common = voted >= AT_LEAST and voted >= SHARED * len(ballot.voted)
        if common and voted >= SPARED * (voted + others) and voted + others < ballot.decides:
            found.append(Suggestion(key, value, voted, others))
    return min(found, key=lambda one: (one.others - one.voted, _ORDER.index(one.key), one.value), default=None)


_ORDER: Final = ("label", "component", "type", "project", "team")
"""What an exception is best made by, where several would do."""


def features(issue: Issue) -> Iterator[Feature]:
    """What an exception could go by. Of restricted work nothing is told."""
    if issue.restricted:
        return
    yield from (("label", label) for label in dict.fromkeys(issue.labels))
    yield from (("component", component) for component in dict.fromkeys(issue.components))
    yield ("type", issue.type)
    yield ("project", issue.project)
    yield from (("team", team) for team in issue.team[:1])
