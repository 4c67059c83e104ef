"""What marking any tracker promises: deltas of our own marks, signed, once, and the truth when an answer is lost."""

from datetime import timedelta

import pytest
from support_contract import MINUTE, TROUBLES, Tracker, Trouble, all_of, link

from syncd.core.errors import Gone, InDoubt, TrackerError
from syncd.core.model import Copy
from syncd.core.ports import TrackerReader

PEOPLES = ("SRE", "süd", "a/b", "outcomes", "Ünaligned")


@pytest.fixture
def issue(tracker: Tracker) -> str:
    """An issue with labels that people gave it."""
    made = tracker.create("work", labels=PEOPLES)
    tracker.clock.move(MINUTE)
    return made


def copy_on(reader: TrackerReader, issue: str) -> Copy | None:
    (read,) = reader.read([link(issue)]).issues
    return read.copy


def test_a_mark_leaves_peoples_labels_as_they_are_to_the_byte(tracker: Tracker, issue: str) -> None:
    before = list(tracker.labels_of(issue))
    assert len(before) == len(PEOPLES)
    writer = tracker.writer()
    receipt = writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e1")
    assert receipt.at == tracker.clock.now()
    assert list(tracker.labels_of(issue)) == [*before, tracker.mark("reliability")]
    writer.write(tracker.action(issue, remove=(tracker.mark("reliability"),)), "e2")
    assert list(tracker.labels_of(issue)) == before


def test_a_swap_is_one_request_that_changes_the_issue(tracker: Tracker, issue: str) -> None:
    writer = tracker.writer()
    writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e1")
    before = tracker.edits_of(issue)
    swap = tracker.action(issue, add=(tracker.mark("growth"),), remove=(tracker.mark("reliability"),))
    writer.write(swap, "e2")
    assert tracker.edits_of(issue) == before + 1
    marks = [label for label in tracker.labels_of(issue) if label.startswith(tracker.names.outcome)]
    assert marks == [tracker.mark("growth")]


def test_from_outcome_to_alignment_and_back_is_a_swap_like_any_other(tracker: Tracker, issue: str) -> None:
    writer = tracker.writer()
    there, torn = tracker.mark("reliability"), tracker.alignment("conflict")
    before = list(tracker.labels_of(issue))
    writer.write(tracker.action(issue, add=(there,)), "e1")
    writer.write(tracker.action(issue, add=(torn,), remove=(there,)), "e2")
    assert list(tracker.labels_of(issue)) == [*before, torn]
    writer.write(tracker.action(issue, add=(there,), remove=(torn,)), "e3")
    assert list(tracker.labels_of(issue)) == [*before, there]


def test_a_label_that_a_person_adds_between_reading_and_writing_stays(tracker: Tracker, issue: str) -> None:
    planned = tracker.action(issue, add=(tracker.mark("reliability"),))
    tracker.label(issue, add=["urgent"], remove=["SRE"])
    tracker.writer().write(planned, "e1")
    labels = tracker.labels_of(issue)
    assert "urgent" in labels
    assert "SRE" not in labels


def test_a_mark_of_anothers_beside_ours_is_left_alone(tracker: Tracker, issue: str) -> None:
    writer = tracker.writer()
    writer.write(tracker.action(issue, add=(tracker.alignment("unmapped"),)), "theirs")
    writer.write(tracker.action(issue, add=(tracker.mark("growth"),)), "e1")
    writer.write(tracker.action(issue, remove=(tracker.mark("growth"),)), "e2")
    assert tracker.alignment("unmapped") in tracker.labels_of(issue)


def test_marks_are_read_apart_from_labels_and_signed_by_their_copy(tracker: Tracker, issue: str) -> None:
    writer, reader = tracker.writer(), tracker.reader()
    writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e1")
    (read,) = all_of(list(reader.observe(None)))
    assert read.marks == (tracker.mark("reliability"),)
    assert sorted(read.labels) == sorted(PEOPLES)
    assert read.copy == Copy("acme", "instance-1", tracker.mark("reliability"))


def test_the_copy_says_the_newest_mark_and_none_once_it_is_taken_off(tracker: Tracker, issue: str) -> None:
    writer, reader = tracker.writer(), tracker.reader()
    writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e1")
    swap = tracker.action(issue, add=(tracker.mark("growth"),), remove=(tracker.mark("reliability"),))
    writer.write(swap, "e2")
    copy = copy_on(reader, issue)
    assert copy is not None
    assert copy.mark == tracker.mark("growth")
    writer.write(tracker.action(issue, remove=(tracker.mark("growth"),)), "e3")
    copy = copy_on(reader, issue)
    assert copy is None or copy.mark is None


def test_the_same_mark_written_twice_stands_there_once(tracker: Tracker, issue: str) -> None:
    writer = tracker.writer()
    for entry in ("e1", "e2"):
        writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), entry)
    assert list(tracker.labels_of(issue)).count(tracker.mark("reliability")) == 1


def test_a_mark_goes_to_the_issue_and_not_to_whatever_has_its_key_now(tracker: Tracker, issue: str) -> None:
    planned = tracker.action(issue, add=(tracker.mark("reliability"),))
    tracker.move(issue, "OPS")
    tracker.writer().write(planned, "e1")
    assert tracker.mark("reliability") in tracker.labels_of(issue)


def test_a_mark_on_a_deleted_issue_finds_it_gone(tracker: Tracker, issue: str) -> None:
    planned = tracker.action(issue, add=(tracker.mark("reliability"),))
    tracker.delete(issue)
    writer = tracker.writer()
    with pytest.raises(Gone):
        writer.write(planned, "e1")
    with pytest.raises(Gone):
        writer.look(planned, "e1")


def test_looking_says_whether_it_is_done_and_never_claims_half_of_it(tracker: Tracker, issue: str) -> None:
    writer = tracker.writer()
    writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e1")
    swap = tracker.action(issue, add=(tracker.mark("growth"),), remove=(tracker.mark("reliability"),))
    assert writer.look(swap, "e2") is None
    writer.write(swap, "e2")
    assert writer.look(swap, "e2") is not None
    tracker.label(issue, remove=[tracker.mark("growth")])
    assert writer.look(swap, "e2") is None


@pytest.mark.parametrize("trouble", ["failing", "failing as HTML", "reset", "cut short", "partial", "lost"])
def test_a_mark_without_a_clear_answer_is_in_doubt_never_sent_twice_and_looking_tells(
    tracker: Tracker, issue: str, trouble: Trouble
) -> None:
    tracker.lag(timedelta(hours=1))
    writer = tracker.writer()
    writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e1")
    before = tracker.edits_of(issue)
    tracker.strike(trouble, on="write")
    swap = tracker.action(issue, add=(tracker.mark("growth"),), remove=(tracker.mark("reliability"),))
    try:
        writer.write(swap, "e2")
        doubted = False
    except InDoubt:
        doubted = True
    assert doubted or trouble in tracker.clear_anyway
    assert tracker.edits_of(issue) == before + 1
    done = tracker.mark("growth") in tracker.labels_of(issue)
    assert done is (trouble in ("cut short", "partial", "lost"))
    assert (writer.look(swap, "e2") is not None) is done
    writer.write(swap, "e2")
    assert writer.look(swap, "e2") is not None


def test_a_limited_mark_is_not_done_and_sent_again_once_it_may_be(tracker: Tracker, issue: str) -> None:
    writer = tracker.writer()
    writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e1")
    tracker.clock.slept.clear()
    tracker.strike("limited", on="write", wait=7)
    writer.write(tracker.action(issue, remove=(tracker.mark("reliability"),)), "e2")
    assert sum(tracker.clock.slept) >= tracker.least_wait(7)
    assert tracker.mark("reliability") not in tracker.labels_of(issue)


# --- several at once --------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", TROUBLES)
def test_many_marks_through_bad_answers_end_as_planned_with_none_sent_blind(tracker: Tracker, trouble: Trouble) -> None:
    made = tracker.fill(15)
    writer = tracker.writer()
    writer.write(tracker.action(made[0], add=(tracker.mark("growth"),)), "first")
    tracker.strike(trouble, on="write", times=None, every=5)
    doubted = 0
    for n, issue in enumerate(made):
        action = tracker.action(issue, add=(tracker.mark("reliability"),), remove=(tracker.mark("growth"),) * (n == 0))
        try:
            writer.write(action, f"e{n}")
        except InDoubt:
            doubted += 1
            if writer.look(action, f"e{n}") is None:
                writer.write(action, f"e{n}")
    if trouble not in tracker.clear_anyway:
        assert (doubted > 0) is (trouble != "limited")
    for issue in made:
        assert list(tracker.labels_of(issue)) == [tracker.mark("reliability")]


def test_a_refusal_on_one_issue_is_no_refusal_of_the_next(tracker: Tracker, issue: str) -> None:
    (gone,) = tracker.fill(1)
    planned = tracker.action(gone, add=(tracker.mark("reliability"),))
    tracker.delete(gone)
    writer = tracker.writer()
    with pytest.raises(TrackerError):
        writer.write(planned, "e1")
    writer.write(tracker.action(issue, add=(tracker.mark("reliability"),)), "e2")
    assert tracker.mark("reliability") in tracker.labels_of(issue)
