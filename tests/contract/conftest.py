"""What contract tests share: Atlassian's document, and a site whose every exchange is checked against it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text
from support_contract import JiraTracker, Tracker
from support_contract_linear import LinearTracker
from support_jira_cloud import MovableClock, cloud_of
from support_linear_writer import space_of
from support_openapi import OpenApiDocument
from support_pg import database, postgresql
from support_store import NOW

from connectors.sandbox import Site
from syncd.store import SqlStore, open_store

_CONTRACT = "contracts/jira-cloud-openapi.json"


@pytest.fixture(scope="session")
def openapi(shared: Path) -> OpenApiDocument:
    """Atlassian's OpenAPI document of Jira Cloud; skips without the shared material."""
    return OpenApiDocument(shared / _CONTRACT)


@pytest.fixture(scope="session")
def _document() -> OpenApiDocument | None:
    named = os.environ.get("SYNCD_SHARED")
    if named and (Path(named) / _CONTRACT).is_file():
        return OpenApiDocument(Path(named) / _CONTRACT)
    if os.environ.get("CI") == "true":
        pytest.fail(f"SYNCD_SHARED does not name a folder with {_CONTRACT}")
    return None


@pytest.fixture
def watched(_document: OpenApiDocument | None) -> Iterator[Callable[..., Site]]:
    """`watched(site)` gives the site back with every exchange checked until the test ends.

    Problems, and crashes of the sandbox itself, fail the test. `requests=False` leaves the asking side alone.
    Without the shared material the site works unchecked: behaviour is still tested in a bare clone.
    """
    with ExitStack() as stack:
        sites: list[Site] = []

        def watch(site: Site, *, requests: bool = True) -> Site:
            checking: AbstractContextManager[object] = nullcontext()
            if _document is not None:
                checking = _document.watching(site, requests=requests)
            stack.enter_context(checking)
            sites.append(site)
            return site

        yield watch
        crashes = [crash for site in sites for crash in site.crashes]
        assert not crashes, "\n".join(crashes)


# --- the store, on both engines -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def pg_server() -> Iterator[URL]:
    """A running PostgreSQL."""
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def _pg_store_url(pg_server: URL) -> Iterator[str]:
    with database(pg_server) as url:
        open_store(url, clock_now=NOW).close()
        yield url


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "template.db"
    open_store(f"sqlite:///{path}", clock_now=NOW).close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that holds nothing yet, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(request.getfixturevalue('_sqlite_template'), tmp_path / 'syncd.db')}"
    url: str = request.getfixturevalue("_pg_store_url")
    _empty(url)
    return url


def _empty(url: str) -> None:
    """As new, at a fraction of a new database's cost."""
    engine = create_engine(url)
    with engine.begin() as connection:
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = set(connection.execute(text(names)).scalars()) - {"meta", "syncd_revision"}
        connection.execute(text(f"TRUNCATE {', '.join(sorted(tables))}"))
        connection.execute(text("DELETE FROM meta WHERE name NOT IN ('instance', 'created')"))
    engine.dispose()


@pytest.fixture
def store(store_url: str) -> Iterator[SqlStore]:
    """An open store that holds nothing yet, on each engine in turn."""
    opened = open_store(store_url, clock_now=NOW)
    yield opened
    opened.close()


# --- trackers, one after the other ----------------------------------------------------------------------------


@pytest.fixture(params=["jira-cloud", "linear"])
def tracker(request: pytest.FixtureRequest) -> Iterator[Tracker]:
    """Each kind of tracker in turn, served and empty: what a connector must do is written once."""
    if request.param == "jira-cloud":
        with cloud_of(request.getfixturevalue("watched"), MovableClock()) as cloud:
            yield JiraTracker(cloud)
    else:
        with space_of() as space, ExitStack() as stack:
            yield LinearTracker(space, stack)
