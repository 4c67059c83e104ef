"""How syncd signs its work: the names of marks, the name of a write, and what a write leaves (DESIGN §5).

What is found on an issue is read by `syncd.core.reading`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final, assert_never

from syncd.core.fold import fold
from syncd.core.model import (
    Action,
    Applied,
    Conflict,
    Exempt,
    Mapped,
    Proof,
    Receipt,
    StickyComment,
    Strategy,
    Unmapped,
    Verdict,
)
from syncd.core.ports import MarkNames

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


# --- what people's marks say ------------------------------------------------------------------------------


def outcome_of_mark(mark: str, names: MarkNames, strategy: Strategy) -> str | None:
    """The outcome that a hand-set mark names, compared folded; None when it names none."""
    if not is_outcome_mark(mark, names):
        return None
    named = fold(mark).removeprefix(fold(names.outcome))
    return next((o.id for o in strategy.outcomes if fold(o.id) == named), None)


# --- what a write leaves ----------------------------------------------------------------------------------


def after_write(before: Applied | None, action: Action, receipt: Receipt) -> Applied:
    """What is applied once that action's receipt is in."""
    base = before or Applied(ref=action.ref, mark=None, proof=Proof.SEEN, revision=0, at=receipt.at)
    revision = base.revision + 1
    match action.kind:
        case "mark":
            return _after_mark(replace(base, revision=revision), action, receipt)
        case "comment":
            sticky = StickyComment(receipt.comment_id or action.comment_id or "", comment_digest(action), action.pair)
            return replace(base, comment=sticky, revision=revision, hushed=None, recalled=False)
        case "uncomment":
            return replace(base, comment=None, revision=revision, recalled=False)
        case "unsign":
            return replace(base, revision=revision, bare=True)
        case _:
            assert_never(action.kind)


def _after_mark(base: Applied, action: Action, receipt: Receipt) -> Applied:
    """Sent, not seen. Its tries go on counting only if it is the very write that got lost before."""
    mark = action.add[0] if action.add else None
    was = action.remove[0] if action.remove else None
    again = base.tried == (mark, was)
    now = replace(
        base,
        mark=mark,
        was=was,
        proof=Proof.SENT,
        at=receipt.at,
        declined=None,
        declined_by=None,
        shown=None,
        bare=False,
        tries=base.tries if again else 1,
        tried=base.tried if again else None,
        left=tuple(other for other in base.left if other != mark),  # it is ours now, whoever put it on before
        noted=tuple(other for other in base.noted if other != mark),
    )
    return parted(now, was, receipt.at)


def parted(applied: Applied, mark: str | None, at: datetime) -> Applied:
    """The same, with that mark kept as one that was ours until then, if it is not ours any more."""
    if mark is None or mark == applied.mark:
        return applied
    return replace(applied, past=tuple(sorted((dict(applied.past) | {mark: at}).items())))


def comment_gone(applied: Applied, action: Action) -> Applied:
    """What is applied once an edit met no comment any more: a person deleted it, so it stays away for that verdict.

    Where the verdict is another one by now than the one it was written for, a new comment may be due.
    """
    pair = None if applied.comment is None else applied.comment.pair
    unknown = pair is None  # written by an older version: nobody is asked twice
    return replace(applied, comment=None, hushed=action.pair if unknown or pair == action.pair else None)


def pair_of_mark(mark: str, names: MarkNames) -> tuple[str, str | None]:
    """The verdict pair that a mark of ours was written for."""
    if mark.startswith(names.outcome):
        return ("mapped", mark.removeprefix(names.outcome))
    return (mark.removeprefix(names.alignment), None)


def comment_digest(action: Action) -> str:
    """A hash of what a comment says, free of any tracker's markup: trackers rewrite what they store."""
    return hashlib.sha256(repr(action.comment).encode()).hexdigest()[:16]
