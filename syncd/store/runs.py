"""The daemon's own rows: its processes, their signs of life, and the last work for each tracker."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, select, update

from syncd.core.running import Attempt, Executor, holder_prefix
from syncd.store.codec import dumps, loads
from syncd.store.part import Part
from syncd.store.tables import attempts, executors, issues, leases, outbox, standings


class Runs(Part):
    """Who runs, and what came of it (`RunStore`)."""

    def enlist(self, executor: Executor) -> None:
        """Put the process's row there, whoever had the name before."""
        row = self._db.insert(executors).values(_executor_row(executor))
        names = ("token", "started", "seen", "beats", "figures")
        replace = row.on_conflict_do_update(
            index_elements=[executors.c.name], set_={name: row.excluded[name] for name in names}
        )
        with self._db.writing() as connection:
            connection.execute(replace)

    def beat(self, executor: Executor) -> bool:
        """One more sign of life; False where the row is gone or another's."""
        more = update(executors).where(executors.c.name == executor.name, executors.c.token == executor.token)
        told = {"seen": executor.seen, "figures": dumps(dict(executor.figures)), "beats": executors.c.beats + 1}
        with self._db.writing() as connection:
            return connection.execute(more.values(told)).rowcount == 1

    def retire(self, executor: Executor) -> None:
        """Take the row away, if it still is that process's."""
        ours = and_(executors.c.name == executor.name, executors.c.token == executor.token)
        with self._db.writing() as connection:
            connection.execute(delete(executors).where(ours))

    def executors(self) -> Sequence[Executor]:
        """Every row, by name."""
        with self._db.reading() as connection:
            rows = connection.execute(select(executors).order_by(executors.c.name)).mappings()
            return [Executor(**{**row, "figures": loads(row["figures"])}) for row in rows]

    @contextmanager
    def rescuing(self, executor: Executor) -> Iterator[bool]:
        """Lock the row for the block (SQLite: the whole file, where nobody else could be at it anyway)."""
        same = and_(
            executors.c.name == executor.name,
            executors.c.token == executor.token,
            executors.c.beats == executor.beats,
        )
        with self._db.writing(durable=True) as connection:
            locked = connection.execute(select(executors.c.name).where(same).with_for_update(skip_locked=True)).scalar()
            yield locked is not None
            if locked is not None:
                connection.execute(delete(executors).where(same))

    def free_leases(self, executor: str) -> int:
        """Every lease of a process of that name becomes free; the next holder has a higher fence."""
        theirs = leases.c.holder.startswith(holder_prefix(executor), autoescape=True)
        with self._db.writing(durable=True) as connection:
            return connection.execute(update(leases).where(theirs).values(holder=None, expires=None)).rowcount

    def save_attempt(self, attempt: Attempt) -> None:
        """Keep it in place of the one before."""
        with self._db.writing() as connection:
            connection.execute(self._db.upsert(attempts), _attempt_row(attempt))

    def attempt(self, tracker: str, kind: str) -> Attempt | None:
        """The row of that tracker and kind."""
        with self._db.reading() as connection:
            row = connection.execute(_ATTEMPT, {"whose": tracker, "what": kind}).mappings().first()
        return None if row is None else _attempt(row)

    def attempts(self) -> Sequence[Attempt]:
        """Every row, by tracker and kind."""
        with self._db.reading() as connection:
            return [_attempt(row) for row in connection.execute(_ATTEMPTS).mappings()]

    def verdict_counts(self, tracker: str) -> Mapping[tuple[str, str | None], int]:
        """Counted by the database, without reading a decision."""
        same = and_(issues.c.tracker == standings.c.tracker, issues.c.id == standings.c.id)
        query = (
            select(standings.c.kind, standings.c.outcome, func.count())
            .join(issues, same)
            .where(standings.c.tracker == tracker, issues.c.in_scope.is_(True))
            .group_by(standings.c.kind, standings.c.outcome)
        )
        with self._db.reading() as connection:
            return {(kind, outcome): count for kind, outcome, count in connection.execute(query)}

    def oldest_unsettled(self, tracker: str) -> datetime | None:
        """Of the outbox rows that are not over."""
        left = outbox.c.state.in_(("todo", "sending", "dead"))
        query = select(outbox.c.committed).where(outbox.c.tracker == tracker, left).order_by(outbox.c.committed)
        with self._db.reading() as connection:
            return connection.execute(query.limit(1)).scalar()


_ATTEMPTS = select(attempts).order_by(attempts.c.tracker, attempts.c.kind)
_ATTEMPT = select(attempts).where(attempts.c.tracker == bindparam("whose"), attempts.c.kind == bindparam("what"))


def _attempt(row: Mapping[Any, Any]) -> Attempt:
    values = {**row, "facts": loads(row["facts"])}
    return Attempt(id=values.pop("cycle"), **values)


def _executor_row(executor: Executor) -> dict[str, object]:
    return {
        "name": executor.name,
        "token": executor.token,
        "started": executor.started,
        "seen": executor.seen,
        "beats": executor.beats,
        "figures": dumps(dict(executor.figures)),
    }


def _attempt_row(attempt: Attempt) -> dict[str, object]:
    return {
        "tracker": attempt.tracker,
        "kind": attempt.kind,
        "cycle": attempt.id,
        "started": attempt.started,
        "ended": attempt.ended,
        "failures": attempt.failures,
        "not_before": attempt.not_before,
        "why": attempt.why,
        "facts": dumps(dict(attempt.facts)),
    }
