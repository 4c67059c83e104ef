"""How syncd signs its work, and how it reads what it finds: which marks are ours, which are people's, what is lag.

Every issue has three legs: what we last wrote (`Applied`), what was observed (`Issue.marks`), what is wanted. This
module joins the first two (`read_marks`, DESIGN §5), `syncd.core.plan` the third. People's marks are never touched.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, assert_never

from syncd.core.fold import fold
from syncd.core.model import (
    Action,
    Applied,
    Conflict,
    Exempt,
    Issue,
    Mapped,
    Override,
    OverrideSource,
    Proof,
    Receipt,
    StickyComment,
    Strategy,
    ToOutcome,
    Unmapped,
    Verdict,
)
from syncd.core.ports import MarkNames, Signature

UNKNOWN_AUTHOR: Final = "unknown"
WRITES_BEFORE_GIVING_UP: Final = 2
"""A mark that the tracker acknowledged and never showed is written once more, then left to a person."""


def wanted_mark(verdict: Verdict, names: MarkNames) -> str | None:
    """The one label an issue with that verdict should bear; none for exempt and for incomplete lineage."""
    match verdict:
        case Mapped(outcome=outcome):
            return names.outcome + outcome
        case Conflict():
            return names.alignment + "conflict"
        case Unmapped(incomplete=incomplete):
            return None if incomplete else names.alignment + "unmapped"
        case Exempt():
            return None
        case _:
            assert_never(verdict)


def is_mark(label: str, names: MarkNames) -> bool:
    """Whether a label lies in syncd's namespaces, whoever put it there. Names compare folded."""
    return fold(label).startswith(_prefixes(names))


@lru_cache
def _prefixes(names: MarkNames) -> tuple[str, str]:
    return fold(names.outcome), fold(names.alignment)


def is_outcome_mark(mark: str, names: MarkNames) -> bool:
    """Whether a mark lies in the namespace that says which outcome is served."""
    return fold(mark).startswith(fold(names.outcome))


def split_labels(labels: Sequence[str], names: MarkNames) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(people's labels, marks): what rules may see, and what they must not."""
    prefixes = _prefixes(names)
    marks = tuple([label for label in labels if fold(label).startswith(prefixes)])
    return (tuple([label for label in labels if label not in marks]) if marks else tuple(labels)), marks


def entry_key(instance: str, action: Action) -> str:
    """The name of one write: (issue, kind, wanted state, revision it starts from), in this store.

    A replay has the same name; A → B → A has three.
    """
    said = "" if action.comment is None else repr(action.comment)
    parts = (instance, action.ref.tracker, action.ref.id, action.kind, repr(action.add), repr(action.remove))
    text = "\n".join((*parts, said, action.comment_id or "", str(action.revision)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# --- reading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """What the marks on an issue mean.

    `applied` is what we now believe is ours; `hand` are marks that people (or others) put there; `doubt` says that
    the issue must be read directly before anything new is believed; `foreign` names another installation that signed
    here; `lost` says that our last write was acknowledged and is not there.
    """

    applied: Applied | None
    hand: tuple[str, ...] = ()
    doubt: bool = False
    foreign: str | None = None
    lost: bool = False
    taken_off: bool = False


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
) -> Reading:
    """Join what was observed with what we wrote.

    Args:
        issue: the newest snapshot; `direct` when it was read directly and not through a search index.
        applied: what we last wrote on it.
        overrides: those in force on it; a mark that already is one is nothing new.
        signature: who we are, to know our own copy in the tracker and another installation's.
        now: this instant on the tracker's clock.
        overlap: how long an index may lag behind a write of ours.
        direct: the snapshot is the truth at this moment.
        pair: the verdict pair that stood until now, remembered with a removal.
    """
    if applied is None:
        reading = _first_meeting(issue, signature)
    elif applied.proof is Proof.SENT:
        reading = _after_a_write(issue, applied, late=now - applied.at > overlap, direct=direct)
    else:
        reading = _at_rest(issue, applied, direct=direct, pair=pair)
    reading = _apart_from_others(issue, reading, signature)
    if reading.doubt or direct or not reading.hand:
        return reading
    known = {o.mark for o in overrides if o.source is OverrideSource.MARK}
    return replace(reading, doubt=True) if any(mark not in known for mark in reading.hand) else reading


def _first_meeting(issue: Issue, signature: Signature) -> Reading:
    """No memory of this issue: our own copy in the tracker is adopted."""
    copy = issue.copy
    if copy is None or copy.installation != signature.installation or copy.mark not in issue.marks:
        return Reading(None, issue.marks)
    ours = Applied(ref=issue.ref, mark=copy.mark, proof=Proof.SEEN, revision=0, at=issue.updated, shown=issue.updated)
    return Reading(ours, _others(issue, copy.mark))


def _apart_from_others(issue: Issue, reading: Reading, signature: Signature) -> Reading:
    """A mark that another installation signed is nobody's word here, also where we wrote before."""
    copy = issue.copy
    if copy is None or copy.installation == signature.installation or copy.mark not in reading.hand:
        return reading
    hand = tuple(mark for mark in reading.hand if mark != copy.mark)
    return replace(reading, hand=hand, foreign=copy.installation)


def _after_a_write(issue: Issue, applied: Applied, *, late: bool, direct: bool) -> Reading:
    """Until a row shows our write, its absence is lag; past the overlap it is a lost write."""
    arrived = applied.mark is None or applied.mark in issue.marks
    cleared = applied.was is None or applied.was == applied.mark or applied.was not in issue.marks
    if arrived and cleared:
        return Reading(_seen(issue, applied), _others(issue, applied.mark))
    hand = _others(issue, applied.mark, applied.was)
    if not late:
        return Reading(applied, hand)
    if not direct:
        return Reading(applied, hand, doubt=True)
    if arrived and applied.mark is not None:  # one write does both: what it took off was put on again by somebody
        return Reading(_seen(issue, applied), _others(issue, applied.mark))
    there = None if cleared else applied.was  # what should have gone is still ours, and is taken off once more
    stands = replace(applied, mark=there, was=None, proof=Proof.SEEN, shown=issue.updated, tries=applied.tries + 1)
    return Reading(stands, hand, lost=True)


def _seen(issue: Issue, applied: Applied) -> Applied:
    return replace(applied, proof=Proof.SEEN, shown=issue.updated, was=None, tries=1)


def _at_rest(issue: Issue, applied: Applied, *, direct: bool, pair: tuple[str, str | None] | None) -> Reading:
    """Only the absence of a seen mark, in a row changed later than the one that showed it, is a person's removal."""
    hand = _others(issue, applied.mark)
    if applied.mark is None or applied.mark in issue.marks:
        return Reading(applied, hand)
    older = applied.shown is not None and issue.updated <= applied.shown
    if not direct:
        return Reading(applied, hand, doubt=not older)
    declined = replace(applied, mark=None, declined=pair, shown=issue.updated)
    return Reading(declined, hand, taken_off=True)


def _others(issue: Issue, *ours: str | None) -> tuple[str, ...]:
    return tuple(mark for mark in issue.marks if mark not in ours)


# --- what people's marks say ------------------------------------------------------------------------------


def outcome_of_mark(mark: str, names: MarkNames, strategy: Strategy) -> str | None:
    """The outcome that a hand-set mark names, compared folded; None when it names none."""
    if not is_outcome_mark(mark, names):
        return None
    named = fold(mark).removeprefix(fold(names.outcome))
    return next((o.id for o in strategy.outcomes if fold(o.id) == named), None)


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
    if reading.doubt or reading.foreign is not None:
        return [], []
    by_mark = {o.mark: o for o in standing if o.source is OverrideSource.MARK}
    ended = [o for mark, o in by_mark.items() if mark not in issue.marks]
    named = ((mark, outcome_of_mark(mark, names, strategy)) for mark in reading.hand if mark not in by_mark)
    started = [
        Override(
            ref=issue.ref,
            target=ToOutcome(outcome),
            source=OverrideSource.MARK,
            author=UNKNOWN_AUTHOR,
            at=now,
            mark=mark,
        )
        for mark, outcome in named
        if outcome is not None
    ]
    return started, ended


def signed(reading: Reading, issue: Issue, mark: str) -> Applied:
    """An unsigned mark equal to what the rules decide becomes ours: it follows the rules from now on."""
    revision = 0 if reading.applied is None else reading.applied.revision
    comment = None if reading.applied is None else reading.applied.comment
    return Applied(
        ref=issue.ref,
        mark=mark,
        proof=Proof.SEEN,
        revision=revision,
        at=issue.updated,
        shown=issue.updated,
        comment=comment,
    )


# --- what a write leaves ----------------------------------------------------------------------------------


def after_write(before: Applied | None, action: Action, receipt: Receipt) -> Applied:
    """What is applied once that action's receipt is in."""
    base = before or Applied(ref=action.ref, mark=None, proof=Proof.SEEN, revision=0, at=receipt.at)
    revision = base.revision + 1
    match action.kind:
        case "mark":
            mark = action.add[0] if action.add else None
            was = action.remove[0] if action.remove else None
            return replace(
                base, mark=mark, was=was, proof=Proof.SENT, revision=revision, at=receipt.at, declined=None, shown=None
            )
        case "comment":
            sticky = StickyComment(receipt.comment_id or action.comment_id or "", comment_digest(action))
            return replace(base, comment=sticky, revision=revision)
        case "uncomment":
            return replace(base, comment=None, revision=revision)
        case _:
            assert_never(action.kind)


def comment_digest(action: Action) -> str:
    """A hash of what a comment says, free of any tracker's markup: trackers rewrite what they store."""
    return hashlib.sha256(repr(action.comment).encode()).hexdigest()[:16]
