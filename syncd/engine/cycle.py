"""One whole cycle over one tracker, and the doing of a plan that a person was shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from syncd.core.findings import EXPOSED
from syncd.core.marks import comment_digest
from syncd.core.model import Action, Plan
from syncd.core.plan import Guarded, Write, guard, make_plan, same_write
from syncd.core.ports import Brief, Known, Owed, Store, StoredPlan, TrackerWriter
from syncd.engine.dashboard import write_dashboard
from syncd.engine.looking import look
from syncd.engine.resting import without_resting
from syncd.engine.work import CycleResult, Looked, Work
from syncd.engine.writing import Done, carry_out, look_up_sending


def run_cycle(work: Work, writer: TrackerWriter) -> CycleResult:
    """Observe, decide, plan, guard, apply, settle. What the guard refuses is kept and waits for a person.

    Raises `StoreError` and `LeaseLostError`; the tracker's faults are in the result.
    """
    brief = work.store.brief(work.tracker)
    left, earlier = brief.owed & {Owed.TODO, Owed.SENDING}, Done()
    if Owed.SENDING in left:
        earlier = look_up_sending(work, writer)
        brief = work.store.brief(work.tracker)  # the tracker may have asked to be left alone
    looked = _look(work, brief=brief)
    guarded = guard(looked.plan, {work.tracker: looked.in_scope}, work.limits)
    if guarded.refusals or Owed.WAITING in brief.owed:
        _keep_refused(work, guarded)
    done = carry_out(work, writer, guarded.plan) if guarded.plan.actions or left else Done()
    board = Done() if done.stopped else write_dashboard(work, writer, looked)
    denied = [*looked.denied, *done.denied, *board.denied]
    if not done.stopped and (denied or "denied" in brief.findings):
        # everything was tried: what was denied before and is not now has been granted
        work.store.save_findings(work.tracker, "denied", denied, work.clock.now())
    if EXPOSED in brief.findings:
        _settle_exposed(work)
    return CycleResult(
        tracker=work.tracker,
        observed=looked.observed,
        decided=looked.decided,
        planned=len(looked.plan.actions),
        applied=earlier.applied + done.applied + board.applied,
        skipped=len(looked.plan.skipped) + looked.held,
        waiting=done.waiting + earlier.waiting + board.waiting,
        requests=work.reader.requests + writer.requests,
        complete=looked.complete,
        reachable=looked.reachable,
        why=looked.why,
        refusals=guarded.refusals,
        notes=(*looked.notes, *earlier.notes, *done.notes, *board.notes),
    )


def _settle_exposed(work: Work) -> None:
    """Where comments may not be made any more, there is nothing to keep off: once they may again, one is tried."""
    known = [finding for _, finding in work.store.findings(work.tracker) if finding.kind == EXPOSED]
    left = [finding for finding in known if work.policy.may(finding.cause) is Write.COMMENT]
    if left != known:
        work.store.save_findings(work.tracker, EXPOSED, left, work.clock.now())


def _look(work: Work, *, everything: bool = False, brief: Brief | None = None) -> Looked:
    """Observe, decide and plan; writes that rest are skipped."""
    looked = look(work, everything=everything, brief=brief)
    if not looked.plan.actions:
        return looked
    planned, barred = without_resting(work, looked.plan)
    return replace(looked, plan=planned, denied=(*looked.denied, *barred))


def _keep_refused(work: Work, guarded: Guarded) -> None:
    now = work.clock.now()
    if guarded.refusals:
        work.store.save_plan(StoredPlan(guarded.refused, (work.tracker,), now, guarded.refusals))
    else:
        work.store.clear_waiting(work.tracker, now)


# --- a plan that was shown --------------------------------------------------------------------------------


@dataclass(slots=True)
class Applied:
    """What doing a shown plan came to."""

    digest: str
    settled_before: int = 0
    """Actions of it that were done already."""
    applied: int = 0
    dropped: list[Action] = field(default_factory=list)
    """Actions of it that no longer hold."""
    new: list[Action] = field(default_factory=list)
    """Actions that were not shown, and wait."""
    waiting: int = 0
    requests: int = 0
    incomplete: dict[str, str] = field(default_factory=dict)
    """Trackers that could not be read whole, and why."""
    notes: list[str] = field(default_factory=list)

    @property
    def nothing_holds(self) -> bool:
        """Whether not one action of it was done, now or before."""
        return not self.applied and not self.settled_before and not self.waiting

    @property
    def waits(self) -> bool:
        """Whether something could not be written, or is new."""
        return bool(self.waiting or self.new)


@dataclass(frozen=True)
class Pair:
    """A tracker's work and the writer for it."""

    work: Work
    writer: TrackerWriter


def apply_shown(store: Store, pairs: Sequence[Pair], shown: StoredPlan, *, exact: bool) -> Applied:
    """Observe again and do those actions of the shown plan that a fresh one still contains, over the limits too.

    `exact`: only if every action of it still holds (or is done); else nothing is written. Nothing that was not
    shown is ever written.
    """
    result = Applied(shown.plan.digest)
    wanted = {same_write(action): action for action in shown.plan.actions}
    fresh: dict[str, Looked] = {}
    for pair in pairs:
        earlier = look_up_sending(pair.work, pair.writer)
        result.applied += earlier.applied
        looked = _look(pair.work, everything=True)
        fresh[pair.work.tracker] = looked
        if not looked.complete:
            result.incomplete[pair.work.tracker] = looked.why or ""
    held = {same_write(a): a for looked in fresh.values() for a in looked.plan.actions}
    result.new = [action for name, action in held.items() if name not in wanted]
    _part(store, result, [action for name, action in wanted.items() if name not in held])
    if exact and result.dropped:
        return result
    for pair in pairs:
        chosen = [held[name] for name in wanted if name in held and held[name].ref.tracker == pair.work.tracker]
        _add(result, carry_out(pair.work, pair.writer, make_plan(chosen)))
        result.requests += pair.work.reader.requests + pair.writer.requests
    _close(pairs, result)
    return result


def applied_before(store: Store, shown: StoredPlan) -> Applied:
    """What doing a settled plan again comes to, told from the store alone: done before, or dropped."""
    result = Applied(shown.plan.digest)
    _part(store, result, shown.plan.actions)
    return result


def _close(pairs: Sequence[Pair], result: Applied) -> None:
    """A plan of which nothing waits is settled; where nothing new came up, no refused plan waits any more either."""
    if result.waiting or result.nothing_holds:
        return
    for pair in pairs:
        now = pair.work.clock.now()
        pair.work.store.settle_plan(result.digest, now)
        if not any(action.ref.tracker == pair.work.tracker for action in result.new):
            pair.work.store.clear_waiting(pair.work.tracker, now)


def _part(store: Store, result: Applied, left: Sequence[Action]) -> None:
    """Part what need not be written into what was done before and what no longer holds."""
    known = store.known(list({action.ref for action in left}))
    result.dropped = [action for action in left if not _is_done(known.get(action.ref), action)]
    result.settled_before = len(left) - len(result.dropped)


def _is_done(known: Known | None, action: Action) -> bool:
    """Whether what that action wanted is what we last wrote."""
    applied = None if known is None else known.applied
    if applied is None:
        return False
    if action.kind == "mark":
        return applied.mark == (action.add[0] if action.add else None)
    if action.kind == "uncomment":
        return applied.comment is None
    return applied.comment is not None and applied.comment.digest == comment_digest(action)


def _add(result: Applied, done: Done) -> None:
    result.applied += done.applied
    result.waiting += done.waiting
    result.notes += done.notes


def show(works: Sequence[Work]) -> tuple[Plan, Guarded, dict[str, str], dict[str, Looked]]:
    """Plan everything in every tracker, keep it under its digest: (plan, guarded, what was incomplete, details)."""
    looked = {work.tracker: _look(work, everything=True) for work in works}
    whole = make_plan(
        (a for one in looked.values() for a in one.plan.actions),
        (s for one in looked.values() for s in one.plan.skipped),
    )
    limits = works[0].limits
    guarded = guard(whole, {name: one.in_scope for name, one in looked.items()}, limits)
    incomplete = {name: one.why or "" for name, one in looked.items() if not one.complete}
    if whole.actions:
        work = works[0]
        work.store.save_plan(StoredPlan(whole, tuple(looked), work.clock.now(), guarded.refusals))
    return whole, guarded, incomplete, looked
