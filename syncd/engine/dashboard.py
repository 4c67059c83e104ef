"""The dashboard issue: at most one write a cycle, at most one an hour, through the outbox as every other."""

from datetime import datetime

from syncd.core.dashboard import Figures, dashboard_comment, dashboard_due, dashboard_pair, says_otherwise
from syncd.core.model import Action, Issue, Link, Origin
from syncd.core.noise import notified
from syncd.core.plan import Write
from syncd.core.ports import Known, TrackerWriter
from syncd.engine.asking import rationed
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
    if action is None:
        return Done()
    bounded = rationed(work, [action], (), work.clock.now() + looked.skew)
    return carry_out(work, writer, bounded, others_stay=True)


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
    if not dashboard_due(there, now) or (there is None and _not_now(work, issue, now)):
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
        notifies=notified(issue) if there is None else (),
    )


def _not_now(work: Work, issue: Issue, now: datetime) -> bool:
    """Whether no new comment is made there at this hour, or at all."""
    comments = work.policy.comments
    quiet = comments.quiet is not None and comments.quiet.until(now) is not None
    return quiet or issue.project in comments.exposed
