"""Forty ways to say something to syncd in a comment, in one table, played in a served Jira and in a served Linear.

Each way is a story that is told up to a `yield`; there a cycle runs, for all stories at once. The third cycle is seven
hours later, so that a census has been taken by then.
"""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support_talk import Shape, Tracker, room

from syncd.core.commands import Allow

UNMAPPED, RELIABLE, CHEAP = ("unmapped", None), ("mapped", "reliability"), ("mapped", "cost")
BOTH: tuple[Tracker, ...] = ("jira", "linear")
LATER: tuple[dict[str, int], ...] = ({"minutes": 1}, {"minutes": 1}, {"hours": 7}, {"minutes": 1})
UNBOUND = {"grace": "0s", "per_project_per_day": 999, "per_person_per_day": 999}

Story = Generator[None, None, None]
STORIES: dict[Allow, dict[str, Callable[[Any], Story]]] = {"members": {}, "owners": {}, ("ana@acme.example",): {}}


def story(name: str, allow: Allow = "members") -> Callable[[Callable[[Any], Story]], Callable[[Any], Story]]:
    def named(told: Callable[[Any], Story]) -> Callable[[Any], Story]:
        STORIES[allow][name] = told
        return told

    return named


def once_said(name: str, text: str, comes_to: tuple[str, str | None], *, allow: Allow = "members", **how: Any) -> None:
    """One comment, one cycle, and what the issue serves then."""

    def told(one: Any) -> Story:
        key = one.create()
        one.say(key, text, **how)
        yield
        assert one.decided(key) == comes_to

    story(name, allow)(told)


# --- where it stands --------------------------------------------------------------------------------------

SHAPES: dict[Shape, bool] = {
    "plain": True, "after": True, "bold": True, "quote": False, "fence": False, "code": False, "bullet": False,
    "number": False, "struck": False, "heading": False, "table": False, "within": False,
}  # fmt: skip
for shape, heard in SHAPES.items():
    once_said(f"in {shape}", "/outcome cost", CHEAP if heard else UNMAPPED, shape=shape)

# --- how it is typed --------------------------------------------------------------------------------------

for words, means in {
    "/OutCome COST.": CHEAP,
    "/outcome: cost": CHEAP,
    "/outcome `cost`, because it saves": CHEAP,
    "/outcome reliability/failover": RELIABLE,
    "/outcome overhead chores": ("exempt", "chores"),
    "/outcome reliability\n\n/outcome cost": CHEAP,
    "/outcomes cost": UNMAPPED,
    "/outcome": UNMAPPED,
    "/outcome cost or reliability": UNMAPPED,
    "/outcome overhead holidays": UNMAPPED,
    "/outcome dispute": UNMAPPED,
}.items():
    once_said(f"typed {words!r}", words, means)

# --- who says it ------------------------------------------------------------------------------------------

once_said("by a member", "/outcome cost", CHEAP, by="ana")
once_said("by an app", "/outcome cost", UNMAPPED, by="robot")
once_said("by a customer or a guest", "/outcome cost", UNMAPPED, by="guest")


@story("by a guest who asks: not even answered")
def asked_by_a_guest(one: Any) -> Story:
    key = one.create()
    one.say(key, "/outcome nonsense", by="guest")
    yield
    assert "nonsense" not in said(one, key)


@story("by syncd itself, which quotes commands")
def quoted_by_syncd(one: Any) -> Story:
    key = one.create()
    yield
    assert "/outcome reliability" in said(one, key)
    yield
    assert (one.decided(key), one.words(key)) == (UNMAPPED, [])


# --- later words ------------------------------------------------------------------------------------------


@story("two people at once: the later wins")
def two_at_once(one: Any) -> Story:
    key = one.create()
    one.say(key, "/outcome cost", by="ana")
    one.say(key, "/outcome reliability", by="tom")
    yield
    assert one.decided(key) == RELIABLE
    assert [word.author.lower() for word in one.words(key)] == ["tom"]


@story("another person, later")
def another_later(one: Any) -> Story:
    key = one.create()
    one.say(key, "/outcome cost", by="ana")
    yield
    one.say(key, "/outcome reliability", by="tom")
    yield
    assert one.decided(key) == RELIABLE


@story("edited to say something else, which counts from then on")
def edited(one: Any) -> Story:
    key = one.create()
    early = one.say(key, "/outcome reliability", by="ana")
    one.say(key, "/outcome reliability", by="tom")
    yield
    one.edit(early, "/outcome cost", by="ana")
    yield
    assert one.decided(key) == CHEAP


@story("edited beside the command, which says nothing again")
def edited_beside(one: Any) -> Story:
    key = one.create()
    early = one.say(key, "/outcome cost", by="ana")
    yield
    one.say(key, "/outcome reliability", by="tom")
    yield
    one.edit(early, "/outcome cost\n\nThe figures are in the wiki.", by="ana")
    yield
    assert one.decided(key) == RELIABLE


@story("edited away")
def edited_away(one: Any) -> Story:
    key = one.create()
    note = one.say(key, "/outcome cost")
    yield
    assert one.decided(key) == CHEAP
    one.edit(note, "never mind")
    yield
    assert (one.decided(key), one.words(key)) == (UNMAPPED, [])


@story("deleted")
def deleted(one: Any) -> Story:
    key = one.create()
    note = one.say(key, "/outcome cost")
    yield
    one.delete(note)
    yield
    yield
    assert (one.decided(key), one.words(key)) == (UNMAPPED, [])


@story("deleted, so that the word before it stands again")
def deleted_down_to(one: Any) -> Story:
    key = one.create()
    one.say(key, "/outcome reliability", by="ana")
    note = one.say(key, "/outcome cost")
    yield
    one.delete(note)
    yield
    yield
    assert one.decided(key) == RELIABLE


@story("deleted before anybody read it")
def deleted_unread(one: Any) -> Story:
    key = one.create()
    one.delete(one.say(key, "/outcome cost"))
    yield
    assert (one.decided(key), one.words(key)) == (UNMAPPED, [])


@story("auto gives it back to the rules")
def auto(one: Any) -> Story:
    key = one.create(labels=["sre"])
    one.say(key, "/outcome cost")
    yield
    assert one.decided(key) == CHEAP
    one.say(key, "/outcome auto", by="ana")
    yield
    assert one.decided(key) == RELIABLE


@story("auto deleted: the word stands again")
def auto_deleted(one: Any) -> Story:
    key = one.create(labels=["sre"])
    one.say(key, "/outcome cost")
    note = one.say(key, "/outcome auto")
    yield
    assert one.decided(key) == RELIABLE
    one.delete(note)
    yield
    yield
    assert one.decided(key) == CHEAP


@story("a word on an epic reaches what hangs below it")
def from_above(one: Any) -> Story:
    above = one.create()
    below = one.create(parent=above)
    yield
    one.say(above, "/outcome cost")
    yield
    assert one.decided(below) == CHEAP


@story("a word with its reason beats a rule")
def with_reason(one: Any) -> Story:
    key = one.create(labels=["sre"])
    one.say(key, "/outcome cost because it only saves money", by="ana")
    yield
    assert one.decided(key) == CHEAP
    assert [word.reason for word in one.words(key)] == ["it only saves money"]


# --- what is answered -------------------------------------------------------------------------------------


@story("an unknown id is answered with the nearest, until it is mended")
def unknown(one: Any) -> Story:
    key = one.create(labels=["sre"])
    note = one.say(key, "/outcome relaibility")
    yield
    assert "/outcome reliability" in said(one, key)
    one.edit(note, "/outcome reliability")
    yield
    assert one.notes(key) == []


@story("what is not understood is answered with the grammar")
def unclear(one: Any) -> Story:
    key = one.create(labels=["sre"])
    one.say(key, "/outcome cost or reliability")
    yield
    assert "That command was not understood." in said(one, key)


@story("why is answered, and the answer goes with the question")
def why(one: Any) -> Story:
    key = one.create(labels=["sre"])
    note = one.say(key, "/outcome why")
    yield
    assert "Decided by rule reliable" in said(one, key)
    one.delete(note)
    yield
    yield
    assert one.notes(key) == []


@story("a dispute changes nothing, is a vote and a finding, and goes with its comment")
def dispute(one: Any) -> Story:
    key = one.create(labels=["sre"])
    note = one.say(key, "/outcome dispute because it is only a spike")
    yield
    assert one.decided(key) == RELIABLE
    assert [text for text in one.findings("dispute") if key in text and "it is only a spike" in text]
    assert [vote.rule for vote in votes(one, key)] == ["reliable"]
    one.delete(note)
    yield
    yield
    assert (votes(one, key), [text for text in one.findings("dispute") if key in text]) == ([], [])


# --- no right ---------------------------------------------------------------------------------------------


@story("a member where owners may: told who", "owners")
def refused(one: Any) -> Story:
    key = one.create(labels=["sre"])
    one.say(key, "/outcome cost", by="tom")
    yield
    assert one.decided(key) == RELIABLE
    assert "maria@acme.example" in said(one, key)


@story("an owner after a member", "owners")
def owner(one: Any) -> Story:
    key = one.create(labels=["sre"])
    one.say(key, "/outcome cost", by="tom")
    yield
    one.say(key, "/outcome cost", by="maria")
    yield
    assert (one.decided(key), one.notes(key)) == (CHEAP, [])


@story("a member's dispute where owners may is no vote", "owners")
def refused_dispute(one: Any) -> Story:
    key = one.create(labels=["sre"])
    one.say(key, "/outcome dispute because I say so", by="tom")
    yield
    assert (votes(one, key), one.findings("dispute")) == ([], [])


once_said("an owner whom nobody named", "/outcome cost", UNMAPPED, allow=("ana@acme.example",), by="maria")
once_said("a member whose address nobody may see", "/outcome cost", UNMAPPED, allow=("ana@acme.example",), by="tom")


def said(one: Any, key: str) -> str:
    """Syncd's one comment there, without what its format needs."""
    (note,) = one.notes(key)
    return str(note).replace("\u2060", "").replace("\\", "")


def votes(one: Any, key: str) -> list[Any]:
    with one.stage.store() as store:
        return list(store.votes(one.tracker, [one.known(key).issue.ref.id]))


# --- the table --------------------------------------------------------------------------------------------


def played(one: Any, stories: dict[str, Callable[[Any], Story]]) -> dict[str, str]:
    """All of them, side by side: those that came out otherwise, and how."""
    going: dict[str, Iterator[None]] = {name: told(one) for name, told in stories.items()}
    wrong: dict[str, str] = {}
    for later in (*LATER, {}):
        for name in list(going):
            try:
                next(going[name])
            except StopIteration:
                del going[name]
            except (AssertionError, ValueError) as failed:
                wrong[name] = str(failed).partition("\n")[0]
                del going[name]
        if later:
            one.cycle(**later)
    assert not going, f"not told to their end: {sorted(going)}"
    return wrong


def test_there_are_forty_of_them() -> None:
    assert sum(map(len, STORIES.values())) >= 40


@pytest.mark.parametrize("allow", STORIES, ids=["members", "owners", "some"])
@pytest.mark.parametrize("tracker", BOTH)
def test_each_way_to_say_it_comes_to_what_the_page_for_engineers_says(
    tracker: Tracker, allow: Allow, tmp_path: Path
) -> None:
    listed = list(allow) if isinstance(allow, tuple) else allow
    with room(tracker, tmp_path, comments=UNBOUND, commands={"allow": listed}) as one:
        assert played(one, STORIES[allow]) == {}


def test_where_everybody_is_followed_those_without_the_right_are(tmp_path: Path) -> None:
    nobody = {"by an app", "by a customer or a guest", "by a guest who asks: not even answered"}
    with (
        room("jira", tmp_path, comments=UNBOUND) as one,
        patch("syncd.core.commands.may", lambda *_anybody: True),
    ):
        assert set(played(one, {name: STORIES["members"][name] for name in (*sorted(nobody), "by a member")})) == nobody
