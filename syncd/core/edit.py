"""What a rule edit can touch: the rules that differ, and the values by which a store finds the issues they speak of.

A decision depends on the rules in effect that match the issue or one of its ancestors, on people's words, and on the
strategy where a rule or a word points to it. So under other rules it can come out otherwise only where a rule that
differs matches, in its old form or its new one, on the issue or above it (docs/adr/0007).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from syncd.core.bearing import Bears, needed, union
from syncd.core.decide import Decider, Outline
from syncd.core.match import Matcher
from syncd.core.model import Issue, Lineage, Rule, Rulebook, Strategy, ToExempt, ToOverhead, Verdict, Via, Window
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


class Comparison:
    """Whether an issue comes out alike under two rulebooks. For issues without overrides, themselves and above them.

    Nothing is put into words: the same rules that meet the same values say the same.
    """

    def __init__(self, old: Matcher, new: Matcher, now: datetime) -> None:
        numbers: dict[object, int] = {}
        self._shown = [
            {rule.id: numbers.setdefault(_shown(rule, m.rulebook.strategy), len(numbers)) for rule in m.rules}
            for m in (old, new)
        ]
        self._old, self._new = Decider(Matcher(old.rulebook, old.day, beside=new), now), Decider(new, now)

    def differs(self, issue: Seen, lineage: Lineage) -> bool:
        """Whether the decisions differ in anything that is kept of them."""
        before, after = self._old.outline(issue, lineage), self._new.outline(issue, lineage)
        if before.via is not after.via or self._rules(before, 0) != self._rules(after, 1):
            return True
        if before.via is Via.INHERITED:
            return before.above != after.above or before.spoke != after.spoke
        return _beside(before) != _beside(after)

    def _rules(self, outline: Outline, side: int) -> set[int]:
        shown = self._shown[side]
        return {shown[rule.id] for rule in outline.rules}


def _shown(rule: Rule, strategy: Strategy) -> tuple[Rule, str | None]:
    """All of a rule that a decision shows once it speaks."""
    seen, title = _seen(rule, strategy)
    return replace(seen, priority=0, default=False), title


def _beside(outline: Outline) -> tuple[Verdict, tuple[Issue, ...]] | None:
    """What an issue with rules of its own may diverge from."""
    return None if outline.above is None else (outline.above.verdict, outline.spoke)


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
