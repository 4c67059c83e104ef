"""What the daemon writes down about itself, so that its other processes and `syncd status` know: values and a port."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

WorkKind = Literal["cycle", "webhook_batch"]
"""What the engine runs: a whole cycle (with the census when that is due), or a look at what webhooks named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """A process of the daemon. Its name outlives a restart, its token does not."""

    name: str
    token: str
    started: datetime
    seen: datetime
    """When it last gave a sign of life, on its own clock."""
    beats: int = 0
    """Signs of life so far: whoever wonders whether it lives watches this number, and compares no clocks."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Of the engine, as that process last saw them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The last piece of work of a kind for a tracker: when, how it went, and when the next one may be."""

    tracker: str
    kind: WorkKind
    id: str
    """The cycle id: the same in logs and in the `X-Request-Id` of what was sent to the tracker."""
    started: datetime
    ended: datetime | None = None
    """None: it is running, or its process died."""
    failures: int = 0
    """How many in a row could not reach the tracker."""
    not_before: datetime | None = None
    """It backs off until then."""
    why: str | None = None
    """Why it was not whole."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Its canonical log line."""


class RunStore(Protocol):
    """What the daemon keeps in the store. Raises `StoreError` only."""

    def enlist(self, executor: Executor) -> None:
        """A process starts under that name; an earlier one of the same name has lost it from then on."""
        ...

    def beat(self, executor: Executor) -> bool:
        """A sign of life with its figures; False: another process runs under that name by now, or it was given up."""
        ...

    def retire(self, executor: Executor) -> None:
        """It ends in good order."""
        ...

    def executors(self) -> Sequence[Executor]:
        """All that have not ended in good order, by name."""
        ...

    def rescuing(self, executor: Executor) -> AbstractContextManager[bool]:
        """The right to take over what that one left, for the length of the block, by a lock on its row.

        False: somebody else is at it, or it has beaten since. When the block ends well, its row is gone.
        """
        ...

    def free_leases(self, executor: str) -> int:
        """Free the trackers that a process of that name holds: what it still writes under them is refused."""
        ...

    def save_attempt(self, attempt: Attempt) -> None:
        """Replace the last one of that tracker and kind."""
        ...

    def attempt(self, tracker: str, kind: str) -> Attempt | None:
        """The last one of that tracker and kind."""
        ...

    def attempts(self) -> Sequence[Attempt]:
        """The last one of each tracker and kind."""
        ...

    def verdict_counts(self, tracker: str) -> Mapping[tuple[str, str | None], int]:
        """(kind of verdict, outcome) → issues in scope."""
        ...

    def oldest_unsettled(self, tracker: str) -> datetime | None:
        """When the oldest action that is to be done, being done or dead was committed."""
        ...


LATE_INTERVALS: Final = 10
LATE_AT_LEAST: Final = timedelta(minutes=15)


def late_after(poll_every: timedelta) -> timedelta:
    """How long a tracker that the daemon polls may go unread before somebody should look."""
    return max(LATE_INTERVALS * poll_every, LATE_AT_LEAST)


def why_late(last_success: datetime | None, patience: timedelta, now: datetime) -> str | None:
    """Why a tracker was not read whole for too long; None: it was."""
    if last_success is None:
        return "it was never read whole: run `syncd once`"
    lag = now - last_success
    return f"it was not read whole for {timedelta(seconds=int(lag.total_seconds()))}" if lag > patience else None


def why_not_begun(attempt: Attempt | None, read: datetime | None) -> str | None:
    """Why the daemon's last pass did not even begin to read (a secret that is not to be had any more); None: it did.

    `read`: when reading that tracker was last begun, by whomever.
    """
    if attempt is None or not attempt.failures:
        return None
    return attempt.why if read is None or read < attempt.started else None


def holder_prefix(name: str) -> str:
    """How every lease of a process of the daemon of that name begins."""
    return f"syncd run {name}: "
