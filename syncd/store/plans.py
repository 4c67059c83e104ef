"""Plans that were shown, plans that were refused, and what planning left of each issue."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from syncd.core.model import Applied, IssueRef
from syncd.core.ports import StoredPlan
from syncd.store import codec
from syncd.store.columns import clean
from syncd.store.database import Database, batches
from syncd.store.part import Part, by_tracker
from syncd.store.tables import applied, held_counts, plan_states, plans, waiting

SHORTEST_PREFIX = 6

PLANS_KEPT: Final = 100
"""Plans that are known by their digest besides those that wait."""


class Plans(Part):
    """Plans and what they left."""

    def save_applied(self, applied: Sequence[Applied]) -> None:
        """What observation taught about our marks (seen, declined, adopted)."""
        if applied:
            with self._db.writing() as connection:
                for batch in batches(applied):
                    save_applied(self._db, connection, batch)

    def commented(self, tracker: str) -> Sequence[IssueRef]:
        """Issues on which a comment of ours stands, by id. Walks all that is applied."""
        has_comment = applied.c.applied.contains('"comment":[', autoescape=True)
        query = select(applied.c.id).where(applied.c.tracker == tracker, has_comment).order_by(applied.c.id)
        with self._db.reading() as connection:
            return [IssueRef(tracker, id_) for id_ in connection.execute(query).scalars()]

    # --- what planning made of each issue ---

    def unsettled(self, tracker: str) -> Sequence[IssueRef]:
        """Issues in scope whose last plan left something that time or a retry may change, by id."""
        p = plan_states.c
        query = select(p.id).where(p.tracker == tracker, p.unsettled.is_(True)).order_by(p.id)
        with self._db.reading() as connection:
            return [IssueRef(tracker, id_) for id_ in connection.execute(query).scalars()]

    def held(self, tracker: str) -> Mapping[str, int]:
        """How many issues in scope were last skipped for a lasting reason, by that reason."""
        h = held_counts.c
        query = select(h.held, h.issues).where(h.tracker == tracker, h.issues > 0).order_by(h.held)
        with self._db.reading() as connection:
            return {row.held: row.issues for row in connection.execute(query)}

    def save_plan_state(
        self, settled: Iterable[IssueRef], unsettled: Iterable[IssueRef], held: Mapping[IssueRef, str]
    ) -> None:
        """What planning made of those issues. A held one is settled unless it is unsettled, too."""
        again = set(unsettled)
        over = set(settled) - again - held.keys()
        rows = [
            {"tracker": ref.tracker, "id": ref.id, "unsettled": ref in again, "held": held.get(ref)}
            for ref in sorted(again | held.keys())
        ]
        if not rows and not over:
            return
        with self._db.writing() as connection:
            for tracker, ids in by_tracker(over).items():
                for batch in batches(ids):
                    forget_plan_states(self._db, connection, tracker, self._db.among(plan_states.c.id, batch))
            for some in batches(rows):
                self._save_plan_states(connection, some)

    def _save_plan_states(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        refs = [IssueRef(row["tracker"], row["id"]) for row in rows]
        news = Counter((row["tracker"], clean(row["held"])) for row in rows if row["held"] is not None)
        for tracker, ids in by_tracker(refs).items():
            news.subtract(_held(connection, tracker, self._db.among(plan_states.c.id, ids)))
        self._db.upsert_many(connection, plan_states, rows)
        count_held(self._db, connection, news)

    # --- plans ---

    def save_plan(self, stored: StoredPlan) -> None:
        """Keep a plan under its digest (again: the newer replaces). Refused, it waits in its trackers' place.

        The oldest of more than `PLANS_KEPT` that do not wait are forgotten: a backlog that is refused for weeks, while
        people go on working, is another plan in every poll.
        """
        row = {
            "digest": stored.plan.digest,
            "at": stored.at,
            "trackers": codec.texts(stored.trackers),
            "plan": codec.dumps(codec.plan_tree(stored.plan)),
            "refusals": codec.dumps([codec.refusal_tree(r) for r in stored.refusals]),
            "settled": stored.settled,
        }
        places = [
            {"tracker": tracker, "digest": stored.plan.digest, "at": stored.at}
            for tracker in sorted({refusal.tracker for refusal in stored.refusals})
        ]
        with self._db.writing(durable=True) as connection:
            connection.execute(self._db.upsert(plans, unless_newer=plans.c.at), row)
            if places:
                connection.execute(self._db.upsert(waiting, unless_newer=waiting.c.at), places)
            connection.execute(_FORGET_PLANS)

    def plan(self, digest: str) -> StoredPlan | None:
        """By its digest, or by a beginning of it of at least 6 characters that is unique."""
        begins = func.substr(plans.c.digest, 1, len(digest)) == digest
        query = select(plans).where(begins if len(digest) >= SHORTEST_PREFIX else plans.c.digest == digest)
        with self._db.reading() as connection:
            rows = connection.execute(query.limit(2).order_by(func.length(plans.c.digest))).all()
        if rows and (len(rows) == 1 or rows[0].digest == digest):
            return _stored_plan(rows[0])
        return None

    def settle_plan(self, digest: str, now: datetime) -> None:
        """It has been done, or nothing of it is left."""
        with self._db.writing(durable=True) as connection:
            connection.execute(update(plans).where(plans.c.digest == digest).values(settled=now))

    def waiting_plans(self) -> Sequence[StoredPlan]:
        """The newest refused plan of each tracker, unless settled since, oldest first, with what of it waits."""
        query = (
            select(plans, waiting.c.tracker)
            .join_from(waiting, plans)
            .where(plans.c.settled.is_(None))
            .order_by(plans.c.at, plans.c.digest, waiting.c.tracker)
        )
        with self._db.reading() as connection:
            rows = connection.execute(query).all()
        trackers: dict[str, set[str]] = {}
        for row in rows:
            trackers.setdefault(row.digest, set()).add(row.tracker)
        found = {row.digest: _stored_plan(row) for row in rows}
        return [
            replace(stored, refusals=tuple(r for r in stored.refusals if r.tracker in trackers[digest]))
            for digest, stored in found.items()
        ]

    def clear_waiting(self, tracker: str, now: datetime) -> None:
        """No refused plan of that tracker waits any more: the last cycle refused nothing."""
        with self._db.writing() as connection:
            connection.execute(delete(waiting).where(waiting.c.tracker == tracker, waiting.c.at <= now))


_OLD_PLANS = (
    select(plans.c.digest)
    .where(plans.c.digest.not_in(select(waiting.c.digest)))
    .order_by(plans.c.at.desc(), plans.c.digest)
    .offset(PLANS_KEPT)
)
_FORGET_PLANS = delete(plans).where(plans.c.digest.in_(_OLD_PLANS))


def forget_plan_states(db: Database, connection: Connection, tracker: str, which: ColumnElement[bool]) -> None:
    """No row for these issues any more."""
    gone = _held(connection, tracker, which)
    connection.execute(delete(plan_states).where(plan_states.c.tracker == tracker, which))
    count_held(db, connection, Counter({reason: -count for reason, count in gone.items()}))


def _held(connection: Connection, tracker: str, which: ColumnElement[bool]) -> Counter[tuple[str, str]]:
    p = plan_states.c
    query = select(p.held, func.count()).where(p.tracker == tracker, p.held.is_not(None), which).group_by(p.held)
    return Counter({(tracker, str(reason)): count for reason, count in connection.execute(query)})


def count_held(db: Database, connection: Connection, news: Counter[tuple[str, str]]) -> None:
    """Add to the counts, or take from them."""
    rows = [{"tracker": t, "held": reason, "issues": n} for (t, reason), n in sorted(news.items()) if n]
    if rows:
        insert = db.insert(held_counts)
        total = held_counts.c.issues + insert.excluded.issues
        key = list(held_counts.primary_key.columns)
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_={"issues": total}), rows)


def save_applied(db: Database, connection: Connection, some: Sequence[Applied]) -> None:
    """Upsert what is applied; the later of two for one issue counts. A lower revision never replaces a higher one."""
    newest = {a.ref: a for a in some}
    rows = [
        {
            "tracker": ref.tracker,
            "id": ref.id,
            "mark": newest[ref].mark,
            "revision": newest[ref].revision,
            "applied": codec.dumps(codec.applied_tree(newest[ref])),
        }
        for ref in sorted(newest)
    ]
    connection.execute(db.upsert(applied, unless_newer=applied.c.revision), rows)


def _stored_plan(row: Row[Any]) -> StoredPlan:
    return StoredPlan(
        plan=codec.plan_value(codec.loads(row.plan)),
        trackers=tuple(codec.loads(row.trackers)),
        at=row.at,
        refusals=tuple(codec.refusal_value(r) for r in codec.loads(row.refusals)),
        settled=row.settled,
    )
