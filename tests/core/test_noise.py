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
