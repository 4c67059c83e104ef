"""Small worlds for tests of the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event

from syncd.core.model import (
    Action,
    Applied,
    Category,
    Decision,
    Evidence,
    Finding,
    FindingKind,
    Issue,
    IssueRef,
    Link,
    Mapped,
    Origin,
    Override,
    OverrideSource,
    Plan,
    Proof,
    Refusal,
    Standing,
    ToOutcome,
    Unmapped,
    Verdict,
    Via,
)
from syncd.core.ports import Entry, EntryState, StoredPlan
from syncd.store import SqlStore

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
JIRA = "acme-jira"


def ref(id_: str, tracker: str = JIRA) -> IssueRef:
    return IssueRef(tracker, id_)


def issue(id_: str, **changed: Any) -> Issue:
    values: dict[str, Any] = {
        "ref": ref(id_),
        "key": f"PAY-{id_}",
        "title": f"Title of {id_}",
        "type": "Story",
        "level": 0,
        "status": "To Do",
        "category": Category.TODO,
        "priority": "High",
        "project": "PAY",
        "project_name": "Payments",
        "labels": ("sre",),
        "created": NOW - timedelta(days=9),
        "updated": NOW,
        "url": f"https://acme.atlassian.net/browse/PAY-{id_}",
    }
    return Issue(**(values | changed))


def child(id_: str, parent_id: str | None, parent_key: str | None, **changed: Any) -> Issue:
    return issue(id_, parent=Link(parent_id, parent_key), **changed)


def standing(id_: str, verdict: Verdict, since: datetime = NOW, version: str = "v1") -> Standing:
    decision = Decision(ref(id_), verdict, Via.RULE, (Evidence("r1", f"PAY-{id_}", ('label "SRE" matches "sre"',)),))
    return Standing(decision=decision, since=since, origin=Origin.ISSUE, changed=since, version=version)


def mapped(id_: str, outcome: str, since: datetime = NOW) -> Standing:
    return standing(id_, Mapped(outcome), since)


def unmapped(id_: str, since: datetime = NOW) -> Standing:
    return standing(id_, Unmapped(), since)


def applied(id_: str, mark: str | None, revision: int, **changed: Any) -> Applied:
    values: dict[str, Any] = {
        "ref": ref(id_),
        "mark": mark,
        "proof": Proof.SENT,
        "revision": revision,
        "at": NOW,
    }
    return Applied(**(values | changed))


def action(id_: str, add: str = "outcome/reliability", revision: int = 0, tracker: str = JIRA) -> Action:
    return Action(
        ref=ref(id_, tracker),
        key=f"PAY-{id_}",
        project="PAY",
        kind="mark",
        why="it serves reliability",
        revision=revision,
        origin=Origin.ISSUE,
        add=(add,),
    )


def entry(id_: str, add: str = "outcome/reliability", revision: int = 0, tracker: str = JIRA) -> Entry:
    return Entry(f"{tracker}/{id_}/mark/{add}/{revision}", action(id_, add, revision, tracker), EntryState.TODO)


def finding(cause: str, kind: FindingKind = "conflict", text: str = "Two rules disagree.") -> Finding:
    return Finding(tracker=JIRA, kind=kind, cause=cause, text=text, key="PAY-1", owner="maria@acme.example")


def override(id_: str, outcome: str = "growth", at: datetime = NOW, **changed: Any) -> Override:
    values: dict[str, Any] = {
        "ref": ref(id_),
        "target": ToOutcome(outcome),
        "source": OverrideSource.MARK,
        "author": "ana",
        "at": at,
        "mark": f"outcome/{outcome}",
    }
    return Override(**(values | changed))


def stored_plan(digest: str, at: datetime = NOW, refused: tuple[str, ...] = ()) -> StoredPlan:
    refusals = tuple(
        Refusal(tracker=t, reason="too much", digest=digest, counts={"mark": 900}, limits={"share": 0.3})
        for t in refused
    )
    return StoredPlan(Plan((action("1"),), (), digest), refused or (JIRA,), at, refusals)


@contextmanager
def statements(store: SqlStore) -> Iterator[list[str]]:
    """Every statement that the store sends meanwhile."""
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(store._db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store._db.engine, "before_cursor_execute", note)


def writes(seen: list[str]) -> list[str]:
    return [s for s in seen if s.split()[0] in ("INSERT", "UPDATE", "DELETE")]
