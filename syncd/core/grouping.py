"""Lists of issues for the report, and the groups a person thinks in: label, component, project.

Pure and bounded: samples are cut at `SAMPLE`, counts never are.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from syncd.core.fold import fold, fold_label
from syncd.core.model import Issue, IssueRef, Link

SAMPLE: Final = 20
"""Issues listed of one conflict, or of one group."""
NUMBER: Final = re.compile(r"\d{1,18}")

By = Literal["label", "component", "project"]
BY: Final[tuple[By, ...]] = ("label", "component", "project")


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One issue in a list. A restricted one is named by key only."""

    ref: IssueRef
    key: str
    project: str
    title: str
    url: str
    open: bool
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Issues that have one value in common, spelt as most of them spell it."""

    name: str
    issues: int
    open: int
    sample: tuple[Line, ...]
    """Some of them, open ones first."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """All groups by one field, the largest first. An issue is in as many as it has values."""

    by: By
    groups: tuple[Group, ...]
    without: int
    """Issues with no value at all (or restricted, so that none is told)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Ancestors of one project that could not be read, and how much work hangs below them."""

    tracker: str
    project: str | None
    """None: the tracker told the ancestor's id and no key."""
    in_scope: bool
    """Other issues of that project are read, so that these are hidden one by one, or gone."""
    ancestors: tuple[str, ...]
    """Some of their keys."""
    issues: int
    open: int
    sample: tuple[Line, ...]


def line_of(issue: Issue) -> Line:
    """The issue in a list; of a restricted one nothing but its key, its project and where it is."""
    told = ("", (), ()) if issue.restricted else (issue.title, _labels(issue), issue.components)
    title, labels, components = told
    return Line(issue.ref, issue.key, issue.project, title, issue.url, not issue.closed, labels, components)


def _labels(issue: Issue) -> tuple[str, ...]:
    """Each label once: one in a group of Linear's is told as `Name` and as `Group/Name`, for rules may use either."""
    if not issue.team:
        return issue.labels
    grouped = {label.rpartition("/")[2] for label in issue.labels if "/" in label}
    return tuple(label for label in issue.labels if label not in grouped)


def natural(key: str) -> tuple[str, int, str]:
    """Orders keys as people count: PAY-9 before PAY-10."""
    project, _, number = key.rpartition("-")
    return (project, int(number) if NUMBER.fullmatch(number) and number.isascii() else 0, key)


def group_by(line: Line, by: By) -> dict[str, str]:
    """The groups an issue is in: what is compared → how it is spelt here. Folded as a rule would fold it."""
    match by:
        case "label":
            return {fold_label(label): label for label in line.labels if fold_label(label)}
        case "component":
            return {fold(component): component for component in line.components if fold(component)}
        case "project":
            return {line.project: line.project}


@dataclass(slots=True)
class Sample:
    """At most `SAMPLE` of the lines added: open ones before closed ones, then as people count."""

    _lines: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Take it in, if it is among the first."""
        self._lines.append(line)
        if len(self._lines) >= 4 * SAMPLE:
            self._lines = list(self.lines())

    def lines(self) -> tuple[Line, ...]:
        """What was kept, in order."""
        return tuple(sorted(self._lines, key=lambda line: (not line.open, *natural(line.key), line.ref))[:SAMPLE])


@dataclass(slots=True)
class _Group:
    spellings: Counter[str] = field(default_factory=Counter)
    open: int = 0
    sample: Sample = field(default_factory=Sample)

    def add(self, line: Line, spelling: str) -> None:
        self.spellings[spelling] += 1
        self.open += line.open
        self.sample.add(line)

    @property
    def issues(self) -> int:
        return self.spellings.total()

    def value(self) -> Group:
        name = min(self.spellings, key=lambda spelling: (-self.spellings[spelling], spelling))
        return Group(name, self.issues, self.open, self.sample.lines())


class Groups:
    """Lines by label, component and project, counted as they come."""

    def __init__(self) -> None:
        self._groups: dict[By, dict[str, _Group]] = {by: {} for by in BY}
        self._without: Counter[By] = Counter()

    def add(self, line: Line) -> None:
        """Count it in each group it is in."""
        for by in BY:
            found = group_by(line, by)
            for name, spelling in found.items():
                self._groups[by].setdefault(name, _Group()).add(line, spelling)
            self._without[by] += not found

    def ordered(self) -> tuple[Grouping, ...]:
        """The groups, the largest first."""
        return tuple(Grouping(by, tuple(_ordered(self._groups[by].values())), self._without[by]) for by in BY)


def _ordered(groups: Collection[_Group]) -> Sequence[Group]:
    return sorted((group.value() for group in groups), key=lambda group: (-group.issues, group.name))


class UnreadGroups:
    """Incomplete issues by the project of the ancestor that could not be read."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], _Group] = {}

    def add(self, line: Line, missing: Link | None) -> None:
        """Count an issue below that ancestor (None: it can be read by now, and the next cycle decides the issue)."""
        if missing is not None:
            project = "" if missing.key is None else missing.key.rpartition("-")[0]
            self._groups.setdefault((line.ref.tracker, project), _Group()).add(line, str(missing))

    def ordered(self, projects: Collection[tuple[str, str]]) -> tuple[Unread, ...]:
        """Most work first. `projects` are those (tracker, key) that are in scope."""
        ordered = sorted(self._groups.items(), key=lambda item: (-item[1].issues, item[0]))
        return tuple(
            Unread(
                tracker=tracker,
                project=project or None,
                in_scope=(tracker, project) in projects,
                ancestors=tuple(sorted(group.spellings, key=natural)[:SAMPLE]),
                issues=group.issues,
                open=group.open,
                sample=group.sample.lines(),
            )
            for (tracker, project), group in ordered
        )
