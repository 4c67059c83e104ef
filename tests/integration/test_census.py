"""The census: deletions, moves and permissions that no incremental read shows, and a brake on what cannot be true."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from support_stage import TRACKER, Stage, Traffic, staged

from connectors.sandbox.faults import Exchange, Fault
from syncd.core.ports import Census

SEARCH = "POST /rest/api/3/search/jql"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def fill(stage: Stage, count: int, project: str = "PAY") -> list[str]:
    return [stage.create(project, labels=["sre"]) for _ in range(count)]


def totals(stage: Stage) -> int:
    return int(stage.app.report().totals.issues)


def census(stage: Stage) -> Census:
    with stage.store() as store:
        return store.census(TRACKER)


def delete(stage: Stage, *keys: str) -> None:
    for key in keys:
        stage.site.person("ines").delete(key)


def census_pages(traffic: Traffic) -> int:
    bodies = [orjson.loads(e.request_body) for e in traffic.of("POST", "search/jql")]
    return sum(body["fields"] == ["id", "key"] for body in bodies)


def in_scope(stage: Stage, key: str) -> bool:
    return stage.known(key).in_scope


def test_a_deleted_issue_is_found_by_the_next_census_and_counted_no_more(stage: Stage) -> None:
    keys = fill(stage, 3)
    stage.once()
    delete(stage, keys[0])
    stage.later(minutes=10)
    assert totals(stage) == 3, "no incremental read can tell"
    result = stage.later(hours=6)
    assert result.complete
    assert (totals(stage), in_scope(stage, keys[0])) == (2, False)


def test_its_history_is_kept_and_its_key_still_answers(stage: Stage) -> None:
    (key, *_) = fill(stage, 3)
    stage.once()
    delete(stage, key)
    stage.later(hours=7)
    ref = stage.known(key).issue.ref
    with stage.store() as store:
        assert len(store.history(ref)) == 1
        assert "deleted" in store.left([ref])[ref][1]
    assert stage.explain(key).decision.pair == ("mapped", "reliability")


def test_what_waits_to_be_written_on_it_is_dropped(stage: Stage) -> None:
    fill(stage, 3)
    stage.once()
    stage.rest()
    stage.site.faults.add(Fault("status", status=503, match="PUT *", times=None))
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    with stage.store() as store:
        assert sum(store.outbox_counts().values()) == 1
    stage.site.faults.clear()
    stage.site.faults.add(Fault("status", status=500, match="GET *issue*", times=None))  # its write cannot be looked up
    delete(stage, key)
    stage.site.faults.clear()
    stage.later(hours=7)
    with stage.store() as store:
        assert sum(store.outbox_counts().values()) == 0


def test_children_of_a_deleted_epic_are_read_again_and_decided_without_it(stage: Stage) -> None:
    epic = stage.create(type="Epic", labels=["sre"])
    child = stage.create()
    stage.edit(child, parent=epic)
    stage.once()
    assert stage.decided(child) == ("mapped", "reliability")
    stage.rest()
    delete(stage, epic)  # the site takes the link off its children and does not touch their `updated`
    stage.later(hours=7)
    assert stage.decided(child) == ("unmapped", None)


def test_children_that_still_name_a_hidden_epic_have_an_incomplete_lineage(stage: Stage) -> None:
    epic = stage.create(type="Epic", labels=["sre"])
    child = stage.create()
    stage.edit(child, parent=epic)
    fill(stage, 2)
    stage.once()
    stage.site.permissions.hidden.add(stage.site.issue(epic).id)
    stage.later(hours=7)
    assert (in_scope(stage, epic), stage.decided(child)) == (False, ("incomplete", None))
    stage.site.permissions.hidden.clear()
    stage.later(hours=7)
    assert (in_scope(stage, epic), stage.decided(child)) == (True, ("mapped", "reliability"))


def test_an_issue_that_moved_to_a_project_outside_the_scope_leaves_it(stage: Stage) -> None:
    key, *_ = fill(stage, 3)
    stage.once()
    stage.rest()
    moved = stage.site.person("ines").move(key, "STRAT")
    stage.later(hours=7)
    assert totals(stage) == 2
    assert (stage.known(key).issue.key, in_scope(stage, moved)) == (moved, False)
    with stage.watched() as traffic:
        stage.edit(moved, labels_add=["finops"], labels_remove=["sre"])
        stage.later(hours=7)
    assert traffic.writes == []


def test_an_issue_that_moved_within_the_scope_keeps_its_id_and_its_history(stage: Stage) -> None:
    key, *_ = fill(stage, 3)
    stage.once()
    before = stage.known(key).issue.ref
    moved = stage.site.person("ines").move(key, "OPS")
    stage.later(hours=7)
    assert stage.known(key).issue.ref == stage.known(moved).issue.ref == before
    assert stage.known(moved).issue.key == moved


def test_an_issue_that_may_be_seen_again_comes_back_though_nothing_about_it_is_newer(stage: Stage) -> None:
    key, *_ = fill(stage, 3)
    stage.once()
    stage.site.permissions.hidden.add(stage.site.issue(key).id)
    stage.later(hours=7)
    assert not in_scope(stage, key)
    stage.site.permissions.hidden.clear()
    stage.later(minutes=30)
    assert not in_scope(stage, key), "its `updated` is old: no incremental read shows it"
    stage.later(hours=6)
    assert in_scope(stage, key)
    assert totals(stage) == 3


def test_an_issue_that_every_incremental_read_missed_is_found(stage: Stage) -> None:
    fill(stage, 2)
    stage.once()
    stage.site.index_lag = timedelta(hours=2)
    key = stage.create(labels=["sre"])
    stage.later(minutes=90)
    stage.later(hours=1)
    with stage.store() as store:
        assert not store.find(key), "it came later than the overlap reaches back"
    stage.later(hours=5)
    assert in_scope(stage, key)


def test_what_was_out_of_sight_in_the_very_read_before_a_census_is_read_before_the_next(stage: Stage) -> None:
    """Back in time for the census, so that nothing is missed there: only a read that goes further back finds it."""
    fill(stage, 3)
    key, *_ = fill(stage, 3, "OPS")
    stage.once()
    stage.rest()
    stage.site.person("tom").edit(key, summary="edited in time")
    may_browse = stage.site.permissions.may_browse

    def see(exchange: Exchange) -> None:
        may_browse["OPS"] = not exchange.template.endswith("/project/search")  # asked for right before that read

    stage.site.on_exchange = see
    assert stage.later(hours=7).complete
    stage.site.on_exchange = None
    assert title(stage, key) != "edited in time"
    assert stage.later(hours=6).complete
    assert title(stage, key) == "edited in time"


# --- when, and what it costs --------------------------------------------------------------------------------


def test_a_census_is_taken_when_it_is_due_and_not_before(stage: Stage) -> None:
    fill(stage, 3)
    with stage.watched() as first:
        stage.once()
    with stage.watched() as soon:
        stage.later(hours=5)
    with stage.watched() as due:
        stage.later(hours=2)
    with stage.watched() as after:
        stage.later(hours=5)
    assert [census_pages(traffic) for traffic in (first, soon, due, after)] == [0, 0, 1, 0]


def test_a_census_that_finds_nothing_costs_one_request_and_decides_nothing(stage: Stage) -> None:
    fill(stage, 5)
    stage.once()
    stage.rest()
    quiet = stage.later(minutes=20)
    counted = stage.later(hours=6)
    assert counted.requests == quiet.requests + 1
    assert (counted.decided, counted.planned) == (0, 0)


def test_a_census_that_was_cut_off_goes_on_from_its_last_page(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.jira.census.MOST_IDS", 10)
    keys = fill(stage, 45)
    stage.write(limits={"always": 50})
    stage.once()
    stage.rest()
    delete(stage, keys[3], keys[44])
    stage.clock.move(timedelta(hours=6))
    stage.site.faults.add(Fault("status", status=503, match=SEARCH, after=3, times=None))
    result = stage.once()
    assert not result.complete
    assert census(stage).after
    assert totals(stage) == 45, "half a census believes nothing"
    stage.site.faults.clear()
    with stage.watched() as traffic:
        assert stage.later(minutes=1).complete
    assert census_pages(traffic) == 3, "the first two pages are not asked for again"
    assert totals(stage) == 43


def test_what_is_missing_is_read_directly_before_it_is_believed(stage: Stage) -> None:
    keys = fill(stage, 4)
    stage.once()
    stage.rest()
    stage.site.index.pop(stage.site.issue(keys[1]).id)  # the index has lost it, the site has not
    stage.site._generation += 1
    with stage.watched() as traffic:
        assert stage.later(hours=7).complete
    assert str(stage.site.issue(keys[1]).id) in traffic.fetched
    assert in_scope(stage, keys[1])


# --- the brake ----------------------------------------------------------------------------------------------


@contextmanager
def braked(stage: Stage) -> Iterator[None]:
    """Within it something makes issues unanswerable; a census must not take that for deletion."""
    before = totals(stage)
    yield
    result = stage.later(hours=7)
    assert not result.complete
    assert totals(stage) == before
    assert stage.app.status()["healthy"] is False


def test_a_project_of_which_nothing_answers_any_more_is_not_taken_for_emptied(stage: Stage) -> None:
    keys = fill(stage, 5)
    fill(stage, 5, "OPS")
    stage.once()
    with braked(stage):
        stage.site.permissions.hidden |= {stage.site.issue(key).id for key in keys}
    assert "none of the 5 issues of PAY answers" in stage.findings("census")[0]
    stage.site.permissions.hidden.clear()
    assert stage.later(minutes=20).complete, "it is looked at again soon"
    assert stage.findings("census") == []


def hide(stage: Stage, *keys: str) -> None:
    stage.site.permissions.hidden |= {stage.site.issue(key).id for key in keys}


def title(stage: Stage, key: str) -> str:
    return str(stage.known(key).issue.title)


def test_what_was_edited_while_a_census_was_held_up_is_read_once_it_is_so_no_more(stage: Stage) -> None:
    keys = fill(stage, 5)
    stage.once()
    with braked(stage):
        hide(stage, *keys)
        stage.clock.move(timedelta(hours=1))  # long before the census that is held up, and after all that was read
        stage.site.person("tom").edit(keys[0], summary="edited out of sight")
    assert not stage.later(hours=7).complete, "it is held up for hours"
    stage.site.permissions.hidden.clear()
    assert stage.later(minutes=20).complete
    assert title(stage, keys[0]) == "edited out of sight", "no read since then has shown it"


def test_a_census_of_less_vouches_for_nothing_that_came_back_unread(stage: Stage) -> None:
    """A project comes back into view, and none of its issues: reading it whole showed nothing of what was edited."""
    fill(stage, 3)
    keys = fill(stage, 5, "OPS")
    stage.once()
    stage.site.permissions.may_browse["OPS"] = False
    stage.site.person("tom").edit(keys[0], summary="edited out of sight")
    stage.later(hours=7)
    assert census(stage).last is not None, "one was taken, of PAY alone"
    stage.site.permissions.may_browse["OPS"] = True
    hide(stage, *keys)
    assert not stage.later(minutes=1).complete
    assert "none of the 5 issues of OPS answers" in stage.findings("census")[0]
    stage.site.permissions.hidden.clear()
    assert stage.later(minutes=20).complete
    assert title(stage, keys[0]) == "edited out of sight"


def test_a_process_that_is_stopped_before_it_read_what_was_held_up_leaves_it_to_the_next(stage: Stage) -> None:
    keys = fill(stage, 5)
    stage.once()
    with braked(stage):
        hide(stage, *keys)
        stage.site.person("tom").edit(keys[0], summary="edited out of sight")
    stage.site.permissions.hidden.clear()
    stage.clock.move(timedelta(minutes=20))
    stage.site.faults.add(Fault("status", status=503, match=SEARCH, after=2, times=None))
    assert not stage.once().complete
    assert census(stage).why is None, "the census itself came to its end"
    stage.site.faults.clear()
    assert stage.later(minutes=1).complete
    assert title(stage, keys[0]) == "edited out of sight"


def test_too_large_a_share_is_not_taken_for_deleted(stage: Stage) -> None:
    keys = fill(stage, 60)
    stage.write(limits={"share": 0.3, "always": 5})
    stage.once()
    with braked(stage):
        stage.site.permissions.hidden |= {stage.site.issue(key).id for key in keys[:25]}
    assert "answer nothing any more" in stage.findings("census")[0]
    delete(stage, *keys[:2])  # and while it is held, single deletions are held with it
    assert not stage.later(minutes=20).complete


def test_a_project_that_vanished_is_not_taken_for_deleted(stage: Stage) -> None:
    fill(stage, 3)
    fill(stage, 3, "OPS")
    stage.once()
    with braked(stage):
        stage.site.permissions.may_browse["OPS"] = False
    assert "OPS" in stage.findings("hidden")[0]
    stage.site.permissions.may_browse["OPS"] = True
    assert stage.later(minutes=1).complete
    assert stage.findings("hidden") == []


def test_a_token_that_ends_between_two_requests_of_a_census_deletes_nothing(stage: Stage) -> None:
    """Answered as nobody, a search is an empty page with 200: only being asked who we are gives it away."""
    fill(stage, 3)
    stage.once()
    stage.rest()
    token, asked = stage.site.token, []

    def ends_after_the_walk(exchange: Any) -> None:
        asked.append(exchange.path)
        if exchange.path.endswith("/search/jql"):
            stage.site.token = "another"

    stage.clock.move(timedelta(hours=7))
    stage.site.on_exchange = ends_after_the_walk
    result = stage.once()
    stage.site.on_exchange = None
    assert not result.complete
    assert totals(stage) == 3
    stage.site.token = token
    assert stage.later(minutes=1).complete
    assert totals(stage) == 3


def test_a_person_who_knows_better_says_so(stage: Stage) -> None:
    keys = fill(stage, 5)
    fill(stage, 2, "OPS")
    stage.once()
    with braked(stage):
        delete(stage, *keys)
    results = stage.app.once([TRACKER])
    assert [result.complete for result in results] == [True]
    assert (totals(stage), stage.findings("census")) == (2, [])


def test_a_single_deletion_needs_nobody(stage: Stage) -> None:
    keys = fill(stage, 2)
    stage.once()
    delete(stage, keys[0])
    assert stage.later(hours=7).complete
    assert totals(stage) == 1


def test_without_the_brake_a_lost_permission_would_be_a_mass_deletion(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = fill(stage, 5)
    stage.once()
    stage.site.permissions.hidden |= {stage.site.issue(key).id for key in keys}
    monkeypatch.setattr("syncd.engine.census._too_many", lambda *_: None)
    stage.later(hours=7)
    assert totals(stage) == 0
