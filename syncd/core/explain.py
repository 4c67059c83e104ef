"""Why one issue has the verdict it has, and what is or is not written on it because of that. Made by `explain`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.core.decide import Decider, Overrides
from syncd.core.examine import Examined, examine
from syncd.core.marks import wanted_mark
from syncd.core.match import Matcher
from syncd.core.model import (
    Action,
    Decision,
    Exempt,
    Issue,
    IssueRef,
    Lineage,
    Mapped,
    Origin,
    Rulebook,
    Skipped,
    Standing,
    Verdict,
)
from syncd.core.plan import Case, Policy, plan
from syncd.core.tradeoffs import NONE, Tradeoffs
from syncd.core.twins import disagree
from syncd.core.witness import Reading


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One step of the lineage, and what it says for itself."""

    issue: Issue
    says: Verdict


@dataclass(frozen=True, slots=True)
class Twin:
    """The same work in another tracker, as it was last decided there."""

    issue: Issue
    decision: Decision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All that `syncd explain` shows."""

    issue: Issue
    decision: Decision
    in_scope: bool
    ancestors: tuple[Ancestor, ...]
    missing: str | None
    """The key of the ancestor that could not be read."""
    chain: tuple[str, ...]
    """From the issue up to the intent, in words."""
    reading: Reading
    wanted: str | None
    since: datetime | None
    """Since when the verdict stands; None: it was not decided under these rules before."""
    steps: tuple[Action | Skipped, ...]
    """What the next plan would write on it, or why not."""
    rules: tuple[Examined, ...]
    """Every rule of the rulebook on this issue."""
    twins: tuple[Twin, ...] = ()
    """The same work elsewhere."""

    @property
    def torn_from_twins(self) -> bool:
        """Whether one of them has another verdict, so that together they count as a conflict."""
        return disagree([self.decision, *(t.decision for t in self.twins if t.decision is not None)])


def explain(
    issue: Issue,
    lineage: Lineage,
    overrides: Overrides,
    standing: Standing | None,
    reading: Reading,
    *,
    matcher: Matcher,
    policy: Policy,
    in_scope: bool,
    now: datetime,
    inside: Collection[IssueRef] = (),
    twins: Sequence[Twin] = (),
    tradeoffs: Tradeoffs = NONE,
) -> Explanation:
    """Decide the issue anew under these rules and say why. `now` is on the tracker's clock.

    `inside`: the ancestors in scope.
    """
    decider = Decider(matcher, now, tradeoffs)
    decision = decider.decide(issue, lineage, overrides)
    known = standing is not None and standing.decision.pair == decision.pair
    stands = standing if known and standing else Standing(decision, now, Origin.RULEBOOK, issue.updated, "")
    case = Case(issue, stands, reading, decider.asked_above(decision, lineage, overrides, inside))
    planned = plan([case] if in_scope else [], policy, now)
    return Explanation(
        issue=issue,
        decision=decision,
        in_scope=in_scope,
        ancestors=tuple(_ancestors(decider, lineage, overrides)),
        missing=None if lineage.missing is None else str(lineage.missing),
        chain=chain(issue, decision, lineage, matcher.rulebook),
        reading=reading,
        wanted=wanted_mark(decision.verdict, policy.names),
        since=standing.since if known and standing else None,
        steps=(*planned.actions, *planned.skipped),
        rules=examine(matcher.rulebook, matcher.day, issue, lineage),
        twins=tuple(twins),
    )


def _ancestors(decider: Decider, lineage: Lineage, overrides: Overrides) -> list[Ancestor]:
    return [
        Ancestor(ancestor, decider.decide(ancestor, lineage.above(distance, place), overrides).verdict)
        for distance, step in enumerate(lineage.steps)
        for place, ancestor in enumerate(step)
    ]


def chain(issue: Issue, decision: Decision, lineage: Lineage, rulebook: Rulebook) -> tuple[str, ...]:
    """The issue, the ancestors it inherits through, the outcome (or overhead) and the intent."""
    verdict = decision.verdict
    if not isinstance(verdict, Mapped | Exempt):
        return ()
    through: list[str] = []
    if decision.spoke is not None:
        for step in lineage.steps:
            through += [f"{a.key} {a.title}" for a in step]
            if any(a.ref == decision.spoke for a in step):
                break
    return (f"{issue.key} {issue.title}", *through, *_served(verdict, rulebook))


def _served(verdict: Mapped | Exempt, rulebook: Rulebook) -> tuple[str, ...]:
    if isinstance(verdict, Exempt):
        return (f"overhead: {verdict.why}" if verdict.overhead is not None else f"exempt: {verdict.why}",)
    outcome = rulebook.strategy.outcome(verdict.outcome)
    title = verdict.outcome if outcome is None else f"{outcome.title} ({outcome.id})"
    objectives = () if outcome is None else outcome.objectives
    finer = tuple(f"{o.title} ({verdict.outcome}/{o.id})" for o in objectives if o.id == verdict.objective)
    return (*finer, title, rulebook.strategy.intent)
