"""What a thoughtful colleague says of a strategy: its intent, its outcomes, its overhead, its focus."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from syncd.core.advice import Advice, Path, counted, days, ending
from syncd.core.fold import fold
from syncd.core.model import (
    Metric,
    Objective,
    Outcome,
    Overhead,
    Review,
    Rulebook,
    Strategy,
    Target,
    ToOutcome,
    ToOverhead,
)
from syncd.core.wording import is_task, is_vision, owner_complaint, sentences

FEWEST: Final = 3
MOST: Final = 5


def strategy_advice(rulebook: Rulebook, reached: Collection[Target], today: date) -> Iterator[Advice]:
    """All advice on strategy.yaml. `reached`: the targets that a rule can still lead to."""
    strategy = rulebook.strategy
    yield from _whole(strategy, today)
    for number, outcome in enumerate(strategy.outcomes):
        path: Path = ("outcomes", number)
        if not _over(outcome, today):
            yield from _outcome(path, outcome, today)
            yield from _unreached(path, outcome.id, ToOutcome(outcome.id), reached)
        rules = _rules_to(rulebook, outcome.id)
        yield from ending(path, f"`{outcome.id}`", outcome.window.last, today, f"{rules} match nothing")
        yield from _objectives(path, outcome, rulebook, reached, today)
    for number, overhead in enumerate(strategy.overhead):
        yield from _unreached(("overhead", number), overhead.id, ToOverhead(overhead.id), reached)
    yield from _owners(strategy)
    yield from _titles(strategy)


# --- the whole --------------------------------------------------------------------------------------------


def _whole(strategy: Strategy, today: date) -> Iterator[Advice]:
    if (count := sentences(strategy.intent)) > 1:
        message = f"the intent takes {count} sentences"
        yield Advice("intent-sentences", ("intent",), message, "say it in one that everybody remembers")
    standing = [o for o in strategy.outcomes if o.window.holds(today)]
    if len(standing) < FEWEST:
        hint = "three to five; say what else must be different when the strategy has worked"
        yield Advice("outcome-count", ("outcomes",), f"{counted(len(standing), 'outcome')} in effect today", hint)
    if len(standing) > MOST:
        message = f"{len(standing)} outcomes in effect are more than people can tell apart"
        yield Advice("outcome-count", ("outcomes",), message, "three to five; make the rest objectives of them")
    yield from _allocation(standing, strategy.overhead)
    yield from _focus(strategy, today)


def _allocation(standing: Iterable[Outcome], overhead: Iterable[Overhead]) -> Iterator[Advice]:
    shares = {**{o.id: o.allocation for o in standing}, **{o.id: o.budget for o in overhead}}
    without = [f"`{name}`" for name, share in shares.items() if share is None]
    total = round(sum(share or 0 for share in shares.values()) * 100, 6)
    if shares and len(without) == len(shares):
        hint = "write `allocation: 30%` at each outcome, and `budget: 20%` at overhead"
        yield Advice("no-allocation", ("outcomes",), "nothing says how much of the work is meant for what", hint)
        return
    if total == 100 and not without:  # noqa: PLR2004 - per cent
        return
    has_none = f"; {', '.join(without)} {'has' if len(without) == 1 else 'have'} none" if without else ""
    if total > 100:  # noqa: PLR2004 - per cent
        hint = f"take {total - 100:g}% away"
    elif len(without) == 1:
        hint = f"give {without[0]} the {100 - total:g}% that are left"
    else:
        hint = f"share out the {100 - total:g}% that are left; work that serves no outcome is overhead with a budget"
    yield Advice("allocation-sum", ("outcomes",), f"allocations and budgets add up to {total:g}%{has_none}", hint)


def _focus(strategy: Strategy, today: date) -> Iterator[Advice]:
    focus = strategy.focus
    outcome = None if focus is None else strategy.outcome(focus.outcome)
    if focus is None or outcome is None:
        return
    yield from ending(("focus",), "the focus", focus.until, today, "there is none")
    window, where = outcome.window, ("focus", "outcome")
    if _over(outcome, today):
        message = f"the focus is on `{outcome.id}`, whose last day was {window.last}"
        yield Advice("focus-outside", where, message, "name the outcome that matters most now")
    elif window.first is not None and today < window.first:
        message = f"the focus is on `{outcome.id}`, which begins on {window.first}"
        yield Advice("focus-outside", where, message, "name the outcome that matters most until then")
    elif window.last is not None and focus.until is not None and window.last < focus.until:
        message = f"the focus lasts longer than its outcome, whose last day is {window.last}"
        yield Advice("focus-outside", ("focus", "until"), message, f"write `until: {window.last}`")


# --- outcomes and objectives ------------------------------------------------------------------------------


def _outcome(path: Path, outcome: Outcome, today: date) -> Iterator[Advice]:
    if is_task(outcome.title):
        hint = "say what is different for whom when it is done, as in: A new bank goes live in four weeks"
        yield Advice("outcome-as-task", (*path, "title"), f"`{outcome.id}` is worded as a task", hint)
    yield from _metric(path, outcome.id, outcome.metric)
    if outcome.due is None:
        hint = "add the day by which it should be reached: `due: 2026-12-31`"
        yield Advice("no-due", (*path, "due"), f"`{outcome.id}` is due on no day", hint)
    yield from _due(path, outcome, today)
    yield from _review(path, outcome.id, outcome.review, today)


def _objectives(
    path: Path, outcome: Outcome, rulebook: Rulebook, reached: Collection[Target], today: date
) -> Iterator[Advice]:
    for number, objective in enumerate(outcome.objectives):
        where: Path = (*path, "objectives", number)
        name = f"{outcome.id}/{objective.id}"
        if not _over(outcome, today) and not _over(objective, today):
            yield from _objective(where, name, objective, outcome, today)
            yield from _unreached(where, name, ToOutcome(outcome.id, objective.id), reached)
        rules = _rules_to(rulebook, outcome.id, objective.id)
        yield from ending(where, f"`{name}`", objective.window.last, today, f"{rules} match nothing")


def _objective(path: Path, name: str, objective: Objective, outcome: Outcome, today: date) -> Iterator[Advice]:
    metric, above = objective.metric, outcome.metric
    if metric is not None and above is not None and fold(metric.name) == fold(above.name):
        message = f"`{name}` is measured by the metric of its outcome"
        hint = "take the number that this one part of the work moves, such as handoffs under 24 h for a shorter cycle"
        yield Advice("objective-as-outcome", (*path, "metric", "name"), message, hint)
    if is_vision(objective.title):
        hint = "say what this one part has to reach, or make an outcome of it"
        yield Advice("objective-as-outcome", (*path, "title"), f"`{name}` is worded as an outcome", hint)
    yield from _metric(path, name, metric)
    yield from _due(path, objective, today)
    if objective.due is not None and outcome.due is not None and objective.due > outcome.due:
        message = f"`{name}` is due after its outcome, which is due on {outcome.due}"
        yield Advice("due-after-outcome", (*path, "due"), message, f"write a day up to {outcome.due}")


def _metric(path: Path, name: str, metric: Metric | None) -> Iterator[Advice]:
    where: Path = (*path, "metric")
    if metric is None:
        hint = "metric: {name: …, unit: …, baseline: …, target: …}"
        yield Advice("no-metric", where, f"nobody can tell when `{name}` is reached: it has no metric", hint)
        return
    if metric.target is None:
        hint = "add the number to reach: `target: …`"
        yield Advice("no-target", (*where, "target"), f"the metric of `{name}` has no target", hint)
    if metric.baseline is None:
        hint = "add the number at the start: `baseline: …`"
        yield Advice("no-baseline", (*where, "baseline"), f"the metric of `{name}` has no baseline", hint)
    elif metric.target == metric.baseline:
        message = f"the target of `{name}` equals its baseline: it is reached before anybody begins"
        yield Advice("target-is-baseline", (*where, "target"), message, "write the number to reach")


def _due(path: Path, one: Outcome | Objective, today: date) -> Iterator[Advice]:
    if one.due is not None and one.due < today:
        message = f"`{one.id}` was due on {one.due}, {days(today - one.due)} ago"
        hint = f"write the next day it is due; if it is reached or given up, end it with `until: {one.due}`"
        yield Advice("due-passed", (*path, "due"), message, hint)


def _review(path: Path, name: str, review: Review | None, today: date) -> Iterator[Advice]:
    where: Path = (*path, "review")
    if review is None or review.next is None:
        hint = "review: {every: 90d, next: 2026-12-01}" if review is None else "add the day of the next: `next: …`"
        message = f"nobody is to ask again whether `{name}` still is right: it has no review"
        yield Advice("no-review", where if review is None else (*where, "next"), message, hint)
    elif review.next < today:
        following = review.next + (review.every or timedelta(0))
        hint = "hold it, then write the day of the next"
        if review.every:
            times = (today - review.next) // review.every + 1
            following = review.next + times * review.every
            hint = f"hold it, then write the day of the next: `next: {following}`"
        message = f"the review of `{name}` was due on {review.next}, {days(today - review.next)} ago"
        yield Advice("review-overdue", (*where, "next"), message, hint)


# --- what stands everywhere -------------------------------------------------------------------------------


def _unreached(path: Path, name: str, target: Target, reached: Collection[Target]) -> Iterator[Advice]:
    if target not in reached:
        key = "overhead" if isinstance(target, ToOverhead) else "outcome"
        hint = f"add a rule with `{key}: {name}` to rules.yaml"
        yield Advice("no-rule", (*path, "id"), f"no rule leads to `{name}`", hint)


def _owners(strategy: Strategy) -> Iterator[Advice]:
    owned: list[tuple[Path, str | None]] = []
    for number, outcome in enumerate(strategy.outcomes):
        owned.append((("outcomes", number), outcome.owner))
        owned += [(("outcomes", number, "objectives", n), o.owner) for n, o in enumerate(outcome.objectives)]
    owned += [(("overhead", number), one.owner) for number, one in enumerate(strategy.overhead)]
    for path, owner in owned:
        if owner is not None and (complaint := owner_complaint(owner)):
            hint = "write one person's name or address, such as maria@acme.example"
            yield Advice("owner-unclear", (*path, "owner"), f"the owner `{owner[:80]}` {complaint}", hint)


def _titles(strategy: Strategy) -> Iterator[Advice]:
    titled: list[tuple[Path, str, str]] = []
    for number, outcome in enumerate(strategy.outcomes):
        titled.append((("outcomes", number), outcome.id, outcome.title))
        below = ((n, o) for n, o in enumerate(outcome.objectives))
        titled += [(("outcomes", number, "objectives", n), f"{outcome.id}/{o.id}", o.title) for n, o in below]
    titled += [(("overhead", number), one.id, one.title) for number, one in enumerate(strategy.overhead)]
    first: dict[str, str] = {}
    for path, name, title in titled:
        other = first.setdefault(fold(title), name)
        if other != name:
            hint = "say what tells them apart"
            yield Advice("title-twice", (*path, "title"), f"`{name}` has the title of `{other}`", hint)


def _over(one: Outcome | Objective, today: date) -> bool:
    return one.window.last is not None and one.window.last < today


def _rules_to(rulebook: Rulebook, outcome: str, objective: str | None = None) -> str:
    """How many rules lead to an outcome or an objective of it, or to that objective, in words."""
    targets = [r.target for r in rulebook.rules if isinstance(r.target, ToOutcome)]
    found = sum(t.outcome == outcome and objective in (None, t.objective) for t in targets)
    return f"its {counted(found, 'rule')}"
