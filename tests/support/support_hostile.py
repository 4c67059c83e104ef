"""Texts that mean harm wherever syncd shows a text of a tracker's, and what would be active in each format.

`faults_in_…` name what a reader's program would make more than text of; empty is what every renderer owes. Each of
them is shown to see harm in test_hostile_texts.py, by switching the renderers' care off.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft4Validator
from markdown_it import MarkdownIt

PAYLOADS: Final[Mapping[str, tuple[str, ...]]] = {
    "wiki": (
        "{code}x{code}", "{noformat}", "{html}<b>x</b>{html}", "{quote}", "{panel:title=x}y{panel}",
        "{color:red}x{color}", "{{x}}", "}}{{", "[~accountid:5b10a2844c20165700ede21g]", "[~admin]",
        "[click|https://evil.example]", "[https://evil.example]", "!https://evil.example/x.png!", "|cell|cell|",
        "||head||", "h1. big", "bq. quoted", "----", "+ins+", "^up^", "~down~", "??cite??", "\\\\", "\\*",
        "{anchor:syncd-1}",
    ),
    "markdown": (
        "* item", "# item", "- item", "*bold*", "_it_", "[text](https://evil.example)", "[text][1]",
        "![i](https://evil.example/x.png)", "`code`", "```\nx\n```", "~~~", "**b**", "__b__", "~~s~~", "> quote",
        "1. one", "+++ fold", "$$x$$", "| a | b |\n|--|--|", "](", "*", "{", "    indented", "[ref]: https://evil.example",
    ),
    "html": (
        "&#91;x&#93;", "&lt;script&gt;", "<script>alert(1)</script>", "<!-- x -->", "<b>x</b>",
        '"><img src=x onerror="alert(1)">', "' onmouseover='x", "</bdi></title></style></svg>", "<![CDATA[ x ]]>",
    ),
    "adf": ('{"type":"mention","attrs":{"id":"1"}}', '","marks":[{"type":"link"}],"x":"', "\\u0022", "]}"),
    "links": (
        "https://evil.example", "www.evil.example", "WWW.evil.example", "mailto:a@evil.example", "javascript:alert(1)",
        "ftp://evil.example", "//evil.example/x", "a@evil.example",
    ),
    "mentions": ("@admin", "@[Admin](user:1)", "@here", "<@U024BE7LH>"),
    "formulas": (
        "=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(1)", '=HYPERLINK("https://evil.example","x")', "\t=1+1", "\uff1d1",
        "a;=1",
    ),
    "controls": (
        "\u202eevil", "\u2066x\u2069", "\u200bz", "\x00\x07\x1b[31mred", "\r\n\r\nSet-Cookie: a=b", "\ud800",
        "\ufeffbom", "\u2028line", "\x9b31m", "\x1b]8;;https://evil.example\x07x",
        "\u061cmark", "\U000e0041tag", "\x85next",
    ),
    "commands": ("/outcome cost", "\n\n/outcome cost\n\n", "/outcome dispute because x"),
    "large": ("x" * 1_000_000, "`" * 5_000, "\U0001f4a9" * 3_000, "[" * 5_000),
}  # fmt: skip
WRAPPED: Final = ("{}", "a {} b")
TEXTS: Final = tuple(
    dict.fromkeys(
        form.replace("{}", payload) for form, group in product(WRAPPED, PAYLOADS.values()) for payload in group
    )
)
MEGABYTE: Final = 1_000_000

# --- what is active ---------------------------------------------------------------------------------------

STEERS: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that steer a screen, turn its direction or end a line."""


def steering(text: str, *, but: str = "") -> list[str]:
    """Characters that do more than be seen."""
    if text.isprintable():
        return []
    return [c for c in text if c not in but and unicodedata.category(c) in STEERS]


@cache
def _official() -> Draft4Validator:
    path = Path(__file__).parents[1] / "contract/adf/full.json"
    return Draft4Validator(json.loads(path.read_text(encoding="utf-8")))


@cache
def _faults_of_shape(shape: str) -> tuple[str, ...]:
    return tuple(error.message[:200] for error in _official().iter_errors(json.loads(shape)))


def _shape(node: Any) -> Any:
    """The document with each text as one letter: of a text the schema says only that it is one, and not empty."""
    if isinstance(node, dict):
        return {k: v[:1] and "x" if k == "text" and isinstance(v, str) else _shape(v) for k, v in node.items()}
    return [_shape(inner) for inner in node] if isinstance(node, list) else node


def faults_in_adf(document: Any) -> list[str]:
    """What Atlassian's schema refuses, nodes and marks that do something, and characters that steer."""
    found = list(_faults_of_shape(json.dumps(_shape(document), sort_keys=True)))
    found += sorted(_kinds(document) - {"doc", "paragraph", "text"})
    found += sorted(_marks(document) - {"strong", "code"})
    return found + [repr(c) for text in _texts(document) for c in steering(text, but="\t")]


def _kinds(node: Any) -> set[str]:
    return {node["type"]} | {kind for child in node.get("content", ()) for kind in _kinds(child)}


def _marks(node: Any) -> set[str]:
    own = {mark["type"] for mark in node.get("marks", ())}
    return own | {kind for child in node.get("content", ()) for kind in _marks(child)}


def _texts(node: Any) -> Iterator[str]:
    if "text" in node:
        yield node["text"]
    for child in node.get("content", ()):
        yield from _texts(child)


def faults_in_markdown(body: str) -> list[str]:
    """What Linear's editor would make more than text of, outside of code and of our own strong text."""
    bare = re.sub(r"\\.", "e", _without_code(body))
    found = re.findall(r"[*_`\[\]<>~|]|!\[|\]\(|://|(?<=\w)@(?=\w)|www\.\w", bare, re.IGNORECASE)
    opening = re.compile(r"\s*(?:#{1,6}\s|>|[-+=]|\d+[.)]\s|\+\+\+)| {4}")
    found += [line for line in bare.split("\n") if opening.match(line)]
    return found + [repr(c) for c in steering(body, but="\n\u2060")]


def _without_code(body: str) -> str:
    return re.sub(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", body, flags=re.DOTALL)


def faults_in_wiki(body: str) -> list[str]:
    """What Jira's wiki renderer would, outside of our own monospace text."""
    bare = re.sub(r"\{\{[\w /.…<>-]+\}\}", "", re.sub(r"\\[^a-zA-Z0-9\s\\]", "e", body))
    found = re.findall(r"[*{}\[\]|!^~+?]|\\\\|://|(?<=\w)@(?=\w)|www\.\w|\\|&#(?!92;)", bare, re.IGNORECASE)
    found += [line for line in bare.split("\n") if re.match(r"\s*(?:h[1-6]\.|bq\.|[-*#]+\s|-{4})", line)]
    return found + [repr(c) for c in steering(body, but="\n\u2060")]


_PAGE: Final = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_ACTS: Final = {"link_open", "image", "html_inline", "html_block", "fence", "code_block", "hr", "s_open"}


def faults_in_report(report: str) -> list[str]:
    """What a Markdown viewer would make of the report beyond our own headings, lists, tables and strong text."""
    found = []
    for token in _PAGE.parse(report):
        found += [t.type for t in (token, *(token.children or ())) if t.type in _ACTS]
    bare = re.sub(r"\\.", "e", report)  # an editor makes links of bare addresses, but not of what is escaped
    found += re.findall(r"://|www\.\w|(?<!\w)@\w+", bare, re.IGNORECASE)
    return found + [repr(c) for c in steering(report, but="\n\u00a0")]


def headings_in_report(report: str) -> int:
    """Blocks that only we may begin."""
    return sum(token.type in ("heading_open", "th_open", "blockquote_open") for token in _PAGE.parse(report))


FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def faults_in_cells(rows: Iterable[Iterable[str]]) -> list[str]:
    """Cells that a spreadsheet would take for a formula, wherever its separator is."""
    cells = [cell for row in rows for cell in row]
    parts = [part.lstrip(" ") for cell in cells for part in cell.split(";")]
    return [part[:40] for part in parts if part.startswith(FORMULA)] + [
        repr(c) for cell in cells for c in steering(cell)
    ]


def faults_on_a_terminal(lines: Iterable[str]) -> list[str]:
    """Lines that steer a terminal, or are more than one."""
    return [repr(c) for line in lines for c in steering(line, but="\t")]
