"""Markdown as Linear gives it back → its top-level paragraphs. Pure, and never raises (facts/linear.md §5).

A small careful reader: what it does not surely know for a paragraph of its own is none, so that a quoted, listed or
fenced command is never taken for one. Whatever follows a list or a quote without a blank line belongs to it.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

from syncd.core.fold import storable
from syncd.core.model import Run

OBJECT: Final = "\ufffc"
"""Stands for what is no text: an image, a mention."""
LONGEST: Final = 200_000
LONGEST_PARAGRAPH: Final = 4_000
"""What of one paragraph is read."""
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_HOLDER: Final = re.compile(r"\s*(?:>|[-*+](?=\s|$)|\d{1,9}[.)](?=\s|$))")
"""Beginnings of quotes and list items."""
_OTHER: Final = re.compile(r" {0,3}(?:#{1,6}(?=\s|$)|(?:[-*_][ \t]*){3,}$|\||<|\+\+\+)")
"""Headings, rules, tables, raw HTML, folds."""
_UNDERLINE: Final = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_INLINE: Final = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])|(?P<ticks>`+)(?P<code>(?:(?!(?P=ticks)).|(?P=ticks)`+)*?)(?P=ticks)(?!`)"
    r"|(?P<object>!\[[^\]\n]*\]\([^)\n]*\)|@\[[^\]\n]*\]\([^)\n]*\))|\[(?P<shown>[^\]\n]*)\]\([^)\n]*\)"
    r"|~~(?P<struck>.+?)~~|(?P<strong>\*{1,3}|_{1,3}(?!\w)|(?<!\w)_{1,3})",
    re.DOTALL,
)


def paragraphs(text: str) -> tuple[tuple[Run, ...], ...]:
    """The paragraphs that stand by themselves, a line break being a newline."""
    told = storable(text[:LONGEST]).replace("\r\n", "\n").replace("\r", "\n")
    found = []
    for lines in _loose(told.split("\n")):
        runs = tuple(_runs("\n".join(line.strip().removesuffix("\\") for line in lines)[:LONGEST_PARAGRAPH]))
        if any(run.text.strip() for run in runs):
            found.append(runs)
    return tuple(found)


def _loose(lines: list[str]) -> Iterator[list[str]]:
    """Runs of lines that are paragraphs by themselves."""
    reader = _Lines()
    for line in [*lines, ""]:
        done = reader.take(line)
        if done:
            yield done


class _Lines:
    """What block the next line belongs to."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._fence = ""
        self._holder = False
        """In a quote or a list, which goes on until a line that is not indented after a blank one."""
        self._blank = True
        self._other = False

    def take(self, line: str) -> list[str]:
        """The paragraph that this line ends."""
        if self._fence:
            self._fence = "" if self._closes(line) else self._fence
            return []
        if not line.strip():
            self._blank, self._other = True, False
            return self._ended()
        blank, self._blank = self._blank, False
        fence = _FENCE.match(line)
        if fence is not None and not (fence[1][0] == "`" and "`" in fence[2]):
            self._fence = fence[1]
            return self._ended()
        if self._open and _UNDERLINE.match(line):  # it was a heading, or is ruled off from what follows
            self._open = []
            return []
        return self._text(line, blank=blank)

    def _text(self, line: str, *, blank: bool) -> list[str]:
        indented = line[:1] in " \t"
        if _HOLDER.match(line):
            self._holder = True
        elif self._holder and (indented or not blank):
            return []
        elif _OTHER.match(line) or (blank and indented and _indent(line) >= 4):  # noqa: PLR2004 - Markdown's own
            self._holder, self._other = False, True
        elif not self._other:
            self._holder = False
            self._open.append(line)
            return []
        return self._ended()

    def _closes(self, line: str) -> bool:
        bare = line.strip()
        return _indent(line) < 4 and len(bare) >= len(self._fence) and set(bare) == {self._fence[0]}  # noqa: PLR2004

    def _ended(self) -> list[str]:
        done, self._open = self._open, []
        return done


def _indent(line: str) -> int:
    """Columns before the first sign."""
    shown = line.expandtabs(4)
    return len(shown) - len(shown.lstrip())


def _runs(text: str) -> Iterator[Run]:
    at = 0
    for found in _INLINE.finditer(text):
        if found.start() > at:
            yield Run(unescape(text[at : found.start()]))
        if found["code"] is not None:
            yield Run(unescape(found["code"]).strip(), "code")
        elif found["object"] is not None:
            yield Run(OBJECT)
        elif found["escaped"] is not None:
            yield Run(found["escaped"])
        elif found["shown"] is not None:
            yield Run(unescape(found["shown"]))
        at = found.end()
    if at < len(text):
        yield Run(unescape(text[at:]))
