"""Values by which a store finds issues: which ones an issue bears, and which ones a condition cannot hold without."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from syncd.core.fold import fold, fold_label, storable
from syncd.core.model import AllOf, AnyOf, Condition, Form, Has, Of, Pattern

INDEXED: Final[Mapping[str, str]] = {"label": "labels", "component": "components"}
"""Fields by whose values a store finds issues, and their names in `Issue`.

Values of the others are borne by too many issues for that to pay (a type, a project), or by one alone (a title).
"""


@dataclass(frozen=True, slots=True, order=True)
class Bears:
    """To bear a value of an indexed field, folded; `prefix`: one that begins with it."""

    field: str
    text: str
    prefix: bool = False


def indexed(values: Mapping[str, Iterable[str]]) -> frozenset[tuple[str, str]]:
    """(field, folded value) of an issue's values, by the names that `Issue` has for them."""
    return frozenset(
        (field, storable(_FOLDS[field](value))) for field, name in INDEXED.items() for value in values.get(name, ())
    )


_FOLDS: Final = {"label": fold_label, "component": fold}


def needed(condition: Condition, *, exact: bool) -> frozenset[Bears] | None:
    """One of these is borne by whatever meets the condition, or above it; None: it may be met without any."""
    match condition:
        case Has(field=field) if field in INDEXED:
            return union(_bears(field, pattern, exact=exact) for pattern in condition.patterns)
        case Of(condition=inner):
            return needed(inner, exact=exact)
        case AllOf(conditions=conditions):
            certain = [needs for c in conditions if (needs := needed(c, exact=exact)) is not None]
            return min(certain, key=len) if certain else None
        case AnyOf(conditions=conditions):
            return union(needed(c, exact=exact) for c in conditions)
        case _:
            return None


def _bears(field: str, pattern: Pattern, *, exact: bool) -> frozenset[Bears] | None:
    """Whoever bears a text exactly bears it folded, too; of the beginning of a text that is not so."""
    folding = _FOLDS[field]
    if pattern.form is Form.TEXT:
        return frozenset({Bears(field, folding(pattern.text))})
    begin = folding(pattern.text.partition("*")[0] + _STAR)[:-1]
    if pattern.form is Form.REGEX or exact or not begin:
        return None
    return frozenset({Bears(field, begin, prefix=True)})


_STAR: Final = "\ue000"  # a private-use character: folding leaves it, and what stands before it, in place


def union(needs: Iterable[frozenset[Bears] | None]) -> frozenset[Bears] | None:
    """All of them; None where one is not known."""
    found: set[Bears] = set()
    for some in needs:
        if some is None:
            return None
        found |= some
    return frozenset(found)
