"""Faults that a test switches on, and the record of every exchange."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from threading import Lock
from typing import Generic, Literal, Protocol, TypeVar

FaultKind = Literal["status", "reset", "truncate", "lose_answer", "keep_answer"]
DONE_FIRST = ("truncate", "lose_answer", "keep_answer")  # the request is done, and then something goes wrong


@dataclass(slots=True)
class Fault:
    """Something that goes wrong on the wire.

    `status`: answer this instead of doing the request, with optional Retry-After and RateLimit-Reason, and an
    HTML body where `html`. `reset`: RST before the request is done. `truncate`: do it, announce the whole length
    and cut the body. `lose_answer`: do it, then RST. `keep_answer`: do it, and say nothing for as long as the
    client waits.

    `match` is `METHOD path`, globs allowed, the path being the asked one or its template; empty matches all.
    It strikes `times` times (None: without end), each `every`-th matching request (None: each one), after having
    let `after` matching requests pass.
    """

    kind: FaultKind
    status: int = 503
    retry_after: float | str | None = None
    reason: str | None = None
    html: bool = False
    match: str = ""
    times: int | None = 1
    every: int | None = None
    after: int = 0
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def strikes(self, method: str, path: str, template: str) -> bool:
        """Counts a request, and says whether it is to suffer."""
        names = (f"{method} {path}", f"{method} {template}")
        if self.match and not any(name == self.match or fnmatchcase(name, self.match) for name in names):
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.every and (self.seen - self.after) % self.every):
            return False
        self.struck += 1
        return True


class Striking(Protocol):
    """Something that may go wrong with a request, and keeps count."""

    def strikes(self, method: str, path: str, template: str, /) -> bool:
        """Whether this request is to suffer."""


F = TypeVar("F", bound=Striking)


class Faults(Generic[F]):
    """The faults in force. The first that strikes decides."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: list[F] = []

    def add(self, fault: F) -> F:
        """Switches a fault on; the same object tells later how often it `struck`."""
        with self._lock:
            self._held.append(fault)
        return fault

    def clear(self) -> None:
        """Switches all off."""
        with self._lock:
            self._held.clear()

    def strike(self, method: str, path: str, template: str) -> F | None:
        """The fault this request suffers, if any."""
        with self._lock:
            return next((fault for fault in self._held if fault.strikes(method, path, template)), None)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `status` is None where the client got none; `fault` names what struck."""

    method: str
    path: str
    query: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int | None
    response_headers: Mapping[str, str]
    response_body: bytes
    template: str
    fault: FaultKind | None = None
