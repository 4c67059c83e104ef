"""What writing to Linear promises beyond any tracker: groups, fifty at once, copies, comments by our own id."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest
from support_contract import said
from support_linear_writer import Space, action, attachments, space_of

from connectors.linear.ids import LIVES, comment_id
from connectors.linear.signs import label_sign
from connectors.linear.writer import LinearWriter
from connectors.sandbox.linear import LinearFault
from syncd.core.errors import Denied, Gone, InDoubt, Stale, TrackerError, Unavailable
from syncd.core.model import Action, Receipt
from syncd.core.ports import Signed

RELIABILITY = "Outcome/reliability"
GROWTH = "Outcome/growth"


@pytest.fixture
def space() -> Iterator[Space]:
    with space_of() as made:
        yield made


@pytest.fixture
def issue(space: Space) -> Any:
    return space.create()


def together(writer: LinearWriter, actions: Sequence[Action]) -> Sequence[Receipt | TrackerError]:
    return writer.write_together([Signed(one, f"e{n}") for n, one in enumerate(actions)])


# --- labels and groups --------------------------------------------------------------------------------------


def test_groups_and_labels_are_made_when_first_needed_once_and_signed(space: Space, issue: Any) -> None:
    writer, other = space.writer(), space.create()
    assert space.catalogue() == []
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    writer.write(action(other, add=(RELIABILITY,)), "e2")
    assert space.catalogue() == ["Outcome", "Outcome/reliability"]
    assert space.asked() == ["OurLabels", "LabelCreate", "LabelCreate", "Mark1With1And0", "Mark1With1And0"]
    assert all((label.description or "").startswith(label_sign("acme")) for label in space.workspace.labels)
    assert all(label.team is None for label in space.workspace.labels)
    space.writer().write(action(other, add=(GROWTH,), remove=(RELIABILITY,)), "e3")
    assert space.catalogue() == ["Outcome", "Outcome/growth", "Outcome/reliability"]


@pytest.mark.parametrize("rule", ["workspace", "group"])
def test_a_name_that_is_taken_elsewhere_is_got_round(space: Space, issue: Any, rule: Any) -> None:
    space.workspace.switches.label_names = rule
    space.workspace.label("Reliability")
    space.writer().write(action(issue, add=(RELIABILITY,)), "e1")
    taken = rule == "workspace"
    assert space.names(issue) == ["Outcome/reliability (outcome)" if taken else "Outcome/reliability"]
    writer = space.writer()
    assert writer.look(action(issue, add=(RELIABILITY,)), "e1") is not None
    writer.write(action(issue, remove=(RELIABILITY,)), "e2")
    assert space.names(issue) == []


def test_where_the_other_name_is_taken_too_it_is_denied_and_said(space: Space, issue: Any) -> None:
    space.workspace.label("reliability")
    space.workspace.label("Reliability (Outcome)")
    with pytest.raises(Denied, match="already exists") as denied:
        space.writer().write(action(issue, add=(RELIABILITY,)), "e1")
    assert '"reliability" and "reliability (outcome)"' in denied.value.need


@pytest.mark.parametrize("group", ["Outcome", "ALIGNMENT"])
def test_a_group_of_our_name_that_people_made_is_not_adopted_and_nothing_is_written(
    space: Space, issue: Any, group: str
) -> None:
    space.workspace.label("reliability", group=group)
    before = space.catalogue()
    writer = space.writer()
    refused = (action(issue, add=(RELIABILITY,)), action(issue, "comment", comment=said("Which?")))
    for one in refused:
        with pytest.raises(Denied, match="did not make") as denied:
            writer.write(one, "e1")
        assert "marks.groups in syncd.yaml" in denied.value.need
        assert denied.value.project is None, "it is about the whole tracker"
    assert (space.names(issue), space.catalogue()) == ([], before)
    assert space.asked() == ["OurLabels"]


def test_a_group_that_is_given_to_syncd_by_its_description_is_used(space: Space, issue: Any) -> None:
    space.workspace.label("Outcome", is_group=True, description=label_sign("acme"))
    space.writer().write(action(issue, add=(RELIABILITY,)), "e1")
    assert space.names(issue) == ["Outcome/reliability"]


@pytest.mark.parametrize("signed", ["syncd acme-eu", "syncd other", "not syncd acme"])
def test_the_group_of_another_installation_is_not_ours(space: Space, issue: Any, signed: str) -> None:
    space.workspace.label("Outcome", is_group=True, description=signed)
    with pytest.raises(Denied):
        space.writer().write(action(issue, add=(RELIABILITY,)), "e1")


def test_a_plain_label_that_has_the_groups_name_is_told_as_such(space: Space, issue: Any) -> None:
    space.workspace.label("Outcome")
    with pytest.raises(Denied) as denied:
        space.writer().write(action(issue, add=(RELIABILITY,)), "e1")
    assert "marks.groups in syncd.yaml" in denied.value.need


def test_our_labels_stay_ours_when_people_rename_or_describe_them(space: Space, issue: Any) -> None:
    space.writer().write(action(issue, add=(RELIABILITY,)), "e1")
    space.maria.describe_label("Outcome", "our goals")
    space.maria.describe_label("Outcome/reliability", None)
    space.maria.rename_label("Outcome/reliability", "Never down")
    other = space.create()
    space.writer().write(action(other, add=(RELIABILITY,)), "e2")
    assert space.names(other) == ["Outcome/Never down"]
    assert len(space.catalogue()) == 2


def test_a_child_that_people_made_in_our_group_is_not_taken_for_ours(space: Space, issue: Any) -> None:
    space.writer().write(action(issue, add=(GROWTH,)), "e1")
    space.workspace.label("reliability", group="Outcome")
    other = space.create()
    space.writer().write(action(other, add=(RELIABILITY,)), "e2")
    assert space.names(other) == ["Outcome/reliability (outcome)"]


def test_label_creation_that_is_forbidden_names_the_permission_and_writes_nothing(space: Space, issue: Any) -> None:
    space.workspace.switches.label_owners_only = True
    with pytest.raises(Denied) as denied:
        space.writer().write(action(issue, add=(RELIABILITY,)), "e1")
    assert "the right to manage the workspace's labels" in denied.value.need
    assert "`syncd acme`" in denied.value.need, "what an admin can do by hand"
    assert space.names(issue) == []
    space.workspace.label("Outcome", is_group=True, description=label_sign("acme"))
    space.workspace.label("reliability", group="Outcome", description=label_sign("acme"))
    space.writer().write(action(issue, add=(RELIABILITY,)), "e1")
    assert space.names(issue) == ["Outcome/reliability"]


def test_a_retired_label_is_restored_when_it_is_needed_again(space: Space, issue: Any) -> None:
    space.writer().write(action(issue, add=(RELIABILITY,)), "e1")
    space.maria.retire_label("Outcome/reliability")
    assert "(Outcome/reliability)" in space.catalogue()
    space.writer().write(action(space.create(), add=(RELIABILITY,)), "e2")
    assert space.catalogue() == ["Outcome", "Outcome/reliability"]


@pytest.mark.parametrize("collide", [False, True])
def test_a_label_that_somebody_deleted_is_made_anew(space: Space, issue: Any, collide: bool) -> None:
    space.workspace.switches.deleted_labels_collide = collide
    writer = space.writer()
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    space.maria.delete_label("Outcome/reliability")
    assert space.names(issue) == []
    writer.write(action(issue, add=(RELIABILITY,)), "e2")
    (name,) = space.names(issue)
    assert name == ("Outcome/reliability (outcome)" if collide else "Outcome/reliability")


def test_a_group_that_somebody_deleted_is_made_anew_with_what_is_needed(space: Space, issue: Any) -> None:
    writer = space.writer()
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    space.maria.delete_label("Outcome")
    with pytest.raises(Unavailable):
        writer.write(action(issue, add=(GROWTH,)), "e2")
    writer.write(action(issue, add=(GROWTH,)), "e2")
    assert space.names(issue) == ["Outcome/growth"]


@pytest.mark.parametrize("kind", ["lose_answer", "reset", "truncate"])
def test_a_label_whose_making_got_no_answer_is_found_the_next_time(space: Space, issue: Any, kind: Any) -> None:
    writer = space.writer()
    space.workspace.faults.add(LinearFault(kind, match="LabelCreate"))
    with pytest.raises(Unavailable, match="looked up the next time"):
        writer.write(action(issue, add=(RELIABILITY,)), "e1")
    assert space.names(issue) == []
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    assert space.catalogue() == ["Outcome", "Outcome/reliability"]


def test_what_syncd_made_goes_when_nothing_bears_it_and_nothing_else_does(space: Space, issue: Any) -> None:
    space.workspace.label("sre", group="Kind")
    before = space.catalogue()
    writer, other = space.writer(), space.create()
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    writer.write(action(other, add=("Alignment/unmapped",)), "e2")
    assert writer.tidy() == ()
    writer.write(action(other, remove=("Alignment/unmapped",)), "e3")
    assert writer.tidy() == ("Alignment", "unmapped")
    space.maria.archive(issue.identifier)
    assert writer.tidy() == (), "an archived issue bears it"
    space.maria.restore(issue.identifier)
    writer.write(action(issue, remove=(RELIABILITY,)), "e4")
    space.maria.describe_label("Outcome/reliability", None)
    assert writer.tidy() == ("Outcome", "reliability")
    assert space.catalogue() == before
    assert list(space.workspace.attachments) == []
    writer.write(action(issue, add=(RELIABILITY,)), "e5")
    assert space.names(issue) == ["Outcome/reliability"], "and it can all begin again"


def test_a_group_in_which_people_put_labels_stays(space: Space, issue: Any) -> None:
    writer = space.writer()
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    space.workspace.label("theirs", group="Outcome")
    writer.write(action(issue, remove=(RELIABILITY,)), "e2")
    assert writer.tidy() == ("reliability",)
    assert space.catalogue() == ["Outcome", "Outcome/theirs"]


def test_a_label_that_is_made_and_deleted_for_ever_is_given_up_on(space: Space, issue: Any) -> None:
    writer = space.writer()
    for n in range(LIVES):
        writer.write(action(issue, add=(RELIABILITY,)), f"e{n}")
        space.maria.delete_label("Outcome/reliability")
    with pytest.raises(Denied, match="made and deleted"):
        writer.write(action(issue, add=(RELIABILITY,)), "e9")


# --- fifty at once ------------------------------------------------------------------------------------------


def test_fifty_issues_get_a_mark_and_their_copies_in_one_request(space: Space) -> None:
    issues = [space.create() for _ in range(50)]
    writer = space.writer()
    writer.write(action(issues[0], add=(GROWTH,)), "e0")
    before = writer.requests
    came = together(writer, [action(issue, add=(RELIABILITY,)) for issue in issues[1:]])
    assert all(isinstance(one, Receipt) for one in came)
    assert writer.requests - before == 2, "one for the label, one for all of them"
    assert [space.names(issue) for issue in issues[1:]] == [["Outcome/reliability"]] * 49
    (held,) = attachments(space, issues[7])
    assert (held.title, held.subtitle, held.url) == ("Outcome: reliability", "by rule by-label", "syncd://acme")
    assert held.metadata == {"installation": "acme", "instance": "instance-1", "mark": RELIABILITY}
    assert max(exchange.complexity for exchange in space.workspace.exchanges) < 10_000 / 3


def test_only_equal_marks_go_together(space: Space, issue: Any) -> None:
    writer = space.writer()
    add = action(issue, add=(RELIABILITY,))
    assert writer.together(add) == writer.together(action(space.create(), add=(RELIABILITY,), why="another"))
    assert (
        len({writer.together(one) for one in (add, action(issue, add=(GROWTH,)), action(issue, remove=(GROWTH,)))}) == 3
    )
    assert writer.together(action(issue, "comment", comment=said("x"))) is None
    assert writer.most_together == 50


def test_each_copy_says_by_which_rule_and_is_replaced_not_doubled(space: Space, issue: Any) -> None:
    writer, child = space.writer(), space.create()
    together(
        writer,
        [
            action(issue, add=(RELIABILITY,), why="serves reliability (rule: a, b)"),
            action(child, add=(RELIABILITY,), why="serves reliability (inherited: a on PAY-1)"),
        ],
    )
    assert [attachments(space, one)[0].subtitle for one in (issue, child)] == [
        "by rule a, b",
        "by inherited a on PAY-1",
    ]
    writer.write(action(issue, add=("Alignment/conflict",), remove=(RELIABILITY,), why="conflict"), "e2")
    (held,) = attachments(space, issue)
    assert (held.title, held.subtitle) == ("Alignment: conflict", "conflict")


def test_one_bad_issue_takes_no_other_with_it(space: Space) -> None:
    issues = [space.create() for _ in range(20)]
    writer = space.writer()
    writer.write(action(issues[0], add=(GROWTH,)), "e0")
    actions = [action(issue, add=(RELIABILITY,)) for issue in issues]
    space.maria.purge(issues[3].identifier)
    space.maria.archive(issues[5].identifier)
    space.maria.delete(issues[6].identifier)
    space.workspace.label("theirs", group="Outcome")
    space.maria.edit(issues[8].identifier, labels_add=["Outcome/theirs"])
    came = together(writer, actions)
    wrong = {n: type(one) for n, one in enumerate(came) if not isinstance(one, Receipt)}
    assert wrong == {0: Stale, 3: Gone, 5: Stale, 6: Stale, 8: Stale}
    assert sum(space.names(issue) == ["Outcome/reliability"] for issue in issues) == 15
    assert space.names(issues[8]) == ["Outcome/theirs"]
    assert writer.requests <= 3 + 6, "and it did not take a request for each"


def test_a_team_that_may_not_be_written_takes_no_other_with_it(space: Space) -> None:
    pay, ops = [space.create() for _ in range(3)], [space.create(team="OPS") for _ in range(3)]
    writer = space.writer()
    extensions = {"type": "forbidden", "code": "FORBIDDEN", "userPresentableMessage": "Not your team."}
    error = {"message": "Forbidden", "path": ["issueBatchUpdate"], "extensions": extensions}
    told = orjson.dumps({"data": None, "errors": [error]}).decode()
    for after in (0, 1):
        space.workspace.faults.add(LinearFault("body", status=200, body=told, match="Mark*", after=after))
    came = together(writer, [action(issue, add=(RELIABILITY,)) for issue in (*pay, *ops)])
    denied = [one for one in came if isinstance(one, Denied)]
    assert {one.project for one in denied} == {"PAY"}
    assert denied[0].need.startswith("the right to edit issues in the team PAY")
    assert [space.names(issue) for issue in ops] == [["Outcome/reliability"]] * 3
    assert len(denied) == 3


def test_a_write_whose_copy_failed_is_in_doubt_for_all_and_looked_up_for_each(space: Space) -> None:
    issues = [space.create() for _ in range(4)]
    writer = space.writer()
    writer.write(action(issues[0], add=(GROWTH,)), "e0")
    space.workspace.faults.add(LinearFault("partial", match="Mark*", at="Mutation.attachmentCreate", nth=3))
    portion = [Signed(action(issue, add=(RELIABILITY,)), "e") for issue in issues[1:]]
    assert [type(one) for one in writer.write_together(portion)] == [InDoubt.__subclasses__()[0]] * 3
    before = writer.requests
    looked = writer.look_together(portion)
    assert writer.requests - before == 1
    done = [len(attachments(space, issue)) == 1 for issue in issues[1:]]
    assert [one is not None for one in looked] == done
    assert all(isinstance(one, Receipt) for one in writer.write_together(portion)), "again is no harm"
    assert all(len(attachments(space, issue)) == 1 for issue in issues)


def test_nothing_is_written_on_an_archived_issue(space: Space, issue: Any) -> None:
    writer = space.writer()
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    space.maria.archive(issue.identifier)
    for one in (
        action(issue, add=(GROWTH,), remove=(RELIABILITY,)),
        action(issue, remove=(RELIABILITY,)),
        action(issue, "comment", comment=said("Which?")),
    ):
        with pytest.raises(Stale):
            writer.write(one, "e2")
    assert space.names(issue) == ["Outcome/reliability"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_swap_whose_old_mark_a_person_took_off_ends_well_or_is_observed_again(
    space: Space, issue: Any, fails: bool
) -> None:
    space.workspace.switches.absent_removal_fails = fails
    writer = space.writer()
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    space.maria.edit(issue.identifier, labels_remove=["Outcome/reliability"])
    swap = action(issue, add=(GROWTH,), remove=(RELIABILITY,))
    if fails:
        with pytest.raises(Stale, match="does not bear any more"):
            writer.write(swap, "e2")
    else:
        writer.write(swap, "e2")
    assert space.names(issue) == ([] if fails else ["Outcome/growth"])


def test_a_mark_whose_label_is_in_the_workspace_no_more_is_off(space: Space, issue: Any) -> None:
    space.workspace.switches.absent_removal_fails = True
    writer = space.writer()
    writer.write(action(issue, add=(RELIABILITY,)), "e1")
    space.maria.delete_label("Outcome")
    off = action(issue, remove=(RELIABILITY,))
    space.writer().write(off, "e2")
    assert list(attachments(space, issue)) == []
    assert space.writer().look(off, "e2") is not None


def test_taking_off_costs_two_requests_for_fifty(space: Space) -> None:
    issues = [space.create() for _ in range(50)]
    writer = space.writer()
    together(writer, [action(issue, add=(RELIABILITY,)) for issue in issues])
    before = writer.requests
    together(writer, [action(issue, remove=(RELIABILITY,)) for issue in issues])
    assert writer.requests - before == 2
    assert [space.names(issue) for issue in issues] == [[]] * 50
    assert list(space.workspace.attachments) == []


# --- comments -----------------------------------------------------------------------------------------------


def test_the_id_of_a_comment_is_drawn_from_its_entry_and_looks_like_version_four(space: Space, issue: Any) -> None:
    made = space.writer().write(action(issue, "comment", comment=said("Which?")), "e1")
    assert made.comment_id == comment_id("acme", issue.id, "e1")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made.comment_id)
    assert comment_id("acme", issue.id, "e2") != made.comment_id


def test_a_comment_written_again_is_the_one_that_is_there(space: Space, issue: Any) -> None:
    ask = action(issue, "comment", comment=said("Which?"))
    first = space.writer().write(ask, "e1")
    assert space.writer().write(ask, "e1").comment_id == first.comment_id
    assert len(space.workspace.comments_of[issue.id]) == 1


def test_a_comment_that_comes_back_otherwise_is_known_as_what_was_sent(space: Space, issue: Any) -> None:
    space.workspace.switches.escaped_names = True
    writer = space.writer()
    made = writer.write(action(issue, "comment", comment=said("one")), "e1")
    edit = action(
        issue, "comment", comment=said("- A & B: [x](https://y.example) <b> 50% *now*"), comment_id=made.comment_id
    )
    assert writer.look(edit, "e2") is None
    writer.write(edit, "e2")
    assert writer.look(edit, "e2") is not None


def test_a_full_issue_is_denied_in_so_many_words(space: Space, issue: Any) -> None:
    space.workspace.switches.comment_cap = 2
    for n in range(2):
        space.maria.comment(issue.identifier, f"chatter {n}")
    with pytest.raises(Denied, match="Quota exceeded") as denied:
        space.writer().write(action(issue, "comment", comment=said("Which?")), "e1")
    assert denied.value.need == "room for a comment on PAY-1: it holds 2,000, which is as many as can be"


def test_a_comment_of_somebody_else_is_never_edited_or_deleted(space: Space, issue: Any) -> None:
    theirs = space.maria.comment(issue.identifier, "hello")
    writer = space.writer()
    for one in (
        action(issue, "comment", comment=said("Which?"), comment_id=theirs),
        action(issue, "uncomment", comment_id=theirs),
    ):
        with pytest.raises(Denied):
            writer.write(one, "e1")
    assert [comment.body for comment in space.workspace.comments_of[issue.id]] == ["hello"]
