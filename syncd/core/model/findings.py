"""Findings: what a person should settle."""

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal[
    "conflict", "divergence", "drift", "denied", "unreadable", "foreign", "unknown-mark", "lost-write", "cycle",
    "unknown-field", "cel", "twin", "census", "index-lag", "hidden", "not-read", "automation", "second-store",
    "override", "dispute", "token-expires", "public-comment",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should settle. `kind` and `cause` name it: a second one of the same name is the same."""

    tracker: str
    kind: FindingKind
    cause: str
    text: str
    """What is wrong and what to do, for a person."""
    key: str | None = None
    owner: str | None = None
    """Who should settle it: one name, or several between commas."""
    issue: str | None = None
    """The id of the issue it is about, if it closes when that issue has been looked at and shows it no more."""
