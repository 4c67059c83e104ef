"""Random issues, lineages, rulebooks and overrides of a small world in which everything often meets everything."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any, get_args

from support_values import DAY, NOW, epic, initiative, issue, pattern, target

from syncd.core.model import (
    AllOf,
    AnyOf,
    Category,
    Condition,
    FieldName,
    Has,
    Issue,
    IssueRef,
    Lineage,
    Link,
    NoneOf,
    Objective,
    Of,
    Outcome,
    Overhead,
    Override,
    OverrideSource,
    Relation,
    Rule,
    Rulebook,
    Strategy,
    Target,
    Window,
)

WORDS = ("sre", "SRE", "Sre,", " sre ", "platform", "Platform-Core", "docs", "Straße", "STRASSE", "ﬁnance", "finance;")
TEXTS = (
    "sre", "SRE.", "platform", "plat*", "*core", "*", "p*m", "docs", "straße", "Finance", "re:^S", "re:(?i)sre",
    "re:docs|core", "x*y",
)  # fmt: skip
TARGETS = (
    "growth", "growth", "reliability", "reliability/failover", "reliability/capacity", "trust",
    "overhead: hiring", "overhead: ktlo", "exempt: a spike", "exempt: not ours",
)  # fmt: skip
LABEL: FieldName = "label"
FIELDS: tuple[FieldName, ...] = (
    *(LABEL for _ in range(8)),
    "title", "type", "status", "status_category", "priority", "project", "component", "fix_version", "tracker", "key",
    "sprint", "team",
)  # fmt: skip
RELATIONS: tuple[Relation, ...] = get_args(Relation)


@dataclass(frozen=True, slots=True)
class RandomCase:
    """All that a decision depends on."""

    issue: Issue
    lineage: Lineage
    rulebook: Rulebook
    overrides: dict[IssueRef, list[Override]]
    day: date


def random_case(random: Random) -> RandomCase:
    """One case: mostly a few rules, so that silence, agreement and disagreement all happen."""
    below = dressed(random, issue("PAY-1", level=random.choice((-1, 0, 0, 0, 1))))
    lineage = _lineage(random, below)
    book = random_rules(random)
    overrides = random_words(random, (below, *(a for step in lineage.steps for a in step)))
    return RandomCase(below, lineage, book, overrides, DAY)


def dressed(random: Random, plain: Issue) -> Issue:
    """With values that rules meet often."""
    return replace(
        plain,
        title=" ".join(random.choices(WORDS, k=random.randint(1, 3))),
        type=random.choice(("Bug", "Story", "sre")),
        status=random.choice(("Open", "docs")),
        category=random.choice(tuple(Category)),
        priority=random.choice((None, "High", "platform")),
        project_name=random.choice(WORDS),
        labels=tuple(random.choices(WORDS, k=random.randint(0, 3))),
        components=tuple(random.choices(WORDS, k=random.randint(0, 1))),
        fix_versions=tuple(random.choices(WORDS, k=random.randint(0, 1))),
        team=("ENG", "platform") if random.random() < 0.3 else (),
        **random.choice(_ASKED),
    )


_ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"asked": frozenset({"sprint", "field.squad"})},
    {"asked": frozenset({"sprint"}), "sprints": ("sre", "docs")},
    {"asked": frozenset({"field.squad"}), "extra": (("field.squad", ("SRE.", "platform")),)},
)
"""What was asked for beyond the common fields, and found."""


def _lineage(random: Random, below: Issue) -> Lineage:
    """Levels rise with each step up, as in every tracker; the chain may end in an ancestor that cannot be read."""
    steps: list[tuple[Issue, ...]] = []
    if below.level < 0 and random.random() < 0.8:
        steps.append((dressed(random, issue("PAY-2")),))
    if below.level < 1 and random.random() < 0.6:
        steps.append((dressed(random, epic("PAY-3")),))
    if random.random() < 0.4:
        tops = (initiative("PAY-4"), initiative("PAY-5"))[: random.choice((1, 1, 1, 2))]
        steps.append(tuple(dressed(random, one) for one in tops))
    missing = Link("id-PAY-99", "PAY-99") if random.random() < 0.25 else None
    return Lineage(tuple(steps), missing=missing)


def random_rules(random: Random) -> Rulebook:
    """A strategy and mostly a few rules."""
    rules = tuple(_rule(random, f"rule-{n}") for n in range(random.choice((1, 2, 3, 5, 8))))
    return Rulebook(version="random", strategy=_strategy(random), rules=rules)


def random_words(random: Random, on: Sequence[Issue]) -> dict[IssueRef, list[Override]]:
    """What people said of some of these."""
    return {one.ref: _overrides(random, one.ref) for one in on if random.random() < 0.12}


def _rule(random: Random, name: str) -> Rule:
    return Rule(
        id=name,
        target=target(random.choice(TARGETS)),
        when=_condition(random, depth=3),
        priority=random.choice((0, 0, 0, 0, 1, -1)),
        default=random.random() < 0.35,
        exact=random.random() < 0.1,
        window=_window(random, 0.2),
    )


def _condition(random: Random, depth: int) -> Condition:
    kind = random.random()
    if depth == 0 or kind < 0.5:
        return _has(random)
    if kind < 0.7:
        return Of(random.choice(RELATIONS), _condition(random, depth - 1))
    parts = tuple(_condition(random, depth - 1) for _ in range(random.randint(1, 3)))
    if kind < 0.8:
        return AllOf(parts)
    return AnyOf(parts) if kind < 0.9 else NoneOf(parts)


def _has(random: Random) -> Has:
    field: str = random.choice(FIELDS) if random.random() < 0.95 else "field.Squad"
    if field == "status_category":
        return Has(field, (pattern(random.choice(("todo", "in_progress", "done"))),))
    if field in ("key", "tracker"):
        return Has(field, (pattern(random.choice(("PAY-1", "pay-*", "acme-jira"))),))
    return Has(field, tuple(pattern(text) for text in random.choices(TEXTS, k=random.randint(1, 3))))


def _strategy(random: Random) -> Strategy:
    def outcome(name: str, *objectives: str) -> Outcome:
        finer = tuple(Objective(id=o, title=o, window=_window(random, 0.2)) for o in objectives)
        return Outcome(id=name, title=name, owner="maria", objectives=finer, window=_window(random, 0.1))

    return Strategy(
        intent="One sentence.",
        outcomes=(outcome("growth"), outcome("trust"), outcome("reliability", "failover", "capacity")),
        overhead=tuple(Overhead(id=name, title=name, owner="ops") for name in ("hiring", "ktlo")),
    )


def _window(random: Random, often: float) -> Window:
    """None, or one whose ends lie on or about the day."""
    if random.random() >= often:
        return Window()
    ends: list[Any] = [random.choice((None, DAY + timedelta(days=random.randint(-2, 2)))) for _ in range(2)]
    return Window(*ends)


def _overrides(random: Random, on: IssueRef) -> list[Override]:
    """Two marks, or a mark and a command, or one word; some expired."""
    sources = random.choice(
        (
            (OverrideSource.ADMIN,),
            (OverrideSource.MARK,),
            (OverrideSource.MARK, OverrideSource.MARK),
            (OverrideSource.MARK, OverrideSource.COMMAND),
        )
    )
    return [
        Override(
            ref=on,
            target=_override_target(random, source),
            source=source,
            author="maria",
            at=NOW - timedelta(hours=random.randint(1, 50), minutes=number),
            expires=random.choice((None, None, NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1))),
        )
        for number, source in enumerate(sources)
    ]


def _override_target(random: Random, source: OverrideSource) -> Target:
    return target(random.choice(TARGETS[:6] if source is OverrideSource.MARK else TARGETS))
