"""Comments of this installation that the store does not know of: it is new, restored, or took a mark over.

One mechanism for `syncd adopt`, which asks for every issue, and for a cycle, which asks only where a new comment is to
be written on an issue whose mark was taken over (`Applied.recalled`). What a comment says may not be told (its digest
is empty then); it is compared when it is next to be edited, and left as it is where it says that already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from syncd.core.marks import comment_digest
from syncd.core.model import Action, Applied, IssueRef, Proof, StickyComment
from syncd.core.ports import Entry, Known, SignedComment, TraceReader, TrackerWriter
from syncd.engine.work import Work


def comments_left(work: Work, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[SignedComment]]:
    """What any syncd signed on those issues; nothing where the tracker's comments bear no signature."""
    return work.reader.traces(refs) if refs and isinstance(work.reader, TraceReader) else {}


def with_comment(work: Work, known: Known, comments: Sequence[SignedComment]) -> Applied | None:
    """What is applied once the newest of our comments there is taken over; None: there is nothing to take over."""
    ours = [one for one in comments if one.installation == work.signature.installation]
    blank = Applied(ref=known.issue.ref, mark=None, proof=Proof.SEEN, revision=0, at=known.issue.updated)
    applied = known.applied or blank
    if not ours or applied.comment is not None:
        return None
    pair = None if known.standing is None else known.standing.decision.pair
    return replace(applied, comment=StickyComment(ours[-1].id, ours[-1].digest or "", pair), recalled=False)


def found_instead(work: Work, writer: TrackerWriter, entry: Entry) -> str | None:
    """Why a comment need not be written as it was planned: what stands there was learned of. None: write it.

    Raises the TrackerErrors of looking.
    """
    action = entry.action
    if action.kind != "comment":
        return None
    known = work.store.known([action.ref])[action.ref]
    if known.applied is None:
        return None
    if action.comment_id is not None:
        return _says_so_already(work, writer, entry, known.applied)
    if not known.applied.recalled:
        return None
    learned = with_comment(work, known, comments_left(work, [action.ref]).get(action.ref, ()))
    if learned is None:
        return None
    work.store.save_applied([learned])
    return "a comment of ours is there already: that one is edited"


def _says_so_already(work: Work, writer: TrackerWriter, entry: Entry, applied: Applied) -> str | None:
    """Of a comment that was taken over without its digest, only the tracker can tell what it says."""
    if applied.comment is None or applied.comment.digest or not _is_said(writer, entry):
        return None
    action: Action = entry.action
    told = replace(applied.comment, digest=comment_digest(action), pair=action.pair)
    work.store.save_applied([replace(applied, comment=told, hushed=None)])
    return "the comment that was taken over says that already"


def _is_said(writer: TrackerWriter, entry: Entry) -> bool:
    return writer.look(entry.action, entry.key) is not None
