"""What a person should settle: who should, at which level, until when. Pure; docs/findings.md says it in words.

A finding names its kind, its cause and its owner. Level and deadline follow from the kind and the cause alone, so that
they are the same wherever it is shown, and an older store needs no repair.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Final

from syncd.core.comments import target_words
from syncd.core.marks import is_outcome_mark, outcome_of_mark, wanted_mark
from syncd.core.model import (
    Applied,
    Conflict,
    Decision,
    Finding,
    FindingKind,
    Issue,
    Lineage,
    Mapped,
    Override,
    Proof,
    Rulebook,
    Strategy,
    Target,
    ToOutcome,
    ToOverhead,
)
from syncd.core.plan import given_up
from syncd.core.ports import MarkNames
from syncd.core.witness import UNKNOWN_AUTHOR, Reading


class Level(IntEnum):
    """From how high up it is to be settled, in feet."""

    ENGINEER = 5_000
    EPIC_OWNER = 10_000
    TEAM_LEAD = 20_000
    OUTCOME_OWNERS = 30_000


LEVELS: Final[Mapping[FindingKind, Level]] = {
    "conflict": Level.OUTCOME_OWNERS,
    "divergence": Level.EPIC_OWNER,
    "drift": Level.OUTCOME_OWNERS,
    "denied": Level.TEAM_LEAD,
    "unreadable": Level.TEAM_LEAD,
    "foreign": Level.TEAM_LEAD,
    "unknown-mark": Level.ENGINEER,
    "lost-write": Level.TEAM_LEAD,
    "cycle": Level.EPIC_OWNER,
    "unknown-field": Level.OUTCOME_OWNERS,
    "cel": Level.OUTCOME_OWNERS,
    "twin": Level.TEAM_LEAD,
    "census": Level.TEAM_LEAD,
    "index-lag": Level.TEAM_LEAD,
    "hidden": Level.TEAM_LEAD,
    "not-read": Level.TEAM_LEAD,
    "automation": Level.TEAM_LEAD,
    "second-store": Level.TEAM_LEAD,
    "override": Level.OUTCOME_OWNERS,
    "dispute": Level.OUTCOME_OWNERS,
    "token-expires": Level.TEAM_LEAD,
    "public-comment": Level.TEAM_LEAD,
}
"""Who settles each kind, unless its cause says otherwise (`level_of`)."""

STOPS_WRITING: Final = frozenset[FindingKind](
    {"denied", "second-store", "hidden", "census", "not-read", "public-comment"}
)
"""Kinds that keep syncd from its work: to be settled within a day."""
EXPOSED: Final = "public-comment"
"""The kind of finding that keeps comments off in a project, which is its cause."""
DUE: Final[Mapping[Level, timedelta]] = {
    Level.ENGINEER: timedelta(days=7),
    Level.EPIC_OWNER: timedelta(days=14),
    Level.TEAM_LEAD: timedelta(days=14),
    Level.OUTCOME_OWNERS: timedelta(days=30),
}
"""How long a finding may stand at each level."""
MARK_KINDS: Final[tuple[FindingKind, ...]] = (
    "drift", "foreign", "unknown-mark", "lost-write", "automation", "override", "dispute",
)  # fmt: skip
"""Kinds that one look at an issue opens and closes."""
DECIDED_KINDS: Final[tuple[FindingKind, ...]] = ("cycle",)
"""Kinds that deciding an issue opens and closes."""


def level_of(finding: Finding) -> Level:
    """Who settles it. A conflict below one epic or project is its owner's; one between two people's marks is theirs."""
    if finding.kind == "conflict" and finding.cause.startswith(("issue ", "project-")):
        return Level.EPIC_OWNER
    if finding.kind == "conflict" and finding.cause.startswith("overrides on "):
        return Level.ENGINEER
    return LEVELS[finding.kind]


def deadline_of(finding: Finding, opened: datetime) -> datetime:
    """Until when it should be settled."""
    return opened + (timedelta(days=1) if finding.kind in STOPS_WRITING else DUE[level_of(finding)])


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A finding with its clock."""

    finding: Finding
    level: Level
    opened: datetime
    deadline: datetime

    def age(self, now: datetime) -> timedelta:
        """How long it has been open."""
        return now - self.opened


def ranked(findings: Sequence[tuple[datetime, Finding]], level: int | None = None) -> list[OpenFinding]:
    """Open findings, or those of one level, highest level first, then by deadline."""
    told = [OpenFinding(f, level_of(f), opened, deadline_of(f, opened)) for opened, f in findings]
    chosen = [one for one in told if level is None or one.level == level]
    return sorted(chosen, key=lambda one: (-one.level, one.deadline, one.finding.kind, one.finding.cause))


# --- on one issue -----------------------------------------------------------------------------------------


def mark_findings(
    issue: Issue,
    reading: Reading,
    decision: Decision,
    overrides: Sequence[Override],
    *,
    names: MarkNames,
    rulebook: Rulebook,
    day: date,
) -> Iterator[Finding]:
    """What a person should know about the marks on an issue and about what people said on it: all that holds now."""
    strategy = rulebook.strategy
    if reading.foreign is not None:
        other = f'{issue.key} is marked by another installation of syncd, "{reading.foreign}"; it is left alone'
        yield about(issue, "foreign", other)
    yield from _about_ours(issue, reading, decision, names, rulebook)
    for mark in reading.hand:
        if is_outcome_mark(mark, names) and outcome_of_mark(mark, names, strategy) is None:
            unknown = f'{issue.key} bears "{mark}", which names no outcome of the strategy; it is left alone'
            yield about(issue, "unknown-mark", unknown, f"{issue.key} {mark}", _assignee(issue))
    for mark in reading.left:
        if outcome_of_mark(mark, names, strategy) is not None:
            app = f'an app or a customer put "{mark}" on {issue.key}: it is nobody\'s word, and left alone'
            yield about(issue, "automation", f"{app}. Let the rules say it, or a person", f"{issue.key} {mark}")
    for word in overrides:
        yield from _about_dates(issue, word, strategy, day)


def _about_ours(
    issue: Issue, reading: Reading, decision: Decision, names: MarkNames, rulebook: Rulebook
) -> Iterator[Finding]:
    applied, wanted = reading.applied, wanted_mark(decision.verdict, names)
    if applied is None:
        return
    if applied.mark is None and applied.declined == decision.pair and wanted is not None and not reading.doubt:
        who = applied.declined_by or "a person"
        text = f"{who} took our mark off {issue.key}; it stays off until the verdict changes. Is the rule right?"
        yield about(issue, "drift", text, owner=", ".join(owners_of(decision, rulebook)) or None)
    if _is_lost(applied, wanted):
        lost = f"{issue.key} was labelled twice, the tracker acknowledged it, and the label is not there"
        yield about(issue, "lost-write", f"{lost}: look for an automation that takes it off")


def _is_lost(applied: Applied, wanted: str | None) -> bool:
    return applied.proof is Proof.SEEN and applied.mark != wanted and given_up(applied, wanted, applied.mark)


def _about_dates(issue: Issue, word: Override, strategy: Strategy, day: date) -> Iterator[Finding]:
    """A person's word stands, also where the strategy has moved on."""
    if not isinstance(word.target, ToOutcome):
        return
    outcome = strategy.outcome(word.target.outcome)
    if outcome is not None and outcome.window.holds(day):
        return
    what = "is no outcome of the strategy any more" if outcome is None else "is outside its dates"
    who = "somebody" if word.author == UNKNOWN_AUTHOR else word.author
    text = f"{issue.key} is overridden to {word.target.outcome} by {who}, and that {what}: say another, or let it go"
    owner = None if outcome is None else outcome.owner
    yield about(issue, "override", text, f"{issue.key} {word.target.outcome}", owner)


def cycle_findings(issue: Issue, lineage: Lineage) -> Iterator[Finding]:
    """Parents that go round in a circle: one finding, whoever of them is looked at."""
    if lineage.cycle is None:
        return
    chain = [issue, *(step[0] for step in lineage.steps if step)]
    start = next((n for n, one in enumerate(chain) if one.key == lineage.cycle), 0)
    ring = sorted(chain[start:], key=lambda one: one.ref)
    keys = ", ".join(one.key for one in ring)
    text = f"{ring[0].key} is its own ancestor (through {keys}): give one of them another parent"
    yield about(ring[0], "cycle", text, owner=_assignee(ring[0]))


def about(issue: Issue, kind: FindingKind, text: str, cause: str | None = None, owner: str | None = None) -> Finding:
    """A finding about one issue, which closes when a look at it shows it no more."""
    return Finding(
        tracker=issue.ref.tracker,
        kind=kind,
        cause=cause or issue.key,
        text=text,
        key=issue.key,
        owner=owner,
        issue=issue.ref.id,
    )


# --- by cause ---------------------------------------------------------------------------------------------


def conflict_finding(count: int, key: str, decision: Decision, strategy: Strategy) -> Finding:
    """One for each cause, with everybody who must agree.

    Args:
        count: how many open issues hang on it.
        key: one of them.
        decision: of that one.
        strategy: whose owners are named.
    """
    candidates = decision.verdict.candidates if isinstance(decision.verdict, Conflict) else ()
    sides = [(target_words(c.target, strategy), owner_of(c.target, strategy)) for c in candidates]
    claims = "; ".join(f"{words} (owner {owner or 'unknown'})" for words, owner in sides)
    work = f"{key} is claimed" if count == 1 else f"{count} open issues, such as {key}, are claimed"
    owners = ", ".join(sorted({owner for _, owner in sides if owner is not None}))
    return Finding(
        tracker=decision.ref.tracker,
        kind="conflict",
        cause=decision.cause or key,
        text=f"{work} by more than one ({decision.cause}): {claims}. Decide together: edit the rules, or override",
        key=key,
        owner=owners or None,
    )


def finding_of_cause(tracker: str, cause: str) -> Finding:
    """What names the finding of a conflict's cause: enough to close it."""
    return Finding(tracker=tracker, kind="conflict", cause=cause, text="")


def finding_of_divergence(tracker: str, above: str) -> Finding:
    """What names the finding that something below the ancestor of that key is mapped otherwise: enough to close it."""
    return Finding(tracker=tracker, kind="divergence", cause=f"issue {above}", text="")


def divergence_finding(count: int, key: str, decision: Decision, ancestor: Issue | None) -> Finding:
    """One for each ancestor that something below it is mapped otherwise than."""
    above = decision.diverges_from or ""
    outcome = decision.verdict.outcome if isinstance(decision.verdict, Mapped) else "another"
    what = f"{key} serves {outcome}" if count == 1 else f"{count} open issues, such as {key} ({outcome}), serve others"
    return Finding(
        tracker=decision.ref.tracker,
        kind="divergence",
        cause=f"issue {above}",
        text=f"{what}, otherwise than {above} above: see whether it belongs there",
        key=above,
        owner=None if ancestor is None else _assignee(ancestor),
    )


def owner_of(target: Target, strategy: Strategy) -> str | None:
    """Who owns an outcome or an overhead."""
    if isinstance(target, ToOutcome):
        outcome = strategy.outcome(target.outcome)
        return None if outcome is None else outcome.owner
    if isinstance(target, ToOverhead):
        return next((one.owner for one in strategy.overhead if one.id == target.overhead), None)
    return None


def owners_of(decision: Decision, rulebook: Rulebook) -> list[str]:
    """Who owns the rules that decided, else the outcome."""
    rules = {rule.id: rule for rule in rulebook.rules}
    spoke = [rules[e.source] for e in decision.evidence if e.source in rules]
    owners = {rule.owner or owner_of(rule.target, rulebook.strategy) for rule in spoke}
    if not owners and isinstance(decision.verdict, Mapped):
        owners = {owner_of(ToOutcome(decision.verdict.outcome), rulebook.strategy)}
    return sorted(owner for owner in owners if owner is not None)


def _assignee(issue: Issue) -> str | None:
    person = issue.assignee or issue.reporter
    return None if person is None else person.name
