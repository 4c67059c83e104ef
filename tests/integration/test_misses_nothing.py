"""Whatever people, permissions, the index and the network do between and during requests: nothing is missed.

Without each of what makes it so (an overlap, pages by token, a watermark taken before the walk) the same schedules miss
something.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from support_schedules import PAGE, ZONES, Told, play

from connectors.jira.jql import changed_since
from connectors.jira.reader import CloudReader
from syncd.core.ports import Page

AT_LEAST = 50
"""Schedules of each sort that the long version must have had."""
SORTS = ("edit during a walk", "row that came late", "lost permission")


def tally(told: Sequence[Told]) -> Counter[str]:
    return Counter(sort for one in told for sort, count in one.seen.items() if count)


def faults_of(told: Sequence[Told]) -> list[str]:
    return [f"{t.seed} in {t.zone}: {line}" for t in told for line in (*t.late_reads, *t.wrong)]


def test_nothing_is_missed_in_random_schedules() -> None:
    told = [play(seed, ZONES[seed % 3]) for seed in range(20)]
    assert faults_of(told) == []
    counted = tally(told)
    assert all(counted[sort] >= 5 for sort in SORTS), counted


@pytest.mark.stress
@pytest.mark.parametrize("zone", ZONES)
def test_nothing_is_missed_in_many_random_schedules(zone: str) -> None:
    told = [play(seed, zone) for seed in range(1000, 1200)]
    counted = tally(told)
    print(f"{len(told)} schedules in {zone}: {dict(counted)}")  # noqa: T201 - asked for
    assert faults_of(told) == []
    assert all(counted[sort] >= AT_LEAST for sort in SORTS), counted


# --- without it, the same schedules miss something ----------------------------------------------------------


def test_without_an_overlap_what_the_index_shows_late_is_missed() -> None:
    told = (play(seed, "UTC", overlap=timedelta(0)) for seed in range(20))
    assert any(one.late_reads for one in told)


def by_offset() -> AbstractContextManager[Any]:
    """Reading as one does with `startAt`: each page leaves out as many rows as were seen."""

    def walk(self: CloudReader, projects: Any, since: datetime | None, *, may_restart: bool) -> Iterator[Page]:
        began = self._site.caller.tracker_now()
        jql = changed_since(projects, None if since is None else since - self._options.overlap)
        at = 0
        while True:
            rows, token = [], None
            for _ in range(1 + at // PAGE):  # the page at an offset, as the site would have it at this moment
                page = self._page(jql, token)
                rows, token = list(page.issues), page.next_token
                if token is None:
                    break
            else:
                yield Page(tuple(rows), read_to=None)
                at += PAGE
                continue
            yield Page(tuple(rows), read_to=began, last=True)
            return

    return patch.object(CloudReader, "_walk", walk)


def test_by_offset_what_moves_to_a_page_that_was_read_is_missed() -> None:
    told = (play(seed, "UTC", broken=by_offset) for seed in range(1, 40, 2))
    assert any(one.late_reads for one in told)


def after_the_walk() -> AbstractContextManager[Any]:
    """The watermark as one takes it who thinks of it last: when the walk is over."""
    walk = CloudReader._walk

    def late(self: CloudReader, *arguments: Any, **named: Any) -> Iterator[Page]:
        for page in walk(self, *arguments, **named):
            yield Page(page.issues, page.unreadable, self._site.caller.tracker_now(), last=page.last)

    return patch.object(CloudReader, "_walk", late)


def test_with_the_watermark_of_the_end_of_a_walk_what_changed_within_it_is_missed() -> None:
    told = (play(seed, "UTC", overlap=timedelta(0), broken=after_the_walk) for seed in range(20))
    assert any(one.late_reads for one in told)
