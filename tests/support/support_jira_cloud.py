"""A served Jira Cloud with a connector pointed at it, and a clock that only moves when told or slept."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.jira.cloud import CloudKind
from connectors.jira.reader import CloudReader
from connectors.jira.writer import CloudWriter
from connectors.sandbox import Exchange, Site, serve
from syncd.core.model import Action, Comment, Issue, IssueRef, Origin, Run
from syncd.core.ports import MarkNames, Page, Signature, TrackerOptions

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OURS = Signature("acme", "instance-1")
MINUTE = timedelta(minutes=1)


@dataclass
class MovableClock:
    """Stands still until moved. Sleeping moves it, and is written down."""

    at: datetime = START
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


@dataclass
class Cloud:
    """The site, where it is served, and what points there."""

    site: Site
    url: str
    clock: MovableClock
    stack: ExitStack
    token: str

    def options(self, **changed: Any) -> TrackerOptions:
        told: dict[str, Any] = {
            "id": "acme-jira",
            "kind": "jira-cloud",
            "url": self.url,
            "auth": {"email": self.site.email, "token": self.token},
            "scope": {"projects": ("PAY", "OPS")},
            "overlap": timedelta(minutes=5),
            "marks": MarkNames(),
        }
        return TrackerOptions(**(told | changed))

    @property
    def kind(self) -> CloudKind:
        return CloudKind(sleep=self.clock.sleep)

    def reader(self, **changed: Any) -> CloudReader:
        reader = self.kind.reader(self.options(**changed), self.clock)
        self.stack.callback(reader.close)
        return reader

    def writer(self, **changed: Any) -> CloudWriter:
        writer = self.kind.writer(self.options(**changed), self.clock, OURS, adf)
        self.stack.callback(writer.close)
        return writer

    def exchanged(self, method: str, ending: str) -> list[Exchange]:
        return [e for e in self.site.exchanges if e.method == method and e.path.endswith(ending)]

    def issue(self, key: str) -> Any:
        return self.site.issue(key)


@contextmanager
def cloud_of(site_of: Callable[..., Site], clock: MovableClock, **told: Any) -> Iterator[Cloud]:
    """Serves a site of two projects, PAY and OPS, until the block ends."""
    token = "a-token-that-nobody-may-see"
    site = site_of(Site(clock.now, token=token, **told))
    site.registry.add_project("PAY", "Payments")
    site.registry.add_project("OPS", "Operations")
    with serve(site) as served, ExitStack() as stack:
        yield Cloud(site, served.url, clock, stack, token)


def adf(comment: Comment) -> Any:
    """Enough of a renderer: one paragraph of plain text for each of the comment's."""
    return {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "".join(run.text for run in runs)}]}
            for runs in comment.paragraphs
        ],
    }


def said(text: str) -> Comment:
    return Comment(((Run(text),),))


def action(issue: Any, kind: Any = "mark", **more: Any) -> Action:
    """An action on a sandbox issue."""
    told: dict[str, Any] = {"why": "a test", "revision": 1, "origin": Origin.ISSUE}
    ref = IssueRef("acme-jira", str(issue.id))
    return Action(ref=ref, key=issue.key, project=issue.project, kind=kind, **(told | more))


def all_of(pages: Sequence[Page]) -> list[Issue]:
    return [issue for page in pages for issue in page.issues]
