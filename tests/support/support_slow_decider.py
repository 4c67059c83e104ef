"""DESIGN §4 once more, as plain loops: no index, no compiled patterns, no code of syncd's but the nouns.

It was written from the page alone, so that the fast decider can be held against it. It says which verdict, by which
level, and which rules or overrides spoke; how that is worded is not its business.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from syncd.core.model import (
    AllOf,
    AnyOf,
    Condition,
    Form,
    Has,
    Issue,
    IssueRef,
    Link,
    NoneOf,
    Of,
    Override,
    OverrideSource,
    Pattern,
    Rule,
    Rulebook,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
)

STAR = "\ue000"
"""Stands in for a glob's star while its text is folded."""

Truth = bool | None
"""None: unknown, because an ancestor cannot be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What DESIGN §4 says: (kind, outcome), the objective shown, the level, who spoke and by what."""

    kind: str
    outcome: str | None
    objective: str | None
    via: str | None
    spoke: IssueRef | None
    sources: frozenset[str]


class Above(Protocol):
    """What of a lineage is looked at: steps, each with the lineage of everybody in it, and what could not be read."""

    @property
    def steps(self) -> Sequence[Sequence[Issue]]: ...
    @property
    def missing(self) -> Link | None: ...
    @property
    def gap(self) -> int | None: ...
    def above(self, step: int, place: int = 0) -> "Above": ...


@dataclass(frozen=True, slots=True)
class Word:
    """One thing said at one level: by a rule's id or `override`."""

    source: str
    target: Target


def slow_decide(
    issue: Issue,
    lineage: Above,
    rulebook: Rulebook,
    overrides: Mapping[IssueRef, Sequence[Override]],
    *,
    now: datetime,
    day: date,
) -> Answer:
    """The five levels, strongest first; the first that says anything decides."""
    said = words_of_people(issue, overrides, now)
    if said:
        return answer(said, "override")
    said = words_of_rules(issue, lineage, rulebook, day, default=False)
    if said:
        return answer(said, "rule")
    said, speaker = words_above(lineage, rulebook, overrides, now=now, day=day)
    if said and speaker is not None:
        return answer(said, "inherited", speaker)
    if lineage.missing is not None:
        return Answer("incomplete", None, None, None, None, frozenset())
    said = words_of_rules(issue, lineage, rulebook, day, default=True)
    if said:
        return answer(said, "default")
    return Answer("unmapped", None, None, None, None, frozenset())


def words_above(
    lineage: Above,
    rulebook: Rulebook,
    overrides: Mapping[IssueRef, Sequence[Override]],
    *,
    now: datetime,
    day: date,
) -> tuple[list[Word], IssueRef | None]:
    """What the nearest ancestors that say anything say, and the first of them; nothing past what cannot be read."""
    for step in range(len(lineage.steps)):
        if lost_at(lineage) == step:
            break
        together: list[Word] = []
        speakers: list[Issue] = []
        for place, ancestor in enumerate(lineage.steps[step]):
            spoken = words_of_people(ancestor, overrides, now)
            if not spoken:
                spoken = words_of_rules(ancestor, lineage.above(step, place), rulebook, day, default=False)
            if spoken:
                speakers.append(ancestor)
                together += spoken
        if together:
            return together, speakers[0].ref
    return [], None


def lost_at(lineage: Above) -> int | None:
    """The step at whose distance an ancestor could not be read."""
    if lineage.missing is None:
        return None
    return len(lineage.steps) if lineage.gap is None else lineage.gap


def answer(said: Sequence[Word], via: str, spoke: IssueRef | None = None) -> Answer:
    """All agree, or it is a conflict."""
    sources = frozenset(word.source for word in said)
    sides = {side(word.target) for word in said}
    if len(sides) > 1:
        return Answer("conflict", None, None, via, spoke, sources)
    kind, name = sides.pop()
    finer = {w.target.objective for w in said if isinstance(w.target, ToOutcome) and w.target.objective is not None}
    objective = finer.pop() if len(finer) == 1 else None
    return Answer(kind, name, objective, via, spoke, sources)


def side(target: Target) -> tuple[str, str | None]:
    """What two targets must share to agree."""
    if isinstance(target, ToOutcome):
        return ("mapped", target.outcome)
    if isinstance(target, ToOverhead):
        return ("exempt", target.overhead)
    if isinstance(target, ToExempt):
        return ("exempt", None)
    raise TypeError(target)


def words_of_people(issue: Issue, overrides: Mapping[IssueRef, Sequence[Override]], now: datetime) -> list[Word]:
    """Marks that people put on speak together; between a mark and a command the later one wins."""
    standing = [o for o in overrides.get(issue.ref, ()) if o.expires is None or now < o.expires]
    marks = [o for o in standing if o.source is OverrideSource.MARK]
    commands = sorted((o for o in standing if o.source is not OverrideSource.MARK), key=lambda o: o.at)
    if not commands:
        return said(marks)
    if not marks or commands[-1].at > max(o.at for o in marks):
        return said(commands[-1:])  # a latest `auto` says nothing, and nothing of what was said before counts
    return said([o for o in marks if o.at >= commands[-1].at])


def said(overrides: Sequence[Override]) -> list[Word]:
    return [Word("override", o.target) for o in overrides if o.target is not None]


def words_of_rules(issue: Issue, lineage: Above, rulebook: Rulebook, day: date, *, default: bool) -> list[Word]:
    """The matching rules of the highest priority at that level."""
    matching = [
        rule
        for rule in rulebook.rules
        if rule.default is default
        and in_dates(rule, rulebook, day)
        and truth(rule.when, issue, lineage, exact=rule.exact) is True
    ]
    top = max((rule.priority for rule in matching), default=0)
    return [Word(rule.id, rule.target) for rule in matching if rule.priority == top]


def in_dates(rule: Rule, rulebook: Rulebook, day: date) -> bool:
    """Whether the rule, its outcome and its objective are all in effect, both days included."""
    windows = [rule.window]
    if isinstance(rule.target, ToOutcome):
        for outcome in rulebook.strategy.outcomes:
            if outcome.id == rule.target.outcome:
                windows.append(outcome.window)
                windows += [o.window for o in outcome.objectives if o.id == rule.target.objective]
    for window in windows:
        if window.first is not None and day < window.first:
            return False
        if window.last is not None and day > window.last:
            return False
    return True


def truth(condition: Condition, issue: Issue, lineage: Above, *, exact: bool) -> Truth:
    """True, False, or None where only an unreadable ancestor knows."""
    if isinstance(condition, Has):
        if (condition.field == "sprint" or condition.field.startswith("field.")) and (
            condition.field.casefold() not in issue.asked
        ):
            return None
        return any(fits(v, p, condition.field, exact=exact) for v in values(issue, condition.field)
                   for p in condition.patterns)  # fmt: skip
    if isinstance(condition, Of):
        return truth_above(condition, issue, lineage, exact=exact)
    if isinstance(condition, AllOf | AnyOf | NoneOf):
        return together(condition, [truth(part, issue, lineage, exact=exact) for part in condition.conditions])
    raise TypeError(condition)


def together(condition: AllOf | AnyOf | NoneOf, parts: Sequence[Truth]) -> Truth:
    """Kleene's tables: what is certain whatever the unknown parts may be, else unknown."""
    if isinstance(condition, AllOf):
        if False in parts:
            return False
        return None if None in parts else True
    if True in parts:
        return isinstance(condition, AnyOf)
    if None in parts:
        return None
    return isinstance(condition, NoneOf)


def truth_above(condition: Of, issue: Issue, lineage: Above, *, exact: bool) -> Truth:
    """Whether an ancestor in that relation meets the condition."""
    found: list[tuple[int, int, Issue]] = []
    for step, ancestors in enumerate(lineage.steps):
        for place, ancestor in enumerate(ancestors):
            here = (step, place, ancestor)
            if condition.relation == "parent" and step == 0 and ancestor.ref.id not in [w.id for w in issue.within]:
                found.append(here)
            if condition.relation == "epic" and ancestor.level == 1 and all(s == step for s, _, _ in found):
                found.append(here)
            if condition.relation == "initiative" and ancestor.level >= 2:
                found.append(here)
            if condition.relation == "ancestor":
                found.append(here)
    parts = [truth(condition.condition, a, lineage.above(step, place), exact=exact) for step, place, a in found]
    if True in parts:
        return True
    return None if None in parts or may_be_missing(condition.relation, issue, lineage, found=bool(found)) else False


def may_be_missing(relation: str, issue: Issue, lineage: Above, *, found: bool) -> bool:
    """Whether the unreadable ancestor may be one in that relation."""
    if lineage.missing is None:
        return False
    if relation == "parent":
        return lost_at(lineage) == 0 and lineage.missing not in issue.within
    if relation == "initiative" and lost_at(lineage) != len(lineage.steps):
        # What is lost below a project is a parent; what is lost beside an initiative is one.
        return lineage.steps[lost_at(lineage) or 0][0].level > 1
    if relation == "epic":
        # What stands above an epic is no epic: levels rise with every step up.
        nearest = lineage.steps[-1][0] if lineage.steps else issue
        return not found and nearest.level < 1
    return True


def values(issue: Issue, field: str) -> list[str]:
    """What the issue has in that field."""
    single = {
        "title": issue.title,
        "type": issue.type,
        "status": issue.status,
        "status_category": str(issue.category.value),
        "tracker": issue.ref.tracker,
        "key": issue.key,
    }
    if field in single:
        return [single[field]]
    if field == "priority":
        return [] if issue.priority is None else [issue.priority]
    if field == "project":
        if issue.team:
            return [issue.project_name] if issue.project_name else []
        return [issue.project, issue.project_name]
    if field.startswith("field."):
        return [value for name, some in issue.extra if name == field.casefold() for value in some]
    many = {
        "sprint": issue.sprints,
        "team": issue.team,
        "label": issue.labels,
        "component": issue.components,
        "fix_version": issue.fix_versions,
    }
    return list(many[field])


def fits(value: str, pattern: Pattern, field: str, *, exact: bool) -> bool:
    """Whether one value fits one pattern."""
    if pattern.form is Form.REGEX:
        return re.search(pattern.text, value) is not None
    seen = value if exact else folded(value, field)
    if pattern.form is Form.TEXT:
        return seen == (pattern.text if exact else folded(pattern.text, field))
    starred = pattern.text.replace("*", STAR)
    parts = (starred if exact else folded(starred, field)).split(STAR)
    return re.fullmatch(".*".join(re.escape(part) for part in parts), seen, re.DOTALL) is not None


def folded(text: str, field: str) -> str:
    """NFKC, casefolded, stripped; labels also without trailing commas, full stops and semicolons."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
    if field == "label":
        while text and (text[-1] in ",.;" or text[-1].isspace()):
            text = text[:-1]
    return text


# --- Linear's lineage -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """The lineage of one issue of a small world, walked anew at every question; worlds without circles only."""

    issue: Issue
    world: Mapping[str, Issue]
    """All that can be read, by id."""

    def walk(self) -> tuple[list[list[Issue]], Link | None, int | None]:
        """The steps; what could not be read, and at which step.

        The parent issues upward; then the issue's project, or its nearest parent's; then that project's initiatives,
        all at one level; then their parents.
        """
        steps: list[list[Issue]] = []
        lost: list[tuple[int, Link]] = []
        around = list(self.issue.within)
        at = self.issue.parent
        while at is not None:
            if (at.id or "") not in self.world:
                lost.append((len(steps), at))
                break
            parent = self.world[at.id or ""]
            steps.append([parent])
            around = around or list(parent.within)
            at = parent.parent
        passed = {one.ref.id for step in steps for one in step}
        while around:
            ids = sorted({link.id or "" for link in around} - passed)
            passed |= set(ids)
            lost += [(len(steps), Link(id_, _key(around, id_))) for id_ in ids if id_ not in self.world]
            level = [self.world[id_] for id_ in ids if id_ in self.world]
            if level:
                steps.append(level)
            around = [link for one in level for link in one.within]
        return (steps, lost[0][1], lost[0][0]) if lost else (steps, None, None)

    @property
    def steps(self) -> list[list[Issue]]:
        return self.walk()[0]

    @property
    def missing(self) -> Link | None:
        return self.walk()[1]

    @property
    def gap(self) -> int | None:
        return self.walk()[2]

    def above(self, step: int, place: int = 0) -> "Family":
        return Family(self.steps[step][place], self.world)


def _key(links: Sequence[Link], id_: str) -> str | None:
    return next(link.key for link in links if link.id == id_)
