"""A document in the Atlassian Document Format → its top-level paragraphs. Pure, and never raises (facts/jira.md §5)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from syncd.core.fold import storable
from syncd.core.model import Run

OBJECT: Final = "\ufffc"
"""Stands for what is no text: a mention, a card, an emoji."""
LONGEST: Final = 40_000


def paragraphs(document: Any) -> tuple[tuple[Run, ...], ...]:
    """The paragraphs right below the document: none in quotes, lists, panels, tables, expands, nor code blocks.

    A line break is a newline; struck text is left out; anything that is no document has no paragraphs.
    """
    found = []
    for block in _content(document):
        if block.get("type") == "paragraph":
            runs = tuple(_runs(block))
            if runs:
                found.append(runs)
    return tuple(found)


def _runs(paragraph: Mapping[str, Any]) -> Iterator[Run]:
    for node in _content(paragraph):
        text = node.get("text")
        if node.get("type") == "text" and isinstance(text, str):
            styles = {mark.get("type") for mark in _rows(node.get("marks"))}
            if text and "strike" not in styles:
                yield Run(storable(text[:LONGEST]), "code" if "code" in styles else "plain")
        else:
            yield Run("\n" if node.get("type") == "hardBreak" else OBJECT)


def _content(node: Any) -> Sequence[Mapping[str, Any]]:
    return _rows(node.get("content")) if isinstance(node, Mapping) else ()


def _rows(value: Any) -> Sequence[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
