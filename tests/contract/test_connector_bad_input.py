"""Whatever one issue's answer holds, over HTTP, in both trackers: it is read or named, and its neighbours arrive."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from support_contract import Tracker

ODD: dict[str, Any] = {
    "null": None, "an empty text": "", "a number": 7, "a fraction": -1.5, "true": True, "a list": [], "an object": {},
    "lists in a list": [[None]], "an object of nothing": {"": None}, "control characters": "\x00\x1b[31m\u202e\r\n",
    "half a surrogate": "\ud800", "another language": "Erledigt, 完了", "a megabyte": "x" * 1_000_000,
    "an object for a text": {"name": {"de": "Fertig", "en": "Done"}}, "no instant": "2026-13-45T99:99:99.000+9999",
}  # fmt: skip
ABSENT = "nothing at all"
PLACES = 90


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


def spoil(row: Any, path: tuple[Any, ...], odd: str) -> None:
    for step in path[:-1]:
        row = row[step]
    if odd == ABSENT:
        del row[path[-1]]
    else:
        row[path[-1]] = copy.copy(ODD[odd])


@pytest.mark.parametrize("odd", [*ODD, ABSENT])
def test_whatever_stands_in_any_one_place_of_an_issue_its_neighbours_arrive(tracker: Tracker, odd: str) -> None:
    """As many issues as there are places in an answer, each spoiled in another one, and as many sound ones between."""
    above = tracker.create("above", labels=["sre"])
    made = [tracker.create(f"work {n}", labels=["sre", "q4"], parent=above) for n in range(2 * PLACES)]
    victims, spoilt = made[::2], dict[str, tuple[Any, ...]]()

    def meddle(issue: str, row: Any) -> None:
        everywhere = list(places(row))
        assert len(everywhere) <= PLACES, f"{len(everywhere)} places"
        if issue in victims and victims.index(issue) < len(everywhere):
            path = spoilt[issue] = everywhere[victims.index(issue)]
            spoil(row, path, odd)

    tracker.spoil(meddle)
    pages = list(tracker.reader().observe(None))
    read = {issue.ref.id: issue.title for page in pages for issue in page.issues}
    named = [bad for page in pages for bad in page.unreadable]
    assert pages[-1].last
    assert len(spoilt) > 20
    sound = {issue: title for issue, title in tracker.titles().items() if issue not in spoilt}
    assert {issue: read.get(issue) for issue in sound} == sound
    outside = [issue.ref.id for page in pages for issue in page.outside]
    assert {spoilt[issue] for issue in outside} <= {("trashed",), ("team", "key")}, (
        "said to be elsewhere, in so many words"
    )
    assert len(read) + len(named) + len(outside) == len(made) + 1, "each is there once: understood, or set aside"
    keys = {tracker.key_of(issue) for issue in made} | set(made)
    anonymous = [bad for bad in named if not any(key in str(bad) for key in keys)]
    assert len(anonymous) <= 1, "an issue without a name is one that lost its name"
    assert all(str(bad) and len(str(bad)) < 1000 for bad in named)
