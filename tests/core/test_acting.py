"""Whom syncd told, whether anybody acted, and whose comments stop since nobody does."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from support_values import NOW, issue, ref, standing

from syncd.core.acting import Heed, Turn, acted_at, muted_sources, noise_report
from syncd.core.comments import CommentPolicy, held_back
from syncd.core.model import Conflict, IssueRef, Origin, Unmapped
from syncd.core.noise import Notice

DAY = timedelta(days=1)
HEED = Heed(within=14 * DAY, mute_after=3)
LONG_AGO = NOW - 60 * DAY
MAPPED = ("mapped", "growth")


def notice(key: str, at: datetime = LONG_AGO, **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "ref": ref(key), "key": key, "project": "PAY", "kind": "comment", "at": at, "people": ("ann", "bob"),
        "pair": ("unmapped", None),
    }  # fmt: skip
    return Notice(**(values | changes))


def conflict(key: str, *rules: str, at: datetime = LONG_AGO) -> Notice:
    return notice(key, at, pair=("conflict", None), rules=rules)


def turned(at: datetime, origin: Origin = Origin.ISSUE, pair: tuple[str, str | None] = MAPPED) -> list[Turn]:
    return [Turn(at, pair, origin)]


@pytest.mark.parametrize(
    ("turns", "acted"),
    [
        (turned(LONG_AGO + DAY), True),
        (turned(LONG_AGO + DAY, Origin.ANCESTOR), True),
        (turned(LONG_AGO + DAY, Origin.RULEBOOK), False),
        (turned(LONG_AGO + DAY, Origin.FIRST), False),
        (turned(LONG_AGO + 14 * DAY), True),
        (turned(LONG_AGO + 15 * DAY), False),
        (turned(LONG_AGO), False),
        (turned(LONG_AGO - DAY), False),
        (turned(LONG_AGO + DAY, pair=("unmapped", None)), False),
        ([], False),
    ],
)
def test_it_is_acted_on_when_somebodys_doing_turns_the_verdict_in_time(turns: Sequence[Turn], acted: bool) -> None:
    assert (acted_at(notice("PAY-1"), turns, HEED) is not None) is acted


def test_a_conflict_is_for_the_owners_whose_rule_edit_or_trade_off_is_an_act() -> None:
    assert acted_at(conflict("PAY-1", "a"), turned(LONG_AGO + DAY, Origin.RULEBOOK), HEED) == LONG_AGO + DAY


def test_weeks_begin_on_mondays_and_count_writes_people_and_who_was_told_most() -> None:
    told = [
        notice("PAY-1", datetime.fromisoformat("2026-11-09T08:00:00Z")),
        notice("PAY-2", datetime.fromisoformat("2026-11-15T23:59:00Z"), people=("ann",)),
        notice("PAY-3", datetime.fromisoformat("2026-11-16T00:00:00Z"), kind="mark"),
    ]
    weeks = noise_report(told, {}, HEED, datetime.fromisoformat("2026-11-20T00:00:00Z")).weeks
    assert [(w.start, w.comments, w.marks, w.notices, w.people, w.most) for w in weeks] == [
        (date(2026, 11, 9), 2, 0, 3, 2, 2),
        (date(2026, 11, 16), 0, 1, 2, 2, 1),
    ]


def unheeded(count: int, at: datetime = LONG_AGO) -> list[Notice]:
    return [conflict(f"PAY-{n}", "a", "b", at=at) for n in range(1, count + 1)]


def muted(told: Sequence[Notice], *acted: str, heed: Heed = HEED) -> tuple[str, ...]:
    turns: dict[IssueRef, list[Turn]] = {ref(key): turned(LONG_AGO + DAY) for key in acted}
    return muted_sources(told, turns, heed, NOW)


def test_a_rule_is_muted_after_so_many_comments_in_a_row_that_nobody_acted_on() -> None:
    assert muted(unheeded(2)) == ()
    assert muted(unheeded(3)) == ("rule a", "rule b")
    assert muted(unheeded(3), "PAY-3") == ()
    assert muted(unheeded(4), "PAY-1") == ("rule a", "rule b"), "the last three were not heeded"
    assert muted(unheeded(3), heed=Heed(HEED.within, 0)) == ()


def test_one_rule_that_is_heeded_elsewhere_speaks_on_and_the_other_stops() -> None:
    told = [*unheeded(3), conflict("PAY-9", "b", "c")]
    assert muted(told, "PAY-9") == ("rule a",)


def test_comments_that_are_too_young_to_tell_and_those_long_past_mute_nothing() -> None:
    assert muted(unheeded(3, NOW - DAY)) == ()
    assert muted(unheeded(3, NOW - 90 * DAY)) == ()


def test_what_somebody_asked_for_asks_nobody_to_act() -> None:
    asked = [notice(f"PAY-{n}", pair=("answer", "10")) for n in range(9)]
    assert noise_report(asked, {}, HEED, NOW).total.comments == 0
    assert muted(asked) == ()


def test_unmapped_work_is_muted_for_its_project_alone_and_the_comment_says_why_it_is_not_there() -> None:
    told = [notice(f"PAY-{n}") for n in range(3)]
    policy = CommentPolicy(heed=HEED, muted=muted(told), backlog=True)
    assert policy.muted == ("unmapped work in PAY",)
    stands = standing(Unmapped())
    assert held_back(issue(), stands, policy, NOW) == (
        "nobody acted on the last 3 comments of unmapped work in PAY (comments.mute_after)"
    )
    other = issue("OPS-1", project="OPS")
    assert held_back(other, stands, policy, NOW) is None
    assert held_back(issue(), stands, CommentPolicy(backlog=True), NOW) is None
    assert held_back(issue(), stands, policy, NOW, answers=True) is None, "who asks is answered"
    assert held_back(issue(), standing(Conflict(())), policy, NOW) is None
