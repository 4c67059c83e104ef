"""People at work: what a test or the demo lets them do to tickets, past all permissions of syncd's account."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from connectors.sandbox.site import Site
from connectors.sandbox.values import Adf, Comment, Issue, IssueLink, Person, Tie

KEEP: Any = ...


@dataclass(frozen=True, slots=True)
class Actor:
    """One person on one site. Every method bumps `updated` and leaves a changelog entry, as the screen does."""

    site: Site
    who: Person

    def edit(
        self,
        key: str,
        *,
        labels_add: list[str] | None = None,
        labels_remove: list[str] | None = None,
        labels: list[str] | None = None,
        summary: str = KEEP,
        description: Adf | None = KEEP,
        status: str = KEEP,
        parent: str | None = KEEP,
        components: list[str] = KEEP,
        fix_versions: list[str] = KEEP,
        priority: str | None = KEEP,
        assignee: str | None = KEEP,
        issue_type: str = KEEP,
        custom: Mapping[str, Any] | None = None,
    ) -> Issue:
        """Changes the named fields and leaves the others. `labels` replaces the set; `parent=None` cuts it.

        `custom` sets custom fields by id, to values as they are answered.
        """
        with self.site.lock:
            issue = self.site.issue(key)
            values: dict[str, Any] = {
                "summary": summary,
                "description": description,
                "priority": priority,
                "components": KEEP if components is KEEP else tuple(components),
                "fix_versions": KEEP if fix_versions is KEEP else tuple(fix_versions),
            }
            values = {name: value for name, value in values.items() if value is not KEEP}
            base = issue.labels if labels is None else tuple(labels)
            kept = [label for label in base if label not in (labels_remove or [])]
            values["labels"] = tuple(dict.fromkeys([*kept, *(labels_add or [])]))
            values |= self._status(issue, status) | self._links(issue, parent)
            if assignee is not KEEP:
                values["assignee"] = self.site.registry.person(assignee) if assignee else None
            if issue_type is not KEEP:
                project = self.site.registry.projects[issue.project]
                values["type_id"] = self.site.registry.type_named(project, issue_type).id
            if custom is not None:
                values["extra"] = {**issue.extra, **custom}
            changed = self.site.commit(self.who, issue, values, bump=custom is not None)
            self.site.notify(self.who, changed, "edited")
            return changed

    def _status(self, issue: Issue, name: str) -> dict[str, Any]:
        if name is KEEP:
            return {}
        status = self.site.registry.status_named(name)
        if status.category != "done":
            return {"status_id": status.id, "resolution": None, "resolved": None}
        if issue.resolved:
            return {"status_id": status.id}
        return {"status_id": status.id, "resolution": "Fixed", "resolved": self.site.now()}

    def _links(self, issue: Issue, parent: str | None) -> dict[str, Any]:
        if parent is KEEP:
            return {}
        if parent is None:
            return {"parent": None, "epic_link": None}
        above = self.site.issue(parent)
        link = IssueLink(above.id, above.key)
        epic = self.site.registry.types[above.type_id].level == 1
        subtask = self.site.registry.types[issue.type_id].subtask
        return {"parent": link, "epic_link": link if epic and not subtask else None}

    def create(
        self,
        *,
        project: str,
        summary: str,
        type: str = "Story",  # noqa: A002 (the word on Jira's own form)
        labels: list[str] | None = None,
        parent: str | None = None,
        components: list[str] | None = None,
        description: Adf | None = None,
        priority: str | None = "Medium",
        status: str = "To Do",
        assignee: str | None = None,
    ) -> str:
        """Creates an issue and returns its key."""
        site = self.site
        with site.lock:
            now = site.now()
            issue = Issue(
                id=site.number("issue"),
                key=site.new_key(project),
                project=project,
                type_id=site.registry.type_named(site.registry.projects[project], type).id,
                status_id=site.registry.status_named(status).id,
                summary=summary,
                created=now,
                updated=now,
                labels=tuple(labels or ()),
                description=description,
                priority=priority,
                components=tuple(components or ()),
                assignee=site.registry.person(assignee) if assignee else None,
                reporter=self.who,
                creator=self.who,
            )
            issue = replace(issue, **self._links(issue, parent)) if parent else issue
            site.store(issue)
            site.notify(self.who, issue, "created")
            return issue.key

    def clone(self, key: str, *, linked: bool = True) -> str:
        """Clones an issue: labels, components, parent and the like go along, its properties do not (facts §4)."""
        return self._copy(key, "Cloners", outward=True, linked=linked)

    def split(self, key: str) -> str:
        """Splits an issue: the new one bears the same labels and says what it was split from."""
        return self._copy(key, "Issue split", outward=False, linked=True)

    def link_clone(self, clone: str, source: str) -> None:
        """The link that cloning adds, by itself: on a real site it comes a moment after the issue."""
        with self.site.lock:
            self._tie(self.site.issue(clone), self.site.issue(source), "Cloners", outward=True)

    def _copy(self, key: str, kind: str, *, outward: bool, linked: bool) -> str:
        site = self.site
        with site.lock:
            source, now = site.issue(key), site.now()
            made = replace(
                source,
                id=site.number("issue"),
                key=site.new_key(source.project),
                summary=f"CLONE - {source.summary}" if outward else source.summary,
                created=now,
                updated=now,
                reporter=self.who,
                creator=self.who,
                comments=(),
                properties=MappingProxyType({}),
                watchers=frozenset(),
                ties=(),
            )
            site.store(made)
            if linked:
                self._tie(made, source, kind, outward=outward)
            return made.key

    def _tie(self, made: Issue, source: Issue, kind: str, *, outward: bool) -> None:
        now = self.site.now()
        there, back = Tie(kind, outward, _link_to(source)), Tie(kind, not outward, _link_to(made))
        self.site.store(replace(made, ties=(*made.ties, there), updated=now))
        self.site.store(replace(source, ties=(*source.ties, back), updated=now))

    def comment(self, key: str, body: Adf | str) -> int:
        """Comments, in ADF or in plain words; returns the comment's id."""
        document = plain_adf(body) if isinstance(body, str) else body
        site = self.site
        with site.lock:
            issue = site.issue(key)
            now = site.now()
            comment = Comment(site.number("comment"), self.who, document, now, now)
            changed = site.set_comments(issue, (*issue.comments, comment), bump=True)
            site.notify(self.who, changed, "commented")
            return comment.id

    def edit_comment(self, comment_id: int, body: Adf | str, *, bump: bool = True) -> None:
        """Edits anybody's comment; `bump=False`: its issue does not change by that (facts §12 leaves it open)."""
        document = plain_adf(body) if isinstance(body, str) else body
        site = self.site
        with site.lock:
            issue = site.live[site.comment_home[comment_id]]
            held = next(comment for comment in issue.comments if comment.id == comment_id)
            edited = replace(held, body=document, updated=site.now(), update_author=self.who)
            comments = tuple(edited if comment.id == comment_id else comment for comment in issue.comments)
            site.set_comments(issue, comments, bump=bump)

    def delete_comment(self, comment_id: int) -> None:
        """Deletes anybody's comment."""
        site = self.site
        with site.lock:
            issue = site.live[site.comment_home.pop(comment_id)]
            site.set_comments(issue, tuple(c for c in issue.comments if c.id != comment_id), bump=True)

    def delete(self, key: str) -> None:
        """Deletes an issue and its sub-tasks; nothing tells of it afterwards (facts §3)."""
        with self.site.lock:
            self.site.remove(self.site.issue(key))

    def move(self, key: str, project: str) -> str:
        """Moves an issue to another project: the id stays, the old key still finds it. Returns the new key."""
        site = self.site
        with site.lock:
            issue = site.issue(key)
            role = site.registry.types[issue.type_id].role
            kind = site.registry.type_named(site.registry.projects[project], role)
            values = {"key": site.new_key(project), "project": project, "type_id": kind.id}
            return site.commit(self.who, issue, values).key


def _link_to(issue: Issue) -> IssueLink:
    return IssueLink(issue.id, issue.key)


def plain_adf(text: str) -> Adf:
    """Plain words as a document, one paragraph a line; an empty line becomes an empty paragraph."""
    paragraphs: list[Adf] = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}]} if line else {"type": "paragraph"}
        for line in text.splitlines()
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}
