"""Reading everything from a Jira that takes its time: eight walks at once beside one. Issues a second, as a ratio.

    .venv/bin/python bench/bench_backfill.py [--issues 30000] [--delay 0.1] [--profile]

The served site is a process of its own. Beside syncd's reading stands the floor: as many bare connections walk the
same windows and parse what comes, and do nothing else. It tells what the site lets through, so that a ratio of ours
below the floor's is our own doing. Reading and remembering is measured, from the first page on; deciding comes after.
"""

import argparse
import cProfile
import os
import pstats
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

import httpx
import orjson
from bench_cycle import EMAIL, FIELDS, JSON, SCOPE, TOKEN, Mix, config, fetch, sandbox

from syncd.app import App
from syncd.core.ports import Backfill
from syncd.engine.observing import observe
from syncd.engine.work import StoppingError

ASKED_FOR = 5.0
"""Eight walks at once are to be so many times as fast as one (facts/performance.md §3: the floor reaches 6.3)."""
EIGHT = 8
PAGE = 100


@dataclass(frozen=True)
class Pace:
    """How fast something was read."""

    rate: float
    """Issues a second."""
    cpu: float
    """Of this process, milliseconds for each page."""
    site: float
    """Of the served site, likewise."""
    windows: Sequence[str] = ()


class Gauge:
    """Counts from the first page on, and says when it is enough."""

    def __init__(self, pid: int, most: int) -> None:
        self.pid, self.most = pid, most
        self.marks: list[tuple[float, int, float, float]] = []

    def note(self, done: int) -> None:
        self.marks.append((monotonic(), done, process_time(), cpu_of(self.pid)))

    def enough(self) -> bool:
        return bool(self.marks) and self.marks[-1][1] >= self.most

    def pace(self, windows: Sequence[str] = ()) -> Pace:
        (at, done, cpu, site), last = self.marks[0], self.marks[-1]
        issues = last[1] - done
        pages = issues / PAGE / 1000
        return Pace(issues / (last[0] - at), (last[2] - cpu) / pages, (last[3] - site) / pages, windows)


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used (Linux)."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def ours(folder: Path, in_flight: int, gauge: Gauge, profile: cProfile.Profile | None = None) -> Pace:
    """syncd's reading: observe and remember."""
    app = App(folder, {"JIRA_TOKEN": TOKEN})
    with ExitStack() as stack:
        desk = app._desk(stack)  # noqa: SLF001 - as a process that stays up holds it
        work = app._work(stack, desk, desk.config.settings.trackers[0])  # noqa: SLF001 - as above
        watched: Callable[[str, int, int | None], None] = lambda _what, done, _of: gauge.note(done)  # noqa: E731
        work = replace(work, in_flight=in_flight, watch=watched, ending=gauge.enough)
        run = observe if profile is None else lambda *told: profile.runcall(observe, *told)
        with suppress(StoppingError):  # as asked: the rest would tell nothing new
            run(work, work.store.progress(work.tracker), work.store.brief(work.tracker))
        backfill: Backfill | None = work.store.backfill(work.tracker)
        return gauge.pace([] if backfill is None else [part.part.name for part in backfill.parts])


def floor(url: str, windows: Sequence[str], in_flight: int, gauge: Gauge) -> Pace:
    """Bare connections, each taking the next window when it has read one."""
    left, done = list(windows), [0]

    def walk(_: int) -> None:
        with httpx.Client(base_url=url, auth=(EMAIL, TOKEN), timeout=60) as client:
            while left and not gauge.enough():
                for issues in pages(client, left.pop()):
                    done[0] += len(issues)
                    gauge.note(done[0])
                    if gauge.enough():
                        return

    with ThreadPoolExecutor(in_flight) as pool:
        list(pool.map(walk, range(in_flight)))
    return gauge.pace()


def pages(client: httpx.Client, window: str) -> Iterator[Sequence[Any]]:
    low, _, high = window.partition("..")
    bounds = (f" and created >= {low}" if low else "") + (f" and created < {high}" if high else "")
    jql = f"project in ({', '.join(SCOPE)}){bounds} order by created asc, key asc"
    body: dict[str, Any] = {"jql": jql, "fields": FIELDS, "maxResults": PAGE}
    while True:
        answer = client.post("/rest/api/3/search/jql", content=orjson.dumps(body), headers=JSON)
        page = orjson.loads(answer.content)
        yield page["issues"]
        if "nextPageToken" not in page:
            return
        body["nextPageToken"] = page["nextPageToken"]


def compare(folder: Path, size: int, delay: float, profile: cProfile.Profile | None = None) -> float:
    """How many times as fast eight walks at once are as one; prints both, and the floor's."""
    with sandbox(size) as client:
        url, pid = str(client.base_url), int(client.headers["X-Served-By"])
        mix = Mix([["sre"]], [], [], [], [])
        served = sum(len(page) for page in fetch(client))  # what the site lays out once, it has laid out by then
        client.post("/_sandbox/settings", json={"delay_s": delay}).raise_for_status()
        most, some = int(served * 0.9), served // 8
        told = {}
        told[EIGHT] = ours(config(folder, url, mix, "eight"), EIGHT, Gauge(pid, most), profile)
        told[1] = ours(config(folder, url, mix, "one"), 1, Gauge(pid, some))
        least = {n: floor(url, told[EIGHT].windows, n, Gauge(pid, most if n > 1 else some)) for n in (EIGHT, 1)}
    for name, paces in (("syncd", told), ("floor", least)):
        for n, pace in paces.items():
            print(
                f"{name}, {n} at once: {pace.rate:,.0f} issues/s; CPU for each page: {pace.cpu:.1f} ms here, "
                f"{pace.site:.1f} ms in the served site"
            )
    ratio, floors = told[EIGHT].rate / told[1].rate, least[EIGHT].rate / least[1].rate
    print(
        f"eight at once beside one, at {delay * 1000:.0f} ms a page: {ratio:.1f}x (asked for: {ASKED_FOR:.0f}x; "
        f"the floor's: {floors:.1f}x)",
        flush=True,
    )
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--issues", type=int, default=int(os.environ.get("BENCH_BACKFILL_ISSUES", "30000")))
    parser.add_argument("--delay", type=float, default=0.1)
    parser.add_argument("--profile", action="store_true", help="where the thread that writes down spends its time")
    given = parser.parse_args()
    profile = cProfile.Profile() if given.profile else None
    with tempfile.TemporaryDirectory() as temporary:
        ratio = compare(Path(temporary), given.issues, given.delay, profile)
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        return
    assert ratio >= ASKED_FOR, f"{ratio:.1f}x"


if __name__ == "__main__":
    main()
