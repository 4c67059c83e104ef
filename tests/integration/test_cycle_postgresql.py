"""The same main job with the store in a real PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url
from support_pg import database, postgresql
from support_stage import Stage, staged

from connectors.sandbox import Fault


@pytest.fixture(scope="module")
def server() -> Iterator[URL]:
    with postgresql() as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: URL) -> Iterator[Stage]:
    with database(server) as named:
        url = make_url(named)
        store = {"url": url._replace(password=None).render_as_string(), "password": {"env": "SYNCD_STORE_PASSWORD"}}
        with staged(tmp_path, store=store, write="label+comment", comments={"grace": "0s"}) as stage:
            stage.environ["SYNCD_STORE_PASSWORD"] = url.password or "none-needed"
            stage.once()
            yield stage


def test_labels_follow_people_rules_and_epics_and_then_all_is_quiet(stage: Stage) -> None:
    epic = stage.create(type="Epic", labels=["sre"])
    child, unmapped = stage.create(parent=epic), stage.create()
    stage.later(minutes=1)
    assert [stage.marks(key)[0] for key in (epic, child, unmapped)] == [
        "outcome/reliability",
        "outcome/reliability",
        "alignment/unmapped",
    ]
    assert len(stage.comments(unmapped)) == 1
    stage.quiet()
    stage.edit(epic, labels_add=["outcome/cost"])
    stage.edit(unmapped, labels_add=["finops"])
    stage.later(minutes=1)
    assert [stage.marks(key) for key in (epic, child, unmapped)] == [["outcome/cost"]] * 3
    assert stage.comments(unmapped) == []
    stage.quiet()
    assert stage.app.report().totals.mapped == 3


def test_a_refused_plan_waits_in_the_store_and_is_done_by_its_digest(stage: Stage) -> None:
    stage.write(limits={"share": 0.3, "actions": 500, "always": 2}, tracker={"scope": {"projects": ["PAY", "STRAT"]}})
    keys = [stage.create("STRAT", labels=["sre"]) for _ in range(4)]
    digest = stage.later(minutes=1).refusals[0].digest
    assert not stage.app.status()["healthy"]
    stage.site.faults.add(Fault("lose_answer", match="PUT *", after=1))
    first = stage.apply(digest[:8])
    assert (first.applied, first.waits) == (4, False)
    assert {tuple(stage.marks(key)) for key in keys} == {("outcome/reliability",)}
    assert stage.apply(digest).settled_before == 4
    stage.quiet()


def test_lag_and_a_lost_connection_to_the_tracker_lose_nothing(stage: Stage) -> None:
    stage.site.index_lag = timedelta(minutes=3)
    key = stage.create(labels=["sre"])
    stage.site.faults.add(Fault("reset", match="POST /rest/api/3/search/jql", times=2))
    for _ in range(8):
        assert stage.later(minutes=1).complete
    assert stage.marks(key) == ["outcome/reliability"]
    stage.quiet()
