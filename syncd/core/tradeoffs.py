"""Recorded trade-offs: a person's word on what a conflict comes from, instead of on each issue it holds up. Pure.

A trade-off makes nothing speak: it settles the conflict of one cause, at the level where that arises, for one of the
targets that were claimed when it was recorded (docs/adr/0014). Where other targets are claimed by now it does not hold,
and the conflict is open again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, assert_never

from syncd.core.model import Candidate, Evidence, Target, ToExempt, ToOutcome, ToOverhead

SOURCE: Final = "tradeoff"
"""What stands in the place of a rule's id in the evidence."""
BETWEEN_RULES: Final = "rules "
"""How causes begin that do not depend on any issue, and are one in all trackers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """What was decided on a cause of conflict, by whom, why, until when. `tracker` None: in every tracker."""

    cause: str
    tracker: str | None
    target: Target
    claimed: tuple[Target, ...]
    """All targets that disagreed when it was recorded; the one chosen is among them."""
    author: str
    reason: str
    at: datetime
    expires: datetime | None = None

    def stands(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < self.expires

    def settles(self, claimed: Iterable[Target]) -> bool:
        """Whether just those targets are claimed that it was recorded for."""
        return agreements(claimed) == agreements(self.claimed)


class Tradeoffs:
    """Those that stand at one moment in one tracker, by cause."""

    def __init__(self, tradeoffs: Sequence[Tradeoff], now: datetime, tracker: str | None = None) -> None:
        here = [one for one in tradeoffs if one.stands(now) and one.tracker in (None, tracker)]
        self._by_cause = {one.cause: one for one in here}

    def __bool__(self) -> bool:
        return bool(self._by_cause)

    def of(self, causes: Iterable[str], candidates: Sequence[Candidate]) -> Tradeoff | None:
        """The one on the first of these causes that has one for just these candidates."""
        claimed = [candidate.target for candidate in candidates]
        found = (self._by_cause[cause] for cause in causes if cause in self._by_cause)
        return next((one for one in found if one.settles(claimed)), None)


NONE: Final = Tradeoffs((), datetime.min.replace(tzinfo=UTC))
"""Nobody recorded any."""


def scope_of(cause: str, tracker: str) -> str | None:
    """Where a trade-off on that cause holds: between two rules everywhere, on an issue in its tracker."""
    return None if cause.startswith(BETWEEN_RULES) else tracker


def evidence_of(tradeoff: Tradeoff, key: str) -> Evidence:
    """Who set aside what, and why."""
    return Evidence(SOURCE, key, (words_of(tradeoff),))


def words_of(tradeoff: Tradeoff) -> str:
    """A trade-off in a sentence, which names its cause."""
    chosen = agreement(tradeoff.target)
    others = " and ".join(words(one) for one in tradeoff.claimed if agreement(one) != chosen)
    said = f"{words(tradeoff.target)} before {others} on {tradeoff.cause}"
    return f"{said}: a trade-off of {tradeoff.author}, because {tradeoff.reason}"


def agreements(targets: Iterable[Target]) -> frozenset[tuple[str, str]]:
    """What is claimed, whatever the words and the objectives."""
    return frozenset(agreement(target) for target in targets)


def agreement(target: Target) -> tuple[str, str]:
    """Equal for targets that agree: objectives of one outcome do, and so do exemptions in other words."""
    match target:
        case ToOutcome(outcome=outcome):
            return ("outcome", outcome)
        case ToOverhead(overhead=overhead):
            return ("overhead", overhead)
        case ToExempt():
            return ("exempt", "")
        case _:
            assert_never(target)


def words(target: Target) -> str:
    """A target as commands take it."""
    match target:
        case ToOutcome(outcome=outcome, objective=None):
            return outcome
        case ToOutcome(outcome=outcome, objective=objective):
            return f"{outcome}/{objective}"
        case ToOverhead(overhead=overhead):
            return f"overhead:{overhead}"
        case ToExempt():
            return "exempt"
        case _:
            assert_never(target)
