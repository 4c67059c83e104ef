"""Whatever comes in an issue's place: it is an issue or a named complaint, and never takes its neighbours along."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.jira.mapping import Dialect, read_issue
from syncd.core.errors import Unreadable
from syncd.core.model import Issue
from syncd.core.ports import MarkNames

DIALECT = Dialect("acme-jira", "https://acme.atlassian.net", MarkNames(), ("customfield_10014",))
ODD: tuple[Any, ...] = (
    None, "", 0, -1, 1.5, True, [], {}, [None], [[]], {"": None}, "\x00\x1b[31m\u202e", "\ud800", "x" * 1_000_000,
    {"name": None}, {"id": {}, "key": []}, "2026-13-45T99:99:99.000+9999", [1, "two", None], {"key": "PAY-1", "id": 7},
)  # fmt: skip


def files(folder: Path) -> list[Path]:
    return sorted((*folder.rglob("*.json"), *folder.rglob("*.jsonl")))


def values(path: Path) -> Iterator[Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        yield from (json.loads(line) for line in text.split("\n") if line.strip())  # texts hold U+2028
    else:
        yield json.loads(text)


def rows(value: Any) -> Iterator[Any]:
    """Everything in a file that has an issue's shape: an object with `fields`."""
    if isinstance(value, dict):
        if isinstance(value.get("fields"), dict):
            yield value
        for inner in value.values():
            yield from rows(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rows(inner)


@pytest.mark.shared
def test_every_issue_of_every_file_is_read_or_named(shared: Path) -> None:
    read, refused = 0, list[str]()
    for folder in ("jira-fixtures", "jira-tidev", "public-jira-metadata"):
        for path in files(shared / "data" / folder):
            for value in values(path):
                for raw in rows(value):
                    found = read_issue(raw, DIALECT)
                    if isinstance(found, Issue):
                        read += 1
                    else:
                        assert isinstance(found, Unreadable)
                        refused.append(str(found))
    assert read >= 1185
    assert all(refused), "each complaint says something"


@pytest.mark.shared
def test_every_whole_answer_may_stand_where_an_issue_belongs(shared: Path) -> None:
    for folder in ("jira-fixtures", "public-jira-metadata"):
        for path in files(shared / "data" / folder):
            for value in values(path):
                assert isinstance(read_issue(value, DIALECT), Issue | Unreadable)


def sound() -> dict[str, Any]:
    return {
        "id": "10001",
        "key": "PAY-1",
        "fields": {
            "summary": "Something",
            "issuetype": {"id": "1", "name": "Aufgabe", "hierarchyLevel": 0, "subtask": False},
            "status": {"name": "Erledigt", "statusCategory": {"key": "done", "name": "Fertig"}},
            "priority": {"name": "Hoch"},
            "project": {"id": "1", "key": "PAY", "name": "Zahlungen"},
            "components": [{"name": "API"}],
            "fixVersions": [{"name": "1.0"}],
            "labels": ["sre"],
            "parent": {"id": "10000", "key": "PAY-0", "fields": {}},
            "customfield_10014": "PAY-0",
            "assignee": {"accountId": "a", "displayName": "A"},
            "reporter": {"accountId": "b", "displayName": "B", "emailAddress": ""},
            "created": "2026-01-01T10:00:00.000+0100",
            "updated": "2026-03-29T02:30:00.000+0200",
            "resolutiondate": None,
            "security": None,
        },
        "properties": {"syncd": {"installation": "acme", "instance": "1", "mark": "outcome/x"}},
    }


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*path, index)
            yield from places(inner, (*path, index))


def put(raw: Any, path: tuple[Any, ...], value: Any) -> None:
    for step in path[:-1]:
        raw = raw[step]
    raw[path[-1]] = value


def test_an_odd_value_in_any_one_place_is_tolerated_or_named() -> None:
    assert isinstance(read_issue(sound(), DIALECT), Issue)
    for path in places(sound()):
        for odd in ODD:
            raw = sound()
            put(raw, path, odd)
            assert isinstance(read_issue(raw, DIALECT), Issue | Unreadable), (path, str(odd)[:40])


def test_a_key_that_is_not_there_is_tolerated_or_named() -> None:
    for path in places(sound()):
        raw: Any = sound()
        held: Any = raw
        for step in path[:-1]:
            held = held[step]
        del held[path[-1]]
        assert isinstance(read_issue(raw, DIALECT), Issue | Unreadable), path


def test_odd_values_in_many_places_at_once_are_tolerated_or_named() -> None:
    random = Random(6)  # noqa: S311 - values to try, no secret
    for _ in range(500):
        raw = copy.deepcopy(sound())
        for path in random.sample(sorted(places(sound()), key=repr), 4):
            try:
                put(raw, path, random.choice(ODD[:-6]))
            except (KeyError, IndexError, TypeError):
                continue  # what it hung on was replaced before
        assert isinstance(read_issue(raw, DIALECT), Issue | Unreadable)
