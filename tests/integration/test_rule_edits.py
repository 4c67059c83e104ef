"""An edit of the rules looks at what it can touch, and comes to what looking at everything would come to."""

import shutil
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from support_edits import EditedWorld, edited_world, random_edit, random_words
from support_values import NOW

from syncd.engine.work import Looked
from syncd.store import open_store


def twin(world: EditedWorld, folder: Path) -> EditedWorld:
    """The same world once more, up to now."""
    folder.mkdir()
    world.store.close()
    shutil.copy(world.folder / "world.db", folder / "world.db")
    tracker = replace(world.tracker, issues=dict(world.tracker.issues))
    other = replace(world, folder=folder, tracker=tracker, used=dict(world.used))
    for one in (world, other):
        one.store = open_store(f"sqlite:///{one.folder}/world.db", clock_now=NOW)
    return other


def lived_in(world: EditedWorld, random: Random) -> None:
    """A few passes, some people's words, and whatever syncd leaves."""
    world.settle(world.look())
    world.settle(world.look())
    world.store.save_overrides(random_words(random, world), [], world.now)
    for id_ in random.sample(sorted(world.tracker.issues), k=2):
        world.change(id_, labels=("sre",))
    world.settle(world.look())


def told(looked: Looked) -> tuple[object, ...]:
    return looked.plan.actions, looked.plan.digest, looked.complete


def compare(folder: Path, seed: int) -> Counter[str]:
    """One world, one edit, looked at both ways."""
    random = Random(seed)  # noqa: S311 - a world to play in, not a secret
    seen: Counter[str] = Counter()
    with edited_world(folder, random) as world:
        lived_in(world, random)
        world.rulebook = random_edit(random, world.rulebook, "v2")
        world.now += timedelta(days=random.choice((0, 0, 1)))
        for id_ in random.sample(sorted(world.tracker.issues), k=random.choice((0, 0, 2))):
            world.change(id_, labels=("platform",))
        other = twin(world, folder / "twin")
        with closing(other.store), closing(world.store):
            before = world.rows()["standings"]
            fast, slow = world.look(earlier=True), other.look(earlier=False)
            assert told(fast) == told(slow), seed
            assert world.rows() == other.rows(), seed
            world.now, other.now = (one.now + timedelta(minutes=1) for one in (world, other))
            assert told(world.look()) == told(other.look()), seed
            seen["moved"] += world.rows()["standings"] != before
            seen["less"] += fast.decided < slow.decided
    return seen


@pytest.mark.parametrize("part", range(5))
def test_the_fast_way_comes_to_what_deciding_all_anew_comes_to(tmp_path: Path, part: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(part * 8, part * 8 + 8):
        (tmp_path / str(seed)).mkdir()
        seen += compare(tmp_path / str(seed), seed)
    assert seen["moved"] >= 2
    assert seen["less"] >= 2


@pytest.mark.stress
@pytest.mark.parametrize("part", range(20))
def test_the_fast_way_comes_to_the_same_on_many_worlds(tmp_path: Path, part: int) -> None:
    for seed in range(1000 + part * 50, 1050 + part * 50):
        (tmp_path / str(seed)).mkdir()
        compare(tmp_path / str(seed), seed)
