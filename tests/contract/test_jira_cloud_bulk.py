"""Many equal marks in a few silent requests: what became of each issue is known, or said to be unknown."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest
from support_jira_cloud import MINUTE, Cloud, MovableClock, action, cloud_of

from connectors.sandbox import Fault, Site
from syncd.core.errors import Denied, Gone, InDoubt, TrackerError, Unavailable
from syncd.core.model import Receipt
from syncd.core.ports import Signed

EDIT = "POST /rest/api/3/bulk/issues/fields"
COPIES = "POST /rest/api/3/issue/properties"
QUEUE = "GET /rest/api/3/bulk/queue/{taskId}"
ADD = {"add": ("outcome/reliability",), "remove": ("outcome/old",)}
COPY = {"installation": "acme", "instance": "instance-1", "mark": "outcome/reliability"}


@pytest.fixture
def cloud(watched: Callable[..., Site]) -> Iterator[Cloud]:
    with cloud_of(watched, MovableClock()) as made:
        yield made


def made(cloud: Cloud, count: int, project: str = "PAY") -> list[Any]:
    person = cloud.site.person("maria")
    keys = [
        person.create(project=project, summary="work", labels=["sre", "outcome/old"], assignee="bo")
        for _ in range(count)
    ]
    cloud.site.mails.clear()
    cloud.clock.move(MINUTE)
    return [cloud.issue(key) for key in keys]


def signed(issues: Sequence[Any], **change: Any) -> list[Signed]:
    return [Signed(action(issue, **(change or ADD)), f"e{issue.id}") for issue in issues]


def labels(cloud: Cloud, issue: Any) -> tuple[str, ...]:
    return tuple(cloud.issue(str(issue.id)).labels)


def copies(cloud: Cloud, issues: Sequence[Any]) -> list[Any]:
    return [dict(cloud.issue(str(issue.id)).properties).get("syncd") for issue in issues]


def marked(cloud: Cloud, issues: Sequence[Any]) -> list[bool]:
    return [labels(cloud, issue) == ("sre", "outcome/reliability") for issue in issues]


def test_five_thousand_labels_are_written_silently_in_at_most_twenty_requests(cloud: Cloud) -> None:
    issues, writer = made(cloud, 5000), cloud.writer()
    portion = signed(issues)
    most = writer.most_together
    outcomes = [o for at in range(0, 5000, most) for o in writer.write_together(portion[at : at + most])]
    assert all(isinstance(outcome, Receipt) and not outcome.lacks for outcome in outcomes)
    assert all(marked(cloud, issues))
    assert copies(cloud, issues) == [COPY] * 5000
    assert cloud.site.mails == []
    assert writer.requests <= 20
    assert cloud.site.tasks.running() == 0


def test_bulk_begins_to_pay_where_it_needs_fewer_requests_than_one_for_each(cloud: Cloud) -> None:
    writer = cloud.writer()
    issues = made(cloud, writer.least_together)
    assert writer.most_together > 1
    writer.write_together(signed(issues))
    assert all(marked(cloud, issues))
    assert writer.requests < writer.least_together


def test_only_marks_of_one_change_go_together(cloud: Cloud) -> None:
    (issue,), writer = made(cloud, 1), cloud.writer()
    one = writer.together(action(issue, **ADD))
    assert one == writer.together(action(issue, **ADD, revision=7))
    assert one != writer.together(action(issue, add=ADD["add"]))
    assert writer.together(action(issue, "comment")) is None
    assert writer.together(action(issue, "uncomment", comment_id="1")) is None


def test_an_account_that_may_not_change_in_bulk_is_given_nothing_together(cloud: Cloud) -> None:
    cloud.site.permissions.may_bulk["*"] = False
    writer = cloud.writer()
    assert (writer.most_together, writer.most_together, writer.requests) == (1, 1, 1)


def test_where_edits_may_not_be_silent_one_label_goes_by_a_silent_bulk_edit(cloud: Cloud) -> None:
    cloud.site.permissions.may_silence["PAY"] = False
    first, second = made(cloud, 2)
    writer = cloud.writer()
    assert not writer.write(action(first, **ADD), "e1").lacks
    before = writer.requests
    writer.write(action(second, **ADD), "e2")
    assert writer.requests == before + 4  # the edit, its task, the copy, its task; no PUT is tried again
    assert marked(cloud, [first, second]) == [True, True]
    assert copies(cloud, [first, second]) == [COPY, COPY]
    assert cloud.site.mails == []


def test_what_a_person_adds_and_takes_away_while_a_bulk_edit_runs_stays(cloud: Cloud) -> None:
    cloud.site.tasks.manners.each = timedelta(seconds=1)
    issues, maria = made(cloud, 20), cloud.site.person("maria")
    seen: list[Any] = []

    def edit(exchange: Any) -> None:
        if exchange.template == "/rest/api/3/bulk/queue/{taskId}" and not seen:
            seen.append(exchange)
            for issue in issues:
                maria.edit(issue.key, labels_add=["urgent"], labels_remove=["sre"])

    before, cloud.site.on_exchange = cloud.site.on_exchange, edit
    outcomes = cloud.writer().write_together(signed(issues))
    cloud.site.on_exchange = before
    assert seen
    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert {frozenset(labels(cloud, issue)) for issue in issues} == {frozenset({"urgent", "outcome/reliability"})}


def test_issues_that_the_task_could_not_edit_are_settled_one_by_one(cloud: Cloud) -> None:
    issues = made(cloud, 12)
    gone, locked, odd, silent = issues[2], issues[5], issues[7], issues[9]
    cloud.site.person("maria").delete(gone.key)
    cloud.site.tasks.manners.refuses = {locked.key: "Vorgang ist gesperrt.", odd.key: "Irgendwas."}
    cloud.site.tasks.manners.passes_over = {silent.key}
    cloud.site.faults.add(Fault("status", status=409, match=f"PUT /rest/api/3/issue/{locked.id}"))
    outcomes = dict(zip([i.key for i in issues], cloud.writer().write_together(signed(issues)), strict=True))
    assert isinstance(outcomes.pop(gone.key), Gone)
    assert "409" in str(outcomes.pop(locked.key))
    assert isinstance(outcomes.pop(odd.key), Receipt), "by itself it went through"
    left_out = outcomes.pop(silent.key)
    assert isinstance(left_out, TrackerError)
    assert "left this issue out" in str(left_out)
    assert all(isinstance(outcome, Receipt) for outcome in outcomes.values())
    assert len(outcomes) == 8
    assert sum(marked(cloud, [i for i in issues if i is not gone])) == 9


def test_one_projects_missing_right_is_told_once_and_the_others_are_written(cloud: Cloud) -> None:
    pay, ops = made(cloud, 30), made(cloud, 5, "OPS")
    cloud.site.permissions.may_edit["PAY"] = False
    writer = cloud.writer()
    outcomes = writer.write_together(signed([*pay, *ops]))
    assert all(isinstance(o, Denied) and (o.need, o.project) == ("Edit issues", "PAY") for o in outcomes[:30])
    assert all(isinstance(o, Receipt) for o in outcomes[30:])
    assert marked(cloud, [*pay, *ops]) == [False] * 30 + [True] * 5
    assert not cloud.exchanged("PUT", "")
    assert writer.requests < 8


def test_labels_on_no_screen_are_named_by_a_write_of_one(cloud: Cloud) -> None:
    issues = made(cloud, 12)
    cloud.site.permissions.labels_on_screen["PAY"] = False
    outcomes = cloud.writer().write_together(signed(issues))
    assert all(isinstance(o, Denied) and "edit screen of PAY" in o.need for o in outcomes)
    assert len([e for e in cloud.site.exchanges if e.method == "PUT"]) == 1


def test_of_what_a_bulk_edit_refuses_each_type_of_issue_is_tried_once_and_settled_by_itself(cloud: Cloud) -> None:
    person, kinds = cloud.site.person("maria"), ("Bug", "Task", "Story")
    keys = {kind: [person.create(project="PAY", type=kind, summary="work") for _ in range(5)] for kind in kinds}
    cloud.site.permissions.labels_on_screen |= {"PAY/Bug": False, "PAY/Story": False}
    cloud.clock.move(MINUTE)
    portion = [Signed(action(cloud.issue(key), type=kind, **ADD), key) for kind in kinds for key in keys[kind]]
    told = dict(zip((one.entry for one in portion), cloud.writer().write_together(portion), strict=True))
    assert all(isinstance(told[key], Receipt) for key in keys["Task"])
    for kind in ("Bug", "Story"):
        denied = [told[key] for key in keys[kind]]
        assert {(o.project, o.type) for o in denied if isinstance(o, Denied)} == {("PAY", kind)}
        assert all(isinstance(o, Denied) for o in denied)
    assert len([e for e in cloud.site.exchanges if e.method == "PUT"]) == 2


def test_a_task_that_ends_half_way_is_told_issue_by_issue(cloud: Cloud) -> None:
    issues = made(cloud, 12)
    cloud.site.tasks.manners.dies = True
    writer = cloud.writer()
    outcomes = writer.write_together(signed(issues))
    assert marked(cloud, issues) == [True] * 6 + [False] * 6
    # the first half stands, though its copies were not taken: that is said; nothing is claimed of the other half
    assert all(isinstance(o, Receipt) and "properties ended as FAILED" in o.lacks for o in outcomes[:6])
    assert all("ended as FAILED" in str(o) for o in outcomes[6:])


def test_a_task_that_never_ends_is_given_up_and_its_issues_are_in_doubt_unless_they_bear_the_mark(
    cloud: Cloud,
) -> None:
    issues = made(cloud, 12)
    cloud.site.tasks.manners.never_ends = True
    began = cloud.clock.now()
    writer = cloud.writer()
    outcomes = writer.write_together(signed(issues))
    assert cloud.clock.now() - began < timedelta(minutes=15), "patience has an end"
    assert all(isinstance(o, InDoubt) for o in outcomes)  # the copies' task does not end either
    assert writer.requests < 60
    looked = writer.look_together(signed(issues))
    assert looked == [None] * 12, "not without their copies"


@pytest.mark.parametrize("kind", ["lose_answer", "truncate", "reset"])
def test_a_lost_answer_to_a_bulk_edit_is_never_sent_again_and_looked_at(kind: Any, cloud: Cloud) -> None:
    issues, writer = made(cloud, 12), cloud.writer()
    fault = cloud.site.faults.add(Fault(kind, match=EDIT))
    outcomes = writer.write_together(signed(issues))
    assert fault.struck == 1
    assert len(cloud.exchanged("POST", "/bulk/issues/fields")) == 1
    assert all(isinstance(o, InDoubt) for o in outcomes)
    cloud.clock.move(MINUTE)
    arrived = kind != "reset"
    assert marked(cloud, issues) == [arrived] * 12
    assert writer.look_together(signed(issues)) == [None] * 12, "the copy is missing: they are to be written again"


def test_marks_whose_copies_were_lost_are_in_doubt_and_written_again(cloud: Cloud) -> None:
    issues, writer = made(cloud, 12), cloud.writer()
    cloud.site.faults.add(Fault("lose_answer", match=COPIES))
    assert all(isinstance(o, InDoubt) for o in writer.write_together(signed(issues)))
    cloud.clock.move(MINUTE)
    assert all(isinstance(o, Receipt) for o in writer.look_together(signed(issues)))


def test_where_the_copy_may_not_be_written_that_is_said_beside_the_receipt(cloud: Cloud) -> None:
    issues = made(cloud, 12)
    cloud.site.permissions.may_set_properties["PAY"] = False
    outcomes = cloud.writer().write_together(signed(issues))
    assert all(isinstance(o, Receipt) and "let the account write issue properties in PAY" in o.lacks for o in outcomes)
    assert all(marked(cloud, issues))


@pytest.mark.parametrize("status", [400, 429])
def test_where_others_fill_the_queue_nothing_is_written_and_it_is_tried_later(status: int, cloud: Cloud) -> None:
    issues = made(cloud, 12)
    cloud.site.tasks.manners.crowded, cloud.site.tasks.manners.crowd_status = 5, status
    outcomes = cloud.writer().write_together(signed(issues))
    assert (
        {type(o) for o in outcomes} == {Unavailable}
        if status == 429
        else all(isinstance(o, TrackerError) and not isinstance(o, InDoubt | Denied) for o in outcomes)
    )
    assert not any(marked(cloud, issues))
    assert not cloud.exchanged("POST", "/issue/properties")


def test_two_places_are_left_to_people_in_the_queue_of_five(cloud: Cloud) -> None:
    issues, writer = made(cloud, 3500), cloud.writer()
    most: list[int] = []
    before = cloud.site.on_exchange
    cloud.site.on_exchange = lambda _: most.append(cloud.site.tasks.running())
    writer.write_together(signed(issues[: writer.most_together]))
    cloud.site.on_exchange = before
    assert max(most) == 3


def test_looking_up_many_marks_costs_a_request_a_hundred(cloud: Cloud) -> None:
    issues, writer = made(cloud, 250), cloud.writer()
    writer.write_together(signed(issues[:200]))
    before = writer.requests
    looked = writer.look_together(signed(issues))
    assert [isinstance(o, Receipt) for o in looked] == [True] * 200 + [False] * 50
    assert writer.requests == before + 3


def test_the_body_of_a_bulk_edit_holds_deltas_and_no_mail(cloud: Cloud) -> None:
    cloud.writer().write_together(signed(made(cloud, 12)))
    (edit,) = cloud.exchanged("POST", "/bulk/issues/fields")
    told = orjson.loads(edit.request_body)
    assert told["sendBulkNotification"] is False
    assert [f["bulkEditMultiSelectFieldOption"] for f in told["editedFieldsInput"]["labelsFields"]] == ["ADD", "REMOVE"]


def test_an_issue_that_alone_may_not_be_edited_does_not_deny_its_project(cloud: Cloud) -> None:
    (issue,) = made(cloud, 1)
    cloud.site.faults.add(Fault("status", status=403, match=f"PUT /rest/api/3/issue/{issue.id}", times=None))
    with pytest.raises(TrackerError, match="archived, or locked") as told:
        cloud.writer().write(action(issue, **ADD), "e1")
    assert not isinstance(told.value, Denied)


def test_a_copy_that_may_not_be_written_denies_the_whole_write_and_names_it(cloud: Cloud) -> None:
    (issue,) = made(cloud, 1)
    cloud.site.permissions.may_set_properties["PAY"] = False
    with pytest.raises(Denied) as denied:
        cloud.writer().write(action(issue, **ADD), "e1")
    assert "the issue property syncd" in denied.value.need
    assert labels(cloud, issue) == ("sre", "outcome/old")
