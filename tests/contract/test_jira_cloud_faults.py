"""Reading Jira Cloud through a bad network, on real sockets: everything arrives, nothing is asked too early."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from support_jira_cloud import START, Cloud, MovableClock, all_of, cloud_of

from connectors.sandbox import Fault, Site
from syncd.core.errors import Denied, Unavailable, Unreadable
from syncd.core.model import Link
from syncd.core.ports import Page

COUNT = 250


@pytest.fixture
def cloud(watched: Callable[..., Site]) -> Iterator[Cloud]:
    with cloud_of(watched, MovableClock()) as made:
        maria = made.site.person("maria")
        for n in range(COUNT):
            made.clock.move(timedelta(milliseconds=1))
            maria.create(project="PAY", summary=f"work {n}")
        yield made


FAULTS = {
    "429": {"kind": "status", "status": 429, "retry_after": 5},
    "429 without a time": {"kind": "status", "status": 429},
    "500": {"kind": "status", "status": 500},
    "502 as HTML": {"kind": "status", "status": 502, "html": True},
    "503 with Retry-After": {"kind": "status", "status": 503, "retry_after": 3},
    "200 as HTML": {"kind": "status", "status": 200, "html": True},
    "reset": {"kind": "reset"},
    "truncated": {"kind": "truncate"},
    "lost answer": {"kind": "lose_answer"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("every", [1, 2, 3])
def test_all_issues_arrive_through_a_bad_network(cloud: Cloud, fault: dict[str, Any], every: int) -> None:
    struck = cloud.site.faults.add(Fault(**fault, every=every, times=2))
    pages = list(cloud.reader().observe(None))
    assert struck.struck == 2
    assert pages[-1].last
    assert len({issue.key for issue in all_of(pages)}) == len(all_of(pages)) == COUNT


@pytest.mark.parametrize(
    ("told", "least"),
    [(7, 7), (2.5, 2.5), ("0", 1), (format_datetime(START + timedelta(seconds=20), usegmt=True), 20)],
    ids=["seconds", "decimals", "zero", "HTTP date"],
)
def test_nothing_is_asked_again_before_its_time(cloud: Cloud, told: Any, least: float) -> None:
    cloud.site.faults.add(Fault("status", 429, retry_after=told))
    cloud.reader().look_around()
    assert len(cloud.clock.slept) == 1
    assert least <= cloud.clock.slept[0] <= least + 1


def test_a_wait_of_half_an_hour_is_handed_on_and_kept(cloud: Cloud) -> None:
    cloud.site.faults.add(Fault("status", 429, retry_after=1847, reason="jira-quota-tenant-based"))
    reader = cloud.reader()
    for _ in range(3):
        with pytest.raises(Unavailable) as limited:
            reader.look_around()
        assert limited.value.retry_after is not None
        assert timedelta(seconds=1800) < limited.value.retry_after <= timedelta(seconds=1847)
        cloud.clock.move(timedelta(seconds=10))
    assert cloud.clock.slept == []
    assert reader.requests == 1, "asking early makes the wait longer"
    cloud.clock.move(timedelta(seconds=1847))
    assert reader.look_around().hidden == ()


def test_patience_is_a_minute_in_sum(cloud: Cloud) -> None:
    cloud.site.faults.add(Fault("status", 429, retry_after=25, times=None))
    with pytest.raises(Unavailable):
        cloud.reader().look_around()
    assert len(cloud.clock.slept) == 2
    assert sum(cloud.clock.slept) <= 60


@pytest.mark.parametrize("kind", ["status", "reset", "truncate"])
def test_a_read_that_never_works_ends_after_five_tries(cloud: Cloud, kind: Any) -> None:
    cloud.site.faults.add(Fault(kind, 503, times=None))
    reader = cloud.reader()
    with pytest.raises(Unavailable):
        reader.look_around()
    assert reader.requests == 5
    assert all(0.5 <= slept <= 17 for slept in cloud.clock.slept)


def test_an_answer_that_stays_html_is_unreadable_and_summed_up(cloud: Cloud) -> None:
    cloud.site.faults.add(Fault("status", 200, html=True, times=None))
    with pytest.raises(Unreadable, match='an HTML page titled "Oops"'):
        cloud.reader().look_around()


def test_an_api_that_was_removed_says_so(cloud: Cloud) -> None:
    reader = cloud.reader()
    reader.look_around()
    cloud.site.faults.add(Fault("status", 410, match="POST */search/jql", times=None))
    with pytest.raises(Unreadable, match=r"410.*syncd needs an update"):
        list(reader.observe(None))


def test_a_walk_that_breaks_off_has_no_last_page_and_the_next_goes_on_from_its_cursor(cloud: Cloud) -> None:
    reader = cloud.reader(overlap=timedelta(0))
    reader.look_around()
    cloud.site.faults.add(Fault("status", 500, match="POST */search/jql", after=2, times=5))
    broken: list[Page] = []
    with pytest.raises(Unavailable):
        broken.extend(reader.observe(None))
    assert [page.last for page in broken] == [False, False]
    cursor = broken[-1].read_to
    assert cursor is not None
    pages = [*broken, *reader.observe(cursor)]
    assert pages[-1].last
    assert {issue.key for issue in all_of(pages)} == set(cloud.site.keys)


def test_a_forbidden_read_names_what_to_grant(cloud: Cloud) -> None:
    cloud.site.faults.add(Fault("status", 403, times=None))
    with pytest.raises(Denied) as denied:
        cloud.reader().look_around()
    assert "Browse projects" in denied.value.need


def test_a_dead_server_is_unavailable(cloud: Cloud) -> None:
    reader = cloud.reader(url="http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="not reached"):
        reader.look_around()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_error_shows_the_token(cloud: Cloud, fault: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    cloud.site.faults.add(Fault(**fault, times=None))
    reader = cloud.reader()
    with pytest.raises((Unavailable, Unreadable)) as failed:
        reader.look_around()
    told = f"{failed.value!r} {failed.value} {reader!r} {vars(reader)!r} {caplog.text}"
    assert cloud.token not in told
    assert "Basic " not in told


@pytest.mark.parametrize("status", [302, 400, 403, 404, 405, 409, 410, 415, 422])
@pytest.mark.parametrize("where", ["GET */myself", "GET */field", "POST */search/jql", "POST */bulkfetch"])
def test_a_refused_read_is_one_of_the_three_errors_that_a_reader_raises(cloud: Cloud, where: str, status: int) -> None:
    cloud.site.faults.add(Fault("status", status, match=where, times=None))
    reader = cloud.reader()

    def read() -> None:
        list(reader.observe(None))
        reader.read([Link("10001", None)])

    with pytest.raises((Unavailable, Denied, Unreadable)):
        read()
