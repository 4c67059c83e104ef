"""Jira's wiki text → a valid document: paragraphs and code blocks, which is all that a reader of rules needs."""

import re

from connectors.sandbox.values import Adf

_CODE = re.compile(r"\{(code|noformat)(?:[:|][^}]*)?\}(.*?)\{\1\}", re.DOTALL)
_PARAGRAPHS = re.compile(r"\n[ \t]*\n+")
LONGEST = 32_767


def adf_of(wiki: str) -> Adf:
    """The text as a document, cut to what Cloud would hold."""
    text = wiki.replace("\r\n", "\n").replace("\r", "\n")[:LONGEST]
    blocks: list[Adf] = []
    at = 0
    for code in _CODE.finditer(text):
        blocks.extend(_paragraphs(text[at : code.start()]))
        blocks.append(_code_block(code.group(2)))
        at = code.end()
    blocks.extend(_paragraphs(text[at:]))
    return {"type": "doc", "version": 1, "content": blocks}


def _code_block(text: str) -> Adf:
    shown = text.strip("\n")
    block: Adf = {"type": "codeBlock"}
    return block | {"content": [{"type": "text", "text": shown}]} if shown else block


def _paragraphs(text: str) -> list[Adf]:
    found: list[Adf] = []
    for part in _PARAGRAPHS.split(text):
        content: list[Adf] = []
        for line in part.strip("\n").split("\n"):
            if content:
                content.append({"type": "hardBreak"})
            if line:
                content.append({"type": "text", "text": line})
        if content:
            found.append({"type": "paragraph", "content": content})
    return found
