"""Report → Markdown. Texts from trackers are escaped: no mention, link, table or markup of theirs survives."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from syncd.core.overriding import OverrideLine
from syncd.core.report import Coverage, Report, Totals
from syncd.core.votes import KINDS
from syncd.render.html_parts import shown
from syncd.render.jsonable import instant
from syncd.render.noise import suggestion_words
from syncd.render.words import how_text, target_text

LISTED: Final = 20
"""Issues and groups listed before a list is cut; the JSON form has them all."""
SPECIAL: Final = re.compile(r"([\\`*\[\]#|<>~@:&]|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.)", re.IGNORECASE)
"""What could be markup, a link or a mention within a line. A label such as `release-1.6` can be copied as it stands."""


BEGINS: Final = re.compile(r"^(\d*)([-+=.)])")
"""What could begin a block."""


def report_markdown(report: Report) -> str:
    """The alignment report for a person: coverage first, then what somebody must settle."""
    sections = (
        _head(report),
        _outcomes(report),
        _endings(report),
        _conflicts(report),
        _unmapped(report),
        _unread(report),
        _overrides(report),
        _overrides_ended(report),
        _votes(report),
        _muted(report),
    )
    return "\n\n".join("\n".join(lines) for section in sections if (lines := list(section))) + "\n"


def escape(text: str) -> str:
    """A foreign text as Markdown that shows just that text, within a line: never at its beginning."""
    return SPECIAL.sub(r"\\\1", shown(text))


def opening(text: str) -> str:
    """As `escape`, where it is the first of its line: no list, rule or heading begins with it."""
    return BEGINS.sub(r"\1\\\2", escape(text))


def percent(share: float | None) -> str:
    """`12.3 %`, or a dash where there is no number."""
    return "-" if share is None else f"{share * 100:.1f} %"


def _head(report: Report) -> Iterator[str]:
    yield "# Alignment report"
    yield ""
    yield f"> {opening(report.strategy.intent)}"
    yield ""
    as_of = instant(report.as_of) or "never: not every tracker was read whole yet"
    yield f"As of {as_of}, rulebook {escape(report.version)}."
    for one in report.coverage:
        if one.why is not None or one.last_success is None:
            yield f"**Not a full picture:** {_blind(one)}"
    if report.twins:
        yield f"Counted once: {report.twins} piece{'s' if report.twins > 1 else ''} of work that several trackers hold."
    yield ""
    yield "| | issues | mapped | unmapped | conflict | exempt | incomplete |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    yield _totals("all", report.totals)
    yield _totals("open", report.open)


def _blind(one: Coverage) -> str:
    if one.last_success is None:
        return f"{escape(one.tracker)} was never read whole ({escape(one.why or 'no cycle yet')})."
    return f"{escape(one.tracker)} was last read whole at {instant(one.last_success)}: {escape(one.why or '')}."


def _totals(name: str, totals: Totals) -> str:
    cells = (totals.issues, totals.mapped, totals.unmapped, totals.conflict, totals.exempt, totals.incomplete)
    return f"| {name} | " + " | ".join(str(cell) for cell in cells) + " |"


def _outcomes(report: Report) -> Iterator[str]:
    yield "## Where the work goes"
    yield ""
    yield "| outcome | owner | issues | open | share | target |"
    yield "|---|---|---:|---:|---:|---:|"
    for line in report.outcomes:
        name = f"{escape(line.outcome.title)} (`{line.outcome.id}`)"
        numbers = f"{line.issues} | {line.open} | {percent(line.share)} | {percent(line.target)}"
        yield f"| {name} | {escape(line.outcome.owner)} | {numbers} |"
    for spent in report.overhead:
        name = f"{escape(spent.overhead.title)} (overhead `{spent.overhead.id}`)"
        numbers = f"{spent.issues} | {spent.open} | {percent(spent.share)} | {percent(spent.overhead.budget)}"
        yield f"| {name} | {escape(spent.overhead.owner)} | {numbers} |"
    yield ""
    yield "Shares are of all issues whose ancestors could be read."


def _endings(report: Report) -> Iterator[str]:
    if not report.endings:
        return
    yield "## Runs out within two weeks"
    yield ""
    yield "| | last day (UTC) | issues decided by it | open |"
    yield "|---|---|---:|---:|"
    for one in report.endings:
        yield f"| {one.what} `{one.name}` | {one.last} | {one.issues} | {one.open} |"
    yield ""
    yield "After its last day it matches nothing any more, for old work as for new: say in time what comes next."


def _conflicts(report: Report) -> Iterator[str]:
    if not report.conflicts:
        return
    yield "## Conflicts: two outcome owners must decide"
    yield ""
    yield "| cause | claims | owners | issues held up | such as |"
    yield "|---|---|---|---:|---|"
    for line in report.conflicts[:LISTED]:
        cause = line.cause if line.name is None else f"{line.name} ({line.cause})"
        cells = (cause, ", ".join(line.targets), ", ".join(line.owners))
        yield f"| {' | '.join(escape(c) for c in cells)} | {line.issues} | {_keys(line.keys)} |"
    yield from _more(len(report.conflicts))


def _unmapped(report: Report) -> Iterator[str]:
    """Grouped first: unmapped work is either a candidate to drop, or the list of outcomes is not complete."""
    if not report.unmapped:
        return
    open_ = [line for line in report.unmapped if line.open]
    yield "## Unmapped work: drop it, or say which outcome it serves"
    yield ""
    yield f"{report.totals.unmapped} issues, {report.open.unmapped} of them open."
    for grouping in report.groups:
        if grouping.groups:
            yield ""
            yield f"By {grouping.by}: " + ", ".join(f"{escape(g.name)} {g.issues}" for g in grouping.groups[:LISTED])
    if open_:
        yield ""
        yield from (f"- {escape(line.key)} {escape(line.title)}" for line in open_[:LISTED])
        yield from _more(len(open_))


def _unread(report: Report) -> Iterator[str]:
    if not report.incomplete:
        return
    yield "## Not decided: an ancestor cannot be read"
    yield ""
    yield (
        f"{report.totals.incomplete} issues hang below work that syncd's account cannot see; nothing is written on "
        "them nor taken off. Let the account browse those projects, or give the issues a label that a rule knows."
    )
    yield ""
    yield _keys([line.key for line in report.incomplete[:LISTED]])
    yield from _more(len(report.incomplete))


def _overrides(report: Report) -> Iterator[str]:
    if not report.overrides.stand:
        return
    yield "## What people said on single issues"
    yield ""
    yield f"{report.overrides.stand} in force: each stands before every rule."
    yield ""
    yield "| issue | serves | said | by | since | because | until |"
    yield "|---|---|---|---|---|---|---|"
    for one in report.overrides.standing[:LISTED]:
        word = one.override
        until = "-" if word.expires is None else (instant(word.expires) or "")
        yield f"| {_said(one)} | {instant(word.at)} | {escape(word.reason or '-')} | {until} |"
    yield from _more(report.overrides.stand)


def _overrides_ended(report: Report) -> Iterator[str]:
    if not report.overrides.over:
        return
    yield f"{report.overrides.over} said before, the last ended first:"
    yield ""
    yield "| issue | served | said | by | since | because | ended |"
    yield "|---|---|---|---|---|---|---|"
    for one in report.overrides.ended[:LISTED]:
        word = one.override
        yield f"| {_said(one)} | {instant(word.at)} | {escape(word.reason or '-')} | {instant(one.ended)} |"
    yield from _more(report.overrides.over)


def _said(one: OverrideLine) -> str:
    word = one.override
    return " | ".join(escape(cell) for cell in (one.key, target_text(word.target), how_text(word), word.author))


def _votes(report: Report) -> Iterator[str]:
    if not report.votes:
        return
    yield "## Rules that people vote against"
    yield ""
    yield "| rule | decides | marks taken off | overridden | disputed | such as | perhaps |"
    yield "|---|---:|---:|---:|---:|---|---|"
    for one in report.votes[:LISTED]:
        numbers = " | ".join(str(one.votes[kind]) for kind in KINDS)
        yield f"| `{one.rule}` | {one.decides} | {numbers} | {_keys(one.keys)} | {escape(suggestion_words(one))} |"
    yield from _more(len(report.votes))


def _muted(report: Report) -> Iterator[str]:
    if not report.muted:
        return
    yield "## Stopped commenting, since nobody acted"
    yield ""
    yield from (f"- {escape(source)}" for source in report.muted[:LISTED])
    yield from _more(len(report.muted))


def _keys(keys: Iterable[str]) -> str:
    some = list(keys)
    return ", ".join(escape(key) for key in some[:5]) + (", …" if len(some) > 5 else "")  # noqa: PLR2004 - a sample


def _more(count: int) -> Iterator[str]:
    if count > LISTED:
        yield ""
        yield f"… and {count - LISTED} more."
