"""Jira and Linear under one rulebook: served, read, marked, reported; what hangs on a project follows it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support_stage import RULES, TRACKER, Stage, staged

from connectors.linear.kind import LinearKind
from connectors.sandbox.linear import Workspace, serve_linear
from syncd.engine.work import CycleResult

LINEAR = "acme-linear"
FAMILIAR = """\
  - id: by-project
    outcome: reliability
    when: {epic: {label: resilience}}
  - id: whole-name
    outcome: cost
    when: {label: Area/billing}
  - id: short-name
    outcome: reliability
    when: {label: uptime}
"""


@dataclass
class Both:
    """A stage with a served Linear on it as well."""

    stage: Stage
    space: Workspace

    def cycle(self, **later: float) -> dict[str, CycleResult]:
        self.stage.clock.sleep(sum(later.values()) * 60 or 60)
        return {result.tracker: result for result in self.stage.app.once()}

    def create(self, title: str, **told: Any) -> str:
        return self.space.member("maria").create("ENG", title, **told)

    def marks(self, key: str) -> list[str]:
        shown: list[str] = self.space.snapshot()[key]["labels"]
        return [label for label in shown if label.startswith(("Outcome/", "Alignment/"))]

    def explained(self, key: str) -> Any:
        found, _ = self.stage.app.explain(key, LINEAR)
        return found


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    with ExitStack() as stack:
        stage = stack.enter_context(staged(tmp_path, rules=RULES + FAMILIAR))
        space = Workspace(stage.clock.now)
        space.team("ENG", "Engineering")
        served = stack.enter_context(serve_linear(space))
        stack.enter_context(patch("connectors.linear.kind.KIND", LinearKind(sleep=stage.clock.sleep)))
        stage.environ["LINEAR_TOKEN"] = space.token
        stage.settings["trackers"][LINEAR] = {
            "kind": "linear",
            "url": served.url,
            "auth": {"token": {"env": "LINEAR_TOKEN"}},
            "scope": {"teams": ["ENG"]},
            "write": "label",
        }
        stage.write()
        yield Both(stage, space)
        assert not space.crashes, space.crashes[0]


def test_one_rulebook_plans_applies_reports_explains_and_rests_over_both(both: Both) -> None:
    for name in ("sre", "finops"):
        both.space.label(name)
    jira = both.stage.create("PAY", labels=["sre"])
    ours, other = both.create("Fail over", labels=["sre"]), both.create("Cheaper", labels=["finops"])
    shown = both.stage.plan()
    assert {(a.ref.tracker, a.key, a.add) for a in shown.plan.actions} == {
        (TRACKER, jira, ("outcome/reliability",)),
        (LINEAR, ours, ("Outcome/reliability",)),
        (LINEAR, other, ("Outcome/cost",)),
    }
    done = both.stage.apply(shown.plan.digest)
    assert done.applied == 3
    assert (both.stage.marks(jira), both.marks(ours), both.marks(other)) == (
        ["outcome/reliability"],
        ["Outcome/reliability"],
        ["Outcome/cost"],
    )
    both.cycle(minutes=7)
    both.cycle(minutes=7)
    results = both.cycle(minutes=7)
    assert {(r.complete, r.planned, r.applied) for r in results.values()} == {(True, 0, 0)}
    report = both.stage.app.report()
    assert (report.totals.mapped, report.totals.issues, report.twins) == (3, 3, 0)
    assert both.explained(ours).decision.evidence[0].texts == ('label "sre" matches "sre"',)
    status = both.stage.app.status()
    assert {name: one["healthy"] for name, one in status["trackers"].items()} == {TRACKER: True, LINEAR: True}


def test_a_projects_label_changes_and_its_issues_follow_in_the_next_cycle_with_no_read_for_an_issue(
    both: Both,
) -> None:
    both.space.project_label("resilience")
    both.space.project("Core API", teams=["ENG"])
    keys = [both.create(f"Step {n}", project="Core API") for n in range(5)]
    keys.append(both.create("A part", parent=keys[0]))
    both.cycle()
    assert {tuple(both.marks(key)) for key in keys} == {("Alignment/unmapped",)}
    both.cycle(minutes=7)
    quiet = both.cycle(minutes=7)[LINEAR]
    before = both.space.counts.copy()
    both.space.member("maria").edit_project("Core API", labels=["resilience"])
    result = both.cycle()[LINEAR]
    assert {tuple(both.marks(key)) for key in keys} == {("Outcome/reliability",)}
    assert (result.observed, result.applied) == (quiet.observed, len(keys))
    asked = both.space.counts - before
    assert asked["Issues"] == 1, "the stream, as in any cycle"
    assert max(asked.values()) < len(keys), asked
    assert sum(count for name, count in asked.items() if name.startswith("Mark")) == 1, "one request marks them all"
    found = both.explained(keys[-1])
    assert [a.issue.title for a in found.ancestors] == ["Step 0", "Core API"]


def test_a_project_in_two_initiatives_of_two_outcomes_is_one_conflict_by_its_name(both: Both) -> None:
    for name in ("sre", "finops"):
        both.space.initiative_label(name)
    both.space.project("Core API", teams=["ENG"])
    both.space.initiative("Never down", projects=["Core API"], labels=["sre"])
    both.space.initiative("Half the cost", projects=["Core API"], labels=["finops"])
    keys = [both.create(f"Step {n}", project="Core API") for n in range(4)]
    both.cycle()
    assert {tuple(both.marks(key)) for key in keys} == {("Alignment/conflict",)}
    (line,) = both.stage.app.report().conflicts
    assert (line.name, line.issues, line.targets) == ("Core API", 4, ("cost", "reliability"))
    (finding,) = [f for f in both.stage.app.status()["findings"] if f["kind"] == "conflict"]
    assert finding["cause"] == line.cause
    both.space.member("maria").take_out("Core API", "Half the cost")
    both.cycle()
    assert {tuple(both.marks(key)) for key in keys} == {("Outcome/reliability",)}
    assert both.stage.app.report().conflicts == ()


def test_a_label_in_a_group_matches_by_its_name_and_by_its_whole_name(both: Both) -> None:
    both.space.label("billing", group="Area")
    both.space.label("uptime", group="Area")
    billing, uptime = both.create("Bill", labels=["Area/billing"]), both.create("Up", labels=["Area/uptime"])
    both.cycle()
    assert (both.marks(billing), both.marks(uptime)) == (["Outcome/cost"], ["Outcome/reliability"])
    both.stage.write(rules=RULES + FAMILIAR.replace("Area/billing", "billing").replace("uptime", "area/UPTIME"))
    results = both.cycle()
    assert results[LINEAR].planned == 0, "the same labels by their other names: nothing moves"
    both.stage.write(rules=RULES + FAMILIAR.replace("uptime", "Team/uptime"))
    both.cycle()
    assert both.marks(uptime) == ["Alignment/unmapped"], "found by the store's index, though nothing changed there"


def test_twins_count_once_and_a_disagreement_is_a_finding_until_they_agree(both: Both) -> None:
    for name in ("sre", "finops"):
        both.space.label(name)
    jira = both.stage.create("PAY", labels=["sre"])
    ours = both.create("The same", labels=["finops"])
    both.space.member("maria").attach(ours, f"{both.stage.url}/browse/{jira}", "Jira")
    both.cycle()
    report = both.stage.app.report()
    assert (report.totals.issues, report.totals.conflict, report.twins) == (1, 1, 1)
    found = both.explained(ours)
    assert ([t.issue.key for t in found.twins], found.torn_from_twins) == ([jira], True)
    kinds = [f["kind"] for f in both.stage.app.status()["findings"]]
    assert kinds.count("twin") == 1
    both.stage.edit(jira, labels_remove=["sre"], labels_add=["finops"])
    both.cycle()
    report = both.stage.app.report()
    assert (report.totals.mapped, report.totals.conflict, report.twins) == (1, 0, 1)
    assert "twin" not in [f["kind"] for f in both.stage.app.status()["findings"]]


def test_an_archived_issue_counts_nowhere_and_an_archived_project_still_speaks(both: Both) -> None:
    both.space.project_label("resilience")
    both.space.project("Core API", teams=["ENG"], labels=["resilience"])
    kept, gone = both.create("Kept", project="Core API"), both.create("Gone", project="Core API")
    both.cycle()
    both.space.member("maria").archive(gone)
    both.cycle()
    assert both.stage.app.report().totals.issues == 1
    both.space.member("maria").archive_project("Core API")
    both.cycle()
    both.cycle(minutes=7)
    assert both.marks(kept) == ["Outcome/reliability"]
