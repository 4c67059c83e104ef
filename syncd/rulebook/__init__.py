"""strategy.yaml + rules.yaml → a `Rulebook`, or every problem as file:line:column (DESIGN §4, §9)."""

from syncd.rulebook.loading import (
    RULES_FILE,
    STRATEGY_FILE,
    RulesShape,
    StrategyShape,
    advise,
    load_rulebook,
    read_rulebook,
)

__all__ = [
    "RULES_FILE",
    "STRATEGY_FILE",
    "RulesShape",
    "StrategyShape",
    "advise",
    "load_rulebook",
    "read_rulebook",
]
