"""One way to speak of any tracker: what people do there, what goes wrong on the way, and what stands there afterwards.

The contract suite (tests/contract/test_connector_*.py) says once what a connector must do; Jira's adapter is here,
Linear's in `support_contract_linear`. Issues are named by their ids, areas are what a scope lists (projects, teams),
marks are as the core says them (`outcome/x`, `Outcome/x`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from support_jira_cloud import Cloud, MovableClock

from connectors.sandbox import Fault
from syncd.core.errors import TrackerError
from syncd.core.model import Action, Comment, Issue, IssueRef, Link, Origin, Receipt, Run
from syncd.core.ports import MarkNames, Page, Signed, TrackerOptions, TrackerReader, TrackerWriter

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
Trouble = Literal["limited", "failing", "failing as HTML", "a page of HTML", "reset", "cut short", "partial", "lost"]
TROUBLES: tuple[Trouble, ...] = (
    "limited", "failing", "failing as HTML", "a page of HTML", "reset", "cut short", "partial", "lost",
)  # fmt: skip
"""`lost`: done, and then no answer. `reset`: not done. `partial`: an answer of which only a part is there."""
Asked = Literal["any", "read", "write"]


class Tracker(ABC):
    """A served tracker of two areas, PAY and OPS, both in scope, and what a test may do to it."""

    id: str
    names: MarkNames
    page: int
    """How many issues one request reads."""
    looking: int
    """Requests of `look_around`."""
    idle: int
    """Requests of a poll that finds nothing."""
    fifty: int
    """Requests that put one mark on fifty issues, the first time."""
    fifty_more: int
    """The same, with another mark's label known already."""
    clear_anyway: frozenset[Trouble] = frozenset()
    """Troubles that leave the answer to a mark clear."""
    clock: MovableClock

    # --- syncd's side ---

    @abstractmethod
    def options(self, **changed: Any) -> TrackerOptions: ...

    @abstractmethod
    def reader(self, clock: MovableClock | None = None, **changed: Any) -> TrackerReader:
        """A reader, by a clock of its own where one is given."""

    @abstractmethod
    def writer(self, **changed: Any) -> TrackerWriter: ...

    def mark(self, outcome: str) -> str:
        return self.names.outcome + outcome

    def alignment(self, word: str) -> str:
        return self.names.alignment + word

    def action(self, issue: str, kind: Any = "mark", **more: Any) -> Action:
        key, area = self.key_of(issue), self.area_of(issue)
        told: dict[str, Any] = {"why": "serves x (rule: y)", "revision": 1, "origin": Origin.ISSUE}
        return Action(ref=IssueRef(self.id, issue), key=key, project=area, kind=kind, **(told | more))

    @abstractmethod
    def scope(self, *areas: str) -> Mapping[str, tuple[str, ...]]: ...

    # --- people's side ---

    @abstractmethod
    def create(
        self, title: str, *, area: str = "PAY", labels: Sequence[str] = (), parent: str | None = None
    ) -> str: ...

    @abstractmethod
    def tower(self, *, area: str = "PAY") -> Sequence[str]:
        """A sub-task of a piece of work of an epic (a project) of an initiative: all four, the lowest first."""

    @abstractmethod
    def relabel(self, node: str, labels: Sequence[str]) -> None:
        """Give whatever stands in a tower other labels."""

    @abstractmethod
    def rename(self, issue: str, title: str) -> None: ...

    @abstractmethod
    def label(self, issue: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None: ...

    @abstractmethod
    def move(self, issue: str, area: str) -> None: ...

    @abstractmethod
    def delete(self, issue: str) -> None: ...

    @abstractmethod
    def comment(self, issue: str, text: str) -> str: ...

    @abstractmethod
    def delete_comment(self, comment: str) -> None: ...

    @abstractmethod
    def hide(self, area: str) -> None:
        """Our account does not see that area any more."""

    @abstractmethod
    def garble(self, issue: str) -> None:
        """What is answered of that issue lacks something that cannot be done without."""

    @abstractmethod
    def spoil(self, how: Callable[[str, Any], None]) -> None:
        """Let something change the rows of issues on their way out: it gets the id of each, and its row."""

    @abstractmethod
    def forbid_comments(self) -> None: ...

    @abstractmethod
    def refuse(self, status: int) -> None:
        """Every request is answered with that status from now on."""

    @abstractmethod
    def wrong_key(self) -> Mapping[str, str]:
        """An `auth` that the tracker does not accept."""

    def fill(self, count: int, area: str = "PAY") -> list[str]:
        made = []
        for n in range(count):
            self.clock.move(SECOND)
            made.append(self.create(f"work {n}", area=area))
        return made

    # --- what stands there ---

    @abstractmethod
    def titles(self) -> Mapping[str, str]:
        """Every issue that is there, in scope or not."""

    @abstractmethod
    def labels_of(self, issue: str) -> Sequence[str]:
        """People's labels and marks, in the tracker's order."""

    @abstractmethod
    def comments_of(self, issue: str) -> Sequence[tuple[str, str]]:
        """(id, text as a person sees it), oldest first."""

    @abstractmethod
    def key_of(self, issue: str) -> str: ...

    @abstractmethod
    def area_of(self, issue: str) -> str: ...

    @abstractmethod
    def edits_of(self, issue: str) -> int:
        """How many requests tried to change that issue, or anything on it."""

    # --- trouble ---

    @abstractmethod
    def strike(
        self,
        trouble: Trouble,
        *,
        on: Asked = "any",
        times: int | None = 1,
        every: int | None = None,
        after: int = 0,
        wait: float = 5,
    ) -> Any:
        """Switch it on; what comes back tells how often it `struck`. `wait`: the seconds that a limit asks for."""

    @abstractmethod
    def drain(self, until: timedelta) -> None:
        """The next request is refused, and none is answered before that time has passed."""

    @abstractmethod
    def served(self) -> int:
        """How many requests came to the server."""

    @abstractmethod
    def lag(self, by: timedelta) -> None:
        """How far what a poll sees lies behind what is there."""

    @abstractmethod
    def least_wait(self, wait: float) -> float:
        """The seconds that must pass after a limit that asks for `wait`."""


class JiraTracker(Tracker):
    """A served Jira Cloud."""

    id = "acme-jira"
    names = MarkNames()
    page = 100
    looking = 3
    idle = 1
    fifty, fifty_more = 5, 4
    clear_anyway = frozenset({"cut short", "partial"})  # a PUT is answered without a body, which cannot be cut

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.clock = cloud.clock
        self._maria = cloud.site.person("maria")

    def options(self, **changed: Any) -> TrackerOptions:
        return self.cloud.options(**changed)

    def reader(self, clock: MovableClock | None = None, **changed: Any) -> TrackerReader:
        reader = self.cloud.kind.reader(self.options(**changed), clock or self.clock)
        self.cloud.stack.callback(reader.close)
        return reader

    def writer(self, **changed: Any) -> TrackerWriter:
        return self.cloud.writer(**changed)

    def scope(self, *areas: str) -> Mapping[str, tuple[str, ...]]:
        return {"projects": areas}

    def create(self, title: str, *, area: str = "PAY", labels: Sequence[str] = (), parent: str | None = None) -> str:
        above = None if parent is None else self.key_of(parent)
        kind = "Sub-task" if parent else "Story"
        key = self._maria.create(project=area, summary=title, labels=list(labels), parent=above, type=kind)
        return str(self.cloud.issue(key).id)

    def tower(self, *, area: str = "PAY") -> Sequence[str]:
        keys = [self._maria.create(project="OPS", summary="initiative", type="Initiative", labels=["bet"])]
        for name, kind in (("epic", "Epic"), ("work", "Story"), ("part", "Sub-task")):
            keys.append(self._maria.create(project=area, summary=name, type=kind, parent=keys[-1], labels=[name]))
        return [str(self.cloud.issue(key).id) for key in reversed(keys)]

    def relabel(self, node: str, labels: Sequence[str]) -> None:
        self._maria.edit(self.key_of(node), labels=list(labels))

    def rename(self, issue: str, title: str) -> None:
        self._maria.edit(self.key_of(issue), summary=title)

    def label(self, issue: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        self._maria.edit(self.key_of(issue), labels_add=list(add), labels_remove=list(remove))

    def move(self, issue: str, area: str) -> None:
        self._maria.move(self.key_of(issue), area)

    def delete(self, issue: str) -> None:
        self._maria.delete(self.key_of(issue))

    def comment(self, issue: str, text: str) -> str:
        return str(self._maria.comment(self.key_of(issue), text))

    def delete_comment(self, comment: str) -> None:
        self._maria.delete_comment(int(comment))

    def hide(self, area: str) -> None:
        self.cloud.site.permissions.may_browse[area] = False

    def garble(self, issue: str) -> None:
        self.cloud.site.store(replace(self._issue(issue), absent=frozenset({"status"})))

    def spoil(self, how: Callable[[str, Any], None]) -> None:
        def distort(_path: str, answer: Any) -> Any:
            for row in answer.get("issues", ()) if isinstance(answer, dict) else ():
                how(row["id"], row)
            return answer

        self.cloud.site.distort = distort

    def forbid_comments(self) -> None:
        self.cloud.site.permissions.may_comment["PAY"] = False

    def refuse(self, status: int) -> None:
        self.cloud.site.faults.add(Fault("status", status, times=None))

    def wrong_key(self) -> Mapping[str, str]:
        return {"email": self.cloud.site.email, "token": "wrong-and-secret"}

    def titles(self) -> Mapping[str, str]:
        return {str(issue.id): issue.summary for issue in self.cloud.site.live.values()}

    def labels_of(self, issue: str) -> Sequence[str]:
        labels: Sequence[str] = self._issue(issue).labels
        return labels

    def comments_of(self, issue: str) -> Sequence[tuple[str, str]]:
        return [(str(comment.id), _adf_text(comment.body)) for comment in self._issue(issue).comments]

    def key_of(self, issue: str) -> str:
        return str(self._issue(issue).key)

    def area_of(self, issue: str) -> str:
        return str(self._issue(issue).project)

    def edits_of(self, issue: str) -> int:
        at = f"/issue/{issue}"
        return sum(e.method in ("PUT", "POST", "DELETE") and at in e.path for e in self.cloud.site.exchanges)

    def _issue(self, issue: str) -> Any:
        return self.cloud.site.live[int(issue)]

    def strike(
        self,
        trouble: Trouble,
        *,
        on: Asked = "any",
        times: int | None = 1,
        every: int | None = None,
        after: int = 0,
        wait: float = 5,
    ) -> Any:
        faults: dict[str, dict[str, Any]] = {
            "limited": {"kind": "status", "status": 429, "retry_after": wait},
            "failing": {"kind": "status", "status": 500},
            "failing as HTML": {"kind": "status", "status": 502, "html": True},
            "a page of HTML": {"kind": "status", "status": 200, "html": True},
            "reset": {"kind": "reset"},
            "cut short": {"kind": "truncate"},
            "partial": {"kind": "truncate"},
            "lost": {"kind": "lose_answer"},
        }
        match = {"any": "", "read": "POST */search/jql", "write": "[PD]* */issue/[0-9]*"}[on]
        return self.cloud.site.faults.add(Fault(**faults[trouble], match=match, times=times, every=every, after=after))

    def drain(self, until: timedelta) -> None:
        self.cloud.site.faults.add(Fault("status", 429, retry_after=until.total_seconds()))

    def served(self) -> int:
        return len(self.cloud.site.exchanges)

    def lag(self, by: timedelta) -> None:
        self.cloud.site.index_lag = by

    def least_wait(self, wait: float) -> float:
        return wait


@dataclass
class Poll:
    """Observes again and again as the engine does, each time from where the last time got to."""

    reader: TrackerReader
    since: datetime | None = None
    memory: str = ""
    outside: dict[str, Issue] = field(default_factory=dict)

    def run(self) -> list[Issue]:
        """What was told to be in scope. The reading was complete."""
        pages = list(self.reader.observe(self.since, self.memory))
        assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
        self.since = pages[-1].read_to or self.since
        self.memory = pages[-1].memory or self.memory
        self.outside = {issue.ref.id: issue for page in pages for issue in page.outside}
        return all_of(pages)


def written(writer: TrackerWriter, actions: Sequence[Action]) -> list[Receipt | TrackerError]:
    """What came of actions, equal ones together, in their order."""
    came: dict[str, Receipt | TrackerError] = {}
    portions: dict[str, list[Signed]] = {}
    for n, action in enumerate(actions):
        portions.setdefault(writer.together(action) or f"alone {n}", []).append(Signed(action, f"e{n}"))
    for portion in portions.values():
        for at in range(0, len(portion), writer.most_together):
            part = portion[at : at + writer.most_together]
            came.update(zip((one.action.ref.id for one in part), writer.write_together(part), strict=True))
    return [came[action.ref.id] for action in actions]


def said(text: str) -> Comment:
    return Comment(((Run(text),),))


def all_of(pages: Sequence[Page]) -> list[Issue]:
    return [issue for page in pages for issue in page.issues]


def link(issue: str) -> Link:
    return Link(issue, None)


def _adf_text(body: Any) -> str:
    if isinstance(body, Mapping):
        return str(body.get("text", "")) + "".join(_adf_text(node) for node in body.get("content", ()))
    return ""
