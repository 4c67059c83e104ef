"""The nouns: what syncd reads, what it decides, and what an admin wrote. Values only, equal by content.

Instants are aware datetimes; days of a `Window` are whole days in UTC, both ends included.
Read top-down: the work (Issue), the strategy, the rules, the verdicts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, NamedTuple

# --- the work ---------------------------------------------------------------------------------------------


class Category(StrEnum):
    """Where work stands, told alike for every tracker."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class IssueRef(NamedTuple):
    """An issue by what never changes: its tracker's id in syncd.yaml and the id the tracker gave it.

    A tuple, as `Link` is: both are hashed and sorted in every step of a pass.
    """

    tracker: str
    id: str


class Link(NamedTuple):
    """A pointer to another issue of the same tracker: by id where the tracker tells it, else by key.

    Jira's `parent` tells both; its Epic Link tells the key alone (facts/jira.md §3).
    """

    id: str | None
    key: str | None

    def __str__(self) -> str:
        """The name a person knows it by."""
        return self.key or f"id {self.id}"


@dataclass(frozen=True, slots=True, order=True)
class Person:
    """Somebody the tracker names. `kind` tells people of the site from customers and automation."""

    id: str
    name: str
    kind: Literal["member", "customer", "app", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True)
class Copy:
    """What travels with a mark in the tracker: who wrote it, and which mark (None: taken off)."""

    installation: str
    instance: str
    mark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What one issue looked like at one moment (a snapshot), in every tracker's common terms.

    `labels` are people's, `marks` are those in syncd's namespaces whoever put them there. They are kept apart so
    that what syncd writes never reaches what syncd decides (DESIGN §3).
    """

    ref: IssueRef
    key: str
    title: str
    type: str
    level: int
    """Hierarchy level: -1 sub-task, 0 base, 1 epic or Linear project, 2 and more above those."""
    status: str
    category: Category
    priority: str | None
    project: str
    project_name: str
    components: tuple[str, ...] = ()
    fix_versions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    parent: Link | None = None
    within: tuple[Link, ...] = ()
    """What it lies in beyond its parents, all at one level: an issue's project, a project's initiatives, an
    initiative's parents (Linear only)."""
    twins: tuple[str, ...] = ()
    """The same work elsewhere as this tracker tells it: browser URLs, or bare Jira keys where no URL is told."""
    assignee: Person | None = None
    reporter: Person | None = None
    created: datetime
    updated: datetime
    url: str
    """Where a person opens it in a browser."""
    copy: Copy | None = None
    restricted: bool = False
    """Under a security level or of a private team: nothing of it is quoted anywhere else."""
    team: tuple[str, ...] = ()
    """Its Linear team by key and by name; Jira has none."""
    sprints: tuple[str, ...] = ()
    """The names of all sprints it is or was in, where `sprint` was asked for."""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The custom fields that were asked for and have values, as texts: (key as in `asked`, values), by key."""
    asked: frozenset[str] = frozenset()
    """What was asked for beyond the common fields: `sprint` and custom fields by `field_key`.

    A condition on one that is not in here is unknown: neither it nor its negation holds (DESIGN §3.5).
    """

    @property
    def closed(self) -> bool:
        """Whether nobody is expected to work on it any more."""
        return self.category is Category.DONE

    def values_of(self, key: str) -> tuple[str, ...]:
        """The values of the custom field of that key (see `field_key`); none where it was not asked for."""
        return next((values for name, values in self.extra if name == key), ())


@dataclass(frozen=True, slots=True)
class Lineage:
    """An issue's ancestors, nearest first. Each step holds those at one distance (Jira: always one).

    `missing` is the nearest ancestor that could not be read; `cycle` the key at which a circle was cut.
    """

    steps: tuple[tuple[Issue, ...], ...] = ()
    missing: Link | None = None
    cycle: str | None = None
    gap: int | None = None
    """How many steps lie nearer than the missing one, where others lie at its distance or beyond: an issue's project
    may be read where its parent may not. None: all of them."""
    beyond: tuple[tuple["Lineage", ...], ...] = ()
    """The lineage of each ancestor, where it is not just the rest of this one: a parent may lie in another project,
    and of two initiatives each has its own parents. Empty: it is."""

    def above(self, step: int, place: int = 0) -> "Lineage":
        """The lineage of the ancestor at `step` (0 is the nearest) that stands there at `place`."""
        return self.beyond[step][place] if self.beyond else self.rest(step)

    def rest(self, step: int) -> "Lineage":
        """What is left of this lineage past that step. Of an only ancestor that is its own, wherever it can be."""
        steps, further = self.steps[step + 1 :], self.beyond[step + 1 :]
        if self.beyond and len(self.steps[step]) == 1 and self.beyond[step][0].steps == steps:
            own = self.beyond[step][0]
            if own.missing == self.missing and own.gap == self._gap_past(step):
                return own
        if self.gap is not None and step >= self.gap:
            return Lineage(steps, None, self.cycle, None, further)
        return Lineage(steps, self.missing, self.cycle, self._gap_past(step), further)

    def refs(self) -> frozenset[IssueRef]:
        """All that it names."""
        return frozenset(ancestor.ref for step in self.steps for ancestor in step)

    def _gap_past(self, step: int) -> int | None:
        return None if self.gap is None else self.gap - step - 1


# --- the strategy -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """The whole days in UTC, both included, on which something is in effect. None: open on that side."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether `day` (in UTC) lies inside."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True, order=True)
class Accept:
    """One advice of `check` that an admin accepts where it stands, and why. Decisions know nothing of it."""

    advice: str
    why: str


@dataclass(frozen=True, slots=True)
class Metric:
    """The number that tells whether an outcome is reached."""

    name: str
    unit: str | None = None
    baseline: float | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """How often somebody asks whether the outcome still is the right one."""

    every: timedelta | None = None
    next: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A level below an outcome; its id is unique within it."""

    id: str
    title: str
    owner: str | None = None
    metric: Metric | None = None
    due: date | None = None
    window: Window = Window()
    accept: tuple[Accept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One of the three to five measurable results that the strategy promises."""

    id: str
    title: str
    owner: str
    metric: Metric | None = None
    due: date | None = None
    review: Review | None = None
    allocation: float | None = None
    """The share of work meant for it, as a fraction."""
    objectives: tuple[Objective, ...] = ()
    window: Window = Window()
    accept: tuple[Accept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Declared work that serves no outcome on purpose, with a budget (a fraction)."""

    id: str
    title: str
    owner: str
    budget: float | None = None
    accept: tuple[Accept, ...] = ()


@dataclass(frozen=True, slots=True)
class Focus:
    """The one outcome that matters most until a day."""

    outcome: str
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """The intent and all it is broken down into."""

    intent: str
    outcomes: tuple[Outcome, ...] = ()
    overhead: tuple[Overhead, ...] = ()
    focus: Focus | None = None
    accept: tuple[Accept, ...] = ()

    def outcome(self, outcome_id: str) -> Outcome | None:
        """The outcome of that id, if there is one."""
        return next((o for o in self.outcomes if o.id == outcome_id), None)


# --- the rules --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class ToOutcome:
    """The rule says: this serves an outcome, or one objective of it."""

    outcome: str
    objective: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class ToOverhead:
    """The rule says: this is declared overhead."""

    overhead: str


@dataclass(frozen=True, slots=True, order=True)
class ToExempt:
    """The rule says: this is out of scope, and why."""

    why: str


Target = ToOutcome | ToOverhead | ToExempt


class Form(StrEnum):
    """How a text in a condition is meant."""

    TEXT = "text"
    """Equal to the whole value."""
    GLOB = "glob"
    """Equal, `*` standing for any run of characters."""
    REGEX = "re"
    """An RE2 search in the raw value."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One text of a condition, without its `re:`."""

    form: Form
    text: str

    def __str__(self) -> str:
        """As the admin wrote it."""
        return f"re:{self.text}" if self.form is Form.REGEX else self.text


FieldName = Literal[
    "label", "title", "type", "status", "status_category", "priority", "project", "team", "component", "fix_version",
    "sprint", "tracker", "key",
]  # fmt: skip
CUSTOM: Final = "field."
"""How the names of custom fields begin in conditions: `field.Squad`."""
Relation = Literal["parent", "epic", "initiative", "ancestor"]


@dataclass(frozen=True, slots=True)
class Has:
    """A field has a value that fits one of the patterns."""

    field: str
    """A `FieldName`, or `field.` and the display name of a custom field."""
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Of:
    """An ancestor in that relation meets the condition. Without such an ancestor it is false."""

    relation: Relation
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """Not one of the conditions holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Cel:
    """A CEL expression over the issue is true (see `syncd.core.cel`)."""

    expression: str


Condition = Has | Of | AllOf | AnyOf | NoneOf | Cel


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Conditions → a target. `exact` switches the folding of texts off."""

    id: str
    target: Target
    when: Condition
    priority: int = 0
    default: bool = False
    exact: bool = False
    owner: str | None = None
    window: Window = Window()
    accept: tuple[Accept, ...] = ()
    where: str = ""
    """`file:line` of the rule, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All rules and the strategy at one version (a hash of both files' content as it was read)."""

    version: str
    strategy: Strategy
    rules: tuple[Rule, ...] = ()

    def in_effect(self, day: date) -> tuple[Rule, ...]:
        """The rules that may match on that day: inside their own dates and their target's."""
        return tuple(r for r in self.rules if r.window.holds(day) and self._target_holds(r.target, day))

    def _target_holds(self, target: Target, day: date) -> bool:
        if not isinstance(target, ToOutcome):
            return True
        outcome = self.strategy.outcome(target.outcome)
        if outcome is None or not outcome.window.holds(day):
            return False
        if target.objective is None:
            return True
        return any(o.id == target.objective and o.window.holds(day) for o in outcome.objectives)


# --- the verdicts -----------------------------------------------------------------------------------------


class Evidence(NamedTuple):
    """Why something spoke, in words a person understands, with the values seen."""

    source: str
    """The rule's id, or `override`."""
    key: str
    """The key of the issue it spoke on: the issue itself or an ancestor."""
    texts: tuple[str, ...]
    """One per condition met, such as: label "SRE" matches "sre"."""


class Candidate(NamedTuple):
    """One of the targets that disagree, with all that spoke for it."""

    target: Target
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """It serves that outcome."""

    outcome: str
    objective: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """People or rules of equal standing disagree. Nobody guesses."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Nothing spoke. `incomplete`: an ancestor that might have spoken could not be read."""

    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Exempt:
    """Declared overhead (its id), or out of scope by rule (`overhead` is None); `why` in a person's words."""

    overhead: str | None
    why: str


Verdict = Mapped | Conflict | Unmapped | Exempt


class Via(StrEnum):
    """The level that decided."""

    OVERRIDE = "override"
    RULE = "rule"
    INHERITED = "inherited"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict for one issue under one rulebook, with its evidence."""

    ref: IssueRef
    verdict: Verdict
    via: Via | None = None
    evidence: tuple[Evidence, ...] = ()
    spoke: IssueRef | None = None
    """The ancestor that decided, when inherited."""
    cause: str | None = None
    """What a conflict comes from: `rules a + b`, or `issue KEY` when inherited. One cause, one finding."""
    diverges_from: str | None = None
    """Mapped otherwise than its nearest speaking ancestor: that ancestor's key."""

    @property
    def pair(self) -> tuple[str, str | None]:
        """The verdict as (kind, outcome): what counts as changed, and what does not (DESIGN §4)."""
        return verdict_pair(self.verdict)


def verdict_pair(verdict: Verdict) -> tuple[str, str | None]:
    """(kind, outcome): kind is `mapped`, `conflict`, `unmapped`, `incomplete` or `exempt`."""
    match verdict:
        case Mapped(outcome=outcome):
            return ("mapped", outcome)
        case Conflict():
            return ("conflict", None)
        case Unmapped(incomplete=incomplete):
            return ("incomplete" if incomplete else "unmapped", None)
        case Exempt(overhead=overhead):
            return ("exempt", overhead)


class OverrideSource(StrEnum):
    """How a person said it."""

    MARK = "mark"
    COMMAND = "command"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's word on one issue. `mark` is the label that says it, when one does."""

    ref: IssueRef
    target: Target | None
    """None: `auto`, the rules decide, whatever was said before."""
    source: OverrideSource
    author: str
    at: datetime
    reason: str | None = None
    expires: datetime | None = None
    mark: str | None = None

    def stands(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < self.expires


class Origin(StrEnum):
    """Why a verdict came to be what it is: what a guard weighs together, and what a comment may be due to."""

    ISSUE = "issue"
    """Somebody created or changed that very issue."""
    ANCESTOR = "ancestor"
    """Somebody changed an ancestor."""
    FIRST = "first"
    """First observation of a project, or the issue came into scope."""
    RULEBOOK = "rulebook"
    """The rules, the strategy, or their dates changed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision with its history: since when that (kind, outcome) holds, why, and how fresh the issue was then."""

    decision: Decision
    since: datetime
    """When that pair was first seen."""
    origin: Origin
    changed: datetime
    """`updated` of the issue when the pair was first seen: was somebody still typing?"""
    version: str
    """The rulebook version it was last decided under."""


# --- what syncd left behind -------------------------------------------------------------------------------


class Proof(StrEnum):
    """How sure syncd is that what it wrote is there."""

    SENT = "sent"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class StickyComment:
    """The one comment of syncd's on an issue, and a digest of what it says."""

    id: str
    digest: str
    pair: tuple[str, str | None] | None = None
    """The verdict pair that it was last written for, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What syncd last wrote on an issue: the third leg of every plan."""

    ref: IssueRef
    mark: str | None
    proof: Proof
    revision: int
    """Grows with every settled write; a write's identity derives from it."""
    at: datetime
    """When it was written, on the tracker's clock."""
    was: str | None = None
    """The mark that this write took off: a lagging row may still show it."""
    shown: datetime | None = None
    """`updated` of the row that first showed the mark."""
    tries: int = 1
    """How often this state was written, counting one more after a write that got lost."""
    declined: tuple[str, str | None] | None = None
    """A person took the mark off while this verdict pair stood: it stays off until the pair changes."""
    declined_by: str | None = None
    """Who that was, where it is known."""
    comment: StickyComment | None = None
    tried: tuple[str | None, str | None] | None = None
    """(put on, taken off) by the write that got lost: `tries` counts the writes of that very state."""
    hushed: tuple[str, str | None] | None = None
    """A person deleted the comment while this verdict pair stood: it stays away until the pair changes."""
    bare: bool = False
    """The mark was taken over as it was found: no copy in the tracker tells of it."""
    left: tuple[str, ...] = ()
    """Marks that an app or a customer put on: known, and left alone."""
    recalled: bool = False
    """Taken over from the tracker: a comment of ours may stand there that this store knows nothing of."""


# --- a plan -----------------------------------------------------------------------------------------------

ActionKind = Literal["mark", "comment", "uncomment", "unsign"]
"""`unsign` takes off the copy that travels with a mark, once the mark is gone: only `syncd withdraw` does that."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in a comment."""

    text: str
    style: Literal["plain", "strong", "code"] = "plain"


@dataclass(frozen=True, slots=True)
class Comment:
    """What the sticky comment says, free of any tracker's markup: paragraphs of runs."""

    paragraphs: tuple[tuple[Run, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One write to one issue, with its why."""

    ref: IssueRef
    key: str
    project: str
    kind: ActionKind
    why: str
    revision: int
    """The revision of `applied` it starts from."""
    origin: Origin
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    comment: Comment | None = None
    comment_id: str | None = None
    """The comment to edit or to remove; None: create one."""
    pair: tuple[str, str | None] | None = None
    """The verdict pair that it is written for. No part of what names a write."""
    notifies: tuple[str, ...] = ()
    """Who is told of it, if it mails: assignee and reporter, by folded name. No part of what names a write."""
    rules: tuple[str, ...] = ()
    """The rules that spoke in what a comment says. No part of what names a write."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A write not made, with its why. `lasting`: only an edit of the issue or of the settings can change that."""

    ref: IssueRef
    key: str
    why: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered writes that close the gap between what is decided and what is there."""

    actions: tuple[Action, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a plan waits for a person: see `syncd.core.plan.guard`."""

    share: float = 0.3
    actions: int = 500
    always: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A plan that breaks the limits and waits for a person, in numbers."""

    tracker: str
    reason: str
    digest: str
    counts: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a write was done: when, on the tracker's clock, and the comment's id where one was written."""

    at: datetime
    comment_id: str | None = None
    lacks: str = ""
    """What should have gone with it and was refused, for a person: the write itself was done."""
    mailed: bool = False
    """It told people though it should be silent: `marks.mail` allows that where silence is not."""


# --- findings ---------------------------------------------------------------------------------------------


FindingKind = Literal[
    "conflict", "divergence", "drift", "denied", "unreadable", "foreign", "unknown-mark", "lost-write", "cycle",
    "unknown-field", "cel", "twin", "census", "index-lag", "hidden", "not-read", "automation", "second-store",
    "override", "dispute",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should settle. `kind` and `cause` name it: a second one of the same name is the same."""

    tracker: str
    kind: FindingKind
    cause: str
    text: str
    """What is wrong and what to do, for a person."""
    key: str | None = None
    owner: str | None = None
    """Who should settle it: one name, or several between commas."""
    issue: str | None = None
    """The id of the issue it is about, if it closes when that issue has been looked at and shows it no more."""
