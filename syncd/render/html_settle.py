"""What somebody must settle: conflicts, unmapped work, work below what cannot be read. For the HTML report."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from syncd.core.grouping import Group, Grouping, Unread, natural
from syncd.core.report import ConflictLine, Report
from syncd.render.html_parts import Markup, foreign, joined, number, plural, tag
from syncd.render.html_tables import (
    Column,
    folded,
    group_head,
    issue_list,
    plain_row,
    plain_table,
    row,
    table,
)

CAUSES: Final = 200
"""Causes of conflict on the page."""
GROUPS: Final = 10
"""Groups shown at once of one kind."""
MORE_GROUPS: Final = 200
"""Groups shown when unfolded."""
ISSUES: Final = 500
"""Issues of one list on the page."""
NOBODY: Final = "nobody in particular"


# --- conflicts --------------------------------------------------------------------------------------------

CONFLICT: Final = (Column("Cause"), Column("Issues", numbers=True), Column("Open", numbers=True))


def conflicts(report: Report) -> Markup:
    """Causes by what they are torn between, with both owners; most work held up first."""
    title = tag("h2", "Conflicts to settle", id="conflicts")
    if not report.conflicts:
        return tag("section", title, tag("p", "None: nothing is claimed by two outcomes.", class_="lead"))
    shown = report.conflicts[:CAUSES]
    lead = "Each cause is one decision between the owners named above it, and settles all issues that it holds up."
    bodies = [[_torn(causes), *map(_cause, causes)] for causes in _by_claims(shown)]
    caption = f"Held up: {plural(report.totals.conflict, 'issue')}, by {plural(len(report.conflicts), 'cause')}."
    made = table(caption, CONFLICT, bodies, label="Conflicts by what they are torn between", stacks=False)
    return tag("section", title, tag("p", lead, class_="lead"), made, _cut(len(report.conflicts), len(shown)))


def _by_claims(lines: Sequence[ConflictLine]) -> list[list[ConflictLine]]:
    """Causes torn between the same outcomes together; those with most open work held up first."""
    ordered = sorted(lines, key=lambda line: (_torn_between(line), -line.open, -line.issues, line.cause))
    groups = [list(same) for _, same in groupby(ordered, key=_torn_between)]
    return sorted(groups, key=lambda same: tuple(-count for count in _sums(same)))


def _sums(causes: Sequence[ConflictLine]) -> tuple[int, int]:
    """Open issues, then all of them."""
    return sum(line.open for line in causes), sum(line.issues for line in causes)


def _torn_between(line: ConflictLine) -> list[tuple[str, str]]:
    return sorted({(claim.title, claim.owner or NOBODY) for claim in line.claims})


def _torn(causes: Sequence[ConflictLine]) -> Markup:
    """The head of a group: each claim with its owner, and the sums."""
    claims = [
        joined([tag("span", foreign(title), class_="name"), " ", tag("span", foreign(owner), class_="owner")])
        for title, owner in _torn_between(causes[0])
    ]
    against = tag("span", " against ", class_="against")
    head = joined([claims[0], *(part for claim in claims[1:] for part in (against, claim))]) if claims else NOBODY
    open_, issues = _sums(causes)
    return group_head(CONFLICT, head, number(issues), number(open_))


def _cause(line: ConflictLine) -> Markup:
    name = foreign(line.cause) if line.name is None else joined([foreign(line.name), " (", foreign(line.cause), ")"])
    held = folded(name, issue_list(line.held_up, line.issues), class_="held")
    return row(CONFLICT, held, number(line.issues), number(line.open))


# --- unmapped work ----------------------------------------------------------------------------------------

GROUP: Final = (Column("Name"), Column("Issues", numbers=True), Column("Open", numbers=True))


def unmapped(report: Report) -> Markup:
    """Unmapped work by label, component and project: where one rule would say something about many issues."""
    title = tag("h2", "Unmapped work", id="unmapped")
    if not report.totals.unmapped:
        return tag("section", title, tag("p", "None: every issue that can be decided serves something.", class_="lead"))
    said = f"{plural(report.totals.unmapped, 'issue')}, {number(report.open.unmapped)} of them open. "
    lead = said + "Drop it, or say which outcome it serves: a rule on a label, component or project answers for many."
    columns = tag("div", *(_grouping(grouping) for grouping in report.groups), class_="columns")
    return tag("section", title, tag("p", lead, class_="lead"), columns, _open_unmapped(report))


def _grouping(grouping: Grouping) -> Markup:
    shown, rest = grouping.groups[:GROUPS], grouping.groups[GROUPS : GROUPS + MORE_GROUPS]
    none = f"{plural(grouping.without, 'issue')} with none" if grouping.without else "every issue has one"
    caption = f"{plural(len(grouping.groups), grouping.by)}; {none}"
    parts = [tag("h3", f"By {grouping.by}"), plain_table(caption, GROUP, map(_group, shown))]
    if rest:
        left = len(grouping.groups) - len(shown)
        more = plain_table(f"The next {number(len(rest))}", GROUP, map(_counted, rest))
        parts.append(folded(f"{plural(left, f'more {grouping.by}')}", more, class_="sub unlisted"))
    return tag("div", *parts)


def _group(group: Group) -> Markup:
    listed = folded(foreign(group.name), issue_list(group.sample, group.issues))
    return plain_row(GROUP, listed, number(group.issues), number(group.open))


def _counted(group: Group) -> Markup:
    return plain_row(GROUP, foreign(group.name), number(group.issues), number(group.open))


def _open_unmapped(report: Report) -> Markup | None:
    lines = sorted((line for line in report.unmapped if line.open), key=lambda line: natural(line.key))
    if not lines:
        return None
    listed = issue_list(lines[:ISSUES], report.open.unmapped)
    return folded(f"All {number(report.open.unmapped)} open ones, one by one", listed, class_="unlisted")


# --- work below what cannot be read -----------------------------------------------------------------------


def undecided(report: Report) -> Markup:
    """What to grant, so that the issues below can be decided."""
    title = tag("h2", "Undecided: an ancestor cannot be read", id="undecided")
    if not report.totals.incomplete:
        return tag("section", title, tag("p", "None: every ancestor could be read.", class_="lead"))
    said = f"{plural(report.totals.incomplete, 'issue')}, {number(report.open.incomplete)} of them open. "
    lead = said + "Nothing is written on them, nor taken off, until syncd can see what they hang below."
    items = [tag("li", *_grant(unread)) for unread in report.unread]
    grants = tag("ul", *items, class_="grant") if items else _listed(report)
    return tag("section", title, tag("p", lead, class_="lead"), grants)


def _grant(unread: Unread) -> Iterator[Markup]:
    yield tag("p", *_remedy(unread))
    below = f"{plural(unread.issues, 'issue')} below, {number(unread.open)} open"
    yield folded(below, issue_list(unread.sample, unread.issues), class_="sub")


def _remedy(unread: Unread) -> Iterator[str | Markup]:
    names = joined(map(foreign, unread.ancestors), ", ")
    tracker = foreign(unread.tracker)
    if unread.project is None:
        yield from ("Let syncd's account on ", tracker, " read what holds ", names, "; only its id is known.")
    elif unread.in_scope:
        yield from (names, " in ", tracker, " cannot be read although its project is in scope: it is gone, or under a ")
        yield "security level. Let syncd's account into that level, or take the issues below out from under it."
    else:
        yield from ("Let syncd's account on ", tracker, " browse the project ", tag("b", foreign(unread.project)))
        yield from (" (in Jira: the permission Browse Projects), for the sake of ", names, ".")
    yield " Or give the issues below a label that a rule knows."


def _listed(report: Report) -> Markup:
    lines = sorted(report.incomplete, key=lambda line: natural(line.key))[:ISSUES]
    return folded("The issues", issue_list(lines, report.totals.incomplete))


def _cut(count: int, shown: int) -> Markup | None:
    if count <= shown:
        return None
    return tag("p", f"And {number(count - shown)} more; ", tag("code", "syncd report --format json"), " has them all.")
