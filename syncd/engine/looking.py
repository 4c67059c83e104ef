"""Look: observe, widen, decide and plan one tracker (DESIGN §3.1-7). No writer is in reach of this module."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from syncd.core.model import IssueRef
from syncd.core.ports import Progress
from syncd.engine.causes import tell_causes
from syncd.engine.deciding import Pass
from syncd.engine.faults import KIND as FAULT
from syncd.engine.faults import fault_findings, tell_faults
from syncd.engine.kinship import KIND as STRANGER
from syncd.engine.listening import listen
from syncd.engine.observing import observe
from syncd.engine.twinning import settle_twins
from syncd.engine.widening import BATCH, UNDECIDED, Widened, chunks, decided_under, descendants, earlier_rules, refs_of
from syncd.engine.work import Looked, Observed, Work


def look(work: Work, *, everything: bool = False) -> Looked:
    """Observe, decide what may have changed, and plan it; `everything` plans every issue in scope anew.

    Only then does the plan name what is skipped for a lasting reason. Else that is counted: of a large backlog under
    `observe` it would be as many sentences as there are issues.

    Raises `StoreError` and `LeaseLostError`; the tracker's faults are in the result.
    """
    before = work.store.progress(work.tracker)
    work.matcher.faults.clear()
    observed = observe(work, _undecided(before))
    redecide = before.rules_key != work.rules_key
    missed = (before.rules_key or "").startswith(UNDECIDED)
    unread = listen(work, observed, missed=missed, afresh=redecide)
    earlier = earlier_rules(work, before) if redecide else None
    replan = everything or before.plan_key != work.plan_key
    anew = observed.everything or (redecide and (earlier is None or replan))
    widened = Widened.of(work, observed, everything=anew)
    work.store.lapse(work.tracker, observed.now)
    unheard = work.store.unheard(work.tracker)
    spoken = {ref.id for ref in unheard.values()}
    widened.own |= spoken
    widened.below |= descendants(work, spoken) - widened.own
    pass_ = Pass(
        work,
        observed,
        widened,
        rules_changed=decided_under(before) not in (None, work.rules_key),
        empty=decided_under(before) is None,
        keep_held=everything,
    )
    for some in _batches(work, observed, widened, pass_.kinship.seen_before, everything=anew or replan):
        pass_.take(some)
    if earlier is not None and not anew:
        pass_.shift(earlier)
    if pass_.kinship.settled():
        for some in work.store.in_scope(work.tracker, batch=BATCH):
            pass_.take(some)
    while following := pass_.below_reworded():
        for some in chunks(following):
            pass_.take(some)
    settle_twins(work.store, work.clock.now())
    if pass_.decided or observed.rows:
        tell_causes(work, work.clock.now())
    told = {FAULT: fault_findings(work), STRANGER: pass_.kinship.findings()}
    work.store.settle_findings(work.tracker, told, work.clock.now())
    work.store.heard(list(unheard))
    done = replace(observed.progress, rules_key=work.rules_key, plan_key=work.plan_key)
    work.store.save_progress(work.tracker, replace(done, complete_scope=observed.read_whole))
    planned = pass_.plan()
    return Looked(
        plan=planned,
        complete=observed.complete and unread is None,
        why=observed.why or unread,
        observed=observed.rows,
        decided=pass_.decided,
        held=pass_.held_elsewhere(),
        in_scope=work.store.count_in_scope(work.tracker) if planned.actions else 0,
        skew=observed.skew,
        denied=observed.denied,
        reachable=observed.reachable,
        adopted=pass_.kinship.adopted,
        notes=pass_.kinship.notes,
    )


def look_named(work: Work, observed: Observed, spoken: Collection[str] = ()) -> Looked:
    """Decide and plan what a direct reading of some issues showed, and what hangs below them.

    `spoken`: ids of issues on which something else is said in comments now.

    The caller has seen to it that every stored decision was made under these rules. Raises as `look`.
    """
    work.matcher.faults.clear()
    widened = Widened.of(work, observed, everything=False)
    pass_ = Pass(work, observed, widened, rules_changed=False, empty=False)
    named = observed.echoed | widened.own | widened.below | frozenset(spoken)
    for some in chunks(refs_of(work, sorted(named | pass_.kinship.seen_before))):
        pass_.take(some)
    while following := pass_.below_reworded():
        for some in chunks(following):
            pass_.take(some)
    settle_twins(work.store, work.clock.now())
    tell_faults(work, work.clock.now())
    if pass_.decided:
        tell_causes(work, work.clock.now())
    return Looked(
        plan=pass_.plan(),
        complete=observed.complete,
        why=observed.why,
        observed=observed.rows,
        decided=pass_.decided,
        held=0,
        in_scope=work.store.count_in_scope(work.tracker),
        skew=observed.skew,
        notes=pass_.kinship.notes,
    )


def _undecided(before: Progress) -> Progress:
    """What is saved with all that is read: a pass that dies before it decides leaves word, and the next decides all.

    Without that, a snapshot would be known, its change heard of, and its verdict never looked at again.
    """
    return replace(before, rules_key=UNDECIDED + (decided_under(before) or ""))


def _batches(
    work: Work, observed: Observed, widened: Widened, besides: frozenset[str], *, everything: bool
) -> Iterator[Sequence[IssueRef]]:
    """What is looked at in this pass: everything, or what changed and what an earlier plan left open."""
    if everything:
        yield from work.store.in_scope(work.tracker, batch=BATCH)
        return
    left = {ref.id for ref in work.store.unsettled(work.tracker)} | besides
    yield from chunks(refs_of(work, sorted(observed.echoed | widened.own | widened.below | left)))
