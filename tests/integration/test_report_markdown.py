"""The report as Markdown: what a terminal, a wiki page or a mail shows."""

import pytest
from markdown_it import MarkdownIt
from support_report import HOSTILE, harmless, hostile, small

from syncd.render.markdown import escape, report_markdown


def test_unmapped_work_is_grouped_as_rules_fold_texts() -> None:
    shown = report_markdown(small().report)
    assert "By label: UI 2\n" in shown
    assert "By component: Ledger 1\n" in shown


@pytest.mark.parametrize("label", ["release-1.6", "needs_review", "team-payments (core)", "a+b", "{x}"])
def test_a_label_can_be_copied_into_a_rule_as_it_stands(label: str) -> None:
    assert escape(label) == label


ACTIVE = (
    *HOSTILE,
    "[a](https://evil.example)",
    "![a](https://evil.example/a.png)",
    "www.evil.example",
    "WWW.evil.example",
    "https://evil.example",
    "_loud_ __louder__ *x* ~~y~~ `z`",
    "a | b | c",
    "@maria",
    "<b>x</b>",
)


@pytest.mark.parametrize("text", ACTIVE)
def test_nothing_from_a_tracker_is_markup_a_link_or_html_in_the_report(text: str) -> None:
    page = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    tokens = page.parse(f"- {escape(text[:2000])}")
    inline = [child.type for token in tokens for child in token.children or ()]
    assert set(inline) <= {"text", "text_special", "entity"}
    assert "www." not in escape(text[:2000]).lower()


@pytest.mark.parametrize("text", ["a | b | c", "# x | y", "<b>|</b>", "[x](y) | `z`"])
def test_a_report_of_hostile_texts_has_the_tables_of_an_honest_one(text: str) -> None:
    def heads(report: str) -> int:
        return sum(token.type == "th_open" for token in MarkdownIt("commonmark").enable("table").parse(report))

    assert heads(report_markdown(hostile(text).report)) == heads(report_markdown(harmless().report))
