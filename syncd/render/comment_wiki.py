"""Comment → Jira's wiki text, for Jira Data Center (facts/stack.md §11). Text from trackers stays text.

Wiki text has an escape, the backslash, which does not work everywhere: not inside `{{…}}`, not for bare addresses, not
for a line's first sign. So a sign that could begin markup is escaped where that works, and broken by a word joiner,
which nobody sees, where it does not; and monospace is kept for texts that hold no sign at all.
"""

import re
from typing import Final

from syncd.core.model import Comment, Run
from syncd.render.adf import inert

LONGEST: Final = 30_000
"""Characters of one run."""
JOINER: Final = "\u2060"
BACKSLASH: Final = "&#92;"
_MARKUP: Final = re.compile(r"[*_{}\[\]|!^~+?#-]")
_SIGN: Final = re.compile(r"(?<!\w)-|-(?!\w)|_|[^\w /.…<>-]")
"""What monospace text may not hold."""
_LINKS: Final = re.compile(r"(?<=:)(?=//)|(?<=@)|(?<=\w)(?=\.[^\W\d_])|(?<=[^\W\d_])(?=:\S)|(?<=&)(?=[#\w])")
"""Where an address may begin to be one, or an entity."""
_EMOTICON: Final = re.compile(r"(?<=[:;])(?=[)(DPp|/\\-])|(?<=\()(?=[\w!?/+*-]{1,4}\))")
_OPENING: Final = re.compile(r"^(\s*)(?=(?:h[1-6]|bq|fn)\.|\S{1,2}\s)", re.IGNORECASE)


def to_wiki(comment: Comment) -> str:
    """The comment as wiki text, a blank line between paragraphs. Control and direction characters are dropped."""
    paragraphs = ["".join(_run(run) for run in runs).strip() for runs in comment.paragraphs]
    return "\n\n".join(_opened(text) for text in paragraphs if text)


def _run(run: Run) -> str:
    text = inert(" ".join(run.text.split("\n")))[:LONGEST].replace("\t", " ")
    bare = text.strip()
    if run.style == "plain" or not bare:
        return _escaped(text)
    before, _, after = text.partition(bare)
    if run.style == "code":
        # no escape works in monospace text: what holds a sign is shown as plain text
        return f"{before}{{{{{bare}}}}}{after}" if _SIGN.search(bare) is None else f"{before}{_escaped(bare)}{after}"
    return f"{before}*{_escaped(bare)}*{after}"


def _escaped(text: str) -> str:
    """Every sign of markup as itself. A backslash has no escape (two are a line break): an entity stands for it."""
    broken = _EMOTICON.sub(JOINER, _LINKS.sub(JOINER, text))
    return BACKSLASH.join(_MARKUP.sub(r"\\\g<0>", part) for part in broken.split("\\"))


def _opened(paragraph: str) -> str:
    """A paragraph whose beginning is no block's: no heading, quote, list, rule or table."""
    if paragraph.startswith(("*", "{{", "\\")):
        return paragraph if _OPENING.match(paragraph) is None else JOINER + paragraph
    return _OPENING.sub(rf"\g<1>{JOINER}", paragraph, count=1)
