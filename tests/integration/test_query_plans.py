"""How SQLite looks up what every pass asks for: by an index, never by a walk through all issues of a tracker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from support_values import NOW, epic, issue

from syncd.core.model import IssueRef, Link
from syncd.store import SqlStore, open_store

JIRA = "jira"
ASKED: dict[str, Callable[[SqlStore], Any]] = {
    "snapshots by key": lambda store: store.by_link(JIRA, [Link(None, "PAY-1")]),
    "snapshots by id": lambda store: store.by_link(JIRA, [Link("1", "PAY-1")]),
    "what hangs on an issue": lambda store: store.children([IssueRef(JIRA, "1")]),
    "ancestors outside the scope": lambda store: store.outside(JIRA),
    "what is known of an issue": lambda store: store.known([IssueRef(JIRA, "1")]),
    "an issue's words": lambda store: store.overrides([IssueRef(JIRA, "1")]),
    "how many hang on a cause": lambda store: list(store.causes(JIRA, ["rules a + b"])),
    "how many differ from an ancestor": lambda store: list(store.divergences(JIRA, ["PAY-1"])),
}


def plans(store: SqlStore, ask: Callable[[SqlStore], Any]) -> list[str]:
    """The steps of all queries that one question takes."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(store._db.engine, "before_cursor_execute", note)
    ask(store)
    event.remove(store._db.engine, "before_cursor_execute", note)
    queries = [(said, given) for said, given in asked if said.lstrip().startswith("SELECT")]
    assert queries
    with store._db.engine.connect() as connection:
        explained = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", given).all() for said, given in queries]
    return [step[3] for steps in explained for step in steps]


@pytest.mark.parametrize("question", ASKED)
def test_no_question_of_a_pass_walks_through_all_issues(tmp_path: Path, question: str) -> None:
    store = open_store(f"sqlite:///{tmp_path}/syncd.db", clock_now=NOW)
    store.remember(JIRA, [epic("PAY-1"), issue("PAY-2")], in_scope=True, now=NOW)
    steps = plans(store, ASKED[question])
    walks = [
        step
        for step in steps
        if step.startswith("SCAN issues") or "sqlite_autoindex_issues_1 (tracker=?)" in step or ">?" in step
    ]
    assert not walks, steps
    store.close()
