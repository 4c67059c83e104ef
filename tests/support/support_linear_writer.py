"""A served Linear and a writer pointed at it, with a clock that only moves when told or slept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from support_jira_cloud import OURS, MovableClock

from connectors.linear.writer import LinearWriter
from connectors.sandbox.linear import Member, Workspace, serve_linear
from syncd.core.model import Action, IssueRef, Origin
from syncd.core.ports import MarkNames, TrackerOptions
from syncd.render.comment_markdown import to_markdown

GROUPS = MarkNames("Outcome/", "Alignment/")


@dataclass
class Space:
    """The workspace, where it is served, and what points there. Teams PAY and OPS."""

    workspace: Workspace
    url: str
    clock: MovableClock

    def options(self, **changed: Any) -> TrackerOptions:
        told: dict[str, Any] = {
            "id": "acme-linear",
            "kind": "linear",
            "url": self.url,
            "auth": {"token": self.workspace.token},
            "scope": {"teams": ("PAY", "OPS")},
            "overlap": timedelta(minutes=5),
            "marks": GROUPS,
        }
        return TrackerOptions(**(told | changed))

    def writer(self, **changed: Any) -> LinearWriter:
        return LinearWriter(self.options(**changed), self.clock, OURS, to_markdown, self.clock.sleep)

    @property
    def maria(self) -> Member:
        return self.workspace.member("maria")

    def create(self, title: str = "work", team: str = "PAY", **more: Any) -> Any:
        return self.workspace.issue(self.maria.create(team, title, **more))

    def names(self, issue: Any) -> list[str]:
        """The labels on an issue, as `Group/Name` where they are in one."""
        return [f"{label.parent.name}/{label.name}" if label.parent else label.name for label in issue.labels.values()]

    def catalogue(self) -> list[str]:
        """The labels and groups that are there, retired ones in brackets."""
        shown = [(f"{x.parent.name}/{x.name}" if x.parent else x.name, x) for x in self.workspace.labels]
        return sorted(f"({name})" if x.retired_at else name for name, x in shown if x.archived_at is None)

    def asked(self, *operations: str) -> list[str]:
        """The operations that were sent; with names, only those beginning so."""
        sent = [exchange.operation for exchange in self.workspace.exchanges]
        return [name for name in sent if name.startswith(operations)] if operations else sent


@contextmanager
def space_of(clock: MovableClock | None = None, **told: Any) -> Iterator[Space]:
    """Serves a workspace of two teams, PAY and OPS, until the block ends."""
    time = clock or MovableClock()
    workspace = Workspace(time.now, token="lin_api_a-key-that-nobody-may-see", **told)
    workspace.team("PAY", "Payments")
    workspace.team("OPS", "Operations")
    with serve_linear(workspace) as served:
        yield Space(workspace, served.url, time)
    assert workspace.crashes == []


def action(issue: Any, kind: Any = "mark", **more: Any) -> Action:
    """An action on a workspace's issue."""
    told: dict[str, Any] = {"why": "serves x (rule: by-label)", "revision": 1, "origin": Origin.ISSUE}
    ref = IssueRef("acme-linear", issue.id)
    return Action(ref=ref, key=issue.identifier, project=issue.team.key, kind=kind, **(told | more))


def attachments(space: Space, issue: Any) -> Sequence[Any]:
    return space.workspace.attachments_of.get(issue.id, ())
