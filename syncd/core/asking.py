"""What a rulebook needs to be asked of a tracker beyond the common fields: sprints and custom fields."""

from collections.abc import Iterator

from syncd.core.atoms import Atom, FieldIndex, must_be_asked
from syncd.core.cel import Expression
from syncd.core.fold import field_key
from syncd.core.model import AllOf, AnyOf, Cel, Condition, Has, NoneOf, Of, Rule, Rulebook


def asked_fields(rulebook: Rulebook, tracker: str) -> tuple[str, ...]:
    """`sprint` and `field.<name>` as rules write them, each once, in a fixed order.

    Rules out of their dates count: when their day comes, what they need is there. Conditions that stand beside a
    `tracker:` other than this one do not.
    """
    named = {field_key(name): name for rule in rulebook.rules for name in _named(rule.when, rule, tracker)}
    return tuple(named[key] for key in sorted(named))


def expressions(rule: Rule) -> tuple[str, ...]:
    """The CEL in a rule, in the order in which it stands there."""
    return tuple(_expressions(rule.when))


def _expressions(condition: Condition) -> Iterator[str]:
    match condition:
        case Cel(expression=expression):
            yield expression
        case Of(condition=inner):
            yield from _expressions(inner)
        case AllOf(conditions=conditions) | AnyOf(conditions=conditions) | NoneOf(conditions=conditions):
            for inner in conditions:
                yield from _expressions(inner)
        case Has():
            return


def named_fields(rule: Rule) -> frozenset[str]:
    """What one rule needs to be asked, as it writes it."""
    return frozenset(_named(rule.when, rule, None))


def _named(condition: Condition, rule: Rule, tracker: str | None) -> Iterator[str]:
    match condition:
        case Has(field=field):
            if must_be_asked(field) is not None:
                yield field
        case Cel(expression=expression):
            yield from (name for name in Expression(expression).names if must_be_asked(name) is not None)
        case Of(condition=inner):
            yield from _named(inner, rule, tracker)
        case AllOf(conditions=conditions):
            if not any(_elsewhere(c, rule, tracker) for c in conditions):
                for inner in conditions:
                    yield from _named(inner, rule, tracker)
        case AnyOf(conditions=conditions) | NoneOf(conditions=conditions):
            for inner in conditions:
                yield from _named(inner, rule, tracker)


def _elsewhere(condition: Condition, rule: Rule, tracker: str | None) -> bool:
    """Whether the condition asks for another tracker than this one."""
    if tracker is None or not isinstance(condition, Has) or condition.field != "tracker":
        return False
    index = FieldIndex("tracker")
    for number, pattern in enumerate(condition.patterns):
        index.add(number, Atom("tracker", pattern, rule.exact))
    index.seal()
    return not index[tracker]
