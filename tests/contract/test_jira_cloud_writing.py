"""What writing to Jira Cloud promises, against a served site; Atlassian's document checks each exchange."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from support_jira_cloud import MINUTE, START, Cloud, MovableClock, action, all_of, cloud_of, said

from connectors.sandbox import Fault, Site
from syncd.core.errors import Denied, InDoubt, Stale, TrackerError, Unavailable
from syncd.core.model import Copy


@pytest.fixture
def cloud(watched: Callable[..., Site]) -> Iterator[Cloud]:
    with cloud_of(watched, MovableClock()) as made:
        yield made


@pytest.fixture
def issue(cloud: Cloud) -> Any:
    labels = ["SRE", "süd", "a/b", "Outcome", "outcome/old"]
    key = cloud.site.person("maria").create(project="PAY", summary="work", labels=labels, assignee="bo")
    cloud.site.mails.clear()
    cloud.clock.move(MINUTE)
    return cloud.issue(key)


def properties_of(cloud: Cloud, key: str) -> list[Any]:
    return [orjson.loads(properties) for _, _, _, properties in cloud.site.snapshot()[key].comments]


# --- marks ---


def test_a_mark_is_one_silent_request_and_leaves_peoples_labels_as_they_are(cloud: Cloud, issue: Any) -> None:
    writer = cloud.writer()
    swap = action(issue, add=("outcome/reliability",), remove=("outcome/old",))
    receipt = writer.write(swap, "e1")
    assert writer.requests == len(cloud.site.exchanges) == 1
    assert receipt.at == START + MINUTE
    assert cloud.issue(issue.key).labels == ("SRE", "süd", "a/b", "Outcome", "outcome/reliability")
    assert cloud.site.mails == []


def test_the_copy_travels_in_the_same_request_and_is_read_back(cloud: Cloud, issue: Any) -> None:
    writer, reader = cloud.writer(), cloud.reader()
    writer.write(action(issue, add=("outcome/reliability",)), "e1")
    (read,) = all_of(list(reader.observe(None)))
    assert read.copy == Copy("acme", "instance-1", "outcome/reliability")
    writer.write(action(issue, remove=("outcome/reliability",)), "e2")
    (read,) = all_of(list(reader.observe(None)))
    assert read.copy == Copy("acme", "instance-1", None)


def test_where_silence_is_refused_nothing_is_written_and_the_right_is_named(cloud: Cloud, issue: Any) -> None:
    cloud.site.permissions.may_silence["PAY"] = cloud.site.permissions.may_bulk["*"] = False
    with pytest.raises(Denied) as denied:
        cloud.writer().write(action(issue, add=("outcome/x",)), "e1")
    assert denied.value.need == (
        "Administer projects in PAY, or the global permission Make bulk changes, "
        "so that label edits do not mail watchers"
    )
    assert denied.value.project == "PAY"
    assert cloud.issue(issue.key) == issue
    assert cloud.site.mails == []


def test_where_mail_is_allowed_the_refusal_is_learnt_once_a_project(cloud: Cloud, issue: Any) -> None:
    cloud.site.permissions.may_silence["PAY"] = cloud.site.permissions.may_bulk["*"] = False
    writer = cloud.writer(mail=True)
    writer.write(action(issue, add=("outcome/x",)), "e1")
    assert "outcome/x" in cloud.issue(issue.key).labels
    assert len(cloud.site.mails) == 2, "assignee and reporter"
    before = writer.requests
    writer.write(action(issue, add=("outcome/y",)), "e2")
    assert writer.requests == before + 1


def test_a_project_that_may_not_be_edited_is_not_taken_for_refused_silence(cloud: Cloud, issue: Any) -> None:
    cloud.site.permissions.may_edit["PAY"] = False
    cloud.site.permissions.may_silence["PAY"] = False
    with pytest.raises(Denied) as denied:
        cloud.writer(mail=True).write(action(issue, add=("outcome/x",)), "e1")
    assert (denied.value.need, denied.value.project) == ("Edit issues", "PAY")
    assert len(cloud.exchanged("PUT", str(issue.id))) == 1


def test_labels_that_are_on_no_screen_are_denied_by_that_name(cloud: Cloud, issue: Any) -> None:
    cloud.site.permissions.labels_on_screen["PAY"] = False
    with pytest.raises(Denied, match="labels") as denied:
        cloud.writer().write(action(issue, add=("outcome/x",)), "e1")
    assert "the field Labels on the edit screen of PAY" in denied.value.need


def test_an_edit_conflict_is_stale(cloud: Cloud, issue: Any) -> None:
    cloud.site.faults.add(Fault("status", 409))
    with pytest.raises(Stale):
        cloud.writer().write(action(issue, add=("outcome/x",)), "e1")


# --- lost answers ---


@pytest.mark.parametrize(("status", "retry_after"), [(500, None), (502, None), (503, 1)])
def test_a_server_error_on_a_write_is_in_doubt_even_with_retry_after(
    cloud: Cloud, issue: Any, status: int, retry_after: int | None
) -> None:
    cloud.site.faults.add(Fault("status", status, retry_after=retry_after, match="PUT *"))
    writer = cloud.writer()
    with pytest.raises(InDoubt):
        writer.write(action(issue, add=("outcome/x",)), "e1")
    assert writer.requests == 1


def test_a_refused_rate_is_not_done_and_sent_again_after_the_wait(cloud: Cloud, issue: Any) -> None:
    cloud.site.faults.add(Fault("status", 429, retry_after=7, reason="jira-burst-based", match="POST *"))
    cloud.writer().write(action(issue, "comment", comment=said("Which outcome?")), "e1")
    assert len(cloud.issue(issue.key).comments) == 1
    assert cloud.clock.slept[0] >= 7


def test_a_limit_on_one_issue_rests_all_writes_to_it_and_no_read_and_no_other_issue(cloud: Cloud, issue: Any) -> None:
    """20 writes in 2 s to one issue (facts/jira.md §7). Nobody waits in place: the others go on meanwhile."""
    other = cloud.issue(cloud.site.person("maria").create(project="PAY", summary="other"))
    cloud.site.faults.add(
        Fault("status", 429, retry_after=7, reason="jira-per-issue-on-write", match=f"PUT */{issue.id}")
    )
    writer = cloud.writer()
    with pytest.raises(Unavailable) as limited:
        writer.write(action(issue, add=("outcome/x",)), "e1")
    assert (limited.value.narrow, limited.value.retry_after) == (True, timedelta(seconds=7))
    with pytest.raises(Unavailable) as unsent:
        writer.write(action(issue, "comment", comment=said("Which outcome?")), "e2")
    assert unsent.value.narrow
    assert cloud.exchanged("POST", "comment") == []
    assert writer.look(action(issue, add=("outcome/x",)), "e1") is None, "it may be read"
    writer.write(action(other, add=("outcome/x",)), "e3")
    assert cloud.clock.slept == []
    cloud.clock.move(timedelta(seconds=7))
    writer.write(action(issue, add=("outcome/x",)), "e1")
    writer.write(action(issue, "comment", comment=said("Which outcome?")), "e2")
    assert "outcome/x" in cloud.issue(issue.key).labels
    assert len(cloud.issue(issue.key).comments) == 1


def test_a_long_limit_on_one_issue_does_not_hold_up_the_others(cloud: Cloud, issue: Any) -> None:
    other = cloud.issue(cloud.site.person("maria").create(project="PAY", summary="other"))
    reason = "jira-per-issue-on-write"
    cloud.site.faults.add(Fault("status", 429, retry_after=600, reason=reason, match=f"PUT */{issue.id}"))
    writer = cloud.writer()
    with pytest.raises(Unavailable) as limited:
        writer.write(action(issue, add=("outcome/x",)), "e1")
    assert limited.value.retry_after == timedelta(minutes=10)
    writer.write(action(other, add=("outcome/x",)), "e2")
    with pytest.raises(Unavailable):
        writer.write(action(issue, add=("outcome/x",)), "e1")
    assert writer.requests == 2, "not asked again before its time"
    assert cloud.clock.slept == []


# --- comments ---


def test_a_comment_is_signed_and_its_id_comes_back(cloud: Cloud, issue: Any) -> None:
    receipt = cloud.writer().write(action(issue, "comment", comment=said("Which outcome?")), "e1")
    (comment,) = cloud.issue(issue.key).comments
    assert receipt.comment_id == str(comment.id)
    (held,) = properties_of(cloud, issue.key)
    assert len(held["syncd"].pop("digest")) == 16  # of what it says, so that a lost store knows it again
    assert held == {"syncd": {"installation": "acme", "instance": "instance-1", "entry": "e1"}}


def test_a_comment_is_edited_in_place_and_in_silence(cloud: Cloud, issue: Any) -> None:
    writer = cloud.writer()
    made = writer.write(action(issue, "comment", comment=said("Which outcome?")), "e1")
    cloud.site.mails.clear()
    edit = action(issue, "comment", comment=said("Two outcomes."), comment_id=made.comment_id)
    assert writer.look(edit, "e2") is None
    assert writer.write(edit, "e2").comment_id == made.comment_id
    found = writer.look(edit, "e2")
    assert found is not None
    assert found.comment_id == made.comment_id
    assert "Two outcomes." in str(cloud.issue(issue.key).comments[0].body)
    assert cloud.site.mails == []


def test_comments_that_are_not_allowed_are_denied_by_name(cloud: Cloud, issue: Any) -> None:
    writer = cloud.writer()
    made = writer.write(action(issue, "comment", comment=said("Which outcome?")), "e1")
    cloud.site.permissions.may_comment["PAY"] = False
    writer = cloud.writer()
    needs = []
    for refused in (
        action(issue, "comment", comment=said("More")),
        action(issue, "comment", comment=said("More"), comment_id=made.comment_id),
        action(issue, "uncomment", comment_id=made.comment_id),
    ):
        with pytest.raises(Denied) as denied:
            writer.write(refused, "e2")
        needs.append(denied.value.need)
    assert needs == ["Add comments", "Edit own comments", "Delete own comments"]


def test_a_comment_in_a_service_project_is_internal(cloud: Cloud) -> None:
    cloud.site.registry.add_project("HELP", "Help desk", type_key="service_desk")
    issue = cloud.issue(cloud.site.person("maria").create(project="HELP", summary="printer"))
    cloud.writer().write(action(issue, "comment", comment=said("Which outcome?")), "e1")
    (held,) = properties_of(cloud, issue.key)
    assert held["sd.public.comment"] == {"internal": True}


def test_a_comment_that_customers_would_see_is_deleted_at_once_and_none_follows(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.jira.writer.INTERNAL", {"key": "not.what.jira.knows", "value": 1})
    cloud.site.registry.add_project("HELP", "Help desk", type_key="service_desk")
    issue = cloud.issue(cloud.site.person("maria").create(project="HELP", summary="printer"))
    writer, ask = cloud.writer(), action(issue, "comment", comment=said("Which outcome?"))
    for _ in range(2):
        with pytest.raises(Denied) as denied:
            writer.write(ask, "e1")
        assert denied.value.project == "HELP"
    assert cloud.issue(issue.key).comments == ()
    assert len(cloud.exchanged("POST", "/comment")) == 1


def test_a_body_that_jira_dislikes_is_no_permission_of_ours(cloud: Cloud, issue: Any) -> None:
    with pytest.raises(TrackerError) as refused:
        cloud.writer().write(action(issue, "comment", comment=said("")), "e1")
    assert not isinstance(refused.value, Denied)
    assert cloud.issue(issue.key).comments == ()
