"""Who settles what, from how high up, and until when."""

from datetime import timedelta
from typing import get_args

from support_values import NOW, STRATEGY, issue, ref

from syncd.core.findings import (
    LEVELS,
    Level,
    conflict_finding,
    cycle_findings,
    deadline_of,
    divergence_finding,
    level_of,
    ranked,
)
from syncd.core.model import (
    Candidate,
    Conflict,
    Decision,
    Finding,
    FindingKind,
    Lineage,
    Mapped,
    ToOutcome,
    Via,
)
from syncd.render.people import finding_lines


def finding(kind: FindingKind, cause: str = "x") -> Finding:
    return Finding(tracker="acme-jira", kind=kind, cause=cause, text=f"about {cause}", owner="ada")


def test_every_kind_has_a_level() -> None:
    assert set(LEVELS) == set(get_args(FindingKind))


def test_a_conflict_is_settled_where_its_cause_lies() -> None:
    assert level_of(finding("conflict", "rules a + b")) is Level.OUTCOME_OWNERS
    assert level_of(finding("conflict", "issue PAY-1")) is Level.EPIC_OWNER
    assert level_of(finding("conflict", "overrides on PAY-1")) is Level.ENGINEER


def test_what_keeps_syncd_from_its_work_is_due_within_a_day() -> None:
    assert deadline_of(finding("denied"), NOW) == NOW + timedelta(days=1)
    assert deadline_of(finding("unknown-mark"), NOW) == NOW + timedelta(days=7)
    assert deadline_of(finding("conflict", "rules a + b"), NOW) == NOW + timedelta(days=30)


def test_a_conflict_names_both_owners_and_how_much_hangs_on_it() -> None:
    sides = (Candidate(ToOutcome("growth"), ()), Candidate(ToOutcome("trust"), ()))
    torn = Decision(ref("PAY-1"), Conflict(sides), Via.RULE, cause="rules a + b")
    told = conflict_finding(1000, "PAY-1", torn, STRATEGY)
    owners = {o.owner for o in STRATEGY.outcomes if o.id in ("growth", "trust")}
    assert set((told.owner or "").split(", ")) == owners
    assert "1000 open issues, such as PAY-1" in told.text
    assert told.cause == "rules a + b"


def test_a_divergence_is_its_ancestors_and_its_assignee_settles_it() -> None:
    apart = Decision(ref("PAY-2"), Mapped("growth"), Via.RULE, diverges_from="PAY-1")
    told = divergence_finding(1, "PAY-2", apart, issue("PAY-1"))
    assert (told.cause, told.key) == ("issue PAY-1", "PAY-1")
    assert "PAY-2 serves growth, otherwise than PAY-1" in told.text


def test_a_circle_of_parents_is_one_finding_whoever_is_looked_at() -> None:
    a, b, below = issue("PAY-1"), issue("PAY-2"), issue("PAY-3")
    (one,) = cycle_findings(a, Lineage(((b,),), cycle="PAY-1"))
    (other,) = cycle_findings(b, Lineage(((a,),), cycle="PAY-2"))
    (third,) = cycle_findings(below, Lineage(((a,), (b,)), cycle="PAY-1"))
    assert one == other == third
    assert list(cycle_findings(a, Lineage(((b,),)))) == []


def test_findings_are_listed_from_the_highest_level_down_with_their_clock() -> None:
    told = ranked([(NOW, finding("unknown-mark")), (NOW, finding("drift")), (NOW, finding("denied"))])
    assert (
        "\n".join(finding_lines(told, NOW + timedelta(days=2)))
        == """\
30,000 ft, outcome owners: 1
  drift: about x (ada, 2 d old, due 2026-12-16)
20,000 ft, team leads and operators: 1
  denied: about x (ada, 2 d old, overdue since 2026-11-17)
5,000 ft, engineers: 1
  unknown-mark: about x (ada, 2 d old, due 2026-11-23)"""
    )
    assert [one.finding.kind for one in ranked([(NOW, finding("drift")), (NOW, finding("denied"))], 20_000)] == [
        "denied"
    ]
