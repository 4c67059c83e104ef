"""How far a whole reading is: nothing is promised that the pace so far does not bear out."""

from datetime import UTC, datetime, timedelta

import pytest

from syncd.core.headway import headway, in_words
from syncd.core.ports import Backfill, Part, PartProgress

BEGAN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def reading(*parts: tuple[int | None, int]) -> Backfill:
    progress = tuple(PartProgress(n, Part(str(n), size), read=read) for n, (size, read) in enumerate(parts))
    return Backfill(BEGAN, BEGAN, ("PAY",), (), progress)


def test_the_time_left_follows_from_the_pace_so_far() -> None:
    told = headway(reading((1000, 500), (3000, 500)), BEGAN + timedelta(minutes=5))
    assert (told.read, told.of, told.left) == (1000, 4000, timedelta(minutes=15))


def test_an_estimate_that_was_too_low_is_not_kept_to() -> None:
    told = headway(reading((1000, 1200), (100, 50)), BEGAN + timedelta(minutes=5))
    assert (told.read, told.of, told.left) == (1250, 1250, timedelta(0))


@pytest.mark.parametrize(
    ("backfill", "after"),
    [
        (reading((1000, 0)), timedelta(minutes=5)),
        (reading((1000, 100)), timedelta(seconds=3)),
        (reading((1000, 100), (None, 100)), timedelta(minutes=5)),
        (reading(), timedelta(minutes=5)),
    ],
    ids=["nothing read yet", "just begun", "a part of unknown size", "no parts"],
)
def test_where_nobody_can_tell_nothing_is_told(backfill: Backfill, after: timedelta) -> None:
    assert headway(backfill, BEGAN + after).left is None


def test_a_pause_counts_since_nobody_knows_that_it_was_the_last() -> None:
    slow = headway(reading((2000, 1000)), BEGAN + timedelta(hours=8))
    assert slow.left == timedelta(hours=8)


@pytest.mark.parametrize(
    ("left", "words"),
    [(0, "less than a minute"), (29, "less than a minute"), (60, "1 min"), (5000, "83 min"), (9000, "2 h")],
)
def test_an_estimate_is_told_no_finer_than_it_is(left: int, words: str) -> None:
    assert in_words(timedelta(seconds=left)) == words
