"""What a thoughtful colleague says of a strategy and its rules: `lint(rulebook, today)`. Nothing of it is an error.

Each advice has a name that never changes. An `accept:` with that name, beside what it is about or above it, silences
it; one that silences nothing is advice itself (docs/lints.md).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches

from syncd.core.advice import LINTS, Advice, Path
from syncd.core.lint_rules import never_matching, reached_targets, rule_advice
from syncd.core.lint_strategy import strategy_advice
from syncd.core.model import Accept, Rulebook

__all__ = ["LINTS", "Advice", "lint"]


def lint(rulebook: Rulebook, today: date) -> tuple[Advice, ...]:
    """All advice on a rulebook on that day (UTC), by the order of what it is about; accepted ones are left out."""
    never = never_matching(rulebook)
    reached = reached_targets(rulebook, never, today)
    accepts = dict(_accepts(rulebook))
    kept, used = [], set(_later(rulebook))
    for advice in (*strategy_advice(rulebook, reached, today), *rule_advice(rulebook, never, today)):
        by = next((place for place in _around(advice.path) if _accepted(accepts, place, advice.name)), None)
        if by is None:
            kept.append(advice)
        else:
            used.add((by, advice.name))
    return (*kept, *_idle(accepts, used))


_Accepts = Mapping[Path, tuple[Accept, ...]]


def _accepts(rulebook: Rulebook) -> Iterator[tuple[Path, tuple[Accept, ...]]]:
    strategy = rulebook.strategy
    yield (), strategy.accept
    for number, outcome in enumerate(strategy.outcomes):
        yield ("outcomes", number), outcome.accept
        for below, objective in enumerate(outcome.objectives):
            yield ("outcomes", number, "objectives", below), objective.accept
    for number, overhead in enumerate(strategy.overhead):
        yield ("overhead", number), overhead.accept
    for number, rule in enumerate(rulebook.rules):
        yield ("rules", number), rule.accept


def _around(path: Path) -> Iterator[Path]:
    """The places where advice on that value can be accepted, nearest first; the top of strategy.yaml covers it all."""
    ends = [end for end in (4, 2) if len(path) >= end and isinstance(path[end - 1], int)]
    yield from (path[:end] for end in ends)
    if path[0] != "rules":
        yield ()


def _accepted(accepts: _Accepts, place: Path, name: str) -> bool:
    return any(one.advice == name for one in accepts.get(place, ()))


def _later(rulebook: Rulebook) -> Iterator[tuple[Path, str]]:
    """(place, advice) that mere time will bring: it may be accepted before it is given."""
    for path, name, day in _dates(rulebook):
        if day is not None:
            yield from ((place, name) for place in _around(path))


def _dates(rulebook: Rulebook) -> Iterator[tuple[Path, str, date | None]]:
    """Every day after which (or near which) advice is given on what stands there."""
    strategy = rulebook.strategy
    endings: list[tuple[Path, date | None]] = []
    for number, outcome in enumerate(strategy.outcomes):
        path: Path = ("outcomes", number)
        endings.append((path, outcome.window.last))
        yield path, "due-passed", outcome.due
        yield path, "review-overdue", None if outcome.review is None else outcome.review.next
        for below, one in enumerate(outcome.objectives):
            endings.append(((*path, "objectives", below), one.window.last))
            yield (*path, "objectives", below), "due-passed", one.due
    endings += [(("rules", number), rule.window.last) for number, rule in enumerate(rulebook.rules)]
    endings.append((("focus",), None if strategy.focus is None else strategy.focus.until))
    for path, last in endings:
        yield path, "ends-soon", last
        yield path, "ended", last


def _idle(accepts: _Accepts, used: set[tuple[Path, str]]) -> Iterator[Advice]:
    for place, accepted in accepts.items():
        for one in accepted:
            where: Path = (*place, "accept", one.advice)
            if one.advice not in LINTS:
                close = get_close_matches(one.advice, LINTS, 1)
                hint = f"did you mean `{close[0]}`?" if close else "docs/lints.md has all there are"
                yield Advice("accept-unknown", where, f"there is no advice `{one.advice[:80]}` to accept", hint)
            elif (place, one.advice) not in used:
                message = f"`{one.advice}` is accepted here, and not given"
                yield Advice("accept-unused", where, message, "take it out")
