"""The served Linear of the random schedules: what happens there, and what of it syncd should know in the end.

Linear has no search index. A row comes late there as one comes late from any database: an edit bears the instant at
which its transaction began, and nobody sees it before that ends (`Switches.commit_lag`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Final
from unittest.mock import patch

from support_schedules import LABELS, PAGE, TRACKER, Facts, Schedule

from connectors.linear import documents
from connectors.linear.documents import Document
from connectors.linear.kind import LinearKind
from connectors.sandbox.linear import LinearFault, Workspace, serve_linear
from connectors.sandbox.linear.faults import LinearFaultKind
from connectors.sandbox.linear.values import Issue, Project
from syncd.core.ports import MarkNames, TrackerOptions, TrackerReader

ELSEWHERE, UNSEEN = "STRAT", "SEC"
PROJECTS: Final = ("Ledger", "Vault")
WALKED: Final = {
    "connectors.linear.paging.ISSUES": documents.ISSUES,
    "connectors.linear.paging.ISSUE_IDS": documents.ISSUE_IDS,
    "connectors.linear.census.CENSUS": documents.CENSUS,
    "connectors.linear.reader.MOVED": documents.MOVED,
}


def _short(document: Document) -> Document:
    """The same with small pages. What is asked for by ids is asked for in small groups, too."""
    return replace(document, text=document.text.replace(f"first: {document.page}", f"first: {PAGE}"), page=PAGE)


class LinearSchedule(Schedule):
    """Two teams in scope, one beside them, one that nobody shows us; projects and an initiative above the issues."""

    scope: ClassVar = ("ENG", "OPS")
    acts: ClassVar = (
        *(["edit"] * 6), *(["relabel"] * 3), "bulk_edit", *(["create"] * 2), "finish", *(["hang_elsewhere"] * 3),
        *(["move"] * 2), "archive", "delete", "restore", "purge", "hide_from_all", "rename_label", "edit_project",
        "put_into_project", "edit_initiative", *(["close_team"] * 2), *(["open_team"] * 3),
        "end_token", *(["renew_token"] * 3),
        *(["set_lag"] * 3), *(["fail"] * 3),
    )  # fmt: skip
    quiet_acts: ClassVar = frozenset({"set_lag", "fail", "open_team", "renew_token"})
    likely: ClassVar = 0.12  # a cycle asks more here

    def serve(self, stack: ExitStack) -> None:
        """Two dozen issues, some below others, some in projects."""
        self.space = Workspace(lambda: self.clock.now() + self.skew)
        for key in (*self.scope, ELSEWHERE, UNSEEN):
            self.space.team(key)
        for name in LABELS:
            self.space.label(name)
        self.space.hidden.add(UNSEEN)
        for name in PROJECTS:
            self.space.project(name, teams=[*self.scope, ELSEWHERE])
        self.space.initiative("Trust", projects=[PROJECTS[0]])
        self.maria, self.key = self.space.member("maria"), self.space.keys[self.space.token]
        for n in range(24):
            self.clock.move(timedelta(minutes=self.random.randrange(60)))
            team = self.random.choice(("ENG", "ENG", "OPS", ELSEWHERE))
            self.maria.create(team, f"work {n}", labels=self.some_labels())
        for path, document in WALKED.items():
            stack.enter_context(patch(path, _short(document)))
        stack.enter_context(patch("connectors.linear.paging.ISSUES_AT_ONCE", PAGE))
        self.url = stack.enter_context(serve_linear(self.space)).url
        stack.callback(self._sound)
        self.space.before_request = self.space.before_field = self.space.on_exchange = self.during

    def _sound(self) -> None:
        assert not self.space.crashes, self.space.crashes[0]

    def reader(self) -> TrackerReader:
        """With the key of the settings, which may have been revoked."""
        options = TrackerOptions(
            id=TRACKER,
            kind="linear",
            url=self.url,
            auth={"token": self.space.token},
            scope={"teams": self.scope},
            overlap=self.weather.overlap,
            marks=MarkNames("Outcome/", "Alignment/"),
            installation="acme",
        )
        return LinearKind(sleep=self.clock.sleep).reader(options, self.clock)

    # --- what is there

    def _inside(self) -> Iterator[Issue]:
        return (i for i in self.space.issues if i.team.key in self.scope and i.archived_at is None)

    def there(self) -> Mapping[str, Facts]:
        """As it is, for one who sees what our key sees."""
        return {issue.id: self._facts(issue) for issue in self._inside()}

    def _facts(self, issue: Issue) -> Facts:
        return {
            "key": issue.identifier,
            "title": issue.title,
            "labels": sorted(label.name for label in issue.labels.values()),
            "status": issue.state.name,
            "parent": None if (above := self._parent(issue)) is None else above.id,
            "project": "" if issue.project is None else issue.project.name,
        }

    def seen_of(self, known: object) -> Facts:
        """And the name of its project."""
        return {**super().seen_of(known), "project": known.issue.project_name}  # type: ignore[attr-defined]

    def _parent(self, issue: Issue) -> Issue | None:
        return None if issue.parent is None or issue.parent.team.key in self.space.hidden else issue.parent

    def stamps(self) -> Mapping[str, datetime]:
        """The workspace's own."""
        return {issue.id: issue.updated_at for issue in self._inside()}

    def above(self, issue_id: str) -> Iterator[list[Sequence[str]]]:
        """Parent by parent; then the nearest one's project, its initiatives all at once, and theirs."""
        issue: Issue | None = self.space.issues.rows[issue_id]
        project: Project | None = None
        while issue is not None:
            yield [[label.name for label in issue.labels.values()]]
            project = project or issue.project
            issue = self._parent(issue)
        if project is not None:
            yield [[label.name for label in project.labels]]
            within = [join.initiative for join in self.space.joins if join.project is project]
            yield [[label.name for label in initiative.labels] for initiative in within]

    # --- what happens

    def _any(self, *, away: bool = False) -> Issue:
        there = (i.id for i in self.space.issues if (i.archived_at is not None) == away)
        return self.space.issues.rows[self.random.choice(sorted(there))]

    def edit(self) -> None:
        self.maria.edit(self._any().id, title=f"edited {self.random.random()}")

    def bulk_edit(self) -> None:
        """Many in one millisecond."""
        for _ in range(5):
            self.edit()

    def relabel(self) -> None:
        self.maria.edit(self._any().id, labels=[self._label(name) for name in self.some_labels()])

    def _label(self, name: str) -> str:
        """By id, for its name may be another by now."""
        return list(self.space.labels.rows)[LABELS.index(name)]

    def finish(self) -> None:
        self.maria.edit(self._any().id, state=self.random.choice(("Done", "In Progress")))

    def create(self) -> None:
        self.maria.create(self.random.choice(self.scope), f"new {self.random.random()}")

    def hang_elsewhere(self) -> None:
        issue, above = self._any(), self._any()
        up: Issue | None = above
        while up is not None and up is not issue:
            up = up.parent
        if up is None:
            self.maria.edit(issue.id, parent=above.id)

    def move(self) -> None:
        issue, target = self._any(), self.random.choice((*self.scope, ELSEWHERE))
        self._put(issue, target)

    def hide_from_all(self) -> None:
        """Moved to where our key sees nothing: no stream tells of it."""
        self._put(self._any(), UNSEEN)

    def _put(self, issue: Issue, target: str) -> None:
        if target == issue.team.key:
            return
        unseen = self.space.hidden & {issue.team.key, target}
        self.maria.move(issue.id, target)
        if unseen:  # what hangs below it shows another parent now, and is no newer for that
            self._doubt(issue)

    def _doubt(self, issue: Issue) -> None:
        self.doubtful |= {issue.id, *self.space.children_of.get(issue.id, ())}

    def archive(self) -> None:
        self.maria.archive(self._any().id)

    def delete(self) -> None:
        self.maria.delete(self._any().id)

    def restore(self) -> None:
        if any(issue.archived_at is not None for issue in self.space.issues):
            self.maria.restore(self._any(away=True).id)

    def purge(self) -> None:
        """For good, and without a trace."""
        issue = self._any()
        if self.deleted >= 5 or sum(one.team is issue.team for one in self._inside()) < 6:
            return  # fewer than the brake would take for a lost permission
        self.deleted += 1
        self._doubt(issue)
        self.maria.purge(issue.id)

    def rename_label(self) -> None:
        label = self.space.labels.rows[self._label(self.random.choice(LABELS))]
        taken = {other.name for other in self.space.labels}
        self.maria.rename_label(label.id, next(name for name in ("y", "z", *LABELS) if name not in taken))

    def edit_project(self) -> None:
        name = self.random.choice([project.id for project in self.space.projects])
        self.maria.edit_project(name, new_name=f"P {self.random.random()}", labels=self.some_labels())

    def put_into_project(self) -> None:
        issue = self._any()
        if issue.team.key != UNSEEN:
            self.maria.edit(issue.id, project=self.random.choice([p.id for p in self.space.projects]))

    def edit_initiative(self) -> None:
        (trust,), projects = self.space.initiatives, list(self.space.projects)
        self.maria.edit_initiative(trust.id, labels=self.some_labels())
        project = self.random.choice(projects)
        held = [join for join in self.space.joins if join.project is project]
        (self.maria.take_out if held else self.maria.put_into)(project.id, trust.id)

    def close_team(self) -> None:
        self.space.hidden.add("OPS")
        ops = [issue for issue in self.space.issues if issue.team.key == "OPS"]
        for issue in ops:
            self._doubt(issue)
        self.lost({issue.id for issue in ops})

    def open_team(self) -> None:
        self.space.hidden.discard("OPS")

    def end_token(self) -> None:
        self.space.keys.pop(self.space.token, None)
        self.told.seen["token that ended"] += 1

    def renew_token(self) -> None:
        self.space.keys[self.space.token] = self.key

    def set_lag(self) -> None:
        if self.weather.lag:
            self.space.switches.commit_lag = timedelta(seconds=self.random.choice((0, 20, 90, 240)))

    def fail(self) -> None:
        self.told.seen["fault"] += 1
        kinds: tuple[LinearFaultKind, ...] = ("ratelimited", "status", "html", "reset", "truncate", "partial")
        kind = self.random.choice(kinds)
        after = self.random.choice((None, 2, 90)) if kind == "ratelimited" else None
        self.space.faults.add(LinearFault(kind, retry_after=after, nth=self.random.randrange(1, 30)))

    def give_back(self) -> None:
        """All of it."""
        self.space.faults.clear()
        self.open_team()
        self.renew_token()
