"""A plan, its actions and omissions, its limits, and the receipt of one write."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from syncd.core.model.verdicts import Origin
from syncd.core.model.work import IssueRef

ActionKind = Literal["mark", "comment", "uncomment", "unsign"]
"""`unsign` takes off the copy that travels with a mark, once the mark is gone: only `syncd withdraw` does that."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in a comment."""

    text: str
    style: Literal["plain", "strong", "code"] = "plain"


@dataclass(frozen=True, slots=True)
class Comment:
    """What the sticky comment says, free of any tracker's markup: paragraphs of runs."""

    paragraphs: tuple[tuple[Run, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One write to one issue, with its why."""

    ref: IssueRef
    key: str
    project: str
    kind: ActionKind
    why: str
    revision: int
    """The revision of `applied` it starts from."""
    origin: Origin
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    comment: Comment | None = None
    comment_id: str | None = None
    """The comment to edit or to remove; None: create one."""
    pair: tuple[str, str | None] | None = None
    """The verdict pair that it is written for. No part of what names a write."""
    notifies: tuple[str, ...] = ()
    """Who is told of it, if it mails: assignee and reporter, by folded name. No part of what names a write."""
    rules: tuple[str, ...] = ()
    """The rules that spoke in what a comment says. No part of what names a write."""
    type: str = ""
    """The type of its issue, as a tracker may allow a write for some types and not for others; empty: not known. No
    part of what names a write."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A write not made, with its why. `lasting`: only an edit of the issue or of the settings can change that."""

    ref: IssueRef
    key: str
    why: str
    lasting: bool = False
    add: tuple[str, ...] = ()
    """With `remove`, what would be written but for `write: observe`: an admin looks at it before changing that."""
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered writes that close the gap between what is decided and what is there."""

    actions: tuple[Action, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a plan waits for a person: see `syncd.core.plan.guard`."""

    share: float = 0.3
    actions: int = 500
    always: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A plan that breaks the limits and waits for a person, in numbers."""

    tracker: str
    reason: str
    digest: str
    counts: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a write was done: when, on the tracker's clock, and the comment's id where one was written."""

    at: datetime
    comment_id: str | None = None
    lacks: str = ""
    """What should have gone with it and was refused, for a person: the write itself was done."""
    mailed: bool = False
    """It told people though it should be silent: `marks.mail` allows that where silence is not."""
