"""What the marks on an issue mean: which are ours, which are people's, what is lag and what is lost (DESIGN §5).

Every issue has three legs: what we last wrote (`Applied`), what was observed (`Issue.marks`, `Issue.copy`), what is
wanted. This module joins the first two, `syncd.core.plan` the third. People's marks are never touched.

It is read in up to three looks, each only where the one before leaves doubt: the row as it was observed; the issue read
directly, past the search index; and that with its history (who and when).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from syncd.core.marks import is_outcome_mark, outcome_of_mark, pair_of_mark, parted
from syncd.core.model import Applied, Copy, Issue, Override, Proof, Strategy
from syncd.core.ports import MarkNames, Signature
from syncd.core.whose import is_surprising, told_apart, with_late_ones
from syncd.core.witness import CLOCKS_DIFFER, UNKNOWN_AUTHOR, History, Reading, Sense


def read_marks(
    issue: Issue,
    applied: Applied | None,
    overrides: Sequence[Override],
    signature: Signature,
    *,
    now: datetime,
    overlap: timedelta,
    direct: bool,
    pair: tuple[str, str | None] | None,
    names: MarkNames = MarkNames(),  # noqa: B008 - frozen
    strategy: Strategy | None = None,
    history: History | None = None,
) -> Reading:
    """Join what was observed with what we wrote.

    Args:
        issue: the newest snapshot; `direct` when it was read directly and not through a search index.
        applied: what we last wrote on it.
        overrides: those in force on it; a mark that already is one is nothing new.
        signature: who we are, to know our own copy in the tracker and another's.
        now: this instant on the tracker's clock.
        overlap: how long an index may lag behind a write of ours.
        direct: the snapshot is the truth at this moment.
        pair: the verdict pair that stood until now, remembered with a removal.
        names: what marks begin with.
        strategy: which outcomes there are; None: every mark in the outcomes' namespace names one.
        history: who and when; None: not asked.
    """
    sense = Sense(
        signature=signature,
        now=now,
        overlap=overlap,
        names=names,
        speaks=lambda mark: (
            is_outcome_mark(mark, names) if strategy is None else outcome_of_mark(mark, names, strategy) is not None
        ),
    )
    copy = issue.copy
    if copy is not None and signature.stranger(copy):
        hand = tuple(m for m in _others(issue, None if applied is None else applied.mark) if m != copy.mark)
        return Reading(applied, hand, stranger=copy.instance)
    if applied is None:
        reading = _first_meeting(issue, sense, direct=direct)
    elif applied.proof is Proof.SENT:
        reading = _after_a_write(issue, applied, sense, direct=direct, history=history)
    else:
        reading = _at_rest(issue, applied, sense, direct=direct, pair=pair, history=history)
    reading = _recalling(_apart_from_others(issue, reading, signature))
    if history is not None and not reading.doubt:
        late = with_late_ones(issue, reading, applied, history)
        return told_apart(issue, late, overrides, sense, history)
    if reading.doubt or direct or reading.foreign is not None:
        return reading
    return replace(reading, doubt=True) if is_surprising(issue, reading, overrides, sense) else reading


# --- the first leg: our own mark --------------------------------------------------------------------------


def _first_meeting(issue: Issue, sense: Sense, *, direct: bool) -> Reading:
    """No memory of this issue: our own copy in the tracker is taken over, also where a person took the mark off."""
    copy = issue.copy
    if copy is None or copy.mark is None or not sense.signature.owns(copy):
        return Reading(None, issue.marks)
    ours = Applied(ref=issue.ref, mark=copy.mark, proof=Proof.SEEN, revision=0, at=issue.updated, shown=issue.updated)
    if copy.mark in issue.marks:
        return Reading(ours, _others(issue, copy.mark), adopted=True)
    if not direct:
        return Reading(None, issue.marks, doubt=True)
    return Reading(_declined(ours, copy.mark, sense), issue.marks, adopted=True)


def _declined(applied: Applied, mark: str, sense: Sense) -> Applied:
    return replace(applied, mark=None, declined=pair_of_mark(mark, sense.names))


def _recalling(reading: Reading) -> Reading:
    """Where a mark is taken over that this store did not write, it may not know of our comment either."""
    if not reading.adopted or reading.applied is None or reading.applied.comment is not None:
        return reading
    return replace(reading, applied=replace(reading.applied, recalled=True))


def _apart_from_others(issue: Issue, reading: Reading, signature: Signature) -> Reading:
    """A mark that another installation signed is nobody's word here, also where we wrote before."""
    copy = issue.copy
    if copy is None or copy.installation == signature.installation or copy.mark not in reading.hand:
        return reading
    hand = tuple(mark for mark in reading.hand if mark != copy.mark)
    return replace(reading, hand=hand, foreign=copy.installation)


def _after_a_write(issue: Issue, applied: Applied, sense: Sense, *, direct: bool, history: History | None) -> Reading:
    """Until a row shows our write, its absence is lag; past the overlap it is a lost write."""
    arrived = applied.mark is None or applied.mark in issue.marks
    cleared = applied.was is None or applied.was == applied.mark or applied.was not in issue.marks
    if arrived and cleared:
        return Reading(_seen(issue, applied), _others(issue, applied.mark))
    hand = _others(issue, applied.mark, applied.was)
    later = _own_copy(issue, sense)
    unknown = later is not None and later.mark not in (applied.mark, applied.was)
    superseded = unknown and issue.updated > applied.at  # no lag: somebody of ours wrote after us
    if not superseded and sense.now - applied.at <= sense.overlap:
        return Reading(applied, hand)
    if not direct:
        return Reading(applied, hand, doubt=True)
    if unknown and later is not None:
        return _recalled(issue, applied, later, sense, history)
    return _lost(issue, applied, history, arrived=arrived, cleared=cleared)


def _lost(issue: Issue, applied: Applied, history: History | None, *, arrived: bool, cleared: bool) -> Reading:
    """What a direct read does not show after all that time was lost: the whole write, or half of it."""
    if arrived and applied.mark is not None and not _half_done(issue, applied, history):
        return Reading(_seen(issue, applied), _others(issue, applied.mark))
    there = None if cleared else applied.was  # what should have gone is still ours, and is taken off once more
    stands = replace(
        applied,
        mark=there,
        was=None,
        proof=Proof.SEEN,
        shown=issue.updated,
        tries=applied.tries + 1,
        tried=(applied.mark, applied.was),
    )
    late = (applied.mark,) if arrived and applied.mark is not None else ()
    ours = parted(stands, applied.mark, applied.at)  # where it arrived, and the verdict changes before the next try
    return Reading(ours, _others(issue, applied.mark, applied.was), lost=True, late=late)


def _half_done(issue: Issue, applied: Applied, history: History | None) -> bool:
    """Whether only half of a swap arrived (a bulk edit does it in two steps), and nobody put the old mark back.

    An older write of ours may have put it back, whose answer nobody waited for: then the copy came with it.
    """
    if history is None or applied.was is None:
        return False
    signed = issue.copy is not None and issue.copy.mark == applied.was
    return not history.put_back(applied.was, applied.at) or (signed and history.is_by_us(applied.was))


def _seen(issue: Issue, applied: Applied) -> Applied:
    return replace(applied, proof=Proof.SEEN, shown=issue.updated, was=None, tries=1, tried=None)


def _at_rest(
    issue: Issue,
    applied: Applied,
    sense: Sense,
    *,
    direct: bool,
    pair: tuple[str, str | None] | None,
    history: History | None,
) -> Reading:
    """Only the absence of a seen mark, in a row changed later than the one that showed it, is a person's removal."""
    hand = _others(issue, applied.mark, *_half_swapped(issue, applied))
    later = _later_copy(issue, applied, sense)
    if later is not None:
        return _recalled(issue, applied, later, sense, history) if direct else Reading(applied, hand, doubt=True)
    if applied.mark is None or applied.mark in issue.marks:
        return Reading(applied, hand)
    older = applied.shown is not None and issue.updated <= applied.shown
    if not direct:
        return Reading(applied, hand, doubt=not older)
    by = None if history is None else history.took_off(applied.mark)
    name = None if by is None or by.name == UNKNOWN_AUTHOR else by.name
    declined = replace(applied, mark=None, declined=pair, declined_by=name, shown=issue.updated, bare=False)
    gone = parted(declined, applied.mark, issue.updated if by is None else by.at)
    return Reading(gone, hand, taken_off=True, taken_by=by)


def _half_swapped(issue: Issue, applied: Applied) -> tuple[str, ...]:
    """The new mark of a swap of ours of which the old one still stands: it is ours, too, and nobody's word."""
    if applied.tried is None or applied.tried[1] != applied.mark or issue.copy is None:
        return ()
    new = applied.tried[0]
    return (new,) if new is not None and issue.copy.mark == new else ()


# --- a store that is older than the tracker ---------------------------------------------------------------


def _own_copy(issue: Issue, sense: Sense) -> Copy | None:
    return issue.copy if issue.copy is not None and sense.signature.owns(issue.copy) else None


def _later_copy(issue: Issue, applied: Applied, sense: Sense) -> Copy | None:
    """Our own copy, where it tells of a write that this store does not remember: it was restored from a backup."""
    copy = _own_copy(issue, sense)
    if copy is None or copy.mark == applied.mark or applied.bare or _half_swapped(issue, applied):
        return None
    if applied.mark is not None:
        return copy
    if applied.declined is not None:  # the copy of what was declined stays behind
        return None if copy.mark is None or pair_of_mark(copy.mark, sense.names) == applied.declined else copy
    return None if applied.tried is not None and copy.mark == applied.tried[0] else copy


def _recalled(issue: Issue, applied: Applied, copy: Copy, sense: Sense, history: History | None) -> Reading:
    """What we wrote last, by the copy; what the older memory takes for ours is not, if it was put on since."""
    now = replace(applied, proof=Proof.SEEN, was=None, shown=issue.updated, declined=None, tries=1, tried=None)
    if copy.mark is not None and copy.mark in issue.marks:
        ours = parted(replace(now, mark=copy.mark), applied.mark, applied.at)  # which may stand beside it
        return Reading(ours, _others(issue, copy.mark), adopted=True)
    if applied.mark is not None and applied.mark in issue.marks:
        if history is None:
            return Reading(applied, _others(issue), adopted=True)
        put_on = history.put_on(applied.mark)
        if put_on is None or put_on.at <= applied.at + CLOCKS_DIFFER:  # the same as we put there: the copy lags
            return Reading(replace(now, mark=applied.mark, bare=True), _others(issue, applied.mark))
    gone = replace(now, mark=None, bare=False)
    stands = gone if copy.mark is None else _declined(gone, copy.mark, sense)
    return Reading(stands, _others(issue), adopted=True)


def _others(issue: Issue, *ours: str | None) -> tuple[str, ...]:
    return tuple(mark for mark in issue.marks if mark not in ours)
