"""What a tracker tells of things outside the scope, and what its reader wants to remember."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest
from support_edits import EditedWorld, Tracker, edited_world
from support_values import TRACKER, issue, label, ref, rule, rulebook

from syncd.core.errors import Unavailable
from syncd.core.model import Issue, Link
from syncd.core.ports import MEMORY_AT_MOST, Page

BOOK = rulebook(rule("sre", "reliability", label("sre")))


@dataclass
class Telling(Tracker):
    """A tracker that streams what lies outside as well, and remembers."""

    told: list[Issue] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    memory: str | None = None
    down: bool = False

    def observe(self, since: datetime | None, memory: str = "") -> Iterator[Page]:
        self.heard.append(memory)
        (page,) = super().observe(since)
        yield replace(page, last=not self.down, outside=tuple(self.told), memory=self.memory)
        if self.down:
            raise Unavailable("the second page did not come", tracker=TRACKER)


def telling(world: EditedWorld) -> Telling:
    world.tracker = Telling(world.tracker.issues, world.tracker.now)
    return world.tracker


def test_what_the_tracker_says_is_outside_leaves_the_scope_and_says_so(tmp_path: Path) -> None:
    with edited_world(tmp_path, [issue("PAY-1", "sre"), issue("PAY-2", "sre")], BOOK) as world:
        tracker = telling(world)
        world.settle(world.look())
        archived = replace(tracker.issues.pop("id-PAY-1"), title="archived now", updated=world.now)
        tracker.told = [archived]
        looked = world.look()
        assert world.store.count_in_scope(ref("PAY-1").tracker) == 1
        assert looked.plan.actions == ()
        assert world.store.known([ref("PAY-1")])[ref("PAY-1")].issue == archived
        assert "archived" in world.store.left([ref("PAY-1")])[ref("PAY-1")][1]
        tracker.told = []
        tracker.issues["id-PAY-1"] = archived
        world.change("id-PAY-1", title="back")
        world.look()
        assert world.store.count_in_scope(ref("PAY-1").tracker) == 2


def test_what_was_told_in_an_observation_is_not_read_again_in_it(tmp_path: Path) -> None:
    above = issue("OUT-1", "sre")
    with edited_world(tmp_path, [issue("PAY-1", within=(Link("id-OUT-1", "OUT-1"),))], BOOK) as world:
        tracker = telling(world)
        tracker.told = [above]
        world.look()
        assert tracker.requests == 0
        tracker.told, tracker.issues["id-OUT-1"] = [], above
        world.look()
        assert tracker.requests == 1, "nobody told of it this time"


def test_the_readers_memory_is_that_of_the_last_complete_observation(tmp_path: Path) -> None:
    with edited_world(tmp_path, [issue("PAY-1", "sre")], BOOK) as world:
        tracker = telling(world)
        tracker.memory = "first"
        world.look()
        tracker.memory = "torn"
        tracker.down = True
        assert not world.look().complete
        tracker.memory, tracker.down = None, False
        world.look()
        world.look()
        assert tracker.heard == ["", "first", "first", "first"]


def test_a_memory_past_its_limit_is_the_connectors_fault_and_said_so(tmp_path: Path) -> None:
    with edited_world(tmp_path, [issue("PAY-1", "sre")], BOOK) as world:
        telling(world).memory = "x" * (MEMORY_AT_MOST + 1)
        with pytest.raises(ValueError, match="memory of acme-jira's reader"):
            world.look()
