"""What people undid, overruled or disputed stands against a rule, with the exception that those issues share."""

from typing import Any

from support_values import applied, decision, issue, ref

from syncd.core.model import Decision, Evidence, Issue, Mapped, Via
from syncd.core.votes import Ballots, RuleVotes, Suggestion

OUTCOME = Mapped("growth")


def by_rule(one: Issue, rule: str = "a", verdict: Mapped = OUTCOME) -> Decision:
    return decision(verdict, one.key)._replace(evidence=(Evidence(rule, one.key, ("x",)),))


def counted(*rows: tuple[Issue, dict[str, Any]]) -> tuple[RuleVotes, ...]:
    ballots = Ballots()
    for one, told in rows:
        ballots.add(one, **({"decision": by_rule(one), "applied": None} | told))
    return ballots.counted()


def removed(key: str, *labels: str, **changes: Any) -> tuple[Issue, dict[str, Any]]:
    return issue(key, *labels, **changes), {"applied": applied(None, key, declined=("mapped", "growth"))}


def fine(key: str, *labels: str, **changes: Any) -> tuple[Issue, dict[str, Any]]:
    return issue(key, *labels, **changes), {}


def test_rules_nobody_voted_against_are_not_told() -> None:
    assert counted(fine("PAY-1"), fine("PAY-2")) == ()


def test_a_removal_an_override_and_a_dispute_are_votes_each() -> None:
    over, said = issue("PAY-2"), issue("PAY-3")
    word = Decision(over.ref, Mapped("trust"), Via.OVERRIDE, (Evidence("override", over.key, ("admin",)),))
    (one,) = counted(
        removed("PAY-1"),
        (over, {"decision": word, "ruled": by_rule(over)}),
        (said, {"disputes": ["a", "b"]}),
        fine("PAY-4"),
    )
    assert one == RuleVotes("a", 4, {"removal": 1, "override": 1, "dispute": 1}, 3, ("PAY-1", "PAY-2", "PAY-3"))


def test_a_word_that_says_what_the_rule_says_is_no_vote_nor_is_a_removal_of_another_verdict() -> None:
    over = issue("PAY-2")
    word = Decision(over.ref, OUTCOME, Via.OVERRIDE, (Evidence("override", over.key, ("admin",)),))
    stale = issue("PAY-1"), {"applied": applied(None, declined=("mapped", "trust"))}
    assert counted((over, {"decision": word, "ruled": by_rule(over)}), stale) == ()


def test_a_vote_on_an_heir_is_against_no_rule_that_spoke_elsewhere() -> None:
    child = issue("PAY-2")
    heir = by_rule(child)._replace(evidence=(Evidence("a", "PAY-9", ("x",)),), spoke=ref("PAY-9"))
    gone = applied(None, "PAY-2", declined=("mapped", "growth"))
    assert counted((child, {"decision": heir, "applied": gone})) == ()


def test_an_exception_is_suggested_by_what_most_of_those_issues_share_and_few_others_have() -> None:
    (one,) = counted(
        removed("PAY-1", "sre", "spike"), removed("PAY-2", "sre", "spike"), removed("PAY-3", "sre"),
        fine("PAY-4", "sre"), fine("PAY-5", "sre", "spike"),
    )  # fmt: skip
    assert one.suggestion == Suggestion("label", "spike", 2, 1)


def test_nothing_is_suggested_that_would_undo_the_rule_or_lose_more_than_it_wins() -> None:
    (all_,) = counted(removed("PAY-1", "sre"), removed("PAY-2", "sre"))
    assert all_.suggestion is None, "they have in common what the rule is about"
    (few,) = counted(
        removed("PAY-1", "x"), removed("PAY-2", "x"), *(fine(f"PAY-{n}", "x") for n in (3, 4, 5)), fine("PAY-6")
    )
    assert few.suggestion is None
    (single,) = counted(removed("PAY-1", "x"), fine("PAY-2"))
    assert single.suggestion is None, "one vote is no pattern"


def test_of_restricted_work_no_value_is_told() -> None:
    rows = [removed(f"PAY-{n}", "secret", restricted=True) for n in (1, 2)]
    (one,) = counted(*rows, fine("PAY-3"))
    assert one.suggestion is None
