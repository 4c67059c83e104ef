"""The sandbox reads JQL as Jira does, times in the account's zone above all."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from support_sandbox import MovingClock, small_site

from connectors.sandbox import Site
from connectors.sandbox.jql import JqlError, Value, parse
from connectors.sandbox.query import Reading, instant, predicate
from connectors.sandbox.registry import Registry

NOW = datetime(2026, 11, 21, 12, 0, 30, 500_000, tzinfo=UTC)


@pytest.fixture
def site() -> Site:
    clock = MovingClock(NOW - timedelta(hours=3))
    site = small_site(clock)
    maria = site.person("maria")
    epic = maria.create(project="PAY", type="Epic", summary="Epic", labels=["resilience"])
    maria.create(project="PAY", summary="Labelled", labels=["SRE", "q4"], parent=epic)
    clock.move(hours=1)
    maria.create(project="PAY", summary="Bare", type="Bug", status="Done")
    maria.create(project="ONB", summary="Other", labels=["kyc"], components=["KYC Portal"])
    clock.move(hours=2)
    return site


def matches(site: Site, jql: str) -> set[str]:
    ranked, index = site.rank(parse(jql), [])
    return {index[issue_id].key for issue_id in ranked.ids}


ALL = {"PAY-1", "PAY-2", "PAY-3", "ONB-1"}


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ('project = "PAY"', {"PAY-1", "PAY-2", "PAY-3"}),
        ("project in (ONB, payments)", ALL),
        ("project != PAY", {"ONB-1"}),
        ("labels = sre", {"PAY-2"}),
        ("labels in (SRE, kyc)", {"PAY-2", "ONB-1"}),
        ("labels != sre", {"PAY-1", "ONB-1"}),
        ("labels not in (sre, kyc)", {"PAY-1"}),
        ("labels is EMPTY", {"PAY-3"}),
        ("labels is not null", {"PAY-1", "PAY-2", "ONB-1"}),
        ("parent = PAY-1", {"PAY-2"}),
        ("parent is empty", {"PAY-1", "PAY-3", "ONB-1"}),
        ("key = pay-2", {"PAY-2"}),
        ("issuekey in (PAY-2, 'PAY-999')", {"PAY-2"}),
        ("key > PAY-1", {"PAY-2", "PAY-3"}),
        ("id = 10001", {"PAY-1"}),
        ("id in (10001, 10004)", {"PAY-1", "ONB-1"}),
        ("id > 10002", {"PAY-3", "ONB-1"}),
        ("statusCategory = Done", {"PAY-3"}),
        ("statusCategory != done", ALL - {"PAY-3"}),
        ('statusCategory = "To Do"', ALL - {"PAY-3"}),
        ("type = Bug", {"PAY-3"}),
        ("issuetype in (Bug, 10000)", {"PAY-1", "PAY-3"}),
        ('component = "kyc portal"', {"ONB-1"}),
        ("project = PAY AND labels = sre OR type = Bug", {"PAY-2", "PAY-3"}),
        ("project = PAY AND (labels = sre OR type = Bug) AND NOT key = PAY-3", {"PAY-2"}),
        ("NOT (project = ONB)", {"PAY-1", "PAY-2", "PAY-3"}),
        ("updated >= -150m", {"PAY-3", "ONB-1"}),
        ('created <= "-2h 10m"', {"PAY-1", "PAY-2"}),
        ('updated >= "1h"', set()),
        (f"updated >= {int((NOW - timedelta(hours=2)).timestamp() * 1000)}", {"PAY-3", "ONB-1"}),
        (f"updated > {int((NOW - timedelta(hours=2)).timestamp() * 1000)}", set()),
        ("updated < now()", ALL),
    ],
)
def test_a_query_matches_these_issues(site: Site, jql: str, keys: set[str]) -> None:
    assert matches(site, jql) == keys


def test_a_literal_is_read_in_the_zone_of_the_account_not_of_the_site_nor_utc(site: Site) -> None:
    edge = NOW - timedelta(hours=2, minutes=1)
    in_auckland = edge.astimezone(ZoneInfo("Pacific/Auckland"))
    assert matches(site, f'updated >= "{in_auckland:%Y-%m-%d %H:%M}"') == {"PAY-3", "ONB-1"}
    assert matches(site, f'updated >= "{edge:%Y/%m/%d %H:%M}"') == ALL


def test_a_client_west_of_utc_that_writes_utc_asks_for_the_future() -> None:
    site = small_site(MovingClock(NOW), account_zone="America/Los_Angeles")
    site.person("maria").create(project="PAY", summary="Now")
    assert matches(site, f'updated >= "{NOW - timedelta(minutes=5):%Y-%m-%d %H:%M}"') == set()


def test_a_local_minute_that_exists_twice_is_its_earlier_instant() -> None:
    reading = Reading(Registry(), ZoneInfo("Europe/Berlin"), NOW, lambda _: None)
    found = instant(Value("2026-10-25 02:30", quoted=True), reading)
    assert found == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-11-21 10:00:30", "2026-11-21T10:00", "yesterday", '1763719230000"', "21.11.2026", "5x", ""]
)
def test_seconds_and_other_forms_of_dates_are_refused(text: str) -> None:
    reading = Reading(Registry(), ZoneInfo("UTC"), NOW, lambda _: None)
    with pytest.raises(JqlError):
        instant(Value(text, quoted=True), reading)


def test_quoted_epoch_milliseconds_are_no_date() -> None:
    reading = Reading(Registry(), ZoneInfo("UTC"), NOW, lambda _: None)
    with pytest.raises(JqlError):
        instant(Value("1763719230000", quoted=True), reading)


@pytest.mark.parametrize(
    "jql",
    [
        "project = GO",
        "project = order",
        "project in (PAY, IN)",
        "labels = a+b",
        "labels = C#",
        "labels = a.b",
        "labels = @x",
        "labels = 100%",
        "labels = qa/x",
        "project = PAY; key = PAY-1",
        "project = 'PAY",
        "project == PAY",
        "project PAY",
        "project =",
        "project in ()",
        "project in (PAY",
        "(project = PAY",
        "project = PAY AND",
        "project = PAY project = ONB",
        "nothing = 1",
        "labels > a",
        "labels is PAY",
        "project = PAY ORDER BY labels",
        "project = PAY ORDER updated",
        "project = PAY ORDER BY " + ", ".join(["updated"] * 8),
    ],
)
def test_what_jira_cannot_read_is_refused(jql: str) -> None:
    with pytest.raises(JqlError):
        parse(jql)


@pytest.mark.parametrize("word", ["GO", "ORDER", "IN", "a+b", "100%", 'with " quote', "with \\ slash", "it's"])
def test_every_value_may_stand_in_quotes(word: str) -> None:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    clause = parse(f'labels = "{escaped}"').where
    assert clause is not None
    assert getattr(clause, "values", ()) == (Value(word, quoted=True),)


def test_rows_stand_in_the_order_asked_for(site: Site) -> None:
    def keys(order: str) -> list[str]:
        ranked, index = site.rank(parse(f"created > 1 ORDER BY {order}"), [])
        return [index[issue_id].key for issue_id in ranked.ids]

    with pytest.raises(JqlError):
        keys("key")
    listed = "project in (PAY, ONB) ORDER BY "
    for order, expected in (
        ("key ASC", ["ONB-1", "PAY-1", "PAY-2", "PAY-3"]),
        ("project DESC, key DESC", ["PAY-3", "PAY-2", "PAY-1", "ONB-1"]),
        ("id DESC", ["ONB-1", "PAY-3", "PAY-2", "PAY-1"]),
        ("updated DESC, project ASC, key ASC", ["ONB-1", "PAY-3", "PAY-1", "PAY-2"]),
    ):
        ranked, index = site.rank(parse(listed + order), [])
        assert [index[issue_id].key for issue_id in ranked.ids] == expected


@pytest.mark.parametrize("seed", range(6))
def test_a_search_bounded_by_creation_finds_what_a_look_at_every_issue_finds(seed: int) -> None:
    """The site looks only at issues of about that time; nothing that the query holds for may be among the others."""
    clock = MovingClock(NOW - timedelta(days=400))
    site, random = small_site(clock), Random(seed)  # noqa: S311 - no secret
    maria = site.person("maria")
    for _ in range(60):
        clock.move(seconds=random.choice([0, 0, 1, 59, 3600, 86_400]))
        maria.create(project=random.choice(["PAY", "ONB"]), summary="work", labels=random.choice([[], ["sre"]]))
    for key in random.sample(sorted(site.keys), 8):
        maria.delete(key)
    for _ in range(40):
        low, high = sorted(clock() - timedelta(seconds=random.randrange(40 * 86_400)) for _ in range(2))
        bounds = [f"created >= {_ms(low)}", f"created < {_ms(high)}", "created <= '2026-11-01 10:00'", "labels = sre"]
        where = f" {random.choice(['AND', 'AND', 'OR'])} ".join(random.sample(bounds, random.randrange(1, 4)))
        jql = f"{random.choice(['', 'NOT '])}({where}) AND project in (PAY, ONB) ORDER BY created"
        query = parse(jql)
        assert query.where is not None
        holds = predicate(query.where, Reading(site.registry, ZoneInfo(site.account_zone), site.now(), site.resolve))
        assert matches(site, jql) == {i.key for i in site.settled_index().values() if holds(i)}, jql


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
