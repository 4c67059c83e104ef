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
    "429 without a time": {"kind": "status", "status": 429},
    "503 with Retry-After": {"kind": "status", "status": 503, "retry_after": 3},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_all_issues_arrive_also_where_jira_words_its_trouble_otherwise(cloud: Cloud, fault: dict[str, Any]) -> None:
    struck = cloud.site.faults.add(Fault(**fault, times=2))
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


def test_an_api_that_was_removed_says_so(cloud: Cloud) -> None:
    reader = cloud.reader()
    reader.look_around()
    cloud.site.faults.add(Fault("status", 410, match="POST */search/jql", times=None))
    with pytest.raises(Unreadable, match=r"410.*syncd needs an update"):
        list(reader.observe(None))


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
