"""Marks and people: what a person puts on, takes off or edits always wins, and syncd never fights."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support_stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()  # the projects are known and empty: what comes now is people's doing
        yield stage


# --- taken off ---


def test_a_mark_that_a_person_took_off_stays_off_until_the_verdict_changes(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.quiet()
    stage.edit(key, labels_remove=["outcome/reliability"])
    stage.quiet()
    stage.edit(key, summary="Still the same outcome")
    stage.quiet()
    assert stage.marks(key) == []
    stage.edit(key, labels=["finops"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/cost"]
    stage.quiet()


def test_a_removal_is_drift_and_explain_says_so(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.quiet()
    stage.edit(key, labels_remove=["outcome/reliability"])
    stage.quiet()
    assert [text for text in stage.findings("drift") if key in text]
    (step,) = stage.explain(key).steps
    assert "person" in step.why


def test_a_mark_taken_off_before_it_was_ever_seen_is_written_once_more_and_then_left_to_the_person(
    stage: Stage,
) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, labels_remove=["outcome/reliability"])  # no observation lay between: this looks like lag
    stage.quiet()
    assert stage.later(minutes=6).applied == 1  # past the overlap it looks like a lost write
    stage.quiet()
    stage.edit(key, labels_remove=["outcome/reliability"])
    stage.quiet()
    assert stage.marks(key) == []


def test_a_mark_that_an_automation_takes_off_at_once_ends_in_a_finding_and_not_in_a_fight(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    writes = 0
    for _ in range(6):
        writes += stage.later(minutes=6).applied
        stage.edit(key, by="automation", labels_remove=["outcome/reliability"])
    assert writes == 2
    assert stage.marks(key) == []
    assert [text for text in stage.findings("lost-write") if key in text]
    stage.quiet()


# --- put on ---


def test_an_outcome_mark_that_a_person_puts_on_is_an_override_and_ours_goes(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.quiet()
    stage.edit(key, labels_add=["outcome/cost"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/cost"]
    assert stage.decided(key) == ("mapped", "cost")
    assert stage.explain(key).decision.via == "override"
    stage.quiet()


def test_when_the_person_takes_it_off_again_the_rules_decide_again(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, labels_add=["outcome/cost"])
    stage.later(minutes=1)
    stage.quiet()
    stage.edit(key, labels_remove=["outcome/cost"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/reliability"]
    assert stage.decided(key) == ("mapped", "reliability")
    stage.quiet()


def test_an_override_stands_when_the_rules_come_to_agree_and_ends_only_with_the_mark(stage: Stage) -> None:
    key = stage.create(labels=["sre", "outcome/cost"])
    stage.later(minutes=1)
    stage.edit(key, labels_remove=["sre"], labels_add=["finops"])  # now the rules say cost, too
    stage.quiet()
    assert stage.explain(key).decision.via == "override"
    stage.edit(key, labels_remove=["finops"], labels_add=["sre"])
    stage.quiet()
    assert stage.marks(key) == ["outcome/cost"]
    assert stage.decided(key) == ("mapped", "cost")


def test_a_mark_equal_to_what_the_rules_decide_becomes_ours_and_follows_the_rules(stage: Stage) -> None:
    key = stage.create(labels=["sre", "outcome/reliability"])
    stage.quiet()
    assert stage.explain(key).decision.via == "rule"
    stage.edit(key, labels_remove=["sre"], labels_add=["finops"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/cost"]


def test_two_outcome_marks_by_people_are_a_conflict_between_them(stage: Stage) -> None:
    key = stage.create(labels=["outcome/cost", "outcome/reliability"])
    stage.later(minutes=1)
    assert stage.decided(key) == ("conflict", None)
    assert stage.marks(key) == ["alignment/conflict", "outcome/cost", "outcome/reliability"]
    stage.quiet()
    stage.edit(key, labels_remove=["outcome/cost"])
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/reliability"]
    assert stage.decided(key) == ("mapped", "reliability")
    stage.quiet()


def test_a_mark_that_names_no_outcome_is_left_alone_and_reported(stage: Stage) -> None:
    key = stage.create(labels=["sre", "outcome/reliabilty"])
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/reliability", "outcome/reliabilty"]
    assert [text for text in stage.findings("unknown-mark") if "outcome/reliabilty" in text]
    stage.quiet()


def test_a_person_s_alignment_mark_is_left_alone_and_never_reaches_a_rule(stage: Stage) -> None:
    stage.write(rules="rules:\n  - {id: odd, outcome: cost, when: {label: 'alignment/*'}}\n")
    key = stage.create(labels=["alignment/conflict"])
    stage.later(minutes=1)
    assert stage.decided(key) == ("unmapped", None)
    assert stage.marks(key) == ["alignment/conflict", "alignment/unmapped"]
    stage.quiet()


def test_names_of_marks_compare_folded(stage: Stage) -> None:
    key = stage.create(labels=["sre", "Outcome/Cost"])
    stage.quiet()
    assert stage.decided(key) == ("mapped", "cost")
    assert stage.site.issue(key).labels == ("sre", "Outcome/Cost")


# --- edits ---


def test_a_to_b_to_a_by_edits_is_three_writes(stage: Stage) -> None:
    key, writes = stage.create(labels=["sre"]), 0
    for label in ("sre", "finops", "sre"):
        stage.edit(key, labels=[*stage.marks(key), label])
        writes += stage.later(minutes=1).applied
        stage.quiet()
    assert writes == 3
    assert stage.marks(key) == ["outcome/reliability"]


def test_a_to_b_to_a_is_three_writes_also_while_the_index_lags(stage: Stage) -> None:
    stage.site.index_lag = timedelta(minutes=2)
    key, writes = stage.create(labels=["sre"]), 0
    for label in ("sre", "finops", "sre"):
        stage.edit(key, labels=[*stage.marks(key), label])
        for _ in range(6):
            writes += stage.later(minutes=1).applied
    assert writes == 3
    assert stage.marks(key) == ["outcome/reliability"]


def test_people_s_labels_keep_their_order_and_their_spelling(stage: Stage) -> None:
    labels = ["zeta", "SRE", "Ünïcode-ß", "a,b", "incident-7,", "zeta.2"]
    key = stage.create(labels=labels)
    stage.later(minutes=1)
    assert stage.site.issue(key).labels == (*labels, "outcome/reliability")
    stage.edit(key, labels_add=["finops"])
    stage.later(minutes=1)
    assert stage.labels(key) == [*labels, "finops"]
    assert stage.marks(key) == ["alignment/conflict"]


def test_overhead_bears_no_mark_and_loses_the_one_it_had(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, labels_remove=["sre"], labels_add=["deps"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == []
    assert stage.decided(key) == ("exempt", "chores")
    stage.quiet()


def test_a_mark_of_another_installation_is_never_touched_and_said_out_loud(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    before = stage.site.issue(key)
    stage.write(installation="other", store="sqlite:///other.db")
    stage.once()
    stage.edit(key, labels=["finops", "outcome/reliability"])
    stage.quiet()
    assert stage.marks(key) == ["outcome/reliability"]
    assert stage.site.issue(key).properties == before.properties
    assert [text for text in stage.findings("foreign") if "acme" in text]


def test_an_empty_store_adopts_the_marks_of_its_own_installation(stage: Stage) -> None:
    keys = [stage.create(labels=["sre"]), stage.create(labels=["finops"]), stage.create()]
    stage.later(minutes=1)
    stage.write(store="sqlite:///fresh.db")
    stage.quiet()
    stage.edit(keys[0], labels_remove=["sre"], labels_add=["finops"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(keys[0]) == ["outcome/cost"]
