"""strategy.yaml + rules.yaml → a `Rulebook`, or every problem as file:line:column (DESIGN §4, §9)."""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from pydantic import Field

from syncd.core.errors import ConfigError
from syncd.core.lint import lint
from syncd.core.model import (
    Accept,
    AllOf,
    AnyOf,
    Focus,
    Has,
    Metric,
    NoneOf,
    Objective,
    Outcome,
    Overhead,
    Review,
    Rule,
    Rulebook,
    Strategy,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Window,
)
from syncd.files.problems import visible
from syncd.files.shapes import (
    Day,
    Duration,
    Flag,
    Id,
    Number,
    Reason,
    Shape,
    Share,
    Text,
    Whole,
    check_dates,
    closest,
    fit,
    items,
    suggestion,
    unique,
    value,
)
from syncd.files.yamlfile import Node, Source, Where, read_source
from syncd.rulebook.conditions import ConditionReader
from syncd.rulebook.examples import Example, ExampleReader, run

STRATEGY_FILE = "strategy.yaml"
RULES_FILE = "rules.yaml"

# --- what the files look like -----------------------------------------------------------------------------


class _Dated(Shape):
    from_: Day | None = Field(None, alias="from")
    until: Day | None = None

    def window(self) -> Window:
        return Window(self.from_, self.until)


class _AcceptShape(Shape):
    accept: dict[str, Reason] | None = None

    def accepted(self) -> tuple[Accept, ...]:
        return tuple(sorted(Accept(name, why) for name, why in (self.accept or {}).items()))


class _MetricShape(Shape):
    name: Text
    unit: Text | None = None
    baseline: Number | None = None
    target: Number | None = None


class _ReviewShape(Shape):
    every: Duration | None = None
    next: Day | None = None


class _ObjectiveShape(_Dated, _AcceptShape):
    id: Id
    title: Text
    owner: Text | None = None
    metric: _MetricShape | None = None
    due: Day | None = None


class _OutcomeShape(_Dated, _AcceptShape):
    id: Id
    title: Text
    owner: Text
    metric: _MetricShape | None = None
    due: Day | None = None
    review: _ReviewShape | None = None
    allocation: Share | None = None
    objectives: list[_ObjectiveShape] | None = None


class _OverheadShape(_AcceptShape):
    id: Id
    title: Text
    owner: Text
    budget: Share | None = None


class _FocusShape(Shape):
    outcome: Text
    until: Day | None = None


class StrategyShape(_AcceptShape):
    """strategy.yaml."""

    intent: Text
    outcomes: list[_OutcomeShape] = Field(min_length=1)
    overhead: list[_OverheadShape] | None = None
    focus: _FocusShape | None = None


class _RuleShape(_Dated, _AcceptShape):
    id: Id
    outcome: Text | None = None
    overhead: Text | None = None
    exempt: Text | None = None
    when: Any
    match: Literal["exact"] | None = None
    priority: Whole = 0
    default: Flag = False
    owner: Text | None = None
    examples: list[Any] | None = None


class RulesShape(Shape):
    """rules.yaml."""

    rules: list[_RuleShape]


# --- loading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RulebookFiles:
    """Both files as they were read, with their problems; the rulebook only if there is no error among them."""

    strategy: Source
    rules: Source
    rulebook: Rulebook | None


def read_rulebook(directory: Path, trackers: Collection[str] | None) -> RulebookFiles:
    """Read both files. `trackers`: the ids in syncd.yaml, None if they are not known."""
    strategy_source = read_source(directory / STRATEGY_FILE)
    rules_source = read_source(directory / RULES_FILE)
    strategy_shape = fit(StrategyShape, strategy_source)
    rules_shape = fit(RulesShape, rules_source)
    known = _Known(strategy_source)
    _check_strategy(strategy_source, known)
    conditions, examples = _check_rules(rules_source, known, trackers)
    clean = not any(p.severity == "error" for s in (strategy_source, rules_source) for p in s.problems)
    if not clean or strategy_shape is None or rules_shape is None:
        return RulebookFiles(strategy_source, rules_source, None)
    strategy = _strategy(strategy_shape)
    rules = _rules(rules_shape, rules_source, conditions)
    for number, some in examples.items():
        run(rules[number], some, rules_source)
    if any(p.severity == "error" for p in rules_source.problems):
        return RulebookFiles(strategy_source, rules_source, None)
    return RulebookFiles(
        strategy_source, rules_source, Rulebook(version=_version(strategy, rules), strategy=strategy, rules=rules)
    )


def load_rulebook(directory: Path, trackers: Collection[str] | None = None) -> Rulebook:
    """The rulebook of a folder.

    Raises:
        ConfigError: with all problems of both files, in order.
    """
    files = read_rulebook(directory, trackers)
    if files.rulebook is None:
        raise ConfigError(sorted([*files.strategy.problems, *files.rules.problems]))
    return files.rulebook


# --- own checks, on the tree: one bad value hides no other problem ----------------------------------------


class _Known:
    """What rules may name, told even of a strategy that has problems. `told`: whether it can be relied on."""

    def __init__(self, source: Source) -> None:
        self.outcomes: dict[str, list[str]] = {}
        self.overhead: list[str] = []
        for _, node in items(source, ("outcomes",)):
            if isinstance(name := value(node, "id"), str):
                below = node.value.get("objectives") if isinstance(node.value, dict) else None
                inner = below.value if below is not None and isinstance(below.value, list) else []
                self.outcomes[name] = [i for i in (value(n, "id") for n in inner) if isinstance(i, str)]
        for _, node in items(source, ("overhead",)):
            if isinstance(name := value(node, "id"), str):
                self.overhead.append(name)
        self.told = bool(self.outcomes)


def _check_strategy(source: Source, known: _Known) -> None:
    outcomes, overhead = list(items(source, ("outcomes",))), list(items(source, ("overhead",)))
    unique(source, [*outcomes, *overhead])
    for where, node in outcomes:
        check_dates(source, where, node)
        objectives = list(items(source, (*where, "objectives")))
        unique(source, objectives)
        for below, objective in objectives:
            check_dates(source, below, objective)
    focus, found = source.find(("focus", "outcome"))
    if found and focus is not None and isinstance(focus.value, str) and focus.value not in known.outcomes:
        hint = suggestion(focus.value, known.outcomes, "the outcomes are")
        source.add(("focus", "outcome"), f"there is no outcome `{visible(focus.value)}`", hint)


_TARGETS = ("outcome", "overhead", "exempt")


def _check_rules(
    source: Source, known: _Known, trackers: Collection[str] | None
) -> tuple[Mapping[int, Any], Mapping[int, list[Example]]]:
    """The condition and the examples of each rule, by the rule's number, where there is nothing wrong with them."""
    rules = list(items(source, ("rules",)))
    unique(source, rules)
    reader, tests = ConditionReader(source, trackers), ExampleReader(source)
    conditions: dict[int, Any] = {}
    examples: dict[int, list[Example]] = {}
    for number, (where, node) in enumerate(rules):
        if not isinstance(node.value, dict):
            continue
        check_dates(source, where, node)
        _check_target(source, where, node.value, known)
        if when := node.value.get("when"):
            conditions[number] = reader.condition(when)
        for _, example in items(source, (*where, "examples")):
            if read := tests.example(example):
                examples.setdefault(number, []).append(read)
    return conditions, examples


def _check_target(source: Source, where: Where, rule: Mapping[str, Node], known: _Known) -> None:
    given = [key for key in _TARGETS if key in rule and rule[key].value is not None]
    known_keys = _RuleShape.keys()
    misspelt = any(key not in known_keys and closest(key, known_keys) in _TARGETS for key in rule)
    if not given and not misspelt:
        message = "this rule leads nowhere: `outcome`, `overhead` and `exempt` are missing"
        source.add((*where, "outcome"), message, 'add `outcome: …`, `overhead: …` or `exempt: "why"`')
        return
    for key in given[1:]:
        hint = "keep one of them; make two rules of it if both are meant"
        source.add((*where, key), f"this rule has both `{given[0]}` and `{key}`", hint, at_key=True)
    if not known.told:
        return
    for key in given:
        named = rule[key].value
        if key != "exempt" and isinstance(named, str) and named.strip():
            wrong = _wrong_outcome(named, known) if key == "outcome" else _wrong_overhead(named, known)
            if wrong:
                source.add((*where, key), *wrong)


def _wrong_outcome(named: str, known: _Known) -> tuple[str, str] | None:
    outcome, slash, objective = named.partition("/")
    if outcome in known.overhead and outcome not in known.outcomes:
        return f"`{visible(outcome)}` is overhead, not an outcome", f"write `overhead: {visible(outcome)}` in its place"
    if outcome not in known.outcomes:
        hint = suggestion(outcome, known.outcomes, "the outcomes are")
        return f"strategy.yaml has no outcome `{visible(outcome)}`", hint
    if slash and objective not in known.outcomes[outcome]:
        hint = suggestion(objective, known.outcomes[outcome], f"the objectives of `{outcome}` are")
        return f"the outcome `{outcome}` has no objective `{visible(objective)}`", hint
    return None


def _wrong_overhead(named: str, known: _Known) -> tuple[str, str] | None:
    if named in known.outcomes and named not in known.overhead:
        return f"`{visible(named)}` is an outcome, not overhead", f"write `outcome: {visible(named)}` in its place"
    if named not in known.overhead:
        return f"strategy.yaml has no overhead `{visible(named)}`", suggestion(named, known.overhead, "the overhead is")
    return None


# --- values -----------------------------------------------------------------------------------------------


def _metric(shape: _MetricShape | None) -> Metric | None:
    return None if shape is None else Metric(shape.name, shape.unit, shape.baseline, shape.target)


def _objective(shape: _ObjectiveShape) -> Objective:
    return Objective(
        id=shape.id,
        title=shape.title,
        owner=shape.owner,
        metric=_metric(shape.metric),
        due=shape.due,
        window=shape.window(),
        accept=shape.accepted(),
    )


def _outcome(shape: _OutcomeShape) -> Outcome:
    return Outcome(
        id=shape.id,
        title=shape.title,
        owner=shape.owner,
        metric=_metric(shape.metric),
        due=shape.due,
        review=None if shape.review is None else Review(shape.review.every, shape.review.next),
        allocation=shape.allocation,
        objectives=tuple(_objective(o) for o in shape.objectives or ()),
        window=shape.window(),
        accept=shape.accepted(),
    )


def _strategy(shape: StrategyShape) -> Strategy:
    overhead = (
        Overhead(id=o.id, title=o.title, owner=o.owner, budget=o.budget, accept=o.accepted())
        for o in shape.overhead or ()
    )
    focus = None if shape.focus is None else Focus(shape.focus.outcome, shape.focus.until)
    outcomes = tuple(_outcome(o) for o in shape.outcomes)
    return Strategy(
        intent=shape.intent, outcomes=outcomes, overhead=tuple(overhead), focus=focus, accept=shape.accepted()
    )


def _target(shape: _RuleShape) -> Target:
    if shape.outcome is not None:
        outcome, slash, objective = shape.outcome.partition("/")
        return ToOutcome(outcome, objective if slash else None)
    return ToOverhead(shape.overhead) if shape.overhead is not None else ToExempt(shape.exempt or "")


def _rules(shape: RulesShape, source: Source, conditions: Mapping[int, Any]) -> tuple[Rule, ...]:
    rules = []
    for number, one in enumerate(shape.rules):
        node, _ = source.find(("rules", number))
        rule = Rule(
            id=one.id,
            target=_target(one),
            when=conditions[number],
            priority=one.priority,
            default=one.default,
            exact=one.match is not None,
            owner=one.owner,
            window=one.window(),
            accept=one.accepted(),
            where=f"{source.name}:{node.line if node else 1}",
        )
        rules.append(rule)
    return tuple(rules)


# --- advice, and the version ------------------------------------------------------------------------------


def advise(files: RulebookFiles, today: date) -> None:
    """Note in both files what a strategist would say of them on that day (UTC). Nothing of it is wrong."""
    if files.rulebook is None:
        return
    for advice in lint(files.rulebook, today):
        source = files.rules if advice.path[0] == "rules" else files.strategy
        node, found = source.find(advice.path)
        block = found and node is not None and isinstance(node.value, (dict, list))
        source.add(advice.path, advice.message, advice.hint, at_key=block, advice=True, name=advice.name)


def _version(strategy: Strategy, rules: tuple[Rule, ...]) -> str:
    """A hash of what the files mean: comments, key order, the order of rules and where they stand do not matter."""
    canonical = [_canonical(strategy), _sorted(replace(rule, where="") for rule in rules)]
    return hashlib.sha256(json.dumps(canonical).encode()).hexdigest()[:12]


def _canonical(value: object) -> Any:
    """One tree per meaning: texts within texts would double their backslashes with each level of nesting."""
    if isinstance(value, (AllOf, AnyOf, NoneOf)):
        return [type(value).__name__, _sorted(value.conditions)]
    if isinstance(value, Has):
        return ["Has", value.field, _sorted(value.patterns)]
    if isinstance(value, tuple):
        return [_canonical(v) for v in value]
    if not dataclasses.is_dataclass(value):
        return value if isinstance(value, (bool, int, float, str, NoneType)) else str(value)
    told = (f.name for f in dataclasses.fields(value) if f.name != "accept")  # what `check` says decides nothing
    return [type(value).__name__, *([name, _canonical(getattr(value, name))] for name in told)]


def _sorted(values: Iterable[object]) -> list[Any]:
    return sorted(map(_canonical, values), key=json.dumps)
