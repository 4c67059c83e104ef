"""What Linear lets us ask for: leaky buckets, read off the headers of every answer. Nothing is hard-coded.

A bucket of `limit` an hour gives back limit/3600 a second, at once and always; its `reset` header says now + 1 h even
when next to nothing is missing. So the wait is what is missing over the rate, and never until `reset`
(facts/linear.md §2).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was left of a limit at an instant (our clock)."""

    limit: float
    left: float
    at: datetime

    def wait(self, needed: float, now: datetime) -> float:
        """The seconds until that much is left. More than the bucket holds is asked for with a full one."""
        rate = self.limit / HOUR
        have = min(self.limit, self.left + max(0.0, (now - self.at).total_seconds()) * rate)
        missing = min(needed, self.limit) - have
        return missing / rate if missing > 0 else 0.0


class Budget:
    """The buckets of one account as its answers told them: of requests, of complexity, of single endpoints."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._cost: dict[str, float] = {}

    def learn(self, document: str, headers: Mapping[str, str], now: datetime) -> None:
        """Take over what an answer to that document told. What is no number tells nothing."""
        told = {name.lower(): value for name, value in headers.items()}
        self._keep("requests", told, "x-ratelimit-requests", now)
        self._keep("complexity", told, "x-ratelimit-complexity", now)
        self._keep(f"endpoint {document}", told, "x-ratelimit-endpoint-requests", now)
        cost = _number(told.get("x-complexity"))
        if cost is not None:
            self._cost[document] = cost

    def wait(self, document: str, now: datetime) -> float:
        """The seconds to wait before that document may be sent; 0 where nothing is known that forbids it."""
        needed = {"requests": 1.0, "complexity": self._cost.get(document, 0.0), f"endpoint {document}": 1.0}
        waits = [bucket.wait(needed[name], now) for name, bucket in self._buckets.items() if name in needed]
        return max(waits, default=0.0)

    def refused(self, document: str, error: Mapping[str, Any], now: datetime) -> float | None:
        """The seconds to wait after a refusal: by what it says itself, else by the headers; None: neither tells."""
        extensions = error.get("extensions")
        meta = extensions.get("meta") if isinstance(extensions, Mapping) else None
        result = meta.get("rateLimitResult") if isinstance(meta, Mapping) else None
        told = result if isinstance(result, Mapping) else {}
        limit, duration = _number(told.get("limit")), _number(told.get("duration"))
        known = self.wait(document, now)
        if not limit or not duration:
            return known or None
        missing = (_number(told.get("requested")) or 1.0) - (_number(told.get("remaining")) or 0.0)
        return max(known, min(missing, limit) / (limit / (duration / 1000)), 0.0)

    def _keep(self, name: str, told: Mapping[str, str], header: str, now: datetime) -> None:
        limit, left = _number(told.get(f"{header}-limit")), _number(told.get(f"{header}-remaining"))
        if limit and left is not None:
            self._buckets[name] = Bucket(limit, left, now)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None
