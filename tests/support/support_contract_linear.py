"""A served Linear, spoken of as the contract suite speaks of any tracker."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from support_contract import Asked, Tracker, Trouble
from support_jira_cloud import MovableClock
from support_linear_writer import GROUPS, Space

from connectors.linear.reader import LinearReader
from connectors.sandbox.linear import LinearFault
from syncd.core.ports import TrackerOptions, TrackerReader, TrackerWriter

_OF = {"any": ("*",), "read": ("Issues",), "write": ("Mark[0-9]*", "Comment[CUD]*")}
"""What is meant, by the names of operations."""


@dataclass
class Struck:
    """One trouble, on whichever of several kinds of requests comes."""

    faults: Sequence[LinearFault]

    @property
    def struck(self) -> int:
        return sum(fault.struck for fault in self.faults)


class LinearTracker(Tracker):
    """A served Linear."""

    id = "acme-linear"
    names = GROUPS
    page = 125
    looking = 1
    idle = 6
    """Labels, labels of nodes, projects, initiatives, issues, and what was moved to other teams."""
    fifty = 4
    """The catalogue, the group, the label, and all fifty."""
    fifty_more = 2

    def __init__(self, space: Space, stack: ExitStack) -> None:
        self.space = space
        self.clock = space.clock
        self._stack = stack

    def options(self, **changed: Any) -> TrackerOptions:
        return self.space.options(**changed)

    def reader(self, clock: MovableClock | None = None, **changed: Any) -> TrackerReader:
        reader = LinearReader(self.options(**changed), clock or self.clock, self.clock.sleep)
        self._stack.callback(reader.close)
        return reader

    def writer(self, **changed: Any) -> TrackerWriter:
        writer = self.space.writer(**changed)
        self._stack.callback(writer.close)
        return writer

    def scope(self, *areas: str) -> Mapping[str, tuple[str, ...]]:
        return {"teams": areas}

    # --- people's side ---

    def create(self, title: str, *, area: str = "PAY", labels: Sequence[str] = (), parent: str | None = None) -> str:
        above = None if parent is None else self.key_of(parent)
        self._there(labels)
        return str(self.space.create(title, area, labels=labels, parent=above).id)

    def tower(self, *, area: str = "PAY") -> Sequence[str]:
        space = self.space.workspace
        project = space.project("epic", teams=[area], labels=["epic"])
        initiative = space.initiative("initiative", projects=["epic"], labels=["bet"])
        self._there(["work", "part"])
        work = self.space.create("work", area, project="epic", labels=["work"])
        part = self.space.create("part", area, parent=work.identifier, labels=["part"])
        return [part.id, work.id, project.id, initiative.id]

    def relabel(self, node: str, labels: Sequence[str]) -> None:
        space = self.space.workspace
        if node in space.projects.rows:
            self.space.maria.edit_project(space.projects.rows[node].name, labels=labels)
        elif node in space.initiatives.rows:
            self.space.maria.edit_initiative(space.initiatives.rows[node].name, labels=labels)
        else:
            self._there(labels)
            self.space.maria.edit(self.key_of(node), labels=labels)

    def rename(self, issue: str, title: str) -> None:
        self.space.maria.edit(self.key_of(issue), title=title)

    def label(self, issue: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        self._there(add)
        self.space.maria.edit(self.key_of(issue), labels_add=add, labels_remove=remove)

    def _there(self, labels: Sequence[str]) -> None:
        """People make a label before they put it on."""
        known = {label.name for label in self.space.workspace.labels}
        for label in labels:
            if label not in known and not label.startswith((self.names.outcome, self.names.alignment)):
                self.space.workspace.label(label)

    def move(self, issue: str, area: str) -> None:
        self.space.maria.move(self.key_of(issue), area)

    def delete(self, issue: str) -> None:
        self.space.maria.purge(self.key_of(issue))

    def comment(self, issue: str, text: str) -> str:
        return self.space.maria.comment(self.key_of(issue), text)

    def delete_comment(self, comment: str) -> None:
        self.space.maria.delete_comment(comment)

    def hide(self, area: str) -> None:
        self.space.workspace.hidden.add(area)

    def garble(self, issue: str) -> None:
        self._issue(issue).priority = 9

    def spoil(self, how: Callable[[str, Any], None]) -> None:
        def distort(_operation: str, answer: Any) -> Any:
            found = answer["data"].get("issues") or {}
            for row in found.get("nodes", ()):
                how(row["id"], row)
            return answer

        self.space.workspace.distort = distort

    def forbid_comments(self) -> None:
        space = self.space.workspace
        space.keys[space.token] = type(space.keys[space.token])(
            space.token, space.user("another"), may_write=True, may_comment=False
        )

    def refuse(self, status: int) -> None:
        self.space.workspace.faults.add(LinearFault("body", status=status, body="{}", times=None))

    def wrong_key(self) -> Mapping[str, str]:
        return {"token": "lin_api_wrong-and-secret"}

    # --- what stands there ---

    def titles(self) -> Mapping[str, str]:
        return {issue.id: issue.title for issue in self.space.workspace.issues}

    def labels_of(self, issue: str) -> Sequence[str]:
        return self.space.names(self._issue(issue))

    def comments_of(self, issue: str) -> Sequence[tuple[str, str]]:
        return [(comment.id, comment.body) for comment in self.space.workspace.comments_of.get(issue, ())]

    def key_of(self, issue: str) -> str:
        return str(self._issue(issue).identifier)

    def area_of(self, issue: str) -> str:
        return str(self._issue(issue).team.key)

    def edits_of(self, issue: str) -> int:
        writes = [e for e in self.space.workspace.exchanges if e.query.startswith("mutation")]
        return sum(issue in str(e.variables) for e in writes)

    def _issue(self, issue: str) -> Any:
        return self.space.workspace.issues.rows[issue]

    # --- trouble ---

    def strike(
        self,
        trouble: Trouble,
        *,
        on: Asked = "any",
        times: int | None = 1,
        every: int | None = None,
        after: int = 0,
        wait: float = 5,
    ) -> Struck:
        del wait  # Linear tells a budget, and what is missing in it: see `least_wait`
        told: dict[str, dict[str, Any]] = {
            "limited": {"kind": "ratelimited"},
            "failing": {"kind": "status", "status": 500},
            "failing as HTML": {"kind": "html", "status": 502},
            "a page of HTML": {"kind": "html", "status": 200},
            "reset": {"kind": "reset"},
            "cut short": {"kind": "truncate"},
            "partial": {"kind": "partial", "at": "Mutation.attachmentCreate" if on == "write" else "Issue.project"},
            "lost": {"kind": "lose_answer"},
        }
        made = [LinearFault(**told[trouble], match=op, times=times, every=every, after=after) for op in _OF[on]]
        for fault in made:
            self.space.workspace.faults.add(fault)
        return Struck(made)

    def drain(self, until: timedelta) -> None:
        """A bucket that gives back one request in that time, and is empty."""
        space = self.space.workspace
        space.limits.requests = timedelta(hours=1) / until
        space.drain()

    def served(self) -> int:
        return len(self.space.workspace.exchanges)

    def lag(self, by: timedelta) -> None:
        """Linear answers from what is there: nothing lags."""

    def least_wait(self, wait: float) -> float:
        """What is missing, one request, over the rate at which it comes back (facts/linear.md §2)."""
        del wait
        return 3600 / self.space.workspace.limits.requests
