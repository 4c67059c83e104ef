"""Which plans wait for a person (DESIGN §3.7)."""

from dataclasses import replace

import pytest
from support_values import TRACKER, action

from syncd.core.model import Action, IssueRef, Limits, Origin, Skipped
from syncd.core.plan import Guarded, digest, guard, make_plan

LIMITS = Limits(share=0.3, actions=50, always=5)
TOGETHER = [Origin.FIRST, Origin.RULEBOOK]
APART = [Origin.ISSUE, Origin.ANCESTOR]


def actions(count: int, origin: Origin, tracker: str = TRACKER, first: int = 1) -> list[Action]:
    made = [action(f"PAY-{n}", origin=origin) for n in range(first, first + count)]
    return [replace(one, ref=IssueRef(tracker, one.ref.id)) for one in made]


def weigh(made: list[Action], in_scope: int = 1_000, limits: Limits = LIMITS) -> Guarded:
    return guard(make_plan(made), {TRACKER: in_scope}, limits)


@pytest.mark.parametrize("origin", TOGETHER)
@pytest.mark.parametrize(("count", "goes"), [(30, True), (31, False)])
def test_what_an_admin_did_waits_above_the_share_of_issues_in_scope(origin: Origin, count: int, goes: bool) -> None:
    guarded = weigh(actions(count, origin), in_scope=100)
    assert len(guarded.plan.actions) == (count if goes else 0)
    assert len(guarded.refused.actions) == (0 if goes else count)


@pytest.mark.parametrize("origin", [*TOGETHER, *APART])
@pytest.mark.parametrize(("count", "goes"), [(50, True), (51, False)])
def test_no_part_is_larger_than_the_absolute_limit(origin: Origin, count: int, goes: bool) -> None:
    assert bool(weigh(actions(count, origin)).plan.actions) is goes


@pytest.mark.parametrize("origin", APART)
def test_what_people_changed_is_not_bound_by_the_share(origin: Origin) -> None:
    assert not weigh(actions(50, origin), in_scope=50).refusals


@pytest.mark.parametrize("origin", [*TOGETHER, *APART])
def test_a_plan_of_at_most_always_never_waits(origin: Origin) -> None:
    assert not weigh(actions(5, origin), in_scope=1).refusals
    assert not weigh(actions(5, origin), limits=Limits(share=0, actions=0, always=5)).refusals
    assert weigh(actions(6, origin), limits=Limits(share=0, actions=0, always=5)).refusals


def test_first_labelling_and_rule_edits_stand_or_are_refused_together() -> None:
    both = [*actions(20, Origin.FIRST), *actions(20, Origin.RULEBOOK, first=100)]
    guarded = weigh(both, in_scope=100)
    assert (len(guarded.plan.actions), len(guarded.refused.actions)) == (0, 40)
    assert len(guarded.refusals) == 1


def test_issues_that_people_changed_go_on_beside_a_refused_plan() -> None:
    mixed = [*actions(40, Origin.RULEBOOK), *actions(10, Origin.ISSUE, first=100)]
    guarded = weigh(mixed, in_scope=100)
    assert {a.origin for a in guarded.plan.actions} == {Origin.ISSUE}
    assert {a.origin for a in guarded.refused.actions} == {Origin.RULEBOOK}


def test_a_refused_plan_is_written_nowhere_not_even_in_part() -> None:
    guarded = weigh(actions(51, Origin.FIRST))
    assert guarded.plan.actions == ()
    assert len(guarded.refused.actions) == 51


def test_trackers_are_weighed_apart() -> None:
    mine, other = actions(40, Origin.FIRST), actions(3, Origin.FIRST, tracker="other")
    guarded = guard(make_plan([*mine, *other]), {TRACKER: 100, "other": 3}, LIMITS)
    assert {a.ref.tracker for a in guarded.plan.actions} == {"other"}
    assert [r.tracker for r in guarded.refusals] == [TRACKER]


def test_a_tracker_of_which_nothing_is_known_to_be_in_scope_waits() -> None:
    guarded = guard(make_plan(actions(6, Origin.FIRST)), {}, LIMITS)
    assert guarded.refused.actions
    assert "100.0% of 0 issues" in guarded.refusals[0].reason


def test_the_refusal_says_what_how_many_and_which_limit() -> None:
    (refusal,) = weigh(actions(40, Origin.RULEBOOK), in_scope=100).refusals
    assert refusal.reason == (
        "40 actions from a rulebook or scope edit, or a first labelling touch 40.0% of 100 issues in scope, "
        "more than 30.0% (limits.share)"
    )
    assert refusal.counts == {"actions": 40, "in_scope": 100}
    assert refusal.limits == {"share": 0.3, "actions": 50, "always": 5}
    (people,) = weigh(actions(51, Origin.ISSUE)).refusals
    assert people.reason == "51 actions from changes that people made are more than 50 (limits.actions)"


def test_a_refused_plan_has_its_own_digest_to_be_applied_by() -> None:
    refused = actions(40, Origin.RULEBOOK)
    guarded = weigh([*refused, *actions(10, Origin.ISSUE, first=100)], in_scope=100)
    assert guarded.refusals[0].digest == guarded.refused.digest == digest(refused)
    assert guarded.plan.digest != guarded.refused.digest


def test_what_was_skipped_stays_told() -> None:
    skipped = Skipped(IssueRef(TRACKER, "1"), "PAY-1", "closed")
    guarded = guard(make_plan(actions(1, Origin.ISSUE), [skipped]), {TRACKER: 1}, LIMITS)
    assert guarded.plan.skipped == (skipped,)


def test_nothing_planned_is_nothing_refused() -> None:
    assert weigh([]) == Guarded(make_plan([]), make_plan([]))
