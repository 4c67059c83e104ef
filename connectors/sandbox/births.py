"""Which issues were created when, in order: what lets a search bounded by creation look at no others."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.sandbox.jql import Clause, Group, Node
from connectors.sandbox.query import Reading, instant
from connectors.sandbox.values import Issue

_ROUNDED = timedelta(minutes=1)
"""More than any rounding of a bound may cut off: what is looked at is tested again by the whole query."""


class Births:
    """Ids of issues by the instant of their creation, which nothing ever changes. Those deleted since stay in it."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._born: list[tuple[datetime, int]] = []
        self._sorted = True

    def add(self, issue: Issue) -> None:
        """One more, unless it is known."""
        if issue.id not in self._ids:
            self._ids.add(issue.id)
            self._born.append((issue.created, issue.id))
            self._sorted = False

    def within(self, where: Node, reading: Reading) -> Sequence[int] | None:
        """Ids among which is all that a query can find; None: it does not say when that was created.

        Raises:
            JqlError: a bound cannot be read.
        """
        low, high = _bounds(where, reading)
        if low is None and high is None:
            return None
        if not self._sorted:
            self._born.sort()
            self._sorted = True
        start = 0 if low is None else bisect_left(self._born, (low - _ROUNDED, 0))
        end = len(self._born) if high is None else bisect_left(self._born, (high + _ROUNDED, 0))
        return [issue_id for _, issue_id in self._born[start:end]]


def _bounds(where: Node, reading: Reading) -> tuple[datetime | None, datetime | None]:
    """From when and to when, by the conditions that all must hold."""
    if isinstance(where, Group):
        told = [_bounds(node, reading) for node in where.nodes] if where.op == "and" else []
        return max((low for low, _ in told if low), default=None), min((high for _, high in told if high), default=None)
    return _edges(where, reading)


def _edges(clause: Clause, reading: Reading) -> tuple[datetime | None, datetime | None]:
    if clause.field != "created" or clause.op not in (">", ">=", "<", "<="):
        return None, None
    edge = instant(clause.values[0], reading)
    return (edge, None) if clause.op in (">", ">=") else (None, edge)
