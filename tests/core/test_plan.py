"""From what is decided and what is there to what is written, and why not (DESIGN §3.6, §5)."""

from datetime import timedelta
from typing import Any

import pytest
from support_values import (
    EXEMPT,
    LONG_AGO,
    MAPPED,
    NOW,
    STRATEGY,
    UNMAPPED,
    action,
    applied,
    case,
    decided,
    epic,
    issue,
    label,
    lineage,
    policy,
    rule,
    rulebook,
    standing,
)

from syncd.core.comments import CommentPolicy, sticky_comment
from syncd.core.marks import after_write, comment_digest
from syncd.core.model import (
    Action,
    Applied,
    Candidate,
    Category,
    Conflict,
    Decision,
    Mapped,
    Origin,
    Proof,
    Receipt,
    Skipped,
    StickyComment,
    ToOutcome,
    Unmapped,
    Verdict,
    Via,
)
from syncd.core.plan import Case, Policy, Write, digest, make_plan, mark_grace, plan, same_write, why
from syncd.core.witness import Reading

TORN = Conflict((Candidate(ToOutcome("growth"), ()), Candidate(ToOutcome("trust"), ())))
CLOSED = issue(category=Category.DONE)


def steps(one: Case, how: Policy | None = None) -> tuple[Action | Skipped, ...]:
    made = plan([one], how or policy(), NOW)
    return (*made.actions, *made.skipped)


def only_action(one: Case, how: Policy | None = None) -> Action:
    (step,) = steps(one, how)
    assert isinstance(step, Action)
    return step


def only_skipped(one: Case, how: Policy | None = None) -> Skipped:
    (step,) = steps(one, how)
    assert isinstance(step, Skipped)
    return step


def wrote(mark: str | None, **changes: Any) -> Reading:
    return Reading(applied(mark, **changes))


# --- the mark ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "there", "add", "remove"),
    [
        (MAPPED, None, ("outcome/growth",), ()),
        (MAPPED, "outcome/trust", ("outcome/growth",), ("outcome/trust",)),
        (MAPPED, "alignment/unmapped", ("outcome/growth",), ("alignment/unmapped",)),
        (UNMAPPED, "outcome/trust", ("alignment/unmapped",), ("outcome/trust",)),
        (TORN, None, ("alignment/conflict",), ()),
        (EXEMPT, "outcome/trust", (), ("outcome/trust",)),
    ],
)
def test_the_gap_is_closed_by_one_delta_of_our_own_marks(
    verdict: Verdict, there: str | None, add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    step = only_action(case(verdict, reading=wrote(there, revision=4)))
    assert (step.kind, step.add, step.remove, step.revision) == ("mark", add, remove, 4)


@pytest.mark.parametrize(
    ("verdict", "there"),
    [(MAPPED, "outcome/growth"), (UNMAPPED, "alignment/unmapped"), (EXEMPT, None), (TORN, "alignment/conflict")],
)
def test_where_there_is_no_gap_nothing_is_planned(verdict: Verdict, there: str | None) -> None:
    assert steps(case(verdict, reading=wrote(there))) == ()


def test_while_a_write_is_on_its_way_it_is_not_planned_again() -> None:
    assert steps(case(MAPPED, reading=wrote("outcome/growth", proof=Proof.SENT, shown=None))) == ()


@pytest.mark.parametrize("verdict", [MAPPED, UNMAPPED])
def test_incomplete_lineage_writes_nothing_and_takes_nothing_off(verdict: Verdict) -> None:
    there = "outcome/growth" if verdict == MAPPED else None
    held = only_skipped(case(Unmapped(incomplete=True), reading=wrote(there)), policy(Write.COMMENT))
    assert "nothing is written on it nor taken off" in held.why


def test_where_another_installation_signed_nothing_is_written() -> None:
    held = only_skipped(case(MAPPED, reading=Reading(applied("outcome/trust"), foreign="elsewhere")))
    assert 'another installation of syncd, "elsewhere"' in held.why


def test_where_a_persons_mark_says_it_already_ours_is_taken_off() -> None:
    stands = {"decision": Decision(issue().ref, MAPPED, Via.OVERRIDE)}
    beside = case(MAPPED, None, Reading(applied("outcome/trust"), hand=("Outcome/Growth",)), **stands)
    assert only_action(beside).remove == ("outcome/trust",)
    assert only_action(beside).add == ()
    assert steps(case(MAPPED, None, Reading(None, hand=("outcome/growth",)), **stands)) == ()


def test_a_persons_other_marks_are_never_touched() -> None:
    hand = ("outcome/nonsense", "alignment/unmapped")
    step = only_action(case(MAPPED, reading=Reading(applied("outcome/trust"), hand=hand)))
    assert not {*step.add, *step.remove} & set(hand)


# --- why not ----------------------------------------------------------------------------------------------


def test_in_doubt_it_is_read_again_first() -> None:
    assert "read again" in only_skipped(case(MAPPED, reading=Reading(None, doubt=True))).why


@pytest.mark.parametrize("write", [Write.LABEL, Write.COMMENT])
def test_closed_work_is_decided_and_not_written(write: Write) -> None:
    assert only_skipped(case(MAPPED, CLOSED), policy(write)).why == "closed (write_closed is false)"
    assert only_skipped(case(MAPPED, CLOSED, wrote("outcome/trust")), policy(write)).lasting
    assert only_action(case(MAPPED, CLOSED), policy(write, write_closed=True)).add == ("outcome/growth",)


def test_under_observe_the_action_stands_in_skipped() -> None:
    held = only_skipped(case(MAPPED), policy(Write.OBSERVE))
    assert (held.why, held.lasting) == ("policy: observe", True)


def test_a_projects_own_policy_overrides_the_trackers() -> None:
    def writes(write: Write, **write_by: Write) -> bool:
        return bool(plan([case(MAPPED)], policy(write, write_by=write_by), NOW).actions)

    assert writes(Write.OBSERVE, PAY=Write.LABEL)
    assert not writes(Write.LABEL, PAY=Write.OBSERVE)
    assert writes(Write.LABEL, OPS=Write.OBSERVE)


@pytest.mark.parametrize("verdict", [MAPPED, EXEMPT])
def test_nothing_is_taken_off_after_an_incomplete_observation(verdict: Verdict) -> None:
    held = only_skipped(case(verdict, reading=wrote("outcome/trust")), policy(complete=False))
    assert held.why == "nothing is taken off after an incomplete observation"


def test_what_only_adds_goes_on_after_an_incomplete_observation() -> None:
    assert only_action(case(MAPPED), policy(complete=False)).add == ("outcome/growth",)


def test_a_mark_that_a_person_took_off_stays_off_until_the_verdict_changes() -> None:
    off = wrote(None, declined=("mapped", "growth"))
    held = only_skipped(case(MAPPED, reading=off))
    assert (held.why, held.lasting) == (
        'a person took "outcome/growth" off: it stays off until the verdict changes',
        True,
    )
    assert "it stays off" in only_skipped(case(Mapped("growth", "market"), reading=off)).why
    assert only_action(case(Mapped("trust"), reading=off)).add == ("outcome/trust",)


def lost(times: int) -> Reading:
    """A write that was acknowledged and not there, that many times."""
    return wrote(None, tries=times + 1, at=NOW - timedelta(minutes=10))


def test_a_lost_write_is_tried_once_more_then_left_to_a_person() -> None:
    assert only_action(case(MAPPED, reading=lost(1))).add == ("outcome/growth",)
    given_up = only_skipped(case(MAPPED, reading=lost(2)))
    assert given_up.why == '"outcome/growth" was written twice and is not there: see the findings'


def test_a_newer_verdict_is_written_though_the_older_got_lost() -> None:
    assert only_action(case(Mapped("trust"), reading=lost(2), since=NOW)).add == ("outcome/trust",)


# --- grace ------------------------------------------------------------------------------------------------

QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize("verdict", [UNMAPPED, TORN])
def test_an_alignment_mark_waits_for_the_grace_since_the_verdict_was_first_seen(verdict: Verdict) -> None:
    typing = case(verdict, None, None, since=NOW - QUARTER + timedelta(seconds=1), changed=NOW - QUARTER)
    assert only_skipped(typing).why == "grace until 2026-11-16 12:00 UTC"
    assert only_action(case(verdict, None, None, since=NOW - QUARTER, changed=NOW - QUARTER)).add


def test_an_outcome_mark_is_written_as_soon_as_it_is_decided() -> None:
    assert only_action(case(MAPPED, None, None, since=NOW, changed=NOW)).add == ("outcome/growth",)


@pytest.mark.parametrize(("age", "waits"), [(timedelta(0), True), (QUARTER - timedelta(seconds=1), True),
                                            (QUARTER, False), (timedelta(days=3), False)])  # fmt: skip
def test_the_grace_is_over_at_once_for_work_that_nobody_was_typing_in(age: timedelta, waits: bool) -> None:
    stands = standing(UNMAPPED, since=NOW, changed=NOW - age)
    assert mark_grace(stands, QUARTER) == (QUARTER if waits else timedelta(0))


def test_a_grace_of_nothing_means_in_the_same_cycle() -> None:
    assert only_action(case(UNMAPPED, None, None, since=NOW, changed=NOW), policy(grace=timedelta(0))).add


def test_what_does_not_wait_is_planned_again_by_a_clock_that_went_back_a_second() -> None:
    """Trackers tell their time in whole seconds: an `apply` right after its `plan` may find itself before it."""
    ahead = NOW + timedelta(seconds=1)
    assert only_action(case(UNMAPPED, None, None, since=ahead, changed=ahead), policy(grace=timedelta(0))).add
    assert only_action(case(UNMAPPED, None, None, since=ahead, changed=NOW - timedelta(days=3))).add
    at_once = asked(wrote("alignment/unmapped"), since=ahead)
    assert only_action(at_once, TALK).kind == "comment"


def test_taking_an_alignment_mark_off_never_waits() -> None:
    settled = case(EXEMPT, None, wrote("alignment/unmapped"), since=NOW, changed=NOW)
    assert only_action(settled).remove == ("alignment/unmapped",)


# --- the comment ------------------------------------------------------------------------------------------

TALK = policy(Write.COMMENT, comments=CommentPolicy(grace=timedelta(0)))
SAID = StickyComment("c-1", "something older")


def asked(reading: Reading | None = None, verdict: Verdict = UNMAPPED, **changes: Any) -> Case:
    fresh = {"since": NOW - QUARTER, "changed": NOW - QUARTER}
    return case(verdict, changes.pop("one", None), reading or wrote("alignment/unmapped"), **(fresh | changes))


def test_unmapped_work_is_asked_once_under_label_and_comment_only() -> None:
    step = only_action(asked(), TALK)
    assert (step.kind, step.comment_id, step.add) == ("comment", None, ())
    assert step.comment == sticky_comment(issue(), asked().standing.decision, STRATEGY)
    assert steps(asked(), policy(Write.LABEL, comments=TALK.comments)) == ()


def said(reading: Applied, verdict: Verdict = UNMAPPED) -> Applied:
    """As applied once the comment for that verdict was written."""
    step = action(
        kind="comment", add=(), comment=sticky_comment(issue(), Decision(issue().ref, verdict), STRATEGY)
    )  # fmt: skip
    return after_write(reading, step, Receipt(LONG_AGO, "c-1"))


def test_a_comment_that_says_it_already_is_left_as_it_is() -> None:
    assert steps(asked(Reading(said(applied("alignment/unmapped")))), TALK) == ()


def test_it_is_edited_in_place_when_its_content_changes() -> None:
    step = only_action(asked(wrote("alignment/unmapped", comment=SAID)), TALK)
    assert (step.kind, step.comment_id) == ("comment", "c-1")


def test_it_is_removed_when_settled() -> None:
    step = only_action(case(MAPPED, reading=wrote("outcome/growth", comment=SAID)), TALK)
    assert (step.kind, step.comment_id, step.comment, step.why) == ("uncomment", "c-1", None, "settled")


def test_it_is_not_removed_after_an_incomplete_observation() -> None:
    how = policy(Write.COMMENT, complete=False)
    held = only_skipped(case(MAPPED, reading=wrote("outcome/growth", comment=SAID)), how)
    assert held.why == "comment: nothing is taken off after an incomplete observation"


@pytest.mark.parametrize("verdict", [MAPPED, UNMAPPED])
def test_a_comment_that_an_issue_had_when_it_was_closed_stays_as_it_is(verdict: Verdict) -> None:
    mark = "outcome/growth" if verdict == MAPPED else "alignment/unmapped"
    held = only_skipped(case(verdict, CLOSED, wrote(mark, comment=SAID)), TALK)
    assert held.why == "comment: closed (write_closed is false)"


def test_a_comment_held_back_says_why() -> None:
    held = only_skipped(asked(origin=Origin.FIRST), TALK)
    assert held.why.startswith("comment: the verdict does not come from a change of this issue")
    assert held.lasting
    later = policy(Write.COMMENT, comments=CommentPolicy(grace=timedelta(hours=1)))
    waiting = only_skipped(asked(), later)
    assert (waiting.why, waiting.lasting) == ("comment: grace until 2026-11-16 12:45 UTC", False)


def test_what_is_asked_above_is_not_asked_here() -> None:
    held = only_skipped(Case(issue(), asked().standing, wrote("alignment/unmapped"), asked_above=True), TALK)
    assert held.why == "comment: it is asked at the ancestor only"


def test_a_mark_and_its_comment_are_two_writes_one_revision_apart_the_mark_first() -> None:
    made = plan([asked(wrote(None, revision=3))], TALK, NOW)
    assert [(a.kind, a.revision) for a in made.actions] == [("mark", 3), ("comment", 4)]


def test_in_doubt_nothing_is_said() -> None:
    (held,) = steps(asked(Reading(None, doubt=True)), TALK)
    assert isinstance(held, Skipped)
    assert "read again" in held.why


# --- the plan as a whole ----------------------------------------------------------------------------------


def test_actions_are_sorted_as_people_read_keys() -> None:
    keys = ["PAY-10", "OPS-3", "PAY-9", "PAY-1", "OPS-20"]
    made = plan([case(MAPPED, issue(key)) for key in keys], policy(), NOW)
    assert [a.key for a in made.actions] == ["OPS-3", "OPS-20", "PAY-1", "PAY-9", "PAY-10"]


def test_the_digest_depends_on_content_alone() -> None:
    one, other = action("PAY-1"), action("PAY-2")
    assert digest([one, other]) == digest([other, one])
    reworded = action("PAY-1", why="other words", revision=9, origin=Origin.FIRST)
    assert digest([one]) == digest([reworded])
    assert same_write(one) == same_write(reworded)
    assert make_plan([other, one]) == make_plan([one, other])


@pytest.mark.parametrize(
    "other",
    [
        action("PAY-2"),
        action(add=("outcome/trust",)),
        action(add=("outcome/growth", "outcome/trust")),
        action(remove=("outcome/trust",)),
        action(add=(), remove=("outcome/growth",)),
        action(kind="uncomment"),
        action(comment_id="c-1"),
        action(kind="comment", comment=sticky_comment(issue(), Decision(issue().ref, UNMAPPED), STRATEGY)),
    ],
)
def test_whatever_would_be_written_otherwise_has_another_digest(other: Action) -> None:
    assert digest([action()]) != digest([other])
    assert same_write(action()) != same_write(other)


def test_an_empty_plan_has_a_name_too() -> None:
    assert plan([], policy(), NOW) == make_plan([])
    assert len(make_plan([]).digest) == 16


def test_skipped_are_sorted_and_not_part_of_the_name() -> None:
    idle = plan([case(MAPPED, issue(k)) for k in ("PAY-2", "PAY-1")], policy(Write.OBSERVE), NOW)
    assert [s.key for s in idle.skipped] == ["PAY-1", "PAY-2"]
    assert idle.digest == make_plan([]).digest


# --- why --------------------------------------------------------------------------------------------------

SRE = rule("by-sre", "reliability/failover", label("sre"))
BOOK = rulebook(SRE, rule("by-x", "growth", label("x")), rule("spike", "exempt: a spike", label("spike")),
                rule("people", "overhead: hiring", label("people")))  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("sre",), "serves reliability/failover (rule: by-sre)"),
        (("x",), "serves growth (rule: by-x)"),
        (("sre", "x"), "conflict (rule: by-sre, by-x)"),
        (("spike",), "exempt, a spike (rule: spike)"),
        (("people",), "overhead hiring (rule: people)"),
        ((), "no rule speaks"),
    ],
)
def test_each_action_says_why_in_one_line(labels: tuple[str, ...], words: str) -> None:
    assert why(standing(MAPPED, decision=decided(BOOK, issue("PAY-1", *labels)))) == words


def test_what_is_inherited_says_from_whom() -> None:
    said_above = decided(BOOK, issue(), lineage(epic("PAY-9", "x")))
    assert why(standing(MAPPED, decision=said_above)) == "serves growth (inherited: by-x on PAY-9)"
    blind = decided(BOOK, issue(), lineage(missing="PAY-9"))
    assert why(standing(MAPPED, decision=blind)) == "an ancestor cannot be read"


def test_a_plan_is_called_the_same_in_every_version_of_syncd() -> None:
    """People paste it, and a plan that was shown before an upgrade is applied after it."""
    shown = [action(), action("PAY-2", add=("alignment/unmapped",)), action("OPS-3", remove=("outcome/cost",))]
    assert digest(shown) == "c77d1e5f5caeeb2b"


def test_the_digest_of_a_comment_is_of_what_it_says() -> None:
    unmapped = action(kind="comment", comment=sticky_comment(issue(), Decision(issue().ref, UNMAPPED), STRATEGY))
    torn = action(kind="comment", comment=sticky_comment(issue(), Decision(issue().ref, TORN), STRATEGY))
    assert comment_digest(unmapped) == comment_digest(action("PAY-2", kind="comment", comment=unmapped.comment))
    assert comment_digest(unmapped) != comment_digest(torn)
