"""People, clones, automations, index lag and syncd play against each other on a served Jira, in any order.

However it goes: nothing of a person's is lost, nothing of an automation's is touched, no mark is written twice in a row
without a cause, and two cycles after people have rested nothing more is written.
"""

import json
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from support_stage import Stage, is_mark, staged

LABELS = ("sre", "finops", "deps", "quiet")
HAND_SET = ("outcome/cost", "outcome/reliability", "Outcome/Cost", "outcome/nonsense", "alignment/unmapped")
PEOPLE = ("tom", "maria")
issues = st.integers(0, 20)


class PeopleAndSyncd(RuleBasedStateMachine):
    """The world as people know it (`labels`, `words`), beside the one that is served."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.stage: Stage = self.stack.enter_context(staged(folder, checked=False))
        self.stage.site.registry.person("robot", "Automation for Jira", account_type="app")
        self.labels: dict[str, set[str]] = {}
        self.hand: dict[str, set[str]] = {}
        """Marks that somebody put on with their own hands, or an automation did, and that stand."""
        self.last: dict[str, str] = {}
        """What was last written on each issue, while nobody touched it or what is above it."""

    def teardown(self) -> None:
        try:
            self.rest()
        finally:
            self.stack.close()

    @initialize(lag=st.integers(0, 3))
    def begin(self, lag: int) -> None:
        self.stage.once()
        self.stage.site.index_lag = timedelta(minutes=lag)
        for label in ("sre", "finops"):
            self.create(label, epic=label == "sre")
        self.cycle(6)

    def key(self, which: int) -> str:
        return sorted(self.labels)[which % len(self.labels)]

    # --- people

    @rule(label=st.sampled_from(LABELS), epic=st.booleans())
    def create(self, label: str, epic: bool) -> None:
        key = self.stage.create(labels=[label], type="Epic" if epic else "Story")
        self.labels[key], self.hand[key] = {label}, set()
        self.touch(key)

    @rule(which=issues, label=st.sampled_from(LABELS))
    def toggle(self, which: int, label: str) -> None:
        key = self.key(which)
        change: dict[str, Any] = {"labels_remove" if label in self.labels[key] else "labels_add": [label]}
        self.stage.edit(key, **change)
        self.labels[key] ^= {label}
        self.touch(key)

    @rule(which=issues, mark=st.sampled_from(HAND_SET), by=st.sampled_from((*PEOPLE, "robot")))
    def put_on(self, which: int, mark: str, by: str) -> None:
        key = self.key(which)
        if mark not in self.stage.site.issue(key).labels:
            self.hand[key].add(mark)
        self.stage.edit(key, by=by, labels_add=[mark])
        self.touch(key)

    @rule(which=issues, by=st.sampled_from((*PEOPLE, "robot")))
    def take_off(self, which: int, by: str) -> None:
        key = self.key(which)
        self.stage.edit(key, by=by, labels_remove=self.stage.marks(key))
        self.hand[key].clear()
        self.touch(key)

    @rule(which=issues, split=st.booleans(), by=st.sampled_from(PEOPLE))
    def copy(self, which: int, split: bool, by: str) -> None:
        key = self.key(which)
        self.stage.tick()
        person = self.stage.site.person(by)
        made = person.split(key) if split else person.clone(key)
        self.stage.tick()
        self.labels[made] = set(self.labels[key])
        self.hand[made] = {mark for mark in self.stage.marks(made) if mark in self.hand[key]}
        self.touch(key)

    @rule(which=issues, above=issues)
    def hang_below(self, which: int, above: int) -> None:
        child, parent = self.key(which), self.key(above)
        self.stage.edit(child, parent=None if child == parent else parent)
        self.touch(child)

    # --- cycles

    @rule(minutes=st.sampled_from((1, 1, 6)))
    def cycle(self, minutes: int) -> None:
        with self.stage.watched() as traffic:
            result = self.stage.later(minutes=minutes)
        assert result.complete, result.why
        assert not result.waiting
        self.nothing_of_people_is_lost()
        for exchange in traffic.of("PUT", r"issue/\d+"):
            key = self.stage.site.issue(exchange.path.rpartition("/")[2]).key
            delta = json.dumps(json.loads(exchange.request_body)["update"])
            assert self.last.get(key) != delta, f"{key}: {delta} twice in a row, and nobody touched it"
            self.last[key] = delta

    def touch(self, key: str) -> None:
        """What is written on it next, and on what hangs below it, has a cause."""
        below, level = set[int](), [self.stage.site.issue(key).id]
        while level:
            below.update(level)
            level = [child for one in level for child in self.stage.site.children.get(one, ()) if child not in below]
        for issue_id in below:
            self.last.pop(self.stage.site.live[issue_id].key, None)

    def nothing_of_people_is_lost(self) -> None:
        for key, labels in self.labels.items():
            there = self.stage.site.issue(key).labels
            assert {label for label in there if not is_mark(label)} == labels, key
            stands = {mark for mark in self.hand[key] if mark in there}
            taken_over = self.hand[key] - stands
            assert not {m for m in taken_over if not self.may_be_ours(key, m)}, (key, taken_over)
            self.hand[key] = stands

    def may_be_ours(self, key: str, mark: str) -> bool:
        """A mark equal to what the rules decided was signed when it was seen, and follows the rules since."""
        with self.stage.store() as store:
            (ref,) = store.find(key)
            outcome = mark.casefold().partition("/")[2]
            return any(decision.pair == ("mapped", outcome) for _, decision in store.history(ref))

    def rest(self) -> None:
        """People rest: past the overlap two cycles settle what is open, then nothing is planned or written.

        Nothing here loses a write, so the two more that a lost one takes (tried again, found lost again) are not given.
        """
        if not self.labels:
            return
        for _ in range(2):
            self.stage.later(minutes=6)
        self.nothing_of_people_is_lost()
        before = self.stage.site.snapshot()
        for _ in range(2):
            result = self.stage.later(minutes=6)
            assert (result.planned, result.applied) == (0, 0), result
        assert self.stage.site.snapshot() == before
        for key in self.labels:
            self.at_most_one_of_ours(key)

    def at_most_one_of_ours(self, key: str) -> None:
        applied = self.stage.known(key).applied
        ours = None if applied is None else applied.mark
        marks = set(self.stage.marks(key))
        assert ours is None or ours in marks, (key, ours, marks)
        strangers = marks - {ours} - self.hand[key]
        assert not strangers, (key, strangers)


def play(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        PeopleAndSyncd,
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


def test_people_and_syncd_get_along_whatever_happens() -> None:
    play(examples=2, steps=12)


@pytest.mark.stress
def test_people_and_syncd_get_along_in_many_long_stories() -> None:
    play(examples=20, steps=25)
