"""`explain`: the verdict, who said what on the way up, and what is written because of it (DESIGN §10)."""

from typing import Any

from support_values import (
    DAY,
    LONG_AGO,
    MAPPED,
    NOW,
    STRATEGY,
    UNMAPPED,
    applied,
    decision,
    epic,
    has,
    initiative,
    issue,
    label,
    lineage,
    override,
    policy,
    ref,
    rule,
    rulebook,
    standing,
)

from syncd.core.explain import Explanation, explain
from syncd.core.match import Matcher
from syncd.core.model import Action, Conflict, Exempt, Issue, Lineage, Mapped, Skipped, Standing, Unmapped, Via
from syncd.core.plan import Write
from syncd.core.witness import Reading

BOOK = rulebook(
    rule("by-sre", "reliability/failover", label("sre")),
    rule("by-market", "growth", label("market")),
    rule("people", "overhead: hiring", label("people")),
    rule("spike", "exempt: a spike", label("spike")),
    rule("stories", "trust", has("type", "story"), default=True),
)


def explained(one: Issue, above: Lineage | None = None, stands: Standing | None = None, **changes: Any) -> Explanation:
    words = changes.pop("words", {})
    reading = changes.pop("reading", Reading(None))
    how: dict[str, Any] = {"matcher": Matcher(BOOK, DAY), "policy": policy(), "in_scope": True, "now": NOW} | changes
    return explain(one, above or Lineage(), words, stands, reading, **how)


def test_the_chain_leads_from_the_issue_through_its_ancestors_up_to_the_intent() -> None:
    told = explained(issue(), lineage(issue("PAY-2"), epic("PAY-9", "sre"), initiative()))
    assert told.chain == (
        "PAY-1 Retry failed payouts",
        "PAY-2 Retry failed payouts",
        "PAY-9 Platform",
        "Fail over (reliability/failover)",
        "Payments never go down (reliability)",
        STRATEGY.intent,
    )


def test_what_the_issue_says_itself_goes_through_no_ancestor() -> None:
    told = explained(issue("PAY-1", "market"), lineage(epic("PAY-9", "sre")))
    assert told.chain == ("PAY-1 Retry failed payouts", "Ten new markets (growth)", STRATEGY.intent)
    assert told.decision.diverges_from == "PAY-9"


def test_overhead_and_exemption_end_the_chain_in_words() -> None:
    assert explained(issue("PAY-1", "people")).chain[-1] == "overhead: Hiring"
    assert explained(issue("PAY-1", "spike")).chain[-1] == "exempt: a spike"


def test_where_nothing_is_settled_there_is_no_chain() -> None:
    assert explained(issue("PAY-1", "sre", "market")).chain == ()
    assert explained(issue("PAY-1", type="Bug")).chain == ()


def test_each_ancestor_is_told_with_its_verdict() -> None:
    told = explained(issue(), lineage(epic("PAY-9", "sre", "market"), initiative("PAY-90", "people")))
    assert [(a.issue.key, type(a.says)) for a in told.ancestors] == [("PAY-9", Conflict), ("PAY-90", Exempt)]


def test_an_ancestor_that_could_not_be_read_is_named() -> None:
    told = explained(issue(), lineage(epic(), missing="PAY-99"))
    assert told.missing == "PAY-99"
    assert told.decision.verdict == Unmapped(incomplete=True)
    assert told.wanted is None


def test_a_persons_word_is_the_evidence() -> None:
    told = explained(issue("PAY-1", "sre"), words={ref(): [override("PAY-1", "growth", reason="sold")]})
    assert (told.decision.verdict, told.decision.via) == (Mapped("growth"), Via.OVERRIDE)
    assert told.decision.evidence[0].texts == ("admin by maria, because sold",)


def test_it_shows_what_the_next_plan_would_write() -> None:
    told = explained(issue("PAY-1", "market"), reading=Reading(applied("outcome/trust")))
    (step,) = told.steps
    assert isinstance(step, Action)
    assert (told.wanted, step.add, step.remove) == ("outcome/growth", ("outcome/growth",), ("outcome/trust",))


def test_or_why_not() -> None:
    (step,) = explained(issue("PAY-1", "market"), policy=policy(Write.OBSERVE)).steps
    assert isinstance(step, Skipped)
    assert step.why == "policy: observe"


def test_nothing_is_planned_outside_the_scope() -> None:
    told = explained(issue("PAY-1", "market"), in_scope=False)
    assert (told.steps, told.decision.verdict) == ((), MAPPED)


def test_it_tells_since_when_the_verdict_stands() -> None:
    stands = standing(MAPPED, since=LONG_AGO)
    assert explained(issue("PAY-1", "market"), stands=stands).since == LONG_AGO


def test_a_verdict_that_an_edit_of_the_rules_just_changed_has_not_stood_yet() -> None:
    stands = standing(UNMAPPED, decision=decision(UNMAPPED), since=LONG_AGO)
    assert explained(issue("PAY-1", "market"), stands=stands).since is None
    assert explained(issue("PAY-1", "market")).since is None


def test_the_unmapped_are_asked_at_their_topmost_unmapped_ancestor() -> None:
    bug = issue(type="Bug")
    how = {"policy": policy(Write.COMMENT), "reading": Reading(applied("alignment/unmapped"))}
    (below,) = explained(bug, lineage(epic()), standing(UNMAPPED), inside=[epic().ref], **how).steps
    assert isinstance(below, Skipped)
    assert below.why == "comment: it is asked at the ancestor only"
