"""Two hundred hostile texts through every renderer: valid, inert, nobody's command, nothing of another issue."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from support_values import STRATEGY, decided, epic, issue, label, lineage, of, rule, rulebook

from connectors.jira import adf as jira_adf
from connectors.jira import wiki as jira_wiki
from connectors.linear import markdown as linear_markdown
from connectors.sandbox.adf import valid
from syncd.core.commands import Allow, Answer, CommandPolicy, orders_in
from syncd.core.comments import sticky_comment
from syncd.core.model import Comment, Issue, Run, Strategy
from syncd.render.adf import to_adf
from syncd.render.comment_markdown import to_markdown
from syncd.render.comment_wiki import to_wiki

PAYLOADS = (
    "{code}x{code}", "{noformat}", "{html}<b>x</b>{html}", "{quote}", "{panel:title=x}y{panel}", "{color:red}x{color}",
    "{{x}}", "}}{{", "[~accountid:5b10a2844c20165700ede21g]", "[~admin]", "[click|https://evil.example]",
    "[https://evil.example]", "!https://evil.example/x.png!", "|cell|cell|", "||head||", "h1. big", "bq. quoted",
    "* item", "# item", "- item", "----", "*bold*", "_it_", "+ins+", "^up^", "~down~", "??cite??", "\\\\", "\\*",
    "{anchor:syncd-1}", "&#91;x&#93;", "&lt;script&gt;", "<script>alert(1)</script>", "<!-- x -->", "<b>x</b>",
    "[text](https://evil.example)", "[text][1]", "![i](https://evil.example/x.png)", "`code`", "```\nx\n```", "~~~",
    "**b**", "__b__", "~~s~~", "> quote", "1. one", "+++ fold", "$$x$$", "| a | b |\n|--|--|", "https://evil.example",
    "www.evil.example", "mailto:a@evil.example", "javascript:alert(1)", "@admin", "@[Admin](user:1)", "a@evil.example",
    "=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(1)", "\u202eevil", "\u2066x\u2069", "\u200bz", "\x00\x07\x1b[31m",
    "\r\n\r\n", "/outcome cost", "\n\n/outcome cost\n\n", "](", "*", "{", "\ud800", "\U0001f4a9",
    "x" * 1_000_000, "`" * 5_000,
)  # fmt: skip
WRAPPED = ("{}", "a {} b", "{}{}")
TEXTS = tuple(
    dict.fromkeys(form.format(*[payload] * form.count("{}")) for payload, form in product(PAYLOADS, WRAPPED))
)[:210]
SECRET = "secret-acquisition"
BOOK = rulebook(rule("by-label", "reliability", label("*")), rule("by-epic", "growth", of("epic", label("*"))))


def test_there_are_two_hundred_of_them() -> None:
    assert len(TEXTS) >= 200


def comments(text: str) -> Iterator[Comment]:
    """Every kind of comment, with that text wherever a text of the tracker's or of the strategy's may stand."""
    named = replace(
        STRATEGY,
        outcomes=tuple(replace(o, title=text, owner=text) for o in STRATEGY.outcomes),
        overhead=tuple(replace(o, title=text, owner=text) for o in STRATEGY.overhead),
    )
    one = replace(issue(labels=(text, "plain")), title=text, project_name=text)
    above = lineage(replace(epic(labels=(SECRET,)), title=f"{SECRET} {text}"))
    answers = [Answer("refused", "1"), Answer("unknown", "1", text), Answer("unclear", "1", text), Answer("why", "1")]
    policies: tuple[Allow, ...] = ("members", "owners")
    for allow in policies:
        for verdict, lying in product((one, replace(one, labels=())), (above, lineage())):
            yield from _said(verdict, lying, named, answers, CommandPolicy(allow=allow))
    yield Comment(((Run(text),), (Run(text, "strong"), Run("x")), (Run(text, "code"),)))


def _said(
    one: Issue, above: Any, strategy: Strategy, answers: list[Answer], policy: CommandPolicy
) -> Iterator[Comment]:
    decision = decided(replace(BOOK, strategy=strategy), one, above)
    for told in ((), answers):
        comment = sticky_comment(one, decision, strategy, told, policy)
        if comment is not None:
            yield comment


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_hostile_text_stays_text_in_every_format(text: str) -> None:
    for number, comment in enumerate(comments(text)):
        document, markdown, wiki = to_adf(comment), to_markdown(comment), to_wiki(comment)
        assert valid(document), number
        assert _kinds(document) <= {"doc", "paragraph", "text"}
        assert _marks(document) <= {"strong", "code"}
        assert _active_in_markdown(to_markdown(_weak(comment))) == []
        assert _active_in_wiki(to_wiki(_weak(comment))) == []
        if comment.paragraphs[0] != (Run(text),):  # which says it itself
            read = (jira_adf.paragraphs(document), linear_markdown.paragraphs(markdown), jira_wiki.paragraphs(wiki))
            assert [list(orders_in(paragraphs)) for paragraphs in read] == [[], [], []]
        for body in (str(document), markdown, wiki):
            assert SECRET not in body
            assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", body)


def _weak(comment: Comment) -> Comment:
    """Without our own strong text, whose signs look like anybody's."""
    plain = [tuple(Run(r.text, "plain" if r.style == "strong" else r.style) for r in p) for p in comment.paragraphs]
    return Comment(tuple(plain))


def _kinds(node: Any) -> set[str]:
    return {node["type"]} | {kind for child in node.get("content", ()) for kind in _kinds(child)}


def _marks(node: Any) -> set[str]:
    own = {mark["type"] for mark in node.get("marks", ())}
    return own | {kind for child in node.get("content", ()) for kind in _marks(child)}


def _active_in_markdown(body: str) -> list[str]:
    """What an editor would make more than text of, outside of code and of our own strong text."""
    bare = re.sub(r"\\.", "e", _without_code(body))
    found = re.findall(r"[*_`\[\]<>~|]|!\[|\]\(|://|(?<=\w)@(?=\w)|www\.\w", bare)
    return found + [line for line in bare.split("\n") if re.match(r"\s*(?:#{1,6}\s|>|[-+=]|\d+[.)]\s|\+\+\+)", line)]


def _without_code(body: str) -> str:
    return re.sub(r"(?<!\\)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", body, flags=re.DOTALL)


def _active_in_wiki(body: str) -> list[str]:
    bare = re.sub(r"\{\{[\w /.…<>-]+\}\}", "", re.sub(r"\\[^a-zA-Z0-9\s\\]", "e", body))
    found = re.findall(r"[*{}\[\]|!^~+?]|\\\\|://|(?<=\w)@(?=\w)|www\.\w|\\|&#(?!92;)", bare)
    return found + [line for line in bare.split("\n") if re.match(r"\s*(?:h[1-6]\.|bq\.|[-*#]+\s|-{4})", line)]


def test_the_checks_themselves_see_what_is_active() -> None:
    for body in ("[x](y)", "**a** <b>", "a@b", "https://x", "> q", "# h", "1. x"):
        assert _active_in_markdown(body), body
    for body in ("{code}", "[~x]", "h1. x", "!x!", "https://x", "\\\\", "|a|", "- x"):
        assert _active_in_wiki(body), body
