"""The demo company's world: some two thousand issues with the habits and the mess of real trackers.

Distributions and anomalies follow what was measured on public trackers; the text is ours. The same seed, size and
clock give the same world.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from connectors.sandbox import words
from connectors.sandbox.people import plain_adf
from connectors.sandbox.site import Site
from connectors.sandbox.values import Adf, Comment, Issue, IssueLink, Person
from connectors.sandbox.words import Theme

T = TypeVar("T")

SCOPE = ("PAY", "OPS", "RISK", "ONB")
HIDDEN = "PROC"
_PROJECTS = (
    ("PAY", "Payments", "classic"),
    ("OPS", "Operations", "classic"),
    ("RISK", "Risk & Fraud", "classic"),
    ("ONB", "Onboarding", "classic"),
    ("WEB", "Website", "next-gen"),
    ("STRAT", "Strategy", "classic"),
    (HIDDEN, "Procurement", "classic"),
)
_WITHOUT_PRIORITY = "ONB"
_SHARES = {"PAY": 28, "OPS": 24, "RISK": 18, "ONB": 17, "WEB": 9, HIDDEN: 4}
_HOME: dict[str, tuple[Theme, ...]] = {
    "PAY": (words.RELIABILITY, words.COST, words.PLAIN),
    "OPS": (words.RELIABILITY, words.COST, words.UPKEEP),
    "RISK": (words.FRAUD, words.FRAUD, words.PLAIN),
    "ONB": (words.ONBOARDING, words.ONBOARDING, words.PLAIN),
    "WEB": (words.PLAIN,),
    HIDDEN: (words.PLAIN,),
}
_LABELS_WHEN_LABELLED = ((1, 32), (2, 24), (3, 18), (4, 13), (5, 8), (6, 3), (7, 2))
_TYPES = (("bug", 38), ("story", 30), ("task", 16), ("improvement", 11), ("feature", 5))
_OPEN = (("To Do", 66), ("In Progress", 24), ("In Review", 7), ("Reopened", 3))
_CLOSED = (("Closed", 72), ("Done", 28))
_PRIORITIES = (("High", 27), ("Medium", 34), ("Low", 20), ("Highest", 12), ("Lowest", 5), (None, 2))
_RESOLUTIONS = (("Fixed", 60), ("Invalid", 15), ("Duplicate", 13), ("Cannot Reproduce", 12))
_COMMENTS = ((0, 46), (1, 20), (2, 14), (3, 10), (5, 7), (9, 3))
_SPAN = timedelta(days=3 * 365)
_YOUNGEST = timedelta(hours=30)  # nothing in the world is news: comments are for what people do from now on
LONGEST_TEXT = 30_000


@dataclass(slots=True)
class _Draft:
    """An issue before it has a number."""

    project: str
    role: str
    theme: Theme
    summary: str
    created: datetime
    updated: datetime
    labels: list[str] = field(default_factory=list)
    parent: "_Draft | None" = None
    linked_only: bool = False
    closed: bool = False
    components: tuple[str, ...] = ()
    description: Adf | None = None
    absent: frozenset[str] = frozenset()
    comments: int = 0
    issue: Issue | None = None


class _Builder:
    def __init__(self, site: Site, seed: int, size: int) -> None:
        self.site, self.size = site, size
        self.random = Random(seed)  # noqa: S311 (a world to play in, not a secret)
        self.end = site.now() - _YOUNGEST
        self.drafts: list[_Draft] = []
        self.people = [site.registry.person(n, shown, active=n not in words.GONE) for n, shown in words.PEOPLE]

    def chance(self, percent: float) -> bool:
        return self.random.random() * 100 < percent

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        return self.random.choices([c for c, _ in choices], [w for _, w in choices])[0]

    def moment(self, after: datetime, before: datetime) -> datetime:
        """An instant between two, to the millisecond."""
        width = max(int((before - after) / timedelta(milliseconds=1)), 1)
        found = after + timedelta(milliseconds=self.random.randrange(width))
        return found.replace(microsecond=found.microsecond // 1000 * 1000)

    # -- the drafts -------------------------------------------------------------------------------------------

    def draft(self, project: str, role: str, theme: Theme, *, after: datetime | None = None) -> _Draft:
        created = self.moment(after or self.end - _SPAN, self.end - timedelta(days=2))
        # Old issues keep being touched, but most of them long ago.
        lag = timedelta(days=min(self.random.expovariate(1 / 120), 900))
        updated = self.moment(max(created, self.end - lag - timedelta(days=5)), max(self.end - lag, created))
        summary = f"{self.random.choice(theme.verbs)} {self.random.choice(theme.things)}"
        made = _Draft(project, role, theme, summary, created, max(updated, created))
        made.closed = self.chance(55)
        made.comments = self.weighted(_COMMENTS)
        self.drafts.append(made)
        return made

    def initiatives(self) -> list[_Draft]:
        found = []
        for title, labels in words.INITIATIVES:
            made = self.draft("STRAT", "initiative", words.PLAIN, after=self.end - _SPAN)
            made.created = self.end - _SPAN - timedelta(days=self.random.randrange(30, 200))
            made.summary, made.labels, made.closed = title, list(labels), False
            found.append(made)
        return found

    def epics(self, initiatives: list[_Draft]) -> list[_Draft]:
        """Epics of a theme each; some in reach of an initiative, some below one nobody can read."""
        hidden = [self.draft(HIDDEN, "initiative", words.PLAIN) for _ in range(2)]
        found = []
        for number in range(max(self.size // 18, 8)):
            project = (*SCOPE, "WEB", HIDDEN)[number // 3 % 6] if number % 3 == 0 else SCOPE[number % 4]
            made = self.draft(project, "epic", self.random.choice(_HOME[project]))
            made.created = self.moment(self.end - _SPAN, self.end - timedelta(days=200))
            if made.theme is not words.PLAIN or self.chance(20):
                count = min(len(made.theme.epic_labels), 2 if self.chance(25) else 1)
                made.labels = self.random.sample(made.theme.epic_labels, count)
            made.closed = self.chance(35)
            made.parent = self.random.choice(hidden) if self.chance(6) else None
            if made.parent is None and self.chance(55) and project not in ("WEB", HIDDEN):
                made.parent = self.random.choice(initiatives)
            if made.parent is not None:
                made.parent.created = min(made.parent.created, made.created - timedelta(days=1))
            found.append(made)
        for made in self.random.sample([e for e in found if e.project in SCOPE], 3):
            made.labels = ["resilience", "cost"]  # an epic that two outcome owners claim
        return found

    def issue(self, epics: list[_Draft]) -> _Draft:
        project = self.weighted(tuple(_SHARES.items()))
        theme = self.theme(project)
        above = self.epic_for(project, theme, epics) if self.chance(34) else None
        made = self.draft(project, self.type_role(project), theme, after=above.created if above else None)
        made.parent = above
        self.label(made, by_epic=above is not None and (above.theme is theme or above.project == HIDDEN))
        return made

    def theme(self, project: str) -> Theme:
        draw = self.random.random() * 100
        if draw < 60:  # noqa: PLR2004 (shares of a hundred, side by side)
            own = [t for t in _HOME[project] if t in words.OUTCOMES]
            return self.random.choice(own if own and self.chance(75) else words.OUTCOMES)
        if draw < 67:  # noqa: PLR2004 (as above)
            return words.UPKEEP
        return words.PLAY if draw < 70 else words.PLAIN  # noqa: PLR2004 (as above)

    def type_role(self, project: str) -> str:
        role = self.weighted(_TYPES)
        return {"improvement": "task", "feature": "story"}.get(role, role) if project == "WEB" else role

    def epic_for(self, project: str, theme: Theme, epics: list[_Draft]) -> _Draft | None:
        """An epic of the same theme, mostly of the same project; four in ten epics stay without children."""
        used = [epic for index, epic in enumerate(epics) if index % 5 < 3]  # noqa: PLR2004 (three of five)
        if self.chance(9):
            return self.random.choice([epic for epic in used if epic.project == HIDDEN] or used)
        seen = [epic for epic in used if epic.project != HIDDEN]
        at_home = [epic for epic in seen if epic.project == project]
        pool = [e for e in (seen if self.chance(10) else at_home) if e.theme is theme]
        return self.random.choice(pool) if pool else None

    def label(self, made: _Draft, *, by_epic: bool) -> None:
        """Labels as people set them: often none, mostly noise, miswritten one time in eight."""
        labels: list[str] = []
        if made.theme.labels and not (by_epic and self.chance(65)) and not self.chance(8):
            labels.append(self.named(made.theme))
            if made.theme in words.OUTCOMES and self.chance(9):
                labels.append(self.named(self.random.choice([t for t in words.OUTCOMES if t is not made.theme])))
        if not labels and self.chance(62):
            made.labels = labels
            return
        wanted = self.weighted(_LABELS_WHEN_LABELLED)
        while len(labels) < wanted:
            noise = words.NOISE[min(int(self.random.expovariate(0.22)), len(words.NOISE) - 1)]
            labels.append(noise if self.chance(97) else f"tag-{self.random.randrange(10_000)}")
        self.random.shuffle(labels)
        made.labels = list(dict.fromkeys(labels))

    def named(self, theme: Theme) -> str:
        if self.chance(12):
            return self.random.choice(theme.variants)
        return theme.labels[min(int(self.random.expovariate(0.5)), len(theme.labels) - 1)]

    def subtask(self, parents: list[_Draft]) -> None:
        above = self.random.choice(parents)
        project = self.random.choice(SCOPE) if above.project == HIDDEN else above.project
        made = self.draft(project, "subtask", above.theme, after=above.created)
        made.parent, made.closed = above, above.closed or self.chance(40)
        made.summary = f"{self.random.choice(('Test', 'Document', 'Review', 'Roll out'))}: {above.summary}"[:240]

    # -- the mess ---------------------------------------------------------------------------------------------

    def disorder(self) -> None:
        """Each anomaly at least once, at places that depend on the seed."""
        plain = [d for d in self.drafts if d.project in SCOPE and d.role not in ("epic", "subtask")]
        picks = self.random.sample(plain, len(words.ODD_SUMMARIES) + 10)
        for made, summary in zip(picks, words.ODD_SUMMARIES, strict=False):
            made.summary = summary
        trace, linked, chatty, long, windows, blank, *rest = picks[len(words.ODD_SUMMARIES) :]
        trace.labels = list(words.STACK_TRACE)
        linked.parent = next(d for d in self.drafts if d.role == "epic" and d.project == "PAY")
        linked.linked_only, linked.created = True, max(linked.created, linked.parent.created)
        linked.updated = max(linked.updated, linked.created)
        chatty.comments = 45
        long.description = plain_adf("\n".join([" ".join(words.SENTENCES)] * 60)[:LONGEST_TEXT])
        windows.description = plain_adf("First line\u00a0here.") | {"content": [_paragraph("CRLF\r\ninside.\r\n")]}
        blank.labels, blank.absent, blank.description = [], frozenset({"description", "priority"}), None
        rest[0].labels = ["sre", "SRE", "sre,"]
        rest[1].labels, rest[2].labels = ["reliabilty"], ["customer,api,kyc"]
        for made in self.random.sample(plain, max(len(plain) // 20, 1)):
            made.summary = f" {made.summary}  "
        self.bulk_edit()

    def bulk_edit(self) -> None:
        """Somebody changed hundreds of issues within one minute, many of them in one millisecond."""
        minute = (self.end - timedelta(days=9)).replace(second=0, microsecond=0)
        old = [d for d in self.drafts if d.created < minute and d.project in SCOPE]
        for number, made in enumerate(self.random.sample(old, min(len(old), self.size // 6))):
            made.updated = minute + timedelta(milliseconds=(number // 20) * 900 % 60_000)

    # -- the issues -------------------------------------------------------------------------------------------

    def dress(self, made: _Draft) -> None:
        if made.description is None and not made.absent:
            self.describe(made)
        count = self.weighted(((0, 11), (1, 82), (2, 7)))
        pool = made.theme.components if self.chance(70) else words.PLAIN.components
        made.components = tuple(self.random.sample(pool, min(count, len(pool))))

    def describe(self, made: _Draft) -> None:
        draw = self.random.random() * 100
        if draw < 12:  # noqa: PLR2004 (shares of a hundred)
            return
        if draw < 17:  # noqa: PLR2004 (as above)
            made.absent = frozenset({"description"})
            return
        lines = [self.random.choice(words.SENTENCES) for _ in range(self.random.randrange(1, 6))]
        made.description = plain_adf("\n".join(lines))
        if self.chance(20):
            code: Adf = {"type": "codeBlock", "attrs": {"language": "text"}}
            code["content"] = [{"type": "text", "text": "ERROR ledger: timeout after 3000 ms\r\n  retry=2"}]
            made.description["content"].append(code)

    def settle(self, made: _Draft) -> None:
        """Gives a draft its numbers and lays it into the site. Parents come first: they are older."""
        registry = self.site.registry
        kind = registry.type_named(registry.projects[made.project], made.role)
        author: Person = self.random.choice(self.people)
        above = made.parent.issue if made.parent else None
        link = IssueLink(above.id, above.key) if above else None
        epic = made.parent is not None and made.parent.role == "epic" and not kind.subtask
        status = registry.status_named(self.weighted(_CLOSED if made.closed else _OPEN))
        made.issue = Issue(
            id=self.site.number("issue"),
            key=self.site.new_key(made.project),
            project=made.project,
            type_id=kind.id,
            status_id=status.id,
            summary=made.summary,
            created=made.created,
            updated=max(made.created, made.updated),
            labels=tuple(made.labels),
            description=made.description,
            priority=self.weighted(_PRIORITIES),
            components=made.components,
            fix_versions=(f"{self.random.randrange(3, 6)}.{self.random.randrange(10)}",) if self.chance(35) else (),
            parent=None if made.linked_only else link,
            epic_link=link if epic else None,
            assignee=None if self.chance(18) else self.random.choice(self.people),
            reporter=author,
            creator=author,
            resolution=self.weighted(_RESOLUTIONS) if made.closed else None,
            resolved=self.moment(made.created, made.updated) if made.closed else None,
            comments=self.comments(made),
            absent=made.absent,
        )
        self.site.put(made.issue)

    def comments(self, made: _Draft) -> tuple[Comment, ...]:
        found = []
        at = made.created
        for _ in range(made.comments):
            at = self.moment(at, made.updated)
            words_said = plain_adf(self.random.choice(words.COMMENTS))
            found.append(Comment(self.site.number("comment"), self.random.choice(self.people), words_said, at, at))
        return tuple(found)


def _paragraph(text: str) -> Adf:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}


def _older_first(drafts: list[_Draft]) -> list[_Draft]:
    """By age, which is also parents first: nobody is made before what it hangs on."""

    def depth(made: _Draft) -> int:
        return 1 + depth(made.parent) if made.parent else 0

    key: Callable[[_Draft], tuple[int, datetime]] = lambda made: (depth(made), made.created)  # noqa: E731 (one use)
    return sorted(drafts, key=key)


def build_world(site: Site, seed: int = 1, size: int = 2000) -> None:
    """Fills an empty site with about `size` issues; PROC is there, but not for syncd's account.

    Raises:
        ValueError: `size` is below 200, too small to hold every anomaly.
    """
    if size < 200:  # noqa: PLR2004 (said in the docstring)
        raise ValueError("a world holds at least 200 issues")
    with site.lock:
        for key, name, style in _PROJECTS:
            absent = frozenset({"priority", "fixVersions"}) if key == _WITHOUT_PRIORITY else frozenset()
            site.registry.add_project(key, name, style=style, absent=absent)
        site.permissions.may_browse[HIDDEN] = False
        build = _Builder(site, seed, size)
        epics = build.epics(build.initiatives())
        subtasks = size * 11 // 100
        while len(build.drafts) < size - subtasks:
            build.issue(epics)
        above = [d for d in build.drafts if d.role in ("story", "task", "bug", "improvement")]
        parents = build.random.sample(above, max(len(above) // 12, 1))
        for _ in range(subtasks):
            build.subtask(parents)
        build.disorder()
        for made in _older_first(build.drafts):
            build.dress(made)
            build.settle(made)
