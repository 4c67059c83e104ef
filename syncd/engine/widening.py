"""Widen: which issues are to be decided again, since they, what is above them or the rules changed (DESIGN §3.4)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from syncd.core.asking import expressions
from syncd.core.edit import Comparison, difference, turning_days
from syncd.core.fold import fold
from syncd.core.match import Matcher
from syncd.core.model import IssueRef, Lineage, Origin
from syncd.core.plan import Write
from syncd.core.ports import Progress
from syncd.core.seen import Glance
from syncd.engine.lineage import Ancestry
from syncd.engine.work import TRADED, Observed, Work, rules_key

BATCH: Final = 1000
SOUGHT_AT_MOST: Final = 50_000
"""Issues looked up one by one for an edit; where values are borne by more, walking through all of them is as fast."""
REMEMBERED: Final = 10_000
"""Lineages of which is remembered whether the edit touches them; past it the memory starts afresh."""
UNDECIDED: Final = "undecided:"
"""Stands before the `rules_key` of a tracker while what was read may not have been decided yet."""


@dataclass(slots=True)
class Widened:
    """Which issues are to be decided again: those that changed, and all that hangs below them."""

    own: set[str]
    below: set[str]
    everything: bool
    refielded: frozenset[str] = frozenset()
    """Those that come along only since other fields are asked for, by a rule edit of this pass or of an earlier one."""
    whole: bool = False
    """Everything was read anew: what nobody is known to have changed is decided since the scope or the rules grew."""

    @classmethod
    def of(cls, work: Work, observed: Observed, *, everything: bool) -> "Widened":
        """What the observation widens to; `everything`: nobody can tell what was decided under which rules."""
        below = set() if everything else descendants(work, observed.changed) - observed.changed
        edited = observed.changed - observed.refielded
        by_edits = edited | descendants(work, edited) if observed.refielded and not everything else edited
        refielded = frozenset(observed.refielded | below) - by_edits if observed.refielded else frozenset()
        return cls(set(observed.changed), below, everything, refielded, whole=observed.everything)

    def holds(self, issue_id: str) -> bool:
        """Whether that issue is to be decided again."""
        return self.everything or issue_id in self.own or issue_id in self.below

    def origin(self, issue_id: str, *, rules_changed: bool) -> Origin:
        """Why a verdict is new now. With edited rules nobody can tell whose doing it is: the admin looks at it."""
        if rules_changed or issue_id in self.refielded or (self.whole and issue_id not in self.own):
            return Origin.RULEBOOK
        return Origin.ISSUE if issue_id in self.own else Origin.ANCESTOR


def decided_under(progress: Progress) -> str | None:
    """The `rules_key` that every decision was last made under; None: nothing was ever decided."""
    return (progress.rules_key or "").removeprefix(UNDECIDED) or None


def earlier_rules(work: Work, before: Progress) -> Matcher | None:
    """The rules that every stored decision was made under; None: they are not known, or not every one was.

    Nor are they of use where other trade-offs held: then everything is decided again.
    """
    whole = decided_under(before)
    if whole is None or whole != before.rules_key:
        return None
    key, mark, traded = whole.partition(TRADED)
    if mark + traded != work.traded_key:
        return None
    version = key.partition(":")[0]
    rulebook = work.rulebook if version == work.rulebook.version else work.earlier(version)
    if rulebook is None:
        return None
    days = turning_days(rulebook)
    day = next((day for day in days if rules_key(rulebook, rulebook.in_effect(day)) == key), None)
    return None if day is None else Matcher(rulebook, day)


class Shift:
    """What other rules than the earlier ones move, found by the store alone.

    An issue that no differing rule touches, itself or above it, is not decided again; one that comes out alike under
    both is not written again. On issues with a person's word, and below them, there is nothing to compare with (words
    expire by the clock): they are always looked at.
    """

    def __init__(self, work: Work, earlier: Matcher, ancestry: Ancestry) -> None:
        self._work = work
        self._edit = difference(earlier, work.matcher)
        self._sieve = self._edit.sieve(work.matcher.day)
        self._broad = len(self._edit.rules) > len(work.matcher.rules) or any(map(expressions, self._edit.rules))
        """Most rules differ, so that comparing outright costs less than asking first; or CEL may fail on an issue."""
        self._ancestry = ancestry
        self._sides = Comparison(earlier, work.matcher, work.clock.now())
        self._touched: dict[int, tuple[Lineage, bool]] = {}
        self._renamed = {fold(work.policy.names.outcome + name) for name in self._edit.outcomes}
        self.unmoved = 0
        """Issues that were decided again, and came out alike."""

    def moved(self, done: Collection[str]) -> Iterator[Sequence[IssueRef]]:
        """Issues to be looked at, in batches, without those that are `done` already."""
        comments = Write.COMMENT in (self._work.policy.write, *self._work.policy.write_by.values())
        worded = {ref.id for ref in self._work.store.overridden(self._work.tracker)}
        if comments and self._edit.strategy:  # a comment names outcomes by their titles
            worded |= {ref.id for ref in self._work.store.commented(self._work.tracker)}
        worded |= descendants(self._work, worded)
        yield from chunks(refs_of(self._work, sorted(worded.difference(done))))
        over = worded.union(done)
        found: set[str] = set()
        for some in chunks(self._sift(over)):
            if comments:
                found.update(ref.id for ref in some)
            yield some
        # whether a question is put here or at an ancestor depends on the ancestor's verdict
        yield from chunks(refs_of(self._work, sorted(descendants(self._work, found) - found - over)))

    def _sift(self, over: Collection[str]) -> Iterator[IssueRef]:
        looked = BATCH
        for issues in self._candidates():
            if looked >= BATCH:
                self._work.still_ours()
                looked = 0
            looked += len(issues)
            fresh = [issue for issue in issues if issue.ref.id not in over]
            for issue, lineage in zip(fresh, self._ancestry.above(fresh), strict=True):
                if self._moves(issue, lineage):
                    yield issue.ref

    def _candidates(self) -> Iterator[Sequence[Glance]]:
        """Issues in scope that the edit may touch: found by the values they bear where that can be, else all."""
        store, tracker = self._work.store, self._work.tracker
        if not self._edit.rules and not self._edit.outcomes:
            return
        values = None if self._edit.outcomes else self._edit.bearers()
        bearing = None if values is None else store.bearing(tracker, values, limit=SOUGHT_AT_MOST)
        if bearing is None:
            yield from store.glances(tracker, batch=BATCH)
            return
        ids = {ref.id for ref in bearing}
        yield from store.glances(tracker, sorted(ids | descendants(self._work, ids)), batch=BATCH)

    def _moves(self, issue: Glance, lineage: Lineage) -> bool:
        if self._renamed and not self._renamed.isdisjoint(map(fold, issue.marks)):
            return True  # a mark that people set names an outcome now, or names none any more
        if not self._broad and not self._sieve.strongest(issue, lineage) and not self._touched_above(lineage):
            return False
        differs = self._sides.differs(issue, lineage)
        self.unmoved += not differs
        return differs

    def _touched_above(self, lineage: Lineage) -> bool:
        """Whether a rule that differs matches on an ancestor. What hangs alike is given one lineage: remembered."""
        known = self._touched.get(id(lineage))
        if known is None or known[0] is not lineage:
            if len(self._touched) >= REMEMBERED:
                self._touched.clear()
            known = self._touched[id(lineage)] = lineage, self._touches(lineage)
        return known[1]

    def _touches(self, lineage: Lineage) -> bool:
        if not lineage.steps:
            return False
        nearest = enumerate(lineage.steps[0])
        found = any(self._sieve.strongest(one, lineage.above(0, place)) for place, one in nearest)
        return found or self._touches(lineage.rest(0))


def descendants(work: Work, ids: Iterable[str]) -> set[str]:
    """All that hangs below those issues, by the store alone."""
    below: set[str] = set()
    level = sorted(ids)
    while level:
        found = {ref.id for some in chunks(refs_of(work, level)) for ref in work.store.children(some)}
        level = sorted(found - below)
        below |= found
    return below


def refs_of(work: Work, ids: Iterable[str]) -> list[IssueRef]:
    """Those issues of the tracker."""
    return [IssueRef(work.tracker, issue_id) for issue_id in ids]


def chunks(given: Iterable[IssueRef]) -> Iterator[Sequence[IssueRef]]:
    """Lists of at most `BATCH`."""
    source = iter(given)
    while chunk := list(islice(source, BATCH)):
        yield chunk
