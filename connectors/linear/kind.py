"""Linear as a kind of tracker: its options, and what reads and writes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from syncd.core.options import scope_problems, unknown_keys
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
    return [*problems, *unknown_keys(auth, ("token",), at, "auth of linear knows")]


def _scope(scope: Any) -> Sequence[OptionProblem]:
    return scope_problems(scope, kind="linear", area="team", key=_TEAM_KEY, example="scope: {teams: [ENG, OPS]}")
