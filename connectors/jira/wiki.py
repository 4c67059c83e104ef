"""Jira's wiki text → its top-level paragraphs, as `connectors.jira.adf` has them. Pure, and never raises.

Comments of Jira Data Center are such texts. A small careful reader: what it does not surely know for a paragraph of
its own is none, so that a quoted or listed command is never taken for one.
"""

import re
from collections.abc import Iterator
from typing import Final

from connectors.jira.adf import LONGEST, OBJECT
from syncd.core.fold import storable
from syncd.core.model import Run

LONGEST_PARAGRAPH: Final = 4_000
"""What of one paragraph is read."""
_MACRO: Final = re.compile(r"(?<!\\)\{(code|noformat|quote|panel|expand|color)(?:[:|][^}\n]{0,200})?\}", re.IGNORECASE)
_BLOCK: Final = re.compile(r"\s*(?:h[1-6]\.|bq\.|fn\d*\.|[*#-]+\s|-{4,}\s*$|\|)", re.IGNORECASE)
"""Beginnings of headings, quotes, lists, rules and tables."""
_INLINE: Final = re.compile(
    r"\{\{(?P<code>.+?)\}\}|\\(?P<escaped>[^\w\s]|_)|(?P<object>\[~[^\]\n]*\]|!\S[^!\n]*!)"
    r"|\[(?P<shown>[^|\]\n]+)\|[^\]\n]*\]|(?P<macro>\{[^}\n]*\})"
)
_STRUCK: Final = re.compile(r"(?:(?<=^)|(?<=\s))-(?=\S)[^\n]*?(?<=\S)-(?=\s|$)", re.MULTILINE)


def paragraphs(text: str) -> tuple[tuple[Run, ...], ...]:
    """The paragraphs that stand by themselves, a line break being a newline."""
    told = storable(text[:LONGEST]).replace("\r\n", "\n").replace("\r", "\n")
    found = []
    for lines in _loose(_without_macros(told)):
        runs = tuple(_runs("\n".join(lines)[:LONGEST_PARAGRAPH]))
        if any(run.text.strip() for run in runs):
            found.append(runs)
    return tuple(found)


def _without_macros(text: str) -> str:
    """The text without what stands in block macros; one that is never closed takes the rest with it."""
    kept, at = [], 0
    while (opened := _MACRO.search(text, at)) is not None:
        kept.append(text[at : opened.start()])
        name = opened[1].lower()
        if name == "color":  # its text is text
            at = opened.end()
            continue
        closed = re.compile(rf"(?<!\\)\{{{name}\}}", re.IGNORECASE).search(text, opened.end())
        kept.append("\n\n")
        at = len(text) if closed is None else closed.end()
        kept.append("|" if at < len(text) and text[at : at + 1] not in ("", "\n") else "")
    return "".join([*kept, text[at:]])


def _loose(text: str) -> Iterator[list[str]]:
    """Runs of lines between blank ones, up to the line that begins another block."""
    lines: list[str] = []
    inside = False
    for line in [*text.split("\n"), ""]:
        if not line.strip():
            if lines:
                yield lines
            lines, inside = [], False
        elif inside or _BLOCK.match(line):
            if lines:
                yield lines
            lines, inside = [], True
        else:
            lines.append(line)


def _runs(text: str) -> Iterator[Run]:
    text = _STRUCK.sub("", text)
    at = 0
    for found in _INLINE.finditer(text):
        if found.start() > at:
            yield Run(_plain(text[at : found.start()]))
        if found["code"] is not None:
            yield Run(found["code"], "code")
        elif found["object"] is not None:
            yield Run(OBJECT)
        else:
            yield Run(found["escaped"] or found["shown"] or "")
        at = found.end()
    if at < len(text):
        yield Run(_plain(text[at:]))


def _plain(text: str) -> str:
    """Without the signs of strong text around words."""
    return re.sub(r"(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])", "", text)
