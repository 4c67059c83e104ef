"""The served Jira Cloud of the random schedules: what happens there, and what of it syncd should know in the end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import ClassVar, Final
from unittest.mock import patch

from support_schedules import PAGE, TRACKER, ZONES, Facts, Schedule

from connectors.jira.cloud import CloudKind
from connectors.sandbox import Fault, Site, serve
from connectors.sandbox.faults import FaultKind
from connectors.sandbox.values import Issue
from syncd.core.ports import MarkNames, TrackerOptions, TrackerReader

ELSEWHERE: Final = "STRAT"


class JiraSchedule(Schedule):
    """Two projects in scope and one beside them. The account's zone is the schedule's, and may be changed."""

    scope: ClassVar = ("PAY", "OPS")
    acts: ClassVar = (
        *(["edit"] * 6), *(["relabel"] * 3), "bulk_edit", *(["create"] * 2), "finish", *(["hang_elsewhere"] * 3),
        *(["move"] * 2), "delete", "hide", "hide", "show", "show", *(["close_project"] * 2), *(["open_project"] * 2),
        "end_token", *(["renew_token"] * 3), *(["set_lag"] * 3), "set_zone", "fail", "fail",
    )  # fmt: skip
    quiet_acts: ClassVar = frozenset({"set_lag", "fail", "show", "open_project", "renew_token", "set_zone"})

    def serve(self, stack: ExitStack) -> None:
        """Two dozen issues, five of them epics."""
        self.site = Site(lambda: self.clock.now() + self.skew, account_zone=self.told.zone)
        for key in (*self.scope, ELSEWHERE):
            self.site.registry.add_project(key, key.title())
        self.tom, self.token = self.site.person("tom"), self.site.token
        for n in range(24):
            self.clock.move(timedelta(minutes=self.random.randrange(60)))
            project = self.random.choice(("PAY", "PAY", "OPS", ELSEWHERE))
            self.tom.create(
                project=project, summary=f"work {n}", type="Epic" if n < 5 else "Story", labels=self.some_labels()
            )
        stack.enter_context(patch("connectors.sandbox.search_api.MOST_ROWS", PAGE))
        stack.enter_context(patch("connectors.jira.census.MOST_IDS", PAGE))
        # some are read by windows the first time, several at once
        stack.enter_context(patch("connectors.jira.parts.SMALL", 6 if self.told.seed % 4 == 0 else 2000))
        self.url = stack.enter_context(serve(self.site)).url
        self.site.on_exchange = self.during

    def reader(self) -> TrackerReader:
        """With the credentials of the settings, which may have ended."""
        options = TrackerOptions(
            id=TRACKER,
            kind="jira-cloud",
            url=self.url,
            auth={"email": self.site.email, "token": self.token},
            scope={"projects": self.scope},
            overlap=self.weather.overlap,
            marks=MarkNames(),
        )
        return CloudKind(sleep=self.clock.sleep).reader(options, self.clock)

    # --- what is there

    def _inside(self) -> Iterator[Issue]:
        return (issue for issue in self.site.live.values() if issue.project in self.scope)

    def there(self) -> Mapping[str, Facts]:
        """As it is, whatever the index says."""
        return {str(issue.id): self._facts(issue) for issue in self._inside()}

    def _facts(self, issue: Issue) -> Facts:
        return {
            "key": issue.key,
            "title": issue.summary,
            "labels": sorted(issue.labels),
            "status": self.site.registry.statuses[issue.status_id].name,
            "parent": None if issue.parent is None else str(issue.parent.id),
        }

    def stamps(self) -> Mapping[str, datetime]:
        """The site's own."""
        return {str(issue.id): issue.updated for issue in self._inside()}

    def above(self, issue_id: str) -> Iterator[list[Sequence[str]]]:
        """Parent by parent."""
        issue: Issue | None = self.site.live[int(issue_id)]
        while issue is not None:
            yield [issue.labels]
            issue = None if issue.parent is None else self.site.live.get(issue.parent.id)

    # --- what happens

    def _any(self) -> Issue:
        return self.site.live[self.random.choice(sorted(self.site.live))]

    def edit(self) -> None:
        self.tom.edit(self._any().key, summary=f"edited {self.random.random()}")

    def bulk_edit(self) -> None:
        """Many at one instant."""
        for _ in range(5):
            self.edit()

    def relabel(self) -> None:
        self.tom.edit(self._any().key, labels=self.some_labels())

    def finish(self) -> None:
        self.tom.edit(self._any().key, status=self.random.choice(("Done", "In Progress")))

    def create(self) -> None:
        self.tom.create(project=self.random.choice(self.scope), summary=f"new {self.random.random()}")

    def hang_elsewhere(self) -> None:
        issue, above = self._any(), self._any()
        levels = [self.site.registry.types[one.type_id].level for one in (issue, above)]
        if levels == [0, 1]:
            self.tom.edit(issue.key, parent=above.key)

    def move(self) -> None:
        issue, target = self._any(), self.random.choice((*self.scope, ELSEWHERE))
        if target == issue.project:
            return
        self.tom.move(issue.key, target)
        if target == ELSEWHERE or not self.site.visible(self.site.live[issue.id]):
            self.doubtful.add(str(issue.id))

    def delete(self) -> None:
        issue = self._any()
        if self.deleted >= 5 or sum(one.project == issue.project for one in self.site.live.values()) < 6:
            return  # fewer than the brake would take for a lost permission
        self.deleted += 1
        self.doubtful |= {str(i) for i in (issue.id, *self.site.children.get(issue.id, ()))}
        self.tom.delete(issue.key)

    def hide(self) -> None:
        issue = self._any()
        self.site.permissions.hidden.add(issue.id)
        self.lost({str(issue.id)})

    def show(self) -> None:
        self.site.permissions.hidden.clear()

    def close_project(self) -> None:
        self.site.permissions.may_browse["OPS"] = False
        self.lost({str(issue.id) for issue in self._inside() if issue.project == "OPS"})

    def open_project(self) -> None:
        self.site.permissions.may_browse["OPS"] = True

    def end_token(self) -> None:
        self.site.token = "another"
        self.told.seen["token that ended"] += 1

    def renew_token(self) -> None:
        self.site.token = self.token

    def set_lag(self) -> None:
        if self.weather.lag:
            self.site.index_lag = timedelta(seconds=self.random.choice((0, 20, 90, 240)))

    def set_zone(self) -> None:
        self.site.account_zone = self.random.choice(ZONES)

    def fail(self) -> None:
        self.told.seen["fault"] += 1
        kinds: tuple[FaultKind, ...] = ("status", "status", "reset", "truncate")
        status = self.random.choice((429, 500, 503))
        after = self.random.choice((None, 2, 90)) if status == 429 else None
        self.site.faults.add(Fault(self.random.choice(kinds), status=status, retry_after=after, match="* *", times=1))

    def give_back(self) -> None:
        """All of it."""
        self.site.faults.clear()
        self.show()
        self.open_project()
        self.renew_token()
