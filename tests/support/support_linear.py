"""A served Linear in one line, the clock in hand, and the client that speaks to it.

with linear() as served:
    served.workspace.member("maria").create("ENG", "Fail over", labels=["sre"])
    served.ask("{ issues { nodes { identifier } } }")
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from support_sandbox import MovingClock

from connectors.sandbox.linear import LinearFault, Workspace, serve_linear
from connectors.sandbox.linear.faults import LinearFaultKind

TOKEN = "lin_api_sandbox"


@dataclass(frozen=True, slots=True)
class Linear:
    """A workspace being served. `url` is the GraphQL endpoint; the clock moves only when the test says so."""

    url: str
    workspace: Workspace
    clock: MovingClock
    client: httpx.Client

    def post(self, query: str, token: str = TOKEN, **variables: Any) -> httpx.Response:
        """One request, as it comes back."""
        return self.client.post(self.url, json={"query": query, "variables": variables}, headers=_key(token))

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that has no errors."""
        answer = self.post(query, **variables).json()
        assert "errors" not in answer, answer["errors"]
        found: dict[str, Any] = answer["data"]
        return found

    def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The one error of an answer on HTTP 200."""
        answer = self.post(query, **variables)
        assert answer.status_code == 200, answer.text
        (error,) = answer.json()["errors"]
        found: dict[str, Any] = error
        return found


def _key(token: str) -> dict[str, str]:
    return {"authorization": token} if token else {}


@contextmanager
def linear(
    clock: MovingClock | None = None, build: Callable[[Workspace], None] | None = None, **options: Any
) -> Iterator[Linear]:
    """A served Linear: teams ENG and OPS, a hidden team SEC, nothing else; or what `build` makes of an empty one."""
    time = clock or MovingClock()
    workspace = Workspace(time, **options)
    (build or small_workspace)(workspace)
    with serve_linear(workspace) as served, httpx.Client(timeout=60) as client:
        yield Linear(served.url, workspace, time, client)
    assert workspace.crashes == []


def small_workspace(workspace: Workspace) -> None:
    """ENG, OPS, and SEC, which syncd's key does not see."""
    for key, name in (("ENG", "Engineering"), ("OPS", "Operations"), ("SEC", "Security")):
        workspace.team(key, name)
    workspace.hidden.add("SEC")


def troubled(workspace: Workspace, every: int = 5, *, match: str = "", first: int = 0) -> LinearFault:
    """Lets every `every`-th request suffer, in turn: a rate limit, a page from the edge, a reset, a partial answer.

    `first` is the turn to begin with: of the ways in which faults and a client's requests can fall together.
    """
    turns = (*_TURNS[first:], *_TURNS[:first])
    return workspace.faults.add(LinearFault(turns[0], turns=turns, match=match, times=None, every=every))


_TURNS: tuple[LinearFaultKind, ...] = ("ratelimited", "html", "reset", "partial")
MUTATE = "mutation Mark($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }"
