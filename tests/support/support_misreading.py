"""Ways to read a tracker that lose something, each with one mistake in it: what the random schedules must notice."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

from support_schedules import PAGE

from connectors.jira.jql import changed_since
from connectors.jira.reader import CloudReader
from connectors.linear.documents import LOOK
from connectors.linear.paging import Filter, IssueWalk, Part
from connectors.linear.reader import LinearReader
from syncd.core.ports import Page

Misreading = Callable[[], AbstractContextManager[Any]]


def jira_by_offset() -> AbstractContextManager[Any]:
    """Reading as one does with `startAt`: each page leaves out as many rows as were seen."""

    def walk(self: CloudReader, projects: Any, since: datetime | None, *, may_restart: bool) -> Iterator[Page]:
        began = self._site.caller.tracker_now()
        jql = changed_since(projects, None if since is None else since - self._options.overlap)
        seen = 0
        while True:
            row = self._page(jql, None)
            for _ in range(seen // PAGE):  # the page at an offset, as the site would have it at this moment
                row = row if row.next_token is None else self._page(jql, row.next_token)
            if row.next_token is None:
                yield Page(row.issues, row.unreadable, began, last=True)
                return
            yield Page(row.issues, row.unreadable)
            seen += PAGE

    return patch.object(CloudReader, "_walk", walk)


def jira_after_the_walk() -> AbstractContextManager[Any]:
    """The watermark as one takes it who thinks of it last: when the walk is over, by what the site says then."""
    walk = CloudReader._walk

    def late(self: CloudReader, *arguments: Any, **named: Any) -> Iterator[Page]:
        for page in walk(self, *arguments, **named):
            if page.last:
                self._site.myself()
            yield replace(page, read_to=self._site.caller.tracker_now() if page.last else page.read_to)

    return patch.object(CloudReader, "_walk", late)


def linear_by_offset() -> AbstractContextManager[Any]:
    """As if Linear could skip: each page leaves out as many rows as were seen. What leaves moves the others up."""

    def run(self: IssueWalk, wanted: Filter, oldest: datetime | None = None) -> Iterator[Part]:
        seen = 0
        while True:
            part = self._part(wanted, None)
            for _ in range(seen // PAGE):
                part = part if part.following is None else self._part(wanted, part.following)
            yield part
            if part.following is None:
                return
            seen += PAGE

    return patch.object(IssueWalk, "run", run)


def linear_after_the_walk() -> AbstractContextManager[Any]:
    """As for Jira."""
    observe = LinearReader.observe

    def late(self: LinearReader, *arguments: Any, **named: Any) -> Iterator[Page]:
        for page in observe(self, *arguments, **named):
            if page.last:
                self._linear.ask(LOOK, {"teams": self._scope, "after": None})
            yield replace(page, read_to=self._linear.caller.tracker_now() if page.last else page.read_to)

    return patch.object(LinearReader, "observe", late)
