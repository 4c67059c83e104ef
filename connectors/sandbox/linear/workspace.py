"""The state of the small Linear: who and what is there, what each user may still spend, what has been recorded."""

import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from connectors.sandbox.faults import Faults
from connectors.sandbox.linear import values
from connectors.sandbox.linear.budget import Bucket, Budget
from connectors.sandbox.linear.faults import LinearExchange, LinearFault
from connectors.sandbox.linear.holdings import Holdings, full_name
from connectors.sandbox.linear.values import Bot, Doer, Issue, Team, User
from connectors.sandbox.wire import Distort

if TYPE_CHECKING:
    from connectors.sandbox.linear.people import Member

KEPT_EXCHANGES = 5_000


@dataclass(slots=True)
class Switches:
    """How the workspace is set, and how Linear behaves where no good source says (facts §11).

    `label_names`: names are unique over the workspace (and each team), or within a group only. `label_owners_only`:
    label creation is forbidden. `lost_cursor`: what a cursor does whose row was purged. `trash_kept`: until purge.
    `commit_lag`: by how much an edit's `updatedAt` is older than the edit can be seen.
    """

    label_names: Literal["workspace", "group"] = "workspace"
    label_owners_only: bool = False
    deleted_labels_collide: bool = False
    attachment_bumps: bool = False
    comment_bumps: bool = False
    noop_edit_bumps: bool = False
    absent_removal_fails: bool = False
    archived_editable: bool = False
    only_uuid4: bool = True
    lost_cursor: Literal["error", "end", "top"] = "error"
    cursor_form: Literal["uuid", "base64"] = "uuid"
    measured_complexity: bool = False
    escaped_names: bool = False
    comment_cap: int = 2000
    group_cap: int = 250
    trash_kept: timedelta = timedelta(days=30)
    commit_lag: timedelta = timedelta(0)


@dataclass(slots=True)
class Limits:
    """What one user may spend in an hour, and one document at once."""

    requests: float = 2500
    complexity: float = 3_000_000
    document: float = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """A personal API key, sent bare, or an OAuth token, sent with Bearer; `teams` None means all.

    `app`: acts as an app (actor=app) and may name somebody else as author.
    """

    token: str
    user: User
    teams: frozenset[str] | None = None
    may_write: bool = True
    may_comment: bool = True
    oauth: bool = False
    app: bool = False


class Notification(NamedTuple):
    """A notification that would have reached somebody's inbox, and by mail later."""

    to: str
    why: str


@dataclass(slots=True)
class Session:
    """One request, or one act of a person: whose it is, and when."""

    workspace: "Workspace"
    key: Key | None
    doer: Doer
    now: datetime

    def sees(self, team: Team) -> bool:
        """Whether this key may know of a team; people at work (no key) know all."""
        if self.key is None:
            return True
        return team.key not in self.workspace.hidden and (self.key.teams is None or team.key in self.key.teams)

    def stamp(self, before: datetime | None = None) -> datetime:
        """The `updatedAt` of an edit that can be seen from now on; never before that of the edit before it."""
        began = self.now - self.workspace.switches.commit_lag
        return began if before is None else max(before, began)


class Workspace(Holdings):
    """A small Linear in memory. Every public method may be called from any thread.

    Instants come from `clock` alone. `token` is the key of the user syncd. `faults` strike what is asked over HTTP;
    `before_request`, `before_field` and `on_exchange` let tests edit between and during requests.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        name: str = "Acme",
        url_key: str = "acme",
        token: str = "lin_api_sandbox",  # noqa: S107 (the sandbox's own, good for nothing else)
        email: str = "syncd@acme.example",
        seed: int = 1,
    ) -> None:
        super().__init__(clock, url_key, seed)
        self.name = name
        self.switches, self.limits = Switches(), Limits()
        self.faults: Faults[LinearFault] = Faults()
        self.hidden: set[str] = set()
        self.children_of: dict[str, dict[str, Issue]] = {}
        self.comments_of: dict[str, list[values.Comment]] = {}
        self.attachments_of: dict[str, list[values.Attachment]] = {}
        self.history_of: dict[str, list[values.History]] = {}
        self.budgets: dict[str, Budget] = {}
        self.keys: dict[str, Key] = {}
        self.counts: Counter[str] = Counter()
        self.spent: Counter[str] = Counter()
        self.notifications: list[Notification] = []
        self.exchanges: deque[LinearExchange] = deque(maxlen=KEPT_EXCHANGES)
        self.crashes: list[str] = []
        self.before_request: Callable[[str], None] | None = None
        self.before_field: Callable[[str], None] | None = None
        self.on_exchange: Callable[[LinearExchange], None] | None = None
        self.distort: Distort | None = None
        """What goes out in place of an answer, after it was recorded: operation and JSON → JSON."""
        self.id, self.created_at = self.new_id("organization"), self.now()
        self._settle(token, email)

    def _settle(self, token: str, email: str) -> None:
        now = self.now()
        for position, kind in enumerate(("backlog", "planned", "started", "paused", "completed", "canceled")):
            identity = self.new_id("status")
            self.statuses.add(values.Status(identity, now, now, kind.capitalize(), kind, float(position)))
        self.account = self.user("syncd", email=email)
        self.token = token
        self.keys[token] = Key(token, self.account)

    # -- who is there -------------------------------------------------------------------------------------------

    def member(self, name: str) -> "Member":
        """A person to act as, made at the first call."""
        from connectors.sandbox.linear.people import Member  # noqa: PLC0415 (people act on workspaces)

        with self.lock:
            return Member(self, Doer(user=self.user(name)))

    def automation(self, name: str, *, kind: str = "integration") -> "Member":
        """An automation to act as: no user, only a bot stands in the history."""
        from connectors.sandbox.linear.people import Member  # noqa: PLC0415 (as above)

        return Member(self, Doer(bot=Bot(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), kind, name)))

    def new_key(self, token: str, user: str, **options: Any) -> Key:
        """One more key, of a user by name. Options as of `Key`."""
        with self.lock:
            key = self.keys[token] = Key(token, self.user(user, app=bool(options.get("app"))), **options)
            return key

    def budget(self, user: User) -> Budget:
        """What a user has left: one budget for all keys of theirs, within `limits` as they are now."""
        now = self.now()
        most = (self.limits.requests, self.limits.complexity)
        if user.id not in self.budgets:
            self.budgets[user.id] = Budget(*(Bucket(limit, limit, now) for limit in most))
        budget = self.budgets[user.id]
        for bucket, limit in zip((budget.requests, budget.complexity), most, strict=True):
            bucket.refill(now)
            bucket.limit, bucket.left = limit, min(limit, bucket.left)
        return budget

    def drain(self, *, requests: float = 0, complexity: float | None = None, user: str = "syncd") -> None:
        """Leaves a user just so much, as a script on the same account would."""
        with self.lock:
            budget = self.budget(self.user(user))
            budget.requests.left = requests
            budget.complexity.left = budget.complexity.left if complexity is None else complexity

    # -- the life of rows ---------------------------------------------------------------------------------------

    def place(self, issue: Issue) -> Issue:
        """Lays a ready issue in, found by its identifiers."""
        self.issues.add(issue)
        for identifier in (issue.identifier, *issue.previous_identifiers):
            self.identifiers[identifier.upper()] = issue.id
        if issue.parent is not None:
            self.children_of.setdefault(issue.parent.id, {})[issue.id] = issue
        issue.team.last_number = max(issue.team.last_number, issue.number)
        return issue

    def reparent(self, issue: Issue, parent: Issue | None) -> None:
        """Hangs an issue elsewhere."""
        if issue.parent is not None:
            self.children_of.get(issue.parent.id, {}).pop(issue.id, None)
        issue.parent = parent
        if parent is not None:
            self.children_of.setdefault(parent.id, {})[issue.id] = issue

    def log(self, issue: Issue, doer: Doer, changes: Mapping[str, Any]) -> None:
        """One more entry of an issue's history."""
        now = self.now()
        entry = values.History(self.new_id("history"), now, now, issue, doer.user, doer.bot, changes)
        self.history_of.setdefault(issue.id, []).append(entry)

    def add_comment(self, comment: values.Comment) -> values.Comment:
        """Lays a comment in."""
        self.comments.add(comment)
        if comment.issue is not None:
            self.comments_of.setdefault(comment.issue.id, []).append(comment)
        return comment

    def drop_comment(self, comment: values.Comment) -> None:
        """Forgets a comment and its replies: no stream tells of it."""
        for reply in [c for c in self.comments if c.parent is comment]:
            self.drop_comment(reply)
        self.comments.drop(comment)
        if comment.issue is not None:
            self.comments_of[comment.issue.id].remove(comment)

    def add_attachment(self, attachment: values.Attachment) -> values.Attachment:
        """Lays an attachment in."""
        self.attachments_of.setdefault(attachment.issue.id, []).append(attachment)
        return self.attachments.add(attachment)

    def drop_attachment(self, attachment: values.Attachment) -> None:
        """Forgets an attachment."""
        self.attachments.drop(attachment)
        self.attachments_of[attachment.issue.id].remove(attachment)

    def drop_issue(self, issue: Issue) -> None:
        """Forgets an issue and all that hangs on it; children stay, without a parent."""
        for child in list(self.children_of.pop(issue.id, {}).values()):
            child.parent = None
        self.reparent(issue, None)
        for comment in self.comments_of.pop(issue.id, []):
            self.comments.drop(comment)
        for attachment in self.attachments_of.pop(issue.id, []):
            self.attachments.drop(attachment)
        self.history_of.pop(issue.id, None)
        for identifier in (issue.identifier, *issue.previous_identifiers):
            self.identifiers.pop(identifier.upper(), None)
        self.issues.drop(issue)

    def purge(self) -> None:
        """Drops what has lain in the trash for long enough."""
        until = self.now() - self.switches.trash_kept
        due = [i for i in self.issues if i.trashed and i.archived_at is not None and i.archived_at <= until]
        for issue in due:
            self.drop_issue(issue)

    def notify(self, doer: Doer, issue: Issue, why: str, *, only: list[User] | None = None) -> None:
        """Counts the notifications a change sends: to everybody who subscribes, but not to who did it."""
        people = issue.subscribers if only is None else only
        names = sorted({user.display_name for user in people if user is not doer.user and user.active and not user.app})
        self.notifications.extend(Notification(name, f"{issue.identifier}: {why}") for name in names)

    def record(self, exchange: LinearExchange) -> None:
        """Keeps an exchange, and shows it to whoever listens."""
        self.exchanges.append(exchange)
        self.counts[exchange.operation] += 1
        self.spent[exchange.operation] += exchange.complexity
        if self.on_exchange is not None:
            self.on_exchange(exchange)

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """All issues by identifier: labels by their full names, comments and attachments, as plain values."""
        with self.lock:
            return {issue.identifier: self._shown(issue) for issue in self.issues}

    def label_names(self) -> dict[str, str]:
        """The full names of all issue labels that are not deleted, by id."""
        with self.lock:
            return {label.id: full_name(label) for label in self.labels if label.archived_at is None}

    def _shown(self, issue: Issue) -> dict[str, Any]:
        comments = [
            {"id": c.id, "by": c.user.display_name if c.user else None, "body": c.body}
            for c in self.comments_of.get(issue.id, [])
        ]
        attachments = [
            {"id": a.id, "url": a.url, "title": a.title, "subtitle": a.subtitle, "metadata": dict(a.metadata)}
            for a in self.attachments_of.get(issue.id, [])
        ]
        return {
            "id": issue.id,
            "labels": sorted(full_name(label) for label in issue.labels.values()),
            "comments": comments,
            "attachments": attachments,
            "archived": issue.archived_at is not None,
            "updated": issue.updated_at.isoformat(),
        }
