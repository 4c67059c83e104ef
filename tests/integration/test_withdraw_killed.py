"""A process that is killed in the middle of `withdraw`: the next one goes on, and all is as it was before syncd.

The tracker is a process of its own and so is each `withdraw`; answers get lost all the while. It is killed by SIGKILL,
in every other round with a request that was sent and not answered. In between a cycle runs: the place is on hold from
the first moment on, so it puts nothing on again.
"""

import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support_killable import JIRA_SITE, LINEAR_WORKSPACE, Killable
from support_rig import Rig, rigged

from syncd.app.people import withdraw_from


def world(rig: Rig) -> Any:
    """All that syncd may leave anything in: issues with all that hangs on them, and Linear's catalogue of labels."""
    shown: dict[str, Any] = rig.read("snapshot")
    issues = {key: {name: told for name, told in one.items() if name != "updated"} for key, one in shown.items()}
    return issues, rig.read("labels") if rig.kind is LINEAR_WORKSPACE else None


def survive(folder: Path, kind: Killable, size: int, kills: int, *, seed: int) -> int:
    """Let syncd work, kill `withdraw` again and again, let one finish; how many died while a row was in `sending`."""
    draw = random.Random(seed)  # noqa: S311 - moments to die at, not secrets
    with rigged(folder, kind, size) as rig:
        before = world(rig)
        shown = rig.app.plan().plan
        result = rig.app.apply(shown.digest)
        assert result is not None
        assert not result.waits
        said = sum(action.kind == "comment" for action in shown.actions)
        room = said // (kills + kills // 2 + 1)  # each comment goes by itself; waiting takes more
        assert room >= 1, f"{said} comments are too few for so many deaths"
        if kind.lagging is not None:
            rig.tell("settings", kind.lagging)
        rig.tell("faults", kind.losing)
        died = 0
        for number in range(kills):
            writes = draw.randint((room + 1) // 2, room)
            argv = ("withdraw", "--tracker", kind.tracker, "--yes")
            died += rig.kill(rig.command, *argv, writes=writes, standing_still=number % 2 == 0)
            assert world(rig) != before, "killed in the middle"
            nothing_is_put_on(rig)
        rig.tell("faults", [])
        left = withdraw_from(rig.app, tracker=kind.tracker, project=None, issue=None)
        assert (left.waiting, left.notes) == (0, [])
        assert world(rig) == before
        quiet_from_now_on(rig)
        assert world(rig) == before
    return died


def nothing_is_put_on(rig: Rig) -> None:
    """A cycle between two tries: it only looks up what was under way."""
    before, _ = world(rig)
    (cycle,) = rig.app.once()
    assert cycle.planned == 0
    after, _ = world(rig)
    for key, state in after.items():
        assert set(state["labels"]) <= set(before[key]["labels"]), key
        assert len(state["comments"]) <= len(before[key]["comments"]), key


def quiet_from_now_on(rig: Rig) -> None:
    rig.clock.ahead += timedelta(minutes=10)
    for _ in range(2):
        (cycle,) = rig.app.once()
        assert (cycle.complete, cycle.planned, cycle.applied, cycle.waiting) == (True, 0, 0, 0)
    assert rig.rows("sending") == rig.rows("todo") == rig.rows("dead") == 0
    assert [(hold["tracker"], hold["issue"]) for hold in rig.app.status()["holds"]] == [(rig.kind.tracker, None)]
    assert rig.read("crashes") == []


@pytest.mark.parametrize(
    ("kind", "size", "kills"), [(JIRA_SITE, 200, 3), (LINEAR_WORKSPACE, 60, 3)], ids=["jira", "linear"]
)
def test_after_being_killed_again_and_again_the_next_withdraw_leaves_all_as_it_was_before_syncd(
    kind: Killable, size: int, kills: int, tmp_path: Path
) -> None:
    assert survive(tmp_path, kind, size, kills, seed=20261128) >= 1


@pytest.mark.stress
@pytest.mark.parametrize(("kind", "size"), [(JIRA_SITE, 600), (LINEAR_WORKSPACE, 450)], ids=["jira", "linear"])
def test_twenty_deaths_on_the_way_out(kind: Killable, size: int, tmp_path: Path) -> None:
    began = time.monotonic()
    died = survive(tmp_path, kind, size=size, kills=20, seed=20261128)
    sys.stderr.write(f"{kind.tracker}: 20 kills of withdraw, {died} in sending, {time.monotonic() - began:.0f} s\n")
    assert died >= 6
