"""CEL that fails while it runs: told as one finding for each rule, and closed when it does not fail any more."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from syncd.core.asking import expressions
from syncd.core.cel import Expression
from syncd.core.model import Finding
from syncd.engine.work import Work

KIND: Final = "cel"


def tell_faults(work: Work, now: datetime) -> None:
    """Keep the findings true."""
    work.store.save_findings(work.tracker, KIND, fault_findings(work), now)


def fault_findings(work: Work) -> list[Finding]:
    """Those of this pass, and earlier ones whose rule still fails on the issue they name."""
    failed = dict(work.matcher.faults)
    for finding in work.store.findings_of(KIND, work.tracker):
        if finding.cause not in failed and finding.key is not None:
            why = next(_fails(work, finding.cause, finding.key), None)
            if why is not None:
                failed[finding.cause] = (finding.key, why)
    return [_finding(work.tracker, rule, key, why) for rule, (key, why) in sorted(failed.items())]


def _finding(tracker: str, rule: str, key: str, why: str) -> Finding:
    text = f"the CEL of rule {rule} could not be computed on {key}, where it counts as unknown: {why}"
    return Finding(tracker=tracker, kind=KIND, cause=rule, text=text, key=key)


def _fails(work: Work, rule_id: str, key: str) -> Iterator[str]:
    """How expressions of that rule fail on that issue."""
    known = work.store.known(work.store.find(key, work.tracker))
    for rule in work.rulebook.rules:
        for source in expressions(rule) if rule.id == rule_id else ():
            expression = Expression(source)
            for one in known.values():
                if expression.holds(one.issue) is None and expression.fault is not None:
                    yield expression.fault
