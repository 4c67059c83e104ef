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


class FieldIndex(dict[str, tuple[int, ...]]):
    """Value of one field → the atoms it fits: looked up once, remembered where values come back all the time."""

    def __init__(self, field: str) -> None:
        super().__init__()
        self._fold = fold_label if field == "label" else fold
        self._raw: dict[str, list[int]] = {}
        self._folded: dict[str, list[int]] = {}
        self._patterns: dict[bool, list[tuple[int, str]]] = {False: [], True: []}
        self._sets: dict[bool, PatternSet] = {}
        self._longest = 0 if field in ("title", "key") else REMEMBERED_LENGTH

    def __missing__(self, value: str) -> tuple[int, ...]:
        atoms = self._look_up(value)
        if len(value) <= self._longest:
            if len(self) >= VALUES_REMEMBERED:
                self.clear()
            self[value] = atoms
        return atoms

    def add(self, number: int, atom: Atom) -> None:
        """Know the atom by that number."""
        match atom.pattern.form:
            case Form.TEXT if atom.exact:
                self._raw.setdefault(atom.pattern.text, []).append(number)
            case Form.TEXT:
                self._folded.setdefault(self._fold(atom.pattern.text), []).append(number)
            case Form.GLOB:
                glob = _glob(atom.pattern.text, self._fold, exact=atom.exact)
                self._patterns[not atom.exact].append((number, glob))
            case Form.REGEX:
                self._patterns[False].append((number, atom.pattern.text))
            case _:
                assert_never(atom.pattern.form)

    def seal(self) -> None:
        """No more atoms: ready to be asked."""
        for folded, patterns in self._patterns.items():
            if patterns:
                self._sets[folded] = PatternSet([pattern for _, pattern in patterns])

    def _look_up(self, value: str) -> tuple[int, ...]:
        atoms = self._fitting(value, self._raw, folded=False)
        if not self._folded and True not in self._sets:
            return atoms
        return atoms + self._fitting(self._fold(value), self._folded, folded=True)

    def _fitting(self, text: str, whole: Mapping[str, Sequence[int]], *, folded: bool) -> tuple[int, ...]:
        atoms = tuple(whole.get(text, ()))
        if folded not in self._sets:
            return atoms
        places = self._sets[folded].fits(text)
        if not places:
            return atoms
        patterns = self._patterns[folded]
        return (*atoms, *(patterns[place][0] for place in places))


def _glob(text: str, folding: Callable[[str], str], *, exact: bool) -> str:
    parts = text.split("*")
    wanted = parts if exact else _fold_around_stars(parts, folding)
    return r"(?s)\A" + ".*".join(re2.escape(part) for part in wanted) + r"\z"


def _fold_around_stars(parts: list[str], folding: Callable[[str], str]) -> list[str]:
    """Fold the whole text as one value would be, keeping the stars where they are."""
    star = "\ue000"  # a private-use character: no folding touches it
    return folding(star.join(parts)).split(star)
