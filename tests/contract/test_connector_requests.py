"""What reading and writing any tracker costs, in requests, counted on the server's side."""

import pytest
from support_contract import MINUTE, Poll, Tracker, said, written

from syncd.core.model import Receipt


def test_looking_around_costs_what_it_says(tracker: Tracker) -> None:
    reader = tracker.reader()
    reader.look_around()
    assert reader.requests == tracker.looking == tracker.served()


def test_a_poll_that_finds_nothing_costs_one_request_a_stream(tracker: Tracker) -> None:
    tracker.fill(30)
    poll = Poll(tracker.reader())
    poll.run()
    tracker.clock.move(10 * MINUTE)
    poll.run()
    tracker.clock.move(10 * MINUTE)
    before = poll.reader.requests
    assert poll.run() == []
    assert poll.reader.requests - before == tracker.idle


@pytest.mark.parametrize("pages", [1, 2])
def test_changes_cost_their_number_over_the_size_of_a_page(tracker: Tracker, pages: int) -> None:
    made = tracker.fill(2 * tracker.page)
    poll = Poll(tracker.reader())
    poll.run()
    tracker.clock.move(10 * MINUTE)
    poll.run()
    tracker.clock.move(10 * MINUTE)
    for issue in made[: pages * tracker.page - 5]:
        tracker.rename(issue, "changed")
    before = poll.reader.requests
    assert len(poll.run()) == pages * tracker.page - 5
    assert poll.reader.requests - before == tracker.idle + pages - 1


def test_fifty_equal_marks_cost_what_it_says(tracker: Tracker) -> None:
    made = tracker.fill(50)
    writer = tracker.writer()
    marked = written(writer, [tracker.action(issue, add=(tracker.mark("reliability"),)) for issue in made])
    assert all(isinstance(one, Receipt) for one in marked)
    assert writer.requests == tracker.fifty
    swap = {"add": (tracker.mark("growth"),), "remove": (tracker.mark("reliability"),)}
    marked = written(writer, [tracker.action(issue, **swap) for issue in made])
    assert writer.requests == tracker.fifty + tracker.fifty_more
    assert all(isinstance(one, Receipt) for one in marked)
    assert [list(tracker.labels_of(issue)) for issue in made] == [[tracker.mark("growth")]] * 50
    assert writer.requests == tracker.served()


def test_a_comment_its_edit_and_its_removal_cost_one_each(tracker: Tracker) -> None:
    first, issue = tracker.create("first"), tracker.create("work")
    writer = tracker.writer()
    writer.write(tracker.action(first, "comment", comment=said("learns what it has to")), "e0")
    before = writer.requests
    made = writer.write(tracker.action(issue, "comment", comment=said("Which?")), "e1")
    writer.write(tracker.action(issue, "comment", comment=said("Two."), comment_id=made.comment_id), "e2")
    writer.write(tracker.action(issue, "uncomment", comment_id=made.comment_id), "e3")
    assert writer.requests - before == 3
