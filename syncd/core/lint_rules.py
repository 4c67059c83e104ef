"""What a thoughtful colleague says of rules: that one cannot match, or that two say the same or fight."""

from collections.abc import Hashable, Iterator, Sequence
from datetime import date

from syncd.core.advice import Advice, Path, ending
from syncd.core.model import Objective, Outcome, Rule, Rulebook, Target, ToExempt, ToOutcome, Window
from syncd.core.satisfiable import certain, impossible, same
from syncd.core.wording import owner_complaint

Never = Sequence[Advice | None]
"""For each rule, why it can match on no day at all."""


def never_matching(rulebook: Rulebook) -> Never:
    """For each rule, the advice that it can match on no day; None where it may."""
    return [_never(rulebook, ("rules", number), rule) for number, rule in enumerate(rulebook.rules)]


def _never(rulebook: Rulebook, path: Path, rule: Rule) -> Advice | None:
    if why := impossible(rule.when, exact=rule.exact):
        hint = "take one of them out, or write two rules"
        return Advice("never-matches", (*path, "when"), f"`{rule.id}` can match nothing: {why}", hint)
    for target in _targeted(rulebook, rule.target):
        window = target.window
        if window.last is not None and rule.window.first is not None and window.last < rule.window.first:
            message = f"`{rule.id}` can match nothing: `{target.id}` ends before it begins, on {window.last}"
            return Advice("never-matches", (*path, "from"), message, f"write a day up to {window.last}")
        if window.first is not None and rule.window.last is not None and rule.window.last < window.first:
            message = f"`{rule.id}` can match nothing: `{target.id}` begins after it ends, on {window.first}"
            return Advice("never-matches", (*path, "until"), message, f"write a day from {window.first} on")
    return None


def _targeted(rulebook: Rulebook, target: Target) -> Iterator[Outcome | Objective]:
    """What a rule leads to, as far as that has dates of its own."""
    if isinstance(target, ToOutcome) and (outcome := rulebook.strategy.outcome(target.outcome)):
        yield outcome
        yield from (o for o in outcome.objectives if o.id == target.objective)


def reached_targets(rulebook: Rulebook, never: Never, today: date) -> frozenset[Target]:
    """The targets that some rule can lead to today or later; an objective counts for its outcome as well."""
    reached: set[Target] = set()
    for rule, why in zip(rulebook.rules, never, strict=True):
        if why is None and not _over(rule.window, today):
            reached.add(rule.target)
            if isinstance(rule.target, ToOutcome):
                reached.add(ToOutcome(rule.target.outcome))
    return frozenset(reached)


def rule_advice(rulebook: Rulebook, never: Never, today: date) -> Iterator[Advice]:
    """All advice on rules.yaml."""
    first: dict[Hashable, list[Rule]] = {}
    for number, (rule, why) in enumerate(zip(rulebook.rules, never, strict=True)):
        path: Path = ("rules", number)
        yield from ending(path, f"`{rule.id}`", rule.window.last, today, "it matches nothing")
        if rule.owner is not None and (complaint := owner_complaint(rule.owner)):
            hint = "write one person's name or address, or take it out: the outcome's owner answers then"
            yield Advice("owner-unclear", (*path, "owner"), f"the owner `{rule.owner[:80]}` {complaint}", hint)
        if why is not None:
            yield why
            continue
        if not rule.default and certain(rule.when, exact=rule.exact):
            hint = "name what is meant, or add `default: true` if it is to hold where nothing else does"
            yield Advice("matches-everything", (*path, "when"), f"`{rule.id}` matches every issue there is", hint)
        if not _over(rule.window, today):
            equals = first.setdefault((rule.exact, same(rule.when, exact=rule.exact)), [])
            other = next((one for one in equals if _overlap(one.window, rule.window)), None)
            equals.append(rule)
            if other is not None:
                yield _equal(path, rule, other)


def _equal(path: Path, rule: Rule, other: Rule) -> Advice:
    """Two rules of the same conditions: which of them is there in vain, or what they do to every issue they match."""
    begins = f"`{rule.id}` has the conditions of `{other.id}`"
    if _agree(rule.target, other.target):
        message, hint = f"{begins} and leads to the same", "take one of the two out"
    elif (rule.default, rule.priority) == (other.default, other.priority):
        message = f"{begins} and leads elsewhere: whatever they match is in conflict"
        hint = "take one of the two out, or add the condition that tells their work apart"
    else:
        weaker = min((rule, other), key=lambda one: (not one.default, one.priority))
        message = f"{begins} and leads elsewhere: `{weaker.id}` never decides, the other one goes first"
        hint = f"take `{weaker.id}` out, or give the other one a further condition"
    return Advice("equal-conditions", (*path, "when"), message, hint)


def _agree(one: Target, other: Target) -> bool:
    """Whether two targets at one level are no conflict (DESIGN §4)."""
    if isinstance(one, ToOutcome) and isinstance(other, ToOutcome):
        return one.outcome == other.outcome
    return one == other or (isinstance(one, ToExempt) and isinstance(other, ToExempt))


def _over(window: Window, today: date) -> bool:
    return window.last is not None and window.last < today


def _overlap(one: Window, other: Window) -> bool:
    return not any(
        a.last is not None and b.first is not None and a.last < b.first for a, b in ((one, other), (other, one))
    )
