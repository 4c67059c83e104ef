"""Decisions a second of processor time with evidence, beside a floor of postings and re2.Set, in the same run.

    .venv/bin/python bench/bench_decide.py [--issues 20000] [--rules 50 500] [--profile]

Read the ratios: the machine's own speed cancels out. The mix of rules is that of facts/performance.md §6: of fifty, 20
on labels, 10 on epics or initiatives, 8 on project and type, 7 regular expressions on the title, 5 with a `not`. The
floor is the fastest engine of that table: every rule that matches, with the posting that hit or the regular expression
as its explanation. It knows this mix by heart: its own tables, no three-valued logic, no folding of what it read, no
words. Beside it stands the same floor without explanations, which is less than the table's.
"""

import argparse
import cProfile
import gc
import pstats
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import re2
from support_values import all_of, any_of, epic, has, initiative, issue, label, none_of, of, rule, rulebook

from syncd.core.decide import Decider
from syncd.core.match import Matcher
from syncd.core.model import Category, Conflict, Issue, Lineage, Rule, Rulebook

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
ROUNDS = 5
TARGETS = {50: (100_000, 3.4), 500: (15_000, 1.7)}
"""Decisions a second that facts/performance.md §8.6 asks for, on the machine it was measured on, and how many times
slower than the floor of that table (336,000 and 25,400) that is."""
PROJECTS = tuple(f"P{n:02d}" for n in range(20))
TYPES = ("Bug", "Story", "Task", "Incident")
OUTCOMES = ("reliability", "growth", "trust")
WORDS = tuple(f"word{n}" for n in range(150))

Work = Sequence[tuple[Issue, Lineage]]


# --- the world --------------------------------------------------------------------------------------------


def world(count: int) -> Work:
    """Issues under forty epics to a project and one initiative to ten epics, two labels and eight words each.

    The children of an epic share their lineage, as the store hands it out.
    """
    random = Random(1)  # noqa: S311 - a world to measure, not secrets
    tops = [dressed(random, initiative(f"TOP-{n}"), "TOP") for n in range(80)]
    epics = [dressed(random, epic(f"{PROJECTS[n % 20]}-{n}"), PROJECTS[n % 20]) for n in range(800)]
    below = [Lineage(((above,), (tops[n // 10],))) for n, above in enumerate(epics)]
    made = []
    for number in range(count):
        chosen = random.randrange(800)
        project = epics[chosen].project
        lineage = below[chosen] if random.random() < 0.9 else Lineage()
        made.append((dressed(random, issue(f"{project}-{number + 1000}"), project), lineage))
    return made


def dressed(random: Random, plain: Issue, project: str) -> Issue:
    """A plain issue with the words, labels and type of the mix."""
    return replace(
        plain,
        project=project,
        project_name=f"Project {project}",
        title=" ".join(random.choices(WORDS, k=8)),
        type=plain.type if plain.level else random.choice(TYPES),
        category=random.choice(tuple(Category)),
        labels=tuple(f"label-{random.randint(0, 399)}" for _ in range(2)),
    )


def rules(count: int) -> Rulebook:
    """The mix, `count` rules of it; at five hundred ten times as many of each."""
    random = Random(2)  # noqa: S311 - as above
    return rulebook(*(_rule(random, n) for n in range(count)))


def _rule(random: Random, number: int) -> Rule:
    def labels(count: int) -> list[str]:
        return [f"label-{random.randint(0, 399)}" for _ in range(count)]

    kind = number % 50
    to = OUTCOMES[number % 3]
    name = f"rule-{number}"
    if kind < 20:
        return rule(name, to, label(*labels(3)))
    if kind < 30:
        return rule(name, to, of("epic" if kind % 2 else "initiative", label(*labels(2))), priority=-1)
    if kind < 38:
        return rule(name, to, all_of(has("project", random.choice(PROJECTS)), has("type", random.choice(TYPES))))
    if kind < 45:
        one, two = random.choices(WORDS, k=2)
        return rule(name, to, any_of(has("title", rf"re:\b{one}\b.*\b{two}\b")))
    return rule(
        name, to, all_of(label(*labels(4)), none_of(has("project", *random.choices(PROJECTS, k=3)))), priority=1
    )


# --- the two sides ----------------------------------------------------------------------------------------


def syncd(book: Rulebook, work: Work) -> int:
    """All decisions as a pass makes them; how many conflicts."""
    decider = Decider(Matcher(book, NOW.date()), NOW)
    return sum(isinstance(decider.decide(one, lineage, {}).verdict, Conflict) for one, lineage in work)


class Floor:
    """The least that finds the same winners: dictionaries, one re2.Set, a residual for `not` and for type."""

    def __init__(self, book: Rulebook) -> None:
        self.rules = book.rules
        self.own: dict[str, list[int]] = {}
        self.epic: dict[str, list[int]] = {}
        self.initiative: dict[str, list[int]] = {}
        self.pair: dict[tuple[str, str], list[int]] = {}
        self.banned: dict[int, frozenset[str]] = {}
        self.titles = re2.Set.SearchSet()
        self.by_title: list[int] = []
        for number in range(len(book.rules)):
            self._add(number)
        self.titles.Compile()
        self.wants = [(-r.priority, getattr(r.target, "outcome", "")) for r in book.rules]
        self.said: dict[str, tuple[int, set[str]] | None] = {}

    def _add(self, number: int) -> None:
        kind = number % 50
        when: Any = self.rules[number].when  # the floor knows the mix by heart
        if kind < 20:
            self._post(self.own, when, number)
        elif kind < 30:
            self._post(self.epic if kind % 2 else self.initiative, when.condition, number)
        elif kind < 38:
            project, type_ = (c.patterns[0].text for c in when.conditions)
            self.pair.setdefault((project, type_), []).append(number)
        elif kind < 45:
            self.titles.Add(when.conditions[0].patterns[0].text)
            self.by_title.append(number)
        else:
            wanted, banned = when.conditions
            self._post(self.own, wanted, number)
            self.banned[number] = frozenset(p.text for p in banned.conditions[0].patterns)

    @staticmethod
    def _post(postings: dict[str, list[int]], when: Any, number: int) -> None:
        for pattern in when.patterns:
            postings.setdefault(pattern.text, []).append(number)

    def run(self, work: Work) -> int:
        return sum(self.verdict(one, lineage) == "conflict" for one, lineage in work)

    def verdict(self, one: Issue, lineage: Lineage) -> str | None:
        said = self.winners(one, [a for step in lineage.steps for a in step])
        for number, step in enumerate(lineage.steps):
            if said is not None:
                break
            above = step[0]
            if above.key not in self.said:
                self.said[above.key] = self.winners(above, [a for s in lineage.steps[number + 1 :] for a in s])
            said = self.said[above.key]
        if said is None:
            return None
        return next(iter(said[1])) if len(said[1]) == 1 else "conflict"

    def winners(self, one: Issue, above: Sequence[Issue]) -> tuple[int, set[str]] | None:
        found = set(self.pair.get((one.project, one.type), ()))
        for text in one.labels:
            found.update(self.own.get(text, ()))
        for ancestor in above:
            postings = self.epic if ancestor.level == 1 else self.initiative
            for text in ancestor.labels:
                found.update(postings.get(text, ()))
        found.update(self.by_title[n] for n in self.titles.Match(one.title) or ())
        if not found:
            return None
        wants = [self.wants[n] for n in found if one.project not in self.banned.get(n, ())]
        if not wants:
            return None
        top = min(rank for rank, _ in wants)
        return top, {outcome for rank, outcome in wants if rank == top}


class ExplainingFloor(Floor):
    """The floor that keeps, of each rule that matches, what it was found by."""

    def __init__(self, book: Rulebook) -> None:
        super().__init__(book)
        self.ids = [one.id for one in book.rules]
        self.kept: list[list[tuple[str, str]]] = []

    def winners(self, one: Issue, above: Sequence[Issue]) -> tuple[int, set[str]] | None:
        found = dict.fromkeys(self.pair.get((one.project, one.type), ()), one.type)
        for text in one.labels:
            for n in self.own.get(text, ()):
                found[n] = text
        for ancestor in above:
            postings = self.epic if ancestor.level == 1 else self.initiative
            for text in ancestor.labels:
                for n in postings.get(text, ()):
                    found[n] = text
        for n in self.titles.Match(one.title) or ():
            found[self.by_title[n]] = self.ids[self.by_title[n]]
        met = [n for n in found if one.project not in self.banned.get(n, ())] if found else ()
        if not met:
            return None
        self.kept.append([(self.ids[n], found[n]) for n in met])
        wants = [self.wants[n] for n in met]
        top = min(rank for rank, _ in wants)
        return top, {outcome for rank, outcome in wants if rank == top}


# --- measuring --------------------------------------------------------------------------------------------


def seconds(run: Callable[[], int]) -> float:
    gc.collect()
    started = process_time()
    run()
    return process_time() - started


def measure(book: Rulebook, work: Work) -> tuple[float, float, float]:
    """Median decisions a second of syncd, of the floor and of the floor that explains nothing, taken in turn."""
    sides = (lambda: syncd(book, work), lambda: ExplainingFloor(book).run(work), lambda: Floor(book).run(work))
    rounds = [[len(work) / seconds(side) for side in sides] for _ in range(ROUNDS)]
    ours, floor, bare = (statistics.median(figures) for figures in zip(*rounds, strict=True))
    return ours, floor, bare


def told(count: int, work: Work, book: Rulebook) -> str:
    ours, floor, bare = measure(book, work)
    decider = Decider(Matcher(book, NOW.date()), NOW)
    spoke = sum(len(decider.decide(one, above, {}).evidence) for one, above in work) / len(work)
    line = f"{count} rules, {len(work):,} issues, {spoke:.1f} rules speak per issue: syncd {ours:,.0f} decisions/s, "
    line += f"floor {floor:,.0f}: {floor / ours:.2f}x; floor without explanations {bare:,.0f}: {bare / ours:.2f}x"
    if count in TARGETS:
        most, ratio = TARGETS[count]
        line += f" (asked for: {ratio}x, {verdict(floor / ours <= ratio)}; {most:,}/s, {verdict(ours >= most)})"
    return line


def verdict(met: object) -> str:
    return "met" if met else "NOT MET"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--issues", type=int, default=20_000)
    arguments.add_argument("--rules", type=int, nargs="+", default=[50, 500])
    arguments.add_argument("--profile", action="store_true", help="where syncd's time goes, instead of figures")
    chosen = arguments.parse_args()
    work = world(chosen.issues)
    for count in chosen.rules:
        book = rules(count)
        if chosen.profile:
            profile = cProfile.Profile()
            profile.runcall(syncd, book, work)
            pstats.Stats(profile).sort_stats("tottime").print_stats(18)
            continue
        conflicts = {syncd(book, work), ExplainingFloor(book).run(work), Floor(book).run(work)}
        assert len(conflicts) == 1, "the sides do not decide alike"
        print(told(count, work, book), flush=True)


if __name__ == "__main__":
    main()
