"""What a rule edit can touch: the rules that differ, and the values by which a store finds the issues they speak of.

A decision depends on the rules in effect that match the issue or one of its ancestors, on people's words, and on the
strategy where a rule or a word points to it. So under other rules it can come out otherwise only where a rule that
differs matches, in its old form or its new one, on the issue or above it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from syncd.core.asking import expressions
from syncd.core.bearing import Bears, needed, union
from syncd.core.decide import Above, Decider
from syncd.core.match import Matcher
from syncd.core.model import (
    Condition,
    Issue,
    Lineage,
    Rule,
    Rulebook,
    Strategy,
    ToExempt,
    ToOverhead,
    Verdict,
    Via,
    Window,
)
from syncd.core.seen import Seen


@dataclass(frozen=True, slots=True)
class Edit:
    """What differs between two rulebooks, each on its day, as far as decisions and plans can see it."""

    rules: tuple[Rule, ...]
    """The rules that differ, as they were and as they are."""
    strategy: bool
    """Whether the strategy differs, by which comments are worded."""
    outcomes: frozenset[str]
    """Ids of outcomes that only one of them knows, by which marks that people set are read."""

    def sieve(self, day: date) -> Matcher:
        """Matches what the edit can touch."""
        rules = tuple(replace(rule, target=ToExempt(""), window=Window()) for rule in self.rules)
        return Matcher(Rulebook(version="", strategy=Strategy(intent=""), rules=rules), day)

    def bearers(self) -> frozenset[Bears] | None:
        """Each issue that a differing rule matches bears one of these, or an ancestor does; None: nobody can tell."""
        return union(needed(rule.when, exact=rule.exact) for rule in self.rules)


def difference(old: Matcher, new: Matcher) -> Edit:
    """What differs between the rules of these two."""
    before, after = old.rulebook.strategy, new.rulebook.strategy
    was = {rule.id: _seen(rule, before) for rule in old.rules}
    now = {rule.id: _seen(rule, after) for rule in new.rules}
    changed = {name for name in {*was, *now} if was.get(name) != now.get(name)}
    rules = [rule for rule in (*old.rules, *new.rules) if rule.id in changed]
    return Edit(
        rules=tuple(dict.fromkeys(rules)),
        strategy=before != after,
        outcomes=frozenset({o.id for o in before.outcomes} ^ {o.id for o in after.outcomes}),
    )


def _seen(rule: Rule, strategy: Strategy) -> tuple[Rule, str | None]:
    """All of a rule in effect that a decision shows or depends on; its target's title stands in the verdict."""
    title = None
    if isinstance(rule.target, ToOverhead):
        title = next((o.title for o in strategy.overhead if o.id == rule.target.overhead), None)
    return replace(rule, window=Window(), owner=None, accept=(), where=""), title


class Spoken(NamedTuple):
    """What the rules that speak on an issue itself come to, as far as a decision shows them."""

    shown: frozenset[int]
    """A number for each; equal under both rulebooks if what a decision shows of the rule is equal."""
    default: bool
    """Whether they are defaults, which speak where nothing above does."""


Numbers = dict[object, int]
Both = tuple[Spoken, Spoken]
"""What speaks under the old rules, and under the new."""


class Comparison:
    """Whether an issue comes out alike under two rulebooks. For issues without overrides, themselves and above them.

    Nothing is put into words: the same rules that meet the same values say the same.
    """

    def __init__(self, old: Matcher, new: Matcher, now: datetime) -> None:
        old = Matcher(old.rulebook, old.day, beside=new)
        # an expression is slow and may fail, which is told: it is asked only where no stronger rule matches
        failing = any(map(expressions, (*old.rules, *new.rules)))
        self._speaking: Callable[[Seen, Lineage], Both] = (_Apart if failing else _Together)(old, new).speaking
        self._old, self._new = Decider(old, now), Decider(new, now)
        self._heard: dict[int, tuple[Lineage, Above, Above, bool]] = {}

    def differs(self, issue: Seen, lineage: Lineage) -> bool:
        """Whether the decisions differ in anything that is kept of them."""
        before, after = self._speaking(issue, lineage)
        _, heard, hears, alike = self._above(lineage)
        if alike and before == after:
            return False
        via = _via(before, heard, lineage)
        if via is not _via(after, hears, lineage):
            return True
        if via is None:
            return False
        if via is Via.INHERITED:
            return heard != hears
        return before.shown != after.shown or (via is Via.RULE and _beside(heard) != _beside(hears))

    def _above(self, lineage: Lineage) -> tuple[Lineage, Above, Above, bool]:
        """What is heard from above under each, and whether it is alike.

        What hangs alike is given one and the same lineage, so it is remembered by that.
        """
        known = self._heard.get(id(lineage))
        if known is None or known[0] is not lineage:
            if len(self._heard) >= REMEMBERED:
                self._heard.clear()
            heard, hears = self._old.above(lineage), self._new.above(lineage)
            known = self._heard[id(lineage)] = lineage, heard, hears, heard == hears
        return known


class _Together:
    """Asks each condition once for both rulebooks, and remembers what the rules come to that match together."""

    def __init__(self, old: Matcher, new: Matcher) -> None:
        asked: dict[tuple[Condition, bool], Rule] = {}
        for rule in (*old.rules, *new.rules):
            asked.setdefault((rule.when, rule.exact), replace(rule, target=ToExempt(""), window=Window()))
        rules = Rulebook(version="", strategy=Strategy(intent=""), rules=tuple(asked.values()))
        self._matcher = Matcher(rules, new.day, beside=new)
        places, numbers = {condition: place for place, condition in enumerate(asked)}, Numbers()
        self._sides = [[(places[r.when, r.exact], r, _shown(r, m, numbers)) for r in m.rules] for m in (old, new)]
        self._known: dict[frozenset[int], Both] = {}

    def speaking(self, issue: Seen, lineage: Lineage) -> Both:
        """What speaks on the issue itself."""
        matching = self._matcher.matching(issue, lineage)
        known = self._known.get(matching)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[matching] = self._spoken(matching, 0), self._spoken(matching, 1)
        return known

    def _spoken(self, matching: frozenset[int], side: int) -> Spoken:
        spoken = [(rule, number) for place, rule, number in self._sides[side] if place in matching]
        if not spoken:
            return _SILENT
        default, weakness = min((rule.default, -rule.priority) for rule, _ in spoken)
        top = [number for rule, number in spoken if (rule.default, -rule.priority) == (default, weakness)]
        return Spoken(frozenset(top), default)


class _Apart:
    """Asks each rulebook for itself."""

    def __init__(self, old: Matcher, new: Matcher) -> None:
        numbers: Numbers = {}
        self._matchers = old, new
        self._shown = [{rule.id: _shown(rule, m, numbers) for rule in m.rules} for m in self._matchers]

    def speaking(self, issue: Seen, lineage: Lineage) -> Both:
        """What speaks on the issue itself."""
        return self._spoken(issue, lineage, 0), self._spoken(issue, lineage, 1)

    def _spoken(self, issue: Seen, lineage: Lineage, side: int) -> Spoken:
        rules = [match.rule for match in self._matchers[side].strongest(issue, lineage)]
        if not rules:
            return _SILENT
        return Spoken(frozenset(self._shown[side][rule.id] for rule in rules), rules[0].default)


def _via(spoken: Spoken, heard: Above, lineage: Lineage) -> Via | None:
    """The level that decides."""
    if spoken.shown and not spoken.default:
        return Via.RULE
    if heard[0] is not None:
        return Via.INHERITED
    return Via.DEFAULT if spoken.shown and lineage.missing is None else None


def _shown(rule: Rule, matcher: Matcher, numbers: Numbers) -> int:
    """A number for all of a rule that a decision shows once it speaks."""
    seen, title = _seen(rule, matcher.rulebook.strategy)
    return numbers.setdefault((replace(seen, priority=0, default=False), title), len(numbers))


def _beside(heard: Above) -> tuple[Verdict, tuple[Issue, ...]] | None:
    """What an issue with rules of its own may diverge from."""
    voice, speakers = heard
    return None if voice is None else (voice.verdict, speakers)


_SILENT: Final = Spoken(frozenset(), default=False)
REMEMBERED: Final = 10_000
"""Lineages, and sets of rules that match together; past it each memory starts afresh."""


def turning_days(rulebook: Rulebook) -> tuple[date, ...]:
    """Days that between them show every set of rules that is ever in effect together, newest first."""
    strategy = rulebook.strategy
    windows = [rule.window for rule in rulebook.rules]
    windows += [outcome.window for outcome in strategy.outcomes]
    windows += [objective.window for outcome in strategy.outcomes for objective in outcome.objectives]
    begins = {window.first for window in windows if window.first is not None}
    begins |= {window.last + _DAY for window in windows if window.last not in (None, date.max)}
    return (*sorted(begins, reverse=True), date.min)


_DAY: Final = timedelta(days=1)
