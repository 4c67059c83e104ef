"""Who decides, and what follows when they disagree (DESIGN §4, §5)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support_values import (
    DAY,
    LONG_AGO,
    NOW,
    OUTCOMES,
    STRATEGY,
    all_of,
    between,
    decided,
    epic,
    hand_set,
    has,
    initiative,
    issue,
    label,
    lineage,
    none_of,
    of,
    override,
    rule,
    rulebook,
    spread,
    target,
)

from syncd.core.decide import Decider, restand
from syncd.core.match import Matcher
from syncd.core.model import (
    Conflict,
    Exempt,
    Issue,
    Lineage,
    Mapped,
    Objective,
    Origin,
    OverrideSource,
    Rule,
    Rulebook,
    Strategy,
    Unmapped,
    Via,
)

SRE = rule("by-sre", "reliability", label("sre"))
MARKET = rule("by-market", "growth", label("market"))
PAY = rule("all-of-pay", "trust", has("project", "PAY"), default=True)
BOOK = rulebook(SRE, MARKET, PAY)


# --- the five levels --------------------------------------------------------------------------------------


def test_a_persons_word_is_stronger_than_any_rule() -> None:
    said = decided(BOOK, issue("PAY-1", "sre"), None, override("PAY-1", "growth", reason="we sell it"))
    assert (said.verdict, said.via) == (Mapped("growth"), Via.OVERRIDE)
    assert said.evidence[0].texts == ("admin by maria, because we sell it",)


def test_a_rule_on_the_issue_is_stronger_than_an_override_on_its_epic() -> None:
    said = decided(BOOK, issue("PAY-1", "sre"), lineage(epic()), override("PAY-9", "growth"))
    assert (said.verdict, said.via) == (Mapped("reliability"), Via.RULE)


def test_the_nearest_ancestor_that_says_anything_is_stronger_than_a_default() -> None:
    said = decided(BOOK, issue(), lineage(epic("PAY-9", "sre"), initiative("PAY-90", "market")))
    assert (said.verdict, said.via, said.spoke) == (Mapped("reliability"), Via.INHERITED, epic().ref)


def test_a_silent_ancestor_lets_the_next_one_speak() -> None:
    said = decided(BOOK, issue(), lineage(epic(), initiative("PAY-90", "market")))
    assert (said.verdict, said.spoke) == (Mapped("growth"), initiative().ref)


def test_an_override_on_the_epic_is_inherited() -> None:
    said = decided(BOOK, issue(), lineage(epic("PAY-9", "sre")), override("PAY-9", "overhead: hiring"))
    assert (said.verdict, said.via) == (Exempt("hiring", "Hiring"), Via.INHERITED)


def test_a_default_decides_where_nothing_else_speaks() -> None:
    said = decided(BOOK, issue(), lineage(epic()))
    assert (said.verdict, said.via) == (Mapped("trust"), Via.DEFAULT)


def test_otherwise_it_is_unmapped() -> None:
    said = decided(BOOK, issue("OPS-1", "unheard-of"))
    assert (said.verdict, said.via, said.evidence) == (Unmapped(), None, ())


def test_a_rule_about_the_epic_is_a_rule_on_the_issue_itself() -> None:
    book = rulebook(rule("platform", "growth", of("epic", label("platform"))), SRE)
    said = decided(book, issue(), lineage(epic("PAY-9", "platform", "sre")))
    assert (said.verdict, said.via, said.diverges_from) == (Mapped("growth"), Via.RULE, "PAY-9")


def test_defaults_are_never_inherited() -> None:
    book = rulebook(PAY, rule("all-of-ops", "growth", has("project", "OPS"), default=True))
    assert decided(book, issue("OPS-1"), lineage(epic("PAY-9"))).verdict == Mapped("growth")
    assert decided(rulebook(PAY), issue("OPS-1"), lineage(epic("PAY-9"))).verdict == Unmapped()


def test_an_ancestor_is_judged_from_where_it_stands() -> None:
    """`parent:` is its own parent there, not its childrens."""
    book = rulebook(rule("under-north", "growth", of("parent", label("north"))))
    said = decided(book, issue(), lineage(epic(), initiative("PAY-90", "north")))
    assert (said.verdict, said.via, said.spoke) == (Mapped("growth"), Via.INHERITED, epic().ref)


# --- priority, agreement, conflict ------------------------------------------------------------------------


def two(one: str, other: str, **of_first: int) -> Rulebook:
    return rulebook(rule("a", one, label("x"), **of_first), rule("b", other, label("x")))


def test_only_the_highest_priority_speaks() -> None:
    assert decided(two("growth", "trust", priority=1), issue("PAY-1", "x")).verdict == Mapped("growth")
    assert decided(two("growth", "trust", priority=-1), issue("PAY-1", "x")).verdict == Mapped("trust")


def test_priority_orders_defaults_among_themselves_and_never_above_a_rule() -> None:
    book = rulebook(
        rule("low", "growth", label("x")),
        rule("high-default", "trust", label("x", "y"), default=True, priority=99),
        rule("low-default", "reliability", label("y"), default=True),
    )
    assert decided(book, issue("PAY-1", "x")).verdict == Mapped("growth")
    assert decided(book, issue("PAY-1", "y")).verdict == Mapped("trust")


def test_rules_that_disagree_are_a_conflict_with_all_their_evidence() -> None:
    said = decided(two("trust", "growth"), issue("PAY-1", "x"))
    assert isinstance(said.verdict, Conflict)
    assert spread(said) == {str(target("growth")): ("b",), str(target("trust")): ("a",)}
    assert {e.source for e in said.evidence} == {"a", "b"}
    assert said.cause == "rules a + b"


def test_rules_that_agree_are_no_conflict_and_all_are_evidence() -> None:
    said = decided(two("growth", "growth"), issue("PAY-1", "x"))
    assert (said.verdict, said.cause) == (Mapped("growth"), None)
    assert [e.source for e in said.evidence] == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("reliability/failover", "reliability", Mapped("reliability", "failover")),
        ("reliability/failover", "reliability/failover", Mapped("reliability", "failover")),
        ("reliability/failover", "reliability/capacity", Mapped("reliability")),
        ("exempt: a spike", "exempt: not ours", Exempt(None, "a spike; not ours")),
        ("overhead: hiring", "overhead: hiring", Exempt("hiring", "Hiring")),
    ],
)
def test_what_agrees(one: str, other: str, verdict: object) -> None:
    assert decided(two(one, other), issue("PAY-1", "x")).verdict == verdict
    assert decided(two(other, one), issue("PAY-1", "x")).verdict == verdict


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("growth", "trust"),
        ("growth", "overhead: hiring"),
        ("growth", "exempt: a spike"),
        ("overhead: hiring", "overhead: keep-the-lights-on"),
        ("overhead: hiring", "exempt: a spike"),
    ],
)
def test_what_does_not(one: str, other: str) -> None:
    forth, back = decided(two(one, other), issue("PAY-1", "x")), decided(two(other, one), issue("PAY-1", "x"))
    assert isinstance(forth.verdict, Conflict)
    assert spread(forth).keys() == spread(back).keys()


def test_neither_file_order_nor_alphabet_settles_anything() -> None:
    rules = (SRE, replace(MARKET, when=label("sre")), PAY)
    assert decided(rulebook(*rules), issue("PAY-1", "sre")) == decided(rulebook(*rules[::-1]), issue("PAY-1", "sre"))


# --- inheritance ------------------------------------------------------------------------------------------


def test_a_torn_epic_is_the_one_cause_of_its_childrens_conflict() -> None:
    book, torn = rulebook(SRE, MARKET), epic("PAY-9", "sre", "market")
    causes = {decided(book, issue(f"PAY-{n}"), lineage(torn)).cause for n in (1, 2, 3)}
    assert causes == {"issue PAY-9"}
    assert decided(book, torn).cause == "rules by-market + by-sre"


def test_a_child_mapped_otherwise_diverges_from_its_nearest_speaking_ancestor() -> None:
    above = lineage(epic(), initiative("PAY-90", "market"))
    assert decided(BOOK, issue("PAY-1", "sre"), above).diverges_from == "PAY-90"
    assert decided(BOOK, issue("PAY-1", "market"), above).diverges_from is None
    assert decided(BOOK, issue("PAY-1"), above).diverges_from is None


def test_a_child_of_declared_overhead_that_serves_an_outcome_diverges_too() -> None:
    book = rulebook(SRE, rule("hiring", "overhead: hiring", label("hiring")))
    assert decided(book, issue("PAY-1", "sre"), lineage(epic("PAY-9", "hiring"))).diverges_from == "PAY-9"


def test_nobody_diverges_from_a_torn_ancestor() -> None:
    assert decided(BOOK, issue("PAY-1", "sre"), lineage(epic("PAY-9", "sre", "market"))).diverges_from is None


TWO_TOPS = Lineage(((epic(),), (initiative("PAY-90", "market"), initiative("PAY-91", "sre"))))


def test_ancestors_at_one_level_that_disagree_are_a_conflict_there() -> None:
    said = decided(BOOK, issue(), TWO_TOPS)
    assert isinstance(said.verdict, Conflict)
    assert said.cause == "issue PAY-9", "it is the epic that is torn"


def test_ancestors_at_one_level_that_agree_are_one_voice() -> None:
    both = Lineage(((epic(),), (initiative("PAY-90", "sre"), initiative("PAY-91", "sre"))))
    said = decided(BOOK, issue(), both)
    assert (said.verdict, {e.key for e in said.evidence}) == (Mapped("reliability"), {"PAY-90", "PAY-91"})


def test_objectives_said_at_one_level_are_weighed_together_whoever_said_them() -> None:
    book = rulebook(rule("a", "reliability/failover", label("a")), rule("b", "reliability/capacity", label("b")))
    both = Lineage(((epic(),), (initiative("PAY-90", "a", "b"), initiative("PAY-91", "a"))))
    assert decided(book, issue(), both).verdict == Mapped("reliability")


def test_one_of_two_at_one_level_that_is_silent_does_not_object() -> None:
    half = Lineage(((epic(),), (initiative("PAY-90"), initiative("PAY-91", "sre"))))
    assert decided(BOOK, issue(), half).verdict == Mapped("reliability")


def test_a_remembered_ancestor_is_not_believed_once_it_changed() -> None:
    decider = Decider(Matcher(BOOK, DAY), NOW)
    assert decider.decide(issue("PAY-1"), lineage(epic("PAY-9", "sre")), {}).verdict == Mapped("reliability")
    assert decider.decide(issue("PAY-2"), lineage(epic("PAY-9", "market")), {}).verdict == Mapped("growth")


@pytest.mark.parametrize("first", [0, 1])
def test_in_a_circle_of_parents_the_order_of_issues_does_not_matter(first: int) -> None:
    """PAY-2 and PAY-3 are each other's parent; what is above each depends on where the circle was entered."""
    book = rulebook(rule("under-three", "growth", of("parent", label("three"))))
    one, other = issue("PAY-2", "two"), issue("PAY-3", "three")
    under_two = (issue("PAY-4"), lineage(one, other, cycle="PAY-2"))
    under_three = (issue("PAY-5"), lineage(other, one, cycle="PAY-3"))
    decider = Decider(Matcher(book, DAY), NOW)
    for child, above in [(under_two, under_three), (under_three, under_two)][first]:
        decider.decide(child, above, {})
    fresh = [Decider(Matcher(book, DAY), NOW).decide(child, above, {}) for child, above in (under_two, under_three)]
    assert [decider.decide(child, above, {}) for child, above in (under_two, under_three)] == fresh


def test_the_memory_of_ancestors_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.core.decide.VOICES_REMEMBERED", 3)
    monkeypatch.setattr("syncd.core.match.LINEAGES_REMEMBERED", 3)
    matcher = Matcher(BOOK, DAY)
    decider = Decider(matcher, NOW)
    for n in range(20):
        said = decider.decide(issue(f"PAY-{n}"), lineage(epic(f"PAY-{100 + n}", "sre")), {})
        assert said.verdict == Mapped("reliability")
        assert max(len(decider._heard), len(matcher._known)) <= 3


# --- an ancestor that cannot be read ----------------------------------------------------------------------


def test_where_nothing_nearer_speaks_an_unreadable_ancestor_leaves_it_incomplete() -> None:
    said = decided(BOOK, issue(), lineage(epic(), missing="PAY-99"))
    assert (said.verdict, said.via) == (Unmapped(incomplete=True), None)
    assert said.pair == ("incomplete", None)


def test_not_even_a_default_speaks_below_the_unreadable() -> None:
    assert decided(rulebook(PAY), issue(), lineage(missing="PAY-99")).verdict == Unmapped(incomplete=True)


@pytest.mark.parametrize("missing", ["PAY-99", None])
def test_what_is_said_nearer_stands(missing: str | None) -> None:
    assert decided(BOOK, issue("PAY-1", "sre"), lineage(missing=missing)).via is Via.RULE
    assert decided(BOOK, issue(), lineage(missing=missing), override("PAY-1", "growth")).via is Via.OVERRIDE
    assert decided(BOOK, issue(), lineage(epic("PAY-9", "sre"), missing=missing)).via is Via.INHERITED


def test_a_not_over_the_unreadable_does_not_decide() -> None:
    book = rulebook(rule("rest", "growth", all_of(has("type", "story"), none_of(of("epic", label("docs"))))))
    assert decided(book, issue(), lineage(epic())).verdict == Mapped("growth")
    assert decided(book, issue(), lineage(missing="PAY-9")).verdict == Unmapped(incomplete=True)


# --- people disagree --------------------------------------------------------------------------------------


def test_two_marks_that_people_put_on_are_a_conflict_between_them() -> None:
    said = decided(BOOK, issue("PAY-1", "sre"), None, hand_set("PAY-1", "growth"), hand_set("PAY-1", "trust"))
    assert isinstance(said.verdict, Conflict)
    assert (said.via, said.cause) == (Via.OVERRIDE, "overrides on PAY-1")


@pytest.mark.parametrize("hours", [-1, 1])
def test_of_a_hand_set_mark_and_a_command_the_later_wins(hours: int) -> None:
    mark = hand_set("PAY-1", "growth", at=NOW + timedelta(hours=hours))
    command = override("PAY-1", "trust", source=OverrideSource.COMMAND, at=NOW)
    for words in ((mark, command), (command, mark)):
        said = decided(BOOK, issue(), None, *words)
        assert said.verdict == Mapped("growth" if hours > 0 else "trust")


def test_of_several_commands_the_latest_wins() -> None:
    words = [override("PAY-1", to, source=OverrideSource.COMMAND, at=NOW - timedelta(hours=h))
             for to, h in (("growth", 3), ("trust", 1), ("reliability", 2))]  # fmt: skip
    assert decided(BOOK, issue(), None, *words).verdict == Mapped("trust")


def test_an_override_ends_at_the_instant_it_expires() -> None:
    word = override("PAY-1", "growth", expires=NOW)
    assert decided(BOOK, issue(), None, word, now=NOW - timedelta(seconds=1)).verdict == Mapped("growth")
    assert decided(BOOK, issue(), None, word, now=NOW).verdict == Mapped("trust")


@pytest.mark.parametrize(
    ("to", "verdict"),
    [
        ("reliability/failover", Mapped("reliability", "failover")),
        ("overhead: hiring", Exempt("hiring", "Hiring")),
        ("exempt: a spike", Exempt(None, "a spike")),
    ],
)
def test_a_person_may_say_whatever_a_rule_may(to: str, verdict: object) -> None:
    assert decided(BOOK, issue(), None, override("PAY-1", to)).verdict == verdict


# --- dates ------------------------------------------------------------------------------------------------


def dated_outcome(first: str | None, last: str | None) -> Strategy:
    later = tuple(replace(o, window=between(first, last)) if o.id == "growth" else o for o in OUTCOMES)
    return replace(STRATEGY, outcomes=later)


def dated_objective(first: str | None, last: str | None) -> Strategy:
    dated = Objective(id="market", title="A market", window=between(first, last))
    return replace(STRATEGY, outcomes=(replace(OUTCOMES[1], objectives=(dated,)),))


ON = [
    (datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), False),
    (datetime(2026, 11, 1, 0, 0, tzinfo=UTC), True),
    (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), True),
    (datetime(2026, 12, 1, 0, 0, tzinfo=UTC), False),
]
NOVEMBER = ("2026-11-01", "2026-11-30")


@pytest.mark.parametrize(("now", "in_effect"), ON)
@pytest.mark.parametrize("dated", ["rule", "outcome", "objective"])
def test_dates_on_rules_outcomes_and_objectives_are_whole_days_both_included(
    dated: str, now: datetime, in_effect: bool
) -> None:
    to = "growth/market" if dated == "objective" else "growth"
    plain = rule("dated", to, label("x"))
    book = {
        "rule": lambda: rulebook(replace(plain, window=between(*NOVEMBER))),
        "outcome": lambda: rulebook(plain, strategy=dated_outcome(*NOVEMBER)),
        "objective": lambda: rulebook(plain, strategy=dated_objective(*NOVEMBER)),
    }[dated]()
    assert isinstance(decided(book, issue("PAY-1", "x"), now=now).verdict, Mapped) is in_effect


@pytest.mark.parametrize(("first", "last"), [(None, "2026-11-30"), ("2026-11-01", None), (None, None)])
def test_a_side_without_a_date_is_open(first: str | None, last: str | None) -> None:
    book = rulebook(rule("dated", "growth", label("x"), window=between(first, last)))
    assert decided(book, issue("PAY-1", "x")).verdict == Mapped("growth")


def test_a_rule_out_of_its_dates_outranks_nothing() -> None:
    over = rule("over", "growth", label("x"), priority=9, window=between(None, "2026-11-15"))
    book = rulebook(over, rule("still", "trust", label("x")))
    assert decided(book, issue("PAY-1", "x")).verdict == Mapped("trust")


def test_outside_an_outcomes_dates_nothing_is_inherited_to_it_either() -> None:
    book = rulebook(rule("dated", "growth", label("x")), strategy=dated_outcome(None, "2026-11-15"))
    assert decided(book, issue(), lineage(epic("PAY-9", "x"))).verdict == Unmapped()


def test_an_override_to_an_outcome_out_of_its_dates_stands() -> None:
    book = rulebook(SRE, strategy=dated_outcome(None, "2026-11-15"))
    assert decided(book, issue("PAY-1", "sre"), None, override("PAY-1", "growth")).verdict == Mapped("growth")


# --- what counts as changed -------------------------------------------------------------------------------


def by(name: str, to: str) -> Rule:
    return rule(name, to, label("x"))


def test_a_verdict_is_the_pair_of_kind_and_outcome() -> None:
    pairs = {
        decided(rulebook(by(name, to)), issue("PAY-1", "x")).pair
        for name, to in (("a", "reliability"), ("b", "reliability/failover"), ("c", "reliability/capacity"))
    }
    assert pairs == {("mapped", "reliability")}
    assert decided(rulebook(by("a", "overhead: hiring")), issue("PAY-1", "x")).pair == ("exempt", "hiring")
    assert decided(rulebook(by("a", "exempt: words")), issue("PAY-1", "x")).pair == ("exempt", None)
    assert decided(two("growth", "trust"), issue("PAY-1", "x")).pair == ("conflict", None)


def test_the_same_pair_keeps_its_clock_and_its_origin_though_rules_were_edited() -> None:
    first = decided(rulebook(by("a", "reliability")), issue("PAY-1", "x"))
    before = restand(None, first, issue("PAY-1", "x"), now=LONG_AGO, origin=Origin.ISSUE, version="v1")
    edited = decided(rulebook(by("renamed", "reliability/failover")), issue("PAY-1", "x"))
    after = restand(before, edited, issue("PAY-1", "x"), now=NOW, origin=Origin.RULEBOOK, version="v2")
    assert (after.since, after.origin, after.version) == (LONG_AGO, Origin.ISSUE, "v2")
    assert after.decision.evidence[0].source == "renamed"


def test_another_pair_starts_anew() -> None:
    first = decided(rulebook(by("a", "growth")), issue("PAY-1", "x"))
    before = restand(None, first, issue("PAY-1", "x"), now=LONG_AGO, origin=Origin.ISSUE, version="v1")
    moved = decided(rulebook(by("a", "trust")), issue("PAY-1", "x"))
    after = restand(before, moved, issue("PAY-1", "x"), now=NOW, origin=Origin.RULEBOOK, version="v2")
    assert (after.since, after.origin, after.changed) == (NOW, Origin.RULEBOOK, LONG_AGO)


# --- whom to ask ------------------------------------------------------------------------------------------


def asked_above(book: Rulebook, above: Lineage, *inside: Issue) -> bool:
    decider = Decider(Matcher(book, DAY), NOW)
    return decider.asked_above(decider.decide(issue(), above, {}), above, {}, [one.ref for one in inside])


def test_an_unmapped_child_of_an_unmapped_ancestor_in_scope_is_asked_there() -> None:
    assert asked_above(rulebook(SRE), lineage(epic()), epic())
    assert asked_above(rulebook(SRE), lineage(epic("OPS-9"), initiative()), initiative())


def test_it_is_asked_itself_where_no_ancestor_in_scope_is_unmapped() -> None:
    assert not asked_above(rulebook(SRE), lineage())
    assert not asked_above(rulebook(SRE), lineage(epic())), "it is of a project in scope, and archived"
    by_type = rulebook(rule("epics", "growth", has("type", "epic"), default=True))
    assert not asked_above(by_type, lineage(epic()), epic())


def test_only_the_unmapped_are_asked_above() -> None:
    book = rulebook(rule("stories", "growth", has("type", "story")))
    assert not asked_above(book, lineage(epic()), epic())
