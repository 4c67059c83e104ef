"""Conflicts as work: listed by cause with who decides, settled by a recorded trade-off, and open again when it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_stage import RULES, TRACKER, Stage, staged

from syncd.app.people import UnknownTargetError
from syncd.app.settling import Ledger, NotClaimedError, UnknownCauseError, drop_tradeoff, ledger, set_tradeoff
from syncd.core.tradeoffs import Tradeoff

CAUSE = "rules cheap + reliable"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()
        yield stage


def decide(
    stage: Stage, target: str, cause: str = CAUSE, *, expires: str | None = None, reason: str = "agreed"
) -> Tradeoff:
    return set_tradeoff(stage.app, cause, target, by="ada", reason=reason, expires=expires, tracker=None)


def open_causes(stage: Stage) -> list[str]:
    return [one.cause for one in ledger(stage.app).open]


def test_a_cause_is_one_piece_of_work_with_its_owners_its_clock_and_what_it_holds_up(stage: Stage) -> None:
    keys = [stage.create(labels=["sre", "finops"]) for _ in range(3)]
    stage.later(minutes=1)
    (torn,) = ledger(stage.app).open
    assert (torn.cause, torn.issues, torn.open, torn.keys) == (CAUSE, 3, 3, tuple(keys))
    assert (torn.decider, torn.owners) == ("li@acme.example and maria@acme.example", torn.owners)
    assert (torn.deadline - torn.opened).days == 30
    assert torn.opened <= stage.clock.now()


def test_below_one_epic_its_assignee_decides_and_the_children_are_one_cause(stage: Stage) -> None:
    epic = stage.create(type="Epic", labels=["sre", "finops"], assignee="tom")
    for _ in range(4):
        stage.create(parent=epic)
    stage.later(minutes=1)
    by_cause = {one.cause: one for one in ledger(stage.app).open}
    assert set(by_cause) == {CAUSE, f"issue {epic}"}
    assert by_cause[f"issue {epic}"].issues == 4
    assert by_cause[f"issue {epic}"].decider.casefold().startswith("tom")
    decide(stage, "cost", f"issue {epic}")
    stage.later(minutes=1)
    assert open_causes(stage) == []
    assert stage.decided(epic) == ("mapped", "cost")


def test_a_trade_off_decides_its_issues_closes_the_finding_and_stands_in_the_evidence(stage: Stage) -> None:
    key = stage.create(labels=["sre", "finops"])
    stage.later(minutes=1)
    assert stage.marks(key) == ["alignment/conflict"]
    assert len(stage.findings("conflict")) == 1
    decide(stage, "cost", reason="the board said so")
    assert stage.later(minutes=1).applied == 1
    assert (stage.decided(key), stage.marks(key)) == (("mapped", "cost"), ["outcome/cost"])
    assert stage.findings("conflict") == []
    assert "a trade-off of ada, because the board said so" in stage.explain(key).decision.evidence[-1].texts[0]
    late = stage.create(labels=["sre", "finops"])
    stage.later(minutes=1)
    assert stage.decided(late) == ("mapped", "cost"), "what comes later follows it"
    (told,) = ledger(stage.app).tradeoffs
    assert (told.state, told.settles) == ("holds", 2)
    stage.quiet_after_a_look()


def test_its_writes_are_weighed_together_as_a_rule_edit_is(tmp_path: Path) -> None:
    limits = {"share": 0.3, "actions": 500, "always": 2}
    with staged(tmp_path, limits=limits) as stage:
        stage.once()
        for _ in range(2):
            stage.create(labels=["sre", "finops"])
            stage.later(minutes=1)
        stage.create(labels=["sre", "finops"])
        stage.later(minutes=1)
        decide(stage, "cost")
        result = stage.later(minutes=1)
        assert (result.applied, len(result.refusals)) == (0, 1)


def test_when_it_ends_or_is_taken_back_the_conflict_is_open_again_and_counted(stage: Stage) -> None:
    key = stage.create(labels=["sre", "finops"])
    stage.later(minutes=1)
    decide(stage, "cost", expires="2026-11-22")
    stage.later(minutes=1)
    assert open_causes(stage) == []
    stage.later(hours=48)
    assert stage.decided(key) == ("conflict", None)
    (torn,) = ledger(stage.app).open
    assert torn.reopened == 1
    assert torn.lapsed is not None
    assert "ran out" in torn.lapsed
    decide(stage, "reliability")
    stage.later(minutes=1)
    assert stage.decided(key) == ("mapped", "reliability")
    drop_tradeoff(stage.app, CAUSE, tracker=None)
    stage.later(minutes=1)
    (torn,) = ledger(stage.app).open
    assert (torn.reopened, torn.lapsed) == (2, None)


def test_a_third_claim_opens_it_again_and_a_rule_edit_leaves_the_trade_off_idle(stage: Stage) -> None:
    key = stage.create(labels=["sre", "finops"])
    stage.later(minutes=1)
    decide(stage, "cost")
    stage.later(minutes=1)
    stage.write(rules=RULES.replace("outcome: cost", "overhead: chores"))
    stage.later(minutes=1)
    assert stage.decided(key) == ("conflict", None)
    told = ledger(stage.app)
    assert [one.state for one in told.tradeoffs] == ["other claims"]
    assert told.open[0].lapsed == "a trade-off of ada was recorded for other claims"
    stage.write(rules=RULES.replace("label: finops", "label: money"))
    stage.later(minutes=1)
    assert states(ledger(stage.app)) == ["idle"]


def test_a_rule_edit_beside_a_trade_off_moves_only_what_it_touches(stage: Stage) -> None:
    stage.create(labels=["sre", "finops"])
    other = stage.create(labels=["new"])
    stage.later(minutes=1)
    decide(stage, "cost")
    stage.later(minutes=1)
    stage.write(rules=RULES + "  - {id: fresh, outcome: cost, when: {label: new}}\n")
    assert stage.later(minutes=1).decided == 1
    assert stage.decided(other) == ("mapped", "cost")


def states(told: Ledger) -> list[str]:
    return [one.state for one in told.tradeoffs]


def test_only_what_is_torn_can_be_decided_and_only_for_one_of_its_claims(stage: Stage) -> None:
    stage.create(labels=["sre", "finops"])
    stage.later(minutes=1)
    with pytest.raises(UnknownCauseError, match="did you mean 'rules cheap"):
        decide(stage, "cost", "rules cheap + reliables")
    with pytest.raises(NotClaimedError, match="say one of cost, reliability"):
        decide(stage, "overhead:chores")
    with pytest.raises(UnknownTargetError, match="is over already"):
        decide(stage, "cost", expires="2020-01-01")
    with pytest.raises(UnknownCauseError, match="no trade-off"):
        drop_tradeoff(stage.app, CAUSE, tracker=TRACKER)
    assert ledger(stage.app).tradeoffs == ()
