"""The served Linear reads and writes as Linear does, traps included."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest
from support_linear import MUTATE, Linear, linear

from connectors.sandbox.linear.markdown import kept

WALK = """query Walk($after: String, $first: Int, $order: PaginationOrderBy, $filter: IssueFilter, $all: Boolean) {
  issues(after: $after, first: $first, orderBy: $order, filter: $filter, includeArchived: $all) {
    nodes { identifier updatedAt } pageInfo { hasNextPage endCursor } } }"""
COMMENT = "mutation($input: CommentCreateInput!) { commentCreate(input: $input) { success comment { id body } } }"
ATTACH = "mutation($input: AttachmentCreateInput!) { attachmentCreate(input: $input) { attachment { id title } } }"
BATCH = "mutation($ids: [UUID!]!, $input: IssueUpdateInput!) { issueBatchUpdate(ids: $ids, input: $input) { success } }"
LABEL = "mutation($input: IssueLabelCreateInput!) { issueLabelCreate(input: $input) { issueLabel { id name } } }"


@pytest.fixture
def served() -> Iterator[Linear]:
    with linear() as one:
        for name in ("sre", "kyc"):
            one.workspace.label(name)
        yield one


def keys(served: Linear, **variables: Any) -> list[str]:
    return [node["identifier"] for node in served.ask(WALK, **variables)["issues"]["nodes"]]


def walked(served: Linear, size: int, **variables: Any) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = served.ask(WALK, after=after, first=size, **variables)["issues"]
        found += [node["identifier"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def many(served: Linear, count: int, team: str = "ENG") -> list[str]:
    made = []
    for number in range(count):
        served.clock.move(seconds=1)
        made.append(served.workspace.member("maria").create(team, f"Issue {number}"))
    return made


def shown(error: dict[str, Any]) -> str:
    return str(error["extensions"]["userPresentableMessage"])


# -- walking --------------------------------------------------------------------------------------------------------


def test_pages_come_newest_first_and_together_hold_every_issue_once(served: Linear) -> None:
    made = many(served, 12)
    for order in ("createdAt", "updatedAt"):
        assert walked(served, 5, order=order) == made[::-1]


def test_fifty_come_where_no_size_is_asked_and_251_are_refused_on_http_200(served: Linear) -> None:
    made = many(served, 52)
    assert keys(served) == made[:1:-1]
    error = served.error(WALK, first=251)
    assert error["message"] == "Argument Validation Error"
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert shown(error) == "first must not be greater than 250"
    assert shown(served.error(WALK, first=0)) == "first must not be less than 1"


def test_an_issue_edited_during_a_walk_is_missed_by_this_walk(served: Linear) -> None:
    made = many(served, 6)
    first = served.ask(WALK, first=3, order="updatedAt")["issues"]
    served.clock.move(seconds=1)
    served.workspace.member("maria").edit(made[0], title="Edited")
    rest = served.ask(WALK, first=3, order="updatedAt", after=first["pageInfo"]["endCursor"])["issues"]
    assert [node["identifier"] for node in rest["nodes"]] == [made[2], made[1]]


def test_a_cursor_whose_row_was_edited_starts_again_near_the_top(served: Linear) -> None:
    made = many(served, 6)
    first = served.ask(WALK, first=3, order="updatedAt")["issues"]
    served.clock.move(seconds=1)
    served.workspace.member("maria").edit(made[3], title="The anchor")
    again = served.ask(WALK, first=9, order="updatedAt", after=first["pageInfo"]["endCursor"])["issues"]
    assert [node["identifier"] for node in again["nodes"]] == [made[5], made[4], *made[2::-1]]


@pytest.mark.parametrize("form", ["uuid", "base64"])
@pytest.mark.parametrize(("mode", "left"), [("error", None), ("end", 0), ("top", 4)])
def test_a_cursor_whose_row_was_purged_does_as_it_is_switched(
    served: Linear, mode: str, left: int | None, form: str
) -> None:
    made = many(served, 5)
    served.workspace.switches.lost_cursor = mode  # type: ignore[assignment]
    served.workspace.switches.cursor_form = form  # type: ignore[assignment]
    cursor = served.ask(WALK, first=2)["issues"]["pageInfo"]["endCursor"]
    served.workspace.member("maria").purge(made[3])
    if left is None:
        assert served.error(WALK, after=cursor)["message"] == "Entity not found: Issue"
    else:
        assert len(keys(served, after=cursor)) == left


def test_the_last_are_the_oldest(served: Linear) -> None:
    key = many(served, 1)[0]
    said = []
    for number in range(5):
        served.clock.move(seconds=1)
        said.append(served.workspace.member("maria").comment(key, f"{number}"))
    found = served.ask("query($id: String!) { issue(id: $id) { comments(last: 2) { nodes { id } } } }", id=key)
    assert [node["id"] for node in found["issue"]["comments"]["nodes"]] == [said[1], said[0]]
    before = served.ask(
        "query($b: String) { comments(before: $b, last: 9) { nodes { id } pageInfo { hasPreviousPage } } }", b=said[3]
    )["comments"]
    assert [node["id"] for node in before["nodes"]] == [said[4]]


def test_filters_find_what_linear_would(served: Linear) -> None:
    maria = served.workspace.member("maria")
    served.workspace.project("Ledger", teams=["ENG"])
    top = maria.create("ENG", "Top", labels=["sre"], project="Ledger", assignee="aiko")
    served.clock.move(days=3)
    sub = maria.create("ENG", "Below the top", parent=top)
    ops = maria.create("OPS", "Other", labels=["kyc", "sre"], state="Done")
    by: list[tuple[dict[str, Any], set[str]]] = [
        ({"team": {"key": {"in": ["OPS"]}}}, {ops}),
        ({"labels": {"some": {"name": {"eq": "sre"}}}}, {top, ops}),
        ({"labels": {"name": {"eq": "SRE"}}}, set()),
        ({"labels": {"name": {"eqIgnoreCase": "SRE"}}}, {top, ops}),
        ({"labels": {"length": {"eq": 2}}}, {ops}),
        ({"labels": {"every": {"name": {"startsWith": "s"}}}}, {top, sub}),
        ({"project": {"null": True}}, {sub, ops}),
        ({"project": {"name": {"eq": "Ledger"}}}, {top}),
        ({"parent": {"null": False}}, {sub}),
        ({"updatedAt": {"gte": "-P1D"}}, {sub, ops}),
        ({"updatedAt": {"lt": "2026-11-22T00:00:00Z"}}, {top}),
        ({"state": {"type": {"nin": ["completed", "canceled"]}}}, {top, sub}),
        ({"or": [{"title": {"containsIgnoreCase": "TOP"}}, {"assignee": {"null": False}}]}, {top, sub}),
        ({"id": {"in": [served.workspace.issue(ops).id, str(uuid4())]}}, {ops}),
        ({"number": {"eq": 1}, "team": {"key": {"eq": "ENG"}}}, {top}),
        ({"creator": {"isMe": {"eq": True}}}, set()),
    ]
    for asked, found in by:
        assert set(keys(served, filter=asked)) == found, asked


def test_a_hidden_team_and_an_issue_that_never_was_answer_in_the_same_words(served: Linear) -> None:
    hidden = served.workspace.member("maria").create("SEC", "Secret")
    one = "query($id: String!) { issue(id: $id) { id } }"
    errors = [served.error(one, id=key) for key in (hidden, served.workspace.issue(hidden).id, "ENG-999")]
    assert {(e["message"], e["extensions"]["code"], shown(e)) for e in errors} == {
        ("Entity not found: Issue", "INPUT_ERROR", "Could not find referenced Issue.")
    }
    assert keys(served) == []
    assert {n["key"] for n in served.ask("{ teams { nodes { key } } }")["teams"]["nodes"]} == {"ENG", "OPS"}


def test_one_missing_alias_takes_the_whole_answer(served: Linear) -> None:
    key = many(served, 1)[0]
    answer = served.post(f'{{ a: issue(id: "{key}") {{ id }} b: issue(id: "ENG-99") {{ id }} }}')
    assert answer.status_code == 200
    assert answer.json()["data"] is None


def test_a_move_changes_the_identifier_and_the_old_one_still_finds_it(served: Linear) -> None:
    rota = served.workspace.label("rota", team="ENG")
    maria = served.workspace.member("maria")
    key = maria.create("ENG", "Moves", labels=["sre", rota.id], state="In Progress")
    identity = served.workspace.issue(key).id
    assert maria.move(key, "OPS") == "OPS-1"
    one = """query($id: String!) { issue(id: $id) {
      id identifier previousIdentifiers labelIds state { name team { key } } } }"""
    issue = served.ask(one, id=key)["issue"]
    assert issue == {
        "id": identity,
        "identifier": "OPS-1",
        "previousIdentifiers": ["ENG-1"],
        "labelIds": [served.workspace.find_label("sre").id],
        "state": {"name": "In Progress", "team": {"key": "OPS"}},
    }
    assert maria.create("ENG", "Next") == "ENG-2"
    served.workspace.project("Only ENG", teams=["ENG"])
    kept_out = served.workspace.find_project("Only ENG").id
    assert served.error(MUTATE, id=identity, input={"projectId": kept_out})["message"].startswith("Discrepancy between")


# -- labels ---------------------------------------------------------------------------------------------------------


def grouped(served: Linear) -> dict[str, str]:
    made = {name: served.workspace.label(name, group="Outcome").id for name in ("reliability", "cost")}
    return made | {"Outcome": served.workspace.find_label("Outcome").id}


def labels(served: Linear, key: str) -> list[str]:
    found: list[str] = served.workspace.snapshot()[key]["labels"]
    return found


def test_deltas_leave_other_labels_and_a_set_replaces_them(served: Linear) -> None:
    ids, key = grouped(served), served.workspace.member("maria").create("ENG", "One", labels=["sre"])
    served.ask(MUTATE, id=key, input={"addedLabelIds": [ids["cost"]]})
    assert labels(served, key) == ["Outcome/cost", "sre"]
    served.ask(MUTATE, id=key, input={"addedLabelIds": [ids["reliability"]], "removedLabelIds": [ids["cost"]]})
    assert labels(served, key) == ["Outcome/reliability", "sre"]
    served.ask(MUTATE, id=key, input={"labelIds": [ids["cost"]]})
    assert labels(served, key) == ["Outcome/cost"]


def test_label_rules_are_refused_in_linears_words_on_http_200(served: Linear) -> None:
    ids, key = grouped(served), served.workspace.member("maria").create("ENG", "One")
    served.ask(MUTATE, id=key, input={"addedLabelIds": [ids["cost"]]})
    second = served.error(MUTATE, id=key, input={"addedLabelIds": [ids["reliability"]]})
    assert second["message"] == "labelIds not exclusive child labels"
    assert second["extensions"]["code"] == "INPUT_ERROR"
    assert shown(second) == (
        "The label 'reliability' is in the same group as 'cost'. Only one label in a group can be applied to an issue."
    )
    group = served.error(MUTATE, id=key, input={"addedLabelIds": [ids["Outcome"]]})
    assert group["message"] == "labelIds contain parent labels"
    foreign = served.workspace.label("theirs", team="OPS").id
    assert served.error(MUTATE, id=key, input={"labelIds": [foreign]})["message"] == "labelIds for incorrect team"
    assert labels(served, key) == ["Outcome/cost"]


def test_fifty_issues_take_a_label_in_one_request_and_share_one_instant(served: Linear) -> None:
    made, label = many(served, 51), served.workspace.find_label("sre").id
    ids = [served.workspace.issue(key).id for key in made]
    served.clock.move(seconds=9)
    too_many = served.error(BATCH, ids=ids, input={"addedLabelIds": [label]})
    assert shown(too_many) == "ids must contain no more than 50 elements"
    served.ask(BATCH, ids=ids[:50], input={"addedLabelIds": [label]})
    found = served.workspace.snapshot()
    assert [found[key]["labels"] for key in made] == [["sre"]] * 50 + [[]]
    assert len({found[key]["updated"] for key in made[:50]}) == 1


def test_a_batch_with_one_refusal_changes_nothing(served: Linear) -> None:
    ids, made = grouped(served), many(served, 2)
    served.ask(MUTATE, id=made[1], input={"addedLabelIds": [ids["cost"]]})
    uuids = [served.workspace.issue(key).id for key in made]
    served.error(BATCH, ids=uuids, input={"addedLabelIds": [ids["reliability"]]})
    assert labels(served, made[0]) == []


@pytest.mark.parametrize(("rule", "refused"), [("workspace", True), ("group", False)])
def test_label_names_are_unique_over_the_workspace_or_in_a_group(served: Linear, rule: str, refused: bool) -> None:
    served.workspace.switches.label_names = rule  # type: ignore[assignment]
    grouped(served)
    parent = served.workspace.label("Alignment", is_group=True).id
    taken = served.post(LABEL, input={"name": "RELIABILITY", "parentId": parent}).json()
    assert ("errors" in taken) is refused
    if refused:
        assert taken["errors"][0]["message"] == "duplicate label name"
        assert shown(taken["errors"][0]) == 'Label "Outcome/reliability" already exists in the workspace.'
    home = served.workspace.find_label("Outcome").id
    assert served.error(LABEL, input={"name": "Cost", "parentId": home})["message"] == "duplicate label name"


def test_a_retired_label_is_not_listed_stays_on_issues_and_its_name_is_taken(served: Linear) -> None:
    maria = served.workspace.member("maria")
    key = maria.create("ENG", "One", labels=["sre"])
    maria.retire_label("sre")
    listing = "query($all: Boolean) { issueLabels(includeArchived: $all) { nodes { name } } }"
    assert [n["name"] for n in served.ask(listing)["issueLabels"]["nodes"]] == ["kyc"]
    assert len(served.ask(listing, all=True)["issueLabels"]["nodes"]) == 2
    assert labels(served, key) == ["sre"]
    assert served.error(LABEL, input={"name": "SRE"})["message"] == "duplicate label name"


def test_where_owners_manage_labels_creation_is_not_accessible(served: Linear) -> None:
    served.workspace.switches.label_owners_only = True
    error = served.error(LABEL, input={"name": "new"})
    assert (error["extensions"]["type"], error["extensions"]["code"]) == ("feature not accessible", "FORBIDDEN")
    assert "new" not in served.workspace.label_names().values()


def test_deleting_a_label_takes_it_off_and_moves_no_issues_instant(served: Linear) -> None:
    key = served.workspace.member("maria").create("ENG", "One", labels=["sre"])
    before = served.workspace.snapshot()[key]["updated"]
    served.clock.move(seconds=5)
    gone = served.workspace.find_label("sre").id
    served.ask("mutation($id: String!) { issueLabelDelete(id: $id) { success entityId } }", id=gone)
    assert labels(served, key) == []
    assert served.workspace.snapshot()[key]["updated"] == before
    served.ask(LABEL, input={"name": "sre"})


# -- what moves an issue's instant ----------------------------------------------------------------------------------


def test_only_an_issues_own_changes_move_its_instant(served: Linear) -> None:
    maria, space = served.workspace.member("maria"), served.workspace
    space.project("Ledger", teams=["ENG"])
    space.initiative("Always on", projects=["Ledger"])
    top = maria.create("ENG", "Top", project="Ledger")
    key = maria.create("ENG", "One", labels=["sre"], parent=top, project="Ledger")

    def moves(do: Any) -> bool:
        before = space.issue(key).updated_at
        served.clock.move(seconds=1)
        do()
        return space.issue(key).updated_at > before

    assert not moves(lambda: maria.edit(top, title="Other", labels_add=["kyc"]))
    assert not moves(lambda: maria.edit_project("Ledger", labels=["platform"]))
    assert not moves(lambda: maria.edit_initiative("Always on", labels=["resilience"]))
    assert not moves(lambda: maria.take_out("Ledger", "Always on"))
    assert not moves(lambda: maria.rename_label("sre", "site-reliability"))
    assert not moves(lambda: maria.comment(key, "Seen"))
    assert not moves(lambda: maria.attach(key, "https://a.example", "A"))
    assert not moves(lambda: maria.edit(key, labels_add=["site-reliability"]))
    assert moves(lambda: maria.edit(key, labels_add=["kyc"]))
    assert moves(lambda: maria.edit(key, parent=None))
    assert moves(lambda: maria.edit(key, project=None))
    space.switches.comment_bumps = space.switches.attachment_bumps = True
    assert moves(lambda: maria.comment(key, "Seen"))
    assert moves(lambda: maria.attach(key, "https://a.example", "B"))


def test_history_says_who_put_a_label_on_and_by_which_robot(served: Linear) -> None:
    key = served.workspace.member("maria").create("ENG", "One")
    sre = served.workspace.find_label("sre").id
    served.workspace.member("aiko").edit(key, labels_add=["sre"])
    served.clock.move(seconds=1)
    served.workspace.automation("Triage rules").edit(key, labels_remove=["sre"])
    served.clock.move(seconds=1)
    served.ask(MUTATE, id=key, input={"addedLabelIds": [sre]})
    told = served.ask(
        """query($id: String!) { issue(id: $id) { history { nodes {
        actor { displayName } botActor { name } addedLabelIds removedLabelIds } } } }""",
        id=key,
    )["issue"]["history"]["nodes"]
    assert told == [
        {"actor": {"displayName": "syncd"}, "botActor": None, "addedLabelIds": [sre], "removedLabelIds": None},
        {"actor": None, "botActor": {"name": "Triage rules"}, "addedLabelIds": None, "removedLabelIds": [sre]},
        {"actor": {"displayName": "aiko"}, "botActor": None, "addedLabelIds": [sre], "removedLabelIds": None},
    ]


# -- comments, attachments ------------------------------------------------------------------------------------------


def test_a_repeated_comment_is_a_conflict_and_only_version_four_ids_are_taken(served: Linear) -> None:
    key, identity = many(served, 1)[0], str(uuid4())
    served.ask(COMMENT, input={"issueId": key, "body": "Which outcome?", "id": identity})
    error = served.error(COMMENT, input={"issueId": key, "body": "Which outcome?", "id": identity})
    assert error["message"] == "conflict on insert of Comment"
    assert shown(error) == f"Entity Comment with id {identity} already exists."
    five = served.error(COMMENT, input={"issueId": key, "body": "x", "id": str(uuid5(NAMESPACE_URL, "x"))})
    assert five["extensions"]["code"] == "INVALID_INPUT"
    assert len(served.workspace.snapshot()[key]["comments"]) == 1
    assert [told.to for told in served.workspace.notifications] == ["maria"]


def test_the_2001st_comment_is_refused(served: Linear) -> None:
    key = many(served, 1)[0]
    served.workspace.switches.comment_cap = 3
    for number in range(3):
        served.ask(COMMENT, input={"issueId": key, "body": f"{number}"})
    error = served.error(COMMENT, input={"issueId": key, "body": "one more"})
    assert error["message"] == "Quota exceeded - An issue can have a maximum of 3 comments."


def test_comments_are_edited_in_place_by_their_author_only(served: Linear) -> None:
    key = many(served, 1)[0]
    ours = served.ask(COMMENT, input={"issueId": key, "body": "Ours"})["commentCreate"]["comment"]["id"]
    theirs = served.workspace.member("maria").comment(key, "Hers")
    change = 'mutation($id: String!) { commentUpdate(id: $id, input: {body: "New"}) { comment { body editedAt } } }'
    told = len(served.workspace.notifications)
    assert served.ask(change, id=ours)["commentUpdate"]["comment"]["body"] == "New"
    assert len(served.workspace.notifications) == told
    assert served.error(change, id=theirs)["extensions"]["type"] == "forbidden"
    served.ask("mutation($id: String!) { commentDelete(id: $id) { success } }", id=ours)
    assert served.error(change, id=ours)["message"] == "Entity not found: Comment"


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        ("- one\n- two", "* one\n* two"),
        ("see [docs](https://a.example/b)", "see [docs](<https://a.example/b>)"),
        ("| a | b |\n|-----|:----|\n| 1 | 2 |", "| a | b |\n| -- | -- |\n| 1 | 2 |"),
        ("<!-- syncd -->\nQuestion", "Question"),
        ("<details><summary>More</summary>\ntext\n</details>", "More\ntext"),
        ("_so_ and snake_case_name", "*so* and snake_case_name"),
    ],
)
def test_markdown_comes_back_otherwise_and_a_second_time_the_same(sent: str, back: str) -> None:
    assert kept(sent) == back
    assert kept(back) == back


def test_an_attachment_is_one_for_each_issue_and_url(served: Linear) -> None:
    one, two = many(served, 2)
    before = served.workspace.notifications.copy()
    url = "syncd://acme"
    first = served.ask(ATTACH, input={"issueId": one, "url": url, "title": "Outcome: a", "metadata": {"by": "rule"}})
    again = served.ask(ATTACH, input={"issueId": one, "url": url, "title": "Outcome: b"})
    assert first["attachmentCreate"]["attachment"]["id"] == again["attachmentCreate"]["attachment"]["id"]
    served.ask(ATTACH, input={"issueId": two, "url": url, "title": "Outcome: c"})
    found = served.ask("query($url: String!) { attachmentsForURL(url: $url) { nodes { title metadata } } }", url=url)
    told = sorted((n["title"], n["metadata"] == {}) for n in found["attachmentsForURL"]["nodes"])
    assert told == [("Outcome: b", True), ("Outcome: c", True)]
    assert served.workspace.notifications == before


def test_a_mark_and_its_attachment_go_in_one_request_and_a_late_error_hides_what_was_done(served: Linear) -> None:
    key, sre = many(served, 1)[0], served.workspace.find_label("sre").id
    both = """mutation Both($id: String!, $url: String!, $on: String!, $labels: [String!]) {
      issueUpdate(id: $id, input: {addedLabelIds: $labels}) { success }
      copy: attachmentCreate(input: {issueId: $on, url: $url, title: "Outcome"}) { success } }"""
    served.ask(both, id=key, on=key, url="syncd://acme", labels=[sre])
    served.workspace.member("maria").edit(key, labels_remove=["sre"])
    answer = served.post(both, id=key, on="ENG-99", url="syncd://acme", labels=[sre]).json()
    assert answer["data"] is None
    assert labels(served, key) == ["sre"]


# -- archive, trash -------------------------------------------------------------------------------------------------


def test_archived_work_is_listed_on_demand_and_refuses_edits_until_restored(served: Linear) -> None:
    key = many(served, 1)[0]
    maria = served.workspace.member("maria")
    maria.archive(key)
    assert keys(served) == []
    assert keys(served, all=True) == [key]
    assert served.error(MUTATE, id=key, input={"title": "New"})["message"] == "Entity is archived"
    assert served.error(COMMENT, input={"issueId": key, "body": "x"})["message"] == "Entity is archived"
    maria.restore(key)
    served.ask(MUTATE, id=key, input={"title": "New"})


def test_trash_is_purged_after_its_time(served: Linear) -> None:
    key = many(served, 1)[0]
    served.workspace.switches.trash_kept = timedelta(hours=24)
    served.ask("mutation($id: String!) { issueDelete(id: $id) { success } }", id=key)
    served.clock.move(hours=23)
    assert served.ask("query($id: String!) { issue(id: $id) { trashed } }", id=key)["issue"]["trashed"] is True
    served.clock.move(hours=1)
    assert served.error("query($id: String!) { issue(id: $id) { id } }", id=key)["message"] == "Entity not found: Issue"
    assert keys(served, all=True) == []
