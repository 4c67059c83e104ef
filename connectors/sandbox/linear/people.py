"""People and automations at work: what a test or the demo lets them do, past all permissions of syncd's key."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.sandbox.linear import edits, talking, values, writing
from connectors.sandbox.linear.values import Doer, Issue, Label
from connectors.sandbox.linear.workspace import Session, Workspace

KEEP: Any = ...


@dataclass(frozen=True, slots=True)
class Member:
    """A person, or an automation, on one workspace. Issues are named by any key they have or had."""

    workspace: Workspace
    who: Doer

    def _session(self) -> Session:
        return Session(self.workspace, None, self.who, self.workspace.now())

    # -- issues -------------------------------------------------------------------------------------------------

    def create(
        self,
        team: str,
        title: str,
        *,
        labels: Iterable[str] = (),
        project: str | None = None,
        parent: str | None = None,
        description: str | None = None,
        state: str | None = None,
        assignee: str | None = None,
        priority: int = 0,
    ) -> str:
        """Creates an issue and returns its identifier. Labels are named as `Workspace.find_label` takes them."""
        space = self.workspace
        with space.lock:
            asked: dict[str, Any] = {"teamId": space.team(team).id, "title": title, "priority": priority}
            asked["labelIds"] = [space.find_label(name).id for name in labels]
            asked["projectId"] = space.find_project(project).id if project else None
            asked["parentId"] = space.issue(parent).id if parent else None
            asked["stateId"] = space.state(space.team(team), state).id if state else None
            asked["assigneeId"] = space.user(assignee).id if assignee else None
            asked["description"] = description
            return writing.create_issue(self._session(), asked).identifier

    def edit(
        self,
        key: str,
        *,
        title: str = KEEP,
        description: str | None = KEEP,
        state: str = KEEP,
        project: str | None = KEEP,
        parent: str | None = KEEP,
        assignee: str | None = KEEP,
        priority: int = KEEP,
        labels: Iterable[str] = KEEP,
        labels_add: Iterable[str] = (),
        labels_remove: Iterable[str] = (),
    ) -> Issue:
        """Changes what is named and leaves the rest; `labels` replaces the set."""
        space = self.workspace
        with space.lock:
            issue = space.issue(key)
            asked: dict[str, Any] = {"title": title, "description": description, "priority": priority}
            asked["stateId"] = KEEP if state is KEEP else space.state(issue.team, state).id
            asked["projectId"] = _id(project, space.find_project)
            asked["parentId"] = _id(parent, space.issue)
            asked["assigneeId"] = _id(assignee, space.user)
            asked["labelIds"] = KEEP if labels is KEEP else [space.find_label(name).id for name in labels]
            asked["addedLabelIds"] = [space.find_label(name).id for name in labels_add]
            asked["removedLabelIds"] = [space.find_label(name).id for name in labels_remove]
            edits.update(self._session(), issue, {name: told for name, told in asked.items() if told is not KEEP})
            return issue

    def move(self, key: str, team: str) -> str:
        """Moves an issue to another team; a project that the team is not in is left. Returns the new identifier."""
        space = self.workspace
        with space.lock:
            issue, home = space.issue(key), space.team(team)
            leave = issue.project is not None and home not in issue.project.teams
            asked = {"teamId": home.id, **({"projectId": None} if leave else {})}
            edits.update(self._session(), issue, asked)
            return issue.identifier

    def archive(self, key: str) -> None:
        """Archives an issue, as Linear does by itself with old closed ones."""
        with self.workspace.lock:
            edits.archive(self._session(), self.workspace.issue(key), trash=False)

    def delete(self, key: str) -> None:
        """Puts an issue into the trash."""
        with self.workspace.lock:
            edits.archive(self._session(), self.workspace.issue(key), trash=True)

    def restore(self, key: str) -> None:
        """Takes an issue back from the archive or the trash."""
        with self.workspace.lock:
            edits.restore(self._session(), self.workspace.issue(key))

    def purge(self, key: str) -> None:
        """Deletes an issue for good: nothing tells of it afterwards."""
        with self.workspace.lock:
            self.workspace.drop_issue(self.workspace.issue(key))

    # -- comments, attachments ----------------------------------------------------------------------------------

    def comment(self, key: str, body: str, *, reply_to: str | None = None) -> str:
        """Comments; returns the comment's id."""
        with self.workspace.lock:
            asked = {"issueId": self.workspace.issue(key).id, "body": body, "parentId": reply_to}
            return talking.create_comment(self._session(), asked).id

    def edit_comment(self, comment_id: str, body: str) -> None:
        """Changes anybody's comment."""
        with self.workspace.lock:
            talking.edit_comment(self._session(), self.workspace.comments.rows[comment_id], body)

    def delete_comment(self, comment_id: str) -> None:
        """Deletes anybody's comment; no stream tells of it."""
        with self.workspace.lock:
            self.workspace.drop_comment(self.workspace.comments.rows[comment_id])

    def attach(self, key: str, url: str, title: str, *, subtitle: str | None = None, source: str | None = None) -> str:
        """Attaches a link, as an integration does with `source` ("jira"); returns the attachment's id."""
        with self.workspace.lock:
            asked = {"issueId": self.workspace.issue(key).id, "url": url, "title": title, "subtitle": subtitle}
            made = talking.upsert_attachment(self._session(), asked)
            made.source_type = source
            return made.id

    def detach(self, attachment_id: str) -> None:
        """Removes an attachment."""
        with self.workspace.lock:
            self.workspace.drop_attachment(self.workspace.attachments.rows[attachment_id])

    def sync_with_jira(self, key: str, jira_key: str | None, *, jira_id: str = "") -> None:
        """Says of an issue that Linear's own sync ties it to one in Jira, or no longer does."""
        with self.workspace.lock:
            issue = self.workspace.issue(key)
            told = values.Synced(jira_id or f"jira-{jira_key}", "jira", values.JiraMetadata(jira_key))
            issue.synced_with = [told] if jira_key else None

    # -- labels, projects, initiatives: no issue's instant moves ------------------------------------------------

    def rename_label(self, name: str, new: str) -> Label:
        """Gives an issue label another name."""
        return self._label(name, lambda label: setattr(label, "name", new))

    def describe_label(self, name: str, description: str | None) -> Label:
        """Gives an issue label another description."""
        return self._label(name, lambda label: setattr(label, "description", description))

    def retire_label(self, name: str) -> Label:
        """Retires an issue label: it stays where it is and is not listed."""
        return self._label(name, lambda label: setattr(label, "retired_at", self.workspace.now()))

    def delete_label(self, name: str) -> None:
        """Deletes an issue label, and a group with all in it."""
        with self.workspace.lock:
            writing.delete_label(self._session(), self.workspace.find_label(name))

    def _label(self, name: str, change: Any) -> Label:
        with self.workspace.lock:
            label = self.workspace.find_label(name)
            change(label)
            label.updated_at = self.workspace.now()
            self.workspace.labels.touch()
            return label

    def edit_project(
        self,
        name: str,
        *,
        new_name: str = KEEP,
        labels: Iterable[str] = KEEP,
        status: str = KEEP,
        teams: Iterable[str] = KEEP,
        description: str = KEEP,
    ) -> values.Project:
        """Changes a project; its own instant moves, and nobody else's."""
        space = self.workspace
        with space.lock:
            project = space.find_project(name)
            project.name = project.name if new_name is KEEP else new_name
            project.description = project.description if description is KEEP else description
            if labels is not KEEP:
                project.labels = [space.project_label(label) for label in labels]
            if status is not KEEP:
                project.status = next(s for s in space.statuses if s.type == status)
            if teams is not KEEP:
                project.teams = [space.team(key) for key in teams]
            project.updated_at = space.now()
            space.projects.touch()
            return project

    def archive_project(self, name: str, *, trash: bool = False) -> None:
        """Archives or trashes a project; its issues stay."""
        space = self.workspace
        with space.lock:
            project = space.find_project(name)
            project.archived_at, project.trashed = space.now(), trash or None
            project.updated_at = space.now()
            space.projects.touch()

    def edit_initiative(
        self,
        name: str,
        *,
        new_name: str = KEEP,
        labels: Iterable[str] = KEEP,
        status: str = KEEP,
        parents: Iterable[str] = KEEP,
    ) -> values.Initiative:
        """Changes an initiative; its own instant moves, and nobody else's."""
        space = self.workspace
        with space.lock:
            initiative = space.find_initiative(name)
            initiative.name = initiative.name if new_name is KEEP else new_name
            initiative.status = initiative.status if status is KEEP else status
            if labels is not KEEP:
                initiative.labels = [space.initiative_label(label) for label in labels]
            if parents is not KEEP:
                initiative.parents = [space.find_initiative(parent) for parent in parents]
            initiative.updated_at = space.now()
            space.initiatives.touch()
            return initiative

    def archive_initiative(self, name: str) -> None:
        """Archives an initiative; its projects stay in it."""
        space = self.workspace
        with space.lock:
            initiative = space.find_initiative(name)
            initiative.archived_at = initiative.updated_at = space.now()
            space.initiatives.touch()

    def put_into(self, project: str, initiative: str) -> str:
        """Lays a project into an initiative: a row of its own, whose id is returned."""
        space = self.workspace
        with space.lock:
            return space.join(space.find_initiative(initiative), space.find_project(project)).id

    def take_out(self, project: str, initiative: str) -> None:
        """Takes a project out of an initiative; the row is gone without a trace."""
        space = self.workspace
        with space.lock:
            of, out = space.find_initiative(initiative), space.find_project(project)
            for join in [j for j in space.joins if j.initiative is of and j.project is out]:
                space.joins.drop(join)

    def backdate(self, key: str, created: datetime, updated: datetime | None = None) -> None:
        """Makes an issue older than it is: for building worlds, not for edits."""
        with self.workspace.lock:
            issue = self.workspace.issue(key)
            issue.created_at, issue.updated_at = created, updated or created
            self.workspace.issues.touch()


def _id(told: str | None, find: Any) -> Any:
    if told is KEEP or told is None:
        return told
    return find(told).id
