"""Checks a document against the Atlassian Document Format, as far as Jira's own check is known (facts §5)."""

import hashlib
from typing import Any

import orjson

from connectors.sandbox.values import Adf, words

_BLOCKS = words("""paragraph heading bulletList orderedList codeBlock blockquote panel rule table mediaSingle mediaGroup
    expand taskList decisionList blockCard""")
_INLINE = words("text hardBreak mention emoji inlineCard date status mediaInline")
_LIST_ITEM = words("paragraph bulletList orderedList codeBlock mediaSingle taskList")
_CONTENT: dict[str, frozenset[str]] = {
    "doc": _BLOCKS,
    "paragraph": _INLINE,
    "heading": _INLINE,
    "bulletList": frozenset({"listItem"}),
    "orderedList": frozenset({"listItem"}),
    "listItem": _LIST_ITEM,
    "codeBlock": frozenset({"text"}),
    "blockquote": frozenset({"paragraph", "bulletList", "orderedList", "codeBlock"}),
    "panel": frozenset({"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "rule"}),
    "expand": _BLOCKS - {"expand"},
    "table": frozenset({"tableRow"}),
    "tableRow": frozenset({"tableCell", "tableHeader"}),
    "tableCell": _BLOCKS - {"expand", "table"},
    "tableHeader": _BLOCKS - {"expand", "table"},
    "taskList": frozenset({"taskItem", "taskList"}),
    "taskItem": _INLINE,
    "decisionList": frozenset({"decisionItem"}),
    "decisionItem": _INLINE,
    "mediaSingle": frozenset({"media"}),
    "mediaGroup": frozenset({"media"}),
}
_NEEDS_CONTENT = words("bulletList orderedList listItem blockquote panel expand table tableRow tableCell tableHeader")
_NEEDS_ATTRS = {
    "heading": "level",
    "panel": "panelType",
    "mention": "id",
    "emoji": "shortName",
    "date": "timestamp",
    "status": "text",
    "media": "id",
}
_MARKS = words("strong em code link strike underline subsup textColor backgroundColor annotation")
_WITH_CODE = frozenset({"code", "link", "annotation"})
_KEYS = frozenset({"type", "attrs", "content", "marks", "text", "version"})
_DEEPEST = 50


def valid(document: Any) -> bool:
    """Whether Jira would take the document."""
    return (
        isinstance(document, dict)
        and document.get("type") == "doc"
        and document.get("version") == 1
        and document.keys() <= {"type", "version", "content"}
        and isinstance(document.get("content"), list)
        and _content_valid("doc", document, 0)
    )


def _content_valid(kind: str, node: Adf, depth: int) -> bool:
    content = node.get("content", [])
    if not isinstance(content, list) or depth > _DEEPEST:
        return False
    if kind in _NEEDS_CONTENT and not content:
        return False
    allowed = _CONTENT.get(kind, frozenset())
    return all(isinstance(c, dict) and c.get("type") in allowed and _valid(c, kind, depth + 1) for c in content)


def _valid(node: Adf, parent: str, depth: int) -> bool:
    kind = node["type"]
    attrs = node.get("attrs", {})
    if not node.keys() <= _KEYS or not isinstance(attrs, dict):
        return False
    if kind in _NEEDS_ATTRS and _NEEDS_ATTRS[kind] not in attrs:
        return False
    if kind == "heading" and attrs["level"] not in range(1, 7):
        return False
    if kind == "text":
        return _text_valid(node, parent)
    return "text" not in node and _content_valid(kind, node, depth)


def _text_valid(node: Adf, parent: str) -> bool:
    text, marks = node.get("text"), node.get("marks", [])
    if not isinstance(text, str) or not text or "content" in node or not isinstance(marks, list):
        return False
    if parent == "codeBlock" and marks:
        return False
    if not all(isinstance(mark, dict) and mark.get("type") in _MARKS for mark in marks):
        return False
    kinds = [mark["type"] for mark in marks]
    if len(set(kinds)) != len(kinds) or ("code" in kinds and not _WITH_CODE.issuperset(kinds)):
        return False
    return all("href" in mark.get("attrs", {}) for mark in marks if mark["type"] == "link")


def normalised(document: Adf) -> Adf:
    """The document as Jira stores it: blocks get a `localId`, so what is read is not what was sent (facts §5)."""
    blocks = []
    for number, block in enumerate(document["content"]):
        if block["type"] in ("paragraph", "heading", "bulletList", "orderedList"):
            seed = orjson.dumps([number, block])
            local_id = hashlib.sha256(seed).hexdigest()[:12]
            blocks.append({**block, "attrs": {**block.get("attrs", {}), "localId": local_id}})
        else:
            blocks.append(block)
    return {**document, "content": blocks}


def text_of(node: Any) -> str:
    """The plain text of a document, for its length."""
    if isinstance(node, dict):
        return str(node.get("text", "")) + text_of(node.get("content", []))
    return "".join(text_of(inner) for inner in node) if isinstance(node, list) else ""
