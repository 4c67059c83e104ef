"""What Jira works through by itself after the request is over: tasks that go on as the clock does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from connectors.sandbox.values import Person

TaskStatus = Literal["ENQUEUED", "RUNNING", "COMPLETE", "FAILED", "DEAD"]
MOST_AT_ONCE = 5
"""Bulk operations of all users of the site (facts §4)."""


@dataclass(slots=True)
class Manners:
    """How the site works through bulk operations, and what goes wrong with them.

    A task begins `begins_after` it was asked for and does an issue every `each`. `never_ends`: it does half of its
    issues and stays RUNNING. `dies`: it does half of them and ends as FAILED. `refuses`: issues, by key, that fail
    with that reason. `passes_over`: issues, by key, that it says nothing of. `crowded`: how many bulk operations of
    other people run. `crowd_status`: what is answered to one too many, which no document says.
    """

    begins_after: timedelta = timedelta(milliseconds=500)
    each: timedelta = timedelta(milliseconds=1)
    never_ends: bool = False
    dies: bool = False
    refuses: dict[str, str] = field(default_factory=dict)
    passes_over: set[str] = field(default_factory=set)
    crowded: int = 0
    crowd_status: int = 400


@dataclass(slots=True)
class Task:
    """One task: `do` is done to each of `issues` in its turn, and says why it could not, or None where it could.

    Unknown and invisible issues are only counted. `whole`: all is done at its end, in one go (a transaction).
    """

    id: str
    actor: Person
    submitted: datetime
    issues: tuple[int, ...]
    unknown: int
    do: Callable[[int], str | None]
    manners: Manners
    kind: Literal["bulk", "properties"]
    whole: bool = False
    status: TaskStatus = "ENQUEUED"
    tried: int = 0
    done: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    updated: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether it works no more."""
        return self.status in ("COMPLETE", "FAILED", "DEAD")

    @property
    def percent(self) -> int:
        """How far it is."""
        return 100 if self.over else 100 * self.tried // max(1, len(self.issues))

    def work(self, now: datetime) -> None:
        """Go on as far as the time allows."""
        begun = now - self.submitted - self.manners.begins_after
        if self.over or begun < timedelta(0):
            return
        self.status, self.updated = "RUNNING", now
        half = len(self.issues) // 2
        last = half if self.manners.never_ends or self.manners.dies else len(self.issues)
        due = min(last, int(begun / self.manners.each) if self.manners.each else last)
        if self.whole and due < len(self.issues):
            due = 0
        while self.tried < due:
            self._try(self.issues[self.tried])
            self.tried += 1
        if self.tried == len(self.issues) and not self.manners.never_ends:
            self.status = "COMPLETE"
        elif self.manners.dies and (self.whole or self.tried == half):
            self.status = "FAILED"

    def _try(self, issue_id: int) -> None:
        why = self.do(issue_id)
        if why is None:
            self.done.append(issue_id)
        elif why:
            self.failed[issue_id] = why


class Tasks:
    """All tasks of a site. They go on whenever somebody looks."""

    def __init__(self) -> None:
        self.manners = Manners()
        self._held: dict[str, Task] = {}
        self._at_work = False

    def begin(
        self, actor: Person, now: datetime, issues: Mapping[int, bool], do: Callable[[int], str | None], **told: Any
    ) -> Task:
        """Begins one over these issues; `issues` says of each whether it is known and visible."""
        known = tuple(issue_id for issue_id, there in issues.items() if there)
        number = str(10_600 + len(self._held))
        task = Task(number, actor, now, known, len(issues) - len(known), do, self.manners, **told)
        self._held[number] = task
        return task

    def get(self, number: str) -> Task | None:
        """A task by its id."""
        return self._held.get(number)

    def running(self) -> int:
        """How many bulk operations run, those of other people included."""
        return self.manners.crowded + sum(t.kind == "bulk" and not t.over for t in self._held.values())

    def work(self, now: datetime) -> None:
        """Lets all of them go on."""
        if self._at_work:
            return
        self._at_work = True
        try:
            for task in self._held.values():
                task.work(now)
        finally:
            self._at_work = False
