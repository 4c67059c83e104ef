"""What a handler is given, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.sandbox.values import Person

JSON = "application/json;charset=UTF-8"
PROBLEM = "application/problem+json"
INVALID_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."


class JiraError(Exception):
    """A request that Jira would refuse, in Jira's own words. `messages` and `errors` may both be empty."""

    def __init__(self, status: int, *messages: str, errors: Mapping[str, str] | None = None, body: Any = None) -> None:
        super().__init__(status, messages, errors)
        self.answer = Answer.of(
            body if body is not None else {"errorMessages": list(messages), "errors": dict(errors or {})}, status
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body bytes, content type. `body` None is an answer without content."""

    status: int = 200
    body: bytes | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200) -> "Answer":
        """The value as JSON."""
        return cls(status, orjson.dumps(value))


def problem(status: int, title: str, detail: str) -> Answer:
    """The other error shape of Jira Cloud, without `errorMessages` (facts §1)."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Answer(status, orjson.dumps(body), PROBLEM)


class ProblemError(JiraError):
    """A refusal answered as application/problem+json."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(status, detail)
        self.answer = problem(status, title, detail)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `actor` is None when nobody is logged in."""

    method: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    content_type: str
    raw: bytes
    actor: Person | None
    cached: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str | None = None) -> str | None:
        """A query parameter's first value."""
        values = self.query.get(name)
        return values[0] if values else default

    def listed(self, name: str) -> list[str] | None:
        """A list parameter, whether repeated or comma-separated; None when not given."""
        values = self.query.get(name)
        if values is None:
            return None
        return [part.strip() for value in values for part in value.split(",") if part.strip()]

    def integer(self, name: str, default: int) -> int:
        """A whole number; anything else is refused as a problem document (facts §1)."""
        value = self.text(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            detail = f"Failed to convert '{name}' with value: '{value}'"
            raise ProblemError(400, "Bad Request", detail) from None

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean; only `true` and `false` are understood, all else is the default (facts §5)."""
        return {"true": True, "false": False}.get(self.text(name) or "", default)

    def value(self) -> Any:
        """The body as JSON of any kind."""
        if "json" not in self.content_type:
            kind = self.content_type or "none"
            raise ProblemError(415, "Unsupported Media Type", f"Content-Type '{kind}' is not supported.")
        try:
            return orjson.loads(self.raw)
        except orjson.JSONDecodeError:
            raise JiraError(400, body={"errorMessages": [INVALID_PAYLOAD]}) from None

    def body(self, allowed: frozenset[str] | None = None) -> dict[str, Any]:
        """The body as an object; a property outside `allowed` is refused with `errorMessages` alone."""
        value = self.value()
        if not isinstance(value, dict) or (allowed is not None and not allowed >= value.keys()):
            raise JiraError(400, body={"errorMessages": [INVALID_PAYLOAD]})
        return value

    def required_actor(self) -> Person:
        """Who is logged in.

        Raises:
            JiraError: 401, nobody is.
        """
        if self.actor is None:
            raise JiraError(401, "Client must be authenticated to access this resource.")
        return self.actor


def strings(body: Mapping[str, Any], name: str) -> list[str] | None:
    """A list of strings from a body, None when absent."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise JiraError(400, body={"errorMessages": [INVALID_PAYLOAD]})
    return value
