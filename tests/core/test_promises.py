"""What must hold whatever the work, the rules and the people are: examples are drawn, not written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_values import OVERLAP, has, policy, ref, rule
from support_world import HAND_SET, NOWHERE, WORDS, World, issues, rulebooks, worlds

from syncd.core.model import Issue, IssueRef, Rulebook

EXAMPLES = settings(max_examples=150, deadline=None)
AT_LEAST = 0.8


@dataclass(slots=True)
class Tried:
    """How many examples had something to do: a promise kept by idle worlds proves nothing."""

    examples: int = 0
    acted: int = 0

    def count(self, actions: object) -> None:
        self.examples += 1
        self.acted += bool(actions)


@pytest.fixture
def tried(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[Tried], None]:
    def tell(what: Tried) -> None:
        share = what.acted / what.examples
        with capsys.disabled():
            print(  # noqa: T201 - the proof that it tried
                f"\n{request.node.name}: {what.acted} of {what.examples} examples had actions ({share:.0%})"
            )
        assert share >= AT_LEAST

    return tell


@EXAMPLES
@given(st.data())
def second_run(tally: Tried, data: st.DataObject) -> None:
    world = data.draw(worlds())
    first = world.cycle()
    tally.count(first.actions)
    lagging = {r for r in world.truth if data.draw(st.booleans())}
    assert world.cycle(lagging).actions == ()
    world.observe()
    assert world.cycle().actions == ()


def test_a_second_run_plans_nothing_even_while_the_index_lags(tried: Callable[[Tried], None]) -> None:
    tally = Tried()
    second_run(tally)
    tried(tally)


steps = st.one_of(
    st.tuples(st.just("label"), st.integers(1, 8), st.sampled_from(WORDS)),
    st.tuples(st.just("mark"), st.integers(1, 8), st.sampled_from(HAND_SET)),
    st.tuples(st.just("take ours off"), st.integers(1, 8), st.just("")),
    st.tuples(st.just("cycle"), st.integers(0, 2), st.just("")),
)


def live(world: World, step: tuple[str, int, str]) -> bool:
    """One step of a world's life; whether syncd wrote anything in it."""
    kind, number, word = step
    if kind == "cycle":
        lagging = [r for n, r in enumerate(world.truth) if number and n % 2 == number - 1]
        before, ours = dict(world.truth), {r: set(marks) for r, marks in world.ours.items()}
        actions = world.cycle(lagging).actions
        for r, marks in world.ours.items():
            ours.setdefault(r, set()).update(marks)
        assert not_ours(world.truth, ours) == not_ours(before, ours)
        return bool(actions)
    on = ref(f"PAY-{number}")
    if on in world.truth:
        if kind == "label":
            world.toggle_label(on, word)
        elif kind == "mark":
            world.toggle_mark(on, word)
        else:
            for mark in sorted(world.ours.get(on, ())):
                world.toggle_mark(on, mark)
    return False


def not_ours(truth: Mapping[IssueRef, Issue], ours: Mapping[IssueRef, set[str]]) -> dict[str, tuple[object, ...]]:
    """All that is not syncd's: people's labels, marks of people's or of others, and everything else but time."""
    return {
        one.key: (
            one.labels,
            tuple(mark for mark in one.marks if mark not in ours.get(r, ())),
            replace(one, marks=(), copy=None, updated=one.created),
        )
        for r, one in truth.items()
    }


@EXAMPLES
@given(worlds(), st.lists(steps, min_size=2, max_size=12))
def own_marks(tally: Tried, world: World, life: list[tuple[str, int, str]]) -> None:
    acted = [live(world, step) for step in (("cycle", 0, ""), *life, ("cycle", 0, ""))]
    tally.count(any(acted))


def test_only_own_marks_are_touched_whatever_people_do(tried: Callable[[Tried], None]) -> None:
    tally = Tried()
    own_marks(tally)
    tried(tally)


@EXAMPLES
@given(worlds(), st.lists(steps, min_size=2, max_size=12))
def comes_to_rest(tally: Tried, world: World, life: list[tuple[str, int, str]]) -> None:
    acted = [live(world, step) for step in (*life, ("cycle", 0, ""))]
    tally.count(any(acted))
    world.now += OVERLAP + world.policy.grace + world.policy.comments.grace
    world.cycle()
    world.cycle()
    assert world.cycle().actions == ()


def test_syncd_never_fights_once_people_rest_so_does_it(tried: Callable[[Tried], None]) -> None:
    tally = Tried()
    comes_to_rest(tally)
    tried(tally)


@EXAMPLES
@given(worlds(), st.randoms(use_true_random=False))
def any_order(tally: Tried, world: World, random: Random) -> None:
    shuffled_issues, shuffled_rules = list(world.truth), list(world.rulebook.rules)
    random.shuffle(shuffled_issues)
    random.shuffle(shuffled_rules)
    other = World(dict(world.truth), replace(world.rulebook, rules=tuple(shuffled_rules)), world.policy)
    world.observe()
    other.observe()
    plan, again = world.look(), other.look(shuffled_issues)
    tally.count(plan.actions)
    assert other.decisions() == world.decisions()
    assert (again.digest, again) == (plan.digest, plan)


def test_neither_the_order_of_pages_nor_of_rules_matters(tried: Callable[[Tried], None]) -> None:
    tally = Tried()
    any_order(tally)
    tried(tally)


def resting_on(book: Rulebook, outcome: str) -> Rulebook:
    """With a default for whatever no rule claims, so that two rulebooks seldom agree on everything."""
    return replace(book, rules=(*book.rules, rule("the-rest", outcome, has("key", "*"), default=True)))


@EXAMPLES
@given(issues(), rulebooks("a"), rulebooks("b"))
def there_and_back(tally: Tried, work: tuple[Issue, ...], first: Rulebook, second: Rulebook) -> None:
    readable = [replace(one, parent=None) if one.parent == NOWHERE else one for one in work]
    world = World(
        {one.ref: one for one in readable}, resting_on(first, "growth"), policy(write_closed=True, grace=timedelta(0))
    )
    world.cycle()
    marks = {r: one.marks for r, one in world.truth.items()}
    world.rulebook = resting_on(second, "trust")
    there = world.cycle().actions
    world.rulebook = resting_on(first, "growth")
    back = world.cycle().actions
    tally.count(there)
    assert {a.ref for a in back} == {a.ref for a in there}
    assert {r: one.marks for r, one in world.truth.items()} == marks
    assert len(set(world.entries)) == len(world.entries)


def test_what_goes_there_and_back_is_written_each_time_under_a_name_of_its_own(
    tried: Callable[[Tried], None],
) -> None:
    tally = Tried()
    there_and_back(tally)
    tried(tally)
