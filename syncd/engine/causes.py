"""What conflicts and divergences come from: one finding for each cause, from the decisions as they stand."""

from datetime import datetime

from syncd.core.findings import conflict_finding, divergence_finding
from syncd.core.model import Link
from syncd.engine.work import Work


def tell_causes(work: Work, now: datetime) -> None:
    """Open one finding for each cause of a conflict, and for each ancestor that work below it differs from."""
    store, tracker, strategy = work.store, work.tracker, work.rulebook.strategy
    causes, divergences = store.causes(tracker), store.divergences(tracker)
    refs = sorted({decision.ref for _, decision in (*causes, *divergences)})
    keys = {ref: known.issue.key for ref, known in store.known(refs).items()}
    conflicts = [conflict_finding(count, keys[one.ref], one, strategy) for count, one in causes]
    links = {one.diverges_from: Link(None, one.diverges_from) for _, one in divergences}
    above = store.by_link(tracker, list(links.values()))
    diverging = [
        divergence_finding(count, keys[one.ref], one, above.get(links[one.diverges_from])) for count, one in divergences
    ]
    store.save_findings(tracker, "conflict", conflicts, now)
    store.save_findings(tracker, "divergence", diverging, now)
