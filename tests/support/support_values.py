"""Values of the core, made in one line each: a test says what matters to it, the rest is ordinary."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from syncd.core.decide import Decider
from syncd.core.match import Matcher
from syncd.core.model import (
    Action,
    AllOf,
    AnyOf,
    Applied,
    Category,
    Condition,
    Copy,
    Decision,
    Exempt,
    FieldName,
    Form,
    Has,
    Issue,
    IssueRef,
    Lineage,
    Link,
    Mapped,
    NoneOf,
    Objective,
    Of,
    Origin,
    Outcome,
    Overhead,
    Override,
    OverrideSource,
    Pattern,
    Proof,
    Relation,
    Rule,
    Rulebook,
    Standing,
    Strategy,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
    Verdict,
    Via,
    Window,
)
from syncd.core.plan import Case, Policy, Write
from syncd.core.ports import MarkNames, Signature
from syncd.core.witness import Reading

TRACKER = "acme-jira"
NOW = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
DAY = NOW.date()
OVERLAP = timedelta(minutes=5)
LONG_AGO = NOW - timedelta(days=30)
NAMES = MarkNames()
OURS = Signature("acme", "instance-1")

OUTCOMES = (
    Outcome(
        id="reliability",
        title="Payments never go down",
        owner="maria@acme.example",
        allocation=0.3,
        objectives=(Objective(id="failover", title="Fail over"), Objective(id="capacity", title="Capacity")),
    ),
    Outcome(id="growth", title="Ten new markets", owner="ben@acme.example", allocation=0.5),
    Outcome(id="trust", title="Banks trust us", owner="ana@acme.example"),
)
OVERHEAD = (
    Overhead(id="keep-the-lights-on", title="Keep the lights on", owner="ops@acme.example", budget=0.2),
    Overhead(id="hiring", title="Hiring", owner="hr@acme.example"),
)
STRATEGY = Strategy(intent="We are the payments platform banks trust.", outcomes=OUTCOMES, overhead=OVERHEAD)


# --- the work ---------------------------------------------------------------------------------------------


def ref(key: str = "PAY-1") -> IssueRef:
    """The issue's name for good; its id is made from its key, so that tests need only know keys."""
    return IssueRef(TRACKER, f"id-{key}")


def issue(key: str = "PAY-1", *labels: str, **changes: Any) -> Issue:
    """A story in progress that nobody touched for long."""
    project = key.rpartition("-")[0]
    values: dict[str, Any] = {
        "ref": ref(key), "key": key, "title": "Retry failed payouts", "type": "Story", "level": 0,
        "status": "In Progress", "category": Category.IN_PROGRESS, "priority": "High", "project": project,
        "project_name": f"{project.title()} project", "labels": labels, "created": LONG_AGO, "updated": LONG_AGO,
        "url": f"https://acme.atlassian.net/browse/{key}",
    }  # fmt: skip
    return Issue(**(values | changes))


def epic(key: str = "PAY-9", *labels: str, **changes: Any) -> Issue:
    return issue(key, *labels, **({"type": "Epic", "level": 1, "title": "Platform"} | changes))


def initiative(key: str = "PAY-90", *labels: str, **changes: Any) -> Issue:
    return issue(key, *labels, **({"type": "Initiative", "level": 2, "title": "Northern lights"} | changes))


def lineage(*ancestors: Issue, missing: str | None = None, cycle: str | None = None) -> Lineage:
    """A chain as Jira has it, nearest first."""
    link = None if missing is None else Link(f"id-{missing}", missing)
    return Lineage(tuple((ancestor,) for ancestor in ancestors), missing=link, cycle=cycle)


# --- rules ------------------------------------------------------------------------------------------------


def pattern(text: str) -> Pattern:
    if text.startswith("re:"):
        return Pattern(Form.REGEX, text.removeprefix("re:"))
    return Pattern(Form.GLOB if "*" in text else Form.TEXT, text)


def has(field: FieldName, *texts: str) -> Has:
    return Has(field, tuple(pattern(text) for text in texts))


def label(*texts: str) -> Has:
    return has("label", *texts)


def all_of(*conditions: Condition) -> AllOf:
    return AllOf(conditions)


def any_of(*conditions: Condition) -> AnyOf:
    return AnyOf(conditions)


def none_of(*conditions: Condition) -> NoneOf:
    return NoneOf(conditions)


def of(relation: Relation, condition: Condition) -> Of:
    return Of(relation, condition)


def target(text: str) -> Target:
    """As in rules.yaml: `growth`, `reliability/failover`, `overhead: hiring`, `exempt: a spike`."""
    kind, colon, rest = text.partition(": ")
    if colon:
        return ToOverhead(rest) if kind == "overhead" else ToExempt(rest)
    outcome, _, objective = text.partition("/")
    return ToOutcome(outcome, objective or None)


def rule(name: str, to: str, when: Condition, **changes: Any) -> Rule:
    return Rule(id=name, target=target(to), when=when, **changes)


def rulebook(*rules: Rule, strategy: Strategy = STRATEGY) -> Rulebook:
    return Rulebook(version="v1", strategy=strategy, rules=rules)


def between(first: str | None, last: str | None) -> Window:
    """Whole days in UTC, both included."""
    return Window(date.fromisoformat(first) if first else None, date.fromisoformat(last) if last else None)


def override(key: str, to: str, **changes: Any) -> Override:
    values: dict[str, Any] = {
        "ref": ref(key), "target": target(to), "source": OverrideSource.ADMIN, "author": "maria", "at": LONG_AGO
    }  # fmt: skip
    return Override(**(values | changes))


def hand_set(key: str, outcome: str, **changes: Any) -> Override:
    """The override that a mark put on by a person is."""
    mark = f"outcome/{outcome}"
    return override(key, outcome, **({"source": OverrideSource.MARK, "author": "unknown", "mark": mark} | changes))


# --- asking -----------------------------------------------------------------------------------------------


def matched(book: Rulebook, one: Issue, above: Lineage | None = None, day: date = DAY) -> tuple[str, ...]:
    """Ids of the rules that match."""
    return tuple(m.rule.id for m in Matcher(book, day).matches(one, above or Lineage()))


def holds(when: Condition, one: Issue, above: Lineage | None = None, *, exact: bool = False) -> bool:
    """Whether a rule with that condition matches."""
    return matched(rulebook(rule("the-rule", "growth", when, exact=exact)), one, above) == ("the-rule",)


def decided(
    book: Rulebook, one: Issue, above: Lineage | None = None, *words: Override, now: datetime = NOW
) -> Decision:
    """The decision on the day of `now`."""
    overrides: dict[IssueRef, list[Override]] = {}
    for word in words:
        overrides.setdefault(word.ref, []).append(word)
    return Decider(Matcher(book, now.date()), now).decide(one, above or Lineage(), overrides)


# --- plans ------------------------------------------------------------------------------------------------


def decision(verdict: Verdict, key: str = "PAY-1", **changes: Any) -> Decision:
    return Decision(ref(key), verdict, **({"via": None if isinstance(verdict, Unmapped) else Via.RULE} | changes))


def standing(verdict: Verdict, key: str = "PAY-1", **changes: Any) -> Standing:
    """It has stood for a month and nobody was typing."""
    values: dict[str, Any] = {
        "decision": decision(verdict, key), "since": LONG_AGO + timedelta(days=1), "origin": Origin.ISSUE,
        "changed": LONG_AGO, "version": "v1",
    }  # fmt: skip
    return Standing(**(values | changes))


def applied(mark: str | None, key: str = "PAY-1", **changes: Any) -> Applied:
    """Written and seen long ago."""
    values: dict[str, Any] = {
        "ref": ref(key), "mark": mark, "proof": Proof.SEEN, "revision": 1, "at": LONG_AGO, "shown": LONG_AGO
    }  # fmt: skip
    return Applied(**(values | changes))


def case(
    verdict: Verdict, one: Issue | None = None, reading: Reading | None = None, **changes: Any
) -> Case:  # fmt: skip
    one = one or issue()
    return Case(one, standing(verdict, one.key, **changes), reading or Reading(None))


def policy(write: Write = Write.LABEL, **changes: Any) -> Policy:
    return Policy(strategy=STRATEGY, write=write, **changes)


def action(key: str = "PAY-1", add: Sequence[str] = ("outcome/growth",), **changes: Any) -> Action:
    values: dict[str, Any] = {
        "ref": ref(key), "key": key, "project": key.rpartition("-")[0], "kind": "mark", "why": "serves growth",
        "revision": 0, "origin": Origin.ISSUE, "add": tuple(add),
    }  # fmt: skip
    return Action(**(values | changes))


def copy_of(mark: str | None, installation: str = OURS.installation, instance: str = OURS.instance) -> Copy:
    return Copy(installation, instance, mark)


def spread(decision_: Decision) -> Mapping[str, tuple[str, ...]]:
    """What a conflict's candidates want, by the sources that spoke for each."""
    candidates = getattr(decision_.verdict, "candidates", ())
    return {str(c.target): tuple(e.source for e in c.evidence) for c in candidates}


MAPPED = Mapped("growth")
UNMAPPED = Unmapped()
EXEMPT = Exempt(None, "a spike")
