"""Conditions that can never hold, or always do: only what is certain from the words of the condition alone.

`False` and `None` mean "not certain", never "the opposite". What this module does not know of it says nothing about.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from syncd.core.fold import fold, fold_label
from syncd.core.model import AllOf, AnyOf, Category, Condition, Form, Has, NoneOf, Of, Pattern

_ONE: Final = frozenset({"title", "type", "status", "status_category", "priority", "tracker", "key"})
"""Fields of which no issue has two values."""
_ALWAYS: Final = frozenset({"title", "type", "status", "status_category", "tracker", "key", "project"})
"""Fields of which every issue has a value."""
_CATEGORIES: Final = frozenset(category.value for category in Category)
_MOST: Final = 20_000
"""Pairs of texts compared at most for one rule: past it nothing is said."""


def same(condition: Condition, *, exact: bool) -> Hashable:
    """Equal for two conditions that mean the same by their form: order, repetition and folded spelling do not count."""
    match condition:
        case Has(field=field, patterns=patterns):
            return "has", field, frozenset(_text(field, p, exact=exact) for p in patterns)
        case Of(relation=relation, condition=inner):
            return "of", relation, same(inner, exact=exact)
        case AllOf() | AnyOf():
            inner_ones = frozenset(same(c, exact=exact) for c in _flat(condition))
            return next(iter(inner_ones)) if len(inner_ones) == 1 else (type(condition).__name__, inner_ones)
        case NoneOf(conditions=conditions):
            return "none", frozenset(same(c, exact=exact) for c in conditions)
        case _:
            return condition


def impossible(condition: Condition, *, exact: bool) -> str | None:
    """Why no issue can meet the condition, in words; None where that is not certain."""
    return _Reader(exact=exact).impossible(condition)


def certain(condition: Condition, *, exact: bool) -> bool:
    """Whether every issue meets the condition, for certain."""
    return _Reader(exact=exact).certain(condition)


@dataclass(slots=True)
class _Reader:
    exact: bool
    pairs: int = 0

    def impossible(self, condition: Condition) -> str | None:
        match condition:
            case Of(condition=inner):
                return self.impossible(inner)
            case AnyOf(conditions=conditions):
                found = [self.impossible(c) for c in conditions]
                return found[0] if found and None not in found else None
            case AllOf() | NoneOf():
                return self._torn(list(_flat(condition)))
            case _:
                return None

    def certain(self, condition: Condition) -> bool:
        match condition:
            case Has(field="status_category", patterns=patterns):
                return _categories(patterns) == _CATEGORIES
            case Has(field=field, patterns=patterns):
                return field in _ALWAYS and any(p.form is Form.GLOB and not p.text.strip("*") for p in patterns)
            case AnyOf(conditions=conditions):
                return any(self.certain(c) for c in conditions)
            case AllOf(conditions=conditions):
                return all(self.certain(c) for c in conditions)
            case NoneOf(conditions=conditions):
                return all(self.impossible(c) is not None for c in conditions)
            case _:
                return False

    def _torn(self, parts: list[Condition]) -> str | None:
        """Why these conditions cannot hold together."""
        wanted = [part for part in parts if not isinstance(part, NoneOf)]
        excluded = [inner for part in parts if isinstance(part, NoneOf) for inner in part.conditions]
        for part in wanted:
            if why := self.impossible(part):
                return why
        for inner in excluded:
            if self.certain(inner):
                return f"{_named(inner)} holds for every issue, and is excluded"
            if wanted and self._implies(AllOf(tuple(wanted)), inner):
                return f"{_named(inner)} is both wanted and excluded"
        if excluded and any(self._implies(part, AnyOf(tuple(excluded))) for part in wanted):
            return "whatever is wanted is excluded"
        return self._two_values(wanted) or _no_category(wanted, excluded)

    def _two_values(self, wanted: Iterable[Condition]) -> str | None:
        """Two texts wanted of a field that has one."""
        left: dict[str, frozenset[str]] = {}
        for part in wanted:
            if (
                not isinstance(part, Has)
                or part.field not in _ONE
                or any(p.form is not Form.TEXT for p in part.patterns)
            ):
                continue
            texts = frozenset(_text(part.field, p, exact=self.exact)[1] for p in part.patterns)
            left[part.field] = left.get(part.field, texts) & texts
            if not left[part.field]:
                return f"no issue has two values of `{part.field}`"
        return None

    def _implies(self, one: Condition, other: Condition) -> bool:
        """Whether whatever meets `one` meets `other`, for certain."""
        self.pairs += 1
        if self.pairs > _MOST:
            return False
        match one, other:
            case Has(), Has():
                found = one.field == other.field and self._covered(one, other)
            case Of(), Of():
                found = one.relation == other.relation and self._implies(one.condition, other.condition)
            case AnyOf(), _:
                found = all(self._implies(c, other) for c in one.conditions)
            case _, AllOf():
                found = all(self._implies(one, c) for c in other.conditions)
            case AllOf(), _:
                found = any(self._implies(c, other) for c in one.conditions)
            case _, AnyOf():
                found = any(self._implies(one, c) for c in other.conditions)
            case _:
                found = self._same(one, other)
        return found

    def _same(self, one: Condition, other: Condition) -> bool:
        return same(one, exact=self.exact) == same(other, exact=self.exact)

    def _covered(self, one: Has, other: Has) -> bool:
        """Whether every value that fits `one` fits `other`."""
        texts = [_text(one.field, p, exact=self.exact) for p in one.patterns]
        covers = {_text(other.field, p, exact=self.exact) for p in other.patterns}
        globs = [text.split("*") for form, text in covers if form is Form.GLOB]
        self.pairs += len(texts) * (1 + len(globs))
        if self.pairs > _MOST:
            return False
        return all(t in covers or (t[0] is not Form.REGEX and any(_fits(g, t[1]) for g in globs)) for t in texts)


def _flat(condition: AllOf | AnyOf | NoneOf) -> Iterator[Condition]:
    """The parts of a condition, those of parts of its own kind among them."""
    if isinstance(condition, NoneOf):
        yield condition
        return
    for part in condition.conditions:
        if isinstance(part, (AllOf, AnyOf)) and (type(part) is type(condition) or len(part.conditions) == 1):
            yield from _flat(part)
        else:
            yield part


def _no_category(wanted: Iterable[Condition], excluded: Iterable[Condition]) -> str | None:
    left = _CATEGORIES
    for part in wanted:
        if isinstance(part, Has) and part.field == "status_category":
            left &= _categories(part.patterns)
    for part in excluded:
        if isinstance(part, Has) and part.field == "status_category":
            left -= _categories(part.patterns)
    return None if left else "no `status_category` is left"


def _categories(patterns: Iterable[Pattern]) -> frozenset[str]:
    """The categories among those texts; the loader lets nothing else stand there."""
    return frozenset(p.text for p in patterns) & _CATEGORIES


def _text(field: str, pattern: Pattern, *, exact: bool) -> tuple[Form, str]:
    if exact or pattern.form is Form.REGEX:
        return pattern.form, pattern.text
    return pattern.form, fold_label(pattern.text) if field == "label" else fold(pattern.text)


def _fits(parts: list[str], text: str) -> bool:
    """Whether a glob, cut at its stars, covers a text. A star in the text is covered by a star only."""
    first, *middle, last = parts
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _named(condition: Condition) -> str:
    """A condition in a few words."""
    match condition:
        case Has(field=field, patterns=patterns):
            shown = ", ".join(str(p) for p in patterns[:3]) + (", …" if len(patterns) > 3 else "")  # noqa: PLR2004 - a few
            return f"`{field}: {shown}`"
        case Of(relation=relation, condition=inner):
            return f"{relation} {_named(inner)}"
        case _:
            return "a condition"
