"""The state of the small Jira Cloud: issues, their history, the search index that lags behind them."""

import bisect
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from connectors.sandbox import changelog
from connectors.sandbox.births import Births
from connectors.sandbox.faults import Exchange, Fault, Faults
from connectors.sandbox.jql import Query
from connectors.sandbox.query import Reading, SortValue, order_of, position, predicate, uses_clock
from connectors.sandbox.registry import Registry
from connectors.sandbox.shapes import Shapes, View
from connectors.sandbox.tasks import Tasks
from connectors.sandbox.values import Comment, History, Issue, IssueState, Person
from connectors.sandbox.wire import Distort

if TYPE_CHECKING:
    from connectors.sandbox.people import Actor

KEPT_EXCHANGES = 5_000
KEPT_ORDERS = 32
"""More than there are walks at once: the next page of a walk is not to begin by sorting all of it again."""
TOKEN_LIFETIME = timedelta(days=7)


def _allowed() -> defaultdict[str, bool]:
    return defaultdict(lambda: True)


@dataclass(slots=True)
class Permissions:
    """What syncd's account may do, per project key; everything unless switched off: `may_edit["PAY"] = False`.

    `may_silence`: send `notifyUsers=false`. `labels_on_screen`: labels stand on the edit screen; of one type of issue
    under `"PAY/Bug"`. `may_bulk` is one right for the whole site, under `"*"`. `hidden`: ids of issues under a
    security level that the account is not in.
    """

    may_browse: defaultdict[str, bool] = field(default_factory=_allowed)
    may_edit: defaultdict[str, bool] = field(default_factory=_allowed)
    may_comment: defaultdict[str, bool] = field(default_factory=_allowed)
    may_silence: defaultdict[str, bool] = field(default_factory=_allowed)
    labels_on_screen: defaultdict[str, bool] = field(default_factory=_allowed)
    hidden: set[int] = field(default_factory=set)
    may_set_properties: defaultdict[str, bool] = field(default_factory=_allowed)
    may_bulk: defaultdict[str, bool] = field(default_factory=_allowed)


@dataclass(slots=True)
class Quirks:
    """How the site behaves where no good source says (facts §12). A client must be right whichever way it goes."""

    noop_edit_bumps: bool = False
    property_bumps: bool = False
    comment_edit_bumps: bool = True
    unknown_key_is_400: bool = False
    no_project_is_404: bool = False
    customers_see_all: bool = False
    """Comments of service projects are public, whatever their property says."""
    deaf: set[str] = field(default_factory=set)
    """Issues, by key, on which an edit is acknowledged and not made."""


class Mail(NamedTuple):
    """A notification that would have been sent."""

    to: str
    why: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A query's answer, sorted: positions and issue ids side by side."""

    places: list[list[SortValue]]
    ids: list[int]

    def after(self, place: list[SortValue] | None) -> int:
        """The index of the first row behind a position."""
        return 0 if place is None else bisect.bisect_right(self.places, place)


class Site:
    """A small Jira Cloud in memory. Every public method may be called from any thread.

    Instants come from `clock` alone. Answers speak in `site_zone`, JQL literals are read in `account_zone`.
    `index_lag` is how much clock time passes before search sees a change.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        site_zone: str = "Europe/Berlin",
        account_zone: str = "Pacific/Auckland",
        index_lag: timedelta = timedelta(0),
        email: str = "syncd@acme.example",
        token: str = "sandbox-token",  # noqa: S107 (the sandbox's own, good for nothing else)
        base_url: str = "https://acme.atlassian.example",
        kept_exchanges: int = KEPT_EXCHANGES,
    ) -> None:
        self.clock = clock
        self.site_zone, self.account_zone = site_zone, account_zone
        self.index_lag = index_lag
        self.email, self.token, self.base_url = email, token, base_url
        self.lock = RLock()
        self.registry = Registry()
        self.shapes = Shapes(self.registry, ZoneInfo(site_zone))
        self.account = self.registry.person("syncd", "syncd")
        self.permissions, self.quirks = Permissions(), Quirks()
        self.faults: Faults[Fault] = Faults()
        self.tasks = Tasks()
        self.mails: list[Mail] = []
        self.exchanges: deque[Exchange] = deque(maxlen=kept_exchanges)
        self.on_exchange: Callable[[Exchange], None] | None = None
        self.distort: Distort | None = None
        """What goes out in place of an answer, after it was recorded: path and JSON → JSON."""
        self.counts: Counter[str] = Counter()
        self.crashes: list[str] = []
        self.scoped_token = "sandbox-scoped-token"  # noqa: S105 (as the other one)
        """Works at the gateway only."""
        self.delay = 0.0
        """Real seconds that each answer takes, beside others."""
        self.token_lifetime = TOKEN_LIFETIME
        self.live: dict[int, Issue] = {}
        self.index: dict[int, Issue] = {}
        self.keys: dict[str, int] = {}
        self.children: dict[int, set[int]] = {}
        self.histories: dict[int, list[History]] = {}
        self.comment_home: dict[int, int] = {}
        self._pending: deque[tuple[datetime, int, Issue | None]] = deque()
        self._generation = 0
        self._births = Births()
        self._ranked: OrderedDict[tuple[Any, ...], Ranked] = OrderedDict()
        self._next = {"issue": 10_000, "comment": 50_000, "history": 90_000}
        self._numbers: Counter[str] = Counter()

    # -- time and numbers -------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The clock's instant in UTC, cut to the millisecond as Jira stores it."""
        moment = self.clock().astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def number(self, of: str) -> int:
        """The next id of an issue, a comment or a changelog entry."""
        self._next[of] += 1
        return self._next[of]

    def new_key(self, project: str) -> str:
        """The next free key of a project."""
        self._numbers[project] += 1
        return f"{project}-{self._numbers[project]}"

    # -- reading ----------------------------------------------------------------------------------------------

    def resolve(self, id_or_key: str) -> int | None:
        """An issue's id by id, key (any case) or a key it had before a move; None where nobody has it."""
        if id_or_key.isdigit():
            return int(id_or_key) if int(id_or_key) in self.live else None
        found = self.keys.get(id_or_key.upper())
        return found if found in self.live else None

    def issue(self, id_or_key: str) -> Issue:
        """The issue as it stands.

        Raises:
            KeyError: there is none.
        """
        with self.lock:
            self.tasks.work(self.now())
            found = self.resolve(id_or_key)
            if found is None:
                raise KeyError(f"the site has no issue {id_or_key!r}")
            return self.live[found]

    def shows_labels(self, issue: Issue) -> bool:
        """Whether labels stand on the issue's edit screen."""
        shown, kind = self.permissions.labels_on_screen, self.registry.types[issue.type_id].name
        return shown[issue.project] and shown[f"{issue.project}/{kind}"]

    def visible(self, issue: Issue) -> bool:
        """Whether syncd's account may browse the issue."""
        return self.permissions.may_browse[issue.project] and issue.id not in self.permissions.hidden

    def view(self, issues: Mapping[int, Issue] | None = None) -> View:
        """What syncd's account sees: of the live issues, or of those given."""
        return View(self.live if issues is None else issues, self.children, self.visible)

    def snapshot(self) -> dict[str, IssueState]:
        """Every issue's labels, comments (id, account, body as JSON, properties as JSON) and properties."""

        def text(value: Any) -> str:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

        def state(issue: Issue) -> IssueState:
            comments = tuple(
                (str(c.id), c.author.account_id if c.author else "", text(c.body), text(dict(c.properties)))
                for c in issue.comments
            )
            properties = tuple((key, text(value)) for key, value in sorted(issue.properties.items()))
            return IssueState(issue.labels, comments, properties)

        with self.lock:
            self.tasks.work(self.now())
            return {issue.key: state(issue) for issue in self.live.values()}

    def person(self, name: str) -> "Actor":
        """A person at work on this site, made on first use."""
        from connectors.sandbox.people import Actor  # noqa: PLC0415 (people act on a site; the site lends them out)

        with self.lock:
            return Actor(self, self.registry.person(name))

    # -- the index --------------------------------------------------------------------------------------------

    def settled_index(self) -> dict[int, Issue]:
        """The index as search sees it now."""
        due = self.now() - self.index_lag
        while self._pending and self._pending[0][0] <= due:
            _, issue_id, version = self._pending.popleft()
            self._generation += 1
            if version is None:
                self.index.pop(issue_id, None)
            else:
                self.index[issue_id] = version
        return self.index

    def rank(self, query: Query, fresh: list[int]) -> tuple[Ranked, Mapping[int, Issue]]:
        """A query's rows in order, and the versions they were found by; `fresh` ids are read past the lag.

        Raises:
            JqlError: a value of the query cannot be read.
        """
        index: Mapping[int, Issue] = self.settled_index()
        if fresh:
            index = {**index, **{i: self.live[i] for i in fresh if i in self.live}}
            index = {i: issue for i, issue in index.items() if i not in fresh or i in self.live}
        hidden = frozenset(key for key, may in self.permissions.may_browse.items() if not may)
        kept_back = frozenset(self.permissions.hidden)
        seen_by = (self._generation, hidden, kept_back)
        cached = None if fresh or (query.where and uses_clock(query.where)) else (query, *seen_by)
        if cached is not None and cached in self._ranked:
            self._ranked.move_to_end(cached)
            return self._ranked[cached], index
        reading = Reading(self.registry, ZoneInfo(self.account_zone), self.now(), self.resolve)
        test = predicate(query.where, reading) if query.where else None
        order = order_of(query)
        within = self._births.within(query.where, reading) if query.where else None
        among = index.values() if within is None else [index[i] for i in within if i in index]
        found = [
            (position(issue, order, self.registry), issue.id)
            for issue in among
            if issue.project not in hidden and issue.id not in kept_back and (test is None or test(issue))
        ]
        found.sort()
        ranked = Ranked([place for place, _ in found], [issue_id for _, issue_id in found])
        if cached is not None:
            self._ranked[cached] = ranked
            while len(self._ranked) > KEPT_ORDERS:
                self._ranked.popitem(last=False)
        return ranked, index

    # -- writing ----------------------------------------------------------------------------------------------

    def put(self, issue: Issue) -> None:
        """Lays a ready issue into the site, seen by search at once: for building a world, not for edits."""
        with self.lock:
            self._place(issue)
            self.index[issue.id] = issue
            self._generation += 1
            self.histories.setdefault(issue.id, [])
            self._numbers[issue.project] = max(self._numbers[issue.project], issue.number)
            self._next["issue"] = max(self._next["issue"], issue.id)
            for comment in issue.comments:
                self.comment_home[comment.id] = issue.id
                self._next["comment"] = max(self._next["comment"], comment.id)

    def commit(self, actor: Person, old: Issue, values: Mapping[str, Any], *, bump: bool = False) -> Issue:
        """Writes new values over an issue, with a changelog entry for what changed.

        `updated` moves when something tracked changed, or when `bump` says so.
        """
        changed = replace(old, **values)
        items = changelog.items(self.registry, old, changed)
        stamp = self.now()
        if items or bump:
            changed = replace(changed, updated=stamp)
        self.store(changed)
        if items:
            entry = History(self.number("history"), actor, stamp, items)
            self.histories[changed.id].append(entry)
        return changed

    def store(self, issue: Issue) -> None:
        """Puts a version in force at once, and into the index after the lag."""
        self._place(issue)
        self._pending.append((self.now(), issue.id, issue))
        self.histories.setdefault(issue.id, [])

    def _place(self, issue: Issue) -> None:
        before = self.live.get(issue.id)
        if before is not None and before.parent:
            self.children.get(before.parent.id, set()).discard(issue.id)
        if issue.parent:
            self.children.setdefault(issue.parent.id, set()).add(issue.id)
        self.live[issue.id] = issue
        self.keys[issue.key] = issue.id
        self._births.add(issue)

    def remove(self, issue: Issue) -> None:
        """Deletes an issue without a trace: sub-tasks go with it, other children lose their parent."""
        for child_id in sorted(self.children.pop(issue.id, ())):
            child = self.live[child_id]
            if self.registry.types[child.type_id].subtask:
                self.remove(child)
            else:
                self.store(replace(child, parent=None, epic_link=None))
        if issue.parent:
            self.children.get(issue.parent.id, set()).discard(issue.id)
        for comment in issue.comments:
            self.comment_home.pop(comment.id, None)
        del self.live[issue.id]
        self._pending.append((self.now(), issue.id, None))

    def set_comments(self, issue: Issue, comments: tuple[Comment, ...], *, bump: bool) -> Issue:
        """Replaces an issue's comments."""
        changed = replace(issue, comments=comments, updated=self.now() if bump else issue.updated)
        for comment in comments:
            self.comment_home[comment.id] = issue.id
        self.store(changed)
        return changed

    def set_property(self, issue: Issue, key: str, value: Any | None) -> Issue:
        """Sets an issue property, or removes it when `value` is `...`."""
        held = {k: v for k, v in issue.properties.items() if k != key}
        if value is not ...:
            held[key] = value
        bump = self.quirks.property_bumps
        changed = replace(issue, properties=MappingProxyType(held), updated=self.now() if bump else issue.updated)
        self.store(changed)
        return changed

    def notify(self, actor: Person, issue: Issue, why: str) -> None:
        """Counts the mails a write sends: to everybody who watches, but not to who did it."""
        people = {person for person in (issue.assignee, issue.reporter, *issue.watchers) if person}
        names = sorted(person.name for person in people - {actor} if person.active)
        self.mails.extend(Mail(name, f"{issue.key}: {why}") for name in names)

    def record(self, exchange: Exchange) -> None:
        """Keeps an exchange, and shows it to whoever listens."""
        self.exchanges.append(exchange)
        self.counts[f"{exchange.method} {exchange.template}"] += 1
        if self.on_exchange is not None:
            self.on_exchange(exchange)
