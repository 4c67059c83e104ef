"""What issues were created with because they are copies: marks of ours on what they were cloned or split from.

Or on what they hung below: then, and not now. A person may have hung a copy elsewhere before anybody looked at it, or
an issue with a mark of their own below one that bears the same by us.

A mark counts as it stood when the copy was made: it may be another by now, or gone. What an issue was copied from may
be a copy itself that nobody has looked at yet, or off which the mark was taken before anybody looked; then what that
one was copied from tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from syncd.core.errors import Denied, Unreadable
from syncd.core.model import Applied, Issue, IssueRef, Link
from syncd.core.ports import Birth, LabelChange, Store, TrackerReader
from syncd.core.witness import CLOCKS_DIFFER, since_creation

GENERATIONS: Final = 6
"""How far back copies of copies are followed: two requests for each, where what is nearer tells nothing."""


@dataclass(frozen=True, slots=True)
class Made:
    """An issue as far as its copies go: since when it is, what it comes from, what of ours stood on it."""

    at: datetime
    applied: Applied | None = None
    sources: tuple[IssueRef, ...] = ()
    copied_from: tuple[IssueRef, ...] = ()
    """Those of its sources that it was cloned or split from; the others are above it."""
    changes: Sequence[LabelChange] = ()

    def bore(self, at: datetime) -> frozenset[str]:
        """Marks of ours at that instant, as far as this store remembers."""
        if self.applied is None:
            return frozenset()
        now = (mark for mark in (self.applied.mark, self.applied.was) if mark is not None)
        then = (mark for mark, until in self.applied.past if at <= until + CLOCKS_DIFFER)
        return frozenset({*now, *then})

    def put_on(self, at: datetime) -> frozenset[str]:
        """Labels that somebody put on before that instant: those did not come with its creation."""
        later = since_creation(self.changes, self.at)
        return frozenset(change.label for change in later if change.added and change.at <= at)


@dataclass
class Descent:
    """Finds that out for issues of one tracker."""

    reader: TrackerReader
    store: Store
    tracker: str
    _made: dict[IssueRef, Made] = field(default_factory=dict)
    _asked: set[IssueRef] = field(default_factory=set)

    def copied(
        self,
        issues: Mapping[IssueRef, Issue],
        births: Mapping[IssueRef, Birth],
        changes: Mapping[IssueRef, Sequence[LabelChange]],
    ) -> Mapping[IssueRef, frozenset[str]]:
        """For each issue the marks of ours that it was created with. `births`, `changes`: as the tracker told them."""
        at = {ref: issue.created for ref, issue in issues.items()}
        self._learn(at, births, changes, self._born_below(issues))
        for _ in range(GENERATIONS):
            found = {ref: self._came_with(ref) for ref in issues}
            unsure = [ref for ref, issue in issues.items() if not found[ref].issuperset(issue.marks)]
            if not self._ask(self._copied_from(unsure) - self._asked):
                return found
        return {ref: self._came_with(ref) for ref in issues}

    def _born_below(self, issues: Mapping[IssueRef, Issue]) -> Mapping[IssueRef, Link]:
        """What those issues hung below when they were created; where that is not told: what they hang below now."""
        changed = [ref for ref, issue in issues.items() if issue.updated > issue.created]
        try:
            told = self.reader.moves(changed) if changed else {}
        except (Denied, Unreadable):
            told = {}
        above = {ref: issue.parent for ref, issue in issues.items()}
        for ref, moves in told.items():
            first = next(iter(since_creation(moves, issues[ref].created)), None)
            above[ref] = above[ref] if first is None else first.before
        return {ref: link for ref, link in above.items() if link is not None}

    def _came_with(self, ref: IssueRef, generations: int = GENERATIONS) -> frozenset[str]:
        """What of ours it was created with: what stood on its sources then, be it theirs from their own creation."""
        made = self._made[ref]
        found: set[str] = set()
        for source in made.sources:
            older = self._made.get(source)
            if older is not None and older.at <= made.at and generations:
                found |= older.bore(made.at) | (self._came_with(source, generations - 1) - older.put_on(made.at))
        return frozenset(found)

    def _copied_from(self, refs: Sequence[IssueRef]) -> set[IssueRef]:
        """What those were copied from, however far back."""
        found: set[IssueRef] = set()
        level = set(refs)
        while level:
            level = {one for ref in level if ref in self._made for one in self._made[ref].copied_from} - found
            found |= level
        return found

    def _ask(self, refs: set[IssueRef]) -> bool:
        """Ask the tracker what those come from in turn; False: it tells nothing."""
        if not refs:
            return False
        self._asked |= refs
        try:
            births, changes = self.reader.births(sorted(refs)), self.reader.label_changes(sorted(refs))
        except (Denied, Unreadable):
            return False
        self._learn({ref: birth.at for ref, birth in births.items()}, births, changes, {})
        return bool(births)

    def _learn(
        self,
        at: Mapping[IssueRef, datetime],
        births: Mapping[IssueRef, Birth],
        changes: Mapping[IssueRef, Sequence[LabelChange]],
        above: Mapping[IssueRef, Link],
    ) -> None:
        """Keep what is told of those issues, with what the store has of them and of what they come from."""
        self._asked.update(at)
        copied = {ref: births[ref].copied_from if ref in births else () for ref in at}
        links = sorted({*above.values(), *(link for some in copied.values() for link in some)}, key=repr)
        stored = self.store.by_link(self.tracker, links)
        refs = {link: issue.ref for link, issue in stored.items()}
        refs |= {link: IssueRef(self.tracker, link.id) for link in links if link not in refs and link.id}
        known = self.store.known(sorted({*at, *(issue.ref for issue in stored.values())}))
        for issue in stored.values():
            self._made.setdefault(issue.ref, Made(issue.created, known[issue.ref].applied))
        for ref, instant in at.items():
            clones = tuple(refs[link] for link in copied[ref] if link in refs)
            parent = (refs[above[ref]],) if ref in above and above[ref] in refs else ()
            applied = known[ref].applied if ref in known else None
            self._made[ref] = Made(instant, applied, (*parent, *clones), clones, changes.get(ref, ()))
