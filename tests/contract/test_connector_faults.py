"""Reading any tracker through a bad network, on real sockets: everything arrives, and nothing is asked too early."""

from datetime import timedelta

import pytest
from support_contract import TROUBLES, Tracker, Trouble, all_of, link

from syncd.core.errors import Unavailable, Unreadable


@pytest.mark.parametrize("trouble", TROUBLES)
def test_all_issues_arrive_when_a_page_fails_twice(tracker: Tracker, trouble: Trouble) -> None:
    made = tracker.fill(tracker.page + 5)
    struck = tracker.strike(trouble, on="read", after=1, times=2)
    pages = list(tracker.reader().observe(None))
    assert struck.struck == 2
    assert pages[-1].last
    assert sorted(issue.ref.id for issue in all_of(pages)) == sorted(made), "each once"
    if trouble == "limited":
        assert sum(slept >= tracker.least_wait(5) for slept in tracker.clock.slept) == 2


@pytest.mark.parametrize("trouble", TROUBLES)
def test_with_every_fifth_answer_bad_all_arrives_and_nothing_is_sent_before_it_may_be(
    tracker: Tracker, trouble: Trouble
) -> None:
    made = tracker.fill(tracker.page + 5)
    struck = tracker.strike(trouble, on="read" if trouble == "partial" else "any", every=5, times=None)
    for _ in range(5):
        pages = list(tracker.reader().observe(None))
        assert sorted(issue.ref.id for issue in all_of(pages)) == sorted(made)
    assert struck.struck >= 2
    if trouble == "limited":
        assert sum(slept >= tracker.least_wait(5) for slept in tracker.clock.slept) >= struck.struck


@pytest.mark.parametrize("trouble", ["failing", "reset", "cut short", "a page of HTML"])
def test_a_read_that_never_works_ends_soon_and_says_so(tracker: Tracker, trouble: Trouble) -> None:
    tracker.strike(trouble, times=None)
    reader = tracker.reader()
    with pytest.raises((Unavailable, Unreadable)):
        reader.look_around()
    assert reader.requests == 5
    assert sum(tracker.clock.slept) <= 60


def test_patience_is_a_minute_in_sum(tracker: Tracker) -> None:
    tracker.strike("limited", times=None, wait=25)
    with pytest.raises(Unavailable):
        tracker.reader().look_around()
    assert 0 < sum(tracker.clock.slept) <= 60


@pytest.mark.parametrize("trouble", TROUBLES)
def test_single_issues_arrive_through_a_bad_network_too(tracker: Tracker, trouble: Trouble) -> None:
    made = tracker.fill(3)
    reader = tracker.reader()
    list(reader.observe(None))
    tracker.strike(trouble, on="read" if trouble == "partial" else "any")
    assert {issue.ref.id for issue in reader.read([link(issue) for issue in made]).issues} == set(made)


@pytest.mark.parametrize("trouble", ["failing", "a page of HTML", "reset", "lost"])
def test_no_error_shows_the_key(tracker: Tracker, trouble: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    tracker.strike(trouble, times=None)
    reader = tracker.reader()
    with pytest.raises((Unavailable, Unreadable)) as failed:
        reader.look_around()
    told = f"{failed.value!r} {failed.value} {reader!r} {vars(reader)!r} {tracker.options()!r} {caplog.text}"
    assert tracker.options().auth["token"] not in told
    assert "Basic " not in told


def test_a_long_wait_is_handed_on_and_kept(tracker: Tracker) -> None:
    reader = tracker.reader()
    reader.look_around()
    tracker.drain(timedelta(minutes=30))
    before = reader.requests
    for _ in range(3):
        with pytest.raises(Unavailable) as limited:
            reader.look_around()
        assert limited.value.retry_after is not None
        assert timedelta(minutes=20) < limited.value.retry_after <= timedelta(minutes=31)
        tracker.clock.move(timedelta(seconds=10))
    assert tracker.clock.slept == []
    assert reader.requests <= before + 1, "asking early does not help"
    tracker.clock.move(timedelta(minutes=31))
    assert reader.look_around().hidden == ()
