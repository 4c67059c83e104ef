"""A trade-off settles one cause of conflict, for one of those that claim it, and nothing else (docs/adr/0014)."""

from datetime import timedelta
from typing import Any

from support_values import DAY, LONG_AGO, NOW, epic, issue, label, lineage, override, ref, rule, rulebook, target

from syncd.core.decide import Decider
from syncd.core.match import Matcher
from syncd.core.model import Conflict, Decision, Issue, Lineage, Mapped, Override, Via
from syncd.core.tradeoffs import Tradeoff, Tradeoffs

BOOK = rulebook(
    rule("by-sre", "reliability", label("sre")),
    rule("by-market", "growth", label("market")),
    rule("by-trust", "trust", label("trust")),
    rule("later", "growth", label("late"), default=True),
    rule("also-later", "trust", label("late"), default=True),
)
RULES = "rules by-market + by-sre"


def traded(cause: str, to: str, *claimed: str, **changes: Any) -> Tradeoff:
    values: dict[str, Any] = {
        "cause": cause, "tracker": None, "target": target(to), "author": "maria", "reason": "we agreed", "at": LONG_AGO,
        "claimed": tuple(target(one) for one in claimed or ("growth", "reliability")),
    }  # fmt: skip
    return Tradeoff(**(values | changes))


def decided(one: Issue, above: Lineage | None, *tradeoffs: Tradeoff, words: tuple[Override, ...] = ()) -> Decision:
    overrides = {word.ref: [word] for word in words}
    decider = Decider(Matcher(BOOK, DAY), NOW, Tradeoffs(tradeoffs, NOW, "jira"))
    return decider.decide(one, above or Lineage(), overrides)


BOTH = issue("PAY-1", "sre", "market")
TORN = lineage(epic("PAY-9", "sre", "market"))


def test_it_decides_a_cause_between_rules_at_the_level_of_the_rules_and_says_who_decided() -> None:
    said = decided(BOTH, None, traded(RULES, "growth"))
    assert (said.verdict, said.via, said.cause) == (Mapped("growth"), Via.RULE, None)
    assert [e.source for e in said.evidence] == ["by-market", "tradeoff"]
    assert said.evidence[1].texts == (f"growth before reliability on {RULES}: a trade-off of maria, because we agreed",)


def test_what_hangs_below_a_settled_epic_inherits_the_decision() -> None:
    for cause in (RULES, "issue PAY-9"):
        said = decided(issue(), TORN, traded(cause, "growth"))
        assert (said.verdict, said.via, said.spoke) == (Mapped("growth"), Via.INHERITED, ref("PAY-9"))


def test_one_on_the_epic_settles_the_epic_as_well() -> None:
    said = decided(epic("PAY-9", "sre", "market"), None, traded("issue PAY-9", "growth"))
    assert said.verdict == Mapped("growth")


def test_the_one_on_the_issue_itself_is_nearer_than_the_one_on_the_rules() -> None:
    said = decided(BOTH, None, traded(RULES, "growth"), traded("issue PAY-1", "reliability"))
    assert said.verdict == Mapped("reliability")


def test_a_persons_word_on_the_issue_is_stronger() -> None:
    said = decided(BOTH, None, traded(RULES, "growth"), words=(override("PAY-1", "trust"),))
    assert said.verdict == Mapped("trust")


def test_it_makes_nothing_speak_where_nothing_is_torn() -> None:
    assert decided(issue("PAY-1", "sre"), None, traded("issue PAY-1", "growth")).verdict == Mapped("reliability")


def test_other_claims_than_those_it_was_recorded_for_open_the_conflict_again() -> None:
    three = issue("PAY-1", "sre", "market", "trust")
    cause = "rules by-market + by-sre + by-trust"
    assert isinstance(decided(three, None, traded(cause, "growth")).verdict, Conflict)
    assert decided(three, None, traded(cause, "growth", "growth", "reliability", "trust")).verdict == Mapped("growth")


def test_it_ends_with_its_expiry_and_holds_in_its_own_tracker_only() -> None:
    over = traded(RULES, "growth", expires=NOW)
    assert isinstance(decided(BOTH, None, over).verdict, Conflict)
    assert decided(BOTH, None, traded(RULES, "growth", expires=NOW + timedelta(seconds=1))).verdict == Mapped("growth")
    assert isinstance(decided(BOTH, None, traded(RULES, "growth", tracker="other")).verdict, Conflict)


def test_it_settles_defaults_and_two_peoples_marks_alike() -> None:
    said = decided(issue("PAY-1", "late"), None, traded("rules also-later + later", "trust", "growth", "trust"))
    assert (said.verdict, said.via) == (Mapped("trust"), Via.DEFAULT)


def test_what_is_torn_between_two_things_above_is_settled_where_it_is_torn() -> None:
    from syncd.core.decide import place  # noqa: PLC0415 - the name of the cause

    two = (epic("PAY-8", "sre"), epic("PAY-9", "market"))
    above = Lineage((two,))
    torn = decided(issue(), above)
    assert isinstance(torn.verdict, Conflict)
    assert torn.cause == place(issue())
    said = decided(issue(), above, traded(torn.cause or "", "reliability"))
    assert (said.verdict, said.via, said.cause) == (Mapped("reliability"), Via.INHERITED, None)
