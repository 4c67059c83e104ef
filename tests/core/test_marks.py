"""Whose mark is it, and what does its presence or absence say (DESIGN §5)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from support_values import (
    LONG_AGO,
    NAMES,
    NOW,
    OURS,
    OVERLAP,
    STRATEGY,
    action,
    applied,
    copy_of,
    hand_set,
    issue,
    override,
)

from syncd.core.marks import (
    Reading,
    after_write,
    comment_digest,
    entry_key,
    is_mark,
    is_outcome_mark,
    mark_overrides,
    outcome_of_mark,
    read_marks,
    signed,
    split_labels,
    wanted_mark,
)
from syncd.core.model import (
    Applied,
    Comment,
    Conflict,
    Copy,
    Exempt,
    Issue,
    Mapped,
    Override,
    Proof,
    Receipt,
    Run,
    StickyComment,
    ToOutcome,
    Unmapped,
    Verdict,
)
from syncd.core.ports import MarkNames

PAIR = ("mapped", "growth")
SOON, LATE = NOW - OVERLAP, NOW - OVERLAP - timedelta(seconds=1)


def read(one: Issue, known: Applied | None, *words: Override, direct: bool = False, now: datetime = NOW) -> Reading:
    return read_marks(one, known, words, OURS, now=now, overlap=OVERLAP, direct=direct, pair=PAIR)


def sent(mark: str | None, at: datetime = SOON, **changes: object) -> Applied:
    return replace(applied(mark), proof=Proof.SENT, at=at, shown=None, **changes)  # type: ignore[arg-type]  # by name


def bearing(*marks: str, updated: datetime = LONG_AGO, copy: Copy | None = None) -> Issue:
    return issue(marks=marks, updated=updated, copy=copy)


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "mark"),
    [
        (Mapped("growth"), "outcome/growth"),
        (Mapped("reliability", "failover"), "outcome/reliability"),
        (Conflict(()), "alignment/conflict"),
        (Unmapped(), "alignment/unmapped"),
        (Unmapped(incomplete=True), None),
        (Exempt("hiring", "Hiring"), None),
        (Exempt(None, "a spike"), None),
    ],
)
def test_each_verdict_has_at_most_one_mark(verdict: Verdict, mark: str | None) -> None:
    assert wanted_mark(verdict, NAMES) == mark


def test_prefixes_are_settings() -> None:
    names = MarkNames(outcome="goal:", alignment="goal?")
    assert wanted_mark(Mapped("growth"), names) == "goal:growth"
    assert split_labels(("goal:growth", "outcome/growth"), names) == (("outcome/growth",), ("goal:growth",))


def test_marks_and_peoples_labels_are_kept_apart_compared_folded() -> None:
    people, marks = split_labels(("sre", "Outcome/Growth", "outcomes", "ALIGNMENT/unmapped", "my-outcome/x"), NAMES)
    assert people == ("sre", "outcomes", "my-outcome/x")
    assert marks == ("Outcome/Growth", "ALIGNMENT/unmapped")
    assert all(is_mark(m, NAMES) for m in marks)
    assert [is_outcome_mark(m, NAMES) for m in marks] == [True, False]


@pytest.mark.parametrize(
    ("mark", "outcome"),
    [
        ("outcome/growth", "growth"),
        (" OUTCOME/Growth ", "growth"),
        ("outcome/nonsense", None),
        ("outcome/", None),
        ("outcome/hiring", None),
        ("alignment/unmapped", None),
        ("growth", None),
    ],
)
def test_a_hand_set_mark_names_an_outcome_or_none(mark: str, outcome: str | None) -> None:
    assert outcome_of_mark(mark, NAMES, STRATEGY) == outcome


# --- first meeting ----------------------------------------------------------------------------------------


def test_an_empty_store_adopts_the_copy_of_its_own_installation() -> None:
    reading = read(bearing("outcome/growth", copy=copy_of("outcome/growth", instance="a-lost-store")), None)
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.proof) == ("outcome/growth", Proof.SEEN)
    assert (reading.hand, reading.doubt, reading.foreign) == ((), False, None)


def test_a_mark_without_any_copy_is_not_ours() -> None:
    assert read(bearing("outcome/growth"), None, direct=True) == Reading(None, ("outcome/growth",))


@pytest.mark.parametrize("copied", ["outcome/trust", None])
def test_a_copy_of_a_mark_that_is_gone_claims_nothing(copied: str | None) -> None:
    reading = read(bearing("outcome/growth", copy=copy_of(copied)), None, direct=True)
    assert reading == Reading(None, ("outcome/growth",))


def test_beside_an_adopted_mark_peoples_are_still_peoples() -> None:
    reading = read(bearing("outcome/growth", "outcome/trust", copy=copy_of("outcome/growth")), None)
    assert reading.hand == ("outcome/trust",)


@pytest.mark.parametrize("known", [None, applied("outcome/growth")], ids=["never met", "written by us before"])
def test_a_mark_of_another_installation_is_neither_ours_nor_a_persons(known: Applied | None) -> None:
    marks = ("outcome/trust",) if known is None else ("outcome/growth", "outcome/trust")
    seen = bearing(*marks, copy=copy_of("outcome/trust", installation="elsewhere"))
    reading = read(seen, known, direct=True)
    assert (reading.foreign, reading.hand) == ("elsewhere", ())
    assert mark_overrides(seen, reading, (), names=NAMES, strategy=STRATEGY, now=NOW) == ([], [])


# --- after a write: lag, then loss ------------------------------------------------------------------------


def test_a_row_that_shows_what_was_sent_makes_it_seen() -> None:
    reading = read(bearing("outcome/growth", updated=NOW), sent("outcome/growth", was="outcome/trust", tries=2))
    assert reading.applied is not None
    assert (reading.applied.proof, reading.applied.shown) == (Proof.SEEN, NOW)
    assert (reading.applied.was, reading.applied.tries) == (None, 1)


@pytest.mark.parametrize("marks", [("outcome/trust",), (), ("outcome/growth", "outcome/trust")])
def test_until_then_its_absence_is_lag_and_so_is_the_mark_it_took_off(marks: tuple[str, ...]) -> None:
    known = sent("outcome/growth", was="outcome/trust")
    assert read(bearing(*marks), known) == Reading(known)


def test_lag_lasts_up_to_the_overlap_then_the_issue_is_read_directly() -> None:
    assert not read(bearing(), sent("outcome/growth", at=SOON)).doubt
    assert read(bearing(), sent("outcome/growth", at=LATE)).doubt
    assert not read(bearing(), sent("outcome/growth", at=LATE)).lost


def test_what_a_direct_read_does_not_show_after_the_overlap_was_lost() -> None:
    reading = read(bearing(updated=NOW), sent("outcome/growth", at=LATE), direct=True)
    assert reading.lost
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.tries) == (None, 2)
    assert not reading.taken_off


@pytest.mark.parametrize("wanted", [None, "outcome/growth"])
def test_a_removal_that_got_lost_leaves_the_old_mark_ours(wanted: str | None) -> None:
    reading = read(bearing("outcome/trust"), sent(wanted, at=LATE, was="outcome/trust"), direct=True)
    assert reading.applied is not None
    assert (reading.lost, reading.applied.mark, reading.hand) == (True, "outcome/trust", ())


def test_beside_the_mark_that_replaced_it_the_old_one_was_put_on_again_by_somebody() -> None:
    both = bearing("outcome/growth", "outcome/trust", updated=NOW)
    reading = read(both, sent("outcome/growth", at=LATE, was="outcome/trust"), direct=True)
    assert reading.applied is not None
    assert (reading.lost, reading.applied.proof, reading.applied.mark) == (False, Proof.SEEN, "outcome/growth")
    assert reading.hand == ("outcome/trust",)


def test_a_removal_is_seen_when_the_mark_is_gone() -> None:
    reading = read(bearing(), sent(None, was="outcome/trust"))
    assert reading.applied is not None
    assert reading.applied.proof is Proof.SEEN


def test_a_direct_read_before_the_overlap_blames_nobody() -> None:
    known = sent("outcome/growth", at=SOON)
    assert read(bearing(), known, direct=True) == Reading(known)


# --- at rest: what people do ------------------------------------------------------------------------------

SEEN = applied("outcome/growth", shown=LONG_AGO)


def test_a_mark_that_is_there_is_no_news() -> None:
    assert read(bearing("outcome/growth", updated=NOW), SEEN) == Reading(SEEN)


def test_only_the_absence_of_a_seen_mark_in_a_later_row_is_a_persons_removal() -> None:
    reading = read(bearing(updated=NOW), SEEN, direct=True)
    assert reading.taken_off
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.declined) == (None, PAIR)


def test_before_a_removal_is_believed_the_issue_is_read_directly() -> None:
    reading = read(bearing(updated=NOW), SEEN)
    assert (reading.doubt, reading.taken_off, reading.applied) == (True, False, SEEN)


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=1)])
def test_a_row_no_newer_than_the_one_that_showed_it_proves_nothing(age: timedelta) -> None:
    assert read(bearing(updated=LONG_AGO - age), SEEN) == Reading(SEEN)


def test_before_a_hand_set_mark_is_believed_the_issue_is_read_directly() -> None:
    known = applied(None)
    assert read(bearing("outcome/trust"), known).doubt
    assert not read(bearing("outcome/trust"), known, direct=True).doubt


def test_a_mark_that_already_is_an_override_is_nothing_new() -> None:
    assert not read(bearing("outcome/trust"), applied(None), hand_set("PAY-1", "trust")).doubt


# --- a person's mark is an override -----------------------------------------------------------------------


def follow(one: Issue, reading: Reading, *standing: Override) -> tuple[list[Override], list[Override]]:
    return mark_overrides(one, reading, standing, names=NAMES, strategy=STRATEGY, now=NOW)


def test_a_hand_set_mark_is_an_override_by_somebody_unknown_from_when_it_was_first_seen() -> None:
    one = bearing("outcome/growth", "Outcome/TRUST")
    ((started,), ended) = follow(one, Reading(SEEN, ("Outcome/TRUST",)))
    assert (started.target, started.author, started.at, started.mark) == (
        ToOutcome("trust"), "unknown", NOW, "Outcome/TRUST",
    )  # fmt: skip
    assert ended == []


@pytest.mark.parametrize("mark", ["outcome/nonsense", "alignment/unmapped", "alignment/conflict"])
def test_a_mark_that_names_no_outcome_is_left_alone(mark: str) -> None:
    assert follow(bearing(mark), Reading(None, (mark,))) == ([], [])


def test_it_stays_one_override_while_it_stands_and_ends_when_it_is_taken_off() -> None:
    word = hand_set("PAY-1", "trust")
    assert follow(bearing("outcome/trust"), Reading(None, ("outcome/trust",)), word) == ([], [])
    assert follow(bearing(), Reading(None), word) == ([], [word])


def test_an_admins_override_does_not_end_because_no_mark_shows_it() -> None:
    assert follow(bearing(), Reading(None), override("PAY-1", "trust")) == ([], [])


def test_nothing_begins_or_ends_while_in_doubt() -> None:
    word = hand_set("PAY-1", "trust")
    assert follow(bearing("outcome/growth"), Reading(None, ("outcome/growth",), doubt=True), word) == ([], [])


def test_nothing_begins_or_ends_where_another_installation_signed() -> None:
    assert follow(bearing(), Reading(None, foreign="elsewhere"), hand_set("PAY-1", "trust")) == ([], [])


def test_an_unsigned_mark_equal_to_what_is_decided_becomes_ours_and_keeps_the_comment() -> None:
    said = StickyComment("c-1", "digest")
    before = applied(None, revision=7, comment=said)
    after = signed(Reading(before, ("outcome/growth",)), bearing("outcome/growth"), "outcome/growth")
    assert (after.mark, after.proof, after.revision, after.comment) == ("outcome/growth", Proof.SEEN, 7, said)


# --- what a write leaves ----------------------------------------------------------------------------------

RECEIPT = Receipt(NOW, comment_id="c-9")


def test_a_settled_mark_is_sent_not_seen_and_the_revision_grows() -> None:
    swap = action(add=("outcome/growth",), remove=("outcome/trust",), revision=3)
    after = after_write(applied("outcome/trust", revision=3, declined=PAIR), swap, RECEIPT)
    assert (after.mark, after.was, after.proof, after.revision) == ("outcome/growth", "outcome/trust", Proof.SENT, 4)
    assert (after.at, after.shown, after.declined) == (NOW, None, None)


def test_the_first_write_is_revision_one() -> None:
    assert after_write(None, action(), RECEIPT).revision == 1


SAYS = Comment(((Run("Which outcome does this serve?"),),))


def test_comments_come_and_go_without_touching_the_mark() -> None:
    say = action(kind="comment", add=(), comment=SAYS)
    after = after_write(SEEN, say, RECEIPT)
    assert after.comment == StickyComment("c-9", comment_digest(say))
    assert (after.mark, after.proof, after.revision) == ("outcome/growth", Proof.SEEN, 2)
    gone = after_write(after, action(kind="uncomment", add=(), comment_id="c-9"), RECEIPT)
    assert (gone.comment, gone.mark, gone.revision) == (None, "outcome/growth", 3)


def test_an_edited_comment_keeps_its_id() -> None:
    edit = action(kind="comment", add=(), comment=SAYS, comment_id="c-1")
    after = after_write(SEEN, edit, Receipt(NOW))
    assert after.comment is not None
    assert after.comment.id == "c-1"


# --- the name of a write ----------------------------------------------------------------------------------


def test_a_replay_has_the_same_name() -> None:
    assert entry_key("i", action()) == entry_key("i", action(why="in other words"))


@pytest.mark.parametrize(
    "other",
    [
        action("PAY-2"),
        action(add=("outcome/trust",)),
        action(remove=("outcome/trust",)),
        action(revision=1),
        action(kind="comment", comment=SAYS),
        action(comment_id="c-1"),
    ],
    ids=["issue", "mark", "removal", "revision", "kind", "comment"],
)
def test_another_issue_state_kind_or_revision_is_another_write(other: object) -> None:
    assert entry_key("i", action()) != entry_key("i", other)  # type: ignore[arg-type]  # parametrised


def test_another_store_is_another_write() -> None:
    assert entry_key("instance-1", action()) != entry_key("instance-2", action())


def test_there_and_back_again_are_three_writes() -> None:
    state: Applied | None = None
    names: list[str] = []
    for mark in ("outcome/growth", "outcome/trust", "outcome/growth"):
        step = action(add=(mark,), remove=() if state is None else (str(state.mark),), revision=len(names))
        names.append(entry_key("i", step))
        state = after_write(state, step, RECEIPT)
    assert len(set(names)) == 3
