"""Ancestors of issues, from the store; and from the tracker where the store lacks them (DESIGN §3.3)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from syncd.core.model import Issue, IssueRef, Lineage, Link
from syncd.core.ports import Progress, Store, TrackerReader
from syncd.core.seen import Seen

_TOGETHER: Final = 1000
"""Refs asked of the store at once."""

DEPTH: Final = 20
"""Ancestors followed upwards; real trees are three or four high."""
REMEMBERED: Final = 10_000
"""Ancestors kept at hand within one pass (some 2 kB each); past it the memory starts afresh."""
_ALONE: Final = Lineage()


Ties = tuple[Link | None, tuple[Link, ...]]
"""All that a lineage hangs on: the parent, and what the issue lies within."""


_LOOSE: Final[Ties] = (None, ())


class Ancestry:
    """Lineages by the store's snapshots. A link that did not answer when last read ends its lineage as missing.

    Parents come first; then, of Linear, the project of the issue (or of the nearest parent that has one), then what
    that lies within, level by level (DESIGN §4). What hangs alike is given the same `Lineage`: it is worked out once.
    """

    def __init__(self, store: Store, tracker: str) -> None:
        self._store = store
        self._tracker = tracker
        self._known: dict[Link, Issue | None] = {}
        self._above: dict[Ties, Lineage] = {}

    def of(self, issues: Sequence[Issue]) -> Mapping[IssueRef, Lineage]:
        """The lineage of each issue, nearest ancestor first; circles of parents are cut."""
        return {issue.ref: lineage for issue, lineage in zip(issues, self.above(issues), strict=True)}

    def above(self, issues: Sequence[Seen]) -> Sequence[Lineage]:
        """As `of`, in the order of the issues."""
        self._make_room()
        ties = [(issue.parent, issue.within) for issue in issues]
        known = [self._above.get(tie) for tie in ties]
        self._learn(_links(tie for tie, one in zip(ties, known, strict=True) if one is None))
        return [
            self._lineage(issue, tie) if one is None or one.cycle is not None else one
            for issue, tie, one in zip(issues, ties, known, strict=True)
        ]

    def unknown(self, issues: Sequence[Issue]) -> Sequence[Link]:
        """Links above these issues of which the store has no snapshot, and that were not found missing before."""
        self._make_room()
        level = _links((issue.parent, issue.within) for issue in issues)
        self._learn(level)
        seen: set[Link] = set()
        ends: set[Link] = set()
        while level:
            seen |= level
            nodes = {link: self._node(link) for link in level}
            ends.update(link for link, node in nodes.items() if node is None and not self._is_missing(link))
            level = _links((node.parent, node.within) for node in nodes.values() if node is not None) - seen
        return sorted(ends, key=_order)

    def forget(self) -> None:
        """Snapshots or missing links changed: look them up again."""
        self._known.clear()
        self._above.clear()
        self.__dict__.pop("_missing", None)

    def _make_room(self) -> None:
        if len(self._known) > REMEMBERED:
            self._known.clear()
            self._above.clear()

    @cached_property
    def _missing(self) -> set[str]:
        return _names(self._store.missing(self._tracker))

    def _learn(self, links: set[Link]) -> None:
        """Look up all ancestors of a batch level by level: one query a level, however many issues."""
        known = self._known
        for _ in range(DEPTH):
            new = sorted((link for link in links if link not in known), key=_order)
            if new:
                found = self._store.by_link(self._tracker, new)
                known.update({link: found.get(link) for link in new})
            above = (known[link] for link in links)
            links = _links((node.parent, node.within) for node in above if node is not None)
            if not links:
                return

    def _lineage(self, issue: Seen, ties: Ties) -> Lineage:
        above = self._from(ties)
        if above.cycle is None:
            return above
        return _Walk(self._node, {issue.ref}).up(ties)  # where a circle is cut depends on where the walk began

    def _from(self, ties: Ties) -> Lineage:
        """The lineage of whatever hangs like that."""
        above = self._above.get(ties)
        if above is None:
            above = _ALONE if ties == _LOOSE else self._with_own(_Walk(self._node, set()).up(ties))
            self._above[ties] = above
        return above

    def _with_own(self, lineage: Lineage) -> Lineage:
        """With the lineage that each ancestor has of its own, where one differs from the rest of this one."""
        if lineage.cycle is not None or len(lineage.steps) >= DEPTH:
            return lineage
        own = tuple(tuple(self._from((node.parent, node.within)) for node in step) for step in lineage.steps)
        plain = all(
            one.steps == (rest := lineage.rest(step)).steps
            and (one.missing, one.gap, one.beyond) == (rest.missing, rest.gap, ())
            for step, some in enumerate(own)
            for one in some
        )
        return lineage if plain else replace(lineage, beyond=own)

    def _node(self, link: Link) -> Issue | None:
        return None if self._is_missing(link) else self._known.get(link)

    def _is_missing(self, link: Link) -> bool:
        return bool(self._missing) and not self._missing.isdisjoint(_names([link]))


class _Walk:
    """One way up: the parents, then the levels of what lies around them."""

    def __init__(self, node: Callable[[Link], Issue | None], seen: set[IssueRef]) -> None:
        self._node = node
        self._steps: list[tuple[Issue, ...]] = []
        self._through: dict[IssueRef, frozenset[IssueRef]] = {}
        """Of each node on the way, those below it through which it was reached."""
        self._start = frozenset(seen)
        self._missing: Link | None = None
        self._gap: int | None = None
        self._cycle: str | None = None

    def up(self, ties: Ties) -> Lineage:
        """The lineage of what hangs like that."""
        parent, within = ties
        around, below = self._parents(parent, within)
        level = dict.fromkeys(around, below)
        while level and len(self._steps) < DEPTH:
            level = self._level(level)
        gap = None if self._gap == len(self._steps) else self._gap
        return Lineage(tuple(self._steps), self._missing, self._cycle, gap)

    def _parents(self, link: Link | None, within: tuple[Link, ...]) -> tuple[tuple[Link, ...], frozenset[IssueRef]]:
        """Walk up the parents; what the nearest that lies within anything lies within, and who is below that."""
        below = self._start
        while link is not None and len(self._steps) < DEPTH:
            parent = self._node(link)
            if parent is None:
                self._lose(link)
                break
            if parent.ref in below:
                self._cycle = parent.key
                break
            self._steps.append((parent,))
            self._through[parent.ref] = below
            below |= {parent.ref}
            within = within or parent.within
            link = parent.parent
        return within, below

    def _level(self, links: Mapping[Link, frozenset[IssueRef]]) -> dict[Link, frozenset[IssueRef]]:
        """Take in what these lead to, all at one level; what that lies within in its turn."""
        found: dict[IssueRef, Issue] = {}
        for link, below in sorted(links.items(), key=lambda pair: _order(pair[0])):
            node = self._node(link)
            if node is None:
                self._lose(link)
            elif node.ref in below:
                self._cycle = node.key
            elif node.ref not in self._through or node.ref in found:  # else it stands nearer already
                found[node.ref] = node
                self._through[node.ref] = self._through.get(node.ref, frozenset()) | below
        if found:
            self._steps.append(tuple(found[ref] for ref in sorted(found)))
        further: dict[Link, frozenset[IssueRef]] = {}
        for ref, node in found.items():
            for link in node.within:
                further[link] = further.get(link, frozenset()) | self._through[ref] | {ref}
        return further

    def _lose(self, link: Link) -> None:
        if self._missing is None:
            self._missing, self._gap = link, len(self._steps)


def _links(ties: Iterable[Ties]) -> set[Link]:
    return {link for parent, within in ties for link in (parent, *within) if link is not None}


@dataclass(frozen=True, slots=True)
class Outside:
    """What reading ancestors directly showed."""

    changed: frozenset[str] = frozenset()
    """Ids of those whose descendants must be decided again: they changed, went missing, or answer again."""
    gone: tuple[Link, ...] = ()
    """Those that answered before, as far as is known, and do not now."""
    unreadable: bool = False
    """Whether some could not be understood, and were set aside."""


def read_outside(
    store: Store,
    reader: TrackerReader,
    tracker: str,
    links: Sequence[Link],
    now: datetime,
    *,
    missing: Sequence[Link] | None = None,
    progress: Progress | None = None,
) -> Outside:
    """Read ancestors directly; remember what answers, and what does not, with the progress made so far if that is news.

    `missing`: what did not answer before, if the caller has asked. Raises the TrackerErrors of the reader.
    """
    if not links:
        return Outside()
    found = reader.read(links)
    was_missing = store.missing(tracker) if missing is None else missing
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
        if refs and progress is not None:
            store.save_progress(tracker, progress)
    return Outside(frozenset(ref.id for ref in refs), tuple(gone), bool(found.unreadable))


def inside(store: Store, refs: Iterable[IssueRef]) -> frozenset[IssueRef]:
    """Those of them that are in scope."""
    wanted = sorted(set(refs))
    some = (wanted[start : start + _TOGETHER] for start in range(0, len(wanted), _TOGETHER))
    return frozenset(ref for part in some for ref, known in store.known(part).items() if known.in_scope)


def _order(link: Link) -> tuple[str, str]:
    return link.id or "", link.key or ""


def _names(links: Iterable[Link]) -> set[str]:
    """Links by id and by key: a child may know its parent by either."""
    ids = {f"id:{link.id}" for link in links if link.id is not None}
    return ids | {f"key:{link.key.upper()}" for link in links if link.key is not None}
