"""An answer of a server, and what can be told from it: its words about an error, when to come again, what is left.

Trackers are not of one mind about any of these, and proxies before them answer in shapes of their own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import orjson

_TOLD_AT_MOST: Final = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: parsed JSON (None without a body), and when, on its clock (UTC)."""

    method: str
    path: str
    status: int
    value: Any
    at: datetime
    content: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def faulted(self) -> Mapping[str, Any]:
        """Jira's `errors{}`: the fields that a 400 speaks of. Message texts are localised, these keys are not."""
        errors = self.value.get("errors") if isinstance(self.value, Mapping) else None
        return errors if isinstance(errors, Mapping) else {}


def said(answer: Answer) -> str:
    """An error's own words, from every shape they come in, at most a few lines of them."""
    value, told = answer.value, list[str]()
    if isinstance(value, Mapping):
        for name in ("errorMessages", "errorMessage", "message", "title", "detail"):
            told += _texts(value.get(name))
        errors = value.get("errors")
        if isinstance(errors, Mapping):
            told += [f"{name}: {text}" for name, text in errors.items()]
        elif isinstance(errors, list):
            told += [_graphql(error) for error in errors if isinstance(error, Mapping)]
    elif answer.content:
        told.append(_summary(answer.content[:20_000].decode("utf-8", "replace")))
    text = "; ".join(" ".join(part.split()) for part in told if part) or "no explanation"
    return text if len(text) <= _TOLD_AT_MOST else text[: _TOLD_AT_MOST - 1] + "…"


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []


def _graphql(error: Mapping[Any, Any]) -> str:
    """A GraphQL error: its message is terse, what is meant for people stands beside it (facts/linear.md §4)."""
    more = error.get("extensions")
    words = [error.get("message"), more.get("userPresentableMessage") if isinstance(more, Mapping) else None]
    return ": ".join(dict.fromkeys(str(word) for word in words if word))


def _summary(text: str) -> str:
    if not re.search(r"<(html|!doctype|head|body)", text, re.IGNORECASE):
        return text[:100]
    title = re.search(r"<title[^>]*>(.{0,200}?)</title>", text, re.IGNORECASE | re.DOTALL)
    return f'an HTML page titled "{title[1].strip()}"' if title else "an HTML page"


def parsed(content: bytes) -> tuple[Any, str | None]:
    """The JSON value, and what is wrong with it if something is."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        return None, None
    try:
        return orjson.loads(content), None
    except orjson.JSONDecodeError:
        pass  # it refuses a lone surrogate: one hostile title would make a whole page unreadable
    try:
        return json.loads(content), None
    except (ValueError, RecursionError) as error:
        return None, f"something unreadable ({type(error).__name__})"


def retry_after(headers: httpx.Headers, tracker_now: datetime) -> float | None:
    """The seconds a server asks us to wait: Retry-After as seconds, decimals or a date, else X-RateLimit-Reset."""
    told = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", told):
        return float(told)
    until = http_date(told) or _iso(headers.get("X-RateLimit-Reset", ""))
    return None if until is None else max(0.0, (until - tracker_now).total_seconds())


def left_of_limits(headers: httpx.Headers) -> dict[str, float]:
    """`X-RateLimit-Remaining` and its like: the name of the limit (`requests` where it has none) → what is left."""
    left = {}
    for name, value in headers.items():
        told = re.fullmatch(r"x-ratelimit-(?:([a-z-]{1,40})-)?remaining", name)
        if told and re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", value):
            left[told[1] or "requests"] = float(value)
    return left


def _iso(text: str) -> datetime | None:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def http_date(text: str | None) -> datetime | None:
    """An instant as HTTP writes it, in whole seconds (aware); None for what is none."""
    try:
        told = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
