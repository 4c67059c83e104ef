"""When a comment is made at all (DESIGN §6): each safeguard, and that without it somebody would have been mailed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support_talk import JiraRoom, room

from connectors.sandbox.faults import Fault
from syncd.core.model import IssueRef
from syncd.core.noise import tells
from syncd.core.plan import make_plan
from syncd.core.ports import Entry, EntryState, Lease
from syncd.store import SqlStore

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


def test_what_another_tracker_told_while_this_pass_was_planning_counts_when_it_writes(tmp_path: Path) -> None:
    with room("jira", tmp_path, comments=OFF | {"per_person_per_day": 2}) as one:
        keys = [one.create(by="tom") for _ in range(4)]
        with patch("syncd.engine.deciding.rationed", lambda _work, actions, skipped, _now: make_plan(actions, skipped)):
            one.cycle()  # which planned all four, as if nothing had been told when it did
        assert commented(one, keys) == 2
        one.cycle()
        assert commented(one, keys) == 2
        one.cycle(hours=24)
        assert commented(one, keys) == 4


def test_a_comment_that_another_pass_has_begun_counts_before_it_is_known_to_have_told_anybody(tmp_path: Path) -> None:
    """Two trackers' passes of one moment: neither finds a notice of the other's, and both would tell one person."""
    begin = SqlStore.begin_together

    def both_begin(store: SqlStore, entries: Sequence[Entry], lease: Lease, now: datetime) -> frozenset[str]:
        begun = begin(store, entries, lease, now)
        for mine in (entry.action for entry in entries if tells(entry.action)):
            theirs = Entry("theirs", replace(mine, ref=IssueRef("linear", "9"), project="OTH"), EntryState.TODO)
            other = store.acquire("linear", "the other pass", now, timedelta(minutes=1))
            assert other is not None
            store.commit_intent([theirs], now)
            assert begin(store, [theirs], other, now) == {"theirs"}
        return begun

    with room("jira", tmp_path, comments=OFF | {"per_person_per_day": 1}) as one:
        key = one.create(by="tom")
        with patch.object(SqlStore, "begin_together", both_begin):
            one.cycle()
        assert one.notes(key) == []
        one.cycle(hours=23)
        assert one.notes(key) == []
        one.cycle(hours=2)
        assert len(one.notes(key)) == 1, "it was put back, and has its turn"


def test_the_dashboard_s_first_comment_keeps_to_quiet_hours_and_caps(tmp_path: Path) -> None:
    settings = {"grace": "0s", "quiet_hours": "11:00-14:00 UTC", "per_person_per_day": 1}  # it is noon
    with room("jira", tmp_path, comments=settings) as one:
        board = one.create(by="ana", labels=["deps"])
        one.stage.write(tracker={"dashboard": {"issue": board}})
        one.cycle()
        assert one.notes(board) == []
        other = one.create(by="ana")
        one.cycle(hours=2)
        assert (len(one.notes(other)), one.notes(board)) == (1, []), "one a day is hers"
        one.cycle(hours=20)
        assert one.notes(board) == []
        one.cycle(hours=5)
        assert len(one.notes(board)) == 1


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


def test_the_page_for_admins_shows_the_comments_as_they_are(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/turning-comments-on.md").read_text(encoding="utf-8")
    shown = "".join(re.sub(r"[*`>]", "", page).split())
    with room("jira", tmp_path, comments=OFF) as one:
        asked, torn = one.create(labels=["needs-triage"]), one.create(labels=["finops", "sre"])
        one.cycle()
        for key in (asked, torn):
            (said,) = one.notes(key)
            assert "".join(said.split()) in shown, said


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


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    """A Jira with a service project in scope."""
    with room("jira", tmp_path, comments=OFF) as one:
        one.stage.site.registry.add_project("SD", "Support", type_key="service_desk")
        one.stage.write(tracker={"scope": {"projects": ["PAY", "SD"]}})
        one.cycle()
        yield one


def test_in_a_service_project_customers_see_nothing_and_that_is_read_back(desk: Any) -> None:
    site, key = desk.stage.site, desk.create(project="SD")
    with desk.stage.watched() as traffic:
        desk.cycle()
    (comment,) = (c for c in site.issue(key).comments if c.author == site.account)
    assert comment.properties["sd.public.comment"] == {"internal": True}
    assert len(traffic.of("GET", rf"issue/\d+/comment/{comment.id}")) == 1


def test_one_that_customers_could_see_is_gone_at_once_and_none_follows_until_a_person_says_so(desk: Any) -> None:
    site = desk.stage.site
    site.quirks.customers_see_all = True
    seen, elsewhere = desk.create(project="SD"), desk.create()
    desk.cycle()
    assert (desk.notes(seen), len(desk.notes(elsewhere))) == ([], 1)
    (finding,) = desk.findings("public-comment")
    assert "Comments are off in SD" in finding
    later = desk.create(project="SD")
    mails = len(site.mails)
    for _ in range(3):  # each is a process of its own, that remembers by the store alone
        desk.cycle()
    assert len(site.mails) == mails, "nobody is mailed a second time"
    assert commented(desk, [seen, later]) == 0
    assert any("comments are off in SD: customers could see one" in why for why in desk.skipped(later))
    assert len(desk.findings("public-comment")) == 1
    desk.say(later, "/outcome why")
    desk.cycle()
    assert desk.notes(later) == [], "nor is anybody answered there"
    site.quirks.customers_see_all = False
    for write_by in ({"SD": "label"}, {}):
        desk.stage.write(tracker={"write_by": write_by})
        desk.cycle()
    assert desk.findings("public-comment") == []
    desk.cycle()
    assert len(desk.notes(later)) == 1


def test_one_whose_answer_was_lost_is_read_back_when_it_is_looked_up(desk: Any) -> None:
    site = desk.stage.site
    site.quirks.customers_see_all = True
    key = desk.create(project="SD")
    lost = site.faults.add(Fault("lose_answer", match="POST /rest/api/3/issue/*/comment"))
    desk.cycle()
    assert lost.struck == 1
    desk.cycle()
    assert desk.notes(key) == []
    assert len(desk.findings("public-comment")) == 1


@pytest.mark.parametrize("stops", ["GET", "DELETE"])
def test_one_that_could_not_be_read_back_or_deleted_at_once_is_when_that_goes(desk: Any, stops: str) -> None:
    site = desk.stage.site
    site.quirks.customers_see_all = True
    key = desk.create(project="SD")
    site.faults.add(Fault("status", match=f"{stops} /rest/api/3/issue/*/comment/*", times=None))
    desk.cycle()
    assert len(desk.notes(key)) == 1, "it stands, and nothing can be done"
    site.faults.clear()
    desk.cycle()
    assert desk.notes(key) == []
    assert len(desk.findings("public-comment")) == 1
    desk.cycle()
    assert desk.notes(key) == []
