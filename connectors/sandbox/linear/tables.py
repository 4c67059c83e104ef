"""Rows of one kind, found by id and in order of creation or change."""

import bisect
from collections.abc import Iterator
from datetime import datetime
from typing import Generic, TypeVar

from connectors.sandbox.linear.values import Row

R = TypeVar("R", bound=Row)
Place = tuple[datetime, str]


def place(row: Row, order: str) -> Place:
    """Where a row stands now in an order, oldest first; equal instants by id."""
    return (row.created_at if order == "createdAt" else row.updated_at), row.id


class Table(Generic[R]):
    """All rows of one kind. Whoever changes a row's instants says so by `touch`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[str, R] = {}
        self._ranked: dict[str, list[R]] = {}

    def __iter__(self) -> Iterator[R]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, row: R) -> R:
        """Takes a row in."""
        self.rows[row.id] = row
        self._ranked.clear()
        return row

    def drop(self, row: R) -> None:
        """Forgets a row."""
        self.rows.pop(row.id, None)
        self._ranked.clear()

    def touch(self) -> None:
        """Instants have changed."""
        self._ranked.clear()

    def ranked(self, order: str) -> list[R]:
        """Oldest first."""
        found = self._ranked.get(order)
        if found is None:
            found = self._ranked[order] = sorted(self.rows.values(), key=lambda row: place(row, order))
        return found


def first_not_before(rows: list[R], at: Place, order: str) -> int:
    """The index of the first row that stands at a place or after it."""
    return bisect.bisect_left(rows, at, key=lambda row: place(row, order))
