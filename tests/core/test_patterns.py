"""Patterns: none may make a long text slow, and a set of many never forgets one, whatever RE2 makes of it."""

import random
import time

import pytest
from support_values import has, issue, rule, rulebook

from syncd.core.atoms import Atom, FieldIndex
from syncd.core.match import Matcher
from syncd.core.model import Form, Lineage, Pattern
from syncd.core.patterns import (
    LONG_TEXT,
    CostlyPatternError,
    PatternError,
    PatternSet,
    checked_rate,
    compile_pattern,
    worst_ms,
)

# What people write, from trackers and from monorepos' labellers.
USUAL = [
    r"\bfailover\b", r"(?i)\b(outage|incident|sev-?[0-3])s?\b", r"(?i)^\[?(pay|ops)\]?[-: ]", r"[A-Z]{2,10}-\d{1,6}",
    r"\b\d{4}-\d{2}-\d{2}\b", r"\b[0-9a-f]{7,40}\b", r"[0-9a-f]{40}", r"(?:\d{1,3}\.){3}\d{1,3}", "foo.*bar.*baz",
    r"https?://[^\s/]+/[^\s]+", r"\pL+\s\pL+", r"(?i)(?:upgrade|update|bump) .* (?:to|from) v?\d+(?:\.\d+)*",
    "|".join(f"word{n}" for n in range(100)), r"^(a+)+$", r"^(\w+\s?)*$", "(x+x+)+y", "(.*)*x", ".*" * 50,
    r"\Qa.b{3}\E", r"[[:alpha:]]{3}", r"[]a]{3}", r"(?P<name>a)(?-i)b", "a{,3}", "", "(|a)*", r"(?i:k)\x{212a}{3}",
    r"[^\]]{3}", "a{", r"\{\}", r"(?s).{3}", r"x??", r"\w{2,20}\d", r"pay.{0,10}fail", r"timeout.{0,20}retry",
]  # fmt: skip
COSTLY = [
    "a.{0,20}b", "pay.{0,40}fail", "(?:.{0,30}x){30}", ".{0,1000}", r"\pL{1,20}", "(a?){500}z", "[ab]*a[ab]{12}d",
    "a" + ".?" * 20 + "d", "a" + "[ab][abc]" * 8 + "d", r"[A-Z]\w{2,20}", r"(?i)[a-m].{12}[n-z]", "x{1000}",
    "a(?:b|.){20}c", "a.{0,12}.*d", "(?:aa|ab|ba|bb){0,80}d",
]  # fmt: skip


@pytest.mark.parametrize("pattern", USUAL)
def test_what_people_write_loads(pattern: str) -> None:
    assert 0 < checked_rate(pattern) * LONG_TEXT <= 5000


@pytest.mark.parametrize("pattern", COSTLY)
def test_what_some_text_would_make_slow_is_refused_by_the_pattern_alone(pattern: str) -> None:
    compile_pattern(pattern)
    with pytest.raises(CostlyPatternError, match="5 ms is the most"):
        checked_rate(pattern)


@pytest.mark.parametrize("pattern", ["(", r"a(?=b)", r"(a)\1", r"[b-a]", "a{1001}", "*"])
def test_what_re2_refuses_says_so_in_its_words(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"\w+"):
        checked_rate(pattern)


@pytest.mark.parametrize("pattern", ["[ab]*a[ab]{8}d", "a.{0,8}d", "(?i)[a-m].{6}[n-z]", r"(?:\d{1,3}\.){3}\d"])
def test_a_pattern_that_just_loads_is_quick_on_a_text_that_is_made_to_hurt_it(pattern: str) -> None:
    """Ten times the bound, for the sake of slow machines; bench/bench_patterns.py has the figures."""
    draw = random.Random(7)  # noqa: S311 - a text
    for letters in ("ab", "amz", "0123456789.", "aé中z"):
        text = "".join(draw.choices(letters, k=LONG_TEXT))
        patterns = PatternSet([pattern])
        began = time.perf_counter()
        patterns.fits(text)
        assert time.perf_counter() - began < 0.05


def test_the_estimate_grows_with_what_makes_a_pattern_slow() -> None:
    gaps = [f"a.{{0,{n}}}b" for n in (2, 5, 8, 12)]
    costs = [worst_ms(p, compile_pattern(p).programsize) for p in gaps]
    assert costs == sorted(costs)
    assert costs[0] < 1
    assert costs[-1] > 5


# --- sets -------------------------------------------------------------------------------------------------


def test_a_set_tells_every_pattern_that_fits_and_only_those() -> None:
    patterns = PatternSet(["foo", r"\bbar\b", r"\A\z", "(?i)FOO", "o{2}$"])
    assert patterns.fits("foo bar") == [0, 1, 3] or sorted(patterns.fits("foo bar")) == [0, 1, 3]
    assert sorted(patterns.fits("foo")) == [0, 3, 4]
    assert patterns.fits("") == [2]
    assert patterns.fits("nothing") == []


def test_a_set_that_runs_out_of_memory_asks_its_patterns_one_by_one() -> None:
    """RE2 answers with nothing at all, as if nothing fitted: silence would be a wrong "no"."""

    class Exhausted:
        def Match(self, text: str) -> None:  # noqa: N802 - the library's name
            return None

    patterns = PatternSet([r"\d", r"[a-f]z", r"\s$"])
    (part,) = patterns._parts
    part._set = Exhausted()  # type: ignore[union-attr]
    assert patterns.fits("3 bz ") == [0, 1, 2]
    assert patterns.fits("nothing") == []


def test_a_set_that_cannot_be_compiled_asks_its_patterns_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking a set that was not compiled crashes the process; patterns that are too many for one are spread."""
    monkeypatch.setattr("syncd.core.patterns.SET_SIZE", 10**9)
    monkeypatch.setattr("syncd.core.patterns.MAX_MEM", 8 << 20)
    whole = PatternSet([rf"\d{{{n}}}\pL{{30}}[^x]\pL{{50}}" for n in range(1, 9)])
    (part,) = whole._parts
    assert part._set is None, "that many do not fit into one set's memory"  # type: ignore[union-attr]
    assert whole.fits("x 1" + "é" * 90) == [0]


def test_thousands_of_patterns_are_spread_over_sets_and_none_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.core.patterns.SET_SIZE", 500)
    patterns = PatternSet([rf"[a-z]{{3,}}\d{{{n}}}\b" for n in range(1, 60)])
    assert len(patterns._parts) > 3
    assert sorted(patterns.fits("word1234567 and word12")) == [1, 6]


def test_literals_too_many_for_one_filter_are_spread_and_none_is_forgotten() -> None:
    patterns = PatternSet([f"word{n:04}" * 40 + r"\d" for n in range(500)])
    assert len(patterns._parts) > 1
    for n in (0, 249, 250, 499):
        assert patterns.fits(f"word{n:04}" * 40 + "7") == [n]
    assert patterns.fits("word0000" * 39 + "7") == []


ATOMS = [*"aKßéİx.^$", r"\x{17f}", r"\x{3c3}", "foo", r"\d", r"\b", "[a-c]", "[^k]", r"\pL", r"\x{212a}"]
LETTERS = ["a", "k", "K", "\u212a", "s", "\u017f", "S", "ß", "é", "É", "İ", "i", "\u03c3", "ς", "foo", "FOO", "1", " "]


@pytest.mark.parametrize("seed", range(20))
def test_many_patterns_at_once_say_what_each_says_alone(seed: int) -> None:
    """Whatever a filter makes of literals, alternatives and letters that fold in odd ways."""
    draw = random.Random(seed)  # noqa: S311 - patterns and texts

    def pattern(depth: int) -> str:
        parts = [draw.choice(ATOMS) for _ in range(draw.randint(1, 4))]
        if depth:
            parts.insert(draw.randrange(len(parts) + 1), f"(?:{pattern(depth - 1)}|{pattern(depth - 1)})")
        if draw.random() < 0.4:
            parts = [f"(?:{part}){draw.choice('?*+')}" if draw.random() < 0.3 else part for part in parts]
        return draw.choice(["", "", "(?i)"]) + "".join(parts)

    patterns = [pattern(draw.randint(0, 2)) for _ in range(60)]
    alone = [compile_pattern(one) for one in patterns]
    together = PatternSet(patterns)
    fitted = 0
    for _ in range(150):
        text = "".join(draw.choices(LETTERS, k=draw.randint(0, 12)))
        found = [n for n, one in enumerate(alone) if one.search(text)]
        assert sorted(together.fits(text)) == found, text
        fitted += len(found)
    assert fitted > 500


def test_rules_match_alike_whether_sets_work_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    book = rulebook(
        *(
            rule(f"r{n}", "growth", has("title", f"re:(?i)word{n}\\b", f"glob {n}*", f"re:^\\d{{{n + 1}}}$"))
            for n in range(40)
        )
    )
    titles = [f"About word{n}" for n in range(0, 40, 3)] + ["glob 7 and more", "nothing", "12"]

    def matches(matcher: Matcher) -> list[list[str]]:
        return [[m.rule.id for m in matcher.matches(issue(title=title), Lineage())] for title in titles]

    day = issue().created.date()
    usual = matches(Matcher(book, day))
    monkeypatch.setattr("syncd.core.patterns._Together._compiled", lambda _: None)
    assert matches(Matcher(book, day)) == usual
    monkeypatch.setattr("syncd.core.patterns._filter", lambda _: None)
    assert matches(Matcher(book, day)) == usual
    assert sum(map(len, usual)) == 16


def test_long_values_are_not_remembered() -> None:
    index = FieldIndex("field.Text")
    index.add(0, Atom("field.Text", Pattern(Form.REGEX, "x"), exact=False))
    index.seal()
    assert index["x" * 1000] == (0,)
    assert index["x"] == (0,)
    assert list(index) == ["x"]
