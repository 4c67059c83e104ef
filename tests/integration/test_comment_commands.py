"""What reading commands costs, how they meet marks and edits, and webhooks (DESIGN §5, docs/commands-in-comments.md).

What each way to say something comes to stands in test_forty_commands.py.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support_talk import LinearRoom, Tracker, room

UNMAPPED, RELIABLE, CHEAP = ("unmapped", None), ("mapped", "reliability"), ("mapped", "cost")
BOTH: tuple[Tracker, ...] = ("jira", "linear")


@pytest.fixture(params=BOTH)
def spoken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with room(request.param, tmp_path) as one:
        yield one


# --- later words ------------------------------------------------------------------------------------------


def test_of_a_hand_set_mark_and_a_command_the_later_is_followed(tmp_path: Path) -> None:
    with room("jira", tmp_path) as one:
        key = one.create()
        one.say(key, "/outcome cost")
        one.cycle()
        one.stage.edit(key, by="ana", labels_add=["outcome/reliability"])
        one.cycle()
        assert one.decided(key) == RELIABLE
        one.say(key, "/outcome cost because we agreed")
        one.cycle()
        assert one.decided(key) == CHEAP


def test_what_an_app_writes_over_a_person_s_comment_is_the_app_s(tmp_path: Path) -> None:
    with room("jira", tmp_path) as one:
        key = one.create()
        note = one.say(key, "looks good to me")
        one.cycle()
        one.edit(note, "/outcome cost", by="robot")
        one.cycle()
        assert one.decided(key) == UNMAPPED


def test_a_word_nobody_knew_is_followed_once_the_strategy_has_it(spoken: Any) -> None:
    key = spoken.create()
    spoken.say(key, "/outcome growth")
    spoken.cycle()
    assert spoken.decided(key) == UNMAPPED
    path = spoken.stage.config / "strategy.yaml"
    more = "  - {id: growth, title: More, owner: li@acme.example, metric: {name: markets, unit: n}}\noverhead:"
    path.write_text(path.read_text(encoding="utf-8").replace("overhead:", more), encoding="utf-8")
    spoken.cycle()
    assert spoken.decided(key) == ("mapped", "growth")


# --- answers and disputes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tracker", BOTH)
def test_answers_are_written_under_label_and_comment_only(tracker: Tracker, tmp_path: Path) -> None:
    with room(tracker, tmp_path, write="label") as one:
        key = one.create()
        one.say(key, "/outcome why")
        one.cycle()
        assert one.notes(key) == []
        one.say(key, "/outcome cost")
        one.cycle()
        assert one.decided(key) == CHEAP


# --- by webhook -------------------------------------------------------------------------------------------


def test_a_webhook_lets_a_command_be_followed_edited_and_withdrawn_at_once(spoken: Any) -> None:
    key = spoken.create()
    spoken.cycle()
    note = spoken.say(key, "/outcome cost")
    spoken.hinted(key)
    assert spoken.decided(key) == CHEAP
    spoken.edit(note, "/outcome reliability")
    spoken.hinted(key)
    assert spoken.decided(key) == RELIABLE
    spoken.delete(note)
    spoken.hinted(key)
    assert (spoken.decided(key), spoken.words(key)) == (UNMAPPED, [])
    spoken.cycle()
    assert spoken.decided(key) == UNMAPPED


def test_a_webhook_withdraws_a_dispute_with_its_comment(spoken: Any) -> None:
    key = spoken.create(labels=["sre"])
    spoken.cycle()
    note = spoken.say(key, "/outcome dispute because it is only a spike")
    spoken.hinted(key)
    assert len(spoken.findings("dispute")) == 1
    spoken.delete(note)
    spoken.hinted(key)
    assert spoken.findings("dispute") == []
    with spoken.stage.store() as store:
        assert store.votes(spoken.tracker) == []


# --- at no cost -------------------------------------------------------------------------------------------


def test_a_cycle_in_which_nothing_changed_asks_jira_for_no_comment(tmp_path: Path) -> None:
    with room("jira", tmp_path) as one:
        for _ in range(3):
            one.say(one.create(), "/outcome cost")
        one.cycle()
        one.cycle()
        one.cycle(minutes=7)
        with one.stage.watched() as traffic:
            one.cycle()
        assert traffic.fetched == []
        assert traffic.of("GET", "issue/.*comment") == []


def test_comments_of_a_hundred_changed_issues_are_one_request_and_long_threads_are_read_to_their_end(
    tmp_path: Path,
) -> None:
    with room("jira", tmp_path) as one:
        keys = [one.create() for _ in range(40)]
        for n in range(25):
            one.say(keys[0], f"remark {n}")
        one.say(keys[0], "/outcome cost")
        with one.stage.watched() as traffic:
            one.cycle()
        asked = [e for e in traffic.of("POST", "issue/bulkfetch") if b'"comment"' in e.request_body]
        assert len(asked) == 1
        assert len(traffic.of("GET", r"issue/\d+/comment")) == 1
        assert one.decided(keys[0]) == CHEAP


def test_linear_s_comments_are_one_request_a_poll(tmp_path: Path) -> None:
    with room("linear", tmp_path) as one:
        assert isinstance(one, LinearRoom)
        one.cycle()
        before = one.space.counts.copy()
        one.cycle()
        assert (one.space.counts - before)["Comments"] == 1


def test_commands_given_before_syncd_came_are_found_by_a_search(spoken: Any) -> None:
    key, other = spoken.create(), spoken.create()
    spoken.say(key, "/outcome cost")
    spoken.say(other, "the outcome is good")
    (spoken.stage.folder / "syncd.db").unlink()
    spoken.cycle()
    assert spoken.decided(key) == CHEAP
    assert spoken.decided(other) == UNMAPPED


def test_nobody_listens_where_commands_are_off_and_what_was_said_stands(spoken: Any) -> None:
    key = spoken.create()
    spoken.say(key, "/outcome cost")
    spoken.cycle()
    spoken.stage.settings["commands"] = {"allow": "off"}
    spoken.rewrite()
    other = spoken.create()
    spoken.say(other, "/outcome cost")
    spoken.cycle()
    assert spoken.decided(other) == UNMAPPED
    assert spoken.decided(key) == CHEAP
