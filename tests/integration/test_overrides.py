"""A person's word on one issue: said by command, with author, reason and an end; and the later word wins."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_stage import Stage, staged

from syncd.app import UnknownKeyError
from syncd.app.people import Said, UnknownTargetError, drop_override, overrides, set_override


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()
        yield stage


def say(stage: Stage, key: str, target: str, *, reason: str | None = None, expires: str | None = None) -> Said:
    stage.tick()
    said = set_override(stage.app, key, target, by="ada", reason=reason, expires=expires, tracker=None)
    stage.tick()
    return said


def test_a_word_by_command_stands_before_every_rule_from_the_next_cycle_on(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    say(stage, key, "cost", reason="the board said so")
    assert stage.later(minutes=1).applied == 1
    assert (stage.decided(key), stage.marks(key)) == (("mapped", "cost"), ["outcome/cost"])
    assert "by ada, because the board said so" in stage.explain(key).decision.evidence[0].texts[0]
    stage.quiet()


def test_what_hangs_below_follows_in_the_same_cycle(stage: Stage) -> None:
    epic = stage.create(type="Epic", labels=["sre"])
    child = stage.create(parent=epic)
    stage.later(minutes=1)
    say(stage, epic, "overhead:chores")
    stage.later(minutes=1)
    assert (stage.decided(epic), stage.decided(child)) == (("exempt", "chores"), ("exempt", "chores"))
    assert stage.marks(epic) == stage.marks(child) == []


def test_when_a_word_runs_out_the_rules_decide_again_by_themselves(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    said = say(stage, key, "cost", expires="2026-11-22")
    assert said.override.expires is not None
    stage.later(minutes=1)
    stage.later(hours=24)
    assert stage.decided(key) == ("mapped", "cost"), "it holds all through its last day"
    stage.later(hours=12)
    assert stage.clock.now() >= said.override.expires
    assert (stage.decided(key), stage.marks(key)) == (("mapped", "reliability"), ["outcome/reliability"])
    assert overrides(stage.app) == []
    ((told),) = overrides(stage.app, ended=True)
    assert told.ended is not None
    stage.quiet()


def test_a_second_word_replaces_the_first_and_both_are_remembered(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    say(stage, key, "cost")
    say(stage, key, "reliability/failover")
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/reliability"]
    assert len(overrides(stage.app)) == 1
    assert len(overrides(stage.app, ended=True)) == 2


def test_a_dropped_word_ends(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    say(stage, key, "cost")
    stage.later(minutes=1)
    assert [said.key for said in drop_override(stage.app, key, tracker=None)] == [key]
    assert drop_override(stage.app, key, tracker=None) == []
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/reliability"]
    stage.quiet()


def test_of_a_mark_and_a_command_the_later_wins(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, labels_add=["outcome/cost"])
    stage.later(minutes=1)
    say(stage, key, "reliability")
    stage.later(minutes=1)
    assert stage.decided(key) == ("mapped", "reliability")
    assert stage.marks(key) == ["outcome/cost", "outcome/reliability"], "a person's mark is left alone"
    stage.edit(key, labels_remove=["outcome/cost"])
    stage.later(minutes=1)
    stage.edit(key, labels_add=["outcome/cost"])
    stage.later(minutes=1)
    assert (stage.decided(key), stage.marks(key)) == (("mapped", "cost"), ["outcome/cost"])
    stage.quiet()


def test_auto_lets_the_rules_decide_also_against_a_mark_that_stands(stage: Stage) -> None:
    key = stage.create(labels=["sre", "outcome/cost"])
    stage.later(minutes=1)
    say(stage, key, "auto")
    stage.later(minutes=1)
    assert (stage.decided(key), stage.explain(key).decision.via) == (("mapped", "reliability"), "rule")
    stage.quiet()


def test_what_is_not_there_is_said_with_what_may_be_meant(stage: Stage) -> None:
    key = stage.create()
    stage.later(minutes=1)
    with pytest.raises(UnknownTargetError, match="reliability"):
        say(stage, key, "reliabilty")
    with pytest.raises(UnknownTargetError, match="2026-12-31"):
        say(stage, key, "cost", expires="next week")
    with pytest.raises(UnknownTargetError, match="over already"):
        say(stage, key, "cost", expires="2026-11-01")
    with pytest.raises(UnknownKeyError):
        say(stage, "PAY-999", "cost")


def test_a_word_on_an_outcome_that_left_the_strategy_stands_and_is_a_finding_until_it_ends(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    say(stage, key, "cost")
    strategy = (stage.config / "strategy.yaml").read_text(encoding="utf-8")
    stage.write(strategy=strategy.replace("owner: li@acme.example", "owner: li@acme.example\n    until: 2026-11-20"))
    stage.later(minutes=1)
    assert stage.decided(key) == ("mapped", "cost")
    assert [text for text in stage.findings("override") if key in text and "outside its dates" in text]
    drop_override(stage.app, key, tracker=None)
    stage.later(minutes=1)
    assert stage.findings("override") == []
