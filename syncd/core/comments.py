"""The one sticky comment on an issue: what it says, and when it is due at all (DESIGN §6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from syncd.core.model import (
    Candidate,
    Comment,
    Conflict,
    Decision,
    Exempt,
    Issue,
    Mapped,
    Origin,
    Run,
    Standing,
    Strategy,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
    Via,
)

FRESH: Final = timedelta(hours=24)
"""A change at least this old when it was observed is catching up: its verdict goes to the report, not to the ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentPolicy:
    """When comments may be made."""

    grace: timedelta = timedelta(hours=24)
    backlog: bool = False
    """Comment on work that was there before syncd, too."""


def sticky_comment(issue: Issue, decision: Decision, strategy: Strategy) -> Comment | None:
    """What the comment should say for that decision; None: there should be none.

    It quotes values of this issue only, and other issues by key only.
    """
    match decision.verdict:
        case Unmapped(incomplete=True) | Mapped() | Exempt():
            return None
        case Unmapped():
            return _unmapped(strategy)
        case Conflict(candidates=candidates):
            return _conflict(issue, decision, candidates, strategy)
        case _:
            assert_never(decision.verdict)


def held_back(
    issue: Issue, standing: Standing, policy: CommentPolicy, now: datetime, *, asked_above: bool = False
) -> str | None:
    """Why a first comment is not due now; None: it is due. `now` is on the tracker's clock."""
    if issue.closed:
        return "closed issues are never commented on"
    if standing.decision.via is Via.INHERITED or asked_above:
        return "it is asked at the ancestor only"
    if not policy.backlog:
        if standing.origin is not Origin.ISSUE:
            return f"the verdict does not come from a change of this issue, but {FROM[standing.origin]}: see the report"
        if standing.since - standing.changed >= FRESH:
            return "the change was 24 h old or more when it was observed: see the report"
    if now < standing.since + policy.grace:
        return f"grace until {standing.since + policy.grace:%Y-%m-%d %H:%M} UTC"
    return None


FROM: Final[Mapping[Origin, str]] = {
    Origin.ISSUE: "from one",
    Origin.ANCESTOR: "from a change of an ancestor",
    Origin.FIRST: "from reading the backlog for the first time",
    Origin.RULEBOOK: "from an edit of rules or strategy",
}
"""Origins in words."""


def target_words(target: Target, strategy: Strategy) -> str:
    """A target as a person knows it."""
    match target:
        case ToOutcome(outcome=outcome_id, objective=objective):
            outcome = strategy.outcome(outcome_id)
            name = outcome_id if outcome is None else f"{outcome.title} ({outcome_id})"
            return name if objective is None else f"{name}, objective {objective}"
        case ToOverhead(overhead=overhead):
            return f"overhead {overhead}"
        case ToExempt(why=why):
            return f"exempt: {why}"
        case _:
            assert_never(target)


def _unmapped(strategy: Strategy) -> Comment:
    choices = ", ".join(f"{o.title} ({o.id})" for o in strategy.outcomes)
    return Comment(
        (
            (Run("Which outcome does this serve?", "strong"),),
            (Run(f"No label, epic or other rule ties this issue to one of our outcomes: {choices}."),),
            (Run("A label or an epic that a rule knows settles it; this note then goes away by itself."),),
        )
    )


def _conflict(issue: Issue, decision: Decision, candidates: tuple[Candidate, ...], strategy: Strategy) -> Comment:
    lines = [_candidate_line(issue, candidate, strategy) for candidate in candidates]
    return Comment(
        (
            (Run("Two outcomes claim this issue.", "strong"),),
            *((Run(line),) for line in lines),
            (Run(f"{_deciders(decision, strategy)} must decide; you need do nothing."),),
        )
    )


def _candidate_line(issue: Issue, candidate: Candidate, strategy: Strategy) -> str:
    seen = [_evidence_words(issue, e.key, e.source, e.texts) for e in candidate.evidence]
    return f"{target_words(candidate.target, strategy)}: {'; '.join(seen)}."


def _evidence_words(issue: Issue, key: str, source: str, texts: tuple[str, ...]) -> str:
    """Values of this issue are quoted; of an ancestor only its key is named."""
    own = [text for text in texts if not text.startswith(("parent ", "epic ", "initiative ", "ancestor "))]
    elsewhere = sorted({" ".join(text.split(" ")[:2]).rstrip(":") for text in texts if text not in own})
    if key != issue.key:
        return f"by override on {key}" if source == "override" else f"by rule {source} on {key}"
    what = ", ".join((*own, *elsewhere))
    return f"by rule {source} ({what})" if source != "override" else f"by {what}"


def _deciders(decision: Decision, strategy: Strategy) -> str:
    verdict = decision.verdict
    targets = [c.target for c in verdict.candidates] if isinstance(verdict, Conflict) else []
    owners = {o.owner for t in targets if isinstance(t, ToOutcome) and (o := strategy.outcome(t.outcome)) is not None}
    owners |= {h.owner for t in targets if isinstance(t, ToOverhead) for h in strategy.overhead if h.id == t.overhead}
    names = sorted(owners)
    return "Two outcome owners" if not names else f"Two outcome owners ({', '.join(names)})"
