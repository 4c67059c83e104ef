"""Filters as Linear's input types describe them, made into one test of a row."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.sandbox.linear.workspace import Session

Test = Callable[[Any], bool]
Getter = Callable[[Session, Any], Any]
_DURATION = re.compile(r"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_DAYS = (365, 30, 7, 1)  # a year, a month, a week, a day: near enough for a sandbox


def duration(text: str) -> timedelta | None:
    """An ISO 8601 duration, or nothing if it is none."""
    found = _DURATION.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        return None
    sign, *told = found.groups()
    numbers = [int(part or 0) for part in told]
    days = sum(count * size for count, size in zip(numbers[:4], _DAYS, strict=True))
    length = timedelta(days=days, hours=numbers[4], minutes=numbers[5], seconds=numbers[6])
    return -length if sign else length


# -- comparators ----------------------------------------------------------------------------------------------------


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, want: value == want,
    "neq": lambda value, want: value != want,
    "in": lambda value, want: value in want,
    "nin": lambda value, want: value not in want,
    "gt": lambda value, want: value is not None and value > want,
    "gte": lambda value, want: value is not None and value >= want,
    "lt": lambda value, want: value is not None and value < want,
    "lte": lambda value, want: value is not None and value <= want,
    "null": lambda value, want: (value is None) == want,
    "eqIgnoreCase": lambda value, want: _fold(value) == _fold(want),
    "neqIgnoreCase": lambda value, want: _fold(value) != _fold(want),
    "contains": lambda value, want: want in (value or ""),
    "containsIgnoreCase": lambda value, want: _fold(want) in _fold(value or ""),
    "notContains": lambda value, want: want not in (value or ""),
    "notContainsIgnoreCase": lambda value, want: _fold(want) not in _fold(value or ""),
    "startsWith": lambda value, want: (value or "").startswith(want),
    "startsWithIgnoreCase": lambda value, want: _fold(value or "").startswith(_fold(want)),
    "notStartsWith": lambda value, want: not (value or "").startswith(want),
    "endsWith": lambda value, want: (value or "").endswith(want),
    "notEndsWith": lambda value, want: not (value or "").endswith(want),
}


def compare(asked: Mapping[str, Any], now: datetime) -> Test:
    """A comparator as a test of one value; a duration counts from now."""

    def fixed(want: Any) -> Any:
        if isinstance(want, timedelta):
            return now + want
        return frozenset(fixed(one) for one in want) if isinstance(want, list) else want

    tests = [(_COMPARISONS[name], fixed(want)) for name, want in asked.items() if want is not None]
    return lambda value: all(test(value, want) for test, want in tests)


# -- what each kind of row can be asked -----------------------------------------------------------------------------


class _Value:
    """A value of the row, asked by a comparator."""

    def __init__(self, get: Getter) -> None:
        self.get = get

    def test(self, session: Session, asked: Mapping[str, Any]) -> Test:
        inner = compare(asked, session.now)
        return lambda row: inner(self.get(session, row))


class _One:
    """Another row that this one names, or none."""

    def __init__(self, kind: str, get: Getter) -> None:
        self.kind, self.get = kind, get

    def test(self, session: Session, asked: Mapping[str, Any]) -> Test:
        rest = {name: want for name, want in asked.items() if name != "null"}
        inner = build(session, self.kind, rest)
        null = asked.get("null")

        def fits(row: Any) -> bool:
            other = self.get(session, row)
            if null is not None and (other is None) != null:
                return False
            return not rest or (other is not None and inner(other))

        return fits


class _Many:
    """Other rows that this one has: `some`, `every`, `length`, and keys of their own, which mean some."""

    def __init__(self, kind: str, get: Callable[[Session, Any], Iterable[Any]]) -> None:
        self.kind, self.get = kind, get

    def test(self, session: Session, asked: Mapping[str, Any]) -> Test:
        tests = [self._one(session, name, want) for name, want in asked.items() if want is not None]

        def fits(row: Any) -> bool:
            others = list(self.get(session, row))
            return all(test(others) for test in tests)

        return fits

    def _one(self, session: Session, name: str, want: Any) -> Callable[[list[Any]], bool]:
        if name == "length":
            size = compare(want, session.now)
            return lambda others: size(len(others))
        if name == "null":
            return lambda others: (not others) == want
        if name in ("and", "or"):
            parts = [[self._one(session, n, w) for n, w in one.items()] for one in want]
            joined = all if name == "and" else any
            return lambda others: joined(all(test(others) for test in part) for part in parts)
        inner = build(session, self.kind, want if name in ("some", "every") else {name: want})
        if name == "every":
            return lambda others: all(inner(other) for other in others)
        return lambda others: any(inner(other) for other in others)


Spec = _Value | _One | _Many


def _plain(*names: str) -> dict[str, Spec]:
    """Values that the row holds under the same name."""
    return {name: _Value(_attribute(snake(name))) for name in names}


def _attribute(name: str) -> Getter:
    return lambda _, row: getattr(row, name)


def snake(name: str) -> str:
    """CreatedAt → created_at."""
    return re.sub(r"(?<!^)([A-Z])", lambda found: "_" + found.group().lower(), name)


_WHEN = ("id", "createdAt", "updatedAt")
_LABEL = _plain(*_WHEN, "name", "isGroup")
_SPECS: dict[str, dict[str, Spec]] = {
    "Team": _plain(*_WHEN, "key", "name", "private") | {"parent": _One("Team", _attribute("parent"))},
    "User": _plain(*_WHEN, "active", "admin", "app", "displayName", "email", "name")
    | {"isMe": _Value(lambda session, row: row is session.doer.user)},
    "WorkflowState": _plain(*_WHEN, "name", "type", "position") | {"team": _One("Team", _attribute("team"))},
    "ProjectStatus": _plain(*_WHEN, "name", "type"),
    "Cycle": _plain(*_WHEN, "name", "number", "startsAt", "endsAt")
    | {
        "team": _One("Team", _attribute("team")),
        "isActive": _Value(lambda session, row: row.starts_at <= session.now < row.ends_at),
        "isFuture": _Value(lambda session, row: row.starts_at > session.now),
        "isPast": _Value(lambda session, row: row.ends_at <= session.now),
    },
    "IssueLabel": _LABEL
    | {
        "creator": _One("User", _attribute("creator")),
        "parent": _One("IssueLabel", _attribute("parent")),
        "team": _One("Team", _attribute("team")),
    },
    "ProjectLabel": _LABEL | {"parent": _One("ProjectLabel", _attribute("parent"))},
    "InitiativeLabel": _LABEL | {"parent": _One("InitiativeLabel", _attribute("parent"))},
    "Project": _plain(*_WHEN, "name", "slugId")
    | {
        "status": _One("ProjectStatus", _attribute("status")),
        "labels": _Many("ProjectLabel", _attribute("labels")),
        "accessibleTeams": _Many("Team", _attribute("teams")),
        "initiatives": _Many(
            "Initiative", lambda session, row: [j.initiative for j in session.workspace.joins if j.project is row]
        ),
    },
    "Initiative": _plain(*_WHEN, "name", "slugId", "status")
    | {"labels": _Many("InitiativeLabel", _attribute("labels"))},
    "Comment": _plain(*_WHEN, "body")
    | {
        "issue": _One("Issue", _attribute("issue")),
        "parent": _One("Comment", _attribute("parent")),
        "project": _One("Project", _attribute("project")),
        "user": _One("User", _attribute("user")),
    },
    "Attachment": _plain(*_WHEN, "sourceType", "subtitle", "title", "url")
    | {"creator": _One("User", _attribute("creator"))},
    "Issue": _plain(*_WHEN, "archivedAt", "canceledAt", "completedAt", "description", "number", "priority", "title")
    | {
        "assignee": _One("User", _attribute("assignee")),
        "attachments": _Many("Attachment", lambda session, row: session.workspace.attachments_of.get(row.id, ())),
        "children": _Many("Issue", lambda session, row: session.workspace.children_of.get(row.id, {}).values()),
        "comments": _Many("Comment", lambda session, row: session.workspace.comments_of.get(row.id, ())),
        "creator": _One("User", _attribute("creator")),
        "cycle": _One("Cycle", _attribute("cycle")),
        "labels": _Many("IssueLabel", lambda _, row: row.labels.values()),
        "parent": _One("Issue", _attribute("parent")),
        "project": _One("Project", _attribute("project")),
        "state": _One("WorkflowState", _attribute("state")),
        "team": _One("Team", _attribute("team")),
    },
}


def build(session: Session, kind: str, asked: Mapping[str, Any] | None) -> Test:
    """A filter as a test of one row; keys are AND, `and` and `or` hold filters."""
    tests: list[Test] = []
    for name, want in (asked or {}).items():
        if want is None:
            continue
        if name in ("and", "or"):
            tests.append(_joined(name, [build(session, kind, one) for one in want]))
        elif name in ("some", "every"):  # the schema lets a label's `some` hold another `some`
            tests.append(build(session, kind, want))
        else:
            tests.append(_SPECS[kind][name].test(session, _identified(session, kind, name, want)))
    return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def _joined(name: str, parts: list[Test]) -> Test:
    joined = all if name == "and" else any
    return lambda row: joined(part(row) for part in parts)


def _identified(session: Session, kind: str, name: str, want: Mapping[str, Any]) -> Mapping[str, Any]:
    """An issue's id filter also takes identifiers."""
    if kind != "Issue" or name != "id":
        return want

    def known(told: Any) -> Any:
        if isinstance(told, list):
            return [known(one) for one in told]
        return session.workspace.identifiers.get(told.upper(), told)

    return {operator: known(told) for operator, told in want.items() if told is not None}
