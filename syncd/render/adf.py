"""Comment → Atlassian Document Format (facts/jira.md §5). Text nodes are inert: no markup, mention or link in them."""

import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from syncd.core.model import Comment, Run

LONGEST: Final = 30_000
"""Characters of one comment, under Jira's 32,767."""


def to_adf(comment: Comment) -> dict[str, Any]:
    """The comment as an ADF document. Control and direction characters of foreign texts are dropped."""
    paragraphs = [list(_nodes(runs)) for runs in comment.paragraphs]
    content = [{"type": "paragraph", "content": nodes} for nodes in paragraphs if nodes]
    return {"type": "doc", "version": 1, "content": content}


def _nodes(runs: Iterable[Run]) -> Iterable[dict[str, Any]]:
    for run in runs:
        text = inert(run.text)[:LONGEST]
        if not text:  # ADF refuses empty text nodes
            continue
        marks = {"plain": [], "strong": [{"type": "strong"}], "code": [{"type": "code"}]}[run.style]
        yield {"type": "text", "text": text, **({"marks": marks} if marks else {})}


def inert(text: str) -> str:
    """Without characters that steer a terminal or turn the reading direction."""
    if text.isprintable():  # most texts are: a report looks at millions
        return text
    return "".join(c for c in text if c in " \t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
