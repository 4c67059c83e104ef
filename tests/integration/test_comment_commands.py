"""Commands in comments on both trackers, over served sandboxes (DESIGN §5, docs/commands-in-comments.md)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support_talk import LinearRoom, Shape, Tracker, room

UNMAPPED, RELIABLE, CHEAP = ("unmapped", None), ("mapped", "reliability"), ("mapped", "cost")
BOTH: tuple[Tracker, ...] = ("jira", "linear")


@pytest.fixture(params=BOTH)
def spoken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with room(request.param, tmp_path) as one:
        yield one


@pytest.fixture(params=BOTH)
def owned(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with room(request.param, tmp_path, commands={"allow": "owners"}) as one:
        yield one


def after(one: Any, text: str, *, by: str = "tom", shape: Shape = "plain", **told: Any) -> tuple[str, str | None]:
    key = one.create(**told)
    one.say(key, text, by=by, shape=shape)
    one.cycle()
    found: tuple[str, str | None] = one.decided(key)
    return found


# --- where a command may stand, and who may give it -------------------------------------------------------

SHAPES: dict[Shape, bool] = {
    "plain": True,
    "after": True,
    "bold": True,
    "quote": False,
    "fence": False,
    "code": False,
    "bullet": False,
    "number": False,
    "struck": False,
    "heading": False,
    "within": False,
}


def test_a_command_begins_a_paragraph_of_its_own_and_counts_nowhere_else(spoken: Any) -> None:
    keys = {shape: spoken.create() for shape in SHAPES}
    for shape, key in keys.items():
        spoken.say(key, "/Outcome Reliability because it pages us", shape=shape)
    spoken.cycle()
    assert {shape: spoken.decided(key) == RELIABLE for shape, key in keys.items()} == SHAPES


FORMS = {
    "/outcome reliability": RELIABLE,
    "/OUTCOME cost because it saves money": CHEAP,
    "/outcome reliability/failover": RELIABLE,
    "/outcome overhead chores": ("exempt", "chores"),
    "/outcome relaibility": UNMAPPED,
    "/outcome reliability or cost": UNMAPPED,
    "/outcome why": UNMAPPED,
    "/outcome auto": UNMAPPED,
    "/outcome dispute because it is nobody's": UNMAPPED,
    "/outcome": UNMAPPED,
}


def test_each_command_comes_to_what_the_page_for_engineers_says(spoken: Any) -> None:
    keys = {text: spoken.create() for text in FORMS}
    for text, key in keys.items():
        spoken.say(key, text)
    spoken.cycle()
    assert {text: spoken.decided(key) for text, key in keys.items()} == FORMS


def test_members_are_followed_and_apps_guests_and_customers_are_not_even_answered(spoken: Any) -> None:
    keys = {by: spoken.create() for by in ("tom", "ana", "robot", "guest")}
    for by, key in keys.items():
        spoken.say(key, "/outcome cost" if by != "guest" else "/outcome nonsense", by=by)
    spoken.cycle()
    found = {by: spoken.decided(key) for by, key in keys.items()}
    assert found == {"tom": CHEAP, "ana": CHEAP, "robot": UNMAPPED, "guest": UNMAPPED}
    assert not [note for note in spoken.notes(keys["guest"]) if "nonsense" in note]


def test_a_word_of_a_person_beats_the_rules_and_says_who_and_why(spoken: Any) -> None:
    key = spoken.create(labels=["sre"])
    spoken.cycle()
    assert spoken.decided(key) == RELIABLE
    spoken.say(key, "/outcome cost because it only saves money", by="ana")
    spoken.cycle()
    assert spoken.decided(key) == CHEAP
    (word,) = spoken.words(key)
    assert (word.author.lower(), word.reason) == ("ana", "it only saves money")


def test_auto_gives_the_issue_back_to_the_rules(spoken: Any) -> None:
    key = spoken.create(labels=["sre"])
    spoken.say(key, "/outcome cost")
    spoken.cycle()
    assert spoken.decided(key) == CHEAP
    spoken.say(key, "/outcome auto", by="ana")
    spoken.cycle()
    assert spoken.decided(key) == RELIABLE


# --- later words ------------------------------------------------------------------------------------------


def test_of_two_people_at_once_the_later_is_followed(spoken: Any) -> None:
    key = spoken.create()
    spoken.say(key, "/outcome cost", by="ana")
    spoken.say(key, "/outcome reliability", by="tom")
    spoken.cycle()
    assert spoken.decided(key) == RELIABLE
    assert len(spoken.words(key)) == 1


def test_an_edit_counts_as_given_when_it_was_edited(spoken: Any) -> None:
    key = spoken.create()
    early = spoken.say(key, "/outcome cost", by="ana")
    spoken.cycle()
    spoken.say(key, "/outcome reliability", by="tom")
    spoken.cycle()
    assert spoken.decided(key) == RELIABLE
    spoken.edit(early, "/outcome cost because I looked again", by="ana")
    spoken.cycle()
    assert spoken.decided(key) == CHEAP


def test_an_edit_that_takes_the_command_away_withdraws_it(spoken: Any) -> None:
    key = spoken.create()
    note = spoken.say(key, "/outcome cost")
    spoken.cycle()
    spoken.edit(note, "never mind")
    spoken.cycle()
    assert spoken.decided(key) == UNMAPPED
    assert spoken.words(key) == []


def test_deleting_a_command_withdraws_it_at_the_next_census_at_the_latest(spoken: Any) -> None:
    key = spoken.create()
    spoken.say(key, "/outcome reliability", by="ana")
    note = spoken.say(key, "/outcome cost")
    spoken.cycle()
    spoken.delete(note)
    spoken.cycle(hours=7)
    assert spoken.decided(key) == RELIABLE


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


def only(notes: list[str]) -> str:
    (note,) = notes
    return note.replace("\u2060", "").replace("\\", "")


def test_why_is_answered_in_the_one_comment_which_goes_with_the_question(spoken: Any) -> None:
    key = spoken.create(labels=["sre"])
    spoken.cycle()
    assert spoken.notes(key) == []
    note = spoken.say(key, "/outcome why")
    spoken.cycle()
    said = only(spoken.notes(key))
    assert "This serves Payments never go down (reliability)." in said
    assert "by rule reliable" in said
    spoken.cycle()
    assert len(spoken.notes(key)) == 1
    spoken.delete(note)
    spoken.cycle(hours=7)
    assert spoken.notes(key) == []


def test_an_unknown_id_is_answered_with_the_nearest_once_and_the_answer_goes_when_it_is_mended(spoken: Any) -> None:
    key = spoken.create(labels=["sre"])
    note = spoken.say(key, "/outcome relaibility")
    spoken.cycle()
    said = only(spoken.notes(key))
    assert '"relaibility" is no outcome of ours.' in said
    assert "/outcome reliability" in said
    spoken.edit(note, "/outcome reliability")
    spoken.cycle()
    assert spoken.notes(key) == []


def test_owners_only_are_known_by_their_address_and_others_are_told_who_may(owned: Any) -> None:
    key = owned.create(labels=["sre"])
    owned.say(key, "/outcome cost", by="tom")
    owned.cycle()
    assert owned.decided(key) == RELIABLE
    assert "An owner of an outcome (maria@acme.example, li@acme.example) may give one here." in only(owned.notes(key))
    owned.say(key, "/outcome cost", by="maria")
    owned.cycle()
    assert owned.decided(key) == CHEAP
    assert owned.notes(key) == []


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


def test_a_dispute_is_a_vote_and_a_finding_of_the_owner_until_it_is_withdrawn(spoken: Any) -> None:
    key = spoken.create(labels=["sre"])
    note = spoken.say(key, "/outcome dispute because it is only a spike")
    spoken.cycle()
    assert spoken.decided(key) == RELIABLE
    (finding,) = spoken.findings("dispute")
    assert f"disputes rule reliable on {key}: it is only a spike" in finding
    with spoken.stage.store() as store:
        (vote,) = store.votes(spoken.tracker)
    assert (vote.rule, vote.kind, vote.reason) == ("reliable", "dispute", "it is only a spike")
    spoken.delete(note)
    spoken.cycle(hours=7)
    assert spoken.findings("dispute") == []
    with spoken.stage.store() as store:
        assert store.votes(spoken.tracker) == []


# --- at no cost -------------------------------------------------------------------------------------------


def test_syncd_s_own_comment_is_nobody_s_command_though_it_quotes_them(spoken: Any) -> None:
    key = spoken.create()
    spoken.cycle()
    assert "/outcome" in only(spoken.notes(key))
    spoken.cycle()
    assert spoken.decided(key) == UNMAPPED
    assert spoken.words(key) == []


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
