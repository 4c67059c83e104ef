"""The report as a page: what it says, and that no text of a tracker's ever is more than text on it."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html import escape
from itertools import pairwise

import pytest
import support_values as values
from support_report import HOSTILE, Company, Page, harmless, hostile, small

from syncd.core.model import Focus, Link, Metric
from syncd.core.report import Coverage, build_report
from syncd.render.html import content_security_policy, report_html
from syncd.render.html_parts import LONGEST, bar, link, safe, shown, tag
from syncd.render.html_tables import issue_item
from syncd.render.html_work import deviation, metric_words

ACTING = {"style", "src", "srcset", "action", "formaction", "ping", "background", "data", "poster"}


HARMLESS = Page(report_html(harmless().report))


def page_of(company: Company) -> Page:
    return Page(report_html(company.report))


def without_style(html: str) -> str:
    """The page without its style sheet and that one's hash: they are looked at in a browser."""
    head, _, rest = html.partition("<style>")
    return head.replace(escape(content_security_policy()), "(policy)") + "<style>" + rest[rest.index("</style>") :]


# --- what it says -----------------------------------------------------------------------------------------


def test_the_page_reads_as_accepted(golden: Callable[[str, str], None]) -> None:
    golden("report/small.html", without_style(report_html(small().report)))


def test_the_same_store_makes_the_same_page() -> None:
    assert len({report_html(small().report) for _ in range(3)}) == 1


def test_a_page_of_nothing_at_all_is_a_page() -> None:
    nothing = build_report([], values.STRATEGY, "v1", [Coverage(values.TRACKER, None, None)])
    page = Page(report_html(nothing))
    assert page.faults == []
    assert "was never read whole: no cycle yet" in page.text


def test_what_was_not_read_whole_is_said_first_and_with_its_reason() -> None:
    company = small()
    company.coverage = (Coverage(values.TRACKER, values.NOW, "HTTP 401"), Coverage("other", None, None))
    text = page_of(company).text
    assert text.index("Not a full picture.") < text.index("Where the work goes")
    assert "acme-jira was last read whole on 16 November 2026, 12:00 UTC: HTTP 401." in text
    assert "other was never read whole: no cycle yet." in text
    assert "Not a full picture." not in page_of(small()).text


def test_each_conflict_is_shown_once_with_both_owners_and_the_links_of_what_it_holds_up() -> None:
    page = page_of(small())
    assert page.text.count("rules growing + reliable") == 1
    assert "Payments never go down maria@acme.example against Ten new markets ben@acme.example" in page.text
    assert [url for url in page.links if url.endswith(("PAY-9", "PAY-10"))] == [
        "https://acme.atlassian.net/browse/PAY-10",
        "https://acme.atlassian.net/browse/PAY-9",
    ]


def test_unmapped_work_is_grouped_as_a_rule_would_fold_it_and_each_group_leads_to_its_issues() -> None:
    groups = {g.by: [(one.name, one.issues, one.open) for one in g.groups] for g in small().report.groups}
    assert groups == {
        "label": [("UI", 2, 2)],
        "component": [("Ledger", 1, 1)],
        "project": [("OPS", 3, 3)],
    }
    assert {g.by: g.without for g in small().report.groups} == {"label": 1, "component": 2, "project": 0}
    assert [line.key for line in small().report.groups[2].groups[0].sample] == ["OPS-3", "OPS-4", "OPS-12"]


def test_work_below_what_cannot_be_read_says_what_to_grant() -> None:
    text = page_of(small()).text
    assert "browse the project PROC (in Jira: the permission Browse Projects), for the sake of PROC-7." in text


def test_a_hidden_ancestor_of_a_project_in_scope_is_another_thing_to_grant() -> None:
    company = small()
    company.above = {ref: values.lineage(missing="PAY-77") for ref in company.above}
    assert "PAY-77 in acme-jira cannot be read although its project is in scope" in page_of(company).text


def test_an_ancestor_known_by_its_id_alone_is_named_by_it() -> None:
    company = small()
    company.above = {ref: replace(above, missing=Link("77", None)) for ref, above in company.above.items()}
    assert "read what holds id 77; only its id is known." in page_of(company).text


def test_a_restricted_issue_is_named_by_its_key_alone() -> None:
    page = page_of(small())
    assert "OPS-4" in page.text
    assert "Do not tell" not in page.text
    assert "secret" not in page.text


def test_a_focus_that_is_over_is_said_to_be_over() -> None:
    company = small()
    assert "Focus until 31 December 2026:" in page_of(company).text
    ended = replace(company.book.strategy, focus=Focus("reliability", date(2026, 1, 2)))
    company.book = replace(company.book, strategy=ended)
    assert "Focus ended on 2 January 2026:" in page_of(company).text


@pytest.mark.parametrize(
    ("share", "mark", "what", "expected"),
    [
        (0.206, 0.30, "target", ("9.4 points below target", True)),
        (0.26, 0.30, "target", ("4.0 points below target", False)),
        (0.30, 0.30, "target", ("on target", False)),
        (0.295, 0.30, "target", ("on target", False)),
        (0.50, 0.30, "target", ("20.0 points above target", False)),
        (0.10, 0.20, "budget", ("10.0 points under budget", False)),
        (0.30, 0.20, "budget", ("10.0 points over budget", True)),
        (0.30, None, "budget", ("no budget set", False)),
    ],
)
def test_a_deviation_is_said_in_words_and_marked_when_far_to_the_wrong_side(
    share: float, mark: float | None, what: str, expected: tuple[str, bool]
) -> None:
    assert deviation(share, mark, what) == expected


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (Metric("availability", "%", 99.9, 99.99), "availability 99.9 → 99.99 %"),
        (Metric("lost payments", None, None, 0), "lost payments 0"),
        (Metric("joy", "smiles"), "joy"),
    ],
)
def test_a_metric_is_told_as_far_as_it_is_known(metric: Metric, words: str) -> None:
    assert metric_words(metric) == words


def test_a_bar_says_in_words_what_it_draws() -> None:
    page = Page(bar("Reliability", 0.2, 0.4, scale=0.5, name="o-reliability"))
    svg, *parts = page.elements
    assert svg[1]["role"] == "img"
    assert (svg[1]["aria-labelledby"], svg[1]["aria-describedby"]) == ("o-reliability-t", "o-reliability-d")
    assert "20.0\u00a0% of all work; the stroke stands at 40.0\u00a0%" in page.text
    assert [a["width"] for name, a in parts if name == "rect"] == ["100%", "40.00%"]
    assert {a["x1"] for name, a in parts if name == "line"} == {"80.00%"}


# --- how it is built --------------------------------------------------------------------------------------


def test_the_page_is_well_formed_and_its_names_are_unique() -> None:
    page = page_of(small())
    assert page.faults == []
    names = [a["id"] for _, a in page.elements if "id" in a]
    assert len(names) == len(set(names))
    assert {url for url in page.links if url.startswith("#")} <= {f"#{name}" for name in names}


def test_every_table_has_a_caption_and_every_head_a_scope() -> None:
    elements = page_of(small()).elements
    assert sum(name == "table" for name, _ in elements) == sum(name == "caption" for name, _ in elements) > 4
    assert [a for name, a in elements if name == "th" and "scope" not in a] == []


def test_headings_come_in_order() -> None:
    levels = [int(name[1]) for name, _ in page_of(small()).elements if name in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_nothing_is_loaded_and_nothing_is_run() -> None:
    page = page_of(small())
    assert {name for name, _ in page.elements} & {"script", "link", "img", "iframe", "form", "base", "object"} == set()
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in str(policy)
    urls = {one.issue.url for one in small().known}
    assert {url for url in page.links if not url.startswith("#")} <= urls


# --- hostile texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_makes_no_element_and_no_attribute_in_any_place(text: str) -> None:
    company = hostile(text)
    page = page_of(company)
    assert page.faults == []
    assert page.skeleton == HARMLESS.skeleton
    assert [url for url in page.links if not url.startswith("#")] == []
    assert [a for _, attributes in page.elements for a in attributes if a.startswith("on") or a in ACTING] == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_shown_as_it_is_but_for_what_steers_a_screen(text: str) -> None:
    page = page_of(hostile(text))
    assert shown(text) in page.text
    assert [c for c in page.text if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"] == []


def test_a_text_of_a_megabyte_is_cut_and_does_not_make_the_page_large() -> None:
    plain = len(report_html(harmless().report))
    assert len(report_html(hostile("x" * 1_000_000).report)) < plain + 200 * LONGEST


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://acme.atlassian.net/browse/PAY-1", True),
        ("http://127.0.0.1:8080/browse/PAY-1", True),
        ("https://linear.app/acme/issue/ENG-1/a-title", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,<script>", False),
        ("vbscript:x", False),
        ("file:///etc/passwd", False),
        ("//evil.example/x", False),
        ("/relative", False),
        ("https:///nowhere", False),
        ("https://acme.example@evil.example/", False),
        ("https://evil.example/\u202egnp", False),
        ("https://[::1", False),
        ("https://a b/", False),
        ("", False),
    ],
)
def test_only_a_plain_web_address_becomes_a_link(url: str, good: bool) -> None:
    assert safe(url) is good
    assert ("<a " in link(url, "PAY-1")) is good
    assert "PAY-1" in link(url, "PAY-1")


def test_an_address_cannot_leave_its_attribute() -> None:
    made = link('https://acme.example/"onfocus="x', "PAY-1")
    assert Page(made).elements == [
        ("a", {"href": 'https://acme.example/"onfocus="x', "rel": "noreferrer noopener"}),
    ]


def test_plain_text_is_escaped_and_only_made_markup_is_not() -> None:
    assert tag("b", "<i>") == "<b>&lt;i&gt;</b>"
    assert tag("b", tag("i", "x")) == "<b><i>x</i></b>"
    assert tag("b", "x", class_='a"b', data_label=None) == '<b class="a&quot;b">x</b>'


def test_a_done_issue_is_said_to_be_done() -> None:
    lines = small().report.conflicts[0].held_up
    assert [issue_item(line).endswith("(done)</span>") for line in lines] == [False, True]
