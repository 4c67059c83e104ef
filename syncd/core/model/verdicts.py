"""The verdicts: what was decided about an issue, by which evidence, and the words of people that override rules."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from syncd.core.model.rules import Target
from syncd.core.model.work import IssueRef


class Evidence(NamedTuple):
    """Why something spoke, in words a person understands, with the values seen."""

    source: str
    """The rule's id, or `override`."""
    key: str
    """The key of the issue it spoke on: the issue itself or an ancestor."""
    texts: tuple[str, ...]
    """One per condition met, such as: label "SRE" matches "sre"."""


class Candidate(NamedTuple):
    """One of the targets that disagree, with all that spoke for it."""

    target: Target
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """It serves that outcome."""

    outcome: str
    objective: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """People or rules of equal standing disagree. Nobody guesses."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Nothing spoke. `incomplete`: an ancestor that might have spoken could not be read."""

    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Exempt:
    """Declared overhead (its id), or out of scope by rule (`overhead` is None); `why` in a person's words."""

    overhead: str | None
    why: str


Verdict = Mapped | Conflict | Unmapped | Exempt


class Via(StrEnum):
    """The level that decided."""

    OVERRIDE = "override"
    RULE = "rule"
    INHERITED = "inherited"
    DEFAULT = "default"


class Decision(NamedTuple):
    """The verdict for one issue under one rulebook, with its evidence.

    A tuple, as `Evidence` is: one is made of every issue in every pass.
    """

    ref: IssueRef
    verdict: Verdict
    via: Via | None = None
    evidence: tuple[Evidence, ...] = ()
    spoke: IssueRef | None = None
    """The ancestor that decided, when inherited."""
    cause: str | None = None
    """What a conflict comes from: `rules a + b`, or `issue KEY` when inherited. One cause, one finding."""
    diverges_from: str | None = None
    """Mapped otherwise than its nearest speaking ancestor: that ancestor's key."""

    @property
    def pair(self) -> tuple[str, str | None]:
        """The verdict as (kind, outcome): what counts as changed, and what does not (DESIGN §4)."""
        return verdict_pair(self.verdict)


def verdict_pair(verdict: Verdict) -> tuple[str, str | None]:
    """(kind, outcome): kind is `mapped`, `conflict`, `unmapped`, `incomplete` or `exempt`."""
    match verdict:
        case Mapped(outcome=outcome):
            return ("mapped", outcome)
        case Conflict():
            return ("conflict", None)
        case Unmapped(incomplete=incomplete):
            return ("incomplete" if incomplete else "unmapped", None)
        case Exempt(overhead=overhead):
            return ("exempt", overhead)


class OverrideSource(StrEnum):
    """How a person said it."""

    MARK = "mark"
    COMMAND = "command"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's word on one issue. `mark` is the label that says it, when one does."""

    ref: IssueRef
    target: Target | None
    """None: `auto`, the rules decide, whatever was said before."""
    source: OverrideSource
    author: str
    at: datetime
    reason: str | None = None
    expires: datetime | None = None
    mark: str | None = None

    def stands(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < self.expires


class Origin(StrEnum):
    """Why a verdict came to be what it is: what a guard weighs together, and what a comment may be due to."""

    ISSUE = "issue"
    """Somebody created or changed that very issue."""
    ANCESTOR = "ancestor"
    """Somebody changed an ancestor."""
    FIRST = "first"
    """First observation of a project, or the issue came into scope."""
    RULEBOOK = "rulebook"
    """The rules, the strategy, or their dates changed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision with its history: since when that (kind, outcome) holds, why, and how fresh the issue was then."""

    decision: Decision
    since: datetime
    """When that pair was first seen."""
    origin: Origin
    changed: datetime
    """`updated` of the issue when the pair was first seen: was somebody still typing?"""
    version: str
    """The rulebook version it was last decided under."""
