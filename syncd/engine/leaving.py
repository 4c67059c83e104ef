"""Taking everything off again (`syncd withdraw`), and taking over what stands in the trackers (`syncd adopt`).

Both go by what the tracker holds, and not by what the store remembers alone: a store may be empty, or of yesterday.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from syncd.core.errors import TrackerError
from syncd.core.model import Action, Applied, Issue, IssueRef, Link, Origin
from syncd.core.plan import make_plan
from syncd.core.ports import Hold, SignedComment, Store, TraceReader, TrackerWriter
from syncd.engine.looking import look
from syncd.engine.recalling import comments_left, with_comment
from syncd.engine.work import Work
from syncd.engine.writing import carry_out, look_up_sending

BATCH = 1000
WHY = "syncd withdraw"


@dataclass(frozen=True, slots=True)
class Place:
    """What is withdrawn from: a tracker, a project of it, or one issue."""

    tracker: str
    project: str | None = None
    issue: IssueRef | None = None

    def holds(self, issue: Issue) -> bool:
        """Whether the issue lies there."""
        if self.issue is not None:
            return issue.ref == self.issue
        return self.project is None or issue.project == self.project


@dataclass(slots=True)
class Left:
    """What withdrawing from one place came to."""

    issues: int = 0
    """On which something of syncd's stood."""
    applied: int = 0
    waiting: int = 0
    labels: tuple[str, ...] = ()
    """Labels and groups that went, since nothing bears them any more."""
    notes: list[str] = field(default_factory=list)


def withdraw(work: Work, writer: TrackerWriter, place: Place) -> Left:
    """Take off every mark, copy and comment that syncd ever left there, in scope or not, and put the place on hold.

    The hold comes first, and every removal goes through the outbox: after a kill nothing is put on again, and running
    it once more goes on. Raises what reading raises.
    """
    store, left = work.store, Left()
    issue_id = None if place.issue is None else place.issue.id
    store.hold(Hold(work.tracker, place.project, issue_id, work.clock.now()))
    look_up_sending(work, writer)
    refs = sorted(_candidates(work, place))
    for start in range(0, len(refs), BATCH):
        work.still_ours()
        actions = [action for actions in _removals(work, refs[start : start + BATCH], place) for action in actions]
        left.issues += len({action.ref for action in actions})
        done = carry_out(work, writer, make_plan(actions))
        left.applied += done.applied
        left.waiting += done.waiting
        left.notes += done.notes
        work.watch(f"withdrawing from {work.tracker}", min(start + BATCH, len(refs)), len(refs))
    left.labels = writer.tidy()
    return left


def _candidates(work: Work, place: Place) -> set[IssueRef]:
    """Issues that may bear something: those the store wrote on, all in scope, and whoever bears a mark out there."""
    if place.issue is not None:
        return {place.issue}
    found = set(work.store.marked(work.tracker))
    for some in work.store.in_scope(work.tracker, batch=BATCH):
        found.update(some)
    if isinstance(work.reader, TraceReader):
        for issues in work.reader.marked():
            work.store.remember(work.tracker, issues, in_scope=False, now=work.clock.now())
            found.update(issue.ref for issue in issues)
    return found


def _removals(work: Work, refs: Sequence[IssueRef], place: Place) -> Iterator[Sequence[Action]]:
    """What is to be done on each of those issues, as they are now."""
    known = work.store.known(refs)
    found = work.reader.read([Link(ref.id, one.issue.key) for ref, one in known.items()])
    work.store.remember(work.tracker, found.issues, in_scope=False, now=work.clock.now())
    here = [issue for issue in found.issues if issue.ref in known and place.holds(issue)]
    comments = comments_left(work, [issue.ref for issue in here])
    for issue in here:
        actions = list(_off(issue, known[issue.ref].applied, comments.get(issue.ref, ()), work))
        if actions:
            yield actions


def _off(issue: Issue, applied: Applied | None, comments: Sequence[SignedComment], work: Work) -> Iterator[Action]:
    """Marks of ours by memory and by copy, our copy, our comments; another installation's stay."""
    ours = issue.copy is not None and issue.copy.installation == work.signature.installation
    told = [] if applied is None else [applied.mark, applied.was, *(applied.tried or ())]
    told += [issue.copy.mark] if issue.copy is not None and ours else []
    marks = tuple(sorted({mark for mark in told if mark is not None and mark in issue.marks}))
    foreign = issue.copy is not None and not ours
    revision = 0 if applied is None else applied.revision
    base = Action(
        ref=issue.ref,
        key=issue.key,
        project=issue.project,
        type=issue.type,
        kind="mark",
        why=WHY,
        revision=revision,
        origin=Origin.ISSUE,
    )
    for mark in marks:
        if not (foreign and issue.copy is not None and issue.copy.mark == mark):
            yield replace(base, remove=(mark,), revision=revision)
            revision += 1
    sticky = [] if applied is None or applied.comment is None else [applied.comment.id]
    signed = [one.id for one in comments if one.installation == work.signature.installation]
    for comment_id in dict.fromkeys((*sticky, *signed)):
        yield replace(base, kind="uncomment", comment_id=comment_id, revision=revision)
        revision += 1
    if ours or (marks and not foreign):  # taking a mark off writes a copy of its own
        yield replace(base, kind="unsign", revision=revision)


def end_holds(store: Store, actions: Sequence[Action]) -> None:
    """A person had these done: what was on hold there is so no more."""
    for hold in store.holds():
        if any(
            action.ref.tracker == hold.tracker
            and hold.project in (None, action.project)
            and hold.issue in (None, action.ref.id)
            for action in actions
        ):
            store.release_hold(hold)


# --- adopting ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Adopted:
    """What taking over came to."""

    tracker: str
    marks: int
    comments: int
    complete: bool
    notes: tuple[str, ...] = ()


def adopt(work: Work) -> Adopted:
    """Read everything, and take over what stands there and is signed by this installation, by whichever store.

    Nothing is written to the tracker. What people did since is believed.
    """
    before = work.store.progress(work.tracker)
    work.store.save_progress(work.tracker, replace(before, watermark=None))
    looked = look(replace(work, adopting=True), everything=True)
    comments, notes = 0, list(looked.notes)
    try:
        for some in work.store.in_scope(work.tracker, batch=BATCH):
            comments += _adopt_comments(work, some)
    except TrackerError as failed:
        notes.append(f"{work.tracker}: comments could not be looked for: {failed}")
    if looked.why is not None:
        notes.append(f"not read whole: {looked.why}")
    return Adopted(work.tracker, looked.adopted, comments, looked.complete, tuple(notes))


def _adopt_comments(work: Work, refs: Collection[IssueRef]) -> int:
    """Take over comments of this installation that the store does not know of; how many."""
    work.still_ours()
    found = comments_left(work, sorted(refs))
    known = work.store.known(sorted(found))
    learned = [
        one for ref, comments in found.items() if ref in known and (one := with_comment(work, known[ref], comments))
    ]
    if learned:
        work.store.save_applied(learned)
    return len(learned)
