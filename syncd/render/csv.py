"""Issues with their decisions → CSV for a spreadsheet: one row an issue, streamed, and no cell that acts.

RFC 4180: CRLF ends a row, every cell is quoted, a quote is doubled. UTF-8 with a byte order mark, without which a
spreadsheet may take it for something else (a program reads it as `utf-8-sig`). A restricted issue's title stays out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from syncd.core.model import Conflict, IssueRef
from syncd.core.ports import Known
from syncd.core.report import target_name
from syncd.render.adf import inert
from syncd.render.jsonable import instant, verdict_json
from syncd.render.words import Told, target_text

COLUMNS: Final = (
    "tracker", "key", "title", "project", "status_category", "verdict", "incomplete", "outcome", "objective",
    "via", "rules", "claims", "cause", "updated", "url",
    "override", "override_by", "override_at", "override_reason", "override_expires", "overrides_ended",
)  # fmt: skip
_NOBODY: Final[Mapping[IssueRef, Sequence[Told]]] = MappingProxyType({})
BOM: Final = "\ufeff"
ACTS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell must not begin with: a spreadsheet would take it for a formula. The wide forms count alike."""
LATER: Final = re.compile(r"(;\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where the separator is `;` (as in much of Europe), such a text would go on in a cell of its own."""
LONGEST: Final = 32_000
"""Characters of one cell: a spreadsheet holds 32,767."""


def report_csv(known: Iterable[Known], words: Mapping[IssueRef, Sequence[Told]] = _NOBODY) -> Iterator[str]:
    """The head, then one row for every issue. One that was not decided yet has no verdict.

    `words`: what people said on each, oldest first, also what ended.

    The head comes together with the first row: where no issue can be read, nothing is written at all.
    """
    rows = (_row((*_cells(one), *_said(one, words.get(one.issue.ref, ())))) for one in known)
    yield BOM + _row(COLUMNS) + next(rows, "")
    yield from rows


def cell(text: str) -> str:
    """A text as a cell that shows it: on one line, without what steers a screen, and never a formula.

    What would act is given a `'` in front, as a person would type it.
    """
    line = text
    if len(text) > LONGEST or not text.isprintable() or "  " in text or text[:1] == " " or text[-1:] == " ":
        line = " ".join(inert(" ".join(text[: 2 * LONGEST].split())).split())[:LONGEST]
    if ";" in line:
        line = LATER.sub(r"\1'", line)
    return f"'{line}" if line.startswith(ACTS) else line


def _row(cells: Iterable[str]) -> str:
    return ",".join('"' + cell(text).replace('"', '""') + '"' for text in cells) + "\r\n"


def _cells(one: Known) -> tuple[str, ...]:
    issue = one.issue
    told = dict.fromkeys(("verdict", "incomplete", "outcome", "objective", "via"), "")
    rules: list[str] = []
    claims: list[str] = []
    cause = None
    if one.standing is not None:
        decision = one.standing.decision
        shown = verdict_json(decision)
        told = {name: _word(shown[name]) for name in told}
        candidates = decision.verdict.candidates if isinstance(decision.verdict, Conflict) else ()
        rules = sorted({e.source for e in (*decision.evidence, *(e for c in candidates for e in c.evidence))})
        claims = [target_name(c.target) for c in candidates]
        cause = decision.cause
    return (
        issue.ref.tracker, issue.key, "" if issue.restricted else issue.title, issue.project, issue.category.value,
        *told.values(), " ".join(rules), ", ".join(claims), cause or "", instant(issue.updated) or "", issue.url,
    )  # fmt: skip


def _said(one: Known, words: Sequence[Told]) -> Iterator[str]:
    """What stands and who said it, `; ` between where several stand; then what was said before."""
    standing = [told.override for told in words if told.ended is None]
    reasons = ["" if one.issue.restricted else word.reason or "" for word in standing]
    yield "; ".join(target_text(word.target) for word in standing)
    yield "; ".join(word.author for word in standing)
    yield "; ".join(instant(word.at) or "" for word in standing)
    yield "; ".join(filter(None, reasons))
    yield "; ".join(instant(word.expires) or "" for word in standing if word.expires is not None)
    yield "; ".join(_ended(told) for told in words if told.ended is not None)


def _ended(told: Told) -> str:
    word = told.override
    return f"{target_text(word.target)} by {word.author} {instant(word.at)}/{instant(told.ended)}"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
