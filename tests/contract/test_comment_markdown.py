"""A comment as Markdown: people read what was said, and no text of a tracker becomes markup, link or mention."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from syncd.core.model import Comment, Run
from syncd.render.comment_markdown import JOINER, to_markdown

_INLINE = {"text", "text_special", "code_inline", "strong_open", "strong_close", "softbreak"}
_BLOCKS = {"paragraph_open", "paragraph_close", "inline"}


def tokens_of(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def read_back(text: str) -> str:
    """What a person sees, word joiners left out."""
    found = []
    for token in tokens_of(text):
        assert token.type in _BLOCKS, f"{token.type} in {text!r}"
        for child in token.children or ():
            assert child.type in _INLINE, f"{child.type} in {text!r}"
            found.append(" " if child.type == "softbreak" else child.content)
    return "".join(found).replace(JOINER, "")


def said(text: str, style: str = "plain") -> Comment:
    return Comment(((Run("Value: "), Run(text, style)),))  # type: ignore[arg-type]  # the test names a style


def test_paragraphs_and_styles_come_out_as_they_were_meant() -> None:
    comment = Comment(
        (
            (Run("Which outcome?", "strong"),),
            (Run("By rule "), Run("sre`s", "code"), Run(" (label “SRE”).")),
        )
    )
    assert to_markdown(comment) == "**Which outcome?**\n\nBy rule ``sre`s`` \\(label “SRE”\\)."


HOSTILE = (
    "[click](https://evil.example)", "![x](https://evil.example/a.png)", "<https://evil.example>", "<b>loud</b>",
    "<script>alert(1)</script>", "&lt;b&gt;", "# heading", "- item", "+ item", "1. item", "2) item", "> quote",
    "```\ncode\n```", "~~~", "---", "===", "a | b\n--|--\n1 | 2", "**bold**", "__x__", "~~gone~~", "`x`", "\\", "a\\",
    "* * *", "+++ fold", "[ref]: https://evil.example", "line\r\nline", "tab\tstop", "\u202egnp.exe", "    indented",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("style", ["plain", "strong", "code"])
def test_hostile_text_is_read_as_text(text: str, style: str) -> None:
    shown = "".join(c for c in text.replace("\n", " ").replace("\t", " ") if unicodedata.category(c)[0] != "C")
    assert " ".join(read_back(to_markdown(said(text, style))).split()) == " ".join(f"Value: {shown}".split())
    alone = Comment(((Run(text),),))
    assert " ".join(read_back(to_markdown(alone)).split()) == " ".join(shown.split())


@given(st.text(max_size=60), st.sampled_from(["plain", "code"]))
def test_no_text_whatever_becomes_markup(text: str, style: str) -> None:
    read_back(to_markdown(Comment(((Run(text, style),),))))  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/x",
        "see www.evil.example",
        "evil.example",
        "@maria",
        "a@evil.example",
        "mailto:a@b.example",
    ],
)
def test_nothing_is_left_that_an_editor_makes_a_link_or_a_mention_of(text: str) -> None:
    linked = re.compile(r"://|@\w|\w\.[a-z]|[a-z]:\w", re.IGNORECASE)
    assert linked.search(text), "the text would be one"
    assert not linked.search(to_markdown(said(text)).replace("Value: ", ""))
    assert read_back(to_markdown(said(text))) == f"Value: {text}"


def test_a_number_stays_as_it_is() -> None:
    assert to_markdown(Comment(((Run("is at 99.95 of 1,000"),),))) == "is at 99.95 of 1,000"
