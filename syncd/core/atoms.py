"""Texts of conditions, ready to be asked: which of them does a value fit?

Every text of every condition becomes an *atom* (field, pattern, folded or not); equal atoms are shared. `FieldIndex`
holds all atoms of one field: a dictionary for whole texts, one pass of a `PatternSet` for globs and expressions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, assert_never

import re2

from syncd.core.fold import field_key, fold, fold_label
from syncd.core.model import CUSTOM, Form, Pattern
from syncd.core.patterns import PatternSet
from syncd.core.seen import Seen

VALUES_REMEMBERED: Final = 100_000
"""Distinct values whose atoms are remembered; past it the memory starts afresh, so that it stays bounded."""
REMEMBERED_LENGTH: Final = 255
"""Longer values (paragraphs in custom fields) hardly come twice."""

Values = Callable[[Seen], tuple[str, ...]]
"""What a key of `when:` sees in an issue."""


def _projects(issue: Seen) -> tuple[str, ...]:
    """A Jira project by key and name; of Linear, where `Issue.project` is the team's key, its project's name."""
    if not issue.team:
        return (issue.project, issue.project_name)
    return (issue.project_name,) if issue.project_name else ()


VALUES: Final[Mapping[str, Values]] = {
    "label": attrgetter("labels"),
    "title": lambda i: (i.title,),
    "type": lambda i: (i.type,),
    "status": lambda i: (i.status,),
    "status_category": lambda i: (i.category.value,),
    "priority": lambda i: () if i.priority is None else (i.priority,),
    "project": _projects,
    "team": attrgetter("team"),
    "component": attrgetter("components"),
    "fix_version": attrgetter("fix_versions"),
    "sprint": attrgetter("sprints"),
    "tracker": lambda i: (i.ref.tracker,),
    "key": lambda i: (i.key,),
}
"""What each `FieldName` sees in an issue."""


def values_of(field: str) -> Values:
    """What a `FieldName` or `field.<name>` sees in an issue."""
    if field.startswith(CUSTOM):
        key = field_key(field)
        return lambda issue: issue.values_of(key)
    return VALUES[field]


def must_be_asked(field: str) -> str | None:
    """The key by which a snapshot says that this field was asked for; None: it always is."""
    return field_key(field) if field == "sprint" or field.startswith(CUSTOM) else None


# --- atoms ------------------------------------------------------------------------------------------------

Hits = Mapping[int, str]
"""Atom → the value of the issue that it fits (the first one)."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One text of a condition; `exact` compares without folding."""

    field: str
    pattern: Pattern
    exact: bool


class FieldIndex(dict[str, Sequence[int]]):
    """Value of one field → the atoms it fits: looked up once, remembered where values come back all the time."""

    def __init__(self, field: str) -> None:
        super().__init__()
        folding = fold_label if field == "label" else fold
        self._raw, self._folded = _Side(None), _Side(folding)
        self._sides: Sequence[_Side] = ()
        self._remembers = field not in ("title", "key")
        self.fitting: Callable[[str], Sequence[int]] = self.__getitem__ if self._remembers else self._look_up
        """The atoms that a value fits."""

    def __missing__(self, value: str) -> Sequence[int]:
        atoms = self._look_up(value)
        if len(value) <= REMEMBERED_LENGTH and self._remembers:
            if len(self) >= VALUES_REMEMBERED:
                self.clear()
            self[value] = atoms
        return atoms

    def add(self, number: int, atom: Atom) -> None:
        """Know the atom by that number."""
        raw = atom.exact or atom.pattern.form is Form.REGEX
        (self._raw if raw else self._folded).add(number, atom.pattern)

    def seal(self) -> None:
        """No more atoms: ready to be asked."""
        for side in (self._raw, self._folded):
            side.seal()
        self._sides = [side for side in (self._raw, self._folded) if not side.empty]
        if not self._remembers and len(self._sides) == 1:
            self.fitting = self._sides[0].fitting

    def _look_up(self, value: str) -> Sequence[int]:
        found: Sequence[int] = ()
        for side in self._sides:
            if some := side.fitting(value):
                found = (*found, *some)
        return found


class Vocabulary:
    """All atoms of a rulebook, or of two that are compared: then each issue is looked at once for both."""

    def __init__(self) -> None:
        self._numbers: dict[Atom, int] = {}
        self._index: tuple[tuple[Values, Callable[[str], Sequence[int]]], ...] = ()
        self._indexed = 0
        self._latest: tuple[Seen | None, Hits] = (None, {})

    def number(self, atom: Atom) -> int:
        """The number by which `hits` tells of that atom."""
        return self._numbers.setdefault(atom, len(self._numbers))

    def hits(self, issue: Seen) -> Hits:
        """What the issue fits. Of the latest one it is remembered."""
        if self._indexed != len(self._numbers):
            self._build()
        latest, hits = self._latest
        if issue is latest:
            return hits
        found: dict[int, str] = {}
        for values, fitting in self._index:
            for value in values(issue):
                for atom in fitting(value):
                    if atom not in found:
                        found[atom] = value
        self._latest = issue, found
        return found

    def _build(self) -> None:
        fields: dict[str, FieldIndex] = {}
        for atom, number in self._numbers.items():
            fields.setdefault(atom.field, FieldIndex(atom.field)).add(number, atom)
        for index in fields.values():
            index.seal()
        self._index = tuple((values_of(field), index.fitting) for field, index in fields.items())
        self._indexed = len(self._numbers)
        self._latest = None, {}


class _Side:
    """The atoms of one field that are compared as values stand, or those that are compared folded."""

    def __init__(self, folding: Callable[[str], str] | None) -> None:
        self._folding = folding
        self._whole: dict[str, list[int]] = {}
        self._patterns: list[str] = []
        self._numbers: list[int] = []
        self._set: PatternSet | None = None

    @property
    def empty(self) -> bool:
        """Whether there are none."""
        return not self._whole and not self._patterns

    def add(self, number: int, pattern: Pattern) -> None:
        """One more."""
        match pattern.form:
            case Form.TEXT:
                text = pattern.text if self._folding is None else self._folding(pattern.text)
                self._whole.setdefault(text, []).append(number)
            case Form.GLOB:
                self._numbers.append(number)
                self._patterns.append(_glob(pattern.text, self._folding))
            case Form.REGEX:
                self._numbers.append(number)
                self._patterns.append(pattern.text)
            case _:
                assert_never(pattern.form)

    def seal(self) -> None:
        """No more of them."""
        self._set = PatternSet(self._patterns) if self._patterns else None

    def fitting(self, value: str) -> Sequence[int]:
        """Those that a value fits."""
        text = value if self._folding is None else self._folding(value)
        whole = self._whole.get(text, ()) if self._whole else ()
        places = self._set.fits(text) if self._set is not None else ()
        return [*whole, *(self._numbers[place] for place in places)] if places else whole


def _glob(text: str, folding: Callable[[str], str] | None) -> str:
    parts = text.split("*")
    wanted = parts if folding is None else _fold_around_stars(parts, folding)
    return r"(?s)\A" + ".*".join(re2.escape(part) for part in wanted) + r"\z"


def _fold_around_stars(parts: list[str], folding: Callable[[str], str]) -> list[str]:
    """Fold the whole text as one value would be, keeping the stars where they are."""
    star = "\ue000"  # a private-use character: no folding touches it
    return folding(star.join(parts)).split(star)
