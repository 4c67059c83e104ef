"""What a rule edit can touch: the rules that differ, and the values by which a store finds the issues they speak of.

A decision depends on the rules in effect that match the issue or one of its ancestors, on people's words, and on the
strategy where a rule or a word points to it. So under other rules it can come out otherwise only where a rule that
differs matches, in its old form or its new one, on the issue or above it (docs/adr/0007).
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from syncd.core.bearing import Bears, needed, union
from syncd.core.match import Matcher
from syncd.core.model import Issue, Lineage, Rule, Rulebook, Strategy, ToExempt, ToOverhead, Window


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


def touched(sieve: Matcher, issue: Issue, lineage: Lineage) -> bool:
    """Whether a rule that differs matches on this issue itself."""
    return bool(sieve.matches(issue, lineage))


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
