"""The dashboard: one comment on an issue that an admin made for it, with counts and keys and nothing else. Pure.

Nothing of work under a security level or of a private team is counted or named. It is written anew only where it says
something else than the time, and at most once an hour.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from syncd.core.model import Comment, Decision, Issue, Run, StickyComment
from syncd.core.ports import Known

EVERY: Final = timedelta(hours=1)
KIND: Final = "dashboard"
"""The kind of pair that its comment is written for."""
LISTED: Final = 10
KEYS: Final = 3
KINDS: Final = ("mapped", "unmapped", "conflict", "exempt", "incomplete")


OF_ISSUES: Final = ("issue ", "overrides on ")
"""How causes begin that name issues."""
HIDDEN: Final = "work above that not everybody may see"


@dataclass(slots=True)
class _Cluster:
    issues: int = 0
    keys: list[str] = field(default_factory=list)

    def add(self, key: str) -> None:
        self.issues += 1
        if len(self.keys) < KEYS:
            self.keys.append(key)

    def join(self, other: "_Cluster") -> None:
        self.issues += other.issues
        self.keys = [*self.keys, *other.keys][:KEYS]


@dataclass(slots=True)
class Figures:
    """Open issues of one tracker, as far as everybody may know of them."""

    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    conflicts: dict[str, _Cluster] = field(default_factory=dict)
    unmapped: dict[str, _Cluster] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Iterable[Known]) -> "Figures":
        """Count a stream of issues."""
        figures = cls()
        for one in known:
            if one.standing is not None and not one.issue.restricted and not one.issue.closed:
                figures._add(one.issue, one.standing.decision)
        return figures

    def _add(self, issue: Issue, decision: Decision) -> None:
        kind, outcome = decision.pair
        self.kinds[kind] += 1
        if kind == "mapped" and outcome is not None:
            self.outcomes[outcome] += 1
        if kind == "conflict":
            self.conflicts.setdefault(decision.cause or issue.key, _Cluster()).add(issue.key)
        if kind == "unmapped":
            self.unmapped.setdefault(issue.project, _Cluster()).add(issue.key)

    def named(self) -> frozenset[str]:
        """The keys of issues that causes of conflict name: some may be of work that not everybody may see."""
        return frozenset(key for cause in self.conflicts for key in _named_in(cause))

    def hide(self, keys: Collection[str]) -> None:
        """Tell causes that name one of these issues as one, and without its key."""
        for cause in [cause for cause in self.conflicts if keys and not _named_in(cause).isdisjoint(keys)]:
            self.conflicts.setdefault(HIDDEN, _Cluster()).join(self.conflicts.pop(cause))


def _named_in(cause: str) -> frozenset[str]:
    parts = cause.removeprefix("overrides on ").split(" + ") if cause.startswith(OF_ISSUES) else ()
    return frozenset(part.removeprefix("issue ") for part in parts)


def dashboard_pair(comment: Comment, now: datetime) -> tuple[str, str]:
    """What is kept of a dashboard that is written: a hash of what it says, but for the time, and when that was."""
    said = repr([[run.text for run in runs] for runs in comment.paragraphs[:-1]])
    return KIND, f"{hashlib.sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:16]} {now.isoformat()}"


def dashboard_due(there: StickyComment | None, now: datetime) -> bool:
    """Whether an hour has passed since it was written last."""
    if there is None or there.pair is None or there.pair[0] != KIND or there.pair[1] is None:
        return True
    return now - datetime.fromisoformat(there.pair[1].partition(" ")[2]) >= EVERY


def says_otherwise(there: StickyComment | None, pair: tuple[str, str]) -> bool:
    """Whether something but the time is new."""
    if there is None or there.pair is None or there.pair[0] != KIND:
        return True
    return (there.pair[1] or "").partition(" ")[0] != pair[1].partition(" ")[0]


def dashboard_comment(figures: Figures, read: datetime) -> Comment:
    """What it says. `read`: when the tracker was last read whole."""
    known = figures.kinds.total() - figures.kinds["incomplete"]
    covered = figures.kinds["mapped"] + figures.kinds["exempt"]
    share = f"{covered / known:.0%}" if known else "nothing"
    counts = ", ".join(f"{figures.kinds[kind]} {kind}" for kind in KINDS)
    lines = [
        (Run(f"Covered: {share} of {known} open issues.", "strong"), Run(f" {counts}.")),
        (Run(f"By outcome: {_counted(figures.outcomes) or 'none'}."),),
        (Run(f"Conflicts: {_clusters(figures.conflicts) or 'none'}."),),
        (Run(f"Unmapped: {_clusters(figures.unmapped) or 'none'}."),),
        (Run(f"Last read whole at {read.astimezone(UTC):%Y-%m-%d %H:%M} UTC. Close this issue to stop these edits."),),
    ]
    return Comment(tuple(lines))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _clusters(clusters: dict[str, _Cluster]) -> str:
    ordered = sorted(clusters.items(), key=lambda item: (-item[1].issues, item[0]))
    shown = [
        f"{name}: {c.issues} ({', '.join(c.keys)}{', …' if c.issues > KEYS else ''})" for name, c in ordered[:LISTED]
    ]
    return "; ".join([*shown, *([f"and {len(ordered) - LISTED} more"] if len(ordered) > LISTED else [])])
