"""A backlog is labelled once, silently and in few requests, and then nothing, however the index lags."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from support_jira_cloud import MovableClock
from support_stage import PREFIXES, Stage, Traffic, staged

from connectors.jira.marking import BULK_FROM
from connectors.sandbox import Site, build_world
from connectors.sandbox.values import IssueState
from syncd.config.starter import starter_files

SCOPE = ("PAY", "OPS", "RISK", "ONB")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Company"]:
    """The made-up company under the starter rules, labelled whole once; the tests only look, or cycle on."""
    clock = MovableClock()
    site = Site(clock.now)
    build_world(site)
    starter = {n: (starter_files() / f"{n}.yaml").read_text(encoding="utf-8") for n in ("rules", "strategy")}
    # the exchanges of this very connector with this very site are checked elsewhere, one by one
    folder = tmp_path_factory.mktemp("company")
    with staged(folder, site=site, clock=clock, projects=SCOPE, checked=False, **starter) as stage:
        yield Company(stage)


class Company:
    """What was there before the first apply, what went over the wire, and what is there after it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.before: dict[str, IssueState] = stage.site.snapshot()
        self.first = stage.once()
        self.unwritten = stage.site.snapshot()
        self.shown = stage.plan()
        stage.site.index_lag = timedelta(minutes=4)  # less than the overlap, which is five
        with stage.watched() as traffic:
            self.result = stage.apply(self.shown.plan.digest)
        self.traffic: Traffic = traffic
        self.after = stage.site.snapshot()


def people(labels: tuple[str, ...]) -> bytes:
    return "\n".join(label for label in labels if not label.startswith(PREFIXES)).encode()


def test_the_first_labelling_of_a_backlog_waits_for_a_person_and_nothing_is_written(company: Company) -> None:
    (refusal,) = company.first.refusals
    assert company.first.planned >= 500
    assert (company.first.applied, company.first.waiting) == (0, 0)
    assert refusal.counts["actions"] == company.first.planned
    assert company.unwritten == company.before


def test_a_shown_plan_is_done_over_the_limits_in_a_few_bulk_edits_and_with_no_read_for_a_write(
    company: Company,
) -> None:
    wanted = [action.ref.id for action in company.shown.plan.actions]
    changes = Counter((action.add, action.remove) for action in company.shown.plan.actions)
    assert company.result.applied == len(wanted) >= 500
    few = [change for change, count in changes.items() if count < BULK_FROM]
    many = len(changes) - len(few)
    assert len(company.traffic.edits) == sum(changes[change] for change in few)
    edits = company.traffic.of("POST", "bulk/issues/fields")
    assert len(edits) == len(company.traffic.of("POST", "issue/properties")) == many
    done = [issue for e in edits for issue in json.loads(e.request_body)["selectedIssueIdsOrKeys"]]
    assert sorted([*done, *company.traffic.edits]) == sorted(wanted)
    assert not company.traffic.single_reads
    assert not set(company.traffic.fetched) & set(wanted)  # ancestors outside the scope are, in bulk, for the deciding
    assert len(company.traffic.writes) == 2 * many + len(company.traffic.edits)


def test_the_plan_that_was_refused_is_the_plan_that_is_shown(company: Company) -> None:
    assert company.first.refusals[0].digest == company.shown.plan.digest


def test_people_s_labels_are_byte_equal_before_and_after(company: Company) -> None:
    for key, was in company.before.items():
        assert people(company.after[key].labels) == people(was.labels), key


def test_nothing_outside_the_scope_is_touched_and_nothing_but_marks_and_the_copy_inside(company: Company) -> None:
    for key, was in company.before.items():
        now = company.after[key]
        if key.partition("-")[0] not in SCOPE:
            assert now == was
        assert now.comments == was.comments
        assert {name for name, _ in set(now.properties) ^ set(was.properties)} <= {"syncd"}


def test_nobody_gets_a_mail(company: Company) -> None:
    assert not company.stage.site.mails
    edits = company.traffic.of("PUT", r"issue/\d+")
    assert {edit.query for edit in edits} <= {"notifyUsers=false"}
    bulk = company.traffic.of("POST", "bulk/issues/fields")
    assert {json.loads(edit.request_body)["sendBulkNotification"] for edit in bulk} == {False}


def test_every_write_is_a_delta_of_marks_with_its_copy(company: Company) -> None:
    shape = re.compile(
        rb'\{"update":\{"labels":\[\{"add":"(outcome|alignment)/[a-z-]+"\}\]\},"properties":\[\{"key":"syncd",'
        rb'"value":\{"installation":"acme","instance":"[0-9a-f-]{36}","mark":"(outcome|alignment)/[a-z-]+"\}\}\]\}'
    )
    for edit in company.traffic.of("POST", "bulk/issues/fields"):
        told = json.loads(edit.request_body)
        assert told["selectedActions"] == ["labels"]
        assert {one["bulkEditMultiSelectFieldOption"] for one in told["editedFieldsInput"]["labelsFields"]} <= {
            "ADD",
            "REMOVE",
        }
    for copies in company.traffic.of("POST", "issue/properties"):
        assert json.loads(copies.request_body)["properties"].keys() == {"syncd"}
    for edit in company.traffic.of("PUT", r"issue/\d+"):
        assert shape.fullmatch(edit.request_body.replace(b" ", b"")), edit.request_body


def test_a_second_cycle_writes_nothing_step_by_step_through_the_lag_of_the_index(company: Company) -> None:
    stage = company.stage
    for _ in range(7):  # the index shows the writes after the fourth minute
        with stage.watched() as traffic:
            stage.quiet()
        assert not traffic.writes
        assert not traffic.single_reads
    stage.site.index_lag = timedelta(0)
    assert stage.quiet().skipped == len(company.shown.plan.skipped)
    assert all(stage.known(key).applied.proof == "seen" for key in marked(company)[:20])  # type: ignore[union-attr]


def marked(company: Company) -> list[str]:
    return [action.key for action in company.shown.plan.actions]


def test_a_plan_after_the_apply_is_empty_and_says_why_for_every_omission(company: Company) -> None:
    shown = company.stage.plan()
    assert shown.plan.actions == ()
    assert shown.refusals == ()
    assert all(skipped.why for skipped in shown.plan.skipped)
