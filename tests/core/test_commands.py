"""What counts as a command, who may give one, and what they come to (DESIGN §5, docs/commands-in-comments.md)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support_values import NOW, STRATEGY, issue

from syncd.core.commands import (
    Allow,
    Answer,
    CommandPolicy,
    CommentSeen,
    Order,
    Ruling,
    Said,
    kept_time,
    orders_in,
    said_in,
    weigh,
    words_of,
)
from syncd.core.model import OverrideSource, Person, Run, ToOutcome, ToOverhead

TOM = Person("tom", "Tom Weber", "member")
ANA = Person("ana", "Ana Souza", "member")
REF = issue().ref


def plain(*texts: str) -> tuple[tuple[Run, ...], ...]:
    return tuple((Run(text),) for text in texts)


def heard(*texts: str) -> list[Order]:
    return list(orders_in(plain(*texts)))


@pytest.mark.parametrize(
    ("typed", "order"),
    [
        ("/outcome reliability", Order("set", "reliability")),
        ("  /Outcome  RELIABILITY.", Order("set", "reliability")),
        ("/outcome: reliability", Order("set", "reliability")),
        ("/outcome `reliability`!", Order("set", "reliability")),
        ("/outcome <reliability>", Order("set", "reliability")),
        ("/outcome reliability/failover because we fail over", Order("set", "reliability/failover", "we fail over")),
        ("/outcome reliability because", Order("set", "reliability")),
        ("/outcome reliability BECAUSE: it pages us", Order("set", "reliability", "it pages us")),
        ("/outcome reliability - because it pages us", Order("unclear", "reliability -")),
        ("/outcome reliability, because it pages\nus at night", Order("set", "reliability", "it pages us at night")),
        ("/outcome reliability\nbecause it pages us", Order("set", "reliability", "it pages us")),
        ("/outcome reliability\nThanks all!", Order("set", "reliability")),
        ("/outcome overhead hiring because somebody must", Order("overhead", "hiring", "somebody must")),
        ("/outcome auto", Order("auto")),
        ("/OUTCOME WHY?", Order("why")),
        ("/outcome dispute because it is a spike", Order("dispute", reason="it is a spike")),
        ("/outcome", Order("unclear")),
        ("/outcome overhead", Order("unclear", "overhead")),
        ("/outcome dispute", Order("unclear", "dispute")),
        ("/outcome reliability or growth?", Order("unclear", "reliability or growth")),
        ("/outcome auto reliability", Order("unclear", "auto reliability")),
    ],
)
def test_a_command_is_understood_as_people_type_it(typed: str, order: Order) -> None:
    (found,) = heard(typed)
    assert replace(found, word=found.word.rstrip(" -")) == replace(order, word=order.word.rstrip(" -"))


@pytest.mark.parametrize(
    "typed",
    [
        "please say /outcome reliability",
        "/outcomes reliability",
        "outcome reliability",
        "//outcome x",
        "\ufffc/outcome x",
    ],
)
def test_a_command_begins_its_paragraph_and_is_the_whole_word(typed: str) -> None:
    assert heard(typed) == []


def test_an_example_in_inline_code_is_no_command_and_code_within_one_is_its_words() -> None:
    assert list(orders_in(((Run("/outcome reliability", "code"), Run(" is how it goes")),))) == []
    assert list(orders_in(((Run("/outcome "), Run("reliability", "code")),))) == [Order("set", "reliability")]


def test_one_comment_may_hold_several_and_not_without_end() -> None:
    assert heard("/outcome why", "text", "/outcome auto") == [Order("why"), Order("auto")]
    assert len(heard(*["/outcome auto"] * 50)) == 10


def test_what_is_kept_of_a_command_is_bounded() -> None:
    (long,) = heard(f"/outcome {'x' * 9000} because {'y' * 9000}")
    assert len(long.word) == 80
    assert len(long.reason or "") == 500


# --- who and when -----------------------------------------------------------------------------------------


def said(
    text: str,
    by: Person = TOM,
    *,
    at: float = 0,
    comment: str = "1",
    email: str | None = None,
) -> Said:
    seen = CommentSeen(
        id=comment, ref=REF, author=by, email=email, created=NOW + timedelta(minutes=at), paragraphs=plain(text)
    )
    found = said_in(seen)
    assert found is not None
    return found


def weighed(*told: Said, allow: Allow = "members") -> Ruling:
    return weigh(told, STRATEGY, CommandPolicy(allow=allow))


def target(*told: Said, allow: Allow = "members") -> object:
    word = weighed(*told, allow=allow).word
    return None if word is None else word.target


def test_a_member_s_word_is_an_override_with_author_time_and_reason() -> None:
    word = weighed(said("/outcome reliability because it pages us", at=3)).word
    assert word is not None
    assert (word.target, word.source, word.author) == (ToOutcome("reliability"), OverrideSource.COMMAND, "Tom Weber")
    assert (word.at, word.reason) == (NOW + timedelta(minutes=3), "it pages us")


def test_the_latest_by_creation_wins_and_an_edit_counts_at_its_edit_time() -> None:
    first, second = said("/outcome reliability", at=1), said("/outcome growth", ANA, at=2, comment="2")
    assert target(first, second) == ToOutcome("growth")
    assert target(second, first) == ToOutcome("growth")
    seen = CommentSeen(
        id="1", ref=REF, author=TOM, created=NOW, edited=NOW + timedelta(minutes=9), paragraphs=plain("/outcome auto")
    )
    edited = said_in(seen)
    assert edited is not None
    word = weighed(second, edited).word
    assert word is not None
    assert word.target is None


def test_two_people_in_one_millisecond_are_told_apart_the_same_way_every_time() -> None:
    one, two = said("/outcome reliability", comment="99"), said("/outcome growth", ANA, comment="100")
    assert target(one, two) == target(two, one) == ToOutcome("growth")


def test_an_edit_that_leaves_the_commands_as_they_were_does_not_say_them_again() -> None:
    before, later = said("/outcome auto"), said("/outcome auto", at=60)
    assert kept_time(later, before) == before
    assert kept_time(said("/outcome why", at=60), before).at == NOW + timedelta(hours=1)
    assert kept_time(said("/outcome auto", ANA, at=60), before).at == NOW + timedelta(hours=1)
    assert kept_time(later, None) == later


def test_deleting_the_latest_lets_the_one_before_stand_again() -> None:
    first, second = said("/outcome reliability", at=1), said("/outcome growth", at=2, comment="2")
    (standing,) = words_of(weighed(first, second), [])[0]
    started, ended = words_of(weighed(first), [standing])
    assert [word.target for word in started] == [ToOutcome("reliability")]
    assert ended == [standing]
    assert words_of(Ruling(), [standing]) == ([], [standing])


@pytest.mark.parametrize("kind", ["app", "customer", "unknown"])
@pytest.mark.parametrize("text", ["/outcome reliability", "/outcome why", "/outcome dispute because x", "/outcome ?"])
def test_apps_customers_guests_and_whoever_is_not_known_are_neither_followed_nor_answered(kind: str, text: str) -> None:
    assert weighed(said(text, replace(TOM, kind=kind))) == Ruling()  # type: ignore[arg-type]


def test_owners_only_means_by_an_address_that_the_tracker_shows() -> None:
    owner = said("/outcome reliability", email="Maria@ACME.example")
    assert target(owner, allow="owners") == ToOutcome("reliability")
    for other in (said("/outcome reliability", email="tom@acme.example"), said("/outcome reliability")):
        ruling = weighed(other, allow="owners")
        assert ruling.word is None
        assert ruling.answers == (Answer("refused", "1"),)


def test_people_may_be_named_one_by_one() -> None:
    word = said("/outcome reliability", email="tom@acme.example")
    assert target(word, allow=("TOM@acme.example",)) == ToOutcome("reliability")
    assert target(word, allow=("ana@acme.example",)) is None
    assert weighed(word, allow="off").word is None


def test_a_person_s_name_proves_nothing() -> None:
    assert target(said("/outcome growth", replace(TOM, name="maria@acme.example")), allow="owners") is None


# --- answers ----------------------------------------------------------------------------------------------


def test_an_unknown_id_is_answered_with_the_nearest_and_decides_nothing() -> None:
    ruling = weighed(said("/outcome relaibility"))
    assert ruling.word is None
    (answer,) = ruling.answers
    assert (answer.kind, answer.word) == ("unknown", "relaibility")
    assert answer.near[0] == ToOutcome("reliability")


def test_an_overhead_without_its_word_is_pointed_at() -> None:
    (answer,) = weighed(said("/outcome hiring")).answers
    assert ToOverhead("hiring") in answer.near


def test_an_unknown_id_leaves_the_word_before_standing() -> None:
    ruling = weighed(said("/outcome growth"), said("/outcome nonsense", at=1, comment="2"))
    assert ruling.word is not None
    assert ruling.word.target == ToOutcome("growth")
    assert [answer.kind for answer in ruling.answers] == ["unknown"]


def test_a_word_that_is_followed_settles_what_was_asked_before() -> None:
    asked = said("/outcome why")
    assert [answer.kind for answer in weighed(asked).answers] == ["why"]
    assert weighed(asked, said("/outcome auto", at=1, comment="2")).answers == ()
    later = weighed(said("/outcome auto"), said("/outcome why", at=1, comment="2"))
    assert [answer.kind for answer in later.answers] == ["why"]


def test_a_dispute_changes_no_verdict() -> None:
    ruling = weighed(said("/outcome dispute because it is a spike"))
    assert ruling.word is None
    assert [(d.by, d.reason) for d in ruling.disputes] == [("Tom Weber", "it is a spike")]


def test_what_an_admin_dropped_says_nothing_until_it_is_said_otherwise() -> None:
    dropped = replace(said("/outcome growth"), dropped=True)
    assert weighed(dropped) == Ruling()
    assert weighed(kept_time(said("/outcome growth", at=5), dropped)) == Ruling()
    assert target(kept_time(said("/outcome reliability", at=5), dropped)) == ToOutcome("reliability")
