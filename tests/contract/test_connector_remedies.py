"""What any tracker's refusals come to: errors named by what a person or the cycle does next (DESIGN §7)."""

from typing import Any

import pytest
from support_contract import Tracker, link, said

from syncd.core.errors import Denied, InDoubt, TrackerError, Unavailable, Unreadable


def calls(reader: Any, issue: str) -> list[Any]:
    """Everything that a reader is asked."""
    return [reader.look_around, lambda: list(reader.observe(None)), lambda: reader.read([link(issue)])]


def test_wrong_credentials_are_denied_with_what_to_grant_whatever_is_asked(tracker: Tracker) -> None:
    issue = tracker.create("work")
    reader, writer = tracker.reader(auth=tracker.wrong_key()), tracker.writer(auth=tracker.wrong_key())
    mark, ask = (
        tracker.action(issue, add=(tracker.mark("reliability"),)),
        tracker.action(issue, "comment", comment=said("Which?")),
    )
    for call in (*calls(reader, issue), lambda: writer.write(mark, "e1"), lambda: writer.write(ask, "e2")):
        with pytest.raises(Denied) as denied:
            call()
        assert denied.value.need.startswith("a valid API ")
        assert denied.value.tracker == tracker.id
        assert "wrong-and-secret" not in f"{denied.value} {denied.value.need}"
    assert list(tracker.labels_of(issue)) == []


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404, 405, 410, 415, 422])
def test_a_refused_read_is_one_of_the_three_errors_that_a_reader_raises(tracker: Tracker, status: int) -> None:
    issue = tracker.create("work")
    reader = tracker.reader()
    tracker.refuse(status)
    for call in calls(reader, issue):
        with pytest.raises((Unavailable, Denied, Unreadable)) as failed:
            call()
        assert isinstance(failed.value, Denied) is (status in (301, 302, 403))


def test_a_forbidden_read_names_what_to_grant(tracker: Tracker) -> None:
    tracker.refuse(403)
    with pytest.raises(Denied) as denied:
        tracker.reader().look_around()
    assert denied.value.need


@pytest.mark.parametrize("status", [302, 400, 403, 404, 405, 415])
def test_a_refused_write_is_not_done_and_in_no_doubt(tracker: Tracker, status: int) -> None:
    issue = tracker.create("work")
    writer = tracker.writer()
    writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e1")
    tracker.refuse(status)
    with pytest.raises(TrackerError) as refused:
        writer.write(tracker.action(issue, remove=(tracker.mark("reliability"),)), "e2")
    assert not isinstance(refused.value, InDoubt)
    assert list(tracker.labels_of(issue)) == [tracker.mark("reliability")]


def test_a_dead_server_is_unavailable_to_read_and_to_write(tracker: Tracker) -> None:
    issue = tracker.create("work")
    with pytest.raises(Unavailable, match="not reached"):
        tracker.reader(url="http://127.0.0.1:1").look_around()
    with pytest.raises(Unavailable, match="not reached"):
        tracker.writer(url="http://127.0.0.1:1").write(tracker.action(issue, "comment", comment=said("Which?")), "e1")


def test_an_answer_that_stays_html_is_unreadable_and_summed_up(tracker: Tracker) -> None:
    tracker.strike("a page of HTML", times=None)
    with pytest.raises(Unreadable, match="an HTML page"):
        tracker.reader().look_around()
