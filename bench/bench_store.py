"""Pairs (issue + standing) a second through the store, beside a floor of raw sqlite3 in the same run.

    .venv/bin/python bench/bench_store.py [--pairs 50000] [--postgresql URL | --no-postgresql]

Read the ratios: the machine's own speed cancels out. The floor writes the same texts into equal tables by
sqlite3.executemany, batch by batch, looking nothing up and deciding nothing.
"""

import argparse
import contextlib
import gc
import os
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from syncd.core.model import (
    Category,
    Decision,
    Evidence,
    Issue,
    IssueRef,
    Link,
    Mapped,
    Origin,
    Person,
    Standing,
    Via,
)
from syncd.core.ports import Progress
from syncd.store import codec, open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BATCHES = (1000, 100)
ROUNDS = 3


def world(pairs: int) -> list[tuple[Issue, Standing]]:
    """Issues as a Jira sends them, one epic to each fifty, and what a rule says of them."""
    made = []
    for n in range(pairs):
        ref = IssueRef("acme-jira", str(100_000 + n))
        parent = None if n % 50 == 0 else Link(str(100_000 + n - n % 50), f"PAY-{n - n % 50}")
        issue = Issue(
            ref=ref,
            key=f"PAY-{n}",
            title=f"Payments fail over to the second region when the first one is slow ({n})",
            type="Story" if parent else "Epic",
            level=0 if parent else 1,
            status="In Progress",
            category=Category.IN_PROGRESS,
            priority="Medium",
            project="PAY",
            project_name="Payments",
            components=("api",),
            labels=("sre", "reliability", f"team-{n % 9}"),
            parent=parent,
            assignee=Person(f"5b10{n % 99:020}", "Maria Muster", "member"),
            reporter=Person(f"5b10{n % 77:020}", "Ana Example", "member"),
            created=NOW - timedelta(days=90),
            updated=NOW + timedelta(milliseconds=n),
            url=f"https://acme.atlassian.net/browse/PAY-{n}",
        )
        evidence = Evidence("reliability-by-label", issue.key, ('label "sre" matches "sre"',))
        decision = Decision(ref, Mapped("reliability"), Via.RULE, (evidence,))
        made.append((issue, Standing(decision, NOW, Origin.FIRST, issue.updated, "v1")))
    return made


def through_store(url: str, pairs: list[tuple[Issue, Standing]], batch: int) -> dict[str, float]:
    """Seconds for the first time, and again with one in a hundred changed."""
    store = open_store(url, clock_now=NOW)
    later = [
        (replace(issue, title="renamed", updated=issue.updated + timedelta(days=1)), standing) if n % 100 == 0 else p
        for n, p in enumerate(pairs)
        for issue, standing in [p]
    ]

    def run(world: list[tuple[Issue, Standing]]) -> None:
        for first in range(0, len(world), batch):
            part = world[first : first + batch]
            issues = [issue for issue, _ in part]
            progress = Progress(watermark=issues[-1].updated)
            store.remember("acme-jira", issues, in_scope=True, now=NOW, progress=progress)
            store.save_standings([standing for _, standing in part])

    def read() -> None:
        assert sum(len(known) for known in store.standings()) == len(pairs)

    took = {
        "insert": timed(lambda: run(pairs)),
        "again, 1 % changed": timed(lambda: run(later)),
        "read back": timed(read),
    }
    store.close()
    return took


def floor(path: Path, pairs: list[tuple[Issue, Standing]], batch: int) -> float:
    """Seconds for the same texts by sqlite3 alone."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "CREATE TABLE issues (tracker, id, key, project, parent, updated, snapshot, PRIMARY KEY (tracker, id));"
        "CREATE INDEX by_key ON issues (key); CREATE INDEX by_parent ON issues (parent);"
        "CREATE TABLE standings (tracker, id, kind, outcome, since, decision, PRIMARY KEY (tracker, id)) WITHOUT ROWID;"
    )

    def run() -> None:
        for first in range(0, len(pairs), batch):
            part = pairs[first : first + batch]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO issues VALUES (?,?,?,?,?,?,?)", map(issue_row, part))
            connection.executemany("INSERT OR REPLACE INTO standings VALUES (?,?,?,?,?,?)", map(standing_row, part))
            connection.execute("COMMIT")

    def issue_row(pair: tuple[Issue, Standing]) -> tuple[object, ...]:
        issue, text = pair[0], codec.dumps(codec.issue_tree(pair[0]))
        parent = issue.parent.id if issue.parent else None
        return ("acme-jira", issue.ref.id, issue.key, issue.project, parent, issue.updated.isoformat(), text)

    def standing_row(pair: tuple[Issue, Standing]) -> tuple[object, ...]:
        decision = pair[1].decision
        text = codec.dumps(codec.decision_tree(decision))
        return ("acme-jira", decision.ref.id, *decision.pair, pair[1].since.isoformat(), text)

    took = timed(run)
    connection.close()
    return took


def timed(work: Callable[[], None]) -> float:
    """Seconds."""
    gc.collect()
    began = perf_counter()
    work()
    return perf_counter() - began


@contextlib.contextmanager
def fresh_postgresql(url: str | None) -> Iterator[Callable[[contextlib.ExitStack], str]]:
    """Gives new databases on a server."""
    from support_pg import database, postgresql  # noqa: PLC0415 - wanted with --postgresql only

    if url:
        os.environ["SYNCD_TEST_PG_URL"] = url
    with postgresql() as server:
        yield lambda stack: stack.enter_context(database(server))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--postgresql", metavar="URL")
    parser.add_argument("--no-postgresql", action="store_true")
    given = parser.parse_args()
    pairs = world(given.pairs)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fresh = None if given.no_postgresql else stack.enter_context(fresh_postgresql(given.postgresql))
        for batch in BATCHES:
            rows: dict[str, list[float]] = {}
            for turn in range(ROUNDS):
                rows.setdefault("floor: sqlite3, insert", []).append(
                    floor(folder / f"f{batch}-{turn}.db", pairs, batch)
                )
                for name, took in through_store(f"sqlite:///{folder}/s{batch}-{turn}.db", pairs, batch).items():
                    rows.setdefault(f"SQLite, {name}", []).append(took)
                if fresh is not None:
                    with contextlib.ExitStack() as databases:
                        for name, took in through_store(fresh(databases), pairs, batch).items():
                            rows.setdefault(f"PostgreSQL, {name}", []).append(took)
            report(batch, given.pairs, rows)


def report(batch: int, pairs: int, rows: dict[str, list[float]]) -> None:
    """Medians, and how they stand to the floor's."""
    print(f"{pairs} pairs in batches of {batch}, median of {ROUNDS}")
    lowest = statistics.median(rows["floor: sqlite3, insert"])
    for name, times in rows.items():
        median = statistics.median(times)
        print(f"  {name:36} {pairs / median:>10,.0f} pairs/s   {lowest / median:5.2f} of the floor")


if __name__ == "__main__":
    main()
