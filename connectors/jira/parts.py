"""Reading everything of one Jira Cloud site in several walks at once: one for each window of creation.

A page token leads to the next page only, so that one walk is one chain of requests. When an issue was created never
changes: windows of creation hold the same issues whatever is edited meanwhile, in an order that stays as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.http import Rejected
from connectors.jira.jql import epoch_ms, everything
from connectors.jira.transport import Site, read_refused
from syncd.core.errors import Unavailable, Unreadable
from syncd.core.model import Issue
from syncd.core.ports import Part, PartPage

SMALL: Final = 2000
"""Issues that one walk reads soon enough."""
WINDOWS_EACH: Final = 4
"""Windows for each walk under way, so that none of them is left with the only long one."""
MOST_WINDOWS: Final = 128
NARROWEST: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Row:
    """A page of search/jql, taken apart."""

    issues: tuple[Issue, ...]
    unreadable: tuple[Unreadable, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class _Window:
    """Created from `low` on and before `high`, in epoch milliseconds; None: whatever there is on that side."""

    low: int | None
    high: int | None

    @property
    def name(self) -> str:
        return f"{'' if self.low is None else self.low}..{'' if self.high is None else self.high}"

    @classmethod
    def of(cls, name: str) -> "_Window":
        low, _, high = name.partition("..")
        return cls(int(low) if low else None, int(high) if high else None)


def windows(site: Site, projects: Sequence[str], at_least: int) -> Sequence[Part]:
    """Windows of about equal size by the site's own estimates; none where all is soon read in one walk."""
    total = _count(site, everything(projects)) if projects else 0
    if total <= SMALL:
        return ()
    oldest = _oldest(site, projects)
    now = epoch_ms(site.caller.tracker_now())
    if oldest is None or oldest >= now:
        return ()
    enough = max(SMALL // 2, total // (at_least * WINDOWS_EACH))
    found: list[Part] = []
    left = [(oldest, now, total)]
    while left:
        low, high, size = left.pop()
        middle = (low + high) // 2
        narrow = high - low < NARROWEST // timedelta(milliseconds=1)
        if size <= enough or narrow or len(found) + len(left) >= MOST_WINDOWS:
            window = _Window(None if low == oldest else low, None if high == now else high)
            found.append(Part(window.name, size))
            continue
        older = min(size, _count(site, everything(projects, low, middle)))
        left += [(middle, high, size - older), (low, middle, older)]
    return found


def _count(site: Site, jql: str) -> int:
    """An estimate, which serves to share out the work and to tell how much is left, and for nothing else."""
    body = {"jql": jql.partition(" ORDER BY ")[0]}
    told = site.mapping(site.ask("search/approximate-count", body), "search/approximate-count").get("count")
    return told if isinstance(told, int) else 0


def _oldest(site: Site, projects: Sequence[str]) -> int | None:
    try:
        answer = site.search(everything(projects), None, ("created",), (), 1)
    except Rejected as rejected:
        raise read_refused(rejected) from rejected
    rows: Any = answer.get("issues")
    try:
        return epoch_ms(datetime.fromisoformat(rows[0]["fields"]["created"]))
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def walk_window(
    tracker: str, page: Callable[[str, str | None], Row], projects: Sequence[str], name: str, after: str
) -> Iterator[PartPage]:
    """The issues of a window, from the instant of creation `after` on. A token that went stale is gone around."""
    window, place = _Window.of(name), after
    jql, begun, token, seen = _from(projects, window, place), place, None, set[str]()
    while True:
        try:
            row = page(jql, token)
        except Rejected as rejected:
            if token is None or rejected.answer.status != 400 or place == begun:  # noqa: PLR2004  # a bad token's
                raise read_refused(rejected) from rejected
            jql, begun, token = _from(projects, window, place), place, None
            continue
        token = row.next_token
        if row.issues:
            place = str(max(epoch_ms(issue.created) for issue in row.issues))
        yield PartPage(row.issues, row.unreadable, place, last=token is None)
        if token is None:
            return
        if token in seen:
            raise Unavailable(f"{tracker}: search/jql goes round in circles (a page token came twice)", tracker=tracker)
        seen.add(token)


def _from(projects: Sequence[str], window: _Window, place: str) -> str:
    return everything(projects, int(place) if place else window.low, window.high)
