"""Looking at issues that webhooks named, between two polls: read directly, and then treated like any observation.

The cursor does not move: the next poll sees the same changes again and finds nothing new in them. So nothing is lost
when this is not done, done twice, or killed half way.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from syncd.core.errors import TrackerError
from syncd.core.model import Issue, IssueRef, Link
from syncd.core.plan import guard, make_plan
from syncd.core.ports import Change, Progress, TrackerWriter
from syncd.engine.looking import look_named
from syncd.engine.widening import UNDECIDED, decided_under
from syncd.engine.work import CycleResult, Observed, Work
from syncd.engine.writing import carry_out, without_resting

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
    looked = look_named(work, observed)
    work.store.save_progress(work.tracker, replace(before, skew=observed.skew))
    planned = without_resting(work, looked.plan)
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
        notes=tuple(done.notes),
    )


def _links(refs: Iterable[str]) -> list[Link]:
    return [Link(None, ref) if _KEY.fullmatch(ref) else Link(ref, None) for ref in dict.fromkeys(refs)]


def _observed(work: Work, before: Progress, links: Sequence[Link]) -> Observed:
    """What reading them directly shows. One that does not answer is left to the census: it may be hidden or gone."""
    started = work.clock.now()
    why = None
    issues: tuple[Issue, ...] = ()
    try:
        found = work.reader.read(links)
        issues = found.issues
    except TrackerError as failed:
        why = str(failed)
    skew = getattr(work.reader, "skew", before.skew)
    changes = _remembered(work, before, issues) if issues else {}
    echoed = frozenset(ref.id for ref, change in changes.items() if change is Change.MARKS)
    changed = frozenset(ref.id for ref in changes) - echoed
    return Observed(
        progress=before,
        rows=len(issues),
        changed=changed,
        refielded=frozenset(ref.id for ref, change in changes.items() if change is Change.FIELDS),
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


def _remembered(work: Work, before: Progress, issues: Sequence[Issue]) -> dict[IssueRef, Change]:
    """Keep them. Until they are decided the progress says so: a pass that dies in between leaves word."""
    store, now = work.store, work.clock.now()
    undecided = replace(before, rules_key=UNDECIDED + (decided_under(before) or ""))
    scope = {entry.casefold() for entry in work.scope}
    inside = [issue for issue in issues if not scope.isdisjoint(_places(issue))]
    outside = [issue for issue in issues if scope.isdisjoint(_places(issue))]
    known = store.known([issue.ref for issue in outside])
    outside = [issue for issue in outside if issue.ref in known]  # somebody's ancestor, or it was in scope until now
    with store.transaction():
        changes = dict(store.remember(work.tracker, inside, in_scope=True, now=now, progress=undecided))
        changes |= store.remember(work.tracker, outside, in_scope=False, now=now)
        left = [issue.ref.id for issue in outside if known[issue.ref].in_scope]
        store.take_out(work.tracker, left, "it moved out of the scope", now)
    return changes


def _places(issue: Issue) -> set[str]:
    return {issue.project.casefold(), *(name.casefold() for name in issue.team)}
