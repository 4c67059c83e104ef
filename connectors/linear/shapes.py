"""Values of an answer, taken as what they must be, or refused with the path at which they stand. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from syncd.core.fold import storable

T = TypeVar("T")

_SHOWN_AT_MOST = 60


class WrongError(Exception):
    """Something at `path` is not what it must be. Never leaves this connector: it becomes an `Unreadable`."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        self.what = what
        super().__init__(path, what)

    def __str__(self) -> str:
        return f"{self.path} {self.what}"


@dataclass(frozen=True, slots=True)
class Untold:
    """Stands where a field is null because it failed: not the same as none, so no reading of it succeeds."""

    words: str


def mapping(value: Any, at: str) -> Mapping[str, Any]:
    """An object."""
    if not isinstance(value, (dict, Mapping)):  # a dict at once, the rest by asking what it offers
        raise WrongError(at, "is missing" if value is None else f"is not an object: {shown(value)}")
    return value


def optional_mapping(value: Any, at: str) -> Mapping[str, Any] | None:
    """An object or null."""
    return None if value is None else mapping(value, at)


def rows(value: Any, at: str) -> Sequence[Any]:
    """A list."""
    if not isinstance(value, list):
        raise WrongError(at, "is missing" if value is None else f"is not a list: {shown(value)}")
    return value


def optional_rows(value: Any, at: str) -> Sequence[Any]:
    """A list; null is an empty one."""
    return () if value is None else rows(value, at)


def nodes(value: Any, at: str) -> Sequence[Any]:
    """The nodes of a connection; null is an empty one."""
    return () if value is None else rows(mapping(value, at).get("nodes"), f"{at}.nodes")


def text(value: Any, at: str) -> str | None:
    """A text fit for a store, or null."""
    if isinstance(value, str):
        return storable(value)
    if value is not None:
        raise WrongError(at, f"is not a text: {shown(value)}")
    return None


def required(value: T | None, at: str) -> T:
    """It is there, and is not empty."""
    if value is None or value == "":
        raise WrongError(at, "is missing")
    return value


def name(value: Any, at: str) -> str:
    """A text that is there."""
    return required(text(value, at), at)


def instant(value: Any, at: str) -> datetime:
    """An aware instant in UTC. Linear writes `2026-02-27T13:45:52.436Z`."""
    try:
        told = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise WrongError(at, "is missing" if value is None else f"is no date and time: {shown(value)}") from None
    if told.tzinfo is None:
        raise WrongError(at, f"has no time zone: {shown(value)}")
    try:
        return told.astimezone(UTC)
    except OverflowError:
        raise WrongError(at, f"is no date and time: {shown(value)}") from None


def shown(value: Any) -> str:
    """Enough of a value to recognise it by."""
    if isinstance(value, Untold):
        return f"it could not be told ({value.words})"
    told = repr(value)
    return told if len(told) <= _SHOWN_AT_MOST else told[: _SHOWN_AT_MOST - 1] + "…"
