"""The rules: what a rule leads to, its conditions, and the rulebook as one version."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal

from syncd.core.model.strategy import ALWAYS, Accept, Strategy, Window


@dataclass(frozen=True, slots=True, order=True)
class ToOutcome:
    """The rule says: this serves an outcome, or one objective of it."""

    outcome: str
    objective: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class ToOverhead:
    """The rule says: this is declared overhead."""

    overhead: str


@dataclass(frozen=True, slots=True, order=True)
class ToExempt:
    """The rule says: this is out of scope, and why."""

    why: str


Target = ToOutcome | ToOverhead | ToExempt


class Form(StrEnum):
    """How a text in a condition is meant."""

    TEXT = "text"
    """Equal to the whole value."""
    GLOB = "glob"
    """Equal, `*` standing for any run of characters."""
    REGEX = "re"
    """An RE2 search in the raw value."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One text of a condition, without its `re:`."""

    form: Form
    text: str

    def __str__(self) -> str:
        """As the admin wrote it."""
        return f"re:{self.text}" if self.form is Form.REGEX else self.text


FieldName = Literal[
    "label", "title", "type", "status", "status_category", "priority", "project", "team", "component", "fix_version",
    "sprint", "tracker", "key",
]  # fmt: skip
CUSTOM: Final = "field."
"""How the names of custom fields begin in conditions: `field.Squad`."""
Relation = Literal["parent", "epic", "initiative", "ancestor"]


@dataclass(frozen=True, slots=True)
class Has:
    """A field has a value that fits one of the patterns."""

    field: str
    """A `FieldName`, or `field.` and the display name of a custom field."""
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Of:
    """An ancestor in that relation meets the condition. Without such an ancestor it is false."""

    relation: Relation
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """Not one of the conditions holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Cel:
    """A CEL expression over the issue is true (see `syncd.core.cel`)."""

    expression: str


Condition = Has | Of | AllOf | AnyOf | NoneOf | Cel


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Conditions → a target. `exact` switches the folding of texts off."""

    id: str
    target: Target
    when: Condition
    priority: int = 0
    default: bool = False
    exact: bool = False
    owner: str | None = None
    window: Window = ALWAYS
    accept: tuple[Accept, ...] = ()
    where: str = ""
    """`file:line` of the rule, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All rules and the strategy at one version (a hash of both files' content as it was read)."""

    version: str
    strategy: Strategy
    rules: tuple[Rule, ...] = ()

    def in_effect(self, day: date) -> tuple[Rule, ...]:
        """The rules that may match on that day: inside their own dates and their target's."""
        return tuple(r for r in self.rules if r.window.holds(day) and self._target_holds(r.target, day))

    def _target_holds(self, target: Target, day: date) -> bool:
        if not isinstance(target, ToOutcome):
            return True
        outcome = self.strategy.outcome(target.outcome)
        if outcome is None or not outcome.window.holds(day):
            return False
        if target.objective is None:
            return True
        return any(o.id == target.objective and o.window.holds(day) for o in outcome.objectives)
