"""syncd meets 1,185 real issues (docs/real-data.md). A second reading of its rulebook checks each verdict."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support_jira_cloud import MovableClock
from support_real_issues import (
    DAY_ONE,
    PARITY,
    QUALITY,
    RELEASE,
    RULES,
    TOOLS,
    WITHDRAWN,
    Expected,
    Real,
    expected,
    link_of,
    low,
    read_file,
)
from support_sandbox import client_of, walk
from support_stage import PREFIXES, Stage, staged

from connectors.sandbox import IssueState, Site, load_issues
from syncd.app import Shown
from syncd.engine.cycle import Applied
from syncd.engine.work import CycleResult

RULEBOOK = Path(__file__).parent / "tidev"
PAGE = Path(__file__).parents[2] / "docs" / "real-data.md"
EVERYTHING = ("ALOY", "DAEMON", "MOD", "TIMOB")

# --- the story --------------------------------------------------------------------------------------------


@dataclass
class Told:
    """The real issues and what syncd did to them, from first look to a cycle that does nothing."""

    stage: Stage
    before: dict[str, IssueState]
    shown_open: Shown
    refused: CycleResult
    untouched_by_refusal: bool
    shown: Shown
    applied: Applied
    after: dict[str, IssueState]
    second: CycleResult


@pytest.fixture(scope="module")
def path(shared: Path) -> Path:
    return shared / "data" / "jira-tidev" / "issues.jsonl"


@pytest.fixture(scope="module")
def real(path: Path) -> dict[str, Real]:
    return read_file(path)


def on_stage(folder: Path, path: Path, projects: Sequence[str], *, checked: bool) -> AbstractContextManager[Stage]:
    clock = MovableClock()
    site = Site(clock.now)
    load_issues(site, path)
    rules = (RULEBOOK / "rules.yaml").read_text(encoding="utf-8")
    strategy = (RULEBOOK / "strategy.yaml").read_text(encoding="utf-8")
    return staged(
        folder, site=site, clock=clock, projects=projects, rules=rules, strategy=strategy, checked=checked,
        write="label+comment",
    )  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, path: Path) -> Iterator[Told]:
    with on_stage(tmp_path_factory.mktemp("real"), path, EVERYTHING, checked=False) as stage:
        before = stage.site.snapshot()
        shown_open = stage.plan()
        stage.write(write_closed=True)
        refused = stage.once()
        untouched = stage.site.snapshot() == before
        shown = stage.plan()
        applied = stage.apply(shown.plan.digest)
        after = stage.site.snapshot()
        second = stage.once()
        yield Told(stage, before, shown_open, refused, untouched, shown, applied, after, second)


def decided(stage: Stage) -> dict[str, Expected]:
    """What syncd decided, in the words of the second reading."""
    found = {}
    for one in stage.app.look_over():
        assert one.standing is not None, one.issue.key
        decision = one.standing.decision
        kind, outcome = decision.pair
        verdict = kind if kind in ("unmapped", "conflict", "incomplete") else outcome or WITHDRAWN
        verdict = f"overhead: {outcome}" if kind == "exempt" and outcome else verdict
        via = None if decision.via is None else decision.via.value
        found[one.issue.key] = Expected(verdict, via, frozenset(e.source for e in decision.evidence))
    return found


def test_the_second_reading_knows_every_rule_of_the_file() -> None:
    ids = re.findall(r"^  - id: (\S+)$", (RULEBOOK / "rules.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert ids == [rule.id for rule in RULES]


def test_every_verdict_on_real_issues_is_the_one_that_a_second_reading_of_the_rules_expects(
    told: Told, real: dict[str, Real]
) -> None:
    found = decided(told.stage)
    assert found.keys() == real.keys()
    wrong = {key: (found[key], wanted) for key, i in real.items() if found[key] != (wanted := expected(i))}
    assert not wrong


TOTALS = {
    "exempt": 239, DAY_ONE: 97, TOOLS: 226, QUALITY: 92, PARITY: 61, "community": 21, RELEASE: 74,
    "conflict": 43, "unmapped": 224, "incomplete": 108,
}  # fmt: skip
LEVELS = {"rule": 813, "inherited": 15, "default": 25, None: 332}


def test_the_verdicts_on_real_issues_add_up_to_the_figures_that_are_told_of_them(told: Told) -> None:
    found = decided(told.stage).values()
    assert Counter(one.verdict for one in found) == TOTALS
    assert Counter(one.via for one in found) == LEVELS
    assert sum(TOTALS.values()) == sum(LEVELS.values()) == 1185


def test_the_report_counts_real_issues_as_the_second_reading_does(told: Told, real: dict[str, Real]) -> None:
    report = told.stage.app.report()
    wanted = {key: expected(i).verdict for key, i in real.items()}
    still_open = Counter(verdict for key, verdict in wanted.items() if not real[key].done)
    for totals, counted in ((report.totals, Counter(wanted.values())), (report.open, still_open)):
        assert totals.mapped == sum(counted[o] for o in (DAY_ONE, TOOLS, QUALITY, PARITY, "community"))
        assert totals.exempt == counted[WITHDRAWN] + counted[RELEASE]
        assert (totals.unmapped, totals.conflict) == (counted["unmapped"], counted["conflict"])
        assert totals.incomplete == counted["incomplete"]
    assert {line.outcome.id: line.issues for line in report.outcomes}.items() <= TOTALS.items()
    assert sum(line.issues for line in report.conflicts) == TOTALS["conflict"]


# --- what was written -------------------------------------------------------------------------------------


def mark_of(verdict: str) -> tuple[str, ...]:
    """The label that a verdict asks for."""
    if verdict in (WITHDRAWN, RELEASE, "incomplete"):
        return ()
    return (f"alignment/{verdict}",) if verdict in ("unmapped", "conflict") else (f"outcome/{verdict}",)


def labels_of_people(state: IssueState) -> list[str]:
    return [label for label in state.labels if not label.startswith(PREFIXES)]


def test_a_decade_of_closed_work_is_left_alone_unless_the_admin_says_otherwise(
    told: Told, real: dict[str, Real]
) -> None:
    marked = {key for key, i in real.items() if mark_of(expected(i).verdict)}
    assert {action.key for action in told.shown_open.plan.actions} == {key for key in marked if not real[key].done}
    assert {action.key for action in told.shown.plan.actions} == marked
    assert (len(told.shown_open.plan.actions), len(told.shown.plan.actions)) == (120, 764)


def test_the_first_labelling_of_a_real_backlog_waits_for_a_person(told: Told) -> None:
    assert (told.refused.applied, len(told.refused.refusals)) == (0, 1)
    assert told.untouched_by_refusal
    assert (told.applied.applied, told.applied.dropped, told.applied.new) == (764, [], [])


def test_each_real_issue_bears_just_the_mark_of_its_verdict_and_people_keep_every_label(
    told: Told, real: dict[str, Real]
) -> None:
    assert told.after.keys() == real.keys()
    for key, i in real.items():
        assert labels_of_people(told.after[key]) == i.fields["labels"], key
        assert tuple(x for x in told.after[key].labels if x.startswith(PREFIXES)) == mark_of(expected(i).verdict), key
        assert told.after[key].comments == told.before[key].comments, key
    assert told.stage.site.mails == []


def test_a_second_cycle_over_real_issues_writes_nothing(told: Told) -> None:
    assert (told.second.planned, told.second.applied, told.second.complete) == (0, 0, True)
    told.stage.quiet()
    assert told.stage.site.snapshot() == told.after


def test_in_a_small_scope_ancestors_outside_are_read_and_never_touched(
    tmp_path: Path, path: Path, real: dict[str, Real]
) -> None:
    scope = ("ALOY", "MOD")
    with on_stage(tmp_path, path, scope, checked=True) as stage:
        stage.write(write_closed=True)
        before = stage.site.snapshot()
        with stage.watched() as traffic:
            shown = stage.plan()
            stage.apply(shown.plan.digest)
        after = stage.site.snapshot()
        inside = {key for key, i in real.items() if i.fields["project"]["key"] in scope}
        outside = {i.above.key for key, i in real.items() if key in inside and i.above} - inside
        assert {key for key in real if after[key] != before[key]} == {action.key for action in shown.plan.actions}
        assert {action.key for action in shown.plan.actions} <= inside
        assert {real[key].raw["id"] for key in outside} <= set(traffic.fetched)
        assert decided(stage) == {key: expected(real[key]) for key in inside}
        stage.quiet()


# --- the file, served -------------------------------------------------------------------------------------


def when(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def names(values: Any) -> list[str]:
    return list(dict.fromkeys(value["name"] for value in values))


@pytest.fixture(scope="module")
def served(path: Path) -> dict[str, dict[str, Any]]:
    """Each issue as the sandbox answers it over HTTP, by key."""
    clock = MovableClock()
    site = Site(clock.now)
    load_issues(site, path)
    with client_of(site) as client:
        return {row["key"]: row for row in walk(client, "created > -10000d", fields=["*all"], maxResults=100)}


def test_every_real_issue_is_served_as_the_file_tells_it(
    served: dict[str, dict[str, Any]], real: dict[str, Real]
) -> None:
    assert served.keys() == real.keys()
    for key, i in real.items():
        row, wanted = served[key]["fields"], i.fields
        assert served[key]["id"] == i.raw["id"]
        assert json.dumps(row["labels"]) == json.dumps(wanted["labels"]), key
        assert row["summary"] == wanted["summary"], key
        assert [when(row[name]) for name in ("created", "updated")] == [
            when(wanted[name]) for name in ("created", "updated")
        ], key
        assert [row[name]["name"] for name in ("issuetype", "status")] == [i.type, wanted["status"]["name"]], key
        assert row["status"]["statusCategory"]["key"] == wanted["status"]["statusCategory"]["key"], key
        assert str((row["priority"] or {}).get("name")) == i.priority, key
        assert [names(row[name]) for name in ("components", "fixVersions")] == [
            names(wanted[name]) for name in ("components", "fixVersions")
        ], key
        assert row["comment"]["total"] == len(wanted["comment"]["comments"]), key


def test_real_epics_stand_at_level_one_and_every_link_upwards_is_kept(
    served: dict[str, dict[str, Any]], real: dict[str, Real]
) -> None:
    for key, i in real.items():
        row, link = served[key]["fields"], link_of(i.raw)
        level = -1 if i.fields["issuetype"]["subtask"] else 1 if i.type == "Epic" else 0
        assert row["issuetype"]["hierarchyLevel"] == level, key
        told_above = (row["parent"]["id"], row["parent"]["key"]) if "parent" in row else None
        assert told_above == ((str(link["id"]), link["key"]) if link else None), key
        shows_more = "fields" in row.get("parent", {})
        assert shows_more == (i.above is not None), key


def test_ancestors_that_the_file_does_not_hold_cannot_be_seen_by_any_way(path: Path, real: dict[str, Real]) -> None:
    clock = MovableClock()
    site = Site(clock.now)
    load_issues(site, path)
    missing = {str(link["id"]): link["key"] for i in real.values() if i.lost and (link := link_of(i.raw))}
    assert len(missing) == 37
    with client_of(site) as client:
        asked = [*missing, *missing.values()]
        fetched = client.post("/rest/api/3/issue/bulkfetch", json={"issueIdsOrKeys": asked, "fields": ["summary"]})
        assert fetched.json()["issues"] == []
        assert {client.get(f"/rest/api/3/issue/{name}").status_code for name in asked} == {404}


BROKEN = {
    "a type without id": ("issuetype", {"name": "Bug"}),
    "a status that is null": ("status", None),
    "a date that is none": ("updated", "yesterday"),
    "a date without a zone": ("created", "2011-04-15T02:22:43.000"),
    "an epic without key": ("epic", {"id": 5}),
    "a person without name": ("assignee", {"active": True}),
    "a description that is a document": ("description", {"type": "doc", "version": 1, "content": []}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_real_issue_with_a_part_that_cannot_be_read_is_named_by_its_line(
    tmp_path: Path, path: Path, what: str
) -> None:
    with path.open(encoding="utf-8") as lines:
        first, second = next(lines), json.loads(next(lines))
    second["fields"] |= dict([BROKEN[what]])
    file = tmp_path / "issues.jsonl"
    file.write_text(first + json.dumps(second) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"issues\.jsonl:2: not an issue: "):
        load_issues(Site(MovableClock().now), file)


def test_an_issue_that_stands_in_the_file_twice_is_named_rather_than_lost(tmp_path: Path, path: Path) -> None:
    with path.open(encoding="utf-8") as lines:
        first = next(lines)
    file = tmp_path / "issues.jsonl"
    file.write_text(first * 2, encoding="utf-8")
    with pytest.raises(ValueError, match=r"issues\.jsonl:2: .* already"):
        load_issues(Site(MovableClock().now), file)


# --- what is told of it -----------------------------------------------------------------------------------


def share_of(count: int, of: int = 1185) -> str:
    return f"{count} | {count / of:.1%}".replace("%", " %")


def rows_of_the_page(real: dict[str, Real]) -> Iterator[str]:
    """Every row of figures, and the sentences with the largest."""
    wanted = {key: expected(i) for key, i in real.items()}
    still_open = Counter(one.verdict for key, one in wanted.items() if not real[key].done)
    served = sum(TOTALS[o] for o in (DAY_ONE, TOOLS, QUALITY, PARITY, "community"))
    served_open = sum(still_open[o] for o in (DAY_ONE, TOOLS, QUALITY, PARITY, "community"))
    yield f"serve one of five outcomes | {share_of(served)} | {served_open} |"
    for words, verdict in (
        ("exempt: a platform that was withdrawn", WITHDRAWN),
        ("overhead: release work", RELEASE),
        ("unmapped: nobody said what for", "unmapped"),
        ("conflict: two outcomes claim it", "conflict"),
        ("incomplete: what it belongs to cannot be read", "incomplete"),
    ):
        yield f"| {words} | {share_of(TOTALS[verdict])} | {still_open[verdict]} |"
    for words, level in (("a rule on the issue itself", "rule"), ("nothing spoke", None)):
        yield f"| {words} | {LEVELS[level]} |"
    for rule in RULES:
        default = " (default)" if rule.strength is None else ""
        yield f"| `{rule.id}`{default} | {sum(map(rule.holds, real.values()))} |"
    linked = [i for i in real.values() if link_of(i.raw)]
    lost = [i for i in linked if i.lost]
    left = [i for i in lost if wanted[i.key].verdict == "incomplete"]
    yield f"{len(linked)} issues name something above them, and for {len(lost)} of those"
    yield f"Rules on the issues themselves save {len(lost) - len(left)}; the other {len(left)} are"
    worst = sum((link_of(i.raw) or {})["key"] == "TIMOB-25087" for i in left)
    yield f"TIMOB-25087, holds up {worst} of the {len(left)}"
    labels = {label for i in real.values() for label in i.fields["labels"]}
    yield f"{len(labels)} labels are {len({low(x).rstrip(',.;') for x in labels})} once"
    yield f"{sum(sum(r.holds(i) for r in RULES) > 1 for i in real.values())} issues are held by two rules or more"
    causes = {one.rules for one in wanted.values() if one.verdict == "conflict"}
    yield f"{TOTALS['conflict']} are left as conflicts, with {len(causes)} causes"


def test_the_page_on_real_data_tells_the_figures_of_today(told: Told, real: dict[str, Real]) -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert [row for row in rows_of_the_page(real) if row not in page] == []
    issues, writes = len(told.shown_open.plan.actions), len(told.shown.plan.actions)
    assert f"| issues that get a mark | {issues} | {writes} |" in page
    assert f"| requests for applying (in bulk) | | {told.applied.requests} |" in page
