"""Ancestors of issues, from the store; and from the tracker where the store lacks them (DESIGN §3.3)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

from syncd.core.model import Issue, IssueRef, Lineage, Link
from syncd.core.ports import Store, TrackerReader
from syncd.core.seen import Seen

DEPTH: Final = 20
"""Ancestors followed upwards; real trees are three or four high."""
REMEMBERED: Final = 10_000
"""Ancestors kept at hand within one pass (some 2 kB each); past it the memory starts afresh."""
_ALONE: Final = Lineage()


class Ancestry:
    """Lineages by the store's snapshots. A link that did not answer when last read ends its lineage as missing.

    The children of one parent are given the same `Lineage`: it is worked out once.
    """

    def __init__(self, store: Store, tracker: str) -> None:
        self._store = store
        self._tracker = tracker
        self._known: dict[Link, Issue | None] = {}
        self._above: dict[Link, Lineage] = {}

    def of(self, issues: Sequence[Issue]) -> Mapping[IssueRef, Lineage]:
        """The lineage of each issue, nearest ancestor first; circles of parents are cut."""
        return {issue.ref: lineage for issue, lineage in zip(issues, self.above(issues), strict=True)}

    def above(self, issues: Sequence[Seen]) -> Sequence[Lineage]:
        """As `of`, in the order of the issues."""
        links = [issue.parent for issue in issues]
        self._learn({link for link in links if link is not None})
        return [
            _ALONE if link is None else self._lineage(issue, link) for issue, link in zip(issues, links, strict=True)
        ]

    def unknown(self, issues: Sequence[Issue]) -> Sequence[Link]:
        """Links above these issues of which the store has no snapshot, and that were not found missing before."""
        links = {issue.parent for issue in issues if issue.parent is not None}
        self._learn(links)
        ends = {self._from(link).missing for link in links}
        return sorted((link for link in ends if link is not None and not self._is_missing(link)), key=_order)

    def forget(self) -> None:
        """Snapshots or missing links changed: look them up again."""
        self._known.clear()
        self._above.clear()
        self.__dict__.pop("_missing", None)

    @cached_property
    def _missing(self) -> set[str]:
        return _names(self._store.missing(self._tracker))

    def _learn(self, links: set[Link]) -> None:
        """Look up all ancestors of a batch level by level: one query a level, however many issues."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
            self._above.clear()
        known = self._known
        for _ in range(DEPTH):
            new = sorted((link for link in links if link not in known), key=_order)
            if new:
                found = self._store.by_link(self._tracker, new)
                known.update({link: found.get(link) for link in new})
            parents = (known[link] for link in links)
            links = {above.parent for above in parents if above is not None and above.parent is not None}
            if not links:
                return

    def _lineage(self, issue: Seen, parent: Link) -> Lineage:
        above = self._from(parent)
        if above.cycle is None:
            return above
        return self._walk(parent, {issue.ref})  # where a circle is cut depends on where the walk began

    def _from(self, link: Link) -> Lineage:
        """The lineage of whatever hangs on that link."""
        above = self._above.get(link)
        if above is None:
            above = self._above[link] = self._walk(link, set())
        return above

    def _walk(self, first: Link, seen: set[IssueRef]) -> Lineage:
        steps: list[tuple[Issue, ...]] = []
        link: Link | None = first
        while link is not None and len(steps) < DEPTH:
            parent = None if self._is_missing(link) else self._known.get(link)
            if parent is None:
                return Lineage(tuple(steps), missing=link)
            if parent.ref in seen:
                return Lineage(tuple(steps), cycle=parent.key)
            seen.add(parent.ref)
            steps.append((parent,))
            link = parent.parent
        return Lineage(tuple(steps))

    def _is_missing(self, link: Link) -> bool:
        return bool(self._missing) and not self._missing.isdisjoint(_names([link]))


def read_outside(
    store: Store, reader: TrackerReader, tracker: str, links: Sequence[Link], now: datetime
) -> frozenset[str]:
    """Read ancestors directly; remember what answers, and what does not.

    Returns ids of ancestors whose descendants must be decided again: those that changed, went missing, or answer
    again. Raises the TrackerErrors of the reader.
    """
    if not links:
        return frozenset()
    found = reader.read(links)
    was_missing = store.missing(tracker)
    gone = [link for link in found.missing if _names([link]).isdisjoint(_names(was_missing))]
    answering = _names([Link(issue.ref.id, issue.key) for issue in found.issues])
    answering |= _names([link for link in links if link not in found.missing])
    back = [link for link in was_missing if not _names([link]).isdisjoint(answering)]
    with store.transaction():
        changes = store.remember(tracker, found.issues, in_scope=False, now=now)
        store.mark_missing(tracker, gone, now)
        store.forget_missing(tracker, back)
        store.set_aside(tracker, found.unreadable, now)
        lost = store.by_link(tracker, gone)
        returned = store.by_link(tracker, back)
    refs = {*changes, *(issue.ref for issue in (*lost.values(), *returned.values()))}
    return frozenset(ref.id for ref in refs)


def _order(link: Link) -> tuple[str, str]:
    return link.id or "", link.key or ""


def _names(links: Iterable[Link]) -> set[str]:
    """Links by id and by key: a child may know its parent by either."""
    ids = {f"id:{link.id}" for link in links if link.id is not None}
    return ids | {f"key:{link.key.upper()}" for link in links if link.key is not None}
