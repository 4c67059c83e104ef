"""Plans, cycles, explanations and status as text for a terminal. Foreign texts are made inert, never coloured."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, assert_never

from syncd.core.comments import target_words
from syncd.core.examine import Result
from syncd.core.explain import Explanation
from syncd.core.headway import in_words
from syncd.core.model import Action, Conflict, Exempt, Mapped, Plan, Refusal, Skipped, Strategy, Unmapped, Verdict, Via
from syncd.core.seen import is_node
from syncd.render.adf import inert

LISTED: Final = 25
"""Actions shown one by one before a list is cut; `--json` has them all."""


def plan_text(plan: Plan, refusals: Sequence[Refusal]) -> str:
    """What would be written and why, what would not and why, and how to go on."""
    return "\n".join(_plan_lines(plan, refusals))


def _plan_lines(plan: Plan, refusals: Sequence[Refusal]) -> Iterator[str]:
    kinds = Counter(action.kind for action in plan.actions)
    counted = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "nothing to write"
    yield f"Plan {plan.digest}: {counted}; {len(plan.skipped)} not written."
    yield from _grouped((_target_of(a) for a in plan.actions), "  ")
    for action in plan.actions[:LISTED]:
        yield f"  {action_text(action)}"
    if len(plan.actions) > LISTED:
        yield f"  … and {len(plan.actions) - LISTED} more (--json lists them all)."
    if plan.skipped:
        yield "Not written:"
        yield from _grouped((s.why for s in plan.skipped), "  ")
    yield from _observed_lines([s for s in plan.skipped if s.add or s.remove])
    for refusal in refusals:
        yield f"Waits for a person: {refusal.reason}."
    if plan.actions:
        yield f"To do just this: syncd apply --plan {plan.digest}"


def _observed_lines(held: Sequence[Skipped]) -> Iterator[str]:
    """What an admin looks at before writing is allowed at all."""
    if not held:
        return
    yield "With `write: label` would be written:"
    yield from _grouped((_marks_text(s.add or s.remove, "+" if s.add else "-") for s in held), "  ")
    for one in held[:LISTED]:
        changes = " ".join(filter(None, (_marks_text(one.remove, "-"), _marks_text(one.add, "+"))))
        yield f"  {inert(f'{one.key:<12} {changes}')}"
    if len(held) > LISTED:
        yield f"  … and {len(held) - LISTED} more. `syncd explain KEY` says why."


def _marks_text(marks: Sequence[str], sign: str) -> str:
    return " ".join(f"{sign} {mark}" for mark in marks)


def action_text(action: Action) -> str:
    """`PAY-12  + outcome/reliability  serves reliability (rule: …)`."""
    changes = " ".join(filter(None, (_marks_text(action.remove, "-"), _marks_text(action.add, "+"))))
    if action.kind == "comment":
        changes = "comment, edited in place" if action.comment_id else "comment"
    elif action.kind == "uncomment":
        changes = "comment taken away"
    return inert(f"{action.key:<12} {changes:<34} {action.why}")


def _target_of(action: Action) -> str:
    if action.kind != "mark":
        return action.kind
    return f"+ {action.add[0]}" if action.add else f"- {action.remove[0]}"


def _grouped(names: Iterable[str], indent: str) -> Iterator[str]:
    counted = Counter(names)
    for name, count in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        yield f"{indent}{count:>6}  {inert(name)}"


# --- cycles and status ------------------------------------------------------------------------------------


def cycle_line(tracker: str, numbers: Mapping[str, Any]) -> str:
    """One cycle in one line."""
    whole = "complete" if numbers["complete"] else "NOT COMPLETE"
    said = ", ".join(f"{numbers[name]} {name}" for name in ("observed", "decided", "planned", "applied", "skipped"))
    return f"{tracker}: {said}; {numbers['requests']} requests, {whole}"


def status_text(status: Mapping[str, Any]) -> str:
    """`syncd status` for a person."""
    return "\n".join(_status_lines(status))


def _status_lines(status: Mapping[str, Any]) -> Iterator[str]:
    for name, tracker in status["trackers"].items():
        yield from _tracker_lines(name, tracker)
    for one in status["executors"]:
        yield f"syncd run {inert(one['name'])}: since {one['started']}, last seen {one['seen']}"
    outbox = ", ".join(f"{n} {state}" for state, n in status["outbox"].items() if n) or "empty"
    yield f"outbox: {outbox}"
    for dead in status["dead"]:
        yield f"dead letter: {entry_line(dead)}"
    if status["dead"]:
        yield "  mend what it says, then: syncd outbox retry --all; or give it up: syncd outbox drop --issue KEY"
    for waiting in status["refused"]:
        yield f"waits for a person: {waiting['actions']} actions, {inert(waiting['reason'])}"
        yield f"  look: syncd plan; do it: syncd apply --plan {waiting['digest']}"
    for hold in status["holds"]:
        named = {**hold, "issue": hold["key"] or hold["issue"]}
        place = ", ".join(f"{name} {named[name]}" for name in ("tracker", "project", "issue") if named[name])
        yield f"on hold since {hold['since']}: {inert(place)}; `syncd plan` and `syncd apply --plan DIGEST` end it"
    for finding in status["findings"]:
        yield f"finding ({finding['kind']}): {inert(finding['text'])}"


def _tracker_lines(name: str, tracker: Mapping[str, Any]) -> Iterator[str]:
    state = "healthy" if tracker["healthy"] else "NOT HEALTHY"
    success, mark = tracker["last_success"] or "never", tracker["watermark"] or "-"
    yield f"{name}: {state}; last success {success}, read to {mark}"
    if tracker["why"]:
        yield f"  why: {inert(tracker['why'])}"
    if tracker["reading"]:
        yield f"  {_reading(tracker['reading'])}"
    if tracker["failures"]:
        until = tracker["not_before"] or "the next poll"
        yield f"  not reached {tracker['failures']} times in a row; left alone until {until}"


def _reading(told: Mapping[str, Any]) -> str:
    of = "" if told["of"] is None else f" of about {told['of']:,}"
    left = "" if told["left_s"] is None else f"; about {in_words(timedelta(seconds=told['left_s']))} left at that pace"
    return f"reading everything: {told['read']:,}{of} issues since {told['began']}{left}"


def entry_line(entry: Mapping[str, Any]) -> str:
    """A write in the outbox (`entry_json`) for a person."""
    change = [f"+{label}" for label in entry["add"]] + [f"-{label}" for label in entry["remove"]]
    what = f"{entry['key']}: {' '.join([entry['kind'], *change])} ({entry['why']})"
    tried = f", tried {entry['attempts']} times" if entry["attempts"] else ""
    note = f": {entry['note']}" if entry["note"] else ""
    return inert(f"{what}; {entry['state']} since {entry['since']}{tried}{note}")


# --- explain ----------------------------------------------------------------------------------------------


def explanation_text(found: Explanation, strategy: Strategy) -> str:
    """Verdict, evidence, the chain up to the intent, and what is marked or held back, for a person."""
    return inert_lines(_explanation_lines(found, strategy))


def inert_lines(lines: Iterable[str]) -> str:
    """Lines joined, each made inert."""
    return "\n".join(inert(line) for line in lines)


def _explanation_lines(found: Explanation, strategy: Strategy) -> Iterator[str]:
    issue, decision = found.issue, found.decision
    names = {a.issue.key: f'{a.issue.type} "{a.issue.title}"' for a in found.ancestors if is_node(a.issue)}
    yield f"{issue.key}  {issue.title}"
    yield f"  {verdict_words(decision.verdict, strategy)}" + (
        "" if decision.via is None else f", by {decision.via.value}"
    )
    for evidence in decision.evidence:
        where = "" if evidence.key == issue.key else f" on {names.get(evidence.key, evidence.key)}"
        yield f"  because {evidence.source}{where}: {'; '.join(evidence.texts)}"
    if isinstance(decision.verdict, Unmapped):
        yield f"  {_silence(found)}"
    for ancestor in found.ancestors:
        yield f"  below {ancestor.issue.key}  {ancestor.issue.title}  ({verdict_words(ancestor.says, strategy)})"
    if found.missing is not None:
        yield f"  below {found.missing}, which syncd's account cannot read"
    yield from _twin_lines(found, strategy)
    if found.chain:
        yield f"  chain: {' → '.join(found.chain)}"
    yield from _mark_lines(found)
    yield from _rule_lines(found)


def _twin_lines(found: Explanation, strategy: Strategy) -> Iterator[str]:
    for twin in found.twins:
        verdict = None if twin.decision is None else twin.decision.verdict
        said = "not decided yet" if verdict is None else verdict_words(verdict, strategy)
        yield f"  the same work as {twin.issue.key} in {twin.issue.ref.tracker} ({said}): counted once"
    if found.torn_from_twins:
        yield "  their verdicts differ, so that together they count as a conflict"


def _rule_lines(found: Explanation) -> Iterator[str]:
    """What matched and what came near in full, the rest counted: hundreds of rules have nothing to say."""
    told = [one for one in found.rules if one.result is Result.MATCHED or one.near]
    for one in told:
        yield f"  rule {one.rule.id} ({one.rule.where}): {one.result.value}"
        words = one.texts if one.result is Result.MATCHED else one.near
        yield from (f"    {text}" for text in words)
    yield f"  {len(found.rules) - len(told)} other rules did not match (--json says of each what it lacked)"


BY: Final[Mapping[Via | None, str]] = {
    Via.OVERRIDE: ", by a person's word",
    Via.RULE: ", by rules on the issue itself",
    Via.INHERITED: ", inherited",
    Via.DEFAULT: ", by a default rule",
    None: "",
}


def _silence(found: Explanation) -> str:
    if found.missing is not None:
        return f"no rule speaks on it, and {found.missing} above it might, but cannot be read"
    return "no rule matches it, none of its ancestors speaks, and no default holds"


def verdict_words(verdict: Verdict, strategy: Strategy) -> str:
    """A verdict in a few words."""
    match verdict:
        case Mapped(outcome=outcome_id, objective=objective):
            outcome = strategy.outcome(outcome_id)
            finer = "" if objective is None else f"/{objective}"
            return f"serves {outcome_id}{finer}" + ("" if outcome is None else f": {outcome.title}")
        case Conflict(candidates=candidates):
            return "conflict: " + " against ".join(target_words(c.target, strategy) for c in candidates)
        case Unmapped(incomplete=incomplete):
            return "unmapped, since an ancestor cannot be read" if incomplete else "unmapped"
        case Exempt(overhead=overhead, why=why):
            return f"exempt: {why}" if overhead is None else f"overhead {overhead}: {why}"
        case _:
            assert_never(verdict)


def _mark_lines(found: Explanation) -> Iterator[str]:
    applied = found.reading.applied
    ours = None if applied is None else applied.mark
    if ours is not None and applied is not None:
        yield f"  marked {ours} ({applied.proof.value})"
    for mark in found.reading.hand:
        yield f"  marked {mark} by a person"
    if applied is not None and applied.comment is not None:
        yield "  asked about in one comment"
    for step in found.steps:
        if isinstance(step, Skipped):
            yield f"  not written: {step.why}"
        else:
            yield f"  next: {action_text(step)}"
    if not found.in_scope:
        yield "  outside the scope: decided for its children, never written"
