"""What is told of a text by its words: right where it speaks, silent where it is not sure."""

import pytest

from syncd.core.wording import is_task, is_vision, owner_complaint, sentences


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("We are the payments platform banks trust.", 1),
        ("We are the platform banks trust", 1),
        ("We grow. We earn.", 2),
        ("we grow. we earn! we stay", 3),
        ("Payments, e.g. cards, i.e. plastic, never fail.", 1),
        ("We are no. 1 for U.S. banks.", 1),
        ("We serve Smith & Co. and Dr. Who.", 1),
        ('"We win." So they said', 2),
        ("Version 3.2 is trusted by 99.9% of banks.", 1),
        ("Wait... what?", 2),
        ("信頼される。速い。", 2),
        ("One.\nTwo.", 2),
    ],
)
def test_sentences_are_counted_and_abbreviations_end_none(text: str, count: int) -> None:
    assert sentences(text) == count


@pytest.mark.parametrize(
    "title",
    [
        "Implement the new ledger",
        "Migrate to the cloud",
        "Launch loyalty programme",
        "Build the onboarding portal",
        "Roll out SSO",
        "Rollout of the new terminal",
        "The migration to the new core",
        "REFACTOR billing",
    ],
)
def test_a_title_that_only_says_what_to_do_is_a_task(title: str) -> None:
    assert is_task(title)


@pytest.mark.parametrize(
    "title",
    [
        "Payments never go down",
        "A new bank goes live in four weeks",
        "Launch in 12 markets",
        "Build times are under ten minutes",
        "Migrate merchants so that nobody calls support",
        "Reduce churn",
        "Launches halve",
        "Buildings stay cool",
        "Der Umzug ist geschafft",
        "",
    ],
)
def test_a_title_with_a_result_or_of_other_words_is_none(title: str) -> None:
    assert not is_task(title)


def test_a_vision_speaks_of_the_whole_company() -> None:
    assert is_vision("We are the most loved bank")
    assert is_vision("Become market leader in Spain")
    assert is_vision("World-class support")
    assert not is_vision("Any region can fail without a lost payment")
    assert not is_vision("Handoffs take less than 24 h")


@pytest.mark.parametrize(
    "owner",
    ["maria@acme.example", "Maria", "Maria García", "Maria <maria@acme.example>", "李偉", "Payments team", "PO Cards"],
)
def test_one_name_or_address_is_an_owner(owner: str) -> None:
    assert owner_complaint(owner) is None


@pytest.mark.parametrize(
    ("owner", "complaint"),
    [
        ("tbd", "is nobody"),
        ("TBD.", "is nobody"),
        ("Everybody", "is nobody"),
        ("???", "is nobody"),
        ("<owner>", "is nobody"),
        ("Maria and Jonas", "is more than one"),
        ("maria@acme.example, jonas@acme.example", "is more than one"),
        ("Maria/Jonas", "is more than one"),
        ("@maria", "is no address"),
        ("maria@", "is no address"),
        ("maria@acme", "is no address"),
        ("M", "is no name"),
        ("4711", "is no name"),
    ],
)
def test_an_owner_whom_nobody_could_ask_is_told(owner: str, complaint: str) -> None:
    assert owner_complaint(owner) == complaint
