"""Two processes on one PostgreSQL, many trackers, people, faults, webhooks, and a SIGKILL every few seconds.

Both run under `make stress`: the smaller first, since it says sooner that something is wrong.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL
from support_pg import database, postgresql
from support_storm import judged, survive


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    with postgresql() as running:
        yield running


@pytest.mark.stress
def test_two_processes_that_are_killed_now_and_then_bring_every_tracker_to_what_the_rules_say(
    tmp_path: Path, server: URL
) -> None:
    with database(server) as url:
        storm = survive(tmp_path, url, trackers=2, issues=400, seconds=30, kills=6, lives=(1.0, 4.0), seed=1)
    sys.stderr.write(f"\n{judged(storm, oldest=60)}\n")


@pytest.mark.stress
def test_for_two_minutes_with_ten_trackers_and_twenty_thousand_issues(tmp_path: Path, server: URL) -> None:
    with database(server) as url:
        storm = survive(tmp_path, url, trackers=10, issues=20_000, seconds=120, kills=16, lives=(1.0, 6.0), seed=2)
    sys.stderr.write(f"\n{judged(storm, oldest=60)}\n")
