"""Comment → Markdown as Linear reads it (facts/linear.md §5). Text from trackers stays text: nothing of it is markup.

Linear has no raw-text node: what is not to be read as markup is escaped, and what its editor would turn into a link or
a mention by itself (an address, a profile, `@name`) is broken by a word joiner, which nobody sees.
"""

import re
from collections.abc import Iterable
from typing import Final

from syncd.core.model import Comment, Run
from syncd.render.adf import inert

LONGEST: Final = 30_000
"""Characters of one run."""
JOINER: Final = "\u2060"
_MARKUP: Final = re.compile(r"[\\`*_{}\[\]<>()!|~&$^]")
_BLOCK: Final = re.compile(r"^(\s*)([#+=:>-]|[0-9]{1,9}(?=[.)]))")
"""What makes a heading, a list, a rule, a quote or a fold of a line that begins with it."""
_LINKS: Final = re.compile(r"(?<=:)(?=//)|(?<=@)|(?<=\w)(?=\.[^\W\d_])|(?<=[^\W\d_])(?=:(?!//)\S)")
"""Where an address may begin to be one: before `//`, after `@`, before the dot of a domain, before a scheme's colon."""


def to_markdown(comment: Comment) -> str:
    """The comment as Markdown, a blank line between paragraphs. Control and direction characters are dropped."""
    paragraphs = ["".join(_runs(runs)).strip() for runs in comment.paragraphs]
    return "\n\n".join(_opened(text) for text in paragraphs if text)


def _runs(runs: Iterable[Run]) -> Iterable[str]:
    for run in runs:
        text = inert(" ".join(run.text.split("\n")))[:LONGEST].replace("\t", " ")
        if run.style == "code" and text.strip():
            yield _code(text)
        elif run.style == "strong" and text.strip():
            bare = text.strip()
            before, _, after = text.partition(bare)
            yield f"{before}**{_escaped(bare)}**{after}"
        else:
            yield _escaped(text)


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", _LINKS.sub(JOINER, text))


def _code(text: str) -> str:
    """A code span whose fence is longer than any run of backticks in it."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if text[0] in "` " or text[-1] in "` " else f"{fence}{text}{fence}"


def _opened(paragraph: str) -> str:
    """A paragraph whose beginning is no block's. Strong and code runs begin with their own signs, and stay."""
    found = _BLOCK.match(paragraph)
    if found is None:
        return paragraph
    at = found.end() if found[2].isdecimal() else found.end() - 1
    return f"{paragraph[:at]}\\{paragraph[at:]}"
