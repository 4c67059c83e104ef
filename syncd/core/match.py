"""Which rules match an issue, and why: `Matcher(rulebook, day).matches(issue, lineage)`.

A rulebook is compiled once for a day. Every text of every condition becomes an *atom* (field, pattern, folded or not);
equal atoms are shared. For each issue the atoms it has are found by one dictionary look-up per value and one `re2.Set`
pass per text field. Each rule hangs on the atoms that it cannot match without (its postings), so only candidates are
evaluated, and only matches yield evidence. Conditions are three-valued: over an ancestor that cannot be read they are
unknown, and neither they nor their negation match (DESIGN §4).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, assert_never

import re2

from syncd.core.fold import fold, fold_label
from syncd.core.model import (
    AllOf,
    AnyOf,
    Condition,
    Evidence,
    FieldName,
    Form,
    Has,
    Issue,
    IssueRef,
    Lineage,
    NoneOf,
    Of,
    Pattern,
    Relation,
    Rule,
    Rulebook,
)

EPIC_LEVEL: Final = 1
VALUES_REMEMBERED: Final = 100_000
"""Distinct values whose atoms are remembered; past it the memory starts afresh, so that it stays bounded."""

VALUES: Final[Mapping[FieldName, Callable[[Issue], tuple[str, ...]]]] = {
    "label": lambda i: i.labels,
    "title": lambda i: (i.title,),
    "type": lambda i: (i.type,),
    "status": lambda i: (i.status,),
    "status_category": lambda i: (i.category.value,),
    "priority": lambda i: () if i.priority is None else (i.priority,),
    "project": lambda i: (i.project, i.project_name),
    "component": lambda i: i.components,
    "fix_version": lambda i: i.fix_versions,
    "tracker": lambda i: (i.ref.tracker,),
    "key": lambda i: (i.key,),
}
"""What each key of `when:` sees in an issue."""


class PatternError(ValueError):
    """A pattern that RE2 refuses, with RE2's own words."""


def compile_pattern(pattern: str) -> "re2._Regexp[str]":
    """A compiled RE2 pattern; `PatternError` says what RE2 does not accept (look-around, back-references, …)."""
    try:
        return re2.compile(pattern, _re2_options())
    except re2.error as refused:
        said = refused.args[0] if refused.args else b"refused"
        raise PatternError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None


def _re2_options() -> "re2.Options":
    options = re2.Options()
    options.log_errors = False  # it writes to stderr otherwise (facts/stack.md §2)
    options.max_mem = 64 << 20
    return options


# --- atoms ------------------------------------------------------------------------------------------------

Hits = Mapping[int, str]
"""Atom → the value of the issue that it fits (the first one)."""


@dataclass(frozen=True, slots=True)
class _Atom:
    field: FieldName
    pattern: Pattern
    exact: bool


class _FieldIndex:
    """All atoms of one field, ready to be asked which of them a value fits."""

    def __init__(self, field: FieldName) -> None:
        self._fold = fold_label if field == "label" else fold
        self._raw: dict[str, list[int]] = {}
        self._folded: dict[str, list[int]] = {}
        self._sets: dict[bool, _PatternSet] = {}
        self._repeats = field not in ("title", "key")
        self._seen: dict[str, tuple[int, ...]] = {}

    def add(self, number: int, atom: _Atom) -> None:
        match atom.pattern.form:
            case Form.TEXT if atom.exact:
                self._raw.setdefault(atom.pattern.text, []).append(number)
            case Form.TEXT:
                self._folded.setdefault(self._fold(atom.pattern.text), []).append(number)
            case Form.GLOB:
                self._set(folded=not atom.exact).add(number, _glob(atom.pattern.text, self._fold, exact=atom.exact))
            case Form.REGEX:
                self._set(folded=False).add(number, atom.pattern.text)
            case _:
                assert_never(atom.pattern.form)

    def seal(self) -> None:
        for patterns in self._sets.values():
            patterns.seal()

    def atoms(self, value: str) -> tuple[int, ...]:
        """The atoms that `value` fits; remembered, since labels, projects and types come back all the time."""
        if not self._repeats:
            return tuple(self._look_up(value))
        known = self._seen.get(value)
        if known is None:
            known = tuple(self._look_up(value))
            if len(self._seen) >= VALUES_REMEMBERED:
                self._seen.clear()
            self._seen[value] = known
        return known

    def _look_up(self, value: str) -> Iterator[int]:
        folded = self._fold(value)
        yield from self._raw.get(value, ())
        yield from self._folded.get(folded, ())
        for is_folded, patterns in self._sets.items():
            yield from patterns.fits(folded if is_folded else value)

    def _set(self, *, folded: bool) -> "_PatternSet":
        return self._sets.setdefault(folded, _PatternSet())


class _PatternSet:
    """One `re2.Set`: all patterns of a field in one pass over the value."""

    def __init__(self) -> None:
        self._set = re2.Set.SearchSet(_re2_options())
        self._numbers: list[int] = []

    def add(self, number: int, pattern: str) -> None:
        self._set.Add(pattern)
        self._numbers.append(number)

    def seal(self) -> None:
        self._set.Compile()

    def fits(self, value: str) -> list[int]:
        return [self._numbers[i] for i in self._set.Match(value) or ()]


def _glob(text: str, folding: Callable[[str], str], *, exact: bool) -> str:
    parts = text.split("*")
    wanted = parts if exact else _fold_around_stars(parts, folding)
    return r"(?s)\A" + ".*".join(re2.escape(part) for part in wanted) + r"\z"


def _fold_around_stars(parts: list[str], folding: Callable[[str], str]) -> list[str]:
    """Fold the whole text as one value would be, keeping the stars where they are."""
    star = "\ue000"  # a private-use character: no folding touches it
    return folding(star.join(parts)).split(star)


# --- rules, compiled --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Leaf:
    field: FieldName
    atoms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Related:
    relation: Relation
    node: "_Node"


@dataclass(frozen=True, slots=True)
class _Group:
    kind: type[AllOf | AnyOf | NoneOf]
    nodes: tuple["_Node", ...]


_Node = _Leaf | _Related | _Group

_Posting = tuple[Relation | None, int]
"""An atom on the issue itself (None), or on an ancestor in that relation."""

_Truth = tuple[str, ...] | None | bool
"""True with evidence texts (a tuple), False, or None for unknown."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matched, with its evidence."""

    rule: Rule
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _Sight:
    """An issue as conditions see it: its hits, and those of its ancestors."""

    issue: Issue
    lineage: Lineage
    hits: Hits


class Matcher:
    """The rules in effect on one day, compiled. Not safe for use by several threads at once."""

    def __init__(self, rulebook: Rulebook, day: date) -> None:
        self.rulebook = rulebook
        self.day = day
        self.rules = rulebook.in_effect(day)
        self._numbers: dict[_Atom, int] = {}
        self._atoms: list[_Atom] = []
        self._nodes = [self._compile(rule.when, exact=rule.exact) for rule in self.rules]
        self._index = self._build_index()
        self._postings, self._always = self._build_postings()
        self._relations = {relation for relation, _ in self._postings if relation is not None}
        self._hits_of: dict[IssueRef, tuple[Issue, Hits]] = {}

    def matches(self, issue: Issue, lineage: Lineage) -> tuple[Match, ...]:
        """Every rule in effect that matches this issue, in the rulebook's order, defaults included."""
        sight = _Sight(issue, lineage, self._hits(issue))
        found = []
        for number in sorted(self._candidates(sight)):
            truth = self._truth(self._nodes[number], sight)
            if isinstance(truth, tuple):
                rule = self.rules[number]
                found.append(Match(rule, Evidence(rule.id, issue.key, truth)))
        return tuple(found)

    # compiling

    def _compile(self, condition: Condition, *, exact: bool) -> _Node:
        match condition:
            case Has(field=field, patterns=patterns):
                return _Leaf(field, tuple(self._number(_Atom(field, p, exact)) for p in patterns))
            case Of(relation=relation, condition=inner):
                return _Related(relation, self._compile(inner, exact=exact))
            case AllOf() | AnyOf() | NoneOf():
                nodes = tuple(self._compile(inner, exact=exact) for inner in condition.conditions)
                return _Group(type(condition), nodes)
            case _:
                assert_never(condition)

    def _number(self, atom: _Atom) -> int:
        number = self._numbers.setdefault(atom, len(self._atoms))
        if number == len(self._atoms):
            self._atoms.append(atom)
        return number

    def _build_index(self) -> tuple[tuple[Callable[[Issue], tuple[str, ...]], _FieldIndex], ...]:
        fields: dict[FieldName, _FieldIndex] = {}
        for number, atom in enumerate(self._atoms):
            fields.setdefault(atom.field, _FieldIndex(atom.field)).add(number, atom)
        for index in fields.values():
            index.seal()
        return tuple((VALUES[field], index) for field, index in fields.items())

    def _build_postings(self) -> tuple[dict[_Posting, list[int]], list[int]]:
        postings: dict[_Posting, list[int]] = {}
        always = []
        for number, node in enumerate(self._nodes):
            needed = _needed(node)
            if needed is None:
                always.append(number)
            for posting in needed or ():
                postings.setdefault(posting, []).append(number)
        return postings, always

    # asking

    def _hits(self, issue: Issue) -> Hits:
        hits: dict[int, str] = {}
        for values, index in self._index:
            for value in values(issue):
                for atom in index.atoms(value):
                    hits.setdefault(atom, value)
        return hits

    def _ancestor_hits(self, issue: Issue) -> Hits:
        """As `_hits`, remembered: thousands of children share an epic."""
        known = self._hits_of.get(issue.ref)
        if known is not None and known[0] is issue:
            return known[1]
        if len(self._hits_of) >= VALUES_REMEMBERED:
            self._hits_of.clear()
        hits = self._hits(issue)
        self._hits_of[issue.ref] = (issue, hits)
        return hits

    def _candidates(self, sight: _Sight) -> set[int]:
        found = set(self._always)
        postings = self._postings
        for atom in sight.hits:
            found.update(postings.get((None, atom), ()))
        for relation in self._relations:
            for ancestor, _ in related(relation, sight.lineage):
                for atom in self._ancestor_hits(ancestor):
                    found.update(postings.get((relation, atom), ()))
        return found

    def _truth(self, node: _Node, sight: _Sight) -> _Truth:
        match node:
            case _Leaf():
                return self._leaf(node, sight.hits)
            case _Related():
                return self._related(node, sight)
            case _Group(kind=kind, nodes=nodes):
                truths = (self._truth(inner, sight) for inner in nodes)
                if kind is AllOf:
                    return _all(truths)
                return _any(truths) if kind is AnyOf else _none(truths)
            case _:
                assert_never(node)

    def _leaf(self, leaf: _Leaf, hits: Hits) -> _Truth:
        texts = tuple(
            f"{leaf.field} {_quote(hits[atom])} matches {_quote(str(self._atoms[atom].pattern))}"
            for atom in leaf.atoms
            if atom in hits
        )
        return texts or False

    def _related(self, node: _Related, sight: _Sight) -> _Truth:
        unknown = False
        for ancestor, above in related(node.relation, sight.lineage):
            truth = self._truth(node.node, _Sight(ancestor, above, self._ancestor_hits(ancestor)))
            if isinstance(truth, tuple):
                return tuple(f"{node.relation} {ancestor.key}: {text}" for text in truth)
            unknown = unknown or truth is None
        return None if unknown or unreadable(node.relation, sight.issue, sight.lineage) else False


# --- relations --------------------------------------------------------------------------------------------


def related(relation: Relation, lineage: Lineage) -> Iterator[tuple[Issue, Lineage]]:
    """The ancestors in that relation, nearest first, each with its own lineage.

    `parent` is the direct parent, `epic` the nearest ancestor at level 1, `initiative` any at level 2 or above.
    """
    for distance, step in enumerate(lineage.steps):
        if relation == "parent" and distance > 0:
            return
        for ancestor in step:
            if relation == "epic" and ancestor.level == EPIC_LEVEL:
                yield ancestor, lineage.above(distance)
                return
            if relation in ("parent", "ancestor") or (relation == "initiative" and ancestor.level > EPIC_LEVEL):
                yield ancestor, lineage.above(distance)


def unreadable(relation: Relation, issue: Issue, lineage: Lineage) -> bool:
    """Whether an ancestor in that relation may exist beyond the one that could not be read."""
    if lineage.missing is None:
        return False
    if relation == "parent":
        return not lineage.steps
    if relation == "epic":
        return not any(i.level >= EPIC_LEVEL for i in (issue, *(a for step in lineage.steps for a in step)))
    return True


# --- three-valued logic -----------------------------------------------------------------------------------


def _all(truths: Iterable[_Truth]) -> _Truth:
    texts: list[str] = []
    unknown = False
    for truth in truths:
        if truth is False:
            return False
        if isinstance(truth, tuple):
            texts += truth
        else:
            unknown = True
    return None if unknown else tuple(texts)


def _any(truths: Iterable[_Truth]) -> _Truth:
    texts: list[str] = []
    matched = unknown = False
    for truth in truths:
        if isinstance(truth, tuple):
            matched = True
            texts += truth
        elif truth is None:
            unknown = True
    if matched:
        return tuple(texts)
    return None if unknown else False


def _none(truths: Iterable[_Truth]) -> _Truth:
    inner = _any(truths)
    if inner is None:
        return None
    return ("none of the excluded conditions holds",) if inner is False else False


def _needed(node: _Node) -> frozenset[_Posting] | None:
    """Postings of which at least one must hit for the node to be true; None: it may be true without any."""
    match node:
        case _Leaf(atoms=atoms):
            return frozenset((None, atom) for atom in atoms)
        case _Related(relation=relation, node=inner):
            below = _needed(inner)
            if below is None or any(deeper is not None for deeper, _ in below):
                return None
            return frozenset((relation, atom) for _, atom in below)
        case _Group(kind=kind, nodes=nodes):
            needs = [_needed(inner) for inner in nodes]
            if kind is AllOf:
                certain = [need for need in needs if need is not None]
                return min(certain, key=len) if certain else None
            if kind is AnyOf and all(need is not None for need in needs):
                return frozenset().union(*(need for need in needs if need is not None))
            return None
        case _:
            assert_never(node)


def _quote(text: str) -> str:
    short = text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"
    return f'"{short}"'


QUOTED: Final = 80
"""Characters of a value that evidence quotes."""
