"""The HTML report in a real browser: phone and desktop, light and dark, print. Nothing is fetched, nothing is run."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
import support_values as values
from playwright.sync_api import BrowserContext, Page, sync_playwright
from support_report import HOSTILE, Company, decided, hostile, small

from syncd.core.model import Category, Link
from syncd.core.report import Coverage
from syncd.render.html import report_html

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE, DESKTOP, PAPER = (360, 800), (1280, 900), (688, 1000)
Scheme = Literal["light", "dark"]
SCREENS = [(size, scheme) for size in (PHONE, DESKTOP) for scheme in ("light", "dark")]

SKELETON = "[...document.querySelectorAll('*')].map(e => e.tagName)"
OPEN_ALL = "document.querySelectorAll('details').forEach(d => { d.open = true; })"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OUTSIDE = """
() => {
  const range = document.createRange(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), out = [];
  while (walk.nextNode()) {
    const node = walk.currentNode, parent = node.parentElement;
    if (!node.data.trim() || !parent.checkVisibility() || parent.closest('svg, .wide, thead')) continue;
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      if (box.width && (box.right > innerWidth + 1 || box.left < -1)) { out.push(node.data.slice(0, 40)); break; }
  }
  return out;
}
"""
CONTRASTS = """
() => {
  const light = c => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
  };
  const rgba = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const ground = e => {
    for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
    return null;
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), out = [];
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('svg')) continue;
    const under = ground(e), ink = rgba(getComputedStyle(e).color);
    if (!under || ink[3] !== 1) { out.push([walk.currentNode.data.slice(0, 40), 0]); continue; }
    const [a, b] = [light(under), light(ink)].sort((x, y) => y - x);
    out.push([walk.currentNode.data.slice(0, 40), (a + 0.05) / (b + 0.05)]);
  }
  return out;
}
"""
MARKS = """
() => {
  const light = text => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const n = text.match(/[\\d.]+/g).map(Number);
    return 0.2126 * part(n[0]) + 0.7152 * part(n[1]) + 0.0722 * part(n[2]);
  };
  const ground = light(getComputedStyle(document.body).backgroundColor), out = {};
  for (const e of document.querySelectorAll('svg .share, svg .mark, .stack rect')) {
    const style = getComputedStyle(e), name = e.getAttribute('class');
    const [a, b] = [ground, light(name === 'mark' ? style.stroke : style.fill)].sort((x, y) => y - x);
    out[name] = (a + 0.05) / (b + 0.05);
  }
  return out;
}
"""
PLANT = """
() => new Promise(resolve => {
  const refused = [];
  document.addEventListener('securitypolicyviolation', event => {
    refused.push(event.effectiveDirective);
    if (refused.length === 4) resolve(refused);
  });
  const script = document.createElement('script'), image = document.createElement('img');
  const style = document.createElement('style');
  script.textContent = 'window.pwned = 1';
  image.src = 'http://127.0.0.1:9/pixel.png';
  style.textContent = 'body { display: none }';
  document.body.append(script, image, style);
  fetch('http://127.0.0.1:9/').catch(() => null);
})
"""


@dataclass
class Seen:
    """A page that is shown, and what the browser said and asked for meanwhile."""

    page: Page
    address: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def run(self, script: str) -> Any:
        return self.page.evaluate(script)

    @property
    def quiet(self) -> bool:
        """Nothing was complained about, and nothing but the file itself was asked for."""
        return not self.said and set(self.asked) == {self.address}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """The system's browser, headless, with a profile of its own. One is never downloaded."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        why = f"no browser is on this system ({', '.join(BROWSERS)}): apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        profile = tmp_path_factory.mktemp("profile")
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=found, headless=True, args=list(FLAGS), timeout=60_000
        )
        yield context
        context.close()


@pytest.fixture
def show(browser: BrowserContext, tmp_path: Path) -> Iterator[Any]:
    """Shows a company's report in a window of a size."""
    pages: list[Page] = []

    def shown(company: Company, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light", **media: Any) -> Seen:
        file = tmp_path / f"report-{len(pages)}.html"
        file.write_text(report_html(company.report), encoding="utf-8")
        page = browser.new_page()
        pages.append(page)
        seen = Seen(page, file.as_uri())
        page.on("console", lambda message: seen.said.append(message.text))
        page.on("pageerror", lambda error: seen.said.append(str(error)))
        page.on("request", lambda request: seen.asked.append(request.url))
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme, **media)
        page.goto(seen.address)
        return seen

    yield shown
    for page in pages:
        page.close()


def busy() -> Company:
    """Hundreds of issues, long names without a space, many conflicts and groups, and not the full picture."""
    base = small()
    long = "Donaudampfschifffahrtsgesellschaft" * 3
    issues = [one.issue for one in base.known]
    for n in range(300):
        labels = [("sre", "growth"), ("sre",), ("growth", "chore"), (f"label-{n % 40}", long), ()][n % 5]
        title = f"Work {n} on the {long if n % 9 == 0 else 'gateway'}"
        changes: dict[str, Any] = {"components": (f"Component {n % 7}",), "title": title}
        if n % 3 == 0:
            changes["category"] = Category.DONE
        if n % 25 == 4:
            changes["parent"] = Link(str(n), f"PROC-{n}")
        issues.append(values.issue(f"{'PAYMENTSPLATFORM' if n % 2 else 'OPS'}-{n + 100}", *labels, **changes))
    above = base.above | {i.ref: values.lineage(missing=str(i.parent)) for i in issues if i.parent}
    coverage = (*base.coverage, Coverage("other-jira", None, "HTTP 401 Unauthorized"))
    return Company(decided(base.book, issues, above), base.book, above, coverage)


# --- how it looks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "scheme"), SCREENS)
@pytest.mark.parametrize("company", [small, busy])
def test_the_page_fits_its_window_and_asks_for_nothing(
    show: Any, company: Any, size: tuple[int, int], scheme: Scheme
) -> None:
    seen = show(company(), size, scheme)
    assert (seen.run(OVERFLOW), seen.run(OUTSIDE)) == (0, [])
    seen.run(OPEN_ALL)
    assert (seen.run(OVERFLOW), seen.run(OUTSIDE)) == (0, [])
    assert seen.quiet, (seen.said, seen.asked)


@pytest.mark.parametrize(("size", "scheme"), SCREENS)
def test_every_text_stands_out_from_its_ground(show: Any, size: tuple[int, int], scheme: Scheme) -> None:
    seen = show(busy(), size, scheme)
    seen.run(OPEN_ALL)
    contrasts = seen.run(CONTRASTS)
    assert len(contrasts) > 500
    assert [(text, round(ratio, 2)) for text, ratio in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_and_strokes_stand_out_from_the_page(show: Any, scheme: Scheme) -> None:
    marks = show(small(), DESKTOP, scheme).run(MARKS)
    assert {"share", "mark", "mapped", "exempt", "unmapped", "conflict", "incomplete"} == set(marks)
    assert {name: round(ratio, 2) for name, ratio in marks.items() if ratio < 2.4} == {}
    assert min(marks["share"], marks["mark"]) >= 3


def test_dark_is_dark_and_light_is_light(show: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    assert show(small(), DESKTOP, "light").run(ground) == "rgb(255, 255, 255)"
    assert show(small(), DESKTOP, "dark").run(ground) == "rgb(20, 22, 26)"


def test_the_style_sheet_takes_hold_under_the_pages_own_policy(show: Any) -> None:
    seen = show(small())
    assert seen.run("getComputedStyle(document.querySelector('.page')).maxWidth") == "1120px"
    assert seen.run("getComputedStyle(document.querySelector('td.n')).textAlign") == "right"
    assert "tabular-nums" in seen.run("getComputedStyle(document.querySelector('td.n')).fontVariantNumeric")


def test_on_paper_the_page_fits_is_black_on_white_and_unfolds_what_conflicts_hold_up(show: Any) -> None:
    seen = show(busy(), PAPER, "dark", media="print")
    assert (seen.run(OVERFLOW), seen.run(OUTSIDE)) == (0, [])
    assert seen.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert [text for text, ratio in seen.run(CONTRASTS) if ratio < 4.5] == []
    visible = "getComputedStyle(document.querySelector('.held'), '::details-content').contentVisibility"
    assert seen.run(visible) == "visible"
    assert not seen.run("document.querySelector('.unlisted').checkVisibility()")
    assert seen.page.pdf(format="A4").startswith(b"%PDF")


# --- who uses it without a mouse or without eyes ----------------------------------------------------------


def test_headings_and_landmarks_stand_in_order(show: Any) -> None:
    seen = show(busy())
    levels = seen.run("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels == [1, 2, 2, 2, 2, 2, 3, 3, 3, 2, 2]
    assert seen.run("['header', 'main', 'footer'].map(n => document.querySelectorAll(n).length)") == [1, 1, 1]
    assert seen.run("document.documentElement.lang") == "en"


def test_tables_are_tables_to_those_who_listen_on_a_phone_too(show: Any) -> None:
    page = show(small(), PHONE).page
    shares = page.get_by_role("region", name="Shares by outcome").get_by_role("table")
    assert shares.get_by_role("row").count() == 6
    assert shares.get_by_role("columnheader").all_inner_texts() == [
        "Outcome", "Share against target", "Share", "Target", "Issues", "Open",
    ]  # fmt: skip
    assert shares.get_by_role("rowheader").count() == 5
    assert shares.get_by_role("img", name="Payments never go down").count() == 1


def test_the_keyboard_reaches_the_figures_the_folds_and_the_issues(show: Any) -> None:
    page = show(small()).page
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = "document.activeElement"
        reached.append(page.evaluate(f"{focused}.tagName + ' ' + {focused}.textContent.trim().slice(0, 30)"))
        if reached[-1].startswith("SUMMARY rules"):
            page.keyboard.press("Enter")
    assert reached[0] == "A serves an outcome"
    assert "SUMMARY rules growing + reliable" in reached
    assert "A PAY-10" in reached
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    page.locator("a.what").first.focus()
    assert page.evaluate(outline) == "solid"


def test_a_figure_leads_to_its_section(show: Any) -> None:
    page = show(busy()).page
    page.get_by_role("link", name="conflicts to settle").click()
    assert page.evaluate("document.querySelector('#conflicts').getBoundingClientRect().top") < 50


# --- hostile texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_changes_nothing_but_words(show: Any, text: str) -> None:
    seen, plain = show(hostile(text), PHONE), show(hostile("harmless"), PHONE)
    assert seen.run(SKELETON) == plain.run(SKELETON)
    seen.run(OPEN_ALL)
    assert seen.run(OVERFLOW) == 0
    assert seen.run("window.pwned") is None
    assert seen.quiet, (seen.said, seen.asked)


def test_even_what_got_into_the_page_could_neither_run_nor_fetch(show: Any) -> None:
    """The policy is what holds: an element planted as if the escaping had failed stays without effect."""
    seen = show(small())
    refused = seen.run(PLANT)
    assert sorted(refused) == ["connect-src", "img-src", "script-src-elem", "style-src-elem"]
    assert seen.run("window.pwned") is None
    assert seen.run("getComputedStyle(document.body).display") == "block"


def test_a_planted_fault_is_seen_by_the_checks_themselves(show: Any) -> None:
    """Each measure bites: too wide, too pale, a message, a request."""
    seen = show(small(), PHONE)
    seen.run("document.querySelector('h2').innerHTML = '<b>' + 'W'.repeat(99) + '</b>'")
    seen.run("document.querySelector('h2').style.setProperty('overflow-wrap', 'normal')")
    seen.run("document.querySelector('.lead').style.setProperty('color', 'rgb(180, 180, 180)')")
    assert seen.run(OVERFLOW) > 0
    assert len(seen.run(OUTSIDE)) == 1
    assert [round(ratio, 1) for _, ratio in seen.run(CONTRASTS) if ratio < 4.5] == [2.1]
    assert seen.quiet
    seen.run("console.error('planted')")
    assert not seen.quiet


def test_a_page_of_thousands_of_issues_is_still_small_enough_to_mail(show: Any) -> None:
    base = busy()
    many = [
        replace(one, issue=replace(one.issue, key=f"{one.issue.key}{n}", ref=values.ref(f"{one.issue.key}-{n}")))
        for n in range(30)
        for one in base.known
    ]
    company = replace(base, known=many)
    assert company.report.totals.issues > 9_000
    assert len(report_html(company.report).encode()) < 500_000
    assert show(company).run(OVERFLOW) == 0
