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
    after_write,
    comment_digest,
    comment_gone,
    entry_key,
    is_mark,
    is_outcome_mark,
    outcome_of_mark,
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
    Person,
    Proof,
    Receipt,
    Run,
    StickyComment,
    ToOutcome,
    Unmapped,
    Verdict,
)
from syncd.core.ports import Birth, LabelChange, MarkNames, Signature
from syncd.core.reading import read_marks
from syncd.core.whose import leaving_late_ones, mark_overrides, signed, wants_history, with_signed
from syncd.core.witness import History, Reading

PAIR = ("mapped", "growth")
SEEN = applied("outcome/growth", shown=LONG_AGO)
SOON, LATE = NOW - OVERLAP, NOW - OVERLAP - timedelta(seconds=1)


def read(
    one: Issue,
    known: Applied | None,
    *words: Override,
    direct: bool = False,
    now: datetime = NOW,
    history: History | None = None,
) -> Reading:
    return read_marks(one, known, words, OURS, now=now, overlap=OVERLAP, direct=direct, pair=PAIR, history=history)


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
    reading = read(bearing("outcome/growth", copy=copy_of("outcome/growth")), None)
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.proof) == ("outcome/growth", Proof.SEEN)
    assert (reading.hand, reading.doubt, reading.foreign) == ((), False, None)


def test_a_mark_without_any_copy_is_not_ours() -> None:
    assert read(bearing("outcome/growth"), None, direct=True) == Reading(None, ("outcome/growth",))


def test_a_copy_of_no_mark_claims_nothing() -> None:
    reading = read(bearing("outcome/growth", copy=copy_of(None)), None, direct=True)
    assert reading == Reading(None, ("outcome/growth",))


def test_an_empty_store_learns_from_a_copy_whose_mark_is_gone_that_a_person_took_it_off() -> None:
    row = bearing("outcome/growth", copy=copy_of("outcome/trust"))
    assert read(row, None).doubt
    reading = read(row, None, direct=True)
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.declined) == (None, ("mapped", "trust"))
    assert reading.hand == ("outcome/growth",)


def test_what_another_store_of_this_installation_signed_is_not_believed_until_that_store_is_ours() -> None:
    row = bearing("outcome/growth", copy=copy_of("outcome/growth", instance="another-store"))
    assert read(row, None).stranger == "another-store"
    assert read(row, applied("outcome/growth")).stranger == "another-store"
    ours = Signature(OURS.installation, OURS.instance, frozenset({"another-store"}))
    reading = read_marks(row, None, (), ours, now=NOW, overlap=OVERLAP, direct=False, pair=PAIR)
    assert (reading.stranger, reading.adopted) == (None, True)
    assert reading.applied is not None
    assert reading.applied.mark == "outcome/growth"


# --- a store that was restored from a backup ---------------------------------------------------------------


def test_a_restored_store_learns_from_the_copy_what_it_wrote_since() -> None:
    row = bearing("outcome/trust", updated=NOW, copy=copy_of("outcome/trust"))
    assert read(row, SEEN).doubt
    reading = read(row, SEEN, direct=True)
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.declined, reading.hand) == ("outcome/trust", None, ())
    assert not reading.taken_off


def test_a_restored_store_learns_that_a_person_took_off_what_it_wrote_since() -> None:
    reading = read(bearing(updated=NOW, copy=copy_of("outcome/trust")), SEEN, direct=True)
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.declined) == (None, ("mapped", "trust"))


def test_a_restored_store_takes_no_mark_for_its_own_that_a_person_put_on_since() -> None:
    row = bearing("outcome/growth", updated=NOW, copy=copy_of("outcome/trust"))
    since = change("outcome/growth", added=True, at=SEEN.at + timedelta(hours=1))
    reading = read(row, SEEN, direct=True, history=History([since]))
    assert reading.applied is not None
    assert (reading.applied.mark, reading.hand) == (None, ("outcome/growth",))
    assert [(word.mark, word.by.name) for word in reading.words] == [("outcome/growth", "Tom")]


def test_where_only_the_copy_was_not_written_the_mark_stays_ours_and_nobody_asks_again() -> None:
    row = bearing("outcome/growth", updated=NOW, copy=copy_of(None))
    reading = read(row, SEEN, direct=True, history=History([change("outcome/growth", added=True, at=SEEN.at)]))
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.bare) == ("outcome/growth", True)
    assert read(row, reading.applied) == Reading(reading.applied)


def test_a_restored_store_that_was_waiting_for_its_write_learns_that_it_wrote_on() -> None:
    row = bearing("outcome/trust", updated=NOW, copy=copy_of("outcome/trust"))
    reading = read(row, sent("outcome/growth", at=LATE), direct=True)
    assert reading.applied is not None
    assert (reading.applied.mark, reading.lost) == ("outcome/trust", False)


# --- who and when -----------------------------------------------------------------------------------------

TOM, ROBOT, GUEST = Person("t", "Tom"), Person("r", "Automation", "app"), Person("g", "Gil", "customer")


def change(mark: str, *, added: bool, at: datetime = LONG_AGO, by: Person | None = TOM) -> LabelChange:
    return LabelChange(issue().ref, mark, added, by, at)


def test_an_override_bears_who_put_the_mark_on_and_when() -> None:
    one = bearing("outcome/trust")
    told = [change("outcome/trust", added=True, by=None), change("outcome/trust", added=True, at=LATE)]
    reading = read(one, None, direct=True, history=History(told))
    ((started,), _) = follow(one, reading)
    assert (started.author, started.at) == ("Tom", LATE)


def test_a_mark_of_the_creation_is_the_creators_word() -> None:
    one = bearing("outcome/trust")
    reading = read(one, None, direct=True, history=History(birth=Birth(TOM, LONG_AGO)))
    ((started,), _) = follow(one, reading)
    assert (started.author, started.at) == ("Tom", LONG_AGO)


@pytest.mark.parametrize("by", [ROBOT, GUEST])
def test_a_mark_by_an_app_or_a_customer_is_nobodys_word_and_is_asked_about_once(by: Person) -> None:
    one = bearing("outcome/trust")
    reading = read(one, None, direct=True, history=History([change("outcome/trust", added=True, by=by)]))
    assert reading.left == ("outcome/trust",)
    assert follow(one, reading) == ([], [])
    again = read(one, reading.applied)
    assert (again.doubt, again.left) == (False, ("outcome/trust",))


ME = Person("me", "syncd", "member")


def late(*changes: LabelChange, account: str = "me", unproven: str = "outcome/trust") -> History:
    return History(changes, account=account, unproven=frozenset({unproven}))


def test_a_mark_of_a_write_that_was_given_up_and_came_through_is_ours_and_no_word() -> None:
    one = bearing("outcome/trust")
    put_on = change("outcome/trust", added=True, at=LATE, by=ME)
    reading = read(one, None, direct=True, history=late(put_on))
    assert reading.applied is not None
    assert (reading.applied.mark, reading.hand, follow(one, reading)) == ("outcome/trust", (), ([], []))


@pytest.mark.parametrize(
    "history",
    [
        late(change("outcome/trust", added=True, at=LATE, by=TOM)),
        late(change("outcome/trust", added=True, at=LATE, by=ME), unproven="outcome/growth"),
        late(change("outcome/trust", added=True, at=LATE, by=ME), account=""),
    ],
    ids=["another one put it on", "we never sent it: a person uses our account", "we do not know who we are"],
)
def test_without_all_of_the_proof_it_is_a_persons_word(history: History) -> None:
    one = bearing("outcome/trust")
    ((started,), _) = follow(one, read(one, None, direct=True, history=history))
    assert started.mark == "outcome/trust"


def test_what_a_late_write_of_ours_took_off_is_not_declined_though_our_copy_still_tells_of_it() -> None:
    one = bearing(updated=NOW, copy=copy_of("outcome/growth"))  # a bulk edit says so in a second step, and died before
    off = change("outcome/growth", added=False, at=LATE, by=ME)
    reading = read(one, SEEN, direct=True, history=late(off, unproven="outcome/growth"))
    assert reading.applied is not None
    assert (reading.applied.mark, reading.applied.declined, reading.taken_off) == (None, None, False)
    again = read(replace(one, updated=NOW + timedelta(minutes=1)), reading.applied)
    assert (again.doubt, again.adopted, again.applied) == (False, False, reading.applied)


def test_a_mark_that_came_along_with_a_copy_is_ours_and_no_word() -> None:
    one = bearing("outcome/trust")
    copied = frozenset({"outcome/trust"})
    reading = read(one, None, direct=True, history=History(birth=Birth(TOM, LONG_AGO), copied=copied))
    assert (reading.copied, follow(one, reading)) == ("outcome/trust", ([], []))
    ours = with_signed(reading, one, "outcome/trust")
    assert ours.applied is not None
    assert (ours.applied.mark, ours.hand, ours.applied.bare) == ("outcome/trust", (), True)
    put_on = History([change("outcome/trust", added=True)], Birth(TOM, LONG_AGO), copied)
    assert read(one, None, direct=True, history=put_on).copied is None  # somebody put it on after the creation


def test_when_the_link_to_the_source_comes_later_the_word_turns_out_to_be_a_copy() -> None:
    born = NOW - timedelta(minutes=1)
    one = issue(marks=("outcome/trust",), created=born, updated=NOW)
    word = replace(hand_set("PAY-1", "trust"), at=born)
    assert read(one, None, word).doubt
    history = History(birth=Birth(TOM, born), copied=frozenset({"outcome/trust"}))
    reading = read(one, None, word, direct=True, history=history)
    assert follow(one, reading, word) == ([], [word])
    assert not read(replace(one, created=NOW - timedelta(hours=2)), None, word).doubt  # it comes soon or never


def test_a_mark_that_says_nothing_is_looked_into_once_and_left_alone() -> None:
    one = bearing("alignment/unmapped", updated=NOW)
    assert read(one, None).doubt
    reading = read(one, None, direct=True, history=History([change("alignment/unmapped", added=True)]))
    assert (reading.noted, reading.words, follow(one, reading)) == (("alignment/unmapped",), (), ([], []))
    assert not read(one, reading.applied).doubt


def test_one_that_came_along_with_a_copy_is_ours_also_where_it_says_nothing() -> None:
    one = bearing("alignment/unmapped")
    history = History(birth=Birth(TOM, LONG_AGO), copied=frozenset({"alignment/unmapped"}))
    assert read(one, None, direct=True, history=history).copied == "alignment/unmapped"


def test_a_mark_that_was_ours_and_never_left_is_ours_still() -> None:
    known = replace(SEEN, past=(("outcome/trust", LATE),))
    one = bearing("outcome/growth", "outcome/trust", updated=NOW)
    before, after = LATE - timedelta(minutes=1), LATE + timedelta(minutes=1)
    stayed = read(one, known, direct=True, history=History([change("outcome/trust", added=True, at=before)]))
    assert stayed.applied is not None
    assert (stayed.applied.mark, stayed.late, stayed.hand) == ("outcome/growth", ("outcome/trust",), ())
    assert follow(one, stayed) == ([], [])
    assert leaving_late_ones(stayed, one, "outcome/trust") == stayed, "the plan swaps them"
    swapped = leaving_late_ones(stayed, one, "outcome/growth").applied
    assert swapped is not None
    assert (swapped.mark, dict(swapped.past)["outcome/growth"]) == ("outcome/trust", NOW), "and so does this one's"
    came_back = [change("outcome/trust", added=False, at=LATE), change("outcome/trust", added=True, at=after)]
    put_on = read(one, known, direct=True, history=History(came_back))
    ((started,), _) = follow(one, put_on)
    assert (put_on.hand, started.mark) == (("outcome/trust",), "outcome/trust")


def test_half_of_a_swap_leaves_the_old_mark_ours_and_the_new_one_nobodys_word() -> None:
    both = bearing("outcome/growth", "outcome/trust", updated=NOW, copy=copy_of("outcome/growth"))
    known = sent("outcome/growth", at=LATE, was="outcome/trust")
    half = read(both, known, direct=True, history=History([change("outcome/trust", added=True)]))
    assert half.applied is not None
    assert (half.lost, half.applied.mark, half.applied.tries, half.hand) == (True, "outcome/trust", 2, ())
    assert read(both, half.applied) == Reading(half.applied)
    put_back = [change("outcome/trust", added=False, at=LATE), change("outcome/trust", added=True, at=NOW)]
    whole = read(both, known, direct=True, history=History(put_back))
    assert (whole.lost, whole.hand) == (False, ("outcome/trust",))


def test_history_is_asked_for_only_where_it_says_more() -> None:
    news = Reading(None, ("outcome/trust",))
    assert wants_history(issue(), news, (), NAMES)
    assert wants_history(issue(), Reading(SEEN, taken_off=True), (), NAMES)
    assert not wants_history(issue(), Reading(SEEN), (), NAMES)
    unmapped = Reading(None, ("alignment/unmapped",))
    assert wants_history(issue(), unmapped, (), NAMES), "it may have come with a copy"
    noted = replace(applied(None), noted=("alignment/unmapped",))
    assert not wants_history(issue(updated=NOW), replace(unmapped, applied=noted), (), NAMES)
    assert not wants_history(issue(), news, (replace(hand_set("PAY-1", "trust"), at=NOW),), NAMES)
    assert not wants_history(issue(), replace(news, doubt=True), (), NAMES)
    assert not wants_history(issue(), replace(news, foreign="elsewhere"), (), NAMES)


def test_writes_of_another_state_start_counting_afresh() -> None:
    lost = replace(applied(None), tries=3, tried=("outcome/growth", None))
    assert after_write(lost, action(add=("outcome/growth",)), RECEIPT).tries == 3
    other = after_write(lost, action(add=("outcome/trust",)), RECEIPT)
    assert (other.tries, other.tried) == (1, None)


def test_a_comment_that_a_person_deleted_stays_away_for_its_verdict_only() -> None:
    said = replace(SEEN, comment=StickyComment("c-1", "digest", ("unmapped", None)))
    edit = action(kind="comment", add=(), comment=SAYS, comment_id="c-1", pair=("unmapped", None))
    assert (comment_gone(said, edit).comment, comment_gone(said, edit).hushed) == (None, ("unmapped", None))
    assert comment_gone(said, replace(edit, pair=("conflict", None))).hushed is None


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
