"""Look: observe, widen, decide and plan one tracker (DESIGN §3.1-7). No writer is in reach of this module."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from syncd.core.model import IssueRef
from syncd.core.plan import make_plan
from syncd.core.ports import Brief, Owed, Progress
from syncd.engine.causes import tell_causes
from syncd.engine.deciding import Pass
from syncd.engine.faults import KIND as FAULT
from syncd.engine.faults import fault_findings, tell_faults
from syncd.engine.kinship import KIND as STRANGER
from syncd.engine.listening import listen
from syncd.engine.observing import observe
from syncd.engine.twinning import KIND as TWIN
from syncd.engine.twinning import settle_twins
from syncd.engine.widening import BATCH, UNDECIDED, Widened, chunks, decided_under, descendants, earlier_rules, refs_of
from syncd.engine.work import Looked, Observed, Work

DECIDES: Final = frozenset({Owed.EXPIRING, Owed.UNHEARD, Owed.UNSETTLED})
"""What a store may owe a tracker that only deciding and planning pays."""


def look(work: Work, *, everything: bool = False, brief: Brief | None = None) -> Looked:
    """Observe, decide what may have changed, and plan it; `everything` plans every issue in scope anew.

    Only then does the plan name what is skipped for a lasting reason. Else that is counted: of a large backlog under
    `observe` it would be as many sentences as there are issues.

    `brief`: what the store holds as the pass begins, if the caller has asked. Raises `StoreError` and
    `LeaseLostError`; the tracker's faults are in the result.
    """
    brief = brief or work.store.brief(work.tracker)
    before = brief.progress
    work.matcher.faults.clear()
    observed = observe(work, _undecided(before), brief)
    redecide = before.rules_key != work.rules_key
    missed = (before.rules_key or "").startswith(UNDECIDED)
    heard = listen(work, observed, brief, missed=missed, afresh=redecide)
    if not everything and not heard.touched and _at_rest(work, observed, brief):
        return _rested(work, observed, brief, heard.why)
    work.still_ours()  # an observation that found nothing has not asked
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
    if pass_.decided or observed.rows or pass_.touched.all:
        if earlier is not None and earlier.rulebook.strategy != work.rulebook.strategy:  # whose owners findings name
            pass_.touched.all = True
        tell_causes(work, pass_.touched, work.clock.now())
    told = {FAULT: fault_findings(work), STRANGER: pass_.kinship.findings()}
    work.store.settle_findings(work.tracker, told, work.clock.now())
    work.store.heard(list(unheard))
    _save(work, observed)
    planned = pass_.plan()
    return Looked(
        plan=planned,
        complete=observed.complete and heard.why is None,
        why=observed.why or heard.why,
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


def _at_rest(work: Work, observed: Observed, brief: Brief) -> bool:
    """Whether there is nothing to decide or to plan: nobody changed anything, and nothing is owed."""
    same = (brief.progress.rules_key, brief.progress.plan_key) == (work.rules_key, work.plan_key)
    return same and observed.quiet and not (brief.owed & DECIDES or brief.findings & {TWIN, FAULT, STRANGER})


def _rested(work: Work, observed: Observed, brief: Brief, unheard: str | None) -> Looked:
    """A pass that found nothing: how far it read is all that it keeps."""
    _save(work, observed)
    return Looked(
        plan=make_plan(()),
        complete=observed.complete and unheard is None,
        why=observed.why or unheard,
        observed=observed.rows,
        decided=0,
        held=brief.held,
        in_scope=0,
        skew=observed.skew,
        denied=observed.denied,
        reachable=observed.reachable,
    )


def _save(work: Work, observed: Observed) -> None:
    """Everything that was read is decided under these rules.

    Only while the tracker is still ours: whoever took it over may have left word of something that is not decided.
    """
    done = replace(observed.progress, rules_key=work.rules_key, plan_key=work.plan_key)
    with work.store.together():
        work.still_ours()
        work.store.save_progress(work.tracker, replace(done, complete_scope=observed.read_whole))


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
        tell_causes(work, pass_.touched, work.clock.now())
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
