"""A process that is killed in the middle of `apply`: the next one finds out what was done and finishes the work.

The site is a process of its own, and so is each `apply`. It dies by SIGKILL after a number of writes that is drawn;
in every other round the site stands still just then, so that the process dies with a request that was sent and not
answered. All the while answers get lost and the search index lags behind.
"""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support_rig import Rig, rigged
from support_stage import PREFIXES

LOST = [
    {"kind": "lose_answer", "match": "POST /rest/api/3/issue/*/comment", "every": 5, "times": None},
    {"kind": "lose_answer", "match": "PUT /rest/api/3/issue/*", "every": 5, "times": None},
    {"kind": "lose_answer", "match": "POST /rest/api/3/bulk/issues/fields", "every": 3, "times": None},
    {"kind": "reset", "match": "POST /rest/api/3/issue/*/comment", "every": 11, "times": None},
]
LAG_S = 1.5


def people(snapshot: dict[str, Any]) -> dict[str, list[str]]:
    return {key: [n for n in state["labels"] if not n.startswith(PREFIXES)] for key, state in snapshot.items()}


def marks(state: dict[str, Any]) -> list[str]:
    return [label for label in state["labels"] if label.startswith(PREFIXES)]


def survive(folder: Path, size: int, kills: int, seed: int, program: str = "syncd") -> int:
    """Kill `apply` again and again, let one finish, and compare what is there with what was planned.

    Says how many died while a row was in `sending`.
    """
    draw = random.Random(seed)  # noqa: S311 - moments to die at, not secrets
    with rigged(folder, size) as rig:
        before = rig.read("snapshot")
        shown = rig.app.plan().plan
        wanted = {action.key: list(action.add) for action in shown.actions if action.kind == "mark"}
        asked = [action.key for action in shown.actions if action.kind == "comment"]
        room = len(asked) // (kills + 1)  # each comment is a request by itself; marks go together
        assert room >= 1, f"{len(asked)} comments are too few for so many deaths"
        rig.tell("settings", {"index_lag_s": LAG_S})
        rig.tell("faults", LOST)
        rig.program = program
        died_sending = sum(
            rig.kill_after(shown.digest, draw.randint((room + 1) // 2, room), standing_still=number % 2 == 0)
            for number in range(kills)
        )
        assert 0 < rig.rows("done") < len(shown.actions), "killed in the middle"
        rig.tell("faults", [])
        finish(rig, shown.digest)
        after = rig.read("snapshot")
        doubled = {
            key: len(after[key]["comments"]) - len(before[key]["comments"])
            for key in after
            if len(after[key]["comments"]) - len(before[key]["comments"]) > asked.count(key)
        }
        assert not doubled, f"doubled comments: {doubled}"
        assert {key: len(after[key]["comments"]) - len(before[key]["comments"]) for key in asked} == dict.fromkeys(
            asked, 1
        )
        assert {key: marks(after[key]) for key in wanted} == wanted
        assert {key: marks(after[key]) for key in after if key not in wanted} == {
            key: marks(before[key]) for key in before if key not in wanted
        }
        assert people(after) == people(before)
        quiet_from_now_on(rig, after)
    return died_sending


def finish(rig: Rig, digest: str) -> None:
    """One that nobody kills: at once, since the dead one's lease is not waited for."""
    began = rig.clock.now()
    result = rig.app.apply(digest)
    assert result is not None
    assert not result.waits, (result.waiting, result.new, result.notes)
    assert rig.clock.now() - began < timedelta(seconds=60)


def quiet_from_now_on(rig: Rig, after: dict[str, Any]) -> None:
    rig.clock.ahead += timedelta(minutes=5)
    (quiet,) = rig.app.once()
    assert (quiet.complete, quiet.planned, quiet.applied, quiet.waiting) == (True, 0, 0, 0)
    assert rig.rows("sending") == rig.rows("todo") == rig.rows("dead") == 0
    assert rig.read("snapshot") == after
    assert rig.read("crashes") == []


def test_after_being_killed_again_and_again_the_next_apply_finishes_and_nothing_is_there_twice(tmp_path: Path) -> None:
    assert survive(tmp_path, size=200, kills=10, seed=20261121) >= 3


def test_without_a_look_before_the_resend_the_same_deaths_leave_doubled_comments(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="doubled comments"):
        survive(tmp_path, size=200, kills=4, seed=20261121, program="support_blind")


@pytest.mark.stress
def test_a_hundred_deaths_thirty_of_them_with_a_request_under_way(tmp_path: Path) -> None:
    died_sending = 0
    for seed in range(5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        died_sending += survive(folder, size=700, kills=20, seed=seed)
    assert died_sending >= 30, died_sending
