"""The made-up world and the loaded one have the habits of real trackers, and are the same each time."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support_sandbox import MovingClock, client_of, walk

from connectors.sandbox import Issue, Site, adf, build_world, load_issues

SCOPE = ("PAY", "OPS", "RISK", "ONB")
JQL_OF_SCOPE = "project in (PAY, OPS, RISK, ONB) ORDER BY updated ASC, key ASC"


@pytest.fixture(scope="module")
def world() -> Site:
    site = Site(clock=MovingClock())
    build_world(site)
    return site


def in_scope(site: Site) -> list[Issue]:
    return [issue for issue in site.live.values() if issue.project in SCOPE]


def role(site: Site, issue: Issue) -> str:
    return site.registry.types[issue.type_id].role


def test_the_same_seed_gives_the_same_world_and_another_seed_another(world: Site) -> None:
    again, other = Site(clock=MovingClock()), Site(clock=MovingClock())
    build_world(again)
    build_world(other, seed=2)
    assert again.live == world.live
    assert other.live != world.live


def test_a_world_has_the_size_asked_for_and_refuses_to_be_too_small() -> None:
    site = Site(clock=MovingClock())
    build_world(site, size=300)
    assert len(site.live) == 300
    with pytest.raises(ValueError, match="200"):
        build_world(Site(clock=MovingClock()), size=199)


def test_nothing_was_updated_before_it_was_made_nor_in_the_last_day(world: Site) -> None:
    for issue in world.live.values():
        assert issue.created <= issue.updated <= world.now()
        assert (world.now() - issue.updated).total_seconds() > 24 * 3600
        assert issue.updated.microsecond % 1000 == 0
        assert issue.resolved is None or issue.created <= issue.resolved <= issue.updated


def test_labels_are_spread_as_in_real_trackers(world: Site) -> None:
    counted = Counter(min(len(i.labels), 4) for i in in_scope(world) if role(world, i) != "subtask")
    total = counted.total()
    assert 0.25 < counted[0] / total < 0.42
    assert 0.15 < counted[1] / total < 0.35
    assert counted[4] / total > 0.05


def test_sub_tasks_never_carry_labels(world: Site) -> None:
    subtasks = [issue for issue in world.live.values() if role(world, issue) == "subtask"]
    assert len(subtasks) > 100
    assert all(issue.labels == () and issue.parent for issue in subtasks)


def test_more_than_half_of_the_work_is_closed(world: Site) -> None:
    done = [i for i in in_scope(world) if world.registry.statuses[i.status_id].category == "done"]
    assert 0.5 < len(done) / len(in_scope(world)) < 0.62


def test_the_anomalies_of_real_data_are_all_there(world: Site) -> None:
    issues = in_scope(world)
    parents = [(issue, world.live[issue.parent.id]) for issue in issues if issue.parent]
    labels = {label for issue in issues for label in issue.labels}
    assert {"SRE", "sre,", "reliabilty"} <= labels
    assert any(parent.project == "PROC" for _, parent in parents)
    assert any(parent.project == "PROC" for issue, parent in parents if role(world, issue) == "subtask")
    assert any(parent.project not in (issue.project, "PROC", "STRAT") for issue, parent in parents)
    assert any(parent.project == "STRAT" and role(world, parent) == "initiative" for _, parent in parents)
    assert any(issue.epic_link and not issue.parent for issue in issues)
    assert any(len(issue.labels) == 20 and "TypeError:" in issue.labels for issue in issues)
    assert any({"resilience", "cost"} <= set(issue.labels) for issue in issues if role(world, issue) == "epic")
    assert any(issue.summary != issue.summary.strip() for issue in issues)
    assert any("🚨" in issue.summary for issue in issues)
    assert any("決済" in issue.summary for issue in issues)
    assert any("\x07" in issue.summary for issue in issues)
    assert any("\r\n" in adf.text_of(issue.description) for issue in issues)
    assert any(len(adf.text_of(issue.description)) > 20_000 for issue in issues)
    assert any(issue.description is None and "description" not in issue.absent for issue in issues)
    assert any("description" in issue.absent for issue in issues)
    assert any(issue.priority is None for issue in issues)
    assert any(len(issue.comments) > 20 for issue in issues)
    childless = {i.id for i in issues if role(world, i) == "epic"} - {p.id for _, p in parents}
    assert len(childless) > 20


def test_hundreds_of_issues_share_one_updated_minute(world: Site) -> None:
    minutes = Counter(issue.updated.replace(second=0, microsecond=0) for issue in in_scope(world))
    instants = Counter(issue.updated for issue in in_scope(world))
    assert max(minutes.values()) > 300
    assert max(instants.values()) > 10


def test_every_document_of_the_world_is_one_that_jira_would_take(world: Site) -> None:
    bodies = [i.description for i in world.live.values()]
    bodies += [comment.body for issue in world.live.values() for comment in issue.comments]
    held = [body for body in bodies if body is not None]
    assert len(held) > 2000
    assert all(adf.valid(body) for body in held)


def test_the_team_managed_project_speaks_another_language_than_the_rest(world: Site) -> None:
    names = {world.registry.types[i.type_id].name for i in world.live.values() if i.project == "WEB"}
    assert "Épopée" in names
    assert not names & {"Epic", "Story", "Bug"}


def test_a_walk_through_the_served_world_sees_all_of_the_scope_and_nothing_else(
    watched: Callable[..., Site],
) -> None:
    site = watched(Site(clock=MovingClock()))
    build_world(site)
    with client_of(site) as client:
        rows = walk(client, JQL_OF_SCOPE, fields=["*all"], maxResults=100)
        hidden = client.post("/rest/api/3/search/jql", json={"jql": "project = PROC"}).json()
    keys = [row["key"] for row in rows]
    assert len(keys) == len(set(keys)) == len(in_scope(site))
    assert {key.partition("-")[0] for key in keys} == set(SCOPE)
    assert all("priority" not in row["fields"] for row in rows if row["key"].startswith("ONB-"))
    assert hidden["issues"] == []


# -- a file of real issues ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(shared: Path) -> Site:
    site = Site(clock=MovingClock())
    assert load_issues(site, shared / "data" / "jira-tidev" / "issues.jsonl") == 1185
    return site


def test_real_issues_keep_their_ids_keys_labels_and_instants(loaded: Site) -> None:
    issue = loaded.issue("TIMOB-32")
    assert (issue.id, issue.project, issue.labels) == (60664, "TIMOB", ())
    assert loaded.shapes.stamp(issue.updated) == "2011-04-17T03:50:10.000+0200"
    assert len(loaded.live) == 1185
    assert len(issue.comments) > 0
    assert issue.assignee is not None
    assert issue.assignee.account_id.startswith("712020:")


def test_real_epics_stand_at_level_one_and_sub_tasks_below_zero(loaded: Site) -> None:
    levels = Counter(loaded.registry.types[issue.type_id].level for issue in loaded.live.values())
    assert levels == {0: 1008, -1: 122, 1: 55}


def test_a_real_epic_is_the_parent_and_the_epic_link_of_its_issues(loaded: Site) -> None:
    issue = loaded.issue("TIMOB-4749")
    assert issue.parent is not None
    assert (issue.parent.id, issue.parent.key) == (105183, "TIMOB-11818")
    assert issue.epic_link == issue.parent
    subtask = loaded.issue("TIMOB-3696")
    assert subtask.parent is not None
    assert (subtask.parent.key, subtask.epic_link) == ("TIMOB-3692", None)


def test_real_wiki_text_becomes_documents_that_jira_would_take(loaded: Site) -> None:
    bodies = [i.description for i in loaded.live.values()]
    bodies += [comment.body for issue in loaded.live.values() for comment in issue.comments]
    held = [body for body in bodies if body is not None]
    assert len(held) > 3000
    assert all(adf.valid(body) for body in held)
    assert any(block["type"] == "codeBlock" for body in held for block in body["content"])


def test_an_ancestor_outside_the_file_is_named_but_cannot_be_read(loaded: Site, watched: Callable[..., Site]) -> None:
    orphan = next(i for i in loaded.live.values() if i.parent and i.parent.id not in loaded.live)
    assert orphan.parent is not None
    with client_of(watched(loaded)) as client:
        row = walk(client, f"key = {orphan.key}", fields=["parent"])[0]
        above = client.get(f"/rest/api/3/issue/{orphan.parent.key}")
        fetched = client.post("/rest/api/3/issue/bulkfetch", json={"issueIdsOrKeys": [str(orphan.parent.id)]})
    assert row["fields"]["parent"].keys() == {"id", "key", "self"}
    assert row["fields"]["parent"]["key"] == orphan.parent.key
    assert above.status_code == 404
    assert fetched.json()["issues"] == []


def test_every_real_issue_is_answered_in_a_documented_shape(loaded: Site, watched: Callable[..., Site]) -> None:
    with client_of(watched(loaded)) as client:
        rows = walk(client, "created > -10000d ORDER BY id", fields=["*all"])
    assert len(rows) == 1185


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "1"}', '{"id": "1", "key": "A-1", "fields": {}}', "\x00"])
def test_a_line_that_is_no_issue_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "issues.jsonl"
    path.write_text("\n" + line + "\n")
    with pytest.raises(ValueError, match=r"issues\.jsonl:2: "):
        load_issues(Site(clock=MovingClock()), path)
