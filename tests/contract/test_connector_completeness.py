"""What reading any tracker promises: everything arrives, whatever happens meanwhile, and no more is claimed."""

import random
from datetime import datetime, timedelta

import pytest
from support_contract import MINUTE, SECOND, Poll, Tracker, all_of, link
from support_jira_cloud import START, MovableClock

from syncd.core.errors import Unavailable
from syncd.core.model import Link
from syncd.core.ports import Page


def titles_of(pages: list[Page]) -> dict[str, str]:
    """The newest of what was read of each issue: the later row is the newer."""
    return {issue.ref.id: issue.title for issue in all_of(pages)}


def test_every_issue_in_scope_arrives_and_only_the_last_page_says_so(tracker: Tracker) -> None:
    made = tracker.fill(2 * tracker.page + 5) + tracker.fill(3, "OPS")
    pages = list(tracker.reader().observe(None))
    assert sorted(issue.ref.id for issue in all_of(pages)) == sorted(made)
    assert [page.last for page in pages][-1]
    assert not any(page.last for page in pages[:-1])


def test_what_is_in_no_scope_does_not_arrive(tracker: Tracker) -> None:
    inside, outside = tracker.fill(2), tracker.fill(2, "OPS")
    read = {issue.ref.id for issue in all_of(list(tracker.reader(scope=tracker.scope("PAY")).observe(None)))}
    assert read >= set(inside)
    assert not read & set(outside)


def test_an_empty_area_is_read_completely_and_nothing_later_than_now_is_claimed(tracker: Tracker) -> None:
    pages = list(tracker.reader().observe(None))
    assert all_of(pages) == []
    assert pages[-1].last
    assert pages[-1].read_to in (None, START)


def test_the_cursor_is_never_later_than_the_beginning_of_the_walk(tracker: Tracker) -> None:
    tracker.fill(2 * tracker.page + 5)
    began = tracker.clock.now()
    for page in tracker.reader().observe(None):
        assert page.read_to is None or page.read_to <= began
        tracker.clock.move(MINUTE)
    assert page.read_to is not None


def test_what_is_edited_during_a_walk_is_found_by_this_walk_or_the_next(tracker: Tracker) -> None:
    made = tracker.fill(3 * tracker.page)
    reader = tracker.reader(overlap=timedelta(0))
    seen, watermark = dict[str, str](), None
    for n, page in enumerate(reader.observe(None)):
        seen |= titles_of([page])
        watermark = page.read_to
        tracker.clock.move(MINUTE)
        tracker.rename(made[n], "edited at one end")
        tracker.rename(made[-1 - n], "edited at the other")
        tracker.rename(made[len(made) // 2 + n], "edited in the middle")
    seen |= titles_of(list(reader.observe(watermark)))
    assert seen == tracker.titles()


def test_issues_changed_in_one_millisecond_all_arrive_though_pages_part_them(tracker: Tracker) -> None:
    for n in range(tracker.page + 20):
        tracker.create(f"work {n}")
    reader = tracker.reader(overlap=timedelta(0))
    first = list(reader.observe(None))
    assert titles_of(first) == tracker.titles()
    for issue in tracker.titles():
        tracker.rename(issue, "all at the very instant up to which was read")
    assert titles_of(list(reader.observe(first[-1].read_to))) == tracker.titles()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.stress) for seed in range(1, 20))])
def test_no_change_is_missed_while_the_tracker_lags_less_than_the_overlap(tracker: Tracker, seed: int) -> None:
    made = tracker.fill(20)
    dice = random.Random(seed)  # noqa: S311  # a seed makes the test repeatable
    poll, seen = Poll(tracker.reader(overlap=5 * MINUTE)), set[tuple[str, datetime]]()
    for _ in range(30):
        tracker.lag(timedelta(seconds=dice.uniform(0, 290)))
        tracker.clock.move(timedelta(seconds=dice.uniform(1, 90)))
        if dice.random() < 0.7:  # most of the time
            tracker.rename(dice.choice(made), f"edit {dice.random()}")
        seen |= {(issue.ref.id, issue.updated) for issue in poll.run()}
    tracker.clock.move(timedelta(seconds=290))
    seen |= {(issue.ref.id, issue.updated) for issue in poll.run()}
    there = {(issue.ref.id, issue.updated) for issue in tracker.reader().read([link(issue) for issue in made]).issues}
    assert there <= seen


def test_the_trackers_clock_counts_not_ours(tracker: Tracker) -> None:
    tracker.create("work")
    ours = MovableClock(tracker.clock.now() + 20 * MINUTE)
    reader = tracker.reader(ours)
    assert abs(reader.look_around().skew + 20 * MINUTE) <= SECOND
    assert list(reader.observe(None))[-1].read_to == START


def test_an_area_that_is_not_visible_is_told_and_the_others_are_read(tracker: Tracker) -> None:
    made = tracker.fill(2)
    tracker.fill(2, "OPS")
    tracker.hide("OPS")
    reader = tracker.reader()
    assert reader.look_around().hidden == ("OPS",)
    assert {issue.ref.id for issue in all_of(list(reader.observe(None)))} == set(made)


def test_when_nothing_is_visible_nothing_is_claimed_to_have_been_read(tracker: Tracker) -> None:
    tracker.fill(2)
    tracker.hide("PAY")
    tracker.hide("OPS")
    reader = tracker.reader()
    assert reader.look_around().hidden == ("PAY", "OPS")
    pages = list(reader.observe(None))
    assert (all_of(pages), pages[-1].read_to, pages[-1].last) == ([], None, True)


def test_issues_are_read_directly_in_or_out_of_scope_past_any_lag(tracker: Tracker) -> None:
    tracker.lag(60 * MINUTE)
    made = tracker.fill(tracker.page + 5)
    found = tracker.reader(scope=tracker.scope("OPS")).read([link(issue) for issue in made])
    assert sorted(issue.ref.id for issue in found.issues) == sorted(made)
    assert found.missing == ()


def test_deleted_and_invisible_issues_are_missing(tracker: Tracker) -> None:
    kept, gone, _ = tracker.fill(3)
    (hidden,) = tracker.fill(1, "OPS")
    tracker.delete(gone)
    tracker.hide("OPS")
    found = tracker.reader().read([link(kept), link(gone), link(hidden)])
    assert [issue.ref.id for issue in found.issues] == [kept]
    assert set(found.missing) == {link(gone), link(hidden)}


def test_an_old_key_of_a_moved_issue_is_not_missing(tracker: Tracker) -> None:
    stays, moves = tracker.fill(2)
    keys = [tracker.key_of(issue) for issue in (stays, moves)]
    tracker.move(moves, "OPS")
    lost = Link(None, "PAY-999")
    found = tracker.reader().read([*(Link(None, key) for key in keys), lost])
    assert {issue.ref.id for issue in found.issues} == {stays, moves}
    assert {issue.key for issue in found.issues} == {keys[0], tracker.key_of(moves)}
    assert found.missing == (lost,)


def test_a_moved_issue_keeps_its_id_and_tells_its_new_area(tracker: Tracker) -> None:
    (moves,) = tracker.fill(1)
    tracker.move(moves, "OPS")
    (issue,) = all_of(list(tracker.reader().observe(None)))
    assert (issue.ref.id, issue.project, issue.key) == (moves, "OPS", tracker.key_of(moves))


def test_an_issue_that_cannot_be_read_is_set_aside_and_the_page_goes_on(tracker: Tracker) -> None:
    made = tracker.fill(3)
    key = tracker.key_of(made[1])
    tracker.garble(made[1])
    pages = list(tracker.reader().observe(None))
    assert {issue.ref.id for issue in all_of(pages)} == {made[0], made[2]}
    (wrong,) = [wrong for page in pages for wrong in page.unreadable]
    assert wrong.link == Link(made[1], key)
    assert str(wrong).startswith(f"{key}: "), "told by the key, with the path to what is wrong"
    assert pages[-1].last


def test_a_walk_that_breaks_off_has_no_last_page_and_the_next_reads_the_rest(tracker: Tracker) -> None:
    tracker.fill(3 * tracker.page)
    reader = tracker.reader(overlap=timedelta(0))
    reader.look_around()
    tracker.strike("failing", on="read", after=2, times=5)
    broken: list[Page] = []
    with pytest.raises(Unavailable):
        broken.extend(reader.observe(None))
    assert broken
    assert not any(page.last for page in broken)
    pages = [*broken, *reader.observe(broken[-1].read_to)]
    assert pages[-1].last
    assert titles_of(pages) == tracker.titles()
