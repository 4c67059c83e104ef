"""Faults that a test switches on, and the record of every exchange with the served Linear."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

LinearFaultKind = Literal[
    "ratelimited", "status", "html", "body", "reset", "truncate", "lose_answer", "keep_answer", "partial"
]
DONE_FIRST = ("truncate", "lose_answer", "keep_answer", "partial")  # the request is done, and then something goes wrong


@dataclass(slots=True)
class LinearFault:
    """Something that goes wrong. It strikes operations whose name `match` fits (globs; empty matches all).

    An operation's name is its `operationName`, or its root fields joined by `+`; either may be matched.

    `ratelimited`: HTTP 400 with Linear's words (`status` otherwise, with `retry_after` if any). `status`: this status,
    an internal error in JSON. `html`: this status, a page from the edge. `body`: this status and `body` as it stands.
    `reset`: RST before the request is done. `truncate`: do it, announce the whole length and cut the body.
    `lose_answer`: do it, then RST. `keep_answer`: do it, and say nothing for as long as the client waits. `partial`: do
    it, but the field `at` ("Issue.project", globs; empty: the first that may be null) fails at its `nth` time, and
    takes with it what may not be null.

    `turns`: kinds to strike by, one after the other, over and over; `kind` is then the one that struck last.

    It strikes `times` times (None: without end), each `every`-th matching request (None: each one), after having
    let `after` matching requests pass.
    """

    kind: LinearFaultKind
    status: int = 0
    match: str = ""
    times: int | None = 1
    every: int | None = None
    after: int = 0
    retry_after: float | str | None = None
    body: str = ""
    at: str = ""
    nth: int = 1
    error: Mapping[str, Any] | None = None
    turns: tuple[LinearFaultKind, ...] = ()
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def strikes(self, _method: str, path: str, template: str) -> bool:
        """Counts a request, and says whether it is to suffer. `path` and `template` are the operation's two names."""
        if self.match and not any(fnmatchcase(name, self.match) for name in (path, template)):
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.every and (self.seen - self.after) % self.every):
            return False
        if self.turns:
            self.kind = self.turns[self.struck % len(self.turns)]
        self.struck += 1
        return True


@dataclass(frozen=True, slots=True)
class LinearExchange:
    """One request and its answer. `status` is None where the client got none; `fault` names what struck.

    `operation` is its `operationName` or its root fields joined by `+`; `complexity` what it was charged.
    """

    operation: str
    roots: tuple[str, ...]
    query: str
    variables: Mapping[str, Any]
    request_headers: Mapping[str, str]
    status: int | None
    response_headers: Mapping[str, str]
    response_body: bytes
    complexity: int
    fault: LinearFaultKind | None = None
