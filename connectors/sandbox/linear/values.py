"""What a Linear workspace holds: rows with an id of their own. They change in place, under the workspace's lock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PRIORITIES = ("No priority", "Urgent", "High", "Medium", "Low")


@dataclass(slots=True, eq=False)
class Row:
    """What every row has. Instants are aware, in UTC, to the millisecond."""

    id: str
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = field(default=None, kw_only=True)


@dataclass(slots=True, eq=False)
class User(Row):
    """A member, a guest, or an app that acts under its own name."""

    name: str
    display_name: str
    email: str
    url: str
    active: bool = True
    admin: bool = False
    guest: bool = False
    app: bool = False
    owner: bool = False
    timezone: str | None = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Bot:
    """An automation that acts without being a user: an integration, a workflow rule."""

    id: str | None
    type: str
    name: str | None
    sub_type: str | None = None
    user_display_name: str | None = None
    avatar_url: str | None = None


@dataclass(slots=True, eq=False)
class ExternalUser(Row):
    """Somebody of another service, mirrored here."""

    name: str
    display_name: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Doer:
    """Who does something: a user, an automation, or an automation for a user."""

    user: User | None = None
    bot: Bot | None = None
    external: ExternalUser | None = None


@dataclass(slots=True, eq=False)
class Team(Row):
    """A team; `last_number` is the newest issue's."""

    key: str
    name: str
    display_name: str
    description: str | None = None
    private: bool = False
    parent: "Team | None" = None
    retired_at: datetime | None = None
    timezone: str = "Europe/Berlin"
    auto_archive_period: float = 6.0
    cycles_enabled: bool = True
    last_number: int = 0


@dataclass(slots=True, eq=False)
class State(Row):
    """A workflow state. `type` is triage, backlog, unstarted, started, completed, canceled or duplicate."""

    name: str
    type: str
    team: Team
    position: float
    color: str = "#95a2b3"
    description: str | None = None


@dataclass(slots=True, eq=False)
class Label(Row):
    """A label of issues, of projects or of initiatives: three catalogues that share no ids."""

    name: str
    color: str = "#5e6ad2"
    description: str | None = None
    is_group: bool = False
    parent: "Label | None" = None
    team: Team | None = None
    creator: User | None = None
    retired_at: datetime | None = None
    retired_by: User | None = None
    last_applied_at: datetime | None = None


@dataclass(slots=True, eq=False)
class Status(Row):
    """A project's status. `type` is one of ProjectStatusType."""

    name: str
    type: str
    position: float
    color: str = "#95a2b3"
    description: str | None = None
    indefinite: bool = False


@dataclass(slots=True, eq=False)
class Project(Row):
    """A project, of one team or several."""

    name: str
    slug_id: str
    status: Status
    teams: list[Team]
    url: str
    description: str = ""
    content: str | None = None
    labels: list[Label] = field(default_factory=list)
    creator: User | None = None
    lead: User | None = None
    color: str = "#bec2c8"
    priority: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    canceled_at: datetime | None = None
    start_date: str | None = None
    target_date: str | None = None
    trashed: bool | None = None
    synced_with: "list[Synced] | None" = None


@dataclass(slots=True, eq=False)
class Initiative(Row):
    """An initiative; `parents` are those it lies in."""

    name: str
    slug_id: str
    url: str
    status: str = "Active"
    priority: int = 0
    description: str | None = None
    content: str | None = None
    labels: list[Label] = field(default_factory=list)
    parents: "list[Initiative]" = field(default_factory=list)
    creator: User | None = None
    owner: User | None = None
    completed_at: datetime | None = None
    target_date: str | None = None
    trashed: bool | None = None


@dataclass(slots=True, eq=False)
class Join(Row):
    """That a project lies in an initiative: a row of its own, with an `updatedAt` of its own."""

    initiative: Initiative
    project: Project
    sort_order: str = "0|hzzzzz:"


@dataclass(slots=True, eq=False)
class Cycle(Row):
    """A team's cycle."""

    number: int
    team: Team
    starts_at: datetime
    ends_at: datetime
    name: str | None = None
    description: str | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JiraMetadata:
    """Where a synced issue stands in Jira."""

    issue_key: str | None
    issue_type_id: str | None = None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Synced:
    """What Linear's own sync says of the twin in another service."""

    id: str
    service: str
    metadata: JiraMetadata | None


@dataclass(slots=True, eq=False)
class Issue(Row):
    """An issue. `identifier` changes when it moves to another team; the id does not."""

    team: Team
    number: int
    identifier: str
    title: str
    state: State
    description: str | None = None
    priority: int = 0
    labels: dict[str, Label] = field(default_factory=dict)
    project: Project | None = None
    parent: "Issue | None" = None
    cycle: Cycle | None = None
    assignee: User | None = None
    creator: User | None = None
    bot_actor: Bot | None = None
    external_user_creator: ExternalUser | None = None
    subscribers: list[User] = field(default_factory=list)
    estimate: float | None = None
    due_date: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    canceled_at: datetime | None = None
    auto_archived_at: datetime | None = None
    auto_closed_at: datetime | None = None
    trashed: bool | None = None
    previous_identifiers: list[str] = field(default_factory=list)
    synced_with: list[Synced] | None = None


@dataclass(slots=True, eq=False)
class Comment(Row):
    """A comment on an issue or on a project. `body` is as Linear gives it back, not as it was sent."""

    body: str
    issue: Issue | None
    url: str
    user: User | None = None
    bot_actor: Bot | None = None
    external_user: ExternalUser | None = None
    parent: "Comment | None" = None
    project: Project | None = None
    initiative: Initiative | None = None
    quoted_text: str | None = None
    edited_at: datetime | None = None
    resolved_at: datetime | None = None
    synced_with: list[Synced] | None = None


@dataclass(slots=True, eq=False)
class Attachment(Row):
    """A link in an issue's side bar: one for each (issue, url)."""

    issue: Issue
    title: str
    url: str
    subtitle: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] | None = None
    source_type: str | None = None
    group_by_source: bool = False
    creator: User | None = None
    external_user_creator: ExternalUser | None = None


@dataclass(slots=True, eq=False)
class History(Row):
    """One entry of an issue's history: who did it, and `changes` by the schema's names."""

    issue: Issue
    actor: User | None
    bot_actor: Bot | None
    changes: Mapping[str, Any]
