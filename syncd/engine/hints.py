"""Looking at issues that webhooks named, between two polls: read directly, and then treated like any observation.

The cursor does not move: the next poll sees the same changes again and finds nothing new in them. So nothing is lost
when this is not done, done twice, or killed half way.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from syncd.core.errors import TrackerError
from syncd.core.model import IssueRef, Link
from syncd.core.plan import guard, make_plan
from syncd.core.ports import Change, Found, Progress, TrackerWriter
from syncd.engine.census import Counted, believe, placed, put_outside
from syncd.engine.listening import listen_at
from syncd.engine.looking import look_named
from syncd.engine.resting import without_resting
from syncd.engine.widening import UNDECIDED, decided_under
from syncd.engine.work import CycleResult, Observed, Work
from syncd.engine.writing import carry_out

_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]*-[0-9]+")


def run_named(work: Work, writer: TrackerWriter, refs: Sequence[str]) -> CycleResult:
    """Read those issues (ids or keys), decide, plan and write them. What the guard refuses is left to the next cycle.

    Does nothing while the next cycle has more to do than to read: a first reading, or an edit of the rules.
    Raises `StoreError`, `LeaseLostError`, `StoppingError`.
    """
    before = work.store.progress(work.tracker)
    if before.first_complete is None or before.why is not None or before.rules_key != work.rules_key:
        return CycleResult(tracker=work.tracker, complete=True, why=None)
    observed = _observed(work, before, _links(refs))
    if not observed.reachable:
        return CycleResult(tracker=work.tracker, why=observed.why, reachable=False, requests=work.reader.requests)
    spoken, unread = listen_at(work, _ids(work, refs))
    looked = look_named(work, observed, spoken)
    with work.store.together():  # as a whole pass does: a tracker that was taken over is another's to call decided
        work.still_ours()
        work.store.save_progress(work.tracker, replace(before, skew=observed.skew))
    planned, _ = without_resting(work, looked.plan)
    guarded = guard(planned, {work.tracker: looked.in_scope}, work.limits)
    done = carry_out(work, writer, make_plan(guarded.plan.actions), others_stay=True)
    return CycleResult(
        tracker=work.tracker,
        observed=looked.observed,
        decided=looked.decided,
        planned=len(planned.actions),
        applied=done.applied,
        skipped=len(planned.skipped),
        waiting=done.waiting,
        requests=work.reader.requests + writer.requests,
        complete=True,
        notes=(*done.notes, *([unread] if unread else [])),
    )


def _ids(work: Work, refs: Sequence[str]) -> frozenset[str]:
    """The ids of those that are known and in scope."""
    known = work.store.by_link(work.tracker, _links(refs)).values()
    return frozenset(issue.ref.id for issue in known)


def _links(refs: Iterable[str]) -> list[Link]:
    return [Link(None, ref) if _KEY.fullmatch(ref) else Link(ref, None) for ref in dict.fromkeys(refs)]


def _observed(work: Work, before: Progress, links: Sequence[Link]) -> Observed:
    """What reading them directly shows."""
    started, why, rows = work.clock.now(), None, 0
    counted = Counted()
    try:
        found = work.reader.read(links)
        rows = len(found.issues)
        _remember(work, before, found, counted)
        _miss(work, found.missing, counted)
    except TrackerError as failed:
        why = str(failed)
    skew = getattr(work.reader, "skew", before.skew)
    echoed = frozenset(ref.id for ref, change in counted.changes.items() if change is Change.MARKS)
    return Observed(
        progress=before,
        rows=rows,
        changed=frozenset(ref.id for ref in counted.changes) - echoed | counted.orphaned,
        refielded=frozenset(ref.id for ref, change in counted.changes.items() if change is Change.FIELDS),
        echoed=echoed,
        complete=why is None,
        reachable=why is None,
        why=why,
        skew=skew,
        denied=(),
        now=started + skew,
        familiar=frozenset(before.complete_scope),
        read_whole=before.complete_scope,
    )


def _remember(work: Work, before: Progress, found: Found, counted: Counted) -> None:
    """Keep them. Until they are decided the progress says so: a pass that dies in between leaves word."""
    store, now = work.store, work.clock.now()
    inside, outside = placed(found, work.scope)
    known = store.known([issue.ref for issue in outside])
    outside = [issue for issue in outside if issue.ref in known]  # somebody's ancestor, or it was in scope until now
    undecided = replace(before, rules_key=UNDECIDED + (decided_under(before) or ""))
    with store.transaction():
        counted.changes.update(store.remember(work.tracker, inside, in_scope=True, now=now, progress=undecided))
        counted.moved_out += put_outside(work, outside, counted.changes, now)
        counted.orphaned.update(issue.ref.id for issue in outside if known[issue.ref].in_scope)
        store.set_aside(work.tracker, found.unreadable, now)


def _miss(work: Work, missing: Sequence[Link], counted: Counted) -> None:
    """What answers nothing was deleted, unless its project is hidden or it is many at once: that is for the census."""
    known = work.store.known([IssueRef(work.tracker, link.id) for link in missing if link.id])
    lost = {ref.id: one.issue.project.casefold() for ref, one in known.items() if one.in_scope}
    if not lost or len(lost) > work.limits.always:
        return
    hidden = {entry.casefold() for entry in work.reader.look_around().hidden}
    gone = [Link(id_, None) for id_, project in sorted(lost.items()) if project not in hidden]
    believe(work, gone, counted)
