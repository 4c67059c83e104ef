"""A clock that tests move, a small site, and the client that speaks to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.sandbox import Site, serve

START = datetime(2026, 11, 21, 12, 0, 0, 123_000, tzinfo=UTC)
JQL = "/rest/api/3/search/jql"


class MovingClock:
    """The time a test says it is."""

    def __init__(self, start: datetime = START) -> None:
        self.at = start

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def small_site(clock: MovingClock, **options: Any) -> Site:
    """PAY (classic), ONB (classic), WEB (team-managed), SD (a service project), PROC (invisible); no issues."""
    site = Site(clock=clock, **options)
    site.registry.add_project("PAY", "Payments")
    site.registry.add_project("ONB", "Onboarding", absent=frozenset({"priority"}))
    site.registry.add_project("WEB", "Website", style="next-gen")
    site.registry.add_project("SD", "Support", type_key="service_desk")
    site.registry.add_project("PROC", "Procurement")
    site.permissions.may_browse["PROC"] = False
    return site


@contextmanager
def client_of(site: Site) -> Iterator[httpx.Client]:
    """The site served, and a client logged in as syncd."""
    with serve(site) as served, httpx.Client(base_url=served.url, auth=(site.email, site.token), timeout=60) as client:
        yield client


def walk(client: httpx.Client, jql: str, **options: Any) -> list[dict[str, Any]]:
    """Every row of a search, page by page."""
    rows: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        more = {"nextPageToken": token} if token else {}
        page = client.post(JQL, json={"jql": jql, **options, **more}).json()
        rows += page["issues"]
        token = page.get("nextPageToken")
        if page["isLast"]:
            assert token is None
            return rows


def adf(*lines: str) -> dict[str, Any]:
    """A document of paragraphs."""
    content = [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines]
    return {"type": "doc", "version": 1, "content": content}
