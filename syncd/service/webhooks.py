"""Webhooks as hints: who sent it is proved on the raw bytes, and all that is taken from it is which issues to look at.

Nothing depends on them: what they name is read from the tracker like anything else, and what they fail to name is
found by the next poll. So all of it may be lost, doubled, late or out of order (facts/jira.md §6, facts/linear.md §7).
"""

import hashlib
import hmac
import json
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Any, Final, Literal

from syncd.core.ports import Clock

Scheme = Literal["jira", "linear"]
SCHEMES: Final[Mapping[str, Scheme]] = {"jira-cloud": "jira", "jira-data-center": "jira", "linear": "linear"}
"""Kind of tracker → how its webhooks are signed and what they look like. Others have none."""

MOST_BYTES: Final = 1024 * 1024
WINDOW: Final = timedelta(seconds=60)
"""How old or how far ahead a Linear webhook may be."""
REMEMBERED: Final = 10_000
"""Deliveries of each tracker that are known again."""
MOST_HINTS: Final = 5_000
"""Issues of each tracker that wait to be looked at; beyond that, a whole poll costs less than looking."""
TOGETHER: Final = 500
"""Issues in one batch."""

_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_OF_ISSUES: Final = ("Comment", "Attachment", "Reaction", "IssueHistory", "CustomerNeed")
"""Linear's entities that hang on an issue and name it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a webhook came to: the answer, and what it named."""

    status: int
    outcome: str
    """`accepted`, `repeated`, or why it was refused: the label of the metric."""
    refs: tuple[str, ...] = ()
    whole: bool = False
    """It tells of something that many issues may hang on: poll the tracker soon."""


class Hints:
    """Receives webhooks, and keeps what they named until it is handed on. Safe for threads; bounded."""

    def __init__(self, kinds: Mapping[str, str], secret: Callable[[str], str | None], clock: Clock) -> None:
        self._schemes = {tracker: SCHEMES[kind] for tracker, kind in kinds.items() if kind in SCHEMES}
        self._secret = secret
        self._clock = clock
        self._lock = Lock()
        self._waiting: dict[str, _Waiting] = {tracker: _Waiting() for tracker in self._schemes}
        self.counts: Counter[tuple[str, str]] = Counter()
        """(tracker, outcome) → how many."""

    def receive(self, tracker: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """Judge one webhook and keep what it names. Header names are in lower case."""
        heard = self._judged(tracker, headers, body)
        known = tracker if tracker in self._waiting else "unknown"
        with self._lock:
            if heard.outcome == "accepted":
                heard = self._waiting[tracker].add(heard, _delivery(headers, body))
            self.counts[known, heard.outcome] += 1
        return heard

    def _judged(self, tracker: str, headers: Mapping[str, str], body: bytes) -> Heard:
        scheme = self._schemes.get(tracker)
        secret = None if scheme is None else self._secret(tracker)
        if scheme is None or not secret:
            return Heard(404, "unknown")
        if len(body) > MOST_BYTES:
            return Heard(413, "too_large")
        if not signed(scheme, secret, headers, body):
            return Heard(401, "bad_signature")
        told = _parsed(body)
        if told is None:
            return Heard(400, "unreadable")
        if scheme == "linear" and not self._timely(told.get("webhookTimestamp")):
            return Heard(401, "stale")
        refs, whole = named(scheme, told)
        return Heard(200, "accepted", refs, whole)

    def _timely(self, told: Any) -> bool:
        if not isinstance(told, int | float) or isinstance(told, bool):
            return False
        return abs(self._clock.now().timestamp() - told / 1000) <= WINDOW.total_seconds()

    def hand_on(self, batch: Callable[[str, Sequence[str]], bool], poll: Callable[[str], bool]) -> int:
        """Give what waits to whoever looks; what is not taken (False) stays. How many issues were taken."""
        taken = 0
        for tracker, waiting in self._waiting.items():
            with self._lock:
                refs, whole = waiting.first(TOGETHER), waiting.whole
            if whole and poll(tracker):
                with self._lock:
                    waiting.whole = False
            if refs and batch(tracker, refs):
                with self._lock:
                    waiting.forget(refs)
                taken += len(refs)
        return taken

    def waiting(self) -> Mapping[str, int]:
        """Tracker → issues that wait."""
        with self._lock:
            return {tracker: len(waiting.refs) for tracker, waiting in self._waiting.items()}


@dataclass(slots=True)
class _Waiting:
    """Of one tracker: what waits, in order of arrival, and which deliveries came."""

    refs: OrderedDict[str, None] = field(default_factory=OrderedDict)
    whole: bool = False
    seen: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def add(self, heard: Heard, delivery: str) -> Heard:
        if delivery in self.seen:
            return Heard(200, "repeated")
        self.seen[delivery] = None
        if len(self.seen) > REMEMBERED:
            self.seen.popitem(last=False)
        self.whole = self.whole or heard.whole
        for ref in heard.refs:
            self.refs.pop(ref, None)  # named again: looked at after what was named before
            self.refs[ref] = None
        if len(self.refs) > MOST_HINTS:
            self.refs.clear()
            self.whole = True
        return heard

    def first(self, most: int) -> list[str]:
        return [ref for ref, _ in zip(self.refs, range(most), strict=False)]

    def forget(self, refs: Sequence[str]) -> None:
        for ref in refs:
            self.refs.pop(ref, None)


def signed(scheme: Scheme, secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether whoever sent these bytes knows the secret; compared in constant time."""
    if scheme == "jira":
        method, _, given = headers.get("x-hub-signature", "").partition("=")
        if method.strip().lower() != "sha256":  # weaker ones are known to the form and refused
            return False
    else:
        given = headers.get("linear-signature", "")
    right = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), given.strip().lower().encode("utf-8", "replace"))


def _parsed(body: bytes) -> Mapping[str, Any] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def named(scheme: Scheme, told: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """The issues that a webhook is about, by id (else key), and whether more may hang on what changed."""
    if scheme == "jira":
        issue = told.get("issue")
        found = (issue.get("id") or issue.get("key")) if isinstance(issue, Mapping) else None
        return _refs(found), False
    data, kind = told.get("data"), told.get("type")
    data = data if isinstance(data, Mapping) else {}
    if kind == "Issue":
        return _refs(data.get("id")), False
    if kind in _OF_ISSUES:
        issue = data.get("issue")
        return _refs(data.get("issueId") or (issue.get("id") if isinstance(issue, Mapping) else None)), False
    return (), kind in ("Project", "Initiative", "InitiativeToProject", "IssueLabel", "ProjectLabel")


def _refs(found: Any) -> tuple[str, ...]:
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return (text,) if _REF.fullmatch(text) else ()


def _delivery(headers: Mapping[str, str], body: bytes) -> str:
    """The same for a repetition."""
    given = headers.get("x-atlassian-webhook-identifier") or headers.get("linear-delivery")
    return given[:200] if given else hashlib.sha256(body).hexdigest()
