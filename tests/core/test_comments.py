"""What the one sticky comment says, and when it is due at all (DESIGN §6)."""

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
    decided,
    epic,
    hand_set,
    issue,
    label,
    lineage,
    of,
    rule,
    rulebook,
    standing,
)

from syncd.core.comments import CommentPolicy, held_back, sticky_comment, target_words
from syncd.core.model import (
    Category,
    Comment,
    Conflict,
    Decision,
    Issue,
    Lineage,
    Origin,
    Standing,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
    Verdict,
    Via,
)

NO_GRACE = CommentPolicy(grace=timedelta(0))


def words(comment: Comment | None) -> str:
    assert comment is not None
    return "\n".join("".join(run.text for run in paragraph) for paragraph in comment.paragraphs)


# --- what it says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [MAPPED, EXEMPT, Unmapped(incomplete=True)])
def test_there_is_none_where_nobody_has_a_question(verdict: Verdict) -> None:
    assert sticky_comment(issue(), Decision(issue().ref, verdict), STRATEGY) is None


def test_unmapped_work_is_asked_with_the_outcomes_to_choose_from() -> None:
    said = words(sticky_comment(issue(), Decision(issue().ref, UNMAPPED), STRATEGY))
    assert "Which outcome does this serve?" in said
    for outcome in STRATEGY.outcomes:
        assert f"/outcome {outcome.id} ({outcome.title})" in said


def torn(one: Issue, above: Lineage | None = None) -> str:
    book = rulebook(
        rule("by-sre", "reliability", label("sre")),
        rule("by-epic", "growth", of("epic", label("secret-market"))),
        rule("by-market", "growth", label("market")),
    )
    return words(sticky_comment(one, decided(book, one, above), STRATEGY))


def test_the_engineer_of_a_conflict_reads_who_must_decide_and_need_do_nothing() -> None:
    said = torn(issue("PAY-1", "sre", "market"))
    assert "To be settled by ben@acme.example and maria@acme.example, together." in said
    assert "Two outcome owners must decide what this serves; you need do nothing." in said
    assert 'by rule by-sre (label "sre" matches "sre")' in said


def test_values_of_an_ancestor_are_never_quoted_only_its_key() -> None:
    said = torn(issue("PAY-1", "sre"), lineage(epic("PAY-9", "secret-market")))
    assert "epic PAY-9" in said
    assert "secret" not in said


def test_an_inherited_conflict_names_the_ancestor_by_key_only() -> None:
    said = torn(issue("PAY-1"), lineage(epic("PAY-9", "sre", "market")))
    assert "by rule by-sre on PAY-9" in said
    assert '"sre"' not in said


def test_people_who_disagree_by_hand_are_named_as_that() -> None:
    book, marks = rulebook(), (hand_set("PAY-9", "growth"), hand_set("PAY-9", "trust"))
    own = decided(book, epic(), None, *marks)
    assert 'by a person (mark "outcome/growth" by unknown)' in words(sticky_comment(epic(), own, STRATEGY))
    below = decided(book, issue(), lineage(epic()), *marks)
    assert "by override on PAY-9" in words(sticky_comment(issue(), below, STRATEGY))


def test_exemptions_have_no_owner_to_name() -> None:
    book = rulebook(rule("a", "exempt: a spike", label("x")), rule("b", "overhead: hiring", label("x")))
    said = words(sticky_comment(issue(), decided(book, issue("PAY-1", "x")), STRATEGY))
    assert "The outcome owner must decide what this serves; you need do nothing." in said


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (ToOutcome("growth"), "Ten new markets (growth)"),
        (ToOutcome("reliability", "failover"), "Payments never go down (reliability), objective failover"),
        (ToOutcome("gone"), "gone"),
        (ToOverhead("hiring"), "overhead hiring"),
        (ToExempt("a spike"), "exempt: a spike"),
    ],
)
def test_a_target_is_told_as_a_person_knows_it(target: ToOutcome | ToOverhead | ToExempt, text: str) -> None:
    assert target_words(target, STRATEGY) == text


# --- when it is due ---------------------------------------------------------------------------------------


def fresh(**changes: Any) -> Standing:
    """A person changed the unmapped issue an hour before it was observed."""
    return standing(UNMAPPED, **({"since": NOW, "changed": NOW - timedelta(hours=1)} | changes))


def test_it_is_due_once_the_grace_is_over() -> None:
    day = CommentPolicy(grace=timedelta(hours=24))
    just_before = NOW + timedelta(hours=24) - timedelta(seconds=1)
    assert held_back(issue(), fresh(), day, just_before) == "grace until 2026-11-17 12:00 UTC"
    assert held_back(issue(), fresh(), day, NOW + timedelta(hours=24)) is None


def test_a_grace_of_nothing_means_in_the_same_cycle() -> None:
    assert held_back(issue(), fresh(), NO_GRACE, NOW) is None


def test_a_verdict_that_does_not_come_from_that_issue_itself_goes_to_the_report_each_with_its_why() -> None:
    told = {o: held_back(issue(), fresh(origin=o), NO_GRACE, NOW) for o in Origin if o is not Origin.ISSUE}
    assert all(held is not None and held.endswith("see the report") for held in told.values())
    assert len(set(told.values())) == len(told)


@pytest.mark.parametrize(
    ("age", "due"), [(timedelta(hours=24) - timedelta(seconds=1), True), (timedelta(hours=24), False)]
)
def test_a_change_must_be_less_than_a_day_old_when_it_is_observed(age: timedelta, due: bool) -> None:
    assert (held_back(issue(), fresh(changed=NOW - age), NO_GRACE, NOW) is None) is due


def test_the_backlog_is_asked_only_if_the_admin_says_so() -> None:
    old = fresh(origin=Origin.FIRST, changed=LONG_AGO)
    assert held_back(issue(), old, CommentPolicy(grace=timedelta(0), backlog=True), NOW) is None
    assert held_back(issue(), old, NO_GRACE, NOW) is not None


@pytest.mark.parametrize("backlog", [True, False])
def test_what_is_inherited_is_asked_at_the_ancestor_only(backlog: bool) -> None:
    inherited = Decision(issue().ref, Conflict(()), Via.INHERITED)
    policy = CommentPolicy(grace=timedelta(0), backlog=backlog)
    assert held_back(issue(), fresh(decision=inherited), policy, NOW) == "it is asked at the ancestor only"
    assert held_back(issue(), fresh(), policy, NOW, asked_above=True) == "it is asked at the ancestor only"


def test_closed_issues_are_never_commented_on() -> None:
    closed = issue(category=Category.DONE)
    policy = CommentPolicy(grace=timedelta(0), backlog=True)
    assert held_back(closed, fresh(), policy, NOW) == "closed issues are never commented on"
