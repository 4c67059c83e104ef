"""The demo company's Linear: the same company as in the small Jira, with teams that work here.

The same seed, size and clock give the same world. The words are those of the Jira world, so that one rulebook fits
both; a part of the issues are twins of issues there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from connectors.sandbox import words
from connectors.sandbox.linear.markdown import kept
from connectors.sandbox.linear.values import (
    Attachment,
    Comment,
    Doer,
    Issue,
    JiraMetadata,
    Label,
    Project,
    State,
    Synced,
    Team,
    User,
)
from connectors.sandbox.linear.workspace import Workspace
from connectors.sandbox.site import Site
from connectors.sandbox.words import Theme

T = TypeVar("T")

LINEAR_SCOPE = ("CORE", "APP", "DATA")
LINEAR_HIDDEN = "SEC"
_TEAMS = (("CORE", "Core Banking"), ("APP", "Merchant Apps"), ("DATA", "Data Platform"), (LINEAR_HIDDEN, "Security"))
_HOME: dict[str, tuple[Theme, ...]] = {
    "CORE": (words.RELIABILITY, words.COST, words.PLAIN),
    "APP": (words.ONBOARDING, words.FRAUD, words.PLAIN),
    "DATA": (words.COST, words.FRAUD, words.UPKEEP),
    LINEAR_HIDDEN: (words.PLAIN,),
}
_SHARES = (("CORE", 36), ("APP", 34), ("DATA", 26), (LINEAR_HIDDEN, 4))
_TYPES = (("backlog", 34), ("unstarted", 12), ("started", 14), ("completed", 28), ("canceled", 6), ("triage", 6))
_PRIORITIES = ((0, 84), (1, 1), (2, 5), (3, 6), (4, 4))
_COMMENTS = ((0, 60), (1, 20), (2, 12), (4, 8))
_KINDS = ("Bug", "Feature", "Improvement")
_SPAN, _YOUNGEST = timedelta(days=2 * 365), timedelta(hours=30)
SMALLEST = 60


@dataclass(frozen=True, slots=True)
class Twin:
    """An issue of the Jira world that is worked on here as well."""

    key: str
    url: str
    summary: str


def twins_of(site: Site, count: int = 20, base_url: str = "") -> list[Twin]:
    """Some issues of a Jira site that its account may see, spread over it; `base_url` is where a browser finds it."""
    with site.lock:
        kinds, hidden = site.registry.types, {k for k, may in site.permissions.may_browse.items() if not may}
        fit = [i for i in site.live.values() if kinds[i.type_id].level == 0 and i.project not in hidden]
        step = max(len(fit) // max(count, 1), 1)
        base = (base_url or site.base_url).rstrip("/")
        return [Twin(i.key, f"{base}/browse/{i.key}", i.summary.strip()) for i in fit[::step][:count]]


def build_linear_world(workspace: Workspace, *, seed: int = 1, size: int = 300, twins: Sequence[Twin] = ()) -> None:
    """Fills an empty workspace with about `size` issues; SEC is there, but not for syncd's key.

    Raises:
        ValueError: `size` is below 60, too small to hold every anomaly.
    """
    if size < SMALLEST:
        raise ValueError(f"a world holds at least {SMALLEST} issues")
    with workspace.lock:
        build = _Builder(workspace, seed, size)
        build.catalogue()
        build.projects()
        for _ in range(size - size // 6):
            build.issue()
        for _ in range(size // 6):
            build.sub_issue()
        build.twins(twins)
        build.disorder()
        build.settle()


class _Builder:
    def __init__(self, workspace: Workspace, seed: int, size: int) -> None:
        self.space, self.size = workspace, size
        self.random = Random(seed)  # noqa: S311 (a world to play in, not a secret)
        self.end = workspace.now() - _YOUNGEST
        self.teams = {key: workspace.team(key, name) for key, name in _TEAMS}
        workspace.hidden.add(LINEAR_HIDDEN)
        self.people = [self.person(name, shown) for name, shown in words.PEOPLE]
        self.labels: dict[str, Label] = {}
        self.groups: dict[str, list[Label]] = {}
        self.made: list[tuple[Issue, Theme]] = []
        self.homes: dict[tuple[str, Theme], list[Project]] = {}
        self.states = {(s.team.key, s.type): s for s in reversed(list(workspace.states))}

    # -- chance -------------------------------------------------------------------------------------------------

    def chance(self, percent: float) -> bool:
        return self.random.random() * 100 < percent

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        return self.random.choices([c for c, _ in choices], [w for _, w in choices])[0]

    def moment(self, after: datetime, before: datetime) -> datetime:
        """An instant between two, to the millisecond."""
        width = max(int((before - after) / timedelta(milliseconds=1)), 1)
        found = after + timedelta(milliseconds=self.random.randrange(width))
        return found.replace(microsecond=found.microsecond // 1000 * 1000)

    # -- what issues hang on ------------------------------------------------------------------------------------

    def person(self, name: str, shown: str) -> User:
        return self.space.user(name, shown, active=name not in words.GONE, guest=name == "yara", admin=name == "maria")

    def catalogue(self) -> None:
        """Workspace labels for strategy and noise, two groups, and each team's own."""
        plain = [label for theme in (*words.OUTCOMES, words.UPKEEP, words.PLAY) for label in theme.labels]
        miswritten = [v for theme in words.OUTCOMES for v in theme.variants]
        for name in (*plain, *miswritten, *words.NOISE):
            if name.casefold() not in {held.casefold() for held in self.labels}:
                self.labels[name] = self.space.label(name)
        for group, names in (("Kind", _KINDS), ("Area", words.PLAIN.components)):
            self.groups[group] = [self.space.label(name, group=group) for name in names]
        for key in self.teams:
            self.space.label(f"{key.lower()}-rota", team=key)
        for key in self.teams:
            for back in range(3, -2, -1):
                self.space.cycle(key, self.end - timedelta(days=14 * back))

    def projects(self) -> None:
        """Initiatives, one within another, and projects: some in none, one in two of two outcomes."""
        initiatives = [self.space.initiative(title, labels=list(labels)) for title, labels in words.INITIATIVES]
        initiatives[-1].parents = [initiatives[0]]
        by_label = {label.name: i for i in initiatives for label in i.labels}
        for number in range(max(self.size // 25, 12)):
            key = LINEAR_SCOPE[number % 3]
            theme = self.random.choice(_HOME[key])
            made = self.project(number, key, theme)
            above = next((by_label[name] for name in theme.epic_labels if name in by_label), None)
            if above is not None and self.chance(55):
                self.space.join(above, made)
            elif self.chance(20):
                self.space.join(self.random.choice(initiatives), made)
            for team in made.teams:
                self.homes.setdefault((team.key, theme), []).append(made)
        torn = next(iter(self.space.projects))
        for initiative in (by_label["fraud"], by_label["cost"]):
            self.space.join(initiative, torn)

    def project(self, number: int, key: str, theme: Theme) -> Project:
        title = f"{self.random.choice(theme.verbs)} {self.random.choice(theme.things)}"
        labels = [self.random.choice(theme.epic_labels)] if theme.epic_labels and self.chance(60) else []
        teams = [key, self.random.choice([k for k in LINEAR_SCOPE if k != key])] if self.chance(25) else [key]
        status = self.weighted((("started", 50), ("planned", 25), ("completed", 15), ("backlog", 10)))
        made = self.space.project(f"{title} ({number + 1})", teams=teams, labels=labels, status=status)
        made.creator = made.lead = self.random.choice(self.people)
        made.created_at = made.updated_at = self.moment(self.end - _SPAN, self.end - timedelta(days=100))
        return made

    # -- issues -------------------------------------------------------------------------------------------------

    def issue(self) -> None:
        key = self.weighted(_SHARES)
        theme = self.random.choice((*_HOME[key], *words.OUTCOMES)) if self.chance(80) else words.PLAIN
        title = f"{self.random.choice(theme.verbs)} {self.random.choice(theme.things)}"
        made = self.lay(self.teams[key], theme, title)
        at_home = self.homes.get((key, theme))
        if at_home and self.chance(55):
            made.project = self.random.choice(at_home)

    def sub_issue(self) -> None:
        above, theme = self.random.choice(self.made)
        part = self.random.choice(("Test", "Document", "Review", "Roll out"))
        made = self.lay(above.team, theme, f"{part}: {above.title}"[:240], labelled=15)
        made.created_at = max(made.created_at, above.created_at)
        made.updated_at = max(made.updated_at, made.created_at)
        made.parent, made.project = above, above.project if self.chance(80) else None

    def lay(self, team: Team, theme: Theme, title: str, *, labelled: int = 62) -> Issue:
        space = self.space
        born = self.moment(self.end - _SPAN, self.end - timedelta(days=2))
        lag = timedelta(days=min(self.random.expovariate(1 / 150), 700))
        changed = self.moment(max(born, self.end - lag - timedelta(days=5)), max(self.end - lag, born))
        state = self.states[team.key, self.weighted(_TYPES)]
        number = team.last_number = team.last_number + 1
        made = Issue(
            space.new_id("issue"), born, max(changed, born), team, number, f"{team.key}-{number}", title, state
        )
        made.creator = self.random.choice(self.people)
        made.assignee = self.random.choice(self.people) if self.chance(70) else None
        made.subscribers = list(dict.fromkeys(p for p in (made.creator, made.assignee) if p is not None))
        made.priority = self.weighted(_PRIORITIES)
        made.description = self.text() if self.chance(80) else None
        self.label(made, theme, labelled)
        self.end_of(made, state)
        self.made.append((made, theme))
        return made

    def end_of(self, made: Issue, state: State) -> None:
        made.started_at = made.updated_at if state.type in ("started", "completed") else None
        made.completed_at = made.updated_at if state.type == "completed" else None
        made.canceled_at = made.updated_at if state.type == "canceled" else None
        if state.type in ("completed", "canceled") and made.updated_at < self.end - timedelta(days=200):
            made.archived_at = made.auto_archived_at = made.updated_at + timedelta(days=180)

    def text(self) -> str:
        lines = [self.random.choice(words.SENTENCES) for _ in range(self.random.randrange(1, 5))]
        return kept("\n".join(f"- {line}" for line in lines) if self.chance(30) else "\n\n".join(lines))

    def label(self, made: Issue, theme: Theme, percent: int) -> None:
        names: list[str] = []
        if theme.labels and self.chance(percent):
            miswritten = [name for name in theme.variants if name in self.labels]
            pool = miswritten if miswritten and self.chance(10) else theme.labels
            names.append(pool[min(int(self.random.expovariate(0.5)), len(pool) - 1)])
        if self.chance(30):
            names.append(words.NOISE[min(int(self.random.expovariate(0.22)), len(words.NOISE) - 1)])
        chosen = [self.labels[name] for name in names if name in self.labels]
        for group, share in (("Kind", 40), ("Area", 25)):
            if self.chance(share):
                chosen.append(self.random.choice(self.groups[group]))
        made.labels = {label.id: label for label in chosen}

    # -- twins, mess --------------------------------------------------------------------------------------------

    def twins(self, twins: Sequence[Twin]) -> None:
        """Told by a link, by Linear's own sync, or by both; some tell another story than the issue in Jira."""
        pool = [made for made, _ in self.made if made.team.key != LINEAR_HIDDEN and made.archived_at is None]
        for number, (twin, made) in enumerate(zip(twins, self.random.sample(pool, len(pool)), strict=False)):
            if number % 4:
                made.title = twin.summary[:240] or made.title
            if number % 5 != 4:  # noqa: PLR2004 (four of five)
                self.link(made, twin)
            if number % 3 == 0 or number % 5 == 4:  # noqa: PLR2004 (the fifth has only this)
                told = Synced(f"jira-{twin.key}", "jira", JiraMetadata(twin.key))
                made.synced_with = [told]

    def link(self, made: Issue, twin: Twin) -> None:
        at, title = made.updated_at, f"{twin.key}: {twin.summary}"[:240]
        attachment = Attachment(self.space.new_id("attachment"), at, at, made, title, twin.url, source_type="jira")
        attachment.creator = made.creator
        self.space.add_attachment(attachment)

    def disorder(self) -> None:
        """Each anomaly at least once, at places that depend on the seed."""
        plain = [made for made, _ in self.made if made.team.key in LINEAR_SCOPE and not made.synced_with]
        picks = self.random.sample(plain, len(words.ODD_SUMMARIES) + 8)
        for made, title in zip(picks, words.ODD_SUMMARIES, strict=False):
            made.title = title
        robot, trashed, deep, deeper, retired, moved, busy, foreign = picks[len(words.ODD_SUMMARIES) :]
        robot.creator, robot.bot_actor = None, self.space.automation("Sentry").who.bot
        trashed.archived_at, trashed.trashed, trashed.auto_archived_at = self.end, True, None
        if deeper.parent is None and deep.parent is None:
            deep.parent, deeper.parent = busy, deep
        old = self.space.label("old-roadmap", retired_at=self.end)
        retired.labels[old.id] = old
        moved.previous_identifiers = ["OLD-17"]
        busy.archived_at = busy.auto_archived_at = None
        foreign.creator, foreign.external_user_creator = None, self.space.external_user("support@bank.example")
        self.bulk_edit(plain)

    def bulk_edit(self, plain: list[Issue]) -> None:
        """Somebody changed many issues at once: fifty share one millisecond."""
        minute = (self.end - timedelta(days=9)).replace(second=0, microsecond=0)
        old = [made for made in plain if made.created_at < minute and made.archived_at is None]
        for number, made in enumerate(self.random.sample(old, min(len(old), self.size // 6))):
            made.updated_at = minute + timedelta(milliseconds=number // 50 * 700)

    def settle(self) -> None:
        """Lays all into the workspace: parents first, each with its history and its comments."""
        for made, _ in self.made:
            self.space.place(made)
        for made, _ in self.made:
            if made.labels:
                self.space.log(made, Doer(user=made.creator, bot=made.bot_actor), {"addedLabelIds": list(made.labels)})
                self.space.history_of[made.id][-1].created_at = made.created_at
            self.comments(made)

    def comments(self, made: Issue) -> None:
        at = made.created_at
        for _ in range(self.weighted(_COMMENTS)):
            at = self.moment(at, max(made.updated_at, at))
            identity, body = self.space.new_id("comment"), self.random.choice(words.COMMENTS)
            url = f"https://linear.app/{self.space.url_key}/issue/{made.identifier}#comment-{identity[:8]}"
            self.space.add_comment(Comment(identity, at, at, body, made, url, self.random.choice(self.people)))
