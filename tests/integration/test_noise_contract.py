"""When a comment is made at all (DESIGN §6): each safeguard, and that without it somebody would have been mailed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support_talk import JiraRoom, room

OFF = {"grace": "0s", "per_project_per_day": 999, "per_person_per_day": 999}


def commented(one: Any, keys: list[str]) -> int:
    return sum(bool(one.notes(key)) for key in keys)


def test_the_caps_bound_a_day_and_what_they_hold_back_is_asked_later_with_its_why(tmp_path: Path) -> None:
    caps = {"grace": "0s", "per_project_per_day": 4, "per_person_per_day": 2}
    with room("jira", tmp_path, comments=caps) as one:
        keys = [one.create(by=by) for by in ("tom", "tom", "tom", "ana", "ana", "maria")]
        one.cycle()
        assert [bool(one.notes(key)) for key in keys] == [True, True, False, True, True, False]
        for held in (keys[2], keys[5]):
            assert any("PAY had 4 in 24 hours (comments.per_project_per_day)" in why for why in one.skipped(held))
        one.cycle(hours=23, minutes=50)
        assert commented(one, keys) == 4
        one.cycle(minutes=12)
        assert commented(one, keys) == 6
    (tmp_path / "off").mkdir()
    with room("jira", tmp_path / "off", comments=OFF) as one:
        keys = [one.create() for _ in range(6)]
        one.cycle()
        assert commented(one, keys) == 6


@pytest.mark.parametrize("hours", ["11:00-14:00 UTC", None])
def test_nothing_is_said_in_quiet_hours_and_it_is_said_when_they_are_over(tmp_path: Path, hours: str | None) -> None:
    with room("jira", tmp_path, comments={"grace": "0s", "quiet_hours": hours}) as one:  # it is noon
        key = one.create()
        one.cycle()
        assert bool(one.notes(key)) is (hours is None)
        if hours is not None:
            assert "comment: quiet hours until 2026-11-21 14:00 UTC" in one.skipped(key)
            one.cycle(hours=2)
            assert one.notes(key)


def test_what_an_app_or_a_customer_made_is_in_the_report_and_nobody_is_asked(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF) as one:
        keys = {by: one.create(by=by) for by in ("tom", "robot", "guest")}
        turned = {by: one.create(labels=["sre"]) for by in ("ana", "robot")}
        one.cycle()
        for by, key in turned.items():
            one.stage.edit(key, by=by, labels_remove=["sre"])
        one.cycle()
        assert {by: bool(one.notes(key)) for by, key in keys.items()} == {"tom": True, "robot": False, "guest": False}
        assert {by: bool(one.notes(key)) for by, key in turned.items()} == {"ana": True, "robot": False}
        assert any("an app or a customer made that change" in why for why in one.skipped(keys["robot"]))


def test_after_an_outage_of_a_day_nobody_is_asked_about_what_happened_meanwhile(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF) as one:
        old = one.create()
        one.stage.clock.move(timedelta(hours=24))
        new = one.create()
        one.cycle()
        assert (one.notes(old), bool(one.notes(new))) == ([], True)


def test_a_rule_edit_and_a_first_reading_ask_nobody(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF) as one:
        assert isinstance(one, JiraRoom)
        keys = [one.create(labels=["sre"]) for _ in range(3)]
        outside = one.create(project="OPS")
        one.cycle()
        assert len(one.notes(outside)) == 1
        rules = one.stage.config / "rules.yaml"
        rules.write_text(rules.read_text(encoding="utf-8").replace("[sre, ", "["), encoding="utf-8")
        one.cycle()
        assert {one.decided(key)[0] for key in keys} == {"unmapped"}
        assert commented(one, keys) == 0
        assert any("from an edit of rules" in why for why in one.skipped(keys[0]))


def test_an_unmapped_epic_is_asked_once_and_its_children_never(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF) as one:
        epic = one.create(type="Epic")
        children = [one.create(parent=epic) for _ in range(5)]
        alone = one.create()
        one.cycle()
        assert len(one.notes(epic)) == 1
        assert commented(one, children) == 0
        assert one.notes(alone)


def test_closed_work_is_never_asked_about(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF) as one:
        key = one.create()
        one.stage.edit(key, status="Done")
        one.cycle()
        assert one.notes(key) == []


def test_the_comment_is_edited_in_place_and_goes_when_it_is_settled(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF) as one:
        key = one.create()
        one.cycle()
        one.stage.edit(key, labels_add=["unheard-of"])
        mails = len(one.stage.site.mails)
        one.cycle()
        (said,) = one.notes(key)
        assert '"unheard-of"' in said
        assert len(one.stage.site.mails) == mails  # in silence
        one.stage.edit(key, labels_add=["sre"])
        one.cycle()
        assert one.notes(key) == []


def test_one_that_a_person_deleted_stays_away_until_the_verdict_changes(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF) as one:
        key = one.create()
        one.cycle()
        (comment,) = (c for c in one.stage.site.issue(key).comments if c.author == one.stage.site.account)
        one.delete(comment.id)
        one.stage.edit(key, labels_add=["other"])
        for _ in range(3):
            one.cycle()
        assert one.notes(key) == []
        one.say(key, "/outcome why")
        one.cycle()
        assert len(one.notes(key)) == 1  # who asks is answered


def test_in_a_service_project_customers_see_nothing(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF) as one:
        site = one.stage.site
        site.registry.add_project("SD", "Support", type_key="service_desk")
        one.stage.write(tracker={"scope": {"projects": ["PAY", "SD"]}})
        one.cycle()
        key = one.create(project="SD")
        one.cycle()
        (comment,) = (c for c in site.issue(key).comments if c.author == site.account)
        assert comment.properties["sd.public.comment"] == {"internal": True}
