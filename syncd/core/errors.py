"""Errors, named by what the caller does next (DESIGN §7). A library's exceptions stop at the part that owns it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from syncd.core.model import Link, Refusal


class SyncdError(Exception):
    """Everything syncd itself raises. The message is a sentence for the person who reads it."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a config file. Lines and columns count from 1.

    `path` leads to the value inside the file (keys and list positions), for a caller that knows no lines yet.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    """What to write instead."""
    severity: Literal["error", "advice"] = "error"
    text: str = ""
    """The offending line, as it stands in the file; empty where it could be a secret."""
    name: str = ""
    """Of advice that can be accepted in the file: the name to accept it by (docs/lints.md)."""


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """A connector's complaint about one of its own options, before anybody knows its line."""

    path: tuple[str | int, ...]
    """Where it stands below the tracker's mapping, such as ("scope", "projects", 0)."""
    message: str
    hint: str = ""


class ConfigError(SyncdError):
    """A person edits a file. Carries all problems of all files at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problem(s) in the configuration")


class Refused(SyncdError):
    """A person looks at a plan. The cycle goes on for the rest."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.reason)


class TrackerError(SyncdError):
    """Something about one tracker; its kinds below say what to do."""

    def __init__(self, message: str, *, tracker: str = "") -> None:
        self.tracker = tracker
        super().__init__(message)


class Unavailable(TrackerError):
    """Try later: it was not reached, limits its rate, or failed on a read. `retry_after` where it told us.

    `narrow`: only what was asked for is limited (writes to one issue, say); everything else may go on.
    """

    def __init__(
        self, message: str, *, tracker: str = "", retry_after: timedelta | None = None, narrow: bool = False
    ) -> None:
        self.retry_after = retry_after
        self.narrow = narrow
        super().__init__(message, tracker=tracker)


class InDoubt(TrackerError):
    """A write was sent and no answer came: look for the mark, never resend blind."""


class Stale(TrackerError):
    """The issue moved on: drop the action, observe again."""


class Gone(TrackerError):
    """The issue is no longer there, or no longer visible: drop the action, keep its history."""


class Denied(TrackerError):
    """Credentials or permission. `need` says what to grant, `project` where (None: everywhere).

    `type`: on issues of that type alone, whatever the project allows for the others. `key`: on that issue alone.
    """

    def __init__(
        self,
        message: str,
        *,
        need: str,
        tracker: str = "",
        project: str | None = None,
        type: str | None = None,  # noqa: A002  # the design's word for it
        key: str | None = None,
    ) -> None:
        self.need = need
        self.project = project
        self.type = type
        self.key = key
        super().__init__(message, tracker=tracker)

    @property
    def told(self) -> str:
        """What was refused, and what to grant."""
        return f"{str(self).removesuffix('.')}. Grant: {self.need}"


class Exposed(Denied):
    """Outsiders could see what was written there: it was taken back, and nothing of the kind is written there again."""


class Unreadable(TrackerError):
    """An answer that is not what we understand: set that issue aside, keep the page."""

    def __init__(self, message: str, *, tracker: str = "", link: Link | None = None) -> None:
        self.link = link
        super().__init__(message, tracker=tracker)


class StoreError(SyncdError):
    """Something about our own store; its kinds below say what to do."""


class Busy(StoreError):
    """Somebody else holds it: try again."""


class Behind(StoreError):
    """Its tables are older than this program: run `syncd migrate`."""


class Broken(StoreError):
    """It cannot be used: stop, and say why."""


def counts_text(counts: Mapping[str, int]) -> str:
    """`3 mark, 1 comment`: counts in a sentence, in the order given."""
    return ", ".join(f"{n} {name}" for name, n in counts.items())
