"""Values → the `--json` shapes of DESIGN §10. The keys are a contract: none is renamed, removed or changes meaning."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

from syncd.core.examine import Examined
from syncd.core.explain import Explanation, Twin
from syncd.core.model import (
    Action,
    Candidate,
    Conflict,
    Decision,
    Evidence,
    Exempt,
    Mapped,
    Plan,
    Refusal,
    Skipped,
    Unmapped,
)
from syncd.core.ports import Entry, StoredPlan
from syncd.core.report import target_name
from syncd.core.votes import KINDS, RuleVotes, Suggestion

Json = dict[str, Any]


def instant(when: datetime | None) -> str | None:
    """An instant in UTC, to the second, as ISO 8601 with Z."""
    return None if when is None else when.strftime("%Y-%m-%dT%H:%M:%SZ")


def plan_json(plan: Plan, refusals: Sequence[Refusal]) -> Json:
    """`plan --json`."""
    return {
        "digest": plan.digest,
        "actions": [_action(a) for a in plan.actions],
        "skipped": [{"tracker": s.ref.tracker, "key": s.key, "why": s.why} for s in plan.skipped],
        "refused": _refused(refusals),
    }


def action_json(action: Action) -> Json:
    """One action, as `plan --json` shows it."""
    return _action(action)


def _action(action: Action) -> Json:
    return {
        "tracker": action.ref.tracker,
        "key": action.key,
        "kind": action.kind,
        "add": list(action.add),
        "remove": list(action.remove),
        "why": action.why,
    }


def _refused(refusals: Sequence[Refusal]) -> Json | None:
    if not refusals:
        return None
    return {
        "reason": "; ".join(f"{r.tracker}: {r.reason}" for r in refusals),
        "counts": dict(sum((Counter(r.counts) for r in refusals), Counter())),
        "limits": dict(refusals[0].limits),
        "trackers": {r.tracker: dict(r.counts) for r in refusals},
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """A write in the outbox: what, on which issue, why, where it stands, since when, and what went wrong."""
    action = entry.action
    return {
        "tracker": action.ref.tracker,
        "key": action.key,
        "kind": action.kind,
        "add": list(action.add),
        "remove": list(action.remove),
        "why": action.why,
        "state": entry.state.value,
        "attempts": entry.attempts,
        "note": entry.note,
        "since": instant(entry.moved),
    }


def waiting_json(waiting: Sequence[StoredPlan]) -> list[Json]:
    """Plans that wait for a person, as `status --json` shows them."""
    return [
        {
            "digest": stored.plan.digest,
            "trackers": list(stored.trackers),
            "actions": len(stored.plan.actions),
            "at": instant(stored.at),
            "reason": "; ".join(r.reason for r in stored.refusals),
        }
        for stored in waiting
    ]


# --- verdicts ---------------------------------------------------------------------------------------------


def verdict_json(decision: Decision) -> Json:
    """The keys of `explain` that say what was decided."""
    verdict = decision.verdict
    outcome: str | None = None
    objective: str | None = None
    incomplete = False
    match verdict:
        case Mapped():
            kind, outcome, objective = "mapped", verdict.outcome, verdict.objective
        case Conflict():
            kind = "conflict"
        case Unmapped():
            kind, incomplete = "unmapped", verdict.incomplete
        case Exempt():
            kind, outcome = "exempt", verdict.overhead
        case _:
            assert_never(verdict)
    candidates = verdict.candidates if isinstance(verdict, Conflict) else ()
    return {
        "verdict": kind,
        "outcome": outcome,
        "objective": objective,
        "via": None if decision.via is None else decision.via.value,
        "incomplete": incomplete,
        "evidence": [_evidence(e) for e in decision.evidence],
        "candidates": [_candidate(c) for c in candidates],
    }


def _evidence(evidence: Evidence) -> Json:
    return {"rule": evidence.source, "key": evidence.key, "texts": list(evidence.texts)}


def _candidate(candidate: Candidate) -> Json:
    return {"target": target_name(candidate.target), "evidence": [_evidence(e) for e in candidate.evidence]}


def explanation_json(found: Explanation) -> Json:
    """`explain --json`."""
    return {
        "key": found.issue.key,
        "tracker": found.issue.ref.tracker,
        "title": found.issue.title,
        "url": found.issue.url,
        "in_scope": found.in_scope,
        **verdict_json(found.decision),
        "cause": found.decision.cause,
        "diverges_from": found.decision.diverges_from,
        "since": instant(found.since),
        "chain": list(found.chain),
        "lineage": _lineage(found),
        "marks": _marks(found),
        "rules": [_rule(examined) for examined in found.rules],
        "twins": [_twin(twin) for twin in found.twins],
    }


def _twin(twin: Twin) -> Json:
    """The same work in another tracker, by the decision that was last made there."""
    told = {"verdict": None, "outcome": None} if twin.decision is None else verdict_json(twin.decision)
    issue = twin.issue
    named = {"tracker": issue.ref.tracker, "key": issue.key, "url": issue.url}
    return {**named, "verdict": told["verdict"], "outcome": told["outcome"]}


def _rule(examined: Examined) -> Json:
    return {
        "rule": examined.rule.id,
        "target": target_name(examined.rule.target),
        "where": examined.rule.where,
        "result": examined.result.value,
        "texts": list(examined.texts),
        "near": list(examined.near),
    }


def _lineage(found: Explanation) -> list[Json]:
    steps: list[Json] = [
        {
            "key": a.issue.key,
            "title": a.issue.title,
            "level": a.issue.level,
            "readable": True,
            "says": verdict_json(Decision(a.issue.ref, a.says))["verdict"],
        }
        for a in found.ancestors
    ]
    if found.missing is not None:
        steps.append({"key": found.missing, "title": None, "level": None, "readable": False, "says": None})
    return steps


def _marks(found: Explanation) -> Json:
    applied = found.reading.applied
    return {
        "wanted": found.wanted,
        "ours": None if applied is None else applied.mark,
        "proof": None if applied is None else applied.proof.value,
        "people": list(found.reading.hand),
        "comment": applied is not None and applied.comment is not None,
        "next": [_step(s) for s in found.steps],
    }


def _step(step: Action | Skipped) -> Json:
    if isinstance(step, Action):
        return {"action": step.kind, "add": list(step.add), "remove": list(step.remove), "why": step.why}
    return {"action": None, "add": [], "remove": [], "why": step.why}


# --- the report -------------------------------------------------------------------------------------------


def votes_json(votes: Sequence[RuleVotes]) -> list[Json]:
    """Rules that people vote against."""
    return [
        {
            "rule": one.rule,
            "decides": one.decides,
            "issues": one.issues,
            **{f"{kind}s": one.votes[kind] for kind in KINDS},
            "keys": list(one.keys),
            "suggestion": None if one.suggestion is None else _suggestion(one.suggestion),
        }
        for one in votes
    ]


def _suggestion(told: Suggestion) -> Json:
    return {"not": {told.key: told.value}, "voted": told.voted, "others": told.others}
