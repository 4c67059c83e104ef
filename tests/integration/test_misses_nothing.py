"""Whatever people, permissions, lag and the network do between and during requests: nothing is missed.

On Jira and on Linear. Without each of what makes it so (an overlap, pages by cursor, a watermark from before the walk)
such schedules miss something, and the very same schedule misses nothing with it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from support_misreading import jira_after_the_walk, jira_by_offset, linear_after_the_walk, linear_by_offset
from support_schedules import ZONES, Schedule, Shelf, Told, Weather, play
from support_schedules_jira import JiraSchedule
from support_schedules_linear import LinearSchedule

TRACKERS = {"jira": JiraSchedule, "linear": LinearSchedule}
SORTS = ("edit during a walk", "row that came late", "lost permission")
MANY, A_TENTH = 200, 20
SHARE = 4
"""At least one in that many schedules must have had each sort."""

on_both = pytest.mark.parametrize("kind", TRACKERS.values(), ids=TRACKERS)
in_each_zone = pytest.mark.parametrize("zone", ZONES)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Shelf]:
    made = Shelf(tmp_path_factory.mktemp("schedules"))
    yield made
    made.store.close()


def nothing_is_missed(shelf: Shelf, kind: type[Schedule], zone: str, seeds: Sequence[int]) -> Counter[str]:
    """Play them all; in how many each sort of thing happened."""
    told = [play(kind, shelf.empty(), seed, zone) for seed in seeds]
    counted = Counter(sort for one in told for sort, count in one.seen.items() if count)
    assert [f"{t.seed} in {t.zone}: {line}" for t in told for line in (*t.missed, *t.wrong)] == []
    assert all(counted[sort] >= len(seeds) // SHARE for sort in SORTS), counted
    return counted


@on_both
@in_each_zone
def test_nothing_is_missed_in_random_schedules(shelf: Shelf, kind: type[Schedule], zone: str) -> None:
    nothing_is_missed(shelf, kind, zone, range(A_TENTH))


@pytest.mark.stress
@on_both
@in_each_zone
def test_nothing_is_missed_in_many_random_schedules(shelf: Shelf, kind: type[Schedule], zone: str) -> None:
    counted = nothing_is_missed(shelf, kind, zone, range(1000, 1000 + MANY))
    print(f"{kind.__name__} in {zone}: {MANY} schedules, {dict(counted)}")  # noqa: T201 - asked for


# --- without it, the same schedules miss something ----------------------------------------------------------


def first_miss(plays: Iterable[Told]) -> Told:
    """The first of these schedules that misses something."""
    found = next((told for told in islice(plays, MANY) if told.missed), None)
    assert found is not None, f"none of {MANY} schedules missed anything"
    return found


def misses_only_without(
    shelf: Shelf,
    kind: type[Schedule],
    weather: Weather,
    *,
    reading: Callable[[], AbstractContextManager[Any]] | None = None,
    without: Weather | None = None,
) -> None:
    """Some schedule misses something under that reading or in that weather, and by nothing else."""
    missed = first_miss(
        play(kind, shelf.empty(), seed, "UTC", weather=without or weather, reading=reading and reading())
        for seed in range(MANY)
    )
    right = play(kind, shelf.empty(), missed.seed, "UTC", weather=weather)
    assert (right.missed, right.wrong) == ([], [])


@on_both
def test_without_an_overlap_what_shows_late_is_missed(shelf: Shelf, kind: type[Schedule]) -> None:
    late = Weather(bustle=0)  # nobody does anything while syncd reads
    misses_only_without(shelf, kind, late, without=replace(late, overlap=timedelta(0)))


@pytest.mark.parametrize(("kind", "reading"), [(JiraSchedule, jira_by_offset), (LinearSchedule, linear_by_offset)])
def test_by_offset_what_moves_to_a_page_that_was_read_is_missed(
    shelf: Shelf, kind: type[Schedule], reading: Callable[[], AbstractContextManager[Any]]
) -> None:
    misses_only_without(shelf, kind, Weather(lag=False, bustle=3, only=("move",)), reading=reading)


@pytest.mark.parametrize(
    ("kind", "reading"), [(JiraSchedule, jira_after_the_walk), (LinearSchedule, linear_after_the_walk)]
)
def test_with_the_watermark_of_the_end_of_a_walk_what_changed_within_it_is_missed(
    shelf: Shelf, kind: type[Schedule], reading: Callable[[], AbstractContextManager[Any]]
) -> None:
    """Nothing lags here, so that the overlap has nothing to cover: without one, the right watermark misses nothing."""
    edited = Weather(lag=False, bustle=3, only=("edit",), overlap=timedelta(0))
    misses_only_without(shelf, kind, edited, reading=reading)
