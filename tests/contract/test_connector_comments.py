"""What commenting on any tracker promises: one comment, ours, edited in place, found again, never doubled."""

import pytest
from support_contract import MINUTE, Tracker, Trouble, said

from syncd.core.errors import Denied, Gone, InDoubt, Stale


@pytest.fixture
def issue(tracker: Tracker) -> str:
    made = tracker.create("work")
    tracker.clock.move(MINUTE)
    return made


def test_a_comment_says_what_was_meant_and_its_id_comes_back(tracker: Tracker, issue: str) -> None:
    receipt = tracker.writer().write(tracker.action(issue, "comment", comment=said("Which outcome?")), "e1")
    assert tracker.comments_of(issue) == [(receipt.comment_id, "Which outcome?")]
    assert receipt.at == tracker.clock.now()


def test_a_comment_is_edited_in_place(tracker: Tracker, issue: str) -> None:
    writer = tracker.writer()
    made = writer.write(tracker.action(issue, "comment", comment=said("Which outcome?")), "e1")
    edit = tracker.action(issue, "comment", comment=said("Two outcomes claim it."), comment_id=made.comment_id)
    assert writer.look(edit, "e2") is None
    assert writer.write(edit, "e2").comment_id == made.comment_id
    found = writer.look(edit, "e2")
    assert found is not None
    assert found.comment_id == made.comment_id
    assert tracker.comments_of(issue) == [(made.comment_id, "Two outcomes claim it.")]


def test_an_edit_of_a_comment_that_a_person_deleted_is_stale_and_makes_no_new_one(tracker: Tracker, issue: str) -> None:
    writer = tracker.writer()
    made = writer.write(tracker.action(issue, "comment", comment=said("Which outcome?")), "e1")
    assert made.comment_id is not None
    tracker.delete_comment(made.comment_id)
    with pytest.raises(Stale):
        writer.write(tracker.action(issue, "comment", comment=said("Two."), comment_id=made.comment_id), "e2")
    assert tracker.comments_of(issue) == []


def test_taking_a_comment_off_twice_is_done_both_times_and_takes_off_no_other(tracker: Tracker, issue: str) -> None:
    theirs = tracker.comment(issue, "hello")
    writer = tracker.writer()
    made = writer.write(tracker.action(issue, "comment", comment=said("Which outcome?")), "e1")
    off = tracker.action(issue, "uncomment", comment_id=made.comment_id)
    assert writer.look(off, "e2") is None
    for _ in range(2):
        writer.write(off, "e2")
        assert writer.look(off, "e2") is not None
    assert [comment for comment, _ in tracker.comments_of(issue)] == [theirs]


@pytest.mark.parametrize("trouble", ["failing", "reset", "cut short", "lost"])
def test_a_comment_without_an_answer_is_looked_for_by_its_entry_and_there_is_one(
    tracker: Tracker, issue: str, trouble: Trouble
) -> None:
    tracker.comment(issue, "hello")
    tracker.strike(trouble, on="write")
    writer, ask = tracker.writer(), tracker.action(issue, "comment", comment=said("Which outcome?"))
    with pytest.raises(InDoubt):
        writer.write(ask, "e1")
    found = writer.look(ask, "e1")
    assert (found is not None) is (trouble in ("cut short", "lost"))
    if found is None:
        found = writer.write(ask, "e1")
    assert [c for c in tracker.comments_of(issue) if c[1] != "hello"] == [(found.comment_id, "Which outcome?")]
    assert writer.look(ask, "another entry") is None


@pytest.mark.parametrize("trouble", ["failing", "reset", "lost"])
def test_an_edit_and_a_removal_without_an_answer_are_told_by_looking(
    tracker: Tracker, issue: str, trouble: Trouble
) -> None:
    writer = tracker.writer()
    made = writer.write(tracker.action(issue, "comment", comment=said("Which outcome?")), "e1")
    edit = tracker.action(issue, "comment", comment=said("Two outcomes claim it."), comment_id=made.comment_id)
    off = tracker.action(issue, "uncomment", comment_id=made.comment_id)
    for n, action in enumerate((edit, off)):
        tracker.strike(trouble, on="write")
        with pytest.raises(InDoubt):
            writer.write(action, f"x{n}")
        assert (writer.look(action, f"x{n}") is not None) is (trouble == "lost")
        writer.write(action, f"x{n}")
    assert tracker.comments_of(issue) == []


def test_a_comment_is_found_among_many_newer_ones(tracker: Tracker, issue: str) -> None:
    writer, ask = tracker.writer(), tracker.action(issue, "comment", comment=said("Which outcome?"))
    receipt = writer.write(ask, "e1")
    for n in range(250):
        tracker.comment(issue, f"chatter {n}")
    found = writer.look(ask, "e1")
    assert found is not None
    assert found.comment_id == receipt.comment_id


def test_a_comment_on_a_deleted_issue_finds_it_gone(tracker: Tracker, issue: str) -> None:
    ask = tracker.action(issue, "comment", comment=said("Which outcome?"))
    tracker.delete(issue)
    with pytest.raises(Gone):
        tracker.writer().write(ask, "e1")


def test_comments_that_are_not_allowed_are_denied_by_name(tracker: Tracker, issue: str) -> None:
    made = tracker.writer().write(tracker.action(issue, "comment", comment=said("Which outcome?")), "e1")
    tracker.forbid_comments()
    writer = tracker.writer()
    for refused in (
        tracker.action(issue, "comment", comment=said("More")),
        tracker.action(issue, "comment", comment=said("More"), comment_id=made.comment_id),
        tracker.action(issue, "uncomment", comment_id=made.comment_id),
    ):
        with pytest.raises(Denied, match="omment") as denied:
            writer.write(refused, "e2")
        assert "omment" in denied.value.need
        assert denied.value.project == "PAY"
    assert tracker.comments_of(issue) == [(made.comment_id, "Which outcome?")]
