"""What goes wrong on the wire: all that was asked for arrives, or the cycle says why not and takes nothing off."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support_stage import Stage, staged

from connectors.sandbox import Fault

SEARCH = "POST /rest/api/3/search/jql"
EDIT = "PUT /rest/api/3/issue/{issueIdOrKey}"
COMMENT = "POST /rest/api/3/issue/{issueIdOrKey}/comment"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.once()
        yield stage


# --- reading ---

PASSING = {
    "429 with Retry-After": Fault("status", status=429, retry_after=7, reason="jira-burst-based", match=SEARCH),
    "503": Fault("status", status=503, match=SEARCH, times=2),
    "500 in HTML": Fault("status", status=500, html=True, match=SEARCH),
    "reset": Fault("reset", match=SEARCH, times=2),
    "truncation": Fault("truncate", match=SEARCH),
    "HTML with 200": Fault("status", status=200, html=True, match=SEARCH),
    "every third request": Fault("status", status=502, every=3, times=None),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_costs_time_and_loses_nothing(name: str, stage: Stage) -> None:
    fault = PASSING[name]
    keys = [stage.create(labels=["sre"]) for _ in range(3)]
    stage.site.faults.add(replace(fault, match=fault.match or "GET *"))
    before = stage.clock.now()
    result = stage.later(minutes=1)
    assert (result.complete, result.applied, result.observed) == (True, 3, 3)
    assert [stage.marks(key) for key in keys] == [["outcome/reliability"]] * 3
    if fault.retry_after is not None:
        assert stage.clock.now() - before >= timedelta(minutes=1, seconds=float(fault.retry_after))
    stage.site.faults.clear()
    stage.quiet()


LASTING = {
    "429 with a long Retry-After": Fault("status", status=429, retry_after=3600, match=SEARCH, times=None),
    "503": Fault("status", status=503, match=SEARCH, times=None),
    "reset": Fault("reset", match=SEARCH, times=None),
    "truncation": Fault("truncate", match=SEARCH, times=None),
    "HTML with 200": Fault("status", status=200, html=True, match=SEARCH, times=None),
}


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_said_and_nothing_is_taken_off(name: str, stage: Stage) -> None:
    epic = stage.create(type="Epic", labels=["sre"])
    child = stage.create(parent=epic)
    stage.later(minutes=1)
    stage.edit(epic, labels_remove=["sre"])
    before = stage.site.snapshot()
    fault = stage.site.faults.add(replace(LASTING[name]))
    result = stage.later(minutes=1)
    assert not result.complete
    assert result.why
    assert result.why.startswith("acme-jira: ")
    assert fault.struck
    assert stage.site.snapshot() == before
    assert result.why in str(stage.app.status()["trackers"])
    stage.site.faults.clear()
    stage.later(hours=1)
    assert (stage.marks(epic), stage.marks(child)) == (["alignment/unmapped"], ["alignment/unmapped"])
    assert stage.app.status()["trackers"]["acme-jira"]["healthy"]


@pytest.mark.parametrize("match", [SEARCH, "PUT /rest/api/3/issue/*"], ids=["reading", "writing"])
def test_a_site_that_asks_to_be_left_alone_is_asked_nothing_by_any_process_until_then(stage: Stage, match: str) -> None:
    """Each cycle here is a new process's: what one was told, the next ones heed."""
    stage.once()
    key = stage.create(labels=["sre"])
    limit = Fault("status", status=429, retry_after=1847, reason="jira-quota-tenant-based", match=match)
    stage.site.faults.add(limit)
    told = stage.later(minutes=1)
    asked_at, other = stage.clock.now(), stage.create(labels=["sre"])
    assert (told.complete, told.waiting) == (match != SEARCH, 0 if match == SEARCH else 1)
    with stage.watched() as traffic:
        for _ in range(5):
            left = stage.later(minutes=5)
            assert (left.complete, left.applied) == (False, 0)
            assert "asked to be left alone until" in str(left.why)
    assert traffic.seen == []
    stage.clock.at = asked_at + timedelta(seconds=1847)
    assert stage.once().complete
    assert [stage.marks(one) for one in (key, other)] == [["outcome/reliability"]] * 2


def test_a_long_limit_on_searching_alone_is_heeded_by_the_processes_that_follow(stage: Stage) -> None:
    stage.once()
    key = stage.create(labels=["sre"])
    limit = Fault("status", status=429, retry_after=1800, reason="jira-burst-based", match=SEARCH)
    stage.site.faults.add(limit)
    with stage.watched() as traffic:
        for _ in range(6):
            assert not stage.later(minutes=5).complete
    assert len(traffic.of("POST", "search/jql")) == 1, "not searched again before its time"
    assert stage.later(minutes=6).complete
    assert stage.marks(key) == ["outcome/reliability"]


def test_a_limit_on_one_kind_of_call_or_on_one_issue_leaves_the_site_to_be_asked(stage: Stage) -> None:
    stage.once()
    key, other = stage.create(labels=["sre"]), stage.create(labels=["finops"])
    issue_id = stage.site.issue(key).id
    reason = "jira-per-issue-on-write"
    stage.site.faults.add(Fault("status", status=429, retry_after=600, reason=reason, match=f"PUT */issue/{issue_id}"))
    result = stage.later(minutes=1)
    assert (result.complete, result.applied, result.waiting) == (True, 1, 1)
    assert (stage.marks(key), stage.marks(other)) == ([], ["outcome/cost"])
    assert stage.later(minutes=11).applied == 1


def test_pages_that_were_read_before_the_fault_are_kept_and_the_next_cycle_goes_on_from_there(stage: Stage) -> None:
    stage.write(tracker={"write": "observe"})
    for _ in range(25):
        for _ in range(10):
            stage.create(labels=["sre"])
        stage.clock.move(timedelta(minutes=10))
    stage.site.faults.add(Fault("status", status=503, match=SEARCH, after=2, times=None))  # pages hold a hundred
    first = stage.later(minutes=1)
    assert (first.complete, first.observed, first.decided) == (False, 200, 200)
    stage.site.faults.clear()
    second = stage.later(minutes=1)
    assert second.complete
    assert 50 <= second.observed < 250
    assert second.decided == 50
    assert stage.app.report().totals.mapped == 250


def test_a_removal_waits_for_a_complete_observation(stage: Stage) -> None:
    keys = [stage.create("PAY", labels=["sre"]), stage.create("OPS", labels=["sre"])]
    stage.later(minutes=1)
    for key in keys:
        stage.edit(key, labels_remove=["sre"])
    stage.site.permissions.may_browse["OPS"] = False
    result = stage.later(minutes=1)
    assert not result.complete
    assert stage.marks(keys[0]) == ["outcome/reliability"]
    stage.site.permissions.may_browse["OPS"] = True
    stage.later(minutes=1)
    assert [stage.marks(key) for key in keys] == [["alignment/unmapped"]] * 2


def test_an_invisible_project_is_not_an_empty_one(stage: Stage) -> None:
    keys = [stage.create("OPS", labels=["sre"]) for _ in range(3)]
    stage.later(minutes=1)
    stage.site.permissions.may_browse["OPS"] = False
    result = stage.later(minutes=1)
    assert not result.complete
    assert "OPS" in str(result.why)
    assert stage.app.report().totals.issues == len(keys)
    assert {tuple(stage.marks(key)) for key in keys} == {("outcome/reliability",)}


def test_a_scope_that_is_wholly_invisible_is_not_0_issues(tmp_path: Path) -> None:
    with staged(tmp_path, projects=("PROC",)) as stage:
        stage.create("PROC", labels=["sre"])
        result = stage.once()
        assert not result.complete
        assert "PROC" in str(result.why)
        assert stage.app.report().as_of is None


def test_lost_credentials_are_said_with_what_to_do_and_nothing_else_is_asked(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.environ["JIRA_TOKEN"] = "an-old-token"
    stage.edit(key, labels_remove=["sre"])
    with stage.watched() as traffic:
        result = stage.later(minutes=1)
    assert not result.complete
    assert "401" in str(result.why)
    assert "an-old-token" not in str(result.why)
    assert [exchange.path for exchange in traffic.seen] == ["/rest/api/3/myself"]
    assert stage.marks(key) == ["outcome/reliability"]


def test_an_issue_that_cannot_be_understood_is_set_aside_and_the_rest_goes_on(stage: Stage) -> None:
    bad, good = stage.create(labels=["sre"]), stage.create(labels=["sre"])
    whole = stage.site.issue(bad)
    with stage.site.lock:
        stage.site.settled_index()
        stage.site.put(replace(whole, absent=frozenset({"status"})))
    result = stage.later(minutes=1)
    assert result.complete
    assert (stage.marks(bad), stage.marks(good)) == ([], ["outcome/reliability"])
    assert [text for text in stage.findings("unreadable") if bad in text and "status" in text]
    with stage.site.lock:
        stage.site.put(whole)
    stage.edit(bad, summary="Well again")
    stage.later(minutes=1)
    assert stage.marks(bad) == ["outcome/reliability"]
    assert stage.findings("unreadable") == []


# --- writing ---


@pytest.mark.parametrize("kind", ["lose_answer", "reset"])
def test_a_lost_answer_to_a_mark_is_looked_up_and_the_mark_is_there_once(kind: str, stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.site.faults.add(Fault(kind, match=EDIT))  # type: ignore[arg-type]  # one of the two
    with stage.watched() as traffic:
        first = stage.later(minutes=1)
    arrived = kind == "lose_answer"
    assert len(traffic.edits) == 1  # never resent blind
    assert (first.applied, first.waiting) == ((1, 0) if arrived else (0, 1))
    second = stage.later(minutes=1)
    assert (second.applied, second.waiting) == ((0, 0) if arrived else (1, 0))
    assert stage.marks(key) == ["outcome/reliability"]
    stage.quiet()


@pytest.mark.parametrize("kind", ["lose_answer", "reset"])
def test_a_lost_answer_to_a_comment_is_looked_up_and_there_is_one_comment(kind: str, stage: Stage) -> None:
    key = stage.create()
    stage.site.faults.add(Fault(kind, match=COMMENT))  # type: ignore[arg-type]  # one of the two
    stage.later(minutes=1)
    stage.later(minutes=1)
    assert len(stage.comments(key)) == 1
    stage.quiet()
    stage.edit(key, labels_add=["sre"])  # its id is known: it is taken away again
    stage.later(minutes=1)
    assert stage.comments(key) == []


def test_a_comment_whose_lookup_fails_too_is_never_sent_before_it_was_looked_for(stage: Stage) -> None:
    key = stage.create()
    stage.site.faults.add(Fault("lose_answer", match=COMMENT))
    stage.site.faults.add(Fault("status", status=503, match="GET /rest/api/3/issue/*/comment", times=None))
    assert stage.later(minutes=1).waiting
    with stage.watched() as traffic:
        for _ in range(3):
            assert stage.later(minutes=1).waiting
    assert not traffic.of("POST", r"issue/\d+/comment")
    assert stage.app.status()["outbox"]["sending"] == 1
    stage.site.faults.clear()
    stage.later(minutes=1)
    assert len(stage.comments(key)) == 1
    stage.quiet()


def test_a_server_error_after_a_write_is_looked_up_too(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.site.faults.add(Fault("status", status=500, match=EDIT))
    with stage.watched() as traffic:
        stage.later(minutes=1)
    assert len(traffic.edits) == 1
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/reliability"]
    stage.quiet()


def test_an_issue_that_is_gone_when_it_is_written_is_dropped(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    issue_id = stage.site.issue(key).id
    stage.site.faults.add(Fault("status", status=404, match=f"PUT /rest/api/3/issue/{issue_id}", times=None))
    result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (0, 0)
    assert stage.app.status()["outbox"] == {"todo": 0, "sending": 0, "dead": 0}


def test_a_write_that_is_refused_for_no_known_reason_waits_for_a_person_in_the_end(stage: Stage) -> None:
    key, good = stage.create(labels=["sre"]), stage.create(labels=["sre"])
    issue_id = stage.site.issue(key).id
    fault = stage.site.faults.add(Fault("status", status=400, match=f"PUT /rest/api/3/issue/{issue_id}", times=None))
    for _ in range(6):
        assert stage.later(minutes=1).waiting == 1
    assert stage.marks(good) == ["outcome/reliability"]
    assert fault.struck == 3
    assert stage.app.status()["outbox"]["dead"] == 1
    assert not stage.app.status()["healthy"]


# --- permissions ---


def test_where_silence_is_refused_nothing_is_written_and_a_finding_names_the_permission(stage: Stage) -> None:
    stage.site.permissions.may_silence["PAY"] = stage.site.permissions.may_bulk["*"] = False
    pay = [stage.create("PAY", labels=["sre"]) for _ in range(5)]
    ops = stage.create("OPS", labels=["sre"])
    stage.site.mails.clear()  # those were about the tickets that people made
    with stage.watched() as traffic:
        result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (1, 5)
    assert {tuple(stage.marks(key)) for key in pay} == {()}
    assert stage.marks(ops) == ["outcome/reliability"]
    assert len(traffic.edits) == 2  # one probe for the project, not one for each issue
    assert [text for text in stage.findings("denied") if "Administer projects" in text and "PAY" in text]
    assert [note for note in result.notes if "PAY" in note]
    assert stage.site.mails == []


def test_once_the_permission_is_granted_everything_is_written_and_the_finding_closes(stage: Stage) -> None:
    stage.site.permissions.may_silence["PAY"] = stage.site.permissions.may_bulk["*"] = False
    keys = [stage.create("PAY", labels=["sre"]) for _ in range(3)]
    stage.later(minutes=1)
    stage.site.permissions.may_silence["PAY"] = True
    assert stage.later(minutes=1).applied == 3
    assert {tuple(stage.marks(key)) for key in keys} == {("outcome/reliability",)}
    assert stage.findings("denied") == []
    stage.quiet()


def test_with_marks_mail_a_write_that_cannot_be_silent_is_made_aloud(stage: Stage) -> None:
    stage.site.permissions.may_silence["PAY"] = stage.site.permissions.may_bulk["*"] = False
    stage.write(marks={"grace": "0s", "mail": True})
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    assert stage.marks(key) == ["outcome/reliability"]


def test_where_editing_is_forbidden_the_other_project_goes_on(stage: Stage) -> None:
    stage.site.permissions.may_edit["PAY"] = False
    pay, ops = stage.create("PAY", labels=["sre"]), stage.create("OPS", labels=["sre"])
    result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (1, 1)
    assert (stage.marks(pay), stage.marks(ops)) == ([], ["outcome/reliability"])
    assert [text for text in stage.findings("denied") if "PAY" in text]


def test_where_labels_are_not_on_the_screen_the_finding_says_so(stage: Stage) -> None:
    stage.site.permissions.labels_on_screen["PAY"] = False
    stage.create(labels=["sre"])
    assert stage.later(minutes=1).waiting == 1
    assert [text for text in stage.findings("denied") if "Labels" in text]


def test_where_commenting_is_forbidden_the_mark_is_still_made(stage: Stage) -> None:
    stage.site.permissions.may_comment["PAY"] = False
    key = stage.create()
    result = stage.later(minutes=1)
    assert (result.applied, result.waiting) == (1, 1)
    assert stage.marks(key) == ["alignment/unmapped"]
    assert [text for text in stage.findings("denied") if "comment" in text.casefold()]


def test_a_hidden_project_keeps_nobody_from_reading_the_issues_of_the_others(stage: Stage) -> None:
    stage.site.permissions.may_browse["OPS"] = False
    epic = stage.create("STRAT", type="Epic", labels=["finops"])
    below, by_hand = stage.create(parent=epic), stage.create(labels=["sre", "outcome/nonsense"])
    assert not stage.later(minutes=1).complete
    assert stage.marks(below) == ["outcome/cost"]
    assert stage.marks(by_hand) == ["outcome/nonsense", "outcome/reliability"]
