"""A batch of issues on its way through a pass: what is known, what its marks mean, what was decided."""

from dataclasses import dataclass, field
from datetime import datetime

from syncd.core.commands import NOTHING_SAID, Answer, Ruling, Vote
from syncd.core.model import Applied, Finding, IssueRef, Override, Standing
from syncd.core.ports import Known
from syncd.core.witness import Reading
from syncd.engine.work import Work


@dataclass(slots=True)
class Batch:
    """A batch on its way: what is known of each issue, what its marks mean, what was decided."""

    known: dict[IssueRef, Known]
    overrides: dict[IssueRef, list[Override]]
    readings: dict[IssueRef, Reading] = field(default_factory=dict)
    standings: dict[IssueRef, Standing] = field(default_factory=dict)
    reworded: set[IssueRef] = field(default_factory=set)
    """Issues on which a person's word began or ended in this pass."""
    started: list[Override] = field(default_factory=list)
    ended: list[Override] = field(default_factory=list)
    cycles: list[Finding] = field(default_factory=list)
    rulings: dict[IssueRef, Ruling] = field(default_factory=dict)
    """What comments on each come to; none where nobody listens."""
    votes: dict[IssueRef, list[Vote]] = field(default_factory=dict)

    def answers(self, ref: IssueRef) -> tuple[Answer, ...]:
        """What the comment on it owes to whoever gave a command."""
        return self.rulings.get(ref, NOTHING_SAID).answers

    def standing(self, ref: IssueRef) -> Standing:
        """How it stands now: as decided in this pass, else as before; one of the two there is always."""
        standing = self.standings.get(ref) or self.known[ref].standing
        if standing is None:
            raise AssertionError(f"{ref} was not decided")
        return standing

    def save(self, work: Work, now: datetime) -> None:
        """Keep what is new, and nothing else: an unchanged decision is not written again."""
        learned = [r.applied for ref, r in self.readings.items() if _news(r.applied, self.known[ref].applied)]
        news = [s for ref, s in self.standings.items() if _differs(s, self.known[ref].standing)]
        if learned:
            work.store.save_applied([a for a in learned if a is not None])
        if news:
            work.store.save_standings(news, now)
        if self.started or self.ended:
            work.store.save_overrides(self.started, self.ended, now)


def _news(now: Applied | None, before: Applied | None) -> bool:
    return now is not None and now != before


def _differs(now: Standing, before: Standing | None) -> bool:
    return before is None or now.decision != before.decision
