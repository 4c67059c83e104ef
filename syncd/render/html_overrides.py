"""What people said on single issues, with author, reason and end, and what was said before. For the HTML report."""

from collections.abc import Sequence
from typing import Final

from syncd.core.overriding import OverrideLine
from syncd.core.report import Report
from syncd.render.html_parts import Markup, foreign, joined, number, plural, tag
from syncd.render.html_tables import Column, folded, issue_item, row, table
from syncd.render.html_words import instant_words
from syncd.render.words import how_text, target_text

SHOWN: Final = 200
"""Words of each kind on the page."""
STANDS: Final = (Column("Issue", repeated=False), Column("Serves"), Column("By"), Column("Because"), Column("Until"))
ENDED: Final = (Column("Issue", repeated=False), Column("Served"), Column("By"), Column("Because"), Column("Ended"))


def overrides(report: Report) -> Markup | None:
    """One line for each word that stands, those that ended folded below; nothing where nobody ever said anything."""
    told = report.overrides
    if not told.stand and not told.over:
        return None
    lead = "A person's word on one issue stands before every rule, until it ends or is taken back."
    parts = [tag("p", lead, class_="lead")]
    if told.stand:
        parts += _listed(f"In force: {plural(told.stand, 'word')}.", STANDS, told.standing, told.stand)
    if told.over:
        caption = "What was said before, the last ended first."
        listed = _listed(caption, ENDED, told.ended, told.over)
        parts.append(folded(f"{plural(told.over, 'word')} said before", *listed, class_="unlisted"))
    return tag("section", tag("h2", "Said by people", id="overrides"), *parts)


def _listed(caption: str, columns: Sequence[Column], lines: Sequence[OverrideLine], count: int) -> list[Markup]:
    shown = lines[:SHOWN]
    made = table(caption, columns, [[_row(columns, one) for one in shown]], label=caption, stacks=True)
    if count <= len(shown):
        return [made]
    more = tag("p", f"And {number(count - len(shown))} more; ", tag("code", "syncd override list"), " has them all.")
    return [made, more]


def _row(columns: Sequence[Column], one: OverrideLine) -> Markup:
    word = one.override
    said = tag("span", foreign(how_text(word)), f", {instant_words(word.at)}", class_="sub")
    by = joined([foreign(word.author), " ", said])
    until = one.ended or word.expires
    because = foreign(word.reason) if word.reason else "-"
    end = "-" if until is None else instant_words(until)
    return row(columns, issue_item(one.line), tag("code", foreign(target_text(word.target))), by, because, end)
