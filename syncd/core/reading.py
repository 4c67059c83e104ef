"""What the marks on an issue mean: which are ours, which are people's, what is lag and what is lost (DESIGN §5).

Every issue has three legs: what we last wrote (`Applied`), what was observed (`Issue.marks`, `Issue.copy`), what is
wanted. This module joins the first two, `syncd.core.plan` the third. People's marks are never touched.

It is read in up to three looks, each only where the one before leaves doubt: the row as it was observed; the issue read
directly, past the search index; and that with its history (who and when).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from syncd.core.marks import is_outcome_mark, outcome_of_mark, pair_of_mark
from syncd.core.model import Applied, Copy, Issue, Override, OverrideSource, Person, Proof, Strategy, ToOutcome
from syncd.core.ports import Birth, LabelChange, MarkNames, Signature

UNKNOWN_AUTHOR: Final = "unknown"
CLOCKS_DIFFER: Final = timedelta(seconds=2)
"""How far the instant of an answer may lie from the one that the history has for the same write."""

TIES_COME: Final = timedelta(hours=1)
"""How long after its creation the link to what an issue was cloned from may come."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who did something to a mark, and when (tracker's clock)."""

    name: str
    at: datetime
    person: bool = True
    """Not an app, nor a customer of a service desk."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Who and when, for one issue, as the tracker tells it."""

    changes: Sequence[LabelChange] = ()
    birth: Birth | None = None
    copied: frozenset[str] = frozenset()
    """Marks of ours on what the issue is a copy or a part of: its clone source, what it was split from, its parent."""
    account: str = ""
    """The id of the account that syncd works with; empty: not known."""
    unproven: frozenset[str] = frozenset()
    """Marks that writes of ours were sent for, or against, of which no proof was ever seen."""

    def is_ours(self, mark: str, did: Author | None) -> bool:
        """Whether that came of a write of ours that nobody lived to settle.

        Our account alone proves nothing: it may be a person's, too.
        """
        return did is not None and did.id == self.account != "" and mark in self.unproven

    def put_on(self, mark: str) -> Author | None:
        """Who put a mark on last; None: nobody since the issue was created."""
        change = next((c for c in reversed(self.changes) if c.label == mark and c.added), None)
        return None if change is None else _author(change.by, change.at)

    def took_off(self, mark: str) -> Author | None:
        """Who took a mark off last."""
        change = next((c for c in reversed(self.changes) if c.label == mark and not c.added), None)
        return None if change is None else _author(change.by, change.at)

    def put_back(self, mark: str, since: datetime) -> bool:
        """Whether somebody put a mark on again that our write took off, since about that instant."""
        told = [c for c in self.changes if c.label == mark and c.at >= since - CLOCKS_DIFFER]
        gone = next((n for n, change in enumerate(told) if not change.added), None)
        return gone is not None and any(change.added for change in told[gone:])

    @property
    def creator(self) -> Author | None:
        """Who created the issue."""
        return None if self.birth is None else _author(self.birth.by, self.birth.at)


def _author(by: Person | None, at: datetime) -> Author:
    if by is None:
        return Author(UNKNOWN_AUTHOR, at)
    return Author(by.name, at, person=by.kind not in ("app", "customer"), id=by.id)


@dataclass(frozen=True, slots=True)
class Word:
    """A mark that somebody put on, and who."""

    mark: str
    by: Author


@dataclass(frozen=True, slots=True)
class Reading:
    """What the marks on an issue mean.

    `applied` is what we now believe is ours; `hand` are marks that others put there; `doubt` says that the issue must
    be read directly before anything new is believed; `foreign` names another installation that signed here, `stranger`
    another store of this one; `lost` says that our last write was acknowledged and is not there.
    """

    applied: Applied | None
    hand: tuple[str, ...] = ()
    doubt: bool = False
    foreign: str | None = None
    lost: bool = False
    taken_off: bool = False
    """The mark of ours that stood until now was taken off by somebody."""
    stranger: str | None = None
    """The instance id of the other store."""
    adopted: bool = False
    """Taken over from the copy that the tracker holds: this store did not know of it."""
    copied: str | None = None
    """A mark that came along when the issue was cloned or split, or that it was created with below its parent."""
    words: tuple[Word, ...] = ()
    """Who put the marks of `hand` on that are news, as far as the history tells."""
    taken_by: Author | None = None

    @property
    def left(self) -> tuple[str, ...]:
        """Marks that an app or a customer put on: nobody's word, and left alone."""
        return () if self.applied is None else tuple(m for m in self.applied.left if m in self.hand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """What reading depends on, besides the issue."""

    signature: Signature
    now: datetime
    """On the tracker's clock."""
    overlap: timedelta
    """How long an index may lag behind a write of ours."""
    names: MarkNames
    speaks: Callable[[str], bool]
    """Whether a mark that people put on says something: it names an outcome."""


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
    known = {o.mark for o in overrides if o.source is OverrideSource.MARK}
    if history is not None and not reading.doubt:
        return _who(issue, _late(issue, reading, applied, history, names=sense.names, pair=pair), known, sense, history)
    if reading.doubt or direct:
        return reading
    news = any(mark not in known and mark not in reading.left and sense.speaks(mark) for mark in reading.hand)
    ends = any(mark is not None and mark not in issue.marks for mark in known)
    if (news or ends or _may_prove_a_copy(issue, overrides, now)) and reading.foreign is None:
        return replace(reading, doubt=True)
    return reading


def _may_prove_a_copy(issue: Issue, overrides: Sequence[Override], now: datetime) -> bool:
    """Whether a mark of the creation was taken for somebody's word: the link to what was cloned comes a bit later."""
    inborn = any(o.source is OverrideSource.MARK and o.at <= issue.created for o in overrides)
    return inborn and now - issue.created < TIES_COME


def wants_history(issue: Issue, reading: Reading, overrides: Sequence[Override], names: MarkNames) -> bool:
    """Whether, after a direct read, it takes who and when to say more."""
    if reading.doubt or reading.foreign is not None or reading.stranger is not None:
        return False
    known = {o.mark: o for o in overrides if o.source is OverrideSource.MARK}
    news = any(m not in known and m not in reading.left and is_outcome_mark(m, names) for m in reading.hand)
    inborn = any(o.at <= issue.created for mark, o in known.items() if mark in reading.hand)
    return news or inborn or reading.taken_off


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
    if arrived and applied.mark is not None and not _half_done(applied, history):
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
    return Reading(stands, _others(issue, applied.mark, applied.was), lost=True)


def _half_done(applied: Applied, history: History | None) -> bool:
    """Whether only half of a swap arrived (a bulk edit does it in two steps), and nobody put the old mark back."""
    return history is not None and applied.was is not None and not history.put_back(applied.was, applied.at)


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
    return Reading(declined, hand, taken_off=True, taken_by=by)


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
        return Reading(replace(now, mark=copy.mark), _others(issue, copy.mark), adopted=True)
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


# --- who put the others on --------------------------------------------------------------------------------


def _who(issue: Issue, reading: Reading, known: set[str | None], sense: Sense, history: History) -> Reading:
    """Whose word each mark is: a person's, an app's, or none at all since it came along with a copy."""
    if reading.foreign is not None:
        return reading
    words: list[Word] = []
    left = list(reading.left)
    for mark in reading.hand:
        if mark in left or not sense.speaks(mark):
            continue
        put_on = history.put_on(mark)
        if put_on is None and mark in history.copied and (reading.applied is None or reading.applied.mark is None):
            return replace(reading, copied=mark)
        by = put_on or history.creator or Author(UNKNOWN_AUTHOR, sense.now)
        if mark in known:
            continue
        if by.person:
            words.append(Word(mark, by))
        else:
            left.append(mark)
    return replace(_leaving(issue, reading, tuple(left)), words=tuple(words))


def _late(
    issue: Issue,
    reading: Reading,
    before: Applied | None,
    history: History,
    *,
    names: MarkNames,
    pair: tuple[str, str | None] | None,
) -> Reading:
    """A write of ours that came through after it was given up: a bulk edit goes on when the process that sent it died.

    Its mark came without our copy. Taken for a person's word it would stand for ever; and so would be what it took
    off, taken for declined.
    """
    if reading.foreign is not None or reading.stranger is not None:
        return reading
    if reading.taken_off and before is not None and history.is_ours(before.mark or "", reading.taken_by):
        reading = replace(reading, applied=replace(before, mark=None, shown=issue.updated), taken_off=False)
        reading = replace(reading, taken_by=None)
    ours = [mark for mark in reading.hand if history.is_ours(mark, history.put_on(mark)) and mark not in reading.left]
    if not ours:
        return reading
    stands = None if reading.applied is None else reading.applied.mark
    others = replace(reading, hand=tuple(mark for mark in reading.hand if mark not in ours))
    if (
        stands is not None and pair_of_mark(stands, names) != pair
    ):  # half of a swap: the plan that follows does it whole
        return others
    return with_signed(others, issue, ours[-1])  # what else of ours stands there is put on, and this one taken off


def _leaving(issue: Issue, reading: Reading, left: tuple[str, ...]) -> Reading:
    """Remember which marks are left alone, so that nobody asks again."""
    applied = reading.applied
    if applied is None and not left:
        return reading
    if applied is None:
        applied = Applied(ref=issue.ref, mark=None, proof=Proof.SEEN, revision=0, at=issue.updated)
    return reading if applied.left == left else replace(reading, applied=replace(applied, left=left))


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
    return replace(
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
    )


def with_signed(reading: Reading, issue: Issue, mark: str) -> Reading:
    """The reading in which that mark is ours."""
    hand = tuple(m for m in reading.hand if m != mark)
    return replace(reading, applied=signed(reading, issue, mark), hand=hand, copied=None)
