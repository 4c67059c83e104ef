"""What the worst texts cost: regular expressions against their estimate, and the worst CEL expressions that load.

    python bench/bench_patterns.py

Every pattern is searched in texts of 10,000 characters made to hurt it: of its own letters, of its own words, of one
letter. Each search starts with a fresh automaton, since that is where the time goes. Promise (DESIGN §8, issue 3):
what `checked_pattern` lets through takes at most 5 ms, and no CEL expression that loads takes 50 ms.
"""

import dataclasses
import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from syncd.core.cel import CelError, Expression
from syncd.core.model import Category, Issue, IssueRef
from syncd.core.patterns import LONG_TEXT, PatternSet, compile_pattern, worst_ms

USUAL = [
    r"\bfailover\b",
    r"(?i)\b(failover|outage|incident|disaster|recovery|latency|timeout|crash|restart|retry)\b",
    r"(?i)^\[?(pay|ops)\]?[-: ]",
    r"[A-Z]{2,10}-\d{1,6}",
    r"\b\d{4}-\d{2}-\d{2}\b",
    r"\b[0-9a-f]{7,40}\b",
    r"[0-9a-f]{40}",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    r"https?://[^\s/]+/[^\s]+",
    r"foo.*bar.*baz",
    r"\pL+\s\pL+",
    r"(?i)(?:upgrade|update|bump) .* (?:to|from) v?\d+(?:\.\d+)*",
    "|".join(f"word{n}" for n in range(120)),
]
EVIL = [
    "^(a+)+$", r"^(\w+\s?)*$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a|aa)+$", "(.*)*x", ".*" * 50 + "x",
    ".{0,1000}", "x{1000}", "(?:.{0,30}x){30}", "(a?){500}z", r"\pL{1,20}", r"(?:\pL{1,900}z|\pL{1,900}\d)",
    *(f"[ab]*a[ab]{{{n}}}d" for n in (5, 8, 9, 10, 12, 16, 20, 100)),
    *(f"a.{{0,{n}}}d" for n in (5, 7, 8, 9, 10, 15, 20, 50, 500)),
    *(f"pay.{{0,{n}}}fail" for n in (5, 10, 12, 15, 20, 40)),
    *(f"timeout.{{0,{n}}}retry" for n in (5, 10, 20, 25, 30, 40)),
    *(f"(?:a.?){{{n}}}d" for n in (5, 10, 20, 40)),
    *(f"(?:aa|ab|ba|bb){{0,{n}}}d" for n in (5, 10, 80)),
    *(".?" * n + "d" for n in (5, 20, 100)),
    *("a" + ".?" * n + "d" for n in (5, 8, 10, 20)),
    *("a" + "[ab][abc]" * n + "d" for n in (2, 4, 5, 10)),
    *(f"(?i)[a-m].{{{n}}}[n-z]" for n in (4, 8, 12)),
    *(f"a.{{0,{n}}}.*d" for n in (5, 8, 12, 20)), *(f".{{0,{n}}}[n-z]" for n in (5, 20, 60)),
    *(f"[A-Z]\\w{{2,{n}}}" for n in (5, 8, 12)),
    *(f"\\w{{2,{n}}}\\d" for n in (5, 20, 60)),
    *(f"a\\w{{2,{n}}}\\d" for n in (5, 8, 10, 20)),
]  # fmt: skip

SEED = random.Random(7)  # noqa: S311 - texts to search in, the same in every run


def texts(pattern: str) -> Iterator[str]:
    """Texts of `LONG_TEXT` characters that a pattern may choke on."""
    bare = re.sub(r"\{[^}]*\}|\\[a-zA-Z]|\(\?[a-z]*", "", pattern)
    letters = sorted({c for c in bare if c.isalnum()}, key=lambda c: (c.isdigit(), c)) or ["a"]
    words = re.findall(r"[A-Za-z]{2,}", pattern) or letters
    yield letters[0] * LONG_TEXT
    yield "".join(SEED.choices(letters[:2], k=LONG_TEXT))
    yield "".join(SEED.choices(letters[:2], weights=[9, 1][: len(letters[:2])], k=LONG_TEXT))
    yield "".join(SEED.choices([*letters, "x", " "], k=LONG_TEXT))
    yield "".join(SEED.choices("abcdefghijklmnopqrstuvwxyz0123456789 ", k=LONG_TEXT))
    yield "".join(SEED.choices([*words, "x", "y", " "], k=LONG_TEXT))[:LONG_TEXT]
    yield "".join(SEED.choices([words[0], "x"], weights=[1, 3], k=LONG_TEXT))[:LONG_TEXT]
    yield "".join(SEED.choices("aé中z", k=LONG_TEXT))


def worst(pattern: str) -> float:
    """Milliseconds of the slowest first search, the best of three tries for each text."""
    found = 0.0
    for text in texts(pattern):
        tries = []
        for number in range(3):
            fresh = PatternSet([f"(?:{pattern})|\\x{{{0xE000 + SEED.randrange(6000):x}}}{number}"])
            began = time.perf_counter()
            fresh.fits(text)
            tries.append(time.perf_counter() - began)
        found = max(found, min(tries) * 1000)
    return found


def patterns() -> int:
    broken = 0
    print(f"{'measured':>9} {'estimate':>9}  pattern on {LONG_TEXT} characters (ms)")
    for pattern in [*USUAL, *EVIL]:
        estimate = worst_ms(pattern, compile_pattern(pattern).programsize)
        verdict = "loads" if estimate <= 5 else "refused"
        measured = worst(pattern)
        late = verdict == "loads" and measured > 5
        broken += late
        print(f"{measured:9.2f} {estimate:9.2f}  {verdict:8}{'TOO SLOW ' if late else ''}{pattern[:80]}")
    return broken


CEL = [
    "issue.label.all(a, issue.label.all(b, b != 'x'))",
    "issue.label.all(a, !(a + 'q' in issue.label))",
    "issue.label.filter(a, true).filter(b, true).size() > 300",
    "issue.label.all(a, !re(a, r'\\bfailover\\b') && !re(a, r'outage'))",
    "issue.label.all(a, issue.title + a != 'x')",
    "issue.label.all(a, !issue.title.contains(a + 'x'))",
    "issue.label.all(a, fold(a) != 'x' && fold(a) != 'y' && fold(a) != 'z')",
    "issue.label.all(a, size(issue.label) > 3 && size(issue.title) > 3)",
    "issue.label.all(a, ['1','2','3','4','5','6','7','8','9'].all(b, b != a))",
    "issue.label.all(a, issue.label.exists(b, a == b))",
    "issue.label.all(a, a.startsWith('l') && a.endsWith('x') == false && a.contains('label') && size(a) > 3)",
    "re(issue.title, r'(?:\\d{1,3}\\.){3}\\d{1,3}') || re(issue.title, r'[ab]*a[ab]{8}d') || re(issue.title, r'x{99}')",
]


def expressions() -> int:
    now = datetime.now(UTC)  # noqa: TID251 - a bench has a clock
    issue = Issue(
        ref=IssueRef("jira", "1"), key="PAY-1", title="".join(SEED.choices("ab", k=LONG_TEXT)), type="Bug", level=0,
        status="Open", category=Category.TODO, priority=None, project="PAY", project_name="Payments", created=now,
        updated=now, url="",
    )  # fmt: skip
    full = dataclasses.replace(issue, labels=tuple(f"label-{n:043}" for n in range(200)))
    broken = 0
    print(f"\n{'measured':>9} {'estimate':>9}  expression on 200 labels and {LONG_TEXT} characters (ms)")
    for source in CEL:
        try:
            expression = Expression(source)
        except CelError as refused:
            print(f"{'':9} {'':9}  refused {source[:90]} ({refused.message})")
            continue
        tries = []
        for _ in range(5):
            began = time.perf_counter()
            expression.holds(full)
            tries.append(time.perf_counter() - began)
        measured = min(tries) * 1000
        broken += measured > 50
        late = "TOO SLOW " if measured > 50 else ""
        print(f"{measured:9.2f} {expression.work / 1000:9.2f}  {late}{source[:90]}")
    return broken


if __name__ == "__main__":
    raise SystemExit(1 if patterns() + expressions() else 0)
