"""Two hundred hostile texts through every renderer: valid, inert, nobody's command, nothing of another issue."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from unittest.mock import patch

import pytest
import support_report
from support_hostile import (
    MEGABYTE,
    PAYLOADS,
    TEXTS,
    faults_in_adf,
    faults_in_cells,
    faults_in_markdown,
    faults_in_report,
    faults_in_wiki,
    faults_on_a_terminal,
    headings_in_report,
)
from support_report import Page, harmless
from support_values import NOW, STRATEGY, TRACKER, action, decided, epic, issue, label, lineage, of, rule, rulebook

from connectors.jira import adf as jira_adf
from connectors.jira import wiki as jira_wiki
from connectors.linear import markdown as linear_markdown
from connectors.sandbox.adf import valid
from syncd.cli.terminal import json_text
from syncd.core.acting import Heed, NoiseReport, SourceLine
from syncd.core.commands import Allow, Answer, CommandPolicy, orders_in
from syncd.core.comments import sticky_comment
from syncd.core.findings import OpenFinding, deadline_of, level_of
from syncd.core.fold import storable
from syncd.core.model import Comment, Finding, Issue, Run, Skipped, Strategy
from syncd.core.plan import make_plan
from syncd.core.report import Claim, Report
from syncd.core.torn import Recorded, Torn
from syncd.core.tradeoffs import Tradeoff
from syncd.core.votes import KINDS, RuleVotes, Suggestion
from syncd.render.adf import to_adf
from syncd.render.comment_markdown import to_markdown
from syncd.render.comment_wiki import to_wiki
from syncd.render.csv import report_csv
from syncd.render.html import report_html
from syncd.render.markdown import report_markdown
from syncd.render.noise import noise_lines, votes_lines
from syncd.render.people import finding_lines
from syncd.render.report_json import report_json
from syncd.render.settling import recorded_line, torn_lines_text
from syncd.render.text import plan_text

SECRET = "secret-acquisition"
BOOK = rulebook(rule("by-label", "reliability", label("*")), rule("by-epic", "growth", of("epic", label("*"))))


def test_there_are_two_hundred_of_them_of_every_kind_and_one_is_a_megabyte() -> None:
    assert len(TEXTS) >= 200
    assert set(PAYLOADS) >= {"wiki", "markdown", "html", "links", "mentions", "formulas", "controls"}
    assert max(map(len, TEXTS)) >= MEGABYTE
    for kind, payloads in PAYLOADS.items():
        assert set(payloads) <= set(TEXTS), kind


# --- comments ---------------------------------------------------------------------------------------------


def comments(text: str) -> Iterator[Comment]:
    """Every kind of comment, with that text wherever a text of the tracker's or of the strategy's may stand."""
    text = storable(text)  # as a connector takes it in
    named = replace(
        STRATEGY,
        outcomes=tuple(replace(o, title=text, owner=text) for o in STRATEGY.outcomes),
        overhead=tuple(replace(o, title=text, owner=text) for o in STRATEGY.overhead),
    )
    one = replace(issue(labels=(text, "plain")), title=text, project_name=text)
    above = lineage(replace(epic(labels=(SECRET,)), title=f"{SECRET} {text}"))
    answers = [Answer("refused", "1"), Answer("unknown", "1", text), Answer("unclear", "1", text), Answer("why", "1")]
    policies: tuple[Allow, ...] = ("members", "owners", "off")
    for allow in policies:
        for verdict, lying in product((one, replace(one, labels=())), (above, lineage())):
            yield from _said(verdict, lying, named, answers, CommandPolicy(allow=allow))


def _said(
    one: Issue, above: Any, strategy: Strategy, answers: list[Answer], policy: CommandPolicy
) -> Iterator[Comment]:
    decision = decided(replace(BOOK, strategy=strategy), one, above)
    for told in ((), answers):
        comment = sticky_comment(one, decision, strategy, told, policy)
        if comment is not None:
            yield comment


def bare(text: str) -> Comment:
    """The text itself, in every style."""
    return Comment(((Run(text),), (Run(text, "strong"), Run("x")), (Run(text, "code"),)))


def faults_of_comment(comment: Comment) -> dict[str, list[str]]:
    """What is active in it, by format; our own strong text is left out where its signs look like anybody's."""
    plain = [tuple(Run(r.text, "plain" if r.style == "strong" else r.style) for r in p) for p in comment.paragraphs]
    weak = Comment(tuple(plain))
    found = {
        "adf": faults_in_adf(to_adf(comment)),
        "markdown": faults_in_markdown(to_markdown(weak)),
        "wiki": faults_in_wiki(to_wiki(weak)),
    }
    return {form: faults for form, faults in found.items() if faults}


def commands_in(comment: Comment) -> list[Any]:
    """What syncd itself would read in it, by format."""
    read = (
        jira_adf.paragraphs(to_adf(comment)),
        linear_markdown.paragraphs(to_markdown(comment)),
        jira_wiki.paragraphs(to_wiki(comment)),
    )
    return [order for paragraphs in read for order in orders_in(paragraphs)]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_hostile_text_stays_text_in_every_comment_and_gives_no_command(text: str) -> None:
    for comment in comments(text):
        assert faults_of_comment(comment) == {}
        assert valid(to_adf(comment))
        assert commands_in(comment) == []
        for body in (str(to_adf(comment)), to_markdown(comment), to_wiki(comment)):
            assert SECRET not in body, "a value of another issue"
            assert len(body) < 40_000, "a comment is a note"
    assert faults_of_comment(bare(text)) == {}


# --- reports and lines ------------------------------------------------------------------------------------

PLAIN_PAGE = Page(report_html(harmless().report))
PLAIN_REPORT = report_markdown(harmless().report)


def faults_of_reports(text: str) -> dict[str, list[str]]:
    """What is active in each form of the report of a company in which everybody writes that."""
    company = support_report.hostile(storable(text))
    company.known = [replace(one, issue=replace(one.issue, url="")) for one in company.known]  # whose link is meant
    found = {
        "html": _faults_of_page(company.report),
        "md": faults_in_report(report_markdown(company.report)),
        "csv": faults_in_cells(csv.reader(io.StringIO("".join(report_csv(company.known)).removeprefix("\ufeff")))),
        "lines": faults_on_a_terminal(lines_of(text)),
    }
    if headings_in_report(report_markdown(company.report)) != headings_in_report(PLAIN_REPORT):
        found["md"].append("a heading, a table or a quote of its own")
    return {form: faults for form, faults in found.items() if faults}


def _faults_of_page(report: Report) -> list[str]:
    page = Page(report_html(report))
    found = [*page.faults, *(url for url in page.links if not url.startswith("#"))]
    return found + ([] if page.skeleton == PLAIN_PAGE.skeleton else ["an element or an attribute of its own"])


def lines_of(text: str) -> Iterator[str]:
    """What the commands print, with that text wherever one of a tracker's or a person's may stand."""
    finding = Finding(tracker=TRACKER, kind="dispute", cause=text, text=text, key=text, owner=text)
    clock = (level_of(finding), NOW, deadline_of(finding, NOW))
    torn = Torn(
        cause=text, name=text, trackers=(TRACKER,), claims=(Claim("growth", text, text),), decider=text,
        level=clock[0], opened=clock[1], deadline=clock[2], issues=2, open=2, keys=(text,), reopened=1, lapsed=text,
    )  # fmt: skip
    traded = Tradeoff(cause=text, tracker=text, target=_GROWTH, claimed=(_GROWTH,), author=text, reason=text, at=NOW)
    source = SourceLine(text, 3, 3, 0, muted=True)
    noise = NoiseReport(NOW - timedelta(days=90), Heed(), (), source, (source,), {text: 2})
    votes = RuleVotes("a", 3, dict.fromkeys(KINDS, 1), 1, (text,), Suggestion("label", text, 2, 0))
    yield from finding_lines([OpenFinding(finding, *clock)], NOW)
    yield from torn_lines_text([torn], NOW)
    yield recorded_line(Recorded(traded, text))
    yield from noise_lines(noise)
    yield from votes_lines([votes])
    skipped = [Skipped(issue().ref, text, text)]
    yield from plan_text(make_plan([replace(action(), key=text, why=text)], skipped), ()).split("\n")


_GROWTH = BOOK.rules[1].target


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_hostile_text_stays_text_in_every_report_and_on_the_terminal(text: str) -> None:
    assert faults_of_reports(text) == {}
    told = json.loads(json_text(report_json(support_report.hostile(storable(text)).report)))
    assert told["totals"] == report_json(harmless().report)["totals"]


# --- the checks see what they are for ---------------------------------------------------------------------


def test_the_checks_themselves_see_what_is_active() -> None:
    for body in ("[x](y)", "**a** <b>", "a@b", "https://x", "> q", "# h", "1. x", "\u202ex"):
        assert faults_in_markdown(body), body
    for body in ("{code}", "[~x]", "h1. x", "!x!", "https://x", "\\\\", "|a|", "- x", "\x1b[1m"):
        assert faults_in_wiki(body), body
    for body in ("[x](https://y)", "![x](y)", "<b>x</b>", "see https://x", "hey @maria", "a\x07"):
        assert faults_in_report(body), body
    for row in (["=1"], ["a;=1"], ["\t=1"], ["a\x00"]):
        assert faults_in_cells([row]), row
    assert faults_on_a_terminal(["two\nlines"])
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": ""}]}
    mention = {"type": "paragraph", "content": [{"type": "mention", "attrs": {"id": "1"}}]}
    for content in (paragraph, mention, {"type": "text", "text": "x"}, {"type": "paragraph", "text": "x"}):
        assert faults_in_adf({"type": "doc", "version": 1, "content": [content]}), content


CARELESS: dict[str, tuple[tuple[str, ...], int]] = {
    "adf": (("syncd.render.adf.inert",), 3),
    "markdown": (("syncd.render.comment_markdown._escaped", "syncd.render.comment_markdown._opened"), 20),
    "wiki": (("syncd.render.comment_wiki._escaped", "syncd.render.comment_wiki._opened"), 20),
    "html": (("syncd.render.html_parts.escape",), 4),
    "md": (("syncd.render.markdown.escape",), 12),
    "csv": (("syncd.render.csv.cell",), 4),
    "lines": (("syncd.render.settling.inert", "syncd.render.noise.inert", "syncd.render.people.inert"), 3),
}
"""Format → what takes care in it, and of how many texts harm is seen without."""


@pytest.mark.parametrize("form", CARELESS)
def test_without_the_care_of_its_renderer_the_same_texts_do_harm(form: str) -> None:
    names, least = CARELESS[form]
    short = [text for payloads in PAYLOADS.values() for text in payloads if len(text) < 200][::2]
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(careless(name))
        if form in ("adf", "markdown", "wiki"):
            harmed = [text for text in short if form in faults_of_comment(bare(text))]
        else:
            harmed = [text for text in short if form in faults_of_reports(text)]
    assert len(harmed) >= least, f"{len(harmed)} of {len(short)}"


def careless(name: str) -> AbstractContextManager[Any]:
    return patch(name, lambda text, *_rest, **_named: text)
