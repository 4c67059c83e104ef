"""Everything that lies in a workspace, made and found by name: what worlds and tests are built with."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, TypeVar

from connectors.sandbox.linear import values
from connectors.sandbox.linear.tables import Table
from connectors.sandbox.linear.values import Issue, Label, State, Team, User

STATES = (
    ("Triage", "triage"),
    ("Backlog", "backlog"),
    ("Todo", "unstarted"),
    ("In Progress", "started"),
    ("In Review", "started"),
    ("Done", "completed"),
    ("Canceled", "canceled"),
    ("Duplicate", "duplicate"),
)


class Holdings:
    """The rows of a workspace, one table for each kind. Instants come from `clock` alone."""

    def __init__(self, clock: Callable[[], datetime], url_key: str, seed: int) -> None:
        self.clock, self.url_key, self.seed = clock, url_key, seed
        self.lock = RLock()
        self._numbers: Counter[str] = Counter()
        self.identifiers: dict[str, str] = {}
        self._tables()

    def _tables(self) -> None:
        self.users: Table[User] = Table("User")
        self.external_users: Table[values.ExternalUser] = Table("ExternalUser")
        self.teams: Table[Team] = Table("Team")
        self.states: Table[State] = Table("WorkflowState")
        self.labels: Table[Label] = Table("IssueLabel")
        self.project_labels: Table[Label] = Table("ProjectLabel")
        self.initiative_labels: Table[Label] = Table("InitiativeLabel")
        self.statuses: Table[values.Status] = Table("ProjectStatus")
        self.projects: Table[values.Project] = Table("Project")
        self.initiatives: Table[values.Initiative] = Table("Initiative")
        self.joins: Table[values.Join] = Table("InitiativeToProject")
        self.cycles: Table[values.Cycle] = Table("Cycle")
        self.issues: Table[Issue] = Table("Issue")
        self.comments: Table[values.Comment] = Table("Comment")
        self.attachments: Table[values.Attachment] = Table("Attachment")

    def now(self) -> datetime:
        """The clock's time in UTC, to the millisecond."""
        at = self.clock().astimezone(UTC)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def new_id(self, kind: str) -> str:
        """A UUID of version 4 in shape, the same in every run."""
        self._numbers[kind] += 1
        seed = f"{self.seed}:{kind}:{self._numbers[kind]}".encode()
        return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))

    def sync_id(self) -> int:
        """The number of a write, for payloads."""
        self._numbers["sync"] += 1
        return self._numbers["sync"]

    def user(self, name: str, shown: str = "", *, email: str = "", **options: Any) -> User:
        """A user by name; made at the first call. Options as of `values.User`."""
        found = next((user for user in self.users if user.display_name == name), None)
        if found is not None:
            return found
        now = self.now()
        url = f"https://linear.app/{self.url_key}/profiles/{name}"
        address = email or f"{name}@{self.url_key}.example"
        return self.users.add(User(self.new_id("user"), now, now, shown or name, name, address, url, **options))

    def external_user(self, name: str) -> values.ExternalUser:
        """Somebody of another service, made at the first call."""
        found = next((user for user in self.external_users if user.name == name), None)
        now = self.now()
        return found or self.external_users.add(values.ExternalUser(self.new_id("external"), now, now, name, name))

    # -- making things, for building worlds ---------------------------------------------------------------------

    def team(self, key: str, name: str = "", **options: Any) -> Team:
        """A team by key; made at the first call with the usual states. Options as of `values.Team`."""
        found = next((team for team in self.teams if team.key == key), None)
        if found is not None:
            return found
        now, shown = self.now(), name or key
        made = self.teams.add(Team(self.new_id("team"), now, now, key, shown, shown, **options))
        for position, (state, kind) in enumerate(STATES):
            self.states.add(State(self.new_id("state"), now, now, state, kind, made, float(position)))
        return made

    def state(self, team: Team, named: str) -> State:
        """A team's state by name or, if no name fits, the first of that type.

        Raises:
            KeyError: the team has no such state.
        """
        own = [state for state in self.states if state.team is team]
        for state in own:
            if state.name.casefold() == named.casefold():
                return state
        for state in own:
            if state.type == named:
                return state
        raise KeyError(named)

    def label(self, name: str, *, group: str | None = None, team: str | None = None, **options: Any) -> Label:
        """An issue label as an admin makes it, past all rules; a named group is made where there is none."""
        with self.lock:
            above = None
            if group is not None:
                above = next((x for x in self.labels if x.is_group and x.name == group and not x.archived_at), None)
                above = above or self.label(group, team=team, is_group=True)
            now, home = self.now(), self.team(team) if team else None
            made = Label(self.new_id("label"), now, now, name, parent=above, team=home, **options)
            return self.labels.add(made)

    def project_label(self, name: str) -> Label:
        """A project label, made at the first call."""
        return self._named_label(self.project_labels, name)

    def initiative_label(self, name: str) -> Label:
        """An initiative label, made at the first call."""
        return self._named_label(self.initiative_labels, name)

    def _named_label(self, table: Table[Label], name: str) -> Label:
        found = next((label for label in table if label.name == name), None)
        now = self.now()
        return found or table.add(Label(self.new_id(table.name), now, now, name))

    def project(
        self, name: str, *, teams: list[str], labels: list[str] | None = None, **options: Any
    ) -> values.Project:
        """A new project of teams named by key."""
        with self.lock:
            now, slug = self.now(), self.new_id("slug").replace("-", "")[:12]
            status = next(s for s in self.statuses if s.type == options.pop("status", "started"))
            url = f"https://linear.app/{self.url_key}/project/{slug}"
            homes = [self.team(key) for key in teams]
            made = values.Project(self.new_id("project"), now, now, name, slug, status, homes, url, **options)
            made.labels = [self.project_label(label) for label in labels or ()]
            return self.projects.add(made)

    def initiative(
        self, name: str, *, projects: list[str] | None = None, labels: list[str] | None = None, **options: Any
    ) -> values.Initiative:
        """A new initiative over projects named by name."""
        with self.lock:
            now, slug = self.now(), self.new_id("slug").replace("-", "")[:12]
            url = f"https://linear.app/{self.url_key}/initiative/{slug}"
            made = values.Initiative(self.new_id("initiative"), now, now, name, slug, url, **options)
            made.labels = [self.initiative_label(label) for label in labels or ()]
            self.initiatives.add(made)
            for project in projects or ():
                self.join(made, self.find_project(project))
            return made

    def join(self, initiative: values.Initiative, project: values.Project) -> values.Join:
        """Lays a project into an initiative."""
        now = self.now()
        return self.joins.add(values.Join(self.new_id("join"), now, now, initiative, project))

    def cycle(self, team: str, starts: datetime, *, days: int = 14) -> values.Cycle:
        """A new cycle of a team."""
        home, now = self.team(team), self.now()
        number = 1 + sum(cycle.team is home for cycle in self.cycles)
        ends = starts + timedelta(days=days)
        return self.cycles.add(values.Cycle(self.new_id("cycle"), now, now, number, home, starts, ends))

    # -- finding things -----------------------------------------------------------------------------------------

    def issue(self, key: str) -> Issue:
        """An issue by id, identifier or an identifier it once had.

        Raises:
            KeyError: there is none.
        """
        return self.issues.rows[self.identifiers.get(key.upper(), key)]

    def find_project(self, name: str) -> values.Project:
        """A project by name or id.

        Raises:
            KeyError: there is none.
        """
        return _named(self.projects, name)

    def find_initiative(self, name: str) -> values.Initiative:
        """An initiative by name or id.

        Raises:
            KeyError: there is none.
        """
        return _named(self.initiatives, name)

    def find_label(self, name: str) -> Label:
        """An issue label by id, `name` or `Group/name`; archived ones last.

        Raises:
            KeyError: there is none.
        """
        if name in self.labels.rows:
            return self.labels.rows[name]
        fitting = [label for label in self.labels if name in (label.name, full_name(label))]
        if not fitting:
            raise KeyError(name)
        return min(fitting, key=lambda label: (label.archived_at is not None, label.is_group))


def full_name(label: Label) -> str:
    """`Group/name`, or the bare name."""
    return f"{label.parent.name}/{label.name}" if label.parent else label.name


P = TypeVar("P", values.Project, values.Initiative)


def _named(table: Table[P], name: str) -> P:
    found = table.rows.get(name) or next((row for row in table if row.name == name), None)
    if found is None:
        raise KeyError(name)
    return found
