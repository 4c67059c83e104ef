"""Where the work goes: shares against targets and budgets, the focus. For the HTML report."""

from collections.abc import Iterator
from math import ceil
from typing import Final

from syncd.core.model import Metric, Outcome
from syncd.core.report import OutcomeLine, OverheadLine, Report
from syncd.render.html_parts import Markup, bar, foreign, joined, number, percent, tag
from syncd.render.html_tables import Column, row, table
from syncd.render.html_words import day

ON_TARGET: Final = 1.0
"""A share that is off by fewer points is on target."""
FAR: Final = 5.0
"""A share that is off to the wrong side by as many points is marked."""
COLUMNS: Final = (
    Column("Outcome"),
    Column("Share against target", repeated=False),
    Column("Share", numbers=True),
    Column("Target", numbers=True),
    Column("Issues", numbers=True),
    Column("Open", numbers=True),
)


def outcomes(report: Report) -> Markup:
    """The section on outcomes and overhead."""
    lines = [*(line.share for line in report.outcomes), *(line.share for line in report.overhead)]
    meant = [*(line.target for line in report.outcomes), *(line.overhead.budget for line in report.overhead)]
    top = max([*lines, *(m for m in meant if m is not None)], default=0.0)
    scale = max(ceil(top * 1.1 * 20) / 20, 0.1)
    bodies = [[_outcome(line, report, scale) for line in report.outcomes]]
    if report.overhead:
        bodies.append([_overhead(line, scale) for line in report.overhead])
    caption = f"The bar is the share, the stroke the target or budget; the bars end at {scale * 100:.0f}\u00a0%."
    made = table(caption, COLUMNS, bodies, label="Shares by outcome", stacks=True)
    return tag("section", tag("h2", "Where the work goes", id="work"), *_focus(report), made)


def _focus(report: Report) -> Iterator[Markup]:
    focus = report.strategy.focus
    line = None if focus is None else next((o for o in report.outcomes if o.outcome.id == focus.outcome), None)
    if focus is None or line is None:
        return
    ended = focus.until is not None and report.as_of is not None and report.as_of.date() > focus.until
    until = "" if focus.until is None else f" {'ended on' if ended else 'until'} {day(focus.until)}"
    said = f" It gets {percent(line.share)} of the work: {deviation(line.share, line.target, 'target')[0]}."
    yield tag("p", tag("b", f"Focus{until}:"), " ", foreign(line.outcome.title), ".", said)


def _outcome(line: OutcomeLine, report: Report, scale: float) -> Markup:
    outcome = line.outcome
    focus = report.strategy.focus is not None and report.strategy.focus.outcome == outcome.id
    name = joined([tag("span", foreign(outcome.title), class_="name"), *_details(outcome, focus=focus)])
    drawn = bar(outcome.title, line.share, line.target, scale=scale, name=f"o-{outcome.id}")
    said = _said(line.share, line.target, "target")
    numbers = (percent(line.share), percent(line.target), number(line.issues), number(line.open))
    return row(COLUMNS, name, joined([drawn, said]), *numbers)


def _details(outcome: Outcome, *, focus: bool) -> Iterator[Markup]:
    yield tag(
        "span", foreign(outcome.owner), " · ", tag("code", outcome.id), " · focus" if focus else None, class_="sub"
    )
    promised = [metric_words(outcome.metric)] if outcome.metric else []
    promised += [f"due {day(outcome.due)}"] if outcome.due else []
    if promised:
        yield tag("span", foreign(", ".join(promised)), class_="sub")


def metric_words(metric: Metric) -> str:
    """`availability 99.9 → 99.99 %`."""
    ends = [f"{value:g}" for value in (metric.baseline, metric.target) if value is not None]
    unit = metric.unit if ends else None
    return " ".join(part for part in (metric.name, " → ".join(ends), unit) if part)


def _overhead(line: OverheadLine, scale: float) -> Markup:
    overhead, budget = line.overhead, line.overhead.budget
    sub = tag("span", foreign(overhead.owner), " · overhead ", tag("code", overhead.id), class_="sub")
    name = joined([tag("span", foreign(overhead.title), class_="name"), sub])
    drawn = bar(overhead.title, line.share, budget, scale=scale, name=f"h-{overhead.id}")
    said = _said(line.share, budget, "budget")
    numbers = (percent(line.share), percent(budget), number(line.issues), number(line.open))
    return row(COLUMNS, name, joined([drawn, said]), *numbers)


def _said(share: float, mark: float | None, what: str) -> Markup:
    words, far = deviation(share, mark, what)
    return tag("span", words, class_="sub warn" if far else "sub")


def deviation(share: float, mark: float | None, what: str) -> tuple[str, bool]:
    """How far a share is off its `target` or `budget`, in words, and whether that is far to the wrong side."""
    if mark is None:
        return f"no {what} set", False
    points = round((share - mark) * 100, 1)
    if abs(points) < ON_TARGET:
        return f"on {what}", False
    above, below = ("over", "under") if what == "budget" else ("above", "below")
    far = points >= FAR if what == "budget" else points <= -FAR
    return f"{abs(points):.1f} points {above if points > 0 else below} {what}", far
