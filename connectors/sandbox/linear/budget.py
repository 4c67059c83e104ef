"""Leaky buckets, one pair for each user: what is spent trickles back all the time, on the workspace's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

PERIOD = timedelta(hours=1)


@dataclass(slots=True)
class Bucket:
    """`limit` a period, refilled evenly. `reset` is always a whole period from now, however little is missing."""

    limit: float
    left: float
    at: datetime

    def refill(self, now: datetime) -> None:
        """Adds what has trickled in since it was last looked at; a clock that goes back adds nothing."""
        passed = max(now - self.at, timedelta(0))
        self.left = min(self.limit, self.left + self.limit * (passed / PERIOD))
        self.at = max(now, self.at)

    def take(self, amount: float, now: datetime) -> bool:
        """Spends, or says that there is not enough and leaves all as it is."""
        self.refill(now)
        if self.left < amount:
            return False
        self.left -= amount
        return True

    def reset(self, now: datetime) -> int:
        """What the header says, in epoch milliseconds."""
        return int((now + PERIOD).timestamp() * 1000)


@dataclass(slots=True)
class Budget:
    """What one user has in an hour, whatever key is used."""

    requests: Bucket
    complexity: Bucket

    def headers(self, price: float, now: datetime) -> dict[str, str]:
        """As they stand on every answer."""
        told = {"x-complexity": f"{price:g}" if price < 1e6 else str(price)}  # noqa: PLR2004 (where g turns to exponents)
        for name, bucket in (("requests", self.requests), ("complexity", self.complexity)):
            bucket.refill(now)
            told[f"x-ratelimit-{name}-limit"] = f"{bucket.limit:.0f}"
            told[f"x-ratelimit-{name}-remaining"] = str(int(bucket.left))
            told[f"x-ratelimit-{name}-reset"] = str(bucket.reset(now))
        return told
