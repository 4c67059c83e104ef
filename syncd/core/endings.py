"""What runs out soon, and how many issues it holds: rules, outcomes and objectives within two weeks of their last day.

Outside its dates an outcome's rules match nothing, for old and new work alike (DESIGN §4): that many issues lose what
they serve on the day after, unless somebody says in time what comes next.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from syncd.core.advice import SOON
from syncd.core.model import Decision, Mapped, Rulebook, Via


@dataclass(frozen=True, slots=True, order=True)
class Ending:
    """Something in effect today whose last day (UTC, included) is at most fourteen days away."""

    last: date
    what: str
    """`rule`, `outcome` or `objective`."""
    name: str
    """Its id; of an objective `outcome/objective`."""
    issues: int
    """How many issues are decided by it now."""
    open: int


class Endings:
    """Counts the issues that hang on what ends soon."""

    def __init__(self, rulebook: Rulebook, today: date) -> None:
        self._lasts = dict(_soon(rulebook, today))
        self._issues: Counter[tuple[str, str]] = Counter()
        self._open: Counter[tuple[str, str]] = Counter()

    def add(self, decision: Decision, *, is_open: bool) -> None:
        """One issue's decision."""
        if not self._lasts:
            return
        for name in self._lasts.keys() & _hangs_on(decision):
            self._issues[name] += 1
            self._open[name] += is_open

    def ordered(self) -> Sequence[Ending]:
        """What ends first, first."""
        lasts = self._lasts.items()
        return sorted(Ending(last, *name, self._issues[name], self._open[name]) for name, last in lasts)


def _soon(rulebook: Rulebook, today: date) -> Iterator[tuple[tuple[str, str], date]]:
    for what, name, last in _dated(rulebook):
        if last is not None and today <= last <= today + SOON:
            yield (what, name), last


def _dated(rulebook: Rulebook) -> Iterator[tuple[str, str, date | None]]:
    for rule in rulebook.rules:
        yield "rule", rule.id, rule.window.last
    for outcome in rulebook.strategy.outcomes:
        yield "outcome", outcome.id, outcome.window.last
        for objective in outcome.objectives:
            yield "objective", f"{outcome.id}/{objective.id}", objective.window.last


def _hangs_on(decision: Decision) -> set[tuple[str, str]]:
    """What would change this decision by ending. An override to an outcome stands beyond the outcome's last day."""
    if decision.via is Via.OVERRIDE:
        return set()
    found = {("rule", evidence.source) for evidence in decision.evidence}
    match decision.verdict:
        case Mapped(outcome=outcome, objective=objective):
            found |= {("outcome", outcome), ("objective", f"{outcome}/{objective}")}
        case _:
            pass
    return found
