"""Report → one self-contained HTML page: light, dark, print; no script, no request, no style but its own.

What the page says comes first as a sentence and a number, then as a table. Everything foreign goes through
`syncd.render.html_parts.tag`, which escapes it.
"""

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from syncd.core.report import Coverage, Report
from syncd.render.html_endings import endings
from syncd.render.html_overrides import overrides
from syncd.render.html_parts import Markup, foreign, joined, number, percent, plural, stack, tag
from syncd.render.html_settle import conflicts, undecided, unmapped
from syncd.render.html_tables import Column, plain_row, plain_table
from syncd.render.html_words import day, instant_words
from syncd.render.html_work import outcomes


def report_html(report: Report) -> str:
    """The alignment report as a page for a browser. It asks nothing of any network; links lead to the issues."""
    body = tag("body", tag("div", _header(report), tag("main", *_sections(report)), _footer(report), class_="page"))
    return f"<!doctype html>\n{tag('html', _head(report), body, lang='en')}\n"


def _sections(report: Report) -> Iterator[Markup | None]:
    yield _figures(report)
    yield outcomes(report)
    yield _whole(report)
    yield endings(report)
    yield conflicts(report)
    yield unmapped(report)
    yield undecided(report)
    yield overrides(report)
    yield _coverage(report)


# --- the head of the document -----------------------------------------------------------------------------


@cache
def _style() -> Markup:
    """Our own style sheet, the one thing that goes into the page as it is."""
    return Markup(files("syncd.render").joinpath("report.css").read_text(encoding="utf-8"))


def content_security_policy() -> str:
    """Nothing is loaded, run, framed or sent; of styles, only the one with this hash takes hold."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _head(report: Report) -> Markup:
    named = "" if report.as_of is None else f", {day(report.as_of.date())}"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_security_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", f"Alignment report{named}"),
        tag("style", _style()),
    )


# --- the top of the page ----------------------------------------------------------------------------------


def _header(report: Report) -> Markup:
    blind = [one for one in report.coverage if one.why is not None or one.last_success is None]
    when = f"As of {instant_words(report.as_of)}" if report.as_of else "Not every tracker was read whole yet"
    meta = joined([when, ". Rulebook ", tag("code", foreign(report.version)), "."])
    return tag(
        "header",
        tag("h1", "Alignment report"),
        tag("p", foreign(report.strategy.intent), class_="intent"),
        tag("p", meta, class_="meta"),
        _banner(blind),
    )


def _banner(blind: list[Coverage]) -> Markup | None:
    if not blind:
        return None
    items = [tag("li", _blind(one)) for one in blind]
    why = tag("p", "What was not read is not counted; ", tag("code", "syncd status"), " says why.")
    return tag("div", tag("strong", "Not a full picture."), tag("ul", *items), why, class_="banner", role="note")


def _blind(one: Coverage) -> Markup:
    if one.last_success is None:
        return joined([foreign(one.tracker), " was never read whole: ", foreign(one.why or "no cycle yet"), "."])
    last = f" was last read whole on {instant_words(one.last_success)}: "
    return joined([foreign(one.tracker), last, foreign(one.why or ""), "."])


def _figures(report: Report) -> Markup:
    totals, open_ = report.totals, report.open
    aligned = totals.mapped / totals.known if totals.known else 0.0
    held = f"{plural(totals.conflict, 'issue')} held up, {number(open_.conflict)} open"
    mapped = f"{number(totals.mapped)} of {plural(totals.known, 'issue')}"
    causes = len(report.conflicts)
    unmapped_, incomplete = number(totals.unmapped), number(totals.incomplete)
    figures = (
        ("work", percent(aligned), "serves an outcome", mapped),
        ("conflicts", number(causes), "conflict to settle" if causes == 1 else "conflicts to settle", held),
        ("unmapped", unmapped_, "unmapped issues", f"{number(open_.unmapped)} of them open"),
        ("undecided", incomplete, "undecided issues", f"{number(open_.incomplete)} of them open"),
    )
    items = [
        tag(
            "li",
            tag("span", value, class_="value"),
            tag("a", what, href=f"#{to}", class_="what"),
            tag("span", more, class_="more"),
        )
        for to, value, what, more in figures
    ]
    return tag("ul", *items, class_="figures", aria_label="In four numbers")


def _whole(report: Report) -> Markup:
    totals, open_ = report.totals, report.open
    kinds = (
        ("mapped", "serves an outcome", totals.mapped, open_.mapped),
        ("exempt", "declared overhead or exempt", totals.exempt, open_.exempt),
        ("unmapped", "serves nothing that anybody named", totals.unmapped, open_.unmapped),
        ("conflict", "claimed by two outcomes", totals.conflict, open_.conflict),
        ("incomplete", "cannot be decided", totals.incomplete, open_.incomplete),
    )
    columns = (
        Column("Verdict"), Column("All", numbers=True), Column("Share", numbers=True), Column("Open", numbers=True)
    )  # fmt: skip
    rows = [
        plain_row(columns, _keyed(kind, what), number(all_), percent(all_ / (totals.issues or 1)), number(open_count))
        for kind, what, all_, open_count in kinds
    ]
    rows.append(plain_row(columns, tag("b", "all issues"), number(totals.issues), None, number(open_.issues)))
    drawing = stack("All issues by verdict", [(kind, what, all_) for kind, what, all_, _ in kinds], "whole")
    caption = "Every issue in scope has one verdict; here a share is one of all of them."
    made = tag("div", plain_table(caption, columns, rows), class_="narrow")
    twins = f"Counted once: {plural(report.twins, 'piece')} of work that several trackers hold."
    once = tag("p", twins, class_="lead") if report.twins else None
    return tag("section", tag("h2", "All the work", id="all"), once, drawing, made)


def _keyed(kind: str, what: str) -> Markup:
    """A legend's line: the colour in the drawing, and what it stands for."""
    return tag("span", tag("span", class_=f"key {kind}"), tag("span", what), class_="keyed")


# --- the foot of the page ---------------------------------------------------------------------------------


def _coverage(report: Report) -> Markup:
    columns = (Column("Tracker"), Column("Last read whole"), Column("The last attempt"))
    rows = [
        plain_row(
            columns,
            foreign(one.tracker),
            "never" if one.last_success is None else instant_words(one.last_success),
            "read all of it" if one.why is None else foreign(one.why),
        )
        for one in report.coverage
    ]
    caption = "Nothing found is not the same as did not look."
    return tag("section", tag("h2", "What these numbers speak of"), plain_table(caption, columns, rows))


NOTES: Final[tuple[tuple[str, str], ...]] = (
    ("Share", "of all issues, open and done, but those that cannot be decided. Sub-tasks and epics count as one each."),
    ("Target, budget", "what strategy.yaml means for an outcome or an overhead. Within one point is on target."),
    ("Conflict", "people or rules of equal standing name different outcomes. One cause may hold up many issues."),
    ("Unmapped", "no rule, no ancestor and no default speaks: work to drop, or an outcome or a rule that is missing."),
    ("Cannot be decided", "an ancestor that may speak cannot be read. Nothing is written on such an issue."),
)


def _footer(report: Report) -> Markup:
    notes = [part for term, words in NOTES for part in (tag("dt", term), tag("dd", words))]
    made = ("Made by syncd from its store under rulebook ", foreign(report.version), "; no tracker was asked for it.")
    return tag("footer", tag("dl", *notes), tag("p", *made))
