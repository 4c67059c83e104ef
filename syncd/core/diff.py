"""What a rule edit moves: each issue under the old rules and the new, added up. Pure, over a stream (DESIGN §10)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from syncd.core.model import Action, ActionKind, Decision, Issue, IssueRef, Skipped
from syncd.core.votes import RuleVotes

LISTED: Final = 10_000
"""Issues listed one by one; numbers are never cut."""
SAMPLE: Final = 5
"""Keys shown of one move."""
UNPREDICTED: Final = 1_000


@dataclass(frozen=True, slots=True, order=True)
class Moved:
    """One issue whose verdict is another: what it counted under, and what it will."""

    ref: IssueRef
    key: str
    project: str
    before: str
    after: str


@dataclass(slots=True)
class Shift:
    """How many issues counted under something before, and how many after."""

    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True, order=True)
class NotPredictable:
    """Something that the store alone cannot tell."""

    tracker: str
    key: str
    why: str


@dataclass(slots=True, kw_only=True)
class RulesDiff:
    """The effect of an edit over the whole store. Filled issue by issue with `add`."""

    old: str
    new: str
    issues: int = 0
    moved: list[Moved] = field(default_factory=list)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(before, after) → issues."""
    samples: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    outcomes: dict[str, Shift] = field(default_factory=dict)
    """What issues count under: an outcome, an overhead, `unmapped`, `conflict`, `exempt` or `incomplete`."""
    projects: dict[str, dict[str, Shift]] = field(default_factory=dict)
    writes: list[Action] = field(default_factory=list)
    """What the next cycles would write under the new rules, if nothing else changed."""
    later: list[Skipped] = field(default_factory=list)
    """What would be written once time has passed (grace)."""
    notified: set[tuple[str, str]] = field(default_factory=set)
    """(tracker, person) who would get a mail."""
    not_predictable: list[NotPredictable] = field(default_factory=list)
    votes: list[RuleVotes] = field(default_factory=list)
    """Rules in use that people vote against, most first."""
    unpredicted: int = 0
    """How many issues cannot be predicted, listed or not."""

    def add(self, issue: Issue, old: Decision, new: Decision) -> None:
        """Count one issue under both."""
        self.issues += 1
        before, after = counts_under(old), counts_under(new)
        project = self.projects.setdefault(issue.project, {})
        for shifts in (self.outcomes, project):
            shifts.setdefault(before, Shift()).before += 1
            shifts.setdefault(after, Shift()).after += 1
        if before == after:
            return
        self.moves[before, after] += 1
        sample = self.samples.setdefault((before, after), [])
        if len(sample) < SAMPLE:
            sample.append(issue.key)
        if len(self.moved) < LISTED:
            self.moved.append(Moved(issue.ref, issue.key, issue.project, before, after))

    def cannot_tell(self, issue: Issue, why: str) -> None:
        """One issue whose verdict or writes the store alone cannot tell."""
        self.unpredicted += 1
        if len(self.not_predictable) < UNPREDICTED:
            self.not_predictable.append(NotPredictable(issue.ref.tracker, issue.key, why))

    @property
    def conflicts_made(self) -> int:
        """Issues that are in conflict after and were not before."""
        return sum(n for (before, after), n in self.moves.items() if after == "conflict" != before)

    @property
    def conflicts_solved(self) -> int:
        """Issues that were in conflict and are not after."""
        return sum(n for (before, after), n in self.moves.items() if before == "conflict" != after)


def counts_under(decision: Decision) -> str:
    """What a decision counts under: the outcome's or the overhead's id, else the kind of verdict."""
    kind, name = decision.pair
    return name or kind


@dataclass(frozen=True, slots=True)
class Pace:
    """Requests a second that a tracker lets through for one kind of write."""

    mark: float
    comment: float


def minutes(writes: Mapping[ActionKind, int], pace: Pace) -> float:
    """How long so many writes by kind take at a tracker's limits."""
    comments = writes.get("comment", 0) + writes.get("uncomment", 0)
    return (writes.get("mark", 0) / pace.mark + comments / pace.comment) / 60
