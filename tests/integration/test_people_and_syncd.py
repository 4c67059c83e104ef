"""People, copies, automations, index lag and syncd play against each other on both served trackers, in any order.

However it goes: nothing of a person's is lost, nothing of an automation's is touched, no mark is written twice in a row
without a cause, and two cycles after people have rested nothing more is written.
"""

import tempfile
from abc import abstractmethod
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from support_people import ROBOT, Ground, on_jira, on_linear

LABELS = ("sre", "finops", "deps", "quiet")
PEOPLE = ("tom", "maria")
issues = st.integers(0, 20)


class PeopleAndSyncd(RuleBasedStateMachine):
    """The world as people know it (`labels`, `hand`), beside the one that is served."""

    @staticmethod
    @abstractmethod
    def opened(folder: Path) -> AbstractContextManager[Ground]:
        """What is played on."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.ground: Ground = self.stack.enter_context(self.opened(folder))
        self.labels: dict[str, frozenset[str]] = {}
        self.hand: dict[str, set[str]] = {}
        """Marks that somebody put on with their own hands, or an automation did, and that stand."""
        self.came_from: dict[str, str] = {}
        """What an issue was copied from, where the tracker tells."""
        self.last: dict[str, str] = {}
        """What was last written on each issue, while nobody touched it or what is above it."""

    def teardown(self) -> None:
        try:
            self.rest()
        finally:
            self.stack.close()

    @initialize(lag=st.integers(0, 3))
    def begin(self, lag: int) -> None:
        self.ground.lag(lag if self.ground.lags else 0)
        for label in ("sre", "finops"):
            self.create(label, epic=label == "sre")
        self.cycle(6)

    def key(self, which: int) -> str:
        return sorted(self.labels)[which % len(self.labels)]

    # --- people

    @rule(label=st.sampled_from(LABELS), epic=st.booleans())
    def create(self, label: str, epic: bool) -> None:
        key = self.ground.create(label, epic=epic)
        self.labels[key], self.hand[key] = frozenset({label}), set()
        self.touch(key)

    @rule(which=issues, label=st.sampled_from(LABELS))
    def toggle(self, which: int, label: str) -> None:
        key = self.key(which)
        self.ground.toggle(key, label, on=label not in self.labels[key])
        self.labels[key] ^= {label}
        self.touch(key)

    @rule(which=issues, mark=st.integers(0, 4), by=st.sampled_from((*PEOPLE, ROBOT)))
    def put_on(self, which: int, mark: int, by: str) -> None:
        key, named = self.key(which), self.ground.hand_set[mark]
        there = self.ground.marks(key)
        gone = self.ground.put_on(key, named, by)
        if gone is None:
            return
        self.hand[key] -= gone
        if named not in there:
            self.hand[key].add(named)
        self.touch(key)

    @rule(which=issues, by=st.sampled_from((*PEOPLE, ROBOT)))
    def take_off(self, which: int, by: str) -> None:
        key = self.key(which)
        self.ground.take_off(key, by)
        self.hand[key].clear()
        self.touch(key)

    @rule(which=issues, tied=st.booleans(), by=st.sampled_from(PEOPLE))
    def copy(self, which: int, tied: bool, by: str) -> None:
        key = self.key(which)
        made, told = self.ground.copy(key, by, tied=tied)
        self.labels[made] = self.labels[key]
        came = self.ground.marks(made)
        self.hand[made] = {mark for mark in came if not told or mark in self.hand[key]}
        if told:
            self.came_from[made] = key
        self.touch(key)

    @rule(which=issues, above=issues)
    def hang_below(self, which: int, above: int) -> None:
        child, parent = self.key(which), self.key(above)
        self.ground.hang_below(child, None if child == parent else parent)
        self.touch(child)

    # --- cycles

    @rule(minutes=st.sampled_from((1, 1, 6)))
    def cycle(self, minutes: int) -> None:
        result, written = self.ground.later(minutes)
        assert result.complete, result.why
        assert not result.waiting, result.notes
        self.nothing_of_people_is_lost()
        for key, delta in written:
            assert self.last.get(key) != delta, f"{key}: {delta} twice in a row, and nobody touched it"
            self.last[key] = delta

    def touch(self, key: str) -> None:
        """What is written on it next, and on what hangs below it, has a cause."""
        for one in self.ground.below(key):
            self.last.pop(one, None)

    def nothing_of_people_is_lost(self) -> None:
        for key, labels in self.labels.items():
            assert self.ground.people(key) == labels, key
            there = self.ground.marks(key)
            taken_over = {mark for mark in self.hand[key] if mark not in there}
            assert not {m for m in taken_over if not self.may_be_ours(key, m)}, (key, taken_over)
            self.hand[key] -= taken_over

    def may_be_ours(self, key: str, mark: str) -> bool:
        """A mark equal to what the rules decided was signed when it was seen, and follows the rules since.

        So does one that came along with a copy of such an issue.
        """
        with self.ground.store() as store:
            (ref,) = store.find(key)
            group, _, name = mark.casefold().partition("/")
            pair = ("mapped", name) if group == "outcome" else (name, None)
            if any(decision.pair == pair for _, decision in store.history(ref)):
                return True
        return key in self.came_from and self.may_be_ours(self.came_from[key], mark)

    def rest(self) -> None:
        """People rest: past the overlap two cycles settle what is open, then nothing is planned or written.

        Nothing here loses a write, so the two more that a lost one takes (tried again, found lost again) are not given.
        """
        if not self.labels:
            return
        for _ in range(2):
            self.ground.later(6)
        self.nothing_of_people_is_lost()
        before = self.ground.snapshot()
        for _ in range(2):
            result, _ = self.ground.later(6)
            assert (result.planned, result.applied) == (0, 0), result
        assert self.ground.snapshot() == before
        for key in self.labels:
            self.at_most_one_of_ours(key)

    def at_most_one_of_ours(self, key: str) -> None:
        applied = self.ground.known(key).applied
        ours = None if applied is None else applied.mark
        marks = self.ground.marks(key)
        assert ours is None or ours in marks, (key, ours, marks)
        strangers = marks - {ours} - self.hand[key]
        assert not strangers, (key, strangers)


class OnJira(PeopleAndSyncd):
    @staticmethod
    def opened(folder: Path) -> AbstractContextManager[Ground]:
        return on_jira(folder)


class OnLinear(PeopleAndSyncd):
    @staticmethod
    def opened(folder: Path) -> AbstractContextManager[Ground]:
        return on_linear(folder)


BOTH = pytest.mark.parametrize("story", [OnJira, OnLinear], ids=["jira", "linear"])


def play(story: type[PeopleAndSyncd], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        story,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@BOTH
def test_people_and_syncd_get_along_whatever_happens(story: type[PeopleAndSyncd]) -> None:
    play(story, examples=2, steps=12)


@pytest.mark.stress
@BOTH
def test_people_and_syncd_get_along_in_many_long_stories(story: type[PeopleAndSyncd]) -> None:
    play(story, examples=60, steps=30)
