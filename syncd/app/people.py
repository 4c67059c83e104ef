"""What people tell syncd by command: words on single issues, and what to do with what it left in the trackers."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches

from syncd.app.commands import App, UnknownProjectError, UnknownTrackerError
from syncd.app.desk import scope_of
from syncd.core.errors import SyncdError
from syncd.core.findings import OpenFinding, ranked
from syncd.core.model import Finding, IssueRef, Override, OverrideSource, Strategy, Target, ToOutcome, ToOverhead
from syncd.core.ports import Store
from syncd.engine.leaving import Adopted, Left, Place, adopt, withdraw

AUTO = "auto"
OVERHEAD = "overhead:"


class UnknownTargetError(SyncdError):
    """What an override names is neither an outcome nor an overhead: correct the id."""


@dataclass(frozen=True, slots=True)
class Said:
    """A word on an issue, with the issue's key, and when it ended."""

    key: str
    override: Override
    ended: datetime | None = None


def target_of(text: str, strategy: Strategy) -> Target | None:
    """`OUTCOME`, `OUTCOME/OBJECTIVE`, `overhead:ID`, or `auto` (None). `UnknownTargetError` names the nearest ids."""
    if text.casefold() == AUTO:
        return None
    if text.startswith(OVERHEAD):
        overhead = text.removeprefix(OVERHEAD)
        if any(one.id == overhead for one in strategy.overhead):
            return ToOverhead(overhead)
    else:
        outcome_id, _, objective = text.partition("/")
        outcome = strategy.outcome(outcome_id)
        if outcome is not None and (not objective or any(o.id == objective for o in outcome.objectives)):
            return ToOutcome(outcome_id, objective or None)
    known = [o.id for o in strategy.outcomes]
    known += [f"{o.id}/{objective.id}" for o in strategy.outcomes for objective in o.objectives]
    known += [f"{OVERHEAD}{one.id}" for one in strategy.overhead]
    near = get_close_matches(text, known, n=3) or known
    raise UnknownTargetError(
        f"{text!r} is no outcome and no overhead of the strategy: write {', '.join(near)}, or {AUTO}"
    )


def expiry(text: str | None, now: datetime) -> datetime | None:
    """The end of that day in UTC: the word holds all through it."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UnknownTargetError(f"{text!r} is no date: write it as 2026-12-31") from None
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    if end <= now:
        raise UnknownTargetError(f"{text} is over already: an override must hold for some time")
    return end


def set_override(
    app: App, key: str, target: str, *, by: str, reason: str | None, expires: str | None, tracker: str | None
) -> Said:
    """A person's word on one issue, instead of what was said by command before. The next cycle decides with it."""
    with ExitStack() as stack:
        desk = app.offline_desk(stack)
        ref = app.find(desk.store, key, tracker)
        now = app.clock.now()
        word = Override(
            ref=ref,
            target=target_of(target, desk.config.rulebook.strategy),
            source=OverrideSource.ADMIN,
            author=by,
            at=now + desk.store.progress(ref.tracker).skew,
            reason=reason,
            expires=expiry(expires, now),
        )
        standing = desk.store.overrides([ref]).get(ref, ())
        commands = [o for o in standing if o.source is not OverrideSource.MARK]
        marks = len(commands) < len(standing)
        _drop_said(desk.store, ref)
        desk.store.speak([word] if word.target is not None or marks else [], commands, now)
        return Said(desk.store.known([ref])[ref].issue.key, word)


def drop_override(app: App, key: str, *, tracker: str | None) -> Sequence[Said]:
    """End what was said by command on one issue; a mark that a person put on it is theirs to take off."""
    with ExitStack() as stack:
        store = app.offline_desk(stack).store
        ref = app.find(store, key, tracker)
        now = app.clock.now()
        commands = [o for o in store.overrides([ref]).get(ref, ()) if o.source is not OverrideSource.MARK]
        _drop_said(store, ref)
        store.speak([], commands, now)
        issue_key = store.known([ref])[ref].issue.key
        return [Said(issue_key, override, now) for override in commands]


def _drop_said(store: Store, ref: IssueRef) -> None:
    """Comments that said it say nothing any more; what is said in new ones, or otherwise, is heard."""
    store.save_said(ref.tracker, [replace(one, dropped=True) for one in store.said(ref.tracker, [ref.id])], [])


def overrides(app: App, *, ended: bool = False) -> Sequence[Said]:
    """Every word that stands, by marks and by commands; or also those that ended. Oldest first."""
    with ExitStack() as stack:
        store = app.offline_desk(stack).store
        words = store.words(ended=ended)
        keys = _keys(store, sorted({override.ref for override, _ in words}))
        return [Said(keys[override.ref], override, at) for override, at in words]


def overrides_by_issue(app: App) -> Mapping[IssueRef, Sequence[Said]]:
    """Every word that was ever said, by issue; one that ran out is over, also where no cycle has come since."""
    now, found = app.clock.now(), dict[IssueRef, list[Said]]()
    for said in overrides(app, ended=True):
        word = said.override
        over = said.ended if said.ended is not None or word.stands(now) else word.expires
        found.setdefault(word.ref, []).append(replace(said, ended=over))
    return found


def _keys(store: Store, refs: Sequence[IssueRef]) -> dict[IssueRef, str]:
    found: dict[IssueRef, str] = {}
    for start in range(0, len(refs), 1000):
        found |= {ref: known.issue.key for ref, known in store.known(refs[start : start + 1000]).items()}
    return found


def findings(app: App, level: int | None = None) -> Sequence[OpenFinding]:
    """Open findings, or those of one level, the highest first."""
    with ExitStack() as stack:
        return ranked(app.offline_desk(stack).store.findings(), level)


def closed_findings(app: App) -> Sequence[tuple[datetime, datetime, Finding]]:
    """What was settled, with when it was opened and closed, the last first."""
    with ExitStack() as stack:
        return app.offline_desk(stack).store.finding_log()


# --- what stands in the trackers --------------------------------------------------------------------------


def withdraw_from(app: App, *, tracker: str | None, project: str | None, issue: str | None) -> Left:
    """Take off all that syncd left in one place. `UnknownKeyError`; `UnknownTrackerError`; `UnknownProjectError`.

    A project neither in scope nor known, in which nothing of ours stood, is a slip of the pen: no hold stays.
    """
    with ExitStack() as stack:
        desk = app.desk(stack)
        ref = None if issue is None else app.find(desk.store, issue, tracker)
        name = ref.tracker if ref is not None else tracker
        settings = next((t for t in desk.config.settings.trackers if t.id == name), None)
        if settings is None:
            raise UnknownTrackerError(str(name), (t.id for t in desk.config.settings.trackers))
        work = desk.work(stack, settings, app.lease(stack, desk.store, settings.id))
        left = withdraw(work, desk.writer(stack, settings), Place(settings.id, project, ref))
        if project is not None and not left.issues:
            known = {*scope_of(settings), *desk.store.count_projects(settings.id)}
            if project not in known:
                _release(desk.store, settings.id, project)
                raise UnknownProjectError(project, settings.id, known)
        return left


def _release(store: Store, tracker: str, project: str) -> None:
    for hold in store.holds(tracker):
        if hold.project == project and hold.issue is None:
            store.release_hold(hold)


def adopt_all(app: App) -> Sequence[Adopted]:
    """Take over what stands in every tracker, signed by this installation. Nothing is written there."""
    with ExitStack() as stack:
        desk = app.desk(stack)
        found = []
        for settings in desk.config.settings.trackers:
            work = desk.work(stack, settings, app.lease(stack, desk.store, settings.id))
            found.append(adopt(work))
        return found
