"""Edits of rules, strategy, dates and scope: decided from the store, weighed together, guarded."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support_jira_cloud import MovableClock
from support_stage import RULES, STRATEGY, Stage, empty_site, staged

SRE_IS_CHEAP = RULES.replace("outcome: reliability", "outcome: cost")
LIMITS = {"share": 0.3, "actions": 500, "always": 4}
MANY = 6
"""More than `limits.always`."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, limits=LIMITS) as stage:
        stage.once()
        yield stage


def labelled(stage: Stage, count: int = MANY) -> list[str]:
    """Issues that people made one by one, marked."""
    keys = [stage.create(labels=["sre"]) for _ in range(count)]
    stage.later(minutes=1)
    assert {tuple(stage.marks(key)) for key in keys} == {("outcome/reliability",)}
    return keys


# --- first labelling ---


def test_a_backlog_is_refused_whole_while_an_issue_that_a_person_makes_afterwards_is_labelled(tmp_path: Path) -> None:
    with staged(tmp_path, limits=LIMITS) as stage:
        backlog = [stage.create(labels=["sre"]) for _ in range(MANY)]
        first = stage.once()
        assert [refusal.counts["actions"] for refusal in first.refusals] == [MANY]
        assert first.applied == 0
        new = stage.create(labels=["sre"])
        second = stage.later(minutes=1)
        assert second.applied == 1
        assert stage.marks(new) == ["outcome/reliability"]
        assert {tuple(stage.marks(key)) for key in backlog} == {()}
        assert second.refusals == first.refusals or second.refusals[0].digest == first.refusals[0].digest


def test_an_issue_of_the_backlog_that_a_person_gives_another_outcome_goes_on_alone(tmp_path: Path) -> None:
    with staged(tmp_path, limits=LIMITS) as stage:
        backlog = [stage.create(labels=["sre"]) for _ in range(MANY)]
        stage.once()
        stage.edit(backlog[0], labels=["finops"])
        assert stage.later(minutes=1).applied == 1
        assert stage.marks(backlog[0]) == ["outcome/cost"]
        assert stage.marks(backlog[1]) == []


def test_a_small_backlog_needs_nobody(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        for _ in range(20):  # limits.always
            stage.create(labels=["sre"])
        assert stage.once().applied == 20


def test_many_people_at_work_are_bound_by_the_number_of_actions_only(stage: Stage) -> None:
    stage.write(limits={"share": 0.01, "actions": 8, "always": 2})
    labelled(stage, 7)
    for _ in range(9):
        stage.create(labels=["sre"])
    result = stage.later(minutes=1)
    assert "limits.actions" in result.refusals[0].reason
    assert result.applied == 0


# --- edits of the rules ---


def test_a_rule_edit_decides_anew_from_the_store_without_reading_an_issue(stage: Stage) -> None:
    labelled(stage, 4)
    stage.rest()
    stage.write(rules=SRE_IS_CHEAP)
    with stage.watched() as traffic:
        result = stage.later(minutes=1)
    assert (result.observed, result.decided, result.applied) == (0, 4, 4)
    assert not traffic.single_reads
    assert not traffic.fetched
    stage.quiet()


def test_a_rule_edit_that_is_taken_back_in_time_is_quiet(stage: Stage) -> None:
    keys = labelled(stage)
    stage.write(rules=SRE_IS_CHEAP)
    assert stage.later(minutes=1).refusals
    stage.write(rules=RULES)
    result = stage.quiet()
    assert result.decided == len(keys)
    assert result.refusals == ()
    assert stage.app.status()["refused"] == []


def test_a_rule_edit_over_the_limits_is_written_nowhere_and_one_under_them_is_done(stage: Stage) -> None:
    keys = labelled(stage)
    stage.write(rules=SRE_IS_CHEAP)
    refused = stage.later(minutes=1)
    assert refused.applied == 0
    assert "share" in refused.refusals[0].reason
    assert {tuple(stage.marks(key)) for key in keys} == {("outcome/reliability",)}
    stage.write(limits=LIMITS | {"share": 1.0})
    assert stage.later(minutes=1).applied == len(keys)
    assert {tuple(stage.marks(key)) for key in keys} == {("outcome/cost",)}
    stage.quiet()


def test_while_a_rule_edit_waits_people_s_own_changes_go_on(stage: Stage) -> None:
    keys = labelled(stage)
    stage.write(rules=SRE_IS_CHEAP)
    stage.later(minutes=1)
    stage.edit(keys[0], labels=[*stage.marks(keys[0]), "deps"])
    new = stage.create(labels=["finops"])
    result = stage.later(minutes=1)
    assert result.applied == 2
    assert (stage.marks(keys[0]), stage.marks(new)) == ([], ["outcome/cost"])
    assert result.refusals[0].counts["actions"] == len(keys) - 1
    assert stage.marks(keys[1]) == ["outcome/reliability"]


def test_the_report_names_the_rules_that_decided_and_not_an_edit_that_has_not_run_yet(stage: Stage) -> None:
    labelled(stage, 1)
    before = stage.app.report()
    stage.write(rules=SRE_IS_CHEAP, strategy=STRATEGY.replace("title: ", "title: Renamed "))
    edited = stage.app.report()
    assert (edited.version, edited.strategy) == (before.version, before.strategy)
    assert [line.issues for line in edited.outcomes] == [line.issues for line in before.outcomes]
    stage.later(minutes=1)
    after = stage.app.report()
    assert after.version == stage.app.load().rulebook.version != before.version
    assert after.outcomes[0].outcome.title.startswith("Renamed ")


def test_a_rule_edit_that_leads_to_the_same_outcome_has_changed_nothing(stage: Stage) -> None:
    (key,) = labelled(stage, 1)
    stage.quiet()
    stage.edit(key, labels_remove=["outcome/reliability"])
    stage.quiet()
    stage.write(rules=RULES.replace("id: reliable", "id: dependable"))
    stage.quiet()
    assert stage.marks(key) == []  # what the person took off stays off: the verdict has not changed


def test_a_bad_rule_edit_stops_nothing_that_is_there(stage: Stage) -> None:
    (key,) = labelled(stage, 1)
    before = stage.site.snapshot()
    (stage.config / "rules.yaml").write_text("rules: [", encoding="utf-8")
    assert not all(problem.severity == "advice" for problem in stage.app.check())
    assert stage.site.snapshot() == before
    stage.write(rules=RULES)
    stage.quiet()
    assert stage.marks(key) == ["outcome/reliability"]


# --- dates ---


def test_dates_come_into_effect_by_the_clock_alone(stage: Stage) -> None:
    stage.write(
        rules="rules:\n"
        "  - {id: reliable, outcome: reliability, when: {label: sre}, until: 2026-11-22}\n"
        "  - {id: cheap, outcome: cost, when: {label: sre}, from: 2026-11-24}\n"
    )
    (key,) = labelled(stage, 1)
    seen = {}
    for _ in range(5):
        stage.later(hours=12)
        stage.later(hours=12)
        seen[stage.clock.now().day] = stage.marks(key)
    assert seen[22] == ["outcome/reliability"]  # both days are inclusive
    assert seen[23] == ["alignment/unmapped"]
    assert seen[24] == ["outcome/cost"]
    assert seen[26] == ["outcome/cost"]


def test_an_outcome_that_ends_ends_for_old_and_new_work_alike(stage: Stage) -> None:
    old = labelled(stage, 1)[0]
    ended = STRATEGY.replace(
        "    owner: maria@acme.example\n    metric",
        "    until: 2026-11-21\n    owner: maria@acme.example\n    metric",
        1,
    )
    stage.write(strategy=ended)
    stage.quiet()
    new = stage.create(labels=["sre"])
    stage.later(hours=12)
    assert stage.clock.now().day == 22
    assert (stage.marks(old), stage.marks(new)) == (["alignment/unmapped"], ["alignment/unmapped"])


# --- the scope ---


def test_a_project_added_to_the_scope_is_read_whole_and_its_labelling_is_a_first_one(tmp_path: Path) -> None:
    with staged(tmp_path, projects=("PAY",), limits=LIMITS) as stage:
        stage.once()
        old = [stage.create("OPS", labels=["sre"]) for _ in range(MANY)]
        stage.rest()
        stage.write(tracker={"scope": {"projects": ["PAY", "OPS"]}})
        result = stage.later(minutes=1)
        assert result.decided == len(old)
        assert result.applied == 0
        assert result.refusals[0].counts["actions"] == len(old)


def test_a_project_taken_out_of_the_scope_keeps_its_marks_and_counts_nowhere(stage: Stage) -> None:
    pay, ops = stage.create("PAY", labels=["sre"]), stage.create("OPS", labels=["sre"])
    stage.later(minutes=1)
    stage.write(tracker={"scope": {"projects": ["PAY"]}})
    stage.quiet()
    stage.edit(ops, labels_remove=["sre"])
    stage.quiet()
    assert (stage.marks(pay), stage.marks(ops)) == (["outcome/reliability"], ["outcome/reliability"])
    assert stage.app.report().totals.issues == 1
    assert not stage.explain(ops).in_scope


def test_a_project_that_comes_back_into_the_scope_is_weighed_as_a_first_labelling(stage: Stage) -> None:
    keys = [stage.create("OPS", labels=["sre"]) for _ in range(MANY)]
    stage.later(minutes=1)
    stage.write(tracker={"scope": {"projects": ["PAY"]}})
    stage.quiet()
    for key in keys:
        stage.edit(key, labels_remove=["sre"])
    stage.write(tracker={"scope": {"projects": ["PAY", "OPS"]}})
    result = stage.later(minutes=1)
    assert result.applied == 0
    assert result.refusals[0].counts["actions"] == len(keys)


def test_an_issue_that_moves_into_the_scope_is_labelled_on_its_own(stage: Stage) -> None:
    outside = stage.create("STRAT", labels=["sre"])
    stage.quiet()
    stage.tick()
    key = stage.site.person("tom").move(outside, "PAY")
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/reliability"]


# --- a pass that dies ---


class KilledError(BaseException):
    """The process is gone."""


def killed_before_deciding(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cycle that reads, remembers, and dies."""

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr("syncd.engine.deciding.Pass.take", die)
        stage.clock.move(timedelta(minutes=1))
        with pytest.raises(KilledError):
            stage.once()


def test_what_a_dying_pass_had_read_is_decided_by_the_next(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    epic = stage.create(type="Epic", labels=["sre"])
    child = stage.create(parent=epic)
    stage.later(minutes=1)
    stage.rest()
    stage.edit(epic, labels=[*stage.marks(epic), "finops"])
    killed_before_deciding(stage, monkeypatch)
    stage.later(minutes=10)
    assert (stage.marks(epic), stage.marks(child)) == (["outcome/cost"], ["outcome/cost"])
    stage.quiet()


def test_what_a_dying_pass_had_read_outside_the_scope_is_decided_by_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    epic = stage.create("STRAT", type="Epic", labels=["sre"])
    child = stage.create(parent=epic)
    stage.later(minutes=1)
    stage.edit(epic, labels=["finops"])
    killed_before_deciding(stage, monkeypatch)
    stage.later(minutes=1)
    assert stage.marks(child) == ["outcome/cost"]


def test_a_first_labelling_stays_one_when_its_first_pass_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(tmp_path, limits=LIMITS) as stage:
        keys = [stage.create(labels=["sre"]) for _ in range(MANY)]
        killed_before_deciding(stage, monkeypatch)
        result = stage.later(minutes=1)
        assert result.applied == 0
        assert result.refusals[0].counts["actions"] == len(keys)


def test_a_rule_edit_stays_one_when_the_pass_after_it_died(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = labelled(stage)
    stage.write(rules=SRE_IS_CHEAP)
    killed_before_deciding(stage, monkeypatch)
    result = stage.later(minutes=1)
    assert result.applied == 0
    assert result.refusals[0].counts["actions"] == len(keys)


def test_the_clock_and_the_site_are_one_on_this_stage(tmp_path: Path) -> None:
    clock = MovableClock()
    with staged(tmp_path, clock=clock, site=empty_site(clock)) as stage:
        assert stage.once().complete
        with stage.store() as store:
            assert store.progress("acme-jira").skew == timedelta(0)
