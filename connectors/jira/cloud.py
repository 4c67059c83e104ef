"""Jira Cloud as a kind of tracker: its options, and what reads and writes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import sleep as really_sleep
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.http import Sleep
from connectors.jira.checkup import examine
from connectors.jira.reader import CloudReader
from connectors.jira.transport import GATEWAY, Site
from connectors.jira.writer import CloudWriter
from syncd.core.checkup import Checkup
from syncd.core.diff import Pace
from syncd.core.errors import OptionProblem
from syncd.core.options import scope_problems, unknown_keys
from syncd.core.plan import Write
from syncd.core.ports import Clock, CommentRenderer, Signature, TrackerOptions

_PROJECT_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]{1,254}")
_GATEWAY_PATH: Final = re.compile(r"/ex/jira/[0-9A-Za-z-]+/?")


@dataclass(frozen=True, slots=True)
class CloudKind:
    """A `TrackerKind`. `sleep` waits the seconds it is given, between tries."""

    comment_format: str = "adf"
    pace: Pace = field(default_factory=lambda: Pace(mark=50, comment=100))
    """PUT 50 and POST 100 a second (facts/jira.md §7)."""
    groups: bool = False
    sleep: Sleep = really_sleep

    def check(self, options: Mapping[str, Any]) -> Sequence[OptionProblem]:
        """What is wrong with a tracker's url, auth and scope, as written. Common keys are checked by `settings`."""
        return [*_url(options.get("url")), *_auth(options.get("auth")), *_scope(options.get("scope"))]

    def reader(self, options: TrackerOptions, clock: Clock) -> CloudReader:
        """A reader. Opens nothing before its first call."""
        return CloudReader(options, clock, self.sleep)

    def examine(
        self, options: TrackerOptions, clock: Clock, signature: Signature, wanted: Mapping[str, Write]
    ) -> Iterator[Checkup]:
        """What `syncd doctor` finds, for each project of `wanted` by its policy."""
        del signature
        site = Site(options, clock, self.sleep)
        try:
            yield from examine(site, wanted, mail=options.mail)
        finally:
            site.close()

    def writer(
        self, options: TrackerOptions, clock: Clock, signature: Signature, render: CommentRenderer
    ) -> CloudWriter:
        """A writer. `render` makes ADF. Opens nothing before its first call."""
        return CloudWriter(options, clock, signature, render, self.sleep)


KIND: Final = CloudKind()


def _url(url: Any) -> Sequence[OptionProblem]:
    wrong = _wrong_url(url)
    return [OptionProblem(("url",), *wrong)] if wrong else []


def _wrong_url(url: Any) -> tuple[str, str] | None:
    """What is wrong with the url, and what to write instead."""
    usual = "url: https://<site>.atlassian.net"
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        host = parts.hostname if parts else None
    except ValueError:
        parts = host = None
    if parts is None or host is None or parts.scheme not in {"http", "https"}:
        return "jira-cloud needs the url of the site", usual
    root = f"url: {parts.scheme}://{host}"
    if parts.username or parts.password:
        return "a url holds no credentials", f"{root}, and credentials under auth:"
    if parts.query or parts.fragment:
        return "the url of a site has no ? and no #", root
    if host == GATEWAY:
        hint = f"url: https://{GATEWAY}/ex/jira/<cloud id>"
        return None if _GATEWAY_PATH.fullmatch(parts.path) else ("the gateway needs the cloud id", hint)
    return (f"the url of a site ends with its name, without {parts.path}", root) if parts.path.strip("/") else None


def _auth(auth: Any) -> Sequence[OptionProblem]:
    at, hint = ("auth",), "auth: {email: <account>, token: {env: JIRA_TOKEN}}"
    if not isinstance(auth, Mapping):
        return [OptionProblem(at, "jira-cloud needs auth with email and token", hint)]
    problems = [OptionProblem(at, f"auth needs {name}", hint) for name in ("email", "token") if not auth.get(name)]
    email = auth.get("email")
    if email and (not isinstance(email, str) or "@" not in email or ":" in email):
        problems.append(OptionProblem((*at, "email"), "not the email address of an account"))
    return problems + unknown_keys(auth, ("email", "token"), at, "auth of jira-cloud knows")


def _scope(scope: Any) -> Sequence[OptionProblem]:
    return scope_problems(
        scope, kind="jira-cloud", area="project", key=_PROJECT_KEY, example="scope: {projects: [PAY, OPS]}"
    )
