"""How often syncd may speak up: quiet hours, and caps for projects and people (DESIGN §6). Pure; `now` is given.

Everything is counted on the tracker's clock over the 24 hours before, so that no calendar day of anybody's, in any
time zone, holds more than the cap.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from syncd.core.fold import fold
from syncd.core.model import Action, Issue, IssueRef, Plan, Skipped

DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Quiet:
    """No comment from `start` to `end` by the clocks of that zone; past midnight if `end` is earlier.

    Where the clocks are put on or back within, the longer reading holds: a time of day that comes twice begins it the
    first time and ends it the second, and one that is left out does so by the clock that makes it longer.
    """

    start: time
    end: time
    zone: tzinfo

    def until(self, now: datetime) -> datetime | None:
        """When it ends, in UTC; None: it is not quiet now."""
        today = now.astimezone(self.zone).date()
        nights = timedelta(days=self.end <= self.start)
        for day in (today - timedelta(days=1), today):
            ends = max(self._readings(day + nights, self.end))
            if min(self._readings(day, self.start)) <= now < ends:
                return ends
        return None

    def _readings(self, day: date, at: time) -> tuple[datetime, datetime]:
        """The two instants that a time of day may mean; one and the same but where the clocks are changed."""
        first = datetime.combine(day, at, tzinfo=self.zone)
        return first.astimezone(UTC), first.replace(fold=1).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A write that told people something: on which issue, when (tracker's clock), and whom, by folded name."""

    ref: IssueRef
    key: str
    project: str
    kind: Literal["comment", "mark", "edit"]
    at: datetime
    people: tuple[str, ...] = ()
    pair: tuple[str, str | None] | None = None
    """The verdict pair that it was written for; `answer` and a comment's id where somebody asked."""
    rules: tuple[str, ...] = ()
    """The rules that spoke in what it said."""


def notified(issue: Issue) -> tuple[str, ...]:
    """Who is told of a new comment on an issue: its assignee and its reporter, by folded name.

    By name, not by id: most people have an account in each tracker, and count once.
    """
    told = (issue.assignee, issue.reporter)
    return tuple(sorted({fold(one.name) for one in told if one is not None and one.kind not in ("app", "customer")}))


@dataclass(frozen=True, slots=True)
class Caps:
    """How many notices there may be in 24 hours."""

    per_project: int = 20
    per_person: int = 3


def ration(plan: Plan, sent: Iterable[Notice], caps: Caps, now: datetime) -> tuple[tuple[Action, ...], list[Skipped]]:
    """(actions that may go now, those held back with their why), in the plan's order. Only new comments are counted.

    Args:
        plan: what is to be done.
        sent: what was sent already, in every tracker: a person is one wherever they are told.
        caps: how many there may be.
        now: on the tracker's clock.
    """
    tally = _Tally.of(sent, now)
    kept: list[Action] = []
    held: list[Skipped] = []
    for action in plan.actions:
        if not tells(action):
            kept.append(action)
            continue
        why = tally.over(action, caps)
        if why is None:
            tally.add(action.ref.tracker, action.project, action.notifies)
            kept.append(action)
        else:
            held.append(Skipped(action.ref, action.key, f"comment: {why}"))
    return tuple(kept), held


def tells(action: Action) -> bool:
    """Whether it mails people by all that is known beforehand: a new comment. Edits and marks are silent."""
    return action.kind == "comment" and action.comment_id is None


@dataclass(frozen=True, slots=True)
class _Tally:
    projects: Counter[tuple[str, str]]
    people: Counter[str]

    @classmethod
    def of(cls, sent: Iterable[Notice], now: datetime) -> "_Tally":
        tally = cls(Counter(), Counter())
        for notice in _within(sent, now):
            tally.add(notice.ref.tracker, notice.project, notice.people)
        return tally

    def add(self, tracker: str, project: str, people: Sequence[str]) -> None:
        self.projects[tracker, project] += 1
        self.people.update(people)

    def over(self, action: Action, caps: Caps) -> str | None:
        if self.projects[action.ref.tracker, action.project] >= caps.per_project:
            return f"{action.project} had {caps.per_project} in 24 hours (comments.per_project_per_day)"
        if any(self.people[person] >= caps.per_person for person in action.notifies):
            return f"somebody it would mail was told {caps.per_person} times in 24 hours (comments.per_person_per_day)"
        return None


def _within(sent: Iterable[Notice], now: datetime) -> Iterator[Notice]:
    return (notice for notice in sent if now - notice.at < DAY)
