"""The dashboard issue: at most one write a cycle, at most one an hour, through the outbox as every other."""

from syncd.core.dashboard import Figures, dashboard_comment, dashboard_due, dashboard_pair, says_otherwise
from syncd.core.model import Action, Link, Origin
from syncd.core.plan import Write, make_plan
from syncd.core.ports import Known, TrackerWriter
from syncd.engine.work import Looked, Work
from syncd.engine.writing import Done, carry_out


def write_dashboard(work: Work, writer: TrackerWriter, looked: Looked) -> Done:
    """Edit the one comment on the dashboard issue, if it is due and says something new."""
    key = work.policy.dashboard
    if key is None or not looked.complete:
        return Done()
    known = _issue(work, key)
    if known is None:
        done = Done()
        done.note(f"dashboard: {key} is not known in the scope of {work.tracker}")
        return done
    action = _action(work, known, looked)
    return Done() if action is None else carry_out(work, writer, make_plan([action]), others_stay=True)


def _issue(work: Work, key: str) -> Known | None:
    known = work.store.known(work.store.find(key, work.tracker)[:1])
    return next((one for one in known.values() if one.in_scope), None)


def _hidden(work: Work, keys: frozenset[str]) -> frozenset[str]:
    """Those of which nothing is known, or which stand under a security level or in a private team."""
    issues = work.store.by_link(work.tracker, [Link(None, key) for key in sorted(keys)]).values() if keys else ()
    return keys - {issue.key for issue in issues if not issue.restricted}


def _action(work: Work, known: Known, looked: Looked) -> Action | None:
    """None: closed by a person, not to be written there, not due, or nothing new."""
    issue, applied = known.issue, known.applied
    there = None if applied is None else applied.comment
    now = work.clock.now() + looked.skew
    if issue.closed or work.policy.may(issue.project) is Write.OBSERVE or work.policy.on_hold(issue):
        return None
    if not dashboard_due(there, now):
        return None
    figures = Figures.of(
        one for batch in work.store.standings(work.tracker) for one in batch if one.issue.ref != issue.ref
    )
    figures.hide(_hidden(work, figures.named()))
    says = dashboard_comment(figures, work.store.progress(work.tracker).last_success or now)
    pair = dashboard_pair(says, now)
    if not says_otherwise(there, pair):
        return None
    return Action(
        ref=issue.ref,
        key=issue.key,
        project=issue.project,
        type=issue.type,
        kind="comment",
        why="the dashboard",
        revision=0 if applied is None else applied.revision,
        origin=Origin.ISSUE,
        comment=says,
        comment_id=None if there is None else there.id,
        pair=pair,
    )
