"""What a daemon costs that has nothing to do: an empty pass, the engine beside it, and what stays in memory.

    .venv/bin/python bench/bench_idle.py [--issues 2000] [--passes 200] [--profile]

The sandbox is a process of its own, so that this process's CPU is the client's alone. A pass here is all that the
daemon does for one poll: lease, config in force, one look at the store, the search, the cursor, its own row and line.
The floor is the same requests by a kept httpx client, parsed, and nothing else: the search, and the direct reading of
the ancestors where some lie outside the scope. Read the ratio: on a quiet machine the floor of the search was 0.54 ms
when 3 ms was asked for (facts/performance.md §5, §8); for a pass of two requests the ratio to the search alone stands
beside it. The engine is measured by itself, with passes
that do nothing; signs of life and gauges go by the clock and not by the poll, so they stand by the minute.
"""

import argparse
import cProfile
import gc
import pstats
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from threading import Event
from time import monotonic, process_time
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx
import orjson
from bench_cycle import FIELDS, JSON, TOKEN, Mix, config, fetch, sandbox

from syncd.app import App, correlated
from syncd.config.living import Living, Standing
from syncd.core.running import Executor
from syncd.daemon import Daemon
from syncd.engine.dbos_engine import DbosEngine, Place
from syncd.engine.keeper import BEAT_EVERY, Keeper
from syncd.engine.passes import Passes
from syncd.engine.ports import Figures, Task
from syncd.gauges import LOOKED_S, Gauges
from syncd.telemetry import configure

ROUNDS = 5
ASKED = 3.0 / 0.54
"""Times the floor that an empty pass may cost."""
ALONE = ("STRAT",)
"""A project whose issues hang on nothing outside of it."""
STAYS = 60.0
"""Seconds for which the engine is watched doing nothing."""


class NoEngine:
    """In the engine's place: an empty pass is measured without it."""

    def stats(self) -> Figures:
        return Figures()

    def unstick(self) -> int:
        return 0

    def prune(self) -> int:
        return 0


@contextmanager
def daemon(folder: Path) -> Iterator[tuple[Callable[[], Any], Gauges, Keeper]]:
    """What `syncd run` is made of but for its engine and its listeners: (one pass, its gauges, its signs of life)."""
    app = App(folder, {"JIRA_TOKEN": TOKEN})
    one = Daemon(app, "bench")
    with ExitStack() as stack:
        desk = app.desk(stack)
        one._kept, one._store, clock = {}, desk.store, app.clock  # noqa: SLF001 - as it begins itself, in parts
        one._living = Living(app.load, Standing(desk.config, ()))  # noqa: SLF001 - as above
        engine: Any = NoEngine()
        gauges = one._gauges = Gauges(desk.store, engine, one._living, clock, monotonic)  # noqa: SLF001 - as above
        me = Executor(name="bench", token=uuid4().hex, started=clock.now(), seen=clock.now())
        keeper = Keeper(desk.store, engine, me, clock, monotonic, 60.0, gauges.engine)
        keeper.enlist()
        passes = Passes(
            store=desk.store,
            clock=clock,
            holder="syncd run bench: bench",
            tools=one._tools,  # noqa: SLF001 - as above
            acts={"cycle": one._cycle},  # noqa: SLF001 - as above
            every=one._every,  # noqa: SLF001 - as above
            renewed=one._renewed,  # noqa: SLF001 - as above
            correlated=correlated,
            ending=one.stop.is_set,
            told=gauges.told,
        )
        stack.callback(one._drop_kept)  # noqa: SLF001 - as above
        yield lambda: passes.run(Task(uuid4().hex, "cycle", "acme-jira")), gauges, keeper


def spent(run: Callable[[], Any], times: int) -> float:
    """Milliseconds of this process's CPU, each time."""
    gc.collect()
    began = process_time()
    for _ in range(times):
        run()
    return (process_time() - began) / times * 1000


def empty(client: httpx.Client, folder: Path, what: str, passes: int) -> None:
    """Passes that find nothing, and the floor between them."""
    body = orjson.dumps(
        {
            "jql": f'project in ({", ".join(ALONE)}) and updated >= "2099-01-01" order by updated',
            "fields": FIELDS,
            "maxResults": 100,
        }
    )

    def search() -> None:
        orjson.loads(client.post("/rest/api/3/search/jql", content=body, headers=JSON).content)

    with daemon(folder) as (go, gauges, keeper):
        told = [go() for _ in range(3)][-1]
        assert told["complete"], told
        assert not told["observed"], told
        above = [link.id for link in keeper.store.outside("acme-jira")]  # type: ignore[attr-defined]  # it is a whole Store
        named = orjson.dumps({"issueIdsOrKeys": above, "fields": FIELDS, "properties": ["syncd"]})

        def floor() -> None:
            search()
            if above:
                orjson.loads(client.post("/rest/api/3/issue/bulkfetch", content=named, headers=JSON).content)

        rounds = [(spent(search, passes), spent(floor, passes), spent(go, passes)) for _ in range(ROUNDS)]
        alone, least, ours = (median(each) for each in zip(*rounds, strict=True))
        print(
            f"an empty pass, {what} ({len(above)}): {ours:.2f} ms CPU, {told['requests']} request(s); floor "
            f"{least:.2f} ms: {median(o / f for _, f, o in rounds):.1f}x (asked for: {ASKED:.1f}x); the search alone "
            f"{alone:.2f} ms: {median(o / s for s, _, o in rounds):.1f}x",
            flush=True,
        )
        beat = spent(keeper.beat, 50) * 60 / BEAT_EVERY
        look = median(spent(lambda: gauges.freshen(-1.0), 20) for _ in range(3)) * 60 / LOOKED_S
        print(f"  beside the polls: {beat:.1f} ms a minute for signs of life, {look:.1f} ms for gauges", flush=True)


def engine(folder: Path, passes: int) -> None:
    """DBOS by itself, on SQLite, with passes that do nothing."""
    done, counted = Event(), [0]

    def run(_task: Task) -> dict[str, Any]:
        counted[0] += 1
        if counted[0] == passes:
            done.set()
        return {}

    one = DbosEngine(Place(f"sqlite:///{folder / 'engine.db'}"), "bench", App(folder, {}).clock, poll=1.0)
    one.start(run)
    try:
        Event().wait(5.0)  # until it is launched
        idle = spent(lambda: Event().wait(STAYS), 1) / STAYS
        for n in range(passes):
            one.take(f"tracker-{n % 16}", "cycle", n + 1)
        began = process_time(), monotonic()
        assert done.wait(120)
        each = ((process_time() - began[0]) * 1000 - idle * (monotonic() - began[1])) / passes
    finally:
        one.stop(timedelta(seconds=5))
    print(f"the engine: {idle:.1f} ms CPU a second doing nothing, {each:.1f} ms for each pass it hands out", flush=True)


def memory() -> str:
    """What this process holds, in MB."""
    told = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in told if line.startswith(("VmRSS", "VmHWM"))}
    return f"{sizes['VmRSS']:.0f} MB, at most {sizes['VmHWM']:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--issues", type=int, default=2000)
    parser.add_argument("--passes", type=int, default=200)
    parser.add_argument("--profile", action="store_true", help="where an empty pass's time goes")
    given = parser.parse_args()
    print(f"with everything imported: {memory()}", flush=True)
    with tempfile.TemporaryDirectory() as temporary, sandbox(given.issues) as client:
        folder = Path(temporary)
        with (folder / "log").open("w", encoding="utf-8") as log:
            configure(log)
            mix = Mix.of([issue for page in fetch(client) for issue in page])
            alone = config(folder, str(client.base_url), mix, "alone", ALONE)
            if given.profile:
                profile(alone, given.passes)
                return
            empty(client, alone, "no ancestors outside the scope", given.passes)
            beyond = config(folder, str(client.base_url), mix, "beyond")
            empty(client, beyond, "with ancestors outside the scope", given.passes)
            engine(folder, given.passes)
    print(f"at the end: {memory()}", flush=True)


def profile(folder: Path, passes: int) -> None:
    with daemon(folder) as (go, _, _):
        for _ in range(3):
            go()
        seen = cProfile.Profile()
        for _ in range(passes):
            seen.runcall(go)
        pstats.Stats(seen).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
