"""What runs out within two weeks, and how much work hangs on it. For the HTML report."""

from typing import Final

from syncd.core.report import Report
from syncd.render.html_parts import Markup, foreign, joined, number, tag
from syncd.render.html_tables import Column, plain_row, plain_table
from syncd.render.html_words import day

COLUMNS: Final = (Column("What"), Column("Last day"), Column("Issues", numbers=True), Column("Open", numbers=True))


def endings(report: Report) -> Markup | None:
    """One line for each rule, outcome or objective that ends soon; nothing where none does."""
    if not report.endings:
        return None
    rows = [
        plain_row(
            COLUMNS,
            joined([f"{one.what} ", tag("code", foreign(one.name))]),
            day(one.last),
            number(one.issues),
            number(one.open),
        )
        for one in report.endings
    ]
    lead = "After its last day (UTC) it matches nothing any more, for old work as for new."
    table = plain_table("Issues that are decided by it now.", COLUMNS, rows)
    return tag("section", tag("h2", "Runs out within two weeks", id="endings"), tag("p", lead, class_="lead"), table)
