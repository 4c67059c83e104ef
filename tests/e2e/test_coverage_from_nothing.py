"""Rules that were written from the report alone, on real issues, cover what docs/coverage-from-nothing.md says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_jira_cloud import MovableClock
from support_stage import Stage, staged

from connectors.sandbox import Site, load_issues
from syncd.core.report import Report

RULEBOOK = Path(__file__).parent / "from-nothing"
PAGE = Path(__file__).parents[2] / "docs" / "coverage-from-nothing.md"


def rules() -> str:
    return (RULEBOOK / "rules.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[Stage]:
    clock = MovableClock()
    site = Site(clock.now)
    load_issues(site, shared / "data" / "jira-tidev" / "issues.jsonl")
    strategy = (RULEBOOK / "strategy.yaml").read_text(encoding="utf-8")
    with staged(
        tmp_path_factory.mktemp("nothing"), site=site, clock=clock, projects=("ALOY", "DAEMON", "MOD", "TIMOB"),
        rules="rules: []\n", strategy=strategy, checked=False, write="observe",
    ) as stage:  # fmt: skip
        yield stage


def row(report: Report, rules: int) -> str:
    """A line of the page's table."""
    totals, open_ = report.totals, report.open
    served, known = totals.mapped + totals.exempt, totals.issues - totals.incomplete
    still = open_.mapped + open_.exempt
    cells = (
        rules, totals.mapped, totals.exempt, totals.unmapped, totals.conflict, totals.incomplete,
        f"{100 * served / known:.1f} %", f"{100 * still / (open_.issues - open_.incomplete):.1f} %",
    )  # fmt: skip
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def test_the_page_begins_and_ends_with_what_the_report_counts(stage: Stage) -> None:
    page = PAGE.read_text(encoding="utf-8")
    stage.once()
    assert row(stage.app.report(), 0) in page
    stage.write(rules=rules())
    stage.once()
    count = len(stage.app.load().rulebook.rules)
    assert count == 25
    assert row(stage.app.report(), count) in page
    assert not stage.site.mails
