"""Which rules match an issue, and why: `Matcher(rulebook, day).matches(issue, lineage)`.

A rulebook is compiled once for a day. For each issue the atoms (`syncd.core.atoms`) that it fits are found by one
dictionary look-up per value and one pass of RE2 per text field. Each rule hangs on the atoms that it cannot match
without (its postings), so only candidates are evaluated: the strongest first, and no weaker ones where a stronger
matches (`strongest`). Only what decides is put into words. Conditions are three-valued: over an ancestor that cannot be
read they are unknown, and neither they nor their negation match (DESIGN §4). So they are over a field that was not
asked for, and where a CEL expression fails.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, Protocol, assert_never

from syncd.core.atoms import Atom, Hits, Vocabulary, must_be_asked
from syncd.core.cel import Expression
from syncd.core.model import (
    AllOf,
    AnyOf,
    Cel,
    Condition,
    Evidence,
    Has,
    Lineage,
    Link,
    NoneOf,
    Of,
    Relation,
    Rule,
    Rulebook,
)
from syncd.core.seen import Seen

EPIC_LEVEL: Final = 1
LINEAGES_REMEMBERED: Final = 100_000
"""Ancestors whose lineage is remembered as conditions see it; past it the memory starts afresh."""

# --- what is seen ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Sight:
    """An issue as conditions see it: its hits, and what is above it."""

    issue: Seen
    hits: Hits
    above: "_Above"


@dataclass(slots=True)
class _Above:
    """A lineage as conditions see it. The children of one parent share it."""

    lineage: Lineage
    steps: tuple[tuple[Sight, ...], ...]
    candidates: frozenset[int]
    """Rules that may match whatever stands below: by what is above, or without anything."""


def alike(one: Lineage, other: Lineage) -> bool:
    """Whether two lineages say the same to rules: equal snapshots, and as complete."""
    return (
        one.steps == other.steps
        and (one.missing is None) is (other.missing is None)
        and one.gap == other.gap
        and one.beyond == other.beyond
    )


def related(relation: Relation, sight: Sight) -> Iterator[Sight]:
    """The ancestors in that relation, nearest first.

    `parent` is the direct parent issue, `epic` the nearest ancestor at level 1, `initiative` any at level 2 or above.
    """
    within = sight.issue.within
    for ancestor in _at(relation, sight.above.steps):
        if relation != "parent" or not within or not _leads_to(within, ancestor.issue):
            yield ancestor


def _at(relation: Relation, steps: Sequence[Sequence[Sight]]) -> Iterator[Sight]:
    """As `related`, by what is above alone: a `parent` may be a node in which the issue lies."""
    for step in steps[:1] if relation == "parent" else steps:
        if relation == "epic":
            epics = [sight for sight in step if sight.issue.level == EPIC_LEVEL]
            yield from epics
            if epics:
                return
        else:
            yield from (sight for sight in step if relation != "initiative" or sight.issue.level > EPIC_LEVEL)


def _leads_to(links: Iterable[Link], issue: Seen) -> bool:
    return any(link.id == issue.ref.id if link.id is not None else link.key == issue.key for link in links)


def unreadable(relation: Relation, sight: Sight) -> bool:
    """Whether an ancestor in that relation may exist at or beyond the one that could not be read."""
    lineage = sight.above.lineage
    if lineage.missing is None:
        return False
    steps = lineage.steps
    if relation == "parent":
        return (not steps or lineage.gap == 0) and lineage.missing not in sight.issue.within
    if relation == "epic":
        return sight.issue.level < EPIC_LEVEL and not any(a.level >= EPIC_LEVEL for step in steps for a in step)
    if relation == "initiative" and lineage.gap is not None:  # below the project that is known, only issues are missing
        return all(ancestor.level > EPIC_LEVEL for ancestor in steps[lineage.gap])
    return True


# --- rules, compiled: three-valued logic, and its words -----------------------------------------------------

_Truth = bool | None
"""None: unknown, because an ancestor cannot be read."""


class _Node(Protocol):
    """One condition. `texts` are asked for only where `truth` is True: most candidates need no words."""

    def truth(self, sight: Sight) -> _Truth: ...
    def texts(self, sight: Sight, /) -> tuple[str, ...]: ...
    def needed(self) -> frozenset["_Posting"] | None:
        """Postings of which at least one must hit for the node to be true; None: it may be true without any."""
        ...


_Posting = tuple[Relation | None, int]
"""An atom on the issue itself (None), or on an ancestor in that relation."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    field: str
    atoms: Mapping[int, str]
    """Each with its pattern, quoted."""

    def truth(self, sight: Sight) -> _Truth:
        hits = sight.hits
        for atom in self.atoms:  # noqa: SIM110 - the innermost loop: a generator costs four times as much
            if atom in hits:
                return True
        return False

    def texts(self, sight: Sight) -> tuple[str, ...]:
        field, hits = self.field, sight.hits
        texts = [f"{field} {_quote(hits[atom])} matches {p}" for atom, p in self.atoms.items() if atom in hits]
        return tuple(texts)

    def needed(self) -> frozenset[_Posting] | None:
        return frozenset((None, atom) for atom in self.atoms)


@dataclass(frozen=True, slots=True)
class _AskedLeaf:
    """A condition on a field that a snapshot holds only if it was asked for."""

    leaf: _Leaf
    key: str

    def truth(self, sight: Sight) -> _Truth:
        return self.leaf.truth(sight) if self.key in sight.issue.asked else None

    def texts(self, sight: Sight) -> tuple[str, ...]:
        return self.leaf.texts(sight)

    def needed(self) -> frozenset[_Posting] | None:
        return self.leaf.needed()


@dataclass(frozen=True, slots=True)
class _CelNode:
    expression: Expression
    rule: str
    faults: dict[str, tuple[str, str]]

    def truth(self, sight: Sight) -> _Truth:
        truth = self.expression.holds(sight.issue)
        if truth is None and self.expression.fault is not None:
            self.faults[self.rule] = (sight.issue.key, self.expression.fault)
        return truth

    def texts(self, sight: Sight) -> tuple[str, ...]:
        return self.expression.texts(sight.issue)

    def needed(self) -> frozenset[_Posting] | None:
        return None


@dataclass(frozen=True, slots=True)
class _Related:
    relation: Relation
    node: _Node

    def truth(self, sight: Sight) -> _Truth:
        truth = _any(self.node.truth(ancestor) for ancestor in related(self.relation, sight))
        return None if truth is False and unreadable(self.relation, sight) else truth

    def texts(self, sight: Sight) -> tuple[str, ...]:
        nearest = next(a for a in related(self.relation, sight) if self.node.truth(a))
        return tuple(f"{self.relation} {nearest.issue.key}: {text}" for text in self.node.texts(nearest))

    def needed(self) -> frozenset[_Posting] | None:
        below = self.node.needed()
        if below is None or any(deeper is not None for deeper, _ in below):
            return None
        return frozenset((self.relation, atom) for _, atom in below)


@dataclass(frozen=True, slots=True)
class _All:
    nodes: tuple[_Node, ...]

    def truth(self, sight: Sight) -> _Truth:
        unknown = False
        for node in self.nodes:
            truth = node.truth(sight)
            if truth is False:
                return False
            unknown = unknown or truth is None
        return None if unknown else True

    def texts(self, sight: Sight) -> tuple[str, ...]:
        return tuple(text for node in self.nodes for text in node.texts(sight))

    def needed(self) -> frozenset[_Posting] | None:
        certain = [need for need in (node.needed() for node in self.nodes) if need is not None]
        return min(certain, key=len) if certain else None


@dataclass(frozen=True, slots=True)
class _Both:
    """Several conditions of one text each on the issue itself, asked at once: what most rules of two keys are."""

    leaves: tuple[_Leaf, ...]
    atoms: frozenset[int]

    def truth(self, sight: Sight) -> _Truth:
        return self.atoms <= sight.hits.keys()

    def texts(self, sight: Sight) -> tuple[str, ...]:
        return tuple(text for leaf in self.leaves for text in leaf.texts(sight))

    def needed(self) -> frozenset[_Posting] | None:
        return self.leaves[0].needed()


@dataclass(frozen=True, slots=True)
class _Any:
    nodes: tuple[_Node, ...]

    def truth(self, sight: Sight) -> _Truth:
        return _any(node.truth(sight) for node in self.nodes)

    def texts(self, sight: Sight) -> tuple[str, ...]:
        return tuple(text for node in self.nodes if node.truth(sight) for text in node.texts(sight))

    def needed(self) -> frozenset[_Posting] | None:
        needs = [node.needed() for node in self.nodes]
        certain = [need for need in needs if need is not None]
        return frozenset().union(*certain) if len(certain) == len(needs) else None


@dataclass(frozen=True, slots=True)
class _None:
    nodes: tuple[_Node, ...]

    def truth(self, sight: Sight) -> _Truth:
        truth = _any(node.truth(sight) for node in self.nodes)
        return None if truth is None else not truth

    def texts(self, _: Sight) -> tuple[str, ...]:
        return ("none of the excluded conditions holds",)

    def needed(self) -> frozenset[_Posting] | None:
        return None


def _any(truths: Iterable[_Truth]) -> _Truth:
    unknown = False
    for truth in truths:
        if truth:
            return True
        unknown = unknown or truth is None
    return None if unknown else False


# --- the matcher ------------------------------------------------------------------------------------------


class Match(NamedTuple):
    """A rule that matched. Its evidence is put into words when it is asked for: most matches are outranked."""

    rule: Rule
    node: _Node
    sight: Sight

    @property
    def evidence(self) -> Evidence:
        """Why it matched."""
        return Evidence(self.rule.id, self.sight.issue.key, self.node.texts(self.sight))


class Matcher:
    """The rules in effect on one day, compiled. Not safe for use by several threads at once.

    One that is asked about the same issues as another is made `beside` it: both look at each issue once.
    """

    def __init__(self, rulebook: Rulebook, day: date, beside: "Matcher | None" = None) -> None:
        self.rulebook = rulebook
        self.day = day
        self.rules = rulebook.in_effect(day)
        self.faults: dict[str, tuple[str, str]] = {}
        """Rule → the key of the latest issue on which its CEL failed, and how."""
        self.atoms: Vocabulary = Vocabulary() if beside is None else beside.atoms
        self._order = sorted(range(len(self.rules)), key=lambda n: _strength(self.rules[n]))
        """Places in `rules`, the strongest first. Within, a rule goes by its place in here."""
        self._numbers = {place: n for n, place in enumerate(self._order)}
        self._ranked = [self.rules[n] for n in self._order]
        self._nodes = [self._compile(rule.when, rule) for rule in self._ranked]
        self._levels = [(rule.default, rule.priority) for rule in self._ranked]
        self._postings, self._always = self._build_postings()
        self._own = {atom: numbers for (relation, atom), numbers in self._postings.items() if relation is None}
        self._asks = [None if isinstance(node, _Leaf) else node.truth for node in self._nodes]
        """How each rule is asked whether it matches; None: a posting of it says all of it."""
        self._relations = {relation for relation, _ in self._postings if relation is not None}
        self._alone = _Above(Lineage(), (), self._always)
        self._known: dict[str, _Above] = {}

    def matches(self, issue: Seen, lineage: Lineage) -> tuple[Match, ...]:
        """Every rule in effect that matches this issue, in the rulebook's order, defaults included."""
        places = sorted(self.matching(issue, lineage))
        sight = self.sight(issue, lineage)
        numbers = self._numbers
        return tuple([Match(self.rules[place], self._nodes[numbers[place]], sight) for place in places])

    def matching(self, issue: Seen, lineage: Lineage) -> frozenset[int]:
        """The places in `rules` of those that match."""
        hits, above = self.atoms.hits(issue), self._above(lineage)
        candidates = self._candidates(hits, above)
        if not candidates:
            return _NO_RULES
        sight, asks, order = Sight(issue, hits, above), self._asks, self._order
        return frozenset([order[n] for n in candidates if (ask := asks[n]) is None or ask(sight)])

    def strongest(self, issue: Seen, lineage: Lineage) -> Sequence[Match]:
        """Of those that match, the ones of the highest priority, by id; defaults only where no other rule matches."""
        hits, above = self.atoms.hits(issue), self._above(lineage)
        candidates = self._candidates(hits, above)
        if not candidates:
            return ()
        sight = Sight(issue, hits, above)
        asks, levels, level = self._asks, self._levels, None
        found: list[Match] = []
        for n in sorted(candidates):
            if found and levels[n] != level:
                break
            ask = asks[n]
            if ask is None or ask(sight):
                level = levels[n]
                found.append(Match(self._ranked[n], self._nodes[n], sight))
        return found

    def sight(self, issue: Seen, lineage: Lineage) -> Sight:
        """The issue as these rules' conditions see it."""
        return Sight(issue, self.atoms.hits(issue), self._above(lineage))

    def truth(self, rule: int, sight: Sight) -> tuple[bool | None, tuple[str, ...]]:
        """Whether that rule (by its place in `rules`) matches, and by what, in words; None: unknown."""
        node = self._nodes[self._numbers[rule]]
        truth = node.truth(sight)
        return truth, node.texts(sight) if truth else ()

    # compiling

    def _compile(self, condition: Condition, rule: Rule) -> _Node:
        match condition:
            case Has():
                return self._leaf(condition, exact=rule.exact)
            case Cel(expression=expression):
                return _CelNode(Expression(expression), rule.id, self.faults)
            case Of(relation=relation, condition=inner):
                return _Related(relation, self._compile(inner, rule))
            case AllOf() | AnyOf() | NoneOf():
                nodes = [self._compile(inner, rule) for inner in condition.conditions]
                nodes.sort(key=lambda node: isinstance(node, _CelNode))  # the slowest kind is asked last
                return _grouped(type(condition), tuple(nodes))
            case _:
                assert_never(condition)

    def _leaf(self, condition: Has, *, exact: bool) -> _Node:
        field = condition.field
        leaf = _Leaf(field, {self.atoms.number(Atom(field, p, exact)): _quote(str(p)) for p in condition.patterns})
        asked = must_be_asked(field)
        return leaf if asked is None else _AskedLeaf(leaf, asked)

    def _build_postings(self) -> tuple[dict[_Posting, list[int]], frozenset[int]]:
        postings: dict[_Posting, list[int]] = {}
        always = []
        for number, node in enumerate(self._nodes):
            needed = node.needed()
            if needed is None:
                always.append(number)
            for posting in needed or ():
                postings.setdefault(posting, []).append(number)
        return postings, frozenset(always)

    # asking

    def _above(self, lineage: Lineage) -> _Above:
        """What is above, remembered: thousands of children share an epic."""
        if not lineage.steps:
            return self._alone if lineage.missing is None else _Above(lineage, (), self._always)
        nearest = lineage.steps[0]
        known = self._known.get(nearest[0].ref.id)
        if known is not None and (known.lineage is lineage or alike(known.lineage, lineage)):
            return known
        rest = self._above(lineage.rest(0))
        step = tuple(Sight(a, self.atoms.hits(a), self._above(lineage.above(0, n))) for n, a in enumerate(nearest))
        steps = (step, *rest.steps)
        if len(self._known) >= LINEAGES_REMEMBERED:
            self._known.clear()
        above = _Above(lineage, steps, self._candidates_above(steps))
        self._known[nearest[0].ref.id] = above
        return above

    def _candidates_above(self, steps: Sequence[Sequence[Sight]]) -> frozenset[int]:
        found = set(self._always)
        for relation in self._relations:
            for ancestor in _at(relation, steps):
                for atom in ancestor.hits:
                    found.update(self._postings.get((relation, atom), ()))
        return frozenset(found)

    def _candidates(self, hits: Hits, above: _Above) -> Collection[int]:
        if not hits:
            return above.candidates
        found, own = set(above.candidates), self._own
        for atom in hits:
            if atom in own:
                found.update(own[atom])
        return found


def _strength(rule: Rule) -> tuple[bool, int, str]:
    """Sorts the strongest rules first, and those of one strength by id."""
    return rule.default, -rule.priority, rule.id


def _grouped(kind: type[AllOf | AnyOf | NoneOf], nodes: tuple[_Node, ...]) -> _Node:
    leaves = [node for node in nodes if isinstance(node, _Leaf) and len(node.atoms) == 1]
    if kind is AllOf and len(leaves) == len(nodes):
        return _Both(tuple(leaves), frozenset(atom for leaf in leaves for atom in leaf.atoms))
    return _GROUPS[kind](nodes)


_GROUPS: Final[Mapping[type[AllOf | AnyOf | NoneOf], Callable[[tuple[_Node, ...]], _Node]]] = {
    AllOf: _All,
    AnyOf: _Any,
    NoneOf: _None,
}


def _quote(text: str) -> str:
    return f'"{text}"' if len(text) <= QUOTED else f'"{text[: QUOTED - 1]}…"'


_NO_RULES: Final[frozenset[int]] = frozenset()
QUOTED: Final = 80
"""Characters of a value that evidence quotes."""
