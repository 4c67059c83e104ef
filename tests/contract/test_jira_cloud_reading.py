"""What reading Jira Cloud promises, against a served site; every exchange is checked against Atlassian's document."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from support_jira_cloud import MINUTE, START, Cloud, MovableClock, all_of, cloud_of

from connectors.sandbox import Site
from syncd.core.errors import Unavailable
from syncd.core.model import Category, Link
from syncd.core.ports import MarkNames, TrackerReader

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def cloud(watched: Callable[..., Site], clock: MovableClock) -> Iterator[Cloud]:
    with cloud_of(watched, clock) as made:
        yield made


def fill(cloud: Cloud, count: int, project: str = "PAY") -> list[str]:
    maria = cloud.site.person("maria")
    keys = []
    for n in range(count):
        cloud.clock.move(SECOND)
        keys.append(maria.create(project=project, summary=f"work {n}"))
    return keys


def test_every_issue_in_scope_arrives_once_oldest_change_first(cloud: Cloud) -> None:
    keys = fill(cloud, 230) + fill(cloud, 20, "OPS")
    pages = list(cloud.reader().observe(None))
    assert [issue.key for issue in all_of(pages)] == keys
    assert [page.last for page in pages] == [False, False, True]


def test_only_what_is_used_is_asked_for(cloud: Cloud) -> None:
    fill(cloud, 1)
    list(cloud.reader().observe(None))
    (search,) = cloud.exchanged("POST", "/search/jql")
    body = orjson.loads(search.request_body)
    assert "description" not in body["fields"]
    assert "comment" not in body["fields"]
    assert body["properties"] == ["syncd"]
    assert body["jql"] == 'project in ("PAY", "OPS") ORDER BY updated ASC, key ASC'


def test_the_server_is_told_who_asks(cloud: Cloud) -> None:
    cloud.reader().look_around()
    agents = {exchange.request_headers["user-agent"] for exchange in cloud.site.exchanges}
    assert len(agents) == 1
    assert agents.pop().startswith("syncd/")


def test_an_issue_arrives_with_all_that_rules_can_see(cloud: Cloud) -> None:
    maria = cloud.site.person("maria")
    epic = maria.create(project="OPS", summary="Stay up", type="Epic")
    key = maria.create(
        project="PAY",
        summary="Failover",
        labels=["SRE", "outcome/reliability", "ALIGNMENT/unmapped"],
        parent=epic,
        components=["gateway"],
        status="In Progress",
        assignee="bo",
    )
    issue = {issue.key: issue for issue in all_of(list(cloud.reader().observe(None)))}[key]
    assert (issue.title, issue.level, issue.category) == ("Failover", 0, Category.IN_PROGRESS)
    assert (issue.project, issue.project_name, issue.components) == ("PAY", "Payments", ("gateway",))
    assert (issue.labels, set(issue.marks)) == (("SRE",), {"outcome/reliability", "ALIGNMENT/unmapped"})
    assert issue.parent == Link(str(cloud.issue(epic).id), epic)
    assert issue.assignee is not None
    assert (issue.assignee.name, issue.assignee.kind) == ("Bo", "member")
    assert issue.created == issue.updated == START
    assert issue.url == f"{cloud.url}/browse/{key}"


def test_names_of_marks_are_settings(cloud: Cloud) -> None:
    cloud.site.person("maria").create(project="PAY", summary="x", labels=["goal-a", "outcome/a"])
    reader = cloud.reader(marks=MarkNames(outcome="Goal-", alignment="align-"))
    (issue,) = all_of(list(reader.observe(None)))
    assert (issue.labels, issue.marks) == (("outcome/a",), ("goal-a",))


def polled(reader: TrackerReader, clock: MovableClock) -> Iterator[set[tuple[str, object]]]:
    """Polls for ever, each time from where the last poll got to; yields what each saw."""
    watermark = None
    while True:
        pages = list(reader.observe(watermark))
        assert pages[-1].last
        watermark = pages[-1].read_to
        yield {(issue.ref.id, issue.updated) for issue in all_of(pages)}


def seen_in_an_hour(cloud: Cloud, seed: int, overlap: timedelta) -> tuple[set[object], set[object]]:
    """Random edits under an index that lags; (what was seen, what there was to see)."""
    keys = fill(cloud, 20)
    dice = random.Random(seed)  # noqa: S311  # a seed makes the test repeatable
    maria, polls = cloud.site.person("maria"), polled(cloud.reader(overlap=overlap), cloud.clock)
    seen: set[object] = set()
    for _ in range(40):
        cloud.site.index_lag = timedelta(seconds=dice.uniform(0, 290))
        cloud.clock.move(timedelta(seconds=dice.uniform(1, 90)))
        if dice.random() < 0.7:
            maria.edit(dice.choice(keys), summary=f"edit {dice.random()}")
        seen |= next(polls)
    cloud.clock.move(timedelta(seconds=290))
    seen |= next(polls)
    return seen, {(str(issue.id), issue.updated) for issue in cloud.site.live.values()}


def test_it_is_the_overlap_that_holds_against_lag(cloud: Cloud) -> None:
    seen, there = seen_in_an_hour(cloud, 1, timedelta(0))
    assert not there <= seen


@pytest.mark.parametrize("account_zone", ["Pacific/Pago_Pago", "UTC", "Pacific/Tongatapu"])
@pytest.mark.parametrize("site_zone", ["Pacific/Pago_Pago", "UTC", "Pacific/Tongatapu"])
def test_no_time_zone_makes_a_difference(watched: Callable[..., Site], account_zone: str, site_zone: str) -> None:
    clock = MovableClock()
    with cloud_of(watched, clock, account_zone=account_zone, site_zone=site_zone) as cloud:
        polls = polled(cloud.reader(overlap=MINUTE), clock)
        fill(cloud, 3)
        assert len(next(polls)) == 3
        clock.move(10 * MINUTE)
        assert len(next(polls)) == 3, "the overlap before the last poll"
        clock.move(10 * MINUTE)
        assert next(polls) == set(), "nothing changed, and the overlap is over"
        clock.move(10 * MINUTE)
        cloud.site.person("maria").edit("PAY-2", summary="changed")
        assert next(polls) == {(str(cloud.issue("PAY-2").id), clock.now())}


def test_a_page_claims_nothing_beyond_its_earliest_row(cloud: Cloud) -> None:
    fill(cloud, 150)
    first = next(cloud.reader().observe(None))
    assert first.read_to == min(issue.updated for issue in first.issues)


def test_an_empty_project_is_read_up_to_now(cloud: Cloud) -> None:
    (page,) = cloud.reader().observe(None)
    assert (page.issues, page.read_to, page.last) == ((), START, True)


def test_a_project_that_is_not_visible_is_told_and_not_asked_for(cloud: Cloud) -> None:
    fill(cloud, 2)
    cloud.site.permissions.may_browse["OPS"] = False
    reader = cloud.reader()
    sight = reader.look_around()
    assert (sight.hidden, sight.account) == (("OPS",), cloud.site.email)
    assert len(all_of(list(reader.observe(None)))) == 2
    (search,) = cloud.exchanged("POST", "/search/jql")
    assert "OPS" not in orjson.loads(search.request_body)["jql"]


@pytest.mark.parametrize("as_404", [False, True])
def test_when_nothing_is_visible_nothing_is_claimed_to_have_been_read(cloud: Cloud, as_404: bool) -> None:
    cloud.site.quirks.no_project_is_404 = as_404
    cloud.site.permissions.may_browse.update(PAY=False, OPS=False)
    reader = cloud.reader()
    assert reader.look_around().hidden == ("PAY", "OPS")
    (page,) = reader.observe(None)
    assert (page.issues, page.read_to, page.last) == ((), None, True)


def test_sixty_projects_are_looked_up_fifty_at_a_time(cloud: Cloud) -> None:
    keys = tuple(f"P{n}" for n in range(60))
    for key in keys:
        cloud.site.registry.add_project(key, key)
    assert cloud.reader(scope={"projects": keys}).look_around().hidden == ()
    assert len(cloud.exchanged("GET", "/project/search")) == 2


def test_a_stale_page_token_restarts_the_walk_from_where_it_had_got_to(cloud: Cloud) -> None:
    keys = fill(cloud, 250)
    cloud.site.token_lifetime = MINUTE
    walk = cloud.reader(overlap=timedelta(0)).observe(None)
    pages = [next(walk), next(walk)]
    cloud.clock.move(2 * MINUTE)
    pages += list(walk)
    assert pages[-1].last
    assert {issue.key for issue in all_of(pages)} == set(keys)
    assert len(all_of(pages)) < 2 * len(keys), "it did not begin again from nothing"


def test_a_page_token_that_keeps_going_stale_ends_in_an_error(cloud: Cloud) -> None:
    fill(cloud, 450)
    cloud.site.token_lifetime = MINUTE
    walk = cloud.reader().observe(None)

    def walk_slowly() -> None:
        for _ in walk:
            cloud.clock.move(2 * MINUTE)

    with pytest.raises(Unavailable, match="token"):
        walk_slowly()


def test_250_links_are_read_with_three_requests_in_or_out_of_scope(cloud: Cloud) -> None:
    keys = fill(cloud, 250)
    reader = cloud.reader(scope={"projects": ("OPS",)})
    reader.look_around()
    before = reader.requests
    links = [Link(str(cloud.issue(key).id), None) if n % 2 else Link(None, key) for n, key in enumerate(keys)]
    found = reader.read(links)
    assert reader.requests - before == 3
    assert {issue.key for issue in found.issues} == set(keys)
    assert found.missing == ()


def test_the_epic_link_stands_in_where_there_is_no_parent(cloud: Cloud) -> None:
    maria = cloud.site.person("maria")
    epic = maria.create(project="PAY", summary="Epic", type="Epic")
    key = maria.create(project="PAY", summary="Story", parent=epic)
    site_issue = cloud.issue(key)
    cloud.site.store(replace(site_issue, parent=None))
    (issue,) = cloud.reader().read([Link(None, key)]).issues
    assert issue.parent == Link(None, epic)


def test_an_issue_that_cannot_be_read_is_set_aside_and_the_page_goes_on(cloud: Cloud) -> None:
    keys = fill(cloud, 3)
    broken = cloud.issue(keys[1])
    cloud.site.store(replace(broken, absent=frozenset({"status"})))
    (page,) = cloud.reader().observe(None)
    assert [issue.key for issue in page.issues] == [keys[0], keys[2]]
    (wrong,) = page.unreadable
    assert wrong.link == Link(str(broken.id), keys[1])
    assert str(wrong) == f"{keys[1]}: issues[1].fields.status is missing"
