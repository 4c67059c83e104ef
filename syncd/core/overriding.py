"""People's words on single issues as the report lists them: what stands, and what was said before and ended. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from syncd.core.grouping import Line, line_of
from syncd.core.model import Issue, IssueRef, Override

LISTED: Final = 10_000
"""Words of each kind that are listed; the counts are never cut."""


@dataclass(frozen=True, slots=True)
class OverrideLine:
    """A word, the issue it was said on, and when it ended. On restricted work the reason is not told."""

    line: Line
    override: Override
    ended: datetime | None = None
    """None: it stands."""

    @property
    def key(self) -> str:
        """The issue's."""
        return self.line.key


@dataclass(frozen=True, slots=True)
class Overrides:
    """Words on issues in scope."""

    standing: tuple[OverrideLine, ...] = ()
    """The latest first."""
    ended: tuple[OverrideLine, ...] = ()
    """The last ended first."""
    stand: int = 0
    """How many stand, listed or not."""
    over: int = 0
    """How many ended."""


def override_lines(
    words: Iterable[tuple[Override, datetime | None]], issues: Mapping[IssueRef, Issue], now: datetime
) -> Overrides:
    """The words on those issues; one that ran out is over, also where no cycle has come since to end it."""
    told = [_line(word, ended, issues[word.ref], now) for word, ended in words if word.ref in issues]
    standing = sorted((one for one in told if one.ended is None), key=lambda one: one.override.at, reverse=True)
    ended = sorted((one for one in told if one.ended is not None), key=lambda one: one.ended or now, reverse=True)
    return Overrides(tuple(standing[:LISTED]), tuple(ended[:LISTED]), len(standing), len(ended))


def _line(word: Override, ended: datetime | None, issue: Issue, now: datetime) -> OverrideLine:
    over = ended if ended is not None or word.stands(now) else word.expires
    return OverrideLine(line_of(issue), replace(word, reason=None) if issue.restricted else word, over)
