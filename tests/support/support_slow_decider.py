"""DESIGN §4 once more, as plain loops: no index, no compiled patterns, no code of syncd's but the nouns.

It was written from the page alone, so that the fast decider can be held against it. It says which verdict, by which
level, and which rules or overrides spoke; how that is worded is not its business.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from syncd.core.model import (
    AllOf,
    AnyOf,
    Condition,
    Form,
    Has,
    Issue,
    IssueRef,
    Lineage,
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


@dataclass(frozen=True, slots=True)
class Word:
    """One thing said at one level: by a rule's id or `override`."""

    source: str
    target: Target


def slow_decide(
    issue: Issue,
    lineage: Lineage,
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
    for step in range(len(lineage.steps)):
        together: list[Word] = []
        speakers: list[Issue] = []
        for ancestor in lineage.steps[step]:
            spoken = words_of_people(ancestor, overrides, now)
            if not spoken:
                spoken = words_of_rules(ancestor, lineage.above(step), rulebook, day, default=False)
            if spoken:
                speakers.append(ancestor)
                together += spoken
        if together:
            return answer(together, "inherited", speakers[0].ref)
    if lineage.missing is not None:
        return Answer("incomplete", None, None, None, None, frozenset())
    said = words_of_rules(issue, lineage, rulebook, day, default=True)
    if said:
        return answer(said, "default")
    return Answer("unmapped", None, None, None, None, frozenset())


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
        return [Word("override", o.target) for o in marks]
    if not marks or commands[-1].at > max(o.at for o in marks):
        return [Word("override", commands[-1].target)]
    return [Word("override", o.target) for o in marks if o.at >= commands[-1].at]


def words_of_rules(issue: Issue, lineage: Lineage, rulebook: Rulebook, day: date, *, default: bool) -> list[Word]:
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


def truth(condition: Condition, issue: Issue, lineage: Lineage, *, exact: bool) -> Truth:
    """True, False, or None where only an unreadable ancestor knows."""
    if isinstance(condition, Has):
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


def truth_above(condition: Of, issue: Issue, lineage: Lineage, *, exact: bool) -> Truth:
    """Whether an ancestor in that relation meets the condition."""
    found: list[tuple[int, Issue]] = []
    for step, ancestors in enumerate(lineage.steps):
        for ancestor in ancestors:
            if condition.relation == "parent" and step == 0:
                found.append((step, ancestor))
            if condition.relation == "epic" and ancestor.level == 1 and all(s == step for s, _ in found):
                found.append((step, ancestor))
            if condition.relation == "initiative" and ancestor.level >= 2:
                found.append((step, ancestor))
            if condition.relation == "ancestor":
                found.append((step, ancestor))
    parts = [truth(condition.condition, a, lineage.above(step), exact=exact) for step, a in found]
    if True in parts:
        return True
    return None if None in parts or may_be_missing(condition.relation, issue, lineage, found=bool(found)) else False


def may_be_missing(relation: str, issue: Issue, lineage: Lineage, *, found: bool) -> bool:
    """Whether the unreadable ancestor may be one in that relation."""
    if lineage.missing is None:
        return False
    if relation == "parent":
        return not lineage.steps
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
        return [issue.project, issue.project_name]
    many = {"label": issue.labels, "component": issue.components, "fix_version": issue.fix_versions}
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
