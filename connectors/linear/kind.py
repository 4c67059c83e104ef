"""Linear as a kind of tracker: its options, and what reads and writes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from time import sleep as really_sleep
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.http import Sleep
from connectors.linear.checkup import examine
from connectors.linear.documents import MARKS_AT_ONCE
from connectors.linear.own_labels import OurLabels
from connectors.linear.reader import LinearReader
from connectors.linear.transport import ENDPOINT, Linear
from connectors.linear.writer import LinearWriter
from syncd.core.checkup import Checkup
from syncd.core.diff import Pace
from syncd.core.errors import OptionProblem
from syncd.core.plan import Write
from syncd.core.ports import Clock, CommentRenderer, Signature, TrackerOptions

_TEAM_KEY: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}")
_REQUESTS: Final = 2500 / 3600
"""A second, as measured for a key; the documents say twice as many (facts/linear.md §2)."""


@dataclass(frozen=True, slots=True)
class LinearKind:
    """A `TrackerKind`. `sleep` waits the seconds it is given, between tries."""

    comment_format: str = "markdown"
    pace: Pace = field(default_factory=lambda: Pace(mark=_REQUESTS * MARKS_AT_ONCE, comment=_REQUESTS))
    groups: bool = True
    sleep: Sleep = really_sleep

    def check(self, options: Mapping[str, Any]) -> Sequence[OptionProblem]:
        """What is wrong with a tracker's url, auth and scope, as written. Common keys are checked by `settings`."""
        return [*_url(options.get("url")), *_auth(options.get("auth")), *_scope(options.get("scope"))]

    def reader(self, options: TrackerOptions, clock: Clock) -> LinearReader:
        """A reader. Opens nothing before its first call."""
        return LinearReader(options, clock, self.sleep)

    def examine(
        self, options: TrackerOptions, clock: Clock, signature: Signature, wanted: Mapping[str, Write]
    ) -> Iterator[Checkup]:
        """What `syncd doctor` finds, for each team of `wanted` by its policy."""
        reader, linear = LinearReader(options, clock, self.sleep), Linear(options, clock, self.sleep)
        labels = OurLabels(linear, options.marks, signature.installation)
        try:
            yield from examine(reader, labels, wanted, options.auth.get("token", ""))
        finally:
            reader.close()
            linear.close()

    def writer(
        self, options: TrackerOptions, clock: Clock, signature: Signature, render: CommentRenderer
    ) -> LinearWriter:
        """A writer. `render` makes Markdown. Opens nothing before its first call."""
        return LinearWriter(options, clock, signature, render, self.sleep)


KIND: Final = LinearKind()


def _url(url: Any) -> Sequence[OptionProblem]:
    """The GraphQL endpoint; without a url it is the public one."""
    if url is None or url == "":
        return []
    usual = f"url: {ENDPOINT}, or leave it out"
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        host = parts.hostname if parts else None
    except ValueError:
        parts = host = None
    if parts is None or host is None or parts.scheme not in {"http", "https"}:
        return [OptionProblem(("url",), "the url of linear is its GraphQL endpoint", usual)]
    if parts.username or parts.password:
        return [OptionProblem(("url",), "a url holds no credentials", f"{usual}; the key goes under auth:")]
    if parts.query or parts.fragment:
        return [OptionProblem(("url",), "the url of a GraphQL endpoint has no ? and no #", usual)]
    if host == "linear.app" or (host.endswith(".linear.app") and f"https://{host}{parts.path.rstrip('/')}" != ENDPOINT):
        return [OptionProblem(("url",), "this is not where Linear takes GraphQL", usual)]
    return []


def _auth(auth: Any) -> Sequence[OptionProblem]:
    at, hint = ("auth",), "auth: {token: {env: LINEAR_TOKEN}}"
    if not isinstance(auth, Mapping):
        return [OptionProblem(at, "linear needs auth with a token", hint)]
    problems = [] if auth.get("token") else [OptionProblem(at, "auth needs token", hint)]
    return [*problems, *_unknown(auth, ("token",), at, "auth of linear knows")]


def _scope(scope: Any) -> Sequence[OptionProblem]:
    at, hint = ("scope",), "scope: {teams: [ENG, OPS]}"
    if not isinstance(scope, Mapping):
        return [OptionProblem(at, "the scope must be said: which teams syncd may touch", hint)]
    problems = _unknown(scope, ("teams",), at, "the scope of linear knows")
    teams = scope.get("teams")
    if not isinstance(teams, list | tuple) or not teams:
        where: tuple[str | int, ...] = (*at, "teams") if "teams" in scope else at
        return [*problems, OptionProblem(where, "teams must be a list of at least one team key", hint)]
    seen: set[Any] = set()
    for i, key in enumerate(teams):
        where = (*at, "teams", i)
        if not isinstance(key, str) or not _TEAM_KEY.fullmatch(key):
            upper = str(key).strip().upper()
            better = upper if _TEAM_KEY.fullmatch(upper) else "the letters before the dash of an issue's key"
            problems.append(OptionProblem(where, f"{key!r} is not a team key", better))
        elif key in seen:
            problems.append(OptionProblem(where, f"{key} stands twice"))
        else:
            seen.add(key)
    return problems


def _unknown(
    mapping: Mapping[Any, Any], known: Sequence[str], at: tuple[str | int, ...], words: str
) -> list[OptionProblem]:
    problems = []
    for name in mapping:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"{words}: {', '.join(known)}"
            problems.append(OptionProblem((*at, str(name)), f"unknown key {name}", hint))
    return problems
