"""Whole readings under way: their parts, and how far each of them is."""

from sqlalchemy import bindparam, delete, select

from syncd.core.ports import Backfill, PartProgress
from syncd.core.ports import Part as ReadPart
from syncd.store import codec
from syncd.store.database import Row, batches
from syncd.store.part import Part
from syncd.store.tables import backfill_parts, backfills

_BACKFILL = select(backfills).where(backfills.c.tracker == bindparam("tracker"))
_PARTS = select(backfill_parts).where(backfill_parts.c.tracker == bindparam("tracker")).order_by(backfill_parts.c.n)


class Backfills(Part):
    """Reading everything, with a memory of what was read."""

    def backfill(self, tracker: str) -> Backfill | None:
        """The whole reading under way."""
        with self._db.reading() as connection:
            row = connection.execute(_BACKFILL, {"tracker": tracker}).first()
            if row is None:
                return None
            parts = connection.execute(_PARTS, {"tracker": tracker}).all()
        progress = [PartProgress(p.n, ReadPart(p.name, p.size), p.after, p.read, p.done) for p in parts]
        scope, fields = tuple(codec.loads(row.scope)), tuple(codec.loads(row.fields))
        return Backfill(row.began, row.read_to, scope, fields, tuple(progress))

    def begin_backfill(self, tracker: str, backfill: Backfill) -> None:
        """Begin one, in the place of any other."""
        row = {
            "tracker": tracker,
            "began": backfill.began,
            "read_to": backfill.read_to,
            "scope": codec.texts(backfill.scope),
            "fields": codec.texts(backfill.fields),
        }
        with self._db.writing() as connection:
            connection.execute(delete(backfill_parts).where(backfill_parts.c.tracker == tracker))
            connection.execute(self._db.upsert(backfills), row)
            for some in batches(_row(tracker, part) for part in backfill.parts):
                connection.execute(self._db.upsert(backfill_parts), some)

    def save_part(self, tracker: str, part: PartProgress) -> None:
        """How far a part of it is."""
        with self._db.writing() as connection:
            connection.execute(self._db.upsert(backfill_parts), _row(tracker, part))

    def end_backfill(self, tracker: str) -> None:
        """Everything was read, or nobody wants it any more."""
        with self._db.writing() as connection:
            connection.execute(delete(backfill_parts).where(backfill_parts.c.tracker == tracker))
            connection.execute(delete(backfills).where(backfills.c.tracker == tracker))


def _row(tracker: str, part: PartProgress) -> Row:
    return {
        "tracker": tracker,
        "n": part.n,
        "name": part.part.name,
        "size": part.part.size,
        "after": part.after,
        "read": part.read,
        "done": part.done,
    }
