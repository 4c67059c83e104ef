"""Who put marks on and when, asked of the tracker in bulk, and only where it takes that to say whose a mark is."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from syncd.core.errors import Denied, Unreadable
from syncd.core.model import Issue, IssueRef, Link
from syncd.core.ports import Birth, LabelChange, Store, TrackerReader
from syncd.core.reading import History, Reading

NOBODY: Final = History()


def histories(
    reader: TrackerReader,
    store: Store,
    issues: Mapping[IssueRef, Issue],
    readings: Mapping[IssueRef, Reading],
    account: str,
) -> Mapping[IssueRef, History]:
    """The history of each of those issues: one request for many, and one more for marks that no change put on.

    `account`: the id of our own, where it is known.

    Raises `Unavailable`. Where a tracker will not tell, or not in a way we understand, authors stay unknown.
    """
    if not issues:
        return {}
    try:
        changes = reader.label_changes(list(issues))
        unborn = [ref for ref in issues if _without_author(changes.get(ref, ()), readings[ref])]
        births = reader.births(unborn) if unborn else {}
    except (Denied, Unreadable):
        return dict.fromkeys(issues, NOBODY)
    copied = _copied(store, {ref: issues[ref] for ref in unborn}, births)
    unproven = store.unproven(list(issues))
    return {
        ref: History(
            changes.get(ref, ()),
            births.get(ref),
            copied.get(ref, frozenset()),
            account,
            unproven.get(ref, frozenset()),
        )
        for ref in issues
    }


def _without_author(changes: Sequence[LabelChange], reading: Reading) -> bool:
    """Whether some mark was there from the issue's creation on: no change put it on."""
    return bool(set(reading.hand) - {change.label for change in changes if change.added})


def _copied(
    store: Store, issues: Mapping[IssueRef, Issue], births: Mapping[IssueRef, Birth]
) -> Mapping[IssueRef, frozenset[str]]:
    """For each issue the marks of ours on its sources: what it was cloned or split from, and its parent.

    A source may be a copy itself that nobody has looked at yet: what it bears of ours counts as well.
    """
    sources: dict[IssueRef, set[Link]] = {}
    for ref, issue in issues.items():
        birth = births.get(ref)
        above = [] if issue.parent is None else [issue.parent]
        sources[ref] = {*above, *(() if birth is None else birth.copied_from)}
    found: dict[IssueRef, frozenset[str]] = {}
    for tracker in {ref.tracker for ref in issues}:
        links = sorted({link for ref in issues if ref.tracker == tracker for link in sources[ref]}, key=repr)
        known = store.by_link(tracker, links)
        marks = _marks_of_ours(store, {issue.ref for issue in known.values()})
        for ref, issue in sorted(issues.items(), key=lambda item: item[1].created):
            older = [known[link] for link in sources[ref] if link in known and known[link].created <= issue.created]
            ours = (mark for one in older for mark in (*marks.get(one.ref, ()), *found.get(one.ref, ())))
            found[ref] = frozenset(ours)
    return found


def _marks_of_ours(store: Store, refs: Collection[IssueRef]) -> Mapping[IssueRef, Sequence[str]]:
    """What stands of ours, and what the last write took off: a copy may be older than that."""
    applied = {ref: known.applied for ref, known in store.known(sorted(refs)).items() if known.applied is not None}
    return {ref: [mark for mark in (one.mark, one.was) if mark is not None] for ref, one in applied.items()}
