"""Whose word each mark is that is not ours by memory: a person's, an app's, or nobody's since it came with a copy."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from syncd.core.marks import is_outcome_mark, outcome_of_mark, parted
from syncd.core.model import Applied, Issue, Override, OverrideSource, Proof, Strategy, ToOutcome
from syncd.core.ports import MarkNames
from syncd.core.witness import UNKNOWN_AUTHOR, Author, History, Reading, Sense, Word

TIES_COME: Final = timedelta(hours=1)
"""How long after its creation the link to what an issue was cloned from may come."""


# --- what takes another look ------------------------------------------------------------------------------


def is_surprising(issue: Issue, reading: Reading, overrides: Sequence[Override], sense: Sense) -> bool:
    """Whether a row shows of people's marks what nobody has looked into yet: the issue is read directly then."""
    known = _by_mark(overrides)
    news = any(
        mark not in known and mark not in reading.left and (sense.speaks(mark) or mark not in reading.noted)
        for mark in reading.hand
    )
    ends = any(mark not in issue.marks for mark in known)
    young = sense.now - issue.created < TIES_COME
    return news or ends or (young and _may_be_copies(issue, reading, known.values()))


def wants_history(issue: Issue, reading: Reading, overrides: Sequence[Override], names: MarkNames) -> bool:
    """Whether, after a direct read, it takes who and when to say more."""
    if reading.doubt or reading.foreign is not None or reading.stranger is not None:
        return False
    known = _by_mark(overrides)
    news = any(
        mark not in known and mark not in reading.left and (is_outcome_mark(mark, names) or mark not in reading.noted)
        for mark in reading.hand
    )
    standing = [word for mark, word in known.items() if mark in reading.hand]
    return news or reading.taken_off or _may_be_copies(issue, reading, standing)


def _may_be_copies(issue: Issue, reading: Reading, words: Collection[Override]) -> bool:
    """Whether a mark of the creation was taken for somebody's: the link to what was cloned comes a bit later."""
    inborn = any(word.at <= issue.created for word in words)
    return inborn or (bool(reading.noted) and issue.updated - issue.created < TIES_COME)


def _by_mark(overrides: Sequence[Override]) -> dict[str, Override]:
    return {o.mark: o for o in overrides if o.source is OverrideSource.MARK and o.mark is not None}


# --- who put the others on --------------------------------------------------------------------------------


def told_apart(
    issue: Issue, reading: Reading, overrides: Sequence[Override], sense: Sense, history: History
) -> Reading:
    """Whose word each mark is: a person's, an app's, or none at all since it came along with a copy."""
    if reading.foreign is not None:
        return reading
    words: list[Word] = []
    left, noted = list(reading.left), list(reading.noted)
    known = _by_mark(overrides)
    for mark in reading.hand:
        if mark in left:
            continue
        put_on = history.put_on(mark)
        if put_on is None and mark in history.copied:
            return replace(reading, copied=mark)
        by = put_on or history.creator or Author(UNKNOWN_AUTHOR, sense.now)
        if mark in known:
            continue
        if not sense.speaks(mark):
            noted.append(mark)
        elif by.person:
            words.append(Word(mark, by))
        else:
            left.append(mark)
    kept = _leaving(issue, reading, tuple(left), tuple(dict.fromkeys(m for m in noted if not sense.speaks(m))))
    return replace(kept, words=tuple(words))


def with_late_ones(issue: Issue, reading: Reading, before: Applied | None, history: History) -> Reading:
    """Marks of ours that this memory does not take for ours any more, or not yet.

    Either a write came through after it was given up: a bulk edit goes on when the process that sent it died, and its
    mark came without our copy. Or one was ours and never left. Taken for a person's word either would stand for ever;
    and so would be what a late write took off, taken for declined.
    """
    if reading.foreign is not None or reading.stranger is not None:
        return reading
    if reading.taken_off and before is not None and history.is_ours(before.mark or "", reading.taken_by):
        at = issue.updated if reading.taken_by is None else reading.taken_by.at
        # our copy may stand as it was: a bulk edit tells it in a second step
        gone = parted(replace(before, mark=None, shown=issue.updated, bare=True), before.mark, at)
        reading = replace(reading, applied=gone, taken_off=False, taken_by=None)
    ours = tuple(mark for mark in reading.hand if mark not in reading.left and _is_ours(mark, reading.applied, history))
    if not ours:
        return reading
    others = replace(
        reading, hand=tuple(mark for mark in reading.hand if mark not in ours), late=(*reading.late, *ours)
    )
    stands = None if reading.applied is None else reading.applied.mark
    return others if stands is not None else replace(with_signed(others, issue, ours[-1]), late=ours[:-1])


def leaving_late_ones(reading: Reading, issue: Issue, wanted: str | None) -> Reading:
    """The reading from which the plan takes off what of ours stands beside the mark that is wanted.

    Where that mark is the one we remember there would be nothing to write, and the other would stay: so the other is
    remembered, and swapped for it. Else the remembered one is taken off, and the next look goes on from there.
    """
    if not reading.late or reading.applied is None or reading.applied.mark != wanted:
        return reading
    return with_signed(reading, issue, reading.late[-1])


def _is_ours(mark: str, applied: Applied | None, history: History) -> bool:
    until = None if applied is None else dict(applied.past).get(mark)
    return history.is_ours(mark, history.put_on(mark)) or (until is not None and history.never_left(mark, until))


def _leaving(issue: Issue, reading: Reading, left: tuple[str, ...], noted: tuple[str, ...]) -> Reading:
    """Remember which marks are left alone, so that nobody asks again."""
    applied = reading.applied
    if applied is None and not left and not noted:
        return reading
    if applied is None:
        applied = Applied(ref=issue.ref, mark=None, proof=Proof.SEEN, revision=0, at=issue.updated)
    if (applied.left, applied.noted) == (left, noted):
        return reading
    return replace(reading, applied=replace(applied, left=left, noted=noted))


# --- what people's marks say ------------------------------------------------------------------------------


def mark_overrides(
    issue: Issue,
    reading: Reading,
    standing: Sequence[Override],
    *,
    names: MarkNames,
    strategy: Strategy,
    now: datetime,
) -> tuple[list[Override], list[Override]]:
    """(overrides that begin, overrides that end), by the marks that people put on and took off."""
    if reading.doubt or reading.foreign is not None or reading.stranger is not None:
        return [], []
    by_mark = {o.mark: o for o in standing if o.source is OverrideSource.MARK}
    ended = [o for mark, o in by_mark.items() if mark not in issue.marks or mark == reading.copied]
    authors = {word.mark: word.by for word in reading.words}
    started = []
    for mark in reading.hand:
        outcome = outcome_of_mark(mark, names, strategy)
        if outcome is None or mark in by_mark or mark in reading.left or mark == reading.copied:
            continue
        by = authors.get(mark, Author(UNKNOWN_AUTHOR, now))
        target = ToOutcome(outcome)
        started.append(
            Override(ref=issue.ref, target=target, source=OverrideSource.MARK, author=by.name, at=by.at, mark=mark)
        )
    return started, ended


def signed(reading: Reading, issue: Issue, mark: str) -> Applied:
    """A mark that was found and not written becomes ours: it follows the rules from now on.

    Either it is equal to what the rules decide, or it came along with a copy of an issue that bears it by us.
    """
    before = reading.applied or Applied(ref=issue.ref, mark=None, proof=Proof.SEEN, revision=0, at=issue.updated)
    now = replace(
        before,
        mark=mark,
        proof=Proof.SEEN,
        at=issue.updated,
        was=None,
        shown=issue.updated,
        tries=1,
        tried=None,
        declined=None,
        bare=True,
        left=tuple(m for m in before.left if m != mark),
        noted=tuple(m for m in before.noted if m != mark),
    )
    return parted(now, before.mark, issue.updated)


def with_signed(reading: Reading, issue: Issue, mark: str) -> Reading:
    """The reading in which that mark is ours."""
    hand = tuple(m for m in reading.hand if m != mark)
    return replace(reading, applied=signed(reading, issue, mark), hand=hand, copied=None)
