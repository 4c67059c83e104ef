"""One advice: its name, its reason, its place. What it is given for stands in `lint_strategy` and `lint_rules`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

Path = tuple[str | int, ...]
"""Keys and list positions that lead to a value: into rules.yaml if the first is `rules`, else into strategy.yaml."""

LINTS: Final[Mapping[str, str]] = {
    "intent-sentences": "An intent that takes more than one sentence is not clear enough to be remembered.",
    "outcome-count": "Fewer than three outcomes hardly tell work apart; of more than five nobody knows what matters.",
    "no-metric": "Without a number nobody can tell whether it is reached.",
    "no-target": "A direction without a number is a wish.",
    "no-baseline": "Without the number at the start nobody sees how far it has come.",
    "target-is-baseline": "A target that equals the baseline is reached before anybody begins.",
    "no-due": "What is due on no day is never late.",
    "due-passed": "A day that has passed says nothing any more: it was reached, or it needs another day.",
    "due-after-outcome": "An objective that is due after its outcome cannot help to reach it.",
    "no-review": "What nobody is to look at again stays in force after it has ceased to be right.",
    "review-overdue": "A review that was missed is the first sign of an outcome that nobody owns.",
    "no-allocation": "Priorities become real when it is said how much of the work is meant for each.",
    "allocation-sum": "Shares that do not add up to 100% compare the work with a plan that cannot be.",
    "outcome-as-task": "A task is done when it is done, whether it helped or not; an outcome is what differs then.",
    "objective-as-outcome": "An objective says what one part has to reach; as wide as its outcome it adds nothing.",
    "no-rule": "What no rule leads to gets no work, and looks as if nobody worked for it.",
    "ends-soon": "After its last day it matches nothing any more, for old work as for new.",
    "ended": "What is over has no effect, and those who read the file take it for what holds.",
    "never-matches": "A rule that can match nothing only looks as if the work were taken care of.",
    "matches-everything": "A rule that holds for every issue drowns what the other rules say.",
    "equal-conditions": "Of two rules with the same conditions one is not needed, or both disagree on every issue.",
    "focus-outside": "A focus on an outcome that is not in effect turns people to what no rule maps.",
    "owner-unclear": "Each outcome needs one person who can be asked and who decides.",
    "title-twice": "Two things of one title are told apart by their ids only, which nobody reads.",
    "accept-unused": "An accepted advice that is not given hides what it would be given for later.",
    "accept-unknown": "An accepted advice that does not exist silences nothing.",
}
"""Every advice by its name, with the reason why it is given. Names never change."""

SOON: Final = timedelta(days=14)
"""How long before its last day something is told to end."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Something that could be better, at the value that `path` leads to (or, if it is missing, at its parent)."""

    name: str
    path: Path
    message: str
    hint: str


def ending(path: Path, name: str, last: date | None, today: date, then: str) -> Iterator[Advice]:
    """What has a last day (UTC), told from fourteen days before it. `then`: what holds after it."""
    if last is None or last - today > SOON:
        return
    where = (*path, "until")
    if last < today:
        hint = 'take it out, or keep it with `accept: {ended: "kept for the record"}`'
        yield Advice("ended", where, f"{name} ended on {last}, {days(today - last)} ago: {then}", hint)
    else:
        when = "today" if last == today else f"in {days(last - today)}, on {last}"
        hint = "write a later day, or say in time what comes after it"
        yield Advice("ends-soon", where, f"{name} ends {when}; after that {then}", hint)


def days(span: timedelta) -> str:
    """`1 day`, `12 days`."""
    return counted(span.days, "day")


def counted(number: int, what: str) -> str:
    """`1 rule`, `3 rules`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
