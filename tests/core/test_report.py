"""How much work serves which outcome (DESIGN §10, `report`)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from support_values import (
    EXEMPT,
    LONG_AGO,
    MAPPED,
    NOW,
    STRATEGY,
    UNMAPPED,
    between,
    decided,
    epic,
    issue,
    label,
    lineage,
    rule,
    rulebook,
    standing,
)

from syncd.core.endings import Ending, Endings
from syncd.core.model import Category, Decision, Exempt, Issue, Mapped, Unmapped, Verdict, Via
from syncd.core.ports import Known
from syncd.core.report import Coverage, Report, Totals, build_report, target_name

BLIND = Unmapped(incomplete=True)
BOOK = rulebook(rule("by-sre", "reliability", label("sre")), rule("by-x", "growth", label("x")))


def known(one: Issue, verdict: Verdict | Decision | None) -> Known:
    if isinstance(verdict, Decision):
        return Known(one, standing(UNMAPPED, decision=verdict), None, in_scope=True)
    return Known(one, None if verdict is None else standing(verdict, one.key), None, in_scope=True)


def report(*work: Known, coverage: tuple[Coverage, ...] = ()) -> Report:
    return build_report(work, STRATEGY, "v1", coverage)


def many(verdicts: list[Verdict], **changes: Any) -> list[Known]:
    return [known(issue(f"PAY-{n}", **changes), verdict) for n, verdict in enumerate(verdicts)]


def torn(key: str, **changes: Any) -> Known:
    one = issue(key, "sre", "x", **changes)
    return known(one, decided(BOOK, one))


def test_every_issue_is_counted_once_under_one_of_five() -> None:
    told = report(*many([MAPPED, MAPPED, UNMAPPED, EXEMPT, Exempt("hiring", "Hiring"), BLIND]), torn("PAY-99"))
    assert told.totals == Totals(mapped=2, unmapped=1, conflict=1, exempt=2, incomplete=1)
    assert told.totals.issues == 7
    assert told.totals.known == 6


def test_issues_not_decided_yet_are_not_counted() -> None:
    assert report(known(issue(), None)).totals == Totals()


def test_open_work_is_counted_beside_all_work() -> None:
    told = report(known(issue("PAY-1"), MAPPED), known(issue("PAY-2", category=Category.DONE), MAPPED))
    assert (told.totals.mapped, told.open.mapped) == (2, 1)
    (line,) = [one for one in told.outcomes if one.outcome.id == "growth"]
    assert (line.issues, line.open) == (2, 1)


def test_shares_are_fractions_of_what_is_known() -> None:
    told = report(*many([MAPPED, MAPPED, UNMAPPED, Exempt("hiring", "Hiring"), BLIND, BLIND]))
    assert {line.outcome.id: (line.issues, line.share, line.target) for line in told.outcomes} == {
        "reliability": (0, 0.0, 0.3),
        "growth": (2, 0.5, 0.5),
        "trust": (0, 0.0, None),
    }
    assert {line.overhead.id: line.share for line in told.overhead} == {"keep-the-lights-on": 0.0, "hiring": 0.25}


@pytest.mark.parametrize("verdicts", [[], [BLIND, BLIND]])
def test_nothing_known_is_a_share_of_nothing(verdicts: list[Verdict]) -> None:
    assert all(line.share == 0.0 for line in report(*many(verdicts)).outcomes)


def test_objectives_count_for_their_outcome() -> None:
    told = report(*many([Mapped("reliability", "failover"), Mapped("reliability")]))
    assert told.outcomes[0].issues == 2


def test_what_was_exempted_by_words_is_no_declared_overhead() -> None:
    assert all(line.issues == 0 for line in report(*many([EXEMPT])).overhead)


def test_unmapped_and_incomplete_are_listed_apart() -> None:
    told = report(*many([UNMAPPED, BLIND]))
    assert [line.key for line in told.unmapped] == ["PAY-0"]
    assert [line.key for line in told.incomplete] == ["PAY-1"]


def test_a_restricted_issue_is_named_by_key_only() -> None:
    (line,) = report(known(issue("PAY-1", "secret", restricted=True, components=("vault",)), UNMAPPED)).unmapped
    assert (line.key, line.title, line.labels, line.components) == ("PAY-1", "", (), ())


def test_lists_are_bounded_and_numbers_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.core.report.LISTED", 3)
    told = report(*many([UNMAPPED] * 10))
    assert (len(told.unmapped), told.totals.unmapped) == (3, 10)


def test_a_thousand_children_of_one_torn_epic_are_one_line() -> None:
    above = lineage(epic("PAY-900", "sre", "x"))
    children = [known(one, decided(BOOK, one, above)) for one in (issue(f"PAY-{n}") for n in range(1_000))]
    (line,) = report(*children).conflicts
    assert (line.cause, line.issues, line.open) == ("issue PAY-900", 1_000, 1_000)
    assert line.targets == ("growth", "reliability")
    assert line.owners == ("ben@acme.example", "maria@acme.example")
    assert 0 < len(line.keys) < 50


def test_conflicts_that_hold_up_most_come_first_and_closed_ones_are_told_apart() -> None:
    above = lineage(epic("PAY-900", "sre", "x"))
    child = known(issue("PAY-5"), decided(BOOK, issue("PAY-5"), above))
    told = report(child, torn("PAY-1"), torn("PAY-2", category=Category.DONE))
    assert [(line.cause, line.issues, line.open) for line in told.conflicts] == [
        ("rules by-sre + by-x", 2, 1),
        ("issue PAY-900", 1, 1),
    ]


def test_the_order_of_issues_does_not_matter() -> None:
    work = [*many([MAPPED, UNMAPPED, BLIND, UNMAPPED]), torn("PAY-77"), torn("PAY-78")]
    assert report(*work) == report(*work[::-1])


def test_a_report_is_as_old_as_its_oldest_tracker() -> None:
    fresh, stale = Coverage("a", NOW, None), Coverage("b", LONG_AGO, "HTTP 503")
    assert report(coverage=(fresh, stale)).as_of == LONG_AGO
    assert report(coverage=(fresh,)).as_of == NOW


def test_it_has_no_date_while_some_tracker_was_never_read_whole() -> None:
    fresh, never = Coverage("a", NOW - timedelta(hours=1), None), Coverage("b", None, "no permission")
    assert report(coverage=(fresh, never)).as_of is None


def test_targets_are_written_as_in_the_rules_file() -> None:
    rules = [rule("n", to, label("x")) for to in ("growth", "reliability/failover", "overhead: hiring", "exempt: no")]
    assert [target_name(r.target) for r in rules] == [
        "growth", "reliability/failover", "overhead: hiring", "exempt: no",
    ]  # fmt: skip


def test_what_runs_out_within_two_weeks_is_told_with_the_work_that_hangs_on_it() -> None:
    book = rulebook(
        rule("by-sre", "reliability", label("sre"), window=between(None, "2026-11-30")),
        rule("by-x", "growth", label("x"), window=between(None, "2026-12-01")),
        rule("by-y", "growth", label("y"), window=between(None, "2026-11-15")),
    )
    work = [known(one, decided(book, one)) for one in (issue("PAY-1", "sre"), issue("PAY-2", "sre"), issue("PAY-3"))]
    done = issue("PAY-4", "sre", category=Category.DONE)
    told = build_report(
        [*work, known(done, decided(book, done))], STRATEGY, "v1", (), endings=Endings(book, NOW.date())
    )
    assert told.endings == (Ending(date(2026, 11, 30), "rule", "by-sre", issues=3, open=2),)


def test_an_outcome_that_ends_soon_is_told_but_a_persons_word_on_an_issue_does_not_end_with_it() -> None:
    ending = replace(STRATEGY.outcomes[0], window=between(None, "2026-11-20"))
    strategy = replace(STRATEGY, outcomes=(ending, *STRATEGY.outcomes[1:]))
    book = rulebook(rule("by-sre", "reliability", label("sre")), strategy=strategy)
    one = issue("PAY-1", "sre")
    by_hand = decided(book, one)._replace(via=Via.OVERRIDE)
    endings = Endings(book, NOW.date())
    told = build_report(
        [known(one, decided(book, one)), known(issue("PAY-2"), by_hand)], strategy, "v1", (), endings=endings
    )
    assert [(e.what, e.name, e.issues) for e in told.endings] == [("outcome", "reliability", 1)]
