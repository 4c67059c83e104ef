"""How often syncd may speak up: quiet hours by the clocks of a zone, caps by project and by person (DESIGN §6)."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support_values import NOW, issue

from syncd.core.model import Action, Comment, IssueRef, Origin, Person, Run
from syncd.core.noise import Caps, Notice, Quiet, notified, ration
from syncd.core.plan import make_plan

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Quiet(time(18), time(8), BERLIN)
SAID = Comment(((Run("Which outcome?"),),))


@pytest.mark.parametrize(
    ("utc", "until"),
    [
        ("2026-11-16T16:59", None),  # 17:59 in Berlin
        ("2026-11-16T17:00", "2026-11-17T07:00"),
        ("2026-11-17T06:59", "2026-11-17T07:00"),
        ("2026-11-17T07:00", None),
        ("2026-07-16T15:59", None),  # in summer an hour earlier
        ("2026-07-16T16:00", "2026-07-17T06:00"),
        ("2026-10-24T17:00", "2026-10-25T07:00"),  # the clocks go back that night: it is an hour longer
        ("2026-03-28T18:00", "2026-03-29T06:00"),  # and an hour shorter in spring
    ],
)
def test_quiet_hours_go_by_the_clocks_on_the_wall(utc: str, until: str | None) -> None:
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert NIGHT.until(now) == (None if until is None else datetime.fromisoformat(until).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("hours", "utc", "until"),
    [
        # the night of 24/25 October: 02:00 to 03:00 comes twice, the second time from 01:00 UTC on
        ((time(1), time(2, 15)), "2026-10-25T00:30", "2026-10-25T01:15"),
        ((time(1), time(2, 15)), "2026-10-25T01:10", "2026-10-25T01:15"),
        ((time(1), time(2, 15)), "2026-10-25T01:15", None),
        ((time(2, 30), time(6)), "2026-10-25T00:29", None),
        ((time(2, 30), time(6)), "2026-10-25T00:45", "2026-10-25T05:00"),
        ((time(2, 30), time(6)), "2026-10-25T01:10", "2026-10-25T05:00"),  # 02:10 once more: it has begun
        # the night of 28/29 March: 02:00 to 03:00 does not come
        ((time(22), time(2, 30)), "2026-03-29T01:10", "2026-03-29T01:30"),
        ((time(22), time(2, 30)), "2026-03-29T01:30", None),
        ((time(2, 30), time(6)), "2026-03-29T00:20", None),
        ((time(2, 30), time(6)), "2026-03-29T01:00", "2026-03-29T04:00"),
    ],
)
def test_quiet_hours_that_a_change_of_the_clocks_falls_into_are_never_broken(
    hours: tuple[time, time], utc: str, until: str | None
) -> None:
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    found = Quiet(*hours, BERLIN).until(now)
    assert found == (None if until is None else datetime.fromisoformat(until).replace(tzinfo=UTC))


CHANGES = ("2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31")
"""The Saturdays before clocks are changed somewhere."""


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns"])
@pytest.mark.parametrize("start", [1, 2, 18, 22])
@pytest.mark.parametrize("length", [0.5, 8, 23.5])
def test_wherever_clocks_are_changed_it_is_quiet_by_the_wall_and_until_it_says_so(
    zone: str, start: int, length: float
) -> None:
    end = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=start + length)).time()
    quiet, step, heard = Quiet(time(start), end, ZoneInfo(zone)), timedelta(minutes=15), 0
    for saturday in CHANGES:
        begin = datetime.fromisoformat(saturday).replace(tzinfo=UTC)
        for now in (begin + n * step for n in range(3 * 24 * 4)):
            until, local = quiet.until(now), now.astimezone(quiet.zone).time()
            wall = quiet.start <= local < quiet.end if quiet.start < quiet.end else not quiet.end <= local < quiet.start
            assert until is not None or not wall, f"noise at {now} in {zone}"
            assert until is None or now < until <= now + timedelta(hours=length + 1)
            assert until is None or quiet.until(until) is None or length > 22, "it ends when it says"
            heard += until is None
    assert abs(heard / 4 - len(CHANGES) * 3 * (24 - length)) < 2 * (24 - length) + len(CHANGES), "else it is open"


def test_quiet_hours_may_lie_within_one_day() -> None:
    lunch = Quiet(time(12), time(13), ZoneInfo("UTC"))
    assert lunch.until(datetime(2026, 11, 16, 11, 59, tzinfo=UTC)) is None
    assert lunch.until(datetime(2026, 11, 16, 12, 30, tzinfo=UTC)) == datetime(2026, 11, 16, 13, tzinfo=UTC)
    assert lunch.until(datetime(2026, 11, 16, 13, 0, tzinfo=UTC)) is None


def comment(number: int, project: str = "PAY", *, people: tuple[str, ...] = (), **told: Any) -> Action:
    key = f"{project}-{number}"
    return Action(
        ref=IssueRef("acme-jira", key), key=key, project=project, kind="comment", why="", revision=0,
        origin=Origin.ISSUE, comment=SAID, notifies=people, **told,
    )  # fmt: skip


def sent(action: Action, ago: timedelta, tracker: str = "acme-jira") -> Notice:
    ref = IssueRef(tracker, action.ref.id)
    return Notice(ref=ref, key=action.key, project=action.project, kind="comment", at=NOW - ago, people=action.notifies)


def rationed(actions: list[Action], told: list[Notice], caps: Caps) -> tuple[list[str], list[str]]:
    kept, held = ration(make_plan(actions), told, caps, NOW)
    return [action.key for action in kept], [f"{one.key}: {one.why}" for one in held]


def test_a_project_hears_no_more_than_its_cap_in_24_hours() -> None:
    wanted = [comment(n) for n in range(1, 5)] + [comment(1, "OPS")]
    told = [sent(comment(90), timedelta(hours=23, minutes=59)), sent(comment(91), timedelta(hours=24))]
    kept, held = rationed(wanted, told, Caps(per_project=3, per_person=99))
    assert kept == ["OPS-1", "PAY-1", "PAY-2"]
    assert held == [f"PAY-{n}: comment: PAY had 3 in 24 hours (comments.per_project_per_day)" for n in (3, 4)]
    assert len(rationed(wanted, told, Caps(per_project=99, per_person=99))[0]) == len(wanted)


def test_a_person_is_told_no_more_than_the_cap_in_whichever_project_and_tracker() -> None:
    wanted = [comment(1, people=("tom",)), comment(2, "OPS", people=("ana", "tom")), comment(3, people=("ana",))]
    told = [sent(comment(80, "ENG", people=("tom",)), timedelta(hours=1), tracker="acme-linear")]
    kept, held = rationed(wanted, told, Caps(per_project=99, per_person=2))
    assert kept == ["OPS-2", "PAY-3"]
    assert len(held) == 1
    assert "comments.per_person_per_day" in held[0]


def test_what_is_silent_is_not_rationed() -> None:
    edit, mark = comment(1, comment_id="7"), comment(2)
    mark = Action(**{name: getattr(mark, name) for name in ("ref", "key", "project", "why", "revision", "origin")}, kind="mark", add=("outcome/cost",))  # fmt: skip  # noqa: E501
    assert rationed([edit, mark], [], Caps(per_project=0, per_person=0)) == (["PAY-1", "PAY-2"], [])


def test_assignee_and_reporter_count_as_told_and_apps_and_customers_do_not() -> None:
    tom, ana = Person("1", "Tom Weber", "member"), Person("2", "ANA Souza", "unknown")
    assert notified(issue(assignee=tom, reporter=ana)) == ("ana souza", "tom weber")
    assert notified(issue(assignee=tom, reporter=tom)) == ("tom weber",)
    bot, shopper = Person("3", "Bot", "app"), Person("4", "Buyer", "customer")
    assert notified(issue(assignee=bot, reporter=shopper)) == ()
