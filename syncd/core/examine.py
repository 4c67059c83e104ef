"""Rule by rule: did it match an issue, by what; if not, for want of what; and what came near (for `syncd explain`).

Slower and wordier than `match`, on one issue at a time, by the very same evaluation: every condition of every rule is
compiled as a rule of its own, dates aside, and asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final, assert_never

from syncd.core.atoms import must_be_asked, values_of
from syncd.core.fold import fold, fold_label
from syncd.core.match import Matcher, Sight, related, unreadable
from syncd.core.model import (
    AllOf,
    AnyOf,
    Cel,
    Condition,
    Form,
    Has,
    Issue,
    Lineage,
    NoneOf,
    Of,
    Rule,
    Rulebook,
    ToExempt,
    Window,
)

TYPO_LENGTH: Final = 4
"""Shorter words are one letter away from too many others."""
QUOTED: Final = 5
"""Values named of one field."""
LONGEST: Final = 80
"""Characters shown of one value."""


class Result(StrEnum):
    """What a rule came to on one issue."""

    MATCHED = "matched"
    NOT = "not matched"
    UNKNOWN = "unknown"
    """It hangs on an ancestor that cannot be read."""
    DORMANT = "outside its dates"


@dataclass(frozen=True, slots=True)
class Examined:
    """One rule on one issue. `texts`: by what it matched, or what failed; `near`: what would have made it match."""

    rule: Rule
    result: Result
    texts: tuple[str, ...]
    near: tuple[str, ...] = ()


def examine(rulebook: Rulebook, day: date, issue: Issue, lineage: Lineage) -> tuple[Examined, ...]:
    """Every rule of the rulebook on this issue, in the rulebook's order."""
    asked = _Asked(rulebook)
    sight = asked.sight(issue, lineage)
    in_effect = {rule.id for rule in rulebook.in_effect(day)}
    return tuple(_examined(asked, rule, sight, dormant=rule.id not in in_effect) for rule in rulebook.rules)


class _Asked:
    """All conditions of a rulebook, each ready to be asked by itself."""

    def __init__(self, rulebook: Rulebook) -> None:
        parts = [(rule, part) for rule in rulebook.rules for part in _parts(rule.when)]
        self._places = {(rule.id, id(part)): place for place, (rule, part) in enumerate(parts)}
        alone = [
            replace(rule, id=str(place), when=part, target=ToExempt(""), window=Window())
            for place, (rule, part) in enumerate(parts)
        ]
        self._matcher = Matcher(replace(rulebook, rules=tuple(alone)), date.min)

    def sight(self, issue: Issue, lineage: Lineage) -> Sight:
        """The issue as conditions see it."""
        return self._matcher.sight(issue, lineage)

    def truth(self, rule: Rule, condition: Condition, sight: Sight) -> tuple[bool | None, tuple[str, ...]]:
        """Whether one condition of a rule holds on an issue, and by what."""
        return self._matcher.truth(self._places[rule.id, id(condition)], sight)


def _parts(condition: Condition) -> Iterator[Condition]:
    yield condition
    match condition:
        case AllOf(conditions=inner) | AnyOf(conditions=inner) | NoneOf(conditions=inner):
            for part in inner:
                yield from _parts(part)
        case Of(condition=part):
            yield from _parts(part)
        case _:
            return


def _examined(asked: _Asked, rule: Rule, sight: Sight, *, dormant: bool) -> Examined:
    truth, texts = asked.truth(rule, rule.when, sight)
    if truth and dormant:
        near = (f"it would match, but is outside its dates or its outcome's ({_dates(rule.window)})",)
        return Examined(rule, Result.DORMANT, texts, near)
    if truth:
        return Examined(rule, Result.MATCHED, texts)
    seen = _Want(asked, rule, sight)
    result = Result.DORMANT if dormant else Result.UNKNOWN if truth is None else Result.NOT
    return Examined(rule, result, tuple(seen.of(rule.when)), tuple(dict.fromkeys(seen.near)))


class _Want:
    """What a rule lacks on one issue."""

    def __init__(self, asked: _Asked, rule: Rule, sight: Sight) -> None:
        self._asked = asked
        self._rule = rule
        self._sight = sight
        self.near: list[str] = []

    def of(self, condition: Condition) -> Iterator[str]:
        """What keeps the condition from holding, one line each."""
        truth, _ = self._asked.truth(self._rule, condition, self._sight)
        if truth:
            return
        match condition:
            case Has():
                yield self._has(condition)
            case Of():
                yield from self._of(condition)
            case AllOf(conditions=inner) | AnyOf(conditions=inner):
                for part in inner:
                    yield from self.of(part)
            case NoneOf(conditions=inner):
                yield from self._none_of(inner)
            case Cel(expression=expression):
                yield f"cel is {'unknown' if truth is None else 'false'}: {expression}"
            case _:
                assert_never(condition)

    def _has(self, condition: Has) -> str:
        unread = must_be_asked(condition.field)
        if unread is not None and unread not in self._sight.issue.asked:
            self.near.append(f"{condition.field} was not read yet: the next cycle asks for it")
            return f"{condition.field} was not read yet"
        values = values_of(condition.field)(self._sight.issue)
        self.near += _typos(condition, values, exact=self._rule.exact)
        wanted = _listed([str(pattern) for pattern in condition.patterns])
        return f"{condition.field} is {_listed(values) if values else 'empty'}, wanted {wanted}"

    def _of(self, condition: Of) -> Iterator[str]:
        found = list(related(condition.relation, self._sight))
        for ancestor in found:
            below = _Want(self._asked, self._rule, ancestor)
            name = f"{condition.relation} {ancestor.issue.key}"
            yield from (f"{name}: {text}" for text in below.of(condition.condition))
            self.near += (f"{name}: {text}" for text in below.near)
        if unreadable(condition.relation, self._sight):
            lost = f"{self._sight.above.lineage.missing} cannot be read"
            self.near.append(f"{lost}, so nobody knows whether the {condition.relation} fits")
            yield f"{condition.relation}: {lost}"
        elif not found:
            yield f"there is no {condition.relation}"

    def _none_of(self, inner: Sequence[Condition]) -> Iterator[str]:
        for part in inner:
            truth, texts = self._asked.truth(self._rule, part, self._sight)
            if truth:
                yield f"excluded, since {'; '.join(texts)}"
            elif truth is None:
                yield "whether it is excluded hangs on what cannot be read"


def _typos(condition: Has, values: Sequence[str], *, exact: bool) -> Iterator[str]:
    """Values that are one letter away from a text that was wanted."""
    folding = str if exact else fold_label if condition.field == "label" else fold
    for pattern in condition.patterns:
        wanted = folding(pattern.text)
        if pattern.form is not Form.TEXT or len(wanted) < TYPO_LENGTH:
            continue
        for value in values:
            if one_letter_off(folding(value), wanted):
                yield f'{condition.field} "{value}" is one letter away from "{pattern.text}"'


def one_letter_off(one: str, other: str) -> bool:
    """Whether one letter was left out, added, changed, or swapped with its neighbour; equal texts are not."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, rest_other = one[start:], other[start:]
    if len(one) == len(other):
        swapped = rest[:2] == rest_other[1::-1] and rest[2:] == rest_other[2:]
        return rest[1:] == rest_other[1:] or swapped
    longer, shorter = (rest, rest_other) if len(one) > len(other) else (rest_other, rest)
    return longer[1:] == shorter


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(
        f'"{value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"}"' for value in values[:QUOTED]
    )
    return shown if len(values) <= QUOTED else f"{shown} and {len(values) - QUOTED} more"


def _dates(window: Window) -> str:
    return f"{window.first or 'always'} to {window.last or 'always'}"
