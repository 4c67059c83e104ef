"""Linear's refusals, in the shapes that were seen from outside. The HTTP status classifies none of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEVELOPER_DOCS = "https://linear.app/developers/rate-limiting"


@dataclass(frozen=True, slots=True)
class Body:
    """A refusal of a whole request: HTTP status and the one error in it."""

    status: int
    error: Mapping[str, Any]


class LinearError(Exception):
    """A refusal. `shown` is what Linear means for people; `message` is terse and nobody should read it.

    Inside a field it is answered on HTTP 200; raised before execution, on `status`.
    """

    def __init__(
        self,
        message: str,
        shown: str,
        *,
        kind: str = "invalid input",
        code: str = "INPUT_ERROR",
        status: int = 400,
        user: bool = True,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.status = message, status
        told = {"type": kind, "code": code, "statusCode": status, "userError": user, "userPresentableMessage": shown}
        self.extensions: dict[str, Any] = {**told, **(more or {})}

    def body(self, status: int | None = None) -> Body:
        """As the answer to the whole request."""
        answered = self.status if status is None else status
        extensions = {**self.extensions, "http": {"headers": {}, "status": answered}}
        return Body(answered, {"message": self.message, "extensions": extensions})


def not_found(what: str) -> LinearError:
    """There is none, or none that this key may see: the same words for both."""
    return LinearError(f"Entity not found: {what}", f"Could not find referenced {what}.")


def bad_argument(told: str, *, name: str = "", constraint: str = "custom") -> LinearError:
    """An argument that its own rules refuse: HTTP 200, code INVALID_INPUT."""
    why = [{"property": name, "children": [], "constraints": {constraint: told}}]
    return LinearError(
        "Argument Validation Error", told, code="INVALID_INPUT", more={"validationErrors": why, "meta": {}}
    )


def conflict(what: str, identity: str) -> LinearError:
    """A client's id that is there already."""
    return LinearError(f"conflict on insert of {what}", f"Entity {what} with id {identity} already exists.")


def no_label_rights() -> LinearError:
    """The team or the workspace lets only its owners manage labels."""
    return LinearError(
        "Feature not accessible",
        "You don't have permission to manage labels.",
        kind="feature not accessible",
        code="FORBIDDEN",
        status=403,
    )


def forbidden(told: str) -> LinearError:
    """What this key or this user may not do."""
    return LinearError("Forbidden", told, kind="forbidden", code="FORBIDDEN", status=403)


def internal(told: str = "Internal server error") -> LinearError:
    """Something of Linear's own went wrong."""
    return LinearError(told, told, kind="internal error", code="INTERNAL_SERVER_ERROR", status=500, user=False)


def unauthenticated() -> LinearError:
    """No key, or a wrong one."""
    return LinearError(
        "Authentication required, not authenticated",
        "You need to authenticate to access this operation.",
        kind="authentication error",
        code="AUTHENTICATION_ERROR",
        status=401,
    )


def bearer_with_key() -> LinearError:
    """`Bearer lin_api_…`: a key is sent bare."""
    told = (
        "It looks like you're trying to use an API key as a Bearer token. "
        "Remove the Bearer prefix from the Authorization header."
    )
    return LinearError(told, told, kind="authentication error")


def rate_limited(what: str, limit: float, requested: float, remaining: float) -> LinearError:
    """Over the budget: HTTP 400, and 429 only inside. `what` is "requests" or "complexity"."""
    allowed = f"Only {limit:.0f} {what} are allowed" if what == "requests" else f"Only {limit:.0f} {what} is allowed"
    told = (
        f"Rate limit exceeded. {allowed} per 1 hour. For more information see our developer docs at: {DEVELOPER_DOCS}"
    )
    result = {
        "allowed": False,
        "requested": requested,
        "remaining": int(remaining),
        "duration": 3_600_000,
        "limit": limit,
    }
    refused = LinearError(
        told, told, kind="ratelimited", code="RATELIMITED", more={"meta": {"rateLimitResult": result}}
    )
    refused.extensions["statusCode"] = 429
    return refused


def too_complex(price: float, most: float) -> LinearError:
    """One document over the limit of one document; the number stands in what people are shown only."""
    told = f"Complexity: {price}. Maximum allowed complexity: {most:.0f}."
    return LinearError("Query too complex", told)


def malformed(message: str, code: str) -> LinearError:
    """A document that does not parse, does not fit the schema, or variables that do not fit the document."""
    return LinearError(message, message, kind="graphql error", code=code)
