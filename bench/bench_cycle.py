"""Cycles against a served Jira: a backlog, polls that find nothing, polls that find something. CPU, beside a floor.

    .venv/bin/python bench/bench_cycle.py [--issues 10000] [--rounds 2] [--profile backlog|quiet|changes]

The sandbox is a process of its own, so that this process's CPU is the client's alone. The floor of the backlog is the
least that does the job with httpx, orjson, SQLAlchemy Core and re2: fetch 15 fields by pages of 100, store them,
classify by the same fifty rules with evidence, store what came out. It asks for no ancestors, keeps no history, plans
nothing and reads no marks. The floor of a poll is as many bare requests as the cycle makes. Read the ratios.
"""

import argparse
import base64
import cProfile
import gc
import os
import pstats
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx
import orjson
import re2
from sqlalchemy import Column, Engine, MetaData, Table, Text, create_engine, event
from sqlalchemy.dialects.sqlite import insert

from connectors.sandbox import Site
from syncd.app import App
from syncd.engine.cycle import run_cycle
from syncd.engine.work import CycleResult

POLLS = 30
CHANGES = (1, 20, 100)
SCOPE = ("PAY", "OPS", "RISK", "ONB")
EMAIL = "syncd@acme.example"
TOKEN = Site(lambda: None).token  # type: ignore[arg-type,return-value]  # no clock is asked for a token
JSON = {"Content-Type": "application/json"}
FIELDS = (
    "summary", "issuetype", "status", "priority", "project", "components", "fixVersions", "labels", "parent",
    "assignee", "reporter", "created", "updated", "security", "resolution",
)  # fmt: skip


# --- the tracker ------------------------------------------------------------------------------------------


@contextmanager
def sandbox(size: int) -> Iterator[httpx.Client]:
    """A client that is signed in at a served site of that many issues."""
    command = [sys.executable, "-m", "connectors.sandbox", "--size", str(size), "--control"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own words
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        basic = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
        try:
            headers = {"Authorization": f"Basic {basic}", "X-Served-By": str(process.pid)}
            with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
                yield client
        finally:
            process.terminate()


def fetch(client: httpx.Client) -> Iterator[Sequence[dict[str, Any]]]:
    """Every issue in scope, by pages."""
    body: dict[str, Any] = {
        "jql": f"project in ({', '.join(SCOPE)}) order by updated",
        "fields": FIELDS,
        "maxResults": 100,
    }
    while True:
        answer = client.post("/rest/api/3/search/jql", content=orjson.dumps(body), headers=JSON)
        page = orjson.loads(answer.content)
        yield page["issues"]
        if "nextPageToken" not in page:
            return
        body["nextPageToken"] = page["nextPageToken"]


# --- the rules --------------------------------------------------------------------------------------------


@dataclass
class Mix:
    """Fifty rules in the mix of facts/performance.md §6, over what the site holds."""

    labels: list[list[str]] = field(default_factory=list)
    epics: list[list[str]] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    excepting: list[tuple[list[str], str]] = field(default_factory=list)

    @classmethod
    def of(cls, issues: Sequence[dict[str, Any]]) -> "Mix":
        told = [issue["fields"] for issue in issues]
        labels = [name for name, _ in Counter(name for one in told for name in one["labels"]).most_common(80)]
        words = Counter(word for one in told for word in re.findall("[a-z]{5,}", one["summary"].lower()))
        pairs = Counter((one["project"]["key"], one["issuetype"]["name"]) for one in told).most_common(40)
        common = [word for word, _ in words.most_common(40)]
        return cls(
            labels=[labels[n % len(labels) :: 20][:3] for n in range(20)],
            epics=[labels[(n + 7) % len(labels) :: 20][:2] for n in range(10)],
            pairs=[pair for pair, _ in pairs[8:16]],
            titles=[rf"\b{common[n + 8]}\b.*\b{common[n + 20]}\b" for n in range(7)],
            excepting=[(labels[n + 30 : n + 34], SCOPE[n % 4]) for n in range(5)],
        )

    def yaml(self) -> str:
        """As rules.yaml. JSON is YAML."""
        whens: list[dict[str, Any]] = [{"label": some} for some in self.labels]
        whens += [{"epic": {"label": some}} for some in self.epics]
        whens += [{"project": project, "type": kind} for project, kind in self.pairs]
        whens += [{"title": f"re:{pattern}"} for pattern in self.titles]
        whens += [{"label": some, "not": {"project": project}} for some, project in self.excepting]
        rules = [{"id": f"r{n}", "outcome": f"o{n % 3}", "when": when} for n, when in enumerate(whens)]
        return orjson.dumps({"rules": rules}).decode()


def config(folder: Path, url: str, mix: Mix, store: str, projects: Sequence[str] = SCOPE) -> Path:
    """A config folder for a store of its own."""
    here = folder / f"config-{store}"
    here.mkdir()
    outcomes = [{"id": f"o{n}", "title": f"Outcome {n}", "owner": EMAIL} for n in range(3)]
    auth = {"email": EMAIL, "token": {"env": "JIRA_TOKEN"}}
    tracker = {"kind": "jira-cloud", "url": url, "auth": auth, "scope": {"projects": projects}, "write": "observe"}
    settings = {"installation": "acme", "store": f"sqlite:///{folder}/{store}.db", "trackers": {"acme-jira": tracker}}
    (here / "syncd.yaml").write_bytes(orjson.dumps(settings))
    (here / "strategy.yaml").write_bytes(orjson.dumps({"intent": "We are measured.", "outcomes": outcomes}))
    (here / "rules.yaml").write_text(mix.yaml(), encoding="utf-8")
    return here


# --- the floor --------------------------------------------------------------------------------------------

FLOOR = MetaData()
ISSUES = Table(
    "issues",
    FLOOR,
    Column("id", Text, primary_key=True),
    *(Column(name, Text) for name in ("key", "title", "type", "level", "status", "category", "priority", "project")),
    *(Column(name, Text) for name in ("components", "labels", "parent", "people", "updated")),
)
DECISIONS = Table(
    "decisions", FLOOR, Column("id", Text, primary_key=True), Column("outcome", Text), Column("why", Text)
)


def backlog_floor(client: httpx.Client, engine: Engine, mix: Mix) -> int:
    """Fetch, store, classify, store, page by page."""
    upserts = [insert(table).on_conflict_do_nothing() for table in (ISSUES, DECISIONS)]
    rules = Classifier(mix)
    count = 0
    for page in fetch(client):
        rows = [row_of(issue) for issue in page]
        with engine.begin() as connection:
            connection.execute(upserts[0], rows)
            connection.execute(upserts[1], [rules.decide(row) for row in rows])
        count += len(rows)
    return count


def row_of(issue: dict[str, Any]) -> dict[str, Any]:
    told = issue["fields"]
    people = [person and person["accountId"] for person in (told.get("assignee"), told.get("reporter"))]
    return {
        "id": issue["id"],
        "key": issue["key"],
        "title": told["summary"],
        "type": told["issuetype"]["name"],
        "level": str(told["issuetype"]["hierarchyLevel"]),
        "status": told["status"]["name"],
        "category": told["status"]["statusCategory"]["key"],
        "priority": (told.get("priority") or {}).get("name"),
        "project": told["project"]["key"],
        "components": _json([component["name"] for component in told.get("components") or ()]),
        "labels": _json(told["labels"]),
        "parent": (told.get("parent") or {}).get("id"),
        "people": _json(people),
        "updated": told["updated"],
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


class Classifier:
    """Postings and one re2.Set. What it has seen of epics it knows of their children; those that came before do not."""

    def __init__(self, mix: Mix) -> None:
        self.own: dict[str, list[int]] = {}
        self.epic: dict[str, list[int]] = {}
        self.pairs = {pair: 30 + n for n, pair in enumerate(mix.pairs)}
        self.but = {45 + n: project for n, (_, project) in enumerate(mix.excepting)}
        for first, postings, lists in (
            (0, self.own, mix.labels),
            (20, self.epic, mix.epics),
            (45, self.own, [some for some, _ in mix.excepting]),
        ):
            for n, some in enumerate(lists):
                for name in some:
                    postings.setdefault(name.lower(), []).append(first + n)
        self.titles = re2.Set.SearchSet()
        for pattern in mix.titles:
            self.titles.Add(pattern)
        self.titles.Compile()
        self.above: dict[str, tuple[list[str], dict[int, str]]] = {}

    def decide(self, row: dict[str, Any]) -> dict[str, Any]:
        labels = [name.lower() for name in orjson.loads(row["labels"])]
        on_epic, heard = self.above.get(row["parent"], ([], {}))
        met = {n: name for name in labels for n in self.own.get(name, ()) if self.but.get(n) != row["project"]}
        met |= {n: name for name in on_epic for n in self.epic.get(name, ())}
        pair = self.pairs.get((row["project"], row["type"]))
        if pair is not None:
            met[pair] = row["type"]
        met |= {38 + n: row["title"] for n in self.titles.Match(row["title"]) or ()}
        met = met or heard
        if row["level"] != "0":
            self.above[row["id"]] = (labels, met)
        outcomes = {n % 3 for n in met}
        outcome = None if not outcomes else f"o{outcomes.pop()}" if len(outcomes) == 1 else "conflict"
        return {"id": row["id"], "outcome": outcome, "why": _json([(f"r{n}", text) for n, text in met.items()])}


# --- measuring --------------------------------------------------------------------------------------------


def cpu(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of this process's CPU, and what came out."""
    gc.collect()
    began = process_time()
    result = run()
    return process_time() - began, result


@contextmanager
def cycles(folder: Path) -> Iterator[Callable[[], CycleResult]]:
    """One process's cycles over one tracker, with what stays open between them."""
    app = App(folder, {"JIRA_TOKEN": TOKEN})
    with ExitStack() as stack:
        desk = app._desk(stack)  # noqa: SLF001 - as a process that stays up holds it
        tracker = desk.config.settings.trackers[0]
        work = app._work(stack, desk, tracker)  # noqa: SLF001 - as above
        writer = desk.writer(stack, tracker)
        yield lambda: run_cycle(work, writer)


def floor_engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    FLOOR.create_all(engine)
    return engine


def backlog(client: httpx.Client, folder: Path, mix: Mix, rounds: int) -> None:
    ours, floors, count = [], [], 0
    for n in range(rounds):
        with cycles(config(folder, str(client.base_url), mix, f"store{n}")) as cycle:
            took, result = cpu(cycle)
            assert result.complete, result.why
            ours.append(took)
        engine = floor_engine(folder / f"floor{n}.db")
        took, count = cpu(lambda engine=engine: backlog_floor(client, engine, mix))  # type: ignore[misc]
        floors.append(took)
        engine.dispose()
    each, least = min(ours) / count * 1e6, min(floors) / count * 1e6
    print(
        f"backlog of {count:,}: {each:,.0f} us CPU an issue; floor (fetch, store, classify, store) {least:,.0f}: "
        f"{each / least:.2f}x (asked for: 1.5x)",
        flush=True,
    )


def polls(client: httpx.Client, folder: Path) -> None:
    """Polls that find nothing, then some that find k changes."""
    with cycles(folder / "config-store0") as cycle:
        cycle()
        before = cycle().requests
        took = median(cpu(cycle)[0] for _ in range(POLLS))
        requests = (cycle().requests - before) / (POLLS + 1)
        bare = median(cpu(lambda: client.get("/rest/api/3/myself").content)[0] for _ in range(POLLS))
        beside = took - requests * bare
        print(
            f"a poll that finds nothing: {took * 1000:.1f} ms CPU, {requests:.0f} requests of {bare * 1000:.2f} ms: "
            f"{beside * 1000:.1f} ms beside them (asked for: 3 ms)",
            flush=True,
        )
        keys = [issue["key"] for issue in next(iter(fetch(client)))]
        for count in CHANGES:
            each = median(_changed(client, cycle, keys[:count], turn) - took for turn in range(5)) / count
            print(f"each of {count} changes: {each * 1e6:,.0f} us CPU (asked for: 100 us)", flush=True)


def _changed(client: httpx.Client, cycle: Callable[[], CycleResult], keys: Sequence[str], turn: int) -> float:
    for key in keys:
        edit = {"person": "tom", "do": "edit", "key": key, "labels": [f"turn-{turn}"]}
        client.post("/_sandbox/edit", content=orjson.dumps(edit)).raise_for_status()
    took, result = cpu(cycle)
    assert result.decided >= len(keys), result
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--issues", type=int, default=int(os.environ.get("BENCH_CYCLE_ISSUES", "10000")))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--profile", choices=["backlog", "quiet", "changes"], help="where syncd's time goes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sandbox(given.issues) as client:
        folder = Path(temporary)
        mix = Mix.of([issue for page in fetch(client) for issue in page])
        if given.profile:
            profile(client, folder, mix, given.profile)
            return
        backlog(client, folder, mix, given.rounds)
        polls(client, folder)


def profile(client: httpx.Client, folder: Path, mix: Mix, what: str) -> None:
    with cycles(config(folder, str(client.base_url), mix, "store0")) as cycle:
        seen = cProfile.Profile()
        if what == "backlog":
            seen.runcall(cycle)
        else:
            cycle()
            cycle()
            keys = [issue["key"] for issue in next(iter(fetch(client)))]
            for turn in range(20):
                if what == "changes":
                    _changed(client, cycle, keys, turn)
                seen.runcall(cycle)
        pstats.Stats(seen).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
