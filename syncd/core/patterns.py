"""Regular expressions of rules: compiled by RE2, and refused where a text of 10,000 characters could take over 5 ms.

RE2 is linear in the text, but not free: it builds the states of an automaton as a text needs them, and a counted
repetition that may begin anywhere (`a.{0,50}b`) makes it build a new one for nearly every character. `worst` estimates
from the pattern alone how many states there can be and what each costs; bench/bench_patterns.py holds it against the
clock. Being a figure of the pattern, it is the same on every machine.

`PatternSet` asks many patterns in one pass.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log2
from typing import Final

import re2

LONG_TEXT: Final = 10_000
MOST_MS: Final = 5.0
"""What a pattern may take on a text of that length."""


class PatternError(ValueError):
    """A pattern that RE2 refuses, with RE2's own words."""


class CostlyPatternError(PatternError):
    """A pattern that RE2 would take, and that takes too long on some texts."""


def compile_pattern(pattern: str) -> "re2._Regexp[str]":
    """A compiled RE2 pattern; `PatternError` says what RE2 does not accept (look-around, back-references, …)."""
    try:
        return re2.compile(pattern, options())
    except re2.error as refused:
        said = refused.args[0] if refused.args else b"refused"
        raise PatternError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None


def checked_rate(pattern: str) -> float:
    """What a pattern costs for each character of the worst text, in about microseconds.

    `PatternError` if RE2 refuses it, `CostlyPatternError` if it is just too slow.
    """
    cost = worst_ms(pattern, compile_pattern(pattern).programsize)
    if cost > MOST_MS:
        about = f"{cost:.0f} ms" if cost < 1000 else "seconds"  # noqa: PLR2004 - past a second nobody cares
        message = f"this could take {about} on a text of {LONG_TEXT} characters, and {MOST_MS:g} ms is the most"
        raise CostlyPatternError(message)
    return cost * 1000 / LONG_TEXT


MAX_MEM: Final = 64 << 20
"""Bytes that one compiled pattern or set may take."""


def options() -> "re2.Options":
    """How RE2 is used throughout: silent, and bounded in memory."""
    made = re2.Options()
    made.log_errors = False  # it writes to stderr otherwise (facts/stack.md §2)
    made.max_mem = MAX_MEM
    made.never_capture = True  # nobody asks for groups, and finding them costs a second pass
    return made


SET_SIZE: Final = 300_000
"""Instructions that go into one `re2.Set`: ten times as many fit into its memory."""


class PatternSet:
    """Which of many patterns a text fits.

    Most patterns cannot fit a text that lacks some literal: one pass of `re2.Filter` over the text finds those whose
    literals are there, and asks only them. The others are asked in one pass of `re2.Set`, or one by one where a set
    gives up. A set of all would be slower: its automaton grows with every combination of what they have half seen.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        parts: list[_Filtered | _Together] = []
        bare = _filtered(patterns, list(range(len(patterns))), parts)
        parts += [_Together(patterns, some) for some in _portions(patterns, sorted(bare))]
        self._parts = parts
        self.fits: Callable[[str], list[int]] = parts[0].fits if len(parts) == 1 else self._all
        """Their places in the sequence given."""

    def _all(self, text: str) -> list[int]:
        return [number for part in self._parts for number in part.fits(text)]


def _filtered(patterns: Sequence[str], numbers: list[int], parts: "list[_Filtered | _Together]") -> list[int]:
    """Add filters of those that need a literal to the parts; which of them need none."""
    made = _filter(patterns[number] for number in numbers)
    if made is None:  # too many literals for one
        half = len(numbers) // 2
        return (
            [n for some in (numbers[:half], numbers[half:]) for n in _filtered(patterns, some, parts)]
            if half
            else numbers
        )
    bare = {numbers[place] for place in made.Match("", potential=True) or ()}
    if not bare:
        parts.append(_Filtered(numbers, made))
    elif len(bare) < len(numbers):
        _filtered(patterns, [number for number in numbers if number not in bare], parts)
    return list(bare)


_PROBE: Final = "\ue000syncd\ue000"
"""A literal that every filter must find: whether it has the memory to find anything does not depend on the text."""


def _filter(patterns: Iterable[str]) -> re2.Filter | None:
    """A filter of these patterns and, after them, of `_PROBE`; None: they are too much for it."""
    made = re2.Filter()
    for pattern in patterns:
        made.Add(pattern, options())
    probe = made.Add(_PROBE, options())
    try:
        made.Compile()
    except re2.error:
        return None
    return made if probe in (made.Match(_PROBE) or ()) else None


class _Filtered:
    """Patterns that need a literal, in one filter."""

    def __init__(self, numbers: list[int], made: re2.Filter) -> None:
        self._numbers = [*numbers, None]
        self._filter = made

    def fits(self, text: str) -> list[int]:
        """The places of those that the text fits."""
        found = self._filter.Match(text)
        if not found:
            return []
        return [number for i in found if (number := self._numbers[i]) is not None]


def _portions(patterns: Sequence[str], numbers: Iterable[int]) -> Iterator[list[int]]:
    some: list[int] = []
    size = 0
    for number in numbers:
        more = compile_pattern(patterns[number]).programsize
        if some and size + more > SET_SIZE:
            yield some
            some, size = [], 0
        some.append(number)
        size += more
    if some:
        yield some


class _Together:
    """Patterns in one set. A sentinel that fits every text tells "none" from "out of memory": both are an empty answer.

    A set that was not compiled must never be asked: the library then crashes the process.
    """

    def __init__(self, patterns: Sequence[str], numbers: list[int]) -> None:
        self._numbers = numbers
        self._patterns = [patterns[number] for number in numbers]
        self._singly: list[re2._Regexp[str]] | None = None
        self._set = self._compiled()

    def fits(self, text: str) -> list[int]:
        """The places of those that the text fits."""
        found = self._set.Match(text) if self._set is not None else None
        if not found:
            return self._one_by_one(text)
        if len(found) == 1:  # the sentinel alone, as for most texts
            return []
        sentinel = len(self._numbers)
        return [self._numbers[i] for i in found if i != sentinel]

    def _compiled(self) -> re2.Set | None:
        made = re2.Set.SearchSet(options())
        for pattern in self._patterns:
            made.Add(pattern)
        made.Add(r"\A")  # the sentinel
        try:
            made.Compile()
        except re2.error:
            return None
        return made

    def _one_by_one(self, text: str) -> list[int]:
        if self._singly is None:
            self._singly = [compile_pattern(pattern) for pattern in self._patterns]
        return [n for n, one in zip(self._numbers, self._singly, strict=True) if one.search(text)]


# --- the estimate -----------------------------------------------------------------------------------------

_STEP: Final = 0.006
"""Microseconds a character where the state is known."""
_STATE: Final = 0.7
_INSTRUCTION: Final = 0.02
"""Microseconds for a new state, and for each instruction of the pattern in it."""
_USUAL: Final = 4.0
"""States of a pattern without repetitions."""


def worst_ms(pattern: str, size: int) -> float:
    """About how long the worst text of `LONG_TEXT` characters takes; `size` is RE2's own measure of the pattern."""
    spread = _Reader(pattern).whole().spread
    states = min(_USUAL * 2 ** min(spread.bits, 20.0) * spread.runs, float(LONG_TEXT))
    return (states * (_STATE + _INSTRUCTION * size) + LONG_TEXT * _STEP) / 1000


@dataclass(frozen=True, slots=True)
class _Spread:
    """How many states there can be: two to the power of `bits`, times the longest run that is only counted."""

    bits: float = 0.0
    runs: int = 1

    def __add__(self, other: "_Spread") -> "_Spread":
        return _Spread(self.bits + other.bits, max(self.runs, other.runs))


@dataclass(frozen=True, slots=True)
class _Tree:
    """A part of a pattern, as far as the estimate needs it."""

    first: frozenset[str] = frozenset()
    last: frozenset[str] = frozenset()
    """Characters (of a sample) with which what it fits can begin and end."""
    optional: bool = True
    literal: str | None = None
    """If it fits one text only."""
    single: bool = False
    """Whether it fits one character of a class, however often repeated."""
    copies: int = 1
    endless: bool = False
    """Whether such a repetition begins with one that is not counted."""
    uneven: bool = False
    """Whether a later character of it may be one that an earlier must not be, so that it begins within itself."""
    spread: _Spread = _Spread()


_SAMPLE: Final = "".join(map(chr, range(128))) + "é中٣\u2028"
_ALL: Final = frozenset(_SAMPLE)
_NOTHING: Final = _Tree()


@lru_cache(maxsize=4096)
def _fitting(atom: str, flags: str) -> frozenset[str]:
    """Which characters of the sample an atom fits."""
    compiled = re2.compile(f"(?{flags})(?:{atom})" if flags else f"(?:{atom})", options())
    return frozenset(c for c in _SAMPLE if compiled.fullmatch(c))


class _Reader:
    """Reads what RE2 has accepted, so nothing needs to be checked again."""

    _COUNT: Final = re.compile(r"\{(\d+)(,?)(\d*)\}")
    _FLAGS: Final = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
    _OPEN: Final = re.compile(r"\(\?P?<\w+>|\(")
    _CLASS: Final = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\[pP]\{[^}]*\}|\\.|[^\]\\])*\]", re.DOTALL)
    _ESCAPE: Final = re.compile(r"\\(?:[pP]\{[^}]*\}|[pP].|x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[0-7]{1,3}|.)", re.DOTALL)

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._flags = ""

    def whole(self) -> _Tree:
        return self._either()

    def _either(self) -> _Tree:
        sides = [self._row()]
        while self._at < len(self._text) and self._text[self._at] == "|":
            self._at += 1
            sides.append(self._row())
        return sides[0] if len(sides) == 1 else _either(sides)

    def _row(self) -> _Tree:
        parts: list[_Tree] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.extend(self._repeated(self._one()))
        return _row(parts)

    def _repeated(self, parts: Sequence[_Tree]) -> Sequence[_Tree]:
        """What stands there, with the repetitions that follow applied to the last of it."""
        while parts and self._at < len(self._text):
            count = self._COUNT.match(self._text, self._at)
            sign = self._text[self._at]
            if count is not None:
                self._at = count.end()
                least = int(count[1])
                most = int(count[3]) if count[3] else None if count[2] else least
            elif sign in "*+?":
                self._at += 1
                least, most = (1 if sign == "+" else 0), (1 if sign == "?" else None)
            else:
                break
            if self._text[self._at : self._at + 1] == "?":
                self._at += 1
            parts = [*parts[:-1], _repeat(parts[-1], least, most)]
        return parts

    def _one(self) -> Sequence[_Tree]:
        if self._text.startswith(r"\Q", self._at):
            end = self._text.find(r"\E", self._at)
            end = len(self._text) if end < 0 else end
            letters = self._text[self._at + 2 : end]
            self._at = end + 2
            return [self._letter(re2.escape(letter)) for letter in letters]
        if self._text[self._at] == "(":
            return [self._group()]
        for shape in (self._CLASS, self._ESCAPE):
            if found := shape.match(self._text, self._at):
                self._at = found.end()
                return [_NOTHING if found[0] in (r"\A", r"\z", r"\b", r"\B") else self._letter(found[0])]
        sign = self._text[self._at]
        self._at += 1
        return [_NOTHING if sign in "^$" else self._letter(r"\{" if sign == "{" else sign)]

    def _group(self) -> _Tree:
        before = self._flags
        if found := self._FLAGS.match(self._text, self._at):
            self._flags = "".join(f for f in dict.fromkeys(before + found[1]) if f not in (found[2] or ""))
            self._at = found.end()
            if found[3] == ")":
                return _NOTHING
        elif opened := self._OPEN.match(self._text, self._at):
            self._at = opened.end()
        inner = self._either()
        self._at += 1
        self._flags = before
        return inner

    def _letter(self, atom: str) -> _Tree:
        fits = _fitting(atom, self._flags)
        folded = {c.casefold() for c in fits}
        literal = folded.pop() if len(folded) == 1 else "\ufffd" if not folded else None
        return _Tree(fits, fits, optional=False, literal=literal, single=literal is None)


def _either(sides: Sequence[_Tree]) -> _Tree:
    return _Tree(
        first=frozenset().union(*(s.first for s in sides)),
        last=frozenset().union(*(s.last for s in sides)),
        optional=any(s.optional for s in sides),
        spread=sum((s.spread for s in sides), _Spread()),
    )


def _row(parts: Sequence[_Tree]) -> _Tree:
    """Parts one after another. Neighbours that fit the same characters are one repetition, however written."""
    merged: list[_Tree] = []
    for part in parts:
        before = merged[-1] if merged else None
        if before is not None and before.single and part.single and before.last & part.first:
            merged[-1] = _together(before, part)
        else:
            merged.append(part)
    spread, literal = _Spread(), ""
    last: frozenset[str] | None = None  # with what the text before may end; None: with anything
    for part in merged:
        spread += part.spread + _began(part, last, literal)
        literal = literal + part.literal if part.literal is not None else literal if part == _NOTHING else ""
        if part != _NOTHING:
            last = part.last if not part.optional else None if last is None else last | part.last
    return _Tree(
        first=_firsts(merged),
        last=_firsts(merged[::-1], back=True),
        optional=all(p.optional for p in merged),
        literal=literal if merged and all(p.literal is not None for p in merged) else None,
        single=len(merged) == 1 and merged[0].single,
        copies=merged[0].copies if len(merged) == 1 else 1,
        endless=len(merged) == 1 and merged[0].endless,
        uneven=len(merged) == 1 and merged[0].uneven,
        spread=spread,
    )


def _firsts(parts: Iterable[_Tree], *, back: bool = False) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for part in parts:
        found |= part.last if back else part.first
        if not part.optional:
            break
    return found


def _together(one: _Tree, other: _Tree) -> _Tree:
    return _Tree(
        one.first | other.first if one.optional else one.first,
        other.last | one.last if other.optional else other.last,
        optional=one.optional and other.optional,
        single=True,
        copies=one.copies + other.copies,
        endless=one.endless,
        uneven=one.uneven or other.uneven or not other.first <= one.last,
        spread=one.spread + other.spread,
    )


def _began(part: _Tree, last: frozenset[str] | None, literal: str) -> _Spread:
    """What a counted run of one class adds: where it may begin again within itself, each beginning is remembered."""
    if not part.single or part.copies == 1:
        return _Spread()
    if part.uneven:
        return _Spread(part.copies)
    if part.endless:
        return _Spread(runs=part.copies)
    inside = part.first if last is None else part.first & last
    if not inside or inside == part.first:  # it begins anywhere or only outside itself: counting is enough
        return _Spread(runs=part.copies)
    return _Spread(part.copies * log2(_growth(_period(literal))))


def _repeat(tree: _Tree, least: int, most: int | None) -> _Tree:
    copies = max(least, most or 0, 1)
    optional = tree.optional or least == 0
    if tree.single:
        return _Tree(
            tree.first, tree.last, optional=optional, single=True, copies=tree.copies * copies,
            endless=tree.endless or (most is None and least <= 1), uneven=tree.uneven, spread=tree.spread,
        )  # fmt: skip
    if copies == 1:
        return _Tree(tree.first, tree.last, optional=optional, spread=tree.spread)
    inner = tree.spread
    bits = copies * (1 + inner.bits + log2(inner.runs))
    if tree.literal is not None:
        return _Tree(tree.first, tree.last, optional=optional, spread=_Spread(runs=copies * len(tree.literal)))
    return _Tree(tree.first, tree.last, optional=optional, spread=_Spread(bits, inner.runs))


def _period(literal: str) -> int:
    """The least distance at which a text can begin anew within itself."""
    for distance in range(1, len(literal)):
        if literal.startswith(literal[distance:]):
            return distance
    return max(len(literal), 1)


@lru_cache(maxsize=64)
def _growth(distance: int) -> float:
    """By how much each character multiplies the ways to place beginnings that are so far apart at least."""
    growth = 2.0
    for _ in range(50):
        growth = (1 + growth ** (distance - 1)) ** (1 / distance)
    return growth
