"""What contract tests share: Atlassian's document, and a site whose every exchange is checked against it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import pytest
from support_openapi import OpenApiDocument

from connectors.sandbox import Site

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
