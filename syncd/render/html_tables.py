"""Tables and lists of issues for the HTML report.

A table of the class `rows` turns into blocks on a small screen; the roles say what its parts are all the same, and
`data-label` says the column's name where its head is out of sight.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from syncd.core.grouping import Line
from syncd.render.html_parts import Content, Markup, foreign, joined, link, tag


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head, whether it holds numbers, whether a stacked cell repeats the head."""

    head: str
    numbers: bool = False
    repeated: bool = True


def table(
    caption: Content, columns: Sequence[Column], bodies: Iterable[Iterable[Markup]], *, label: str, stacks: bool
) -> Markup:
    """A table in a box of its own that scrolls when the table is too wide. `bodies` are groups of rows.

    `stacks`: on a small screen each row becomes a block; for tables of more columns than fit there.
    """
    heads = [tag("th", c.head, scope="col", role="columnheader", class_=_n(c)) for c in columns]
    groups = [tag("tbody", *rows, role="rowgroup") for rows in bodies]
    head = tag("thead", tag("tr", *heads, role="row"), role="rowgroup")
    made = tag("table", tag("caption", caption), head, *groups, class_="rows" if stacks else None, role="table")
    return tag("div", made, class_="wide", role="region", aria_label=label, tabindex="0")


def row(columns: Sequence[Column], first: Content, *cells: Content) -> Markup:
    """A row of which the first cell is the head."""
    return tag("tr", tag("th", first, scope="row", role="rowheader"), *_cells(columns, cells), role="row")


def group_head(columns: Sequence[Column], first: Content, *cells: Content) -> Markup:
    """A row that is the head of the rows below it in its body, with their sums."""
    head = tag("th", first, scope="rowgroup", role="rowheader")
    return tag("tr", head, *_cells(columns, cells), class_="group", role="row")


def plain_table(caption: Content, columns: Sequence[Column], rows: Iterable[Markup]) -> Markup:
    """A small table that fits every screen as it is."""
    heads = [tag("th", c.head, scope="col", class_=_n(c)) for c in columns]
    return tag("table", tag("caption", caption), tag("thead", tag("tr", *heads)), tag("tbody", *rows))


def plain_row(columns: Sequence[Column], first: Content, *cells: Content) -> Markup:
    """A row of a small table."""
    made = [tag("td", cell, class_=_n(c)) for c, cell in zip(columns[1:], cells, strict=True)]
    return tag("tr", tag("th", first, scope="row"), *made)


def _cells(columns: Sequence[Column], cells: Iterable[Content]) -> Iterator[Markup]:
    for column, cell in zip(columns[1:], cells, strict=True):
        yield tag("td", cell, role="cell", class_=_n(column), data_label=column.head if column.repeated else None)


def _n(column: Column) -> str | None:
    return "n" if column.numbers else None


def issue_list(lines: Iterable[Line], of: int | None = None) -> Markup:
    """Issues one by one with their links; `of` is how many there are in all."""
    shown = list(lines)
    items = [tag("li", issue_item(line)) for line in shown]
    if of is not None and of > len(shown):
        items.append(tag("li", f"and {of - len(shown):,} more", class_="more"))
    return tag("ul", *items, class_="issues")


def issue_item(line: Line) -> Markup:
    """`PAY-12 Title`, the key being the link. A restricted issue has no title here."""
    title = joined([" ", tag("span", foreign(line.title), class_="title")]) if line.title else None
    done = None if line.open else joined([" ", tag("span", "(done)", class_="closed")])
    return joined([link(line.url, foreign(line.key)), title, done])


def folded(summary: Content, *content: Content, class_: str | None = None) -> Markup:
    """Content that a reader unfolds."""
    return tag("details", tag("summary", summary), *content, class_=class_)
