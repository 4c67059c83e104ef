"""A parsed query → which issues match, and in which order. Dates are read in the searching account's zone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.sandbox.adf import text_of
from connectors.sandbox.jql import DATES, Clause, Group, JqlError, Node, Query, Sort, Value
from connectors.sandbox.registry import Registry
from connectors.sandbox.values import Issue

Predicate = Callable[[Issue], bool]
SortValue = int | str

_WORD = re.compile(r"\w+")
_PERIOD = re.compile(r"(\d+)([wdhm])")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_CATEGORY_NAMES = {"to do": "new", "in progress": "indeterminate", "done": "done", "no category": "undefined"}
_LEAST_EPOCH_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """What a query's words mean on this site, to this account, at this moment."""

    registry: Registry
    zone: ZoneInfo
    now: datetime
    resolve: Callable[[str], int | None]


def instant(value: Value, reading: Reading) -> datetime:
    """A JQL date as an aware instant: epoch milliseconds (unquoted), a period, or a literal of the account's zone.

    A local minute that exists twice is its earlier instant (facts §2). Seconds are refused.

    Raises:
        JqlError: not a date.
    """
    text = value.text.strip()
    if not value.quoted and text.isdigit() and len(text) >= _LEAST_EPOCH_DIGITS:
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    sign = -1 if text.startswith("-") else 1
    period = text.lstrip("+-").lower()
    if period and not _PERIOD.sub("", period).strip():
        parts = [timedelta(**{_UNITS[unit]: int(count)}) for count, unit in _PERIOD.findall(period)]
        moment = reading.now + sign * sum(parts, timedelta())
        return moment.replace(second=0, microsecond=0)
    for form in _FORMATS:
        try:
            local = datetime.strptime(text, form)  # noqa: DTZ007 (the zone is the account's, put on below)
        except ValueError:
            continue
        return local.replace(tzinfo=reading.zone, fold=0).astimezone(UTC)
    raise JqlError(
        f"Date value '{value.text}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', "
        "'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def uses_clock(node: Node) -> bool:
    """Whether the same text may match other issues a minute later."""
    if isinstance(node, Group):
        return any(uses_clock(inner) for inner in node.nodes)
    return node.field in DATES and not all(value.text.isdigit() for value in node.values)


def predicate(node: Node, reading: Reading) -> Predicate:
    """The test an issue must pass.

    Raises:
        JqlError: a value cannot be read.
    """
    if isinstance(node, Clause):
        return _clause(node, reading)
    tests = [predicate(inner, reading) for inner in node.nodes]
    if node.op == "not":
        negated = tests[0]
        return lambda issue: not negated(issue)
    if node.op == "and":
        return lambda issue: all(test(issue) for test in tests)
    return lambda issue: any(test(issue) for test in tests)


def _clause(clause: Clause, reading: Reading) -> Predicate:
    if clause.field in DATES or clause.op == "~":
        return _date_clause(clause, reading) if clause.field in DATES else _text_clause(clause)
    if clause.op in (">", ">=", "<", "<="):
        return _order_clause(clause, reading)
    read = _READERS[clause.field](reading)
    if clause.op == "empty":
        return lambda issue: not read(issue)
    if clause.op == "notempty":
        return lambda issue: bool(read(issue))
    wanted = frozenset(_wanted(clause.field, value, reading) for value in clause.values)
    if clause.op in ("=", "in"):
        return lambda issue: not wanted.isdisjoint(read(issue))
    return lambda issue: bool(found := read(issue)) and wanted.isdisjoint(found)


def _text_clause(clause: Clause) -> Predicate:
    """A search for words: in any case, and whatever signs stand around them."""
    word = clause.values[0].text.lower()
    return lambda issue: any(word in _WORD.findall(text_of(c.body).lower()) for c in issue.comments)


def _date_clause(clause: Clause, reading: Reading) -> Predicate:
    name = clause.field
    if clause.op in ("empty", "notempty"):
        never = clause.op == "empty"
        return lambda _: not never
    if clause.op in ("in", "notin"):
        raise JqlError(f"The operator '{clause.op}' is not supported by the '{name}' field.")
    edge = instant(clause.values[0], reading)
    stamp: Callable[[Issue], datetime] = (lambda i: i.updated) if name == "updated" else (lambda i: i.created)
    compare: dict[str, Predicate] = {
        ">=": lambda issue: stamp(issue) >= edge,
        ">": lambda issue: stamp(issue) > edge,
        "<=": lambda issue: stamp(issue) <= edge,
        "<": lambda issue: stamp(issue) < edge,
        "=": lambda issue: stamp(issue) == edge,
        "!=": lambda issue: stamp(issue) != edge,
    }
    return compare[clause.op]


def _order_clause(clause: Clause, reading: Reading) -> Predicate:
    """`key > X` compares numbers inside X's project; `id` compares ids."""
    text = clause.values[0].text
    if clause.field == "id" and text.isdigit():
        project, edge = None, int(text)
    else:
        project, dash, number = text.upper().rpartition("-")
        if not dash or not number.isdigit():
            raise JqlError(f"The issue key '{text}' for field '{clause.field}' is invalid.")
        edge = int(number)
        if project not in reading.registry.projects:
            return lambda _: False
    numbered: Callable[[Issue], int] = (lambda i: i.number) if project else (lambda i: i.id)
    compare: dict[str, Callable[[int], bool]] = {
        ">=": lambda number: number >= edge,
        ">": lambda number: number > edge,
        "<=": lambda number: number <= edge,
        "<": lambda number: number < edge,
    }
    test = compare[clause.op]
    return lambda issue: (project is None or issue.project == project) and test(numbered(issue))


Reader = Callable[[Issue], tuple[object, ...]]


def _status_category(reading: Reading) -> Reader:
    statuses = reading.registry.statuses
    return lambda issue: (statuses[issue.status_id].category,)


def _status(reading: Reading) -> Reader:
    statuses = reading.registry.statuses
    return lambda issue: (issue.status_id, statuses[issue.status_id].name.casefold())


def _issuetype(reading: Reading) -> Reader:
    types = reading.registry.types
    return lambda issue: (issue.type_id, types[issue.type_id].name.casefold())


_READERS: dict[str, Callable[[Reading], Reader]] = {
    "project": lambda _: lambda issue: (issue.project,),
    "key": lambda _: lambda issue: (issue.id,),
    "id": lambda _: lambda issue: (issue.id,),
    "parent": lambda _: lambda issue: (issue.parent.id,) if issue.parent else (),
    "labels": lambda _: lambda issue: tuple(label.casefold() for label in issue.labels),
    "component": lambda _: lambda issue: tuple(name.casefold() for name in issue.components),
    "statusCategory": _status_category,
    "status": _status,
    "issuetype": _issuetype,
}


def _wanted(field: str, value: Value, reading: Reading) -> object:
    text = value.text
    if field in ("key", "id", "parent"):
        return int(text) if text.isdigit() else (reading.resolve(text) or -1)
    if field == "project":
        folded = text.casefold()
        for project in reading.registry.projects.values():
            if folded in (project.key.casefold(), project.name.casefold(), project.id):
                return project.key
        return ""
    if field == "statusCategory":
        return _CATEGORY_NAMES.get(text.casefold(), text.casefold())
    return text.casefold()


_SORT_VALUES: dict[str, Callable[[Issue, Registry], tuple[SortValue, ...]]] = {
    "updated": lambda issue, _: (_milliseconds(issue.updated),),
    "created": lambda issue, _: (_milliseconds(issue.created),),
    "key": lambda issue, _: (issue.project, issue.number),
    "id": lambda issue, _: (issue.id,),
    "project": lambda issue, _: (issue.project,),
    "status": lambda issue, _: (issue.status_id,),
    "issuetype": lambda issue, _: (issue.type_id,),
}


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class Backwards(str):
    """A string that sorts the other way round."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)

    def __gt__(self, other: str) -> bool:
        return str.__lt__(self, other)


def _turned(value: SortValue, *, descending: bool) -> SortValue:
    if not descending:
        return value
    return Backwards(value) if isinstance(value, str) else -value


def order_of(query: Query) -> tuple[Sort, ...]:
    """The query's order; newest first when it names none."""
    return query.order or (Sort("created", descending=True),)


def position(issue: Issue, order: tuple[Sort, ...], registry: Registry) -> list[SortValue]:
    """Where the issue stands in the order.

    Equal sort values stand in an order of no meaning (facts §1: "equal sort keys are not ordered"), which a
    walk must survive; it is the same for one walk.
    """
    found: list[SortValue] = []
    for sort in order:
        values = _SORT_VALUES[sort.field](issue, registry)
        found.extend(_turned(value, descending=sort.descending) for value in values)
    found.append(issue.id * 2_654_435_761 % 4_294_967_296)
    found.append(issue.id)
    return found


def packed(place: list[SortValue]) -> list[list[SortValue]]:
    """A position that survives JSON: strings remember which way they sort."""
    return [["<", str(v)] if isinstance(v, Backwards) else [">", v] for v in place]


def unpacked(pairs: list[list[SortValue]]) -> list[SortValue]:
    """The inverse of `packed`."""
    return [Backwards(value) if way == "<" else value for way, value in pairs]
