"""What the census of Jira Cloud promises, against a served site; every exchange is checked against the document."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import orjson
import pytest
from support_jira_cloud import Cloud, MovableClock, cloud_of

from connectors.sandbox import Site
from connectors.sandbox.faults import Fault
from syncd.core.errors import Denied, Unavailable, Unreadable
from syncd.core.ports import CensusPage, TrackerReader


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def cloud(watched: Callable[..., Site], clock: MovableClock) -> Iterator[Cloud]:
    with cloud_of(watched, clock) as made:
        yield made


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten ids a page, so that a walk of several pages needs no five thousand issues."""
    monkeypatch.setattr("connectors.jira.census.MOST_IDS", 10)


def fill(cloud: Cloud, count: int, project: str = "PAY") -> list[str]:
    maria = cloud.site.person("maria")
    made = []
    for n in range(count):
        cloud.clock.move(timedelta(seconds=1))
        made.append(maria.create(project=project, summary=f"work {n}"))
    return made


def keys(pages: list[CensusPage]) -> list[str | None]:
    return [link.key for page in pages for link in page.links]


def test_a_census_names_every_issue_in_scope_by_id_and_key(cloud: Cloud) -> None:
    made = fill(cloud, 12) + fill(cloud, 3, "OPS")
    reader: TrackerReader = cloud.reader()
    (page,) = reader.census()
    assert page.last
    assert [(link.id, link.key) for link in page.links] == [(str(cloud.issue(key).id), key) for key in made]


def test_a_census_of_six_thousand_issues_is_two_requests(cloud: Cloud) -> None:
    cloud.site.on_exchange = None
    fill(cloud, 6000)
    reader = cloud.reader()
    reader.look_around()
    before = reader.requests
    assert len(keys(list(reader.census()))) == 6000
    assert reader.requests - before == 2


def test_only_ids_and_keys_are_asked_for(cloud: Cloud) -> None:
    fill(cloud, 1)
    list(cloud.reader().census())
    (search,) = cloud.exchanged("POST", "/search/jql")
    body = orjson.loads(search.request_body)
    assert (body["fields"], body["maxResults"]) == (["id", "key"], 5000)


def test_an_edited_or_moved_issue_keeps_its_place_in_a_census_under_way(cloud: Cloud, small_pages: None) -> None:
    made = fill(cloud, 30)
    walk = cloud.reader().census()
    first = next(walk)
    cloud.clock.move(timedelta(minutes=1))
    cloud.site.person("tom").edit(made[0], summary="edited")
    cloud.site.person("tom").move(made[25], "OPS")
    ids = {link.id for page in [first, *walk] for link in page.links}
    assert len(ids) == 30


def test_a_census_goes_on_where_an_earlier_one_ended(cloud: Cloud, small_pages: None) -> None:
    made = fill(cloud, 30)
    first = next(cloud.reader().census())
    rest = list(cloud.reader().census(first.next))
    assert keys([first]) + keys(rest) == made


def test_a_place_that_went_stale_begins_everything_anew(cloud: Cloud, small_pages: None) -> None:
    made = fill(cloud, 30)
    first = next(cloud.reader().census())
    cloud.clock.move(timedelta(days=8))
    assert keys(list(cloud.reader().census(first.next))) == made


def test_a_token_that_goes_stale_within_a_walk_ends_it_as_not_complete(cloud: Cloud, small_pages: None) -> None:
    fill(cloud, 30)
    walk = cloud.reader().census()
    next(walk)
    cloud.clock.move(timedelta(days=8))
    with pytest.raises(Unreadable):
        next(walk)


def test_a_census_of_what_is_not_visible_is_empty_and_asks_for_nothing(cloud: Cloud) -> None:
    fill(cloud, 3)
    cloud.site.permissions.may_browse["PAY"] = cloud.site.permissions.may_browse["OPS"] = False
    (page,) = cloud.reader().census()
    assert (page.links, page.last) == ((), True)
    assert cloud.exchanged("POST", "/search/jql") == []


def test_a_census_that_breaks_off_says_so(cloud: Cloud, small_pages: None) -> None:
    fill(cloud, 30)
    walk = cloud.reader().census()
    next(walk)
    cloud.site.faults.add(Fault("status", status=503, match="POST /rest/api/3/search/jql", times=None))
    with pytest.raises(Unavailable):
        list(walk)
    cloud.site.faults.clear()
    cloud.site.faults.add(Fault("status", status=401, match="POST /rest/api/3/search/jql"))
    with pytest.raises(Denied):
        list(cloud.reader().census())
