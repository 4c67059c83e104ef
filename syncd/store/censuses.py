"""The census: what it has met so far, and how that differs from what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, select, update

from syncd.core.model import Link
from syncd.core.ports import Census, EntryState
from syncd.store import codec
from syncd.store.database import batches
from syncd.store.part import Part, folded
from syncd.store.tables import census_ids, censuses, issues, outbox

_CENSUS = select(censuses).where(censuses.c.tracker == bindparam("tracker"))
_WAITING = (EntryState.TODO.value, EntryState.DEAD.value)


class Censuses(Part):
    """Counting what is there."""

    def census(self, tracker: str) -> Census:
        """Where that tracker's census stands."""
        with self._db.reading() as connection:
            return census_of(connection, tracker)

    def save_census(self, tracker: str, census: Census, met: Sequence[Link] | None = ()) -> None:
        """Replace it whole, and keep that those were met; None: forget all that were."""
        row = {"tracker": tracker, **asdict(census), "scope": codec.texts(census.scope)}
        with self._db.writing() as connection:
            connection.execute(self._db.upsert(censuses), row)
            if met is None:
                connection.execute(delete(census_ids).where(census_ids.c.tracker == tracker))
                return
            ids = sorted({link.id for link in met if link.id})
            for some in batches([{"tracker": tracker, "id": id_} for id_ in ids]):
                self._db.add_many(connection, census_ids, some)

    def strangers(self, tracker: str, links: Sequence[Link], parents: Mapping[str, str | None]) -> Sequence[Link]:
        """Of those links (by id and key) the ones that are not in scope, not under that key, or not below that parent.

        `parents` by id, of those of which it is told.
        """
        strange: list[Link] = []
        with self._db.reading() as connection:
            for some in batches(links):
                these = self._db.among(issues.c.id, [link.id for link in some if link.id])
                query = select(issues.c.id, issues.c.folded_key, issues.c.parent_id)
                query = query.where(issues.c.tracker == tracker, issues.c.in_scope.is_(True), these)
                known = {row[0]: (row[1], row[2]) for row in connection.execute(query).all()}
                strange += [link for link in some if not _stands(link, known.get(link.id or ""), parents)]
        return strange

    def unmet(self, tracker: str, project: str, *, after: str = "", limit: int = 1000) -> Sequence[Link]:
        """Issues of a project in scope that the census under way did not meet, by id, from an id on."""
        same = and_(census_ids.c.tracker == issues.c.tracker, census_ids.c.id == issues.c.id)
        query = (
            select(issues.c.id, issues.c.snapshot)
            .select_from(issues.outerjoin(census_ids, same))
            .where(issues.c.tracker == tracker, issues.c.in_scope.is_(True), issues.c.project == project)
            .where(issues.c.id > after, census_ids.c.id.is_(None))
            .order_by(issues.c.id)
            .limit(limit)
        )
        with self._db.reading() as connection:
            return [Link(id_, str(codec.loads(text)["key"])) for id_, text in connection.execute(query).all()]

    def count_projects(self, tracker: str) -> Mapping[str, int]:
        """How many issues are in scope in each project (or team)."""
        inside = and_(issues.c.tracker == tracker, issues.c.in_scope.is_(True))
        query = select(issues.c.project, func.count()).where(inside).group_by(issues.c.project)
        with self._db.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query.order_by(issues.c.project)).all()}

    def drop_entries(self, tracker: str, ids: Sequence[str], note: str, now: datetime) -> int:
        """Drop what waits to be written on those issues, dead letters too; how many rows."""
        dropped = 0
        with self._db.writing(durable=True) as connection:
            for some in batches(sorted(set(ids))):
                these = self._db.among(outbox.c.id, some)
                waiting = and_(outbox.c.tracker == tracker, outbox.c.state.in_(_WAITING), these)
                values = {"state": EntryState.DROPPED.value, "note": note, "moved": now}
                dropped += connection.execute(update(outbox).where(waiting).values(values)).rowcount
        return dropped

    def stamps(self, tracker: str, ids: Sequence[str]) -> Mapping[str, datetime]:
        """When those issues were last changed, as stored; unknown ones are absent."""
        found: dict[str, datetime] = {}
        with self._db.reading() as connection:
            for some in batches(ids):
                query = select(issues.c.id, issues.c.updated)
                query = query.where(issues.c.tracker == tracker, self._db.among(issues.c.id, some))
                found.update((row[0], row[1]) for row in connection.execute(query).all())
        return found


def _stands(link: Link, known: tuple[str, str | None] | None, parents: Mapping[str, str | None]) -> bool:
    """Whether it is known under that key and, where it is told, below that parent."""
    if known is None:
        return False
    key, above = known
    return key == folded(link.key or "") and above == parents.get(link.id or "", above)


def census_of(connection: Connection, tracker: str) -> Census:
    """Where that tracker's census stands."""
    return census_in(connection.execute(_CENSUS, {"tracker": tracker}).mappings().first())


def census_in(row: Mapping[Any, Any] | None) -> Census:
    """What a row of `censuses` tells."""
    if row is None:
        return Census()
    values = {name: row[name] for name in row if name != "tracker"}
    return Census(**{**values, "scope": tuple(codec.loads(row["scope"]))})
