"""Which issues tell of each other as the same work, found by the keys that they tell and bear."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from syncd.core.model import IssueRef
from syncd.core.twins import TwinLink, leads_to, named
from syncd.store import codec
from syncd.store.database import batches
from syncd.store.part import Part, by_tracker
from syncd.store.tables import former_keys, issues, told_twins


@dataclass(frozen=True, slots=True)
class _End:
    """What a link is told by, and what it is recognised by."""

    twins: tuple[str, ...]
    url: str


class TwinLinks(Part):
    """Links between trackers. A store in which nothing tells of a twin answers by one look at an empty table."""

    def twin_links(self, refs: Sequence[IssueRef]) -> Sequence[TwinLink]:
        """What these tell of issues of other trackers, and those of them; both ends in scope, in a fixed order."""
        found: set[TwinLink] = set()
        with self._db.reading() as connection:
            if connection.execute(_ANY).first() is None:
                return []
            for tracker, ids in by_tracker(refs).items():
                for some in batches(ids):
                    found |= self._links(connection, tracker, some)
        return sorted(found)

    def _links(self, connection: Connection, tracker: str, ids: list[str]) -> set[TwinLink]:
        told = self._told(connection, tracker, ids)
        keys = self._keys_of(connection, {IssueRef(tracker, id_) for id_ in ids})
        telling = self._tellers(connection, {key for some in keys.values() for key in some})
        bearing = self._bearers(connection, {key for some in told.values() for key in some})
        pairs = [(teller, key, ref) for teller, some in told.items() for key in some for ref in bearing.get(key, ())]
        pairs += [(teller, key, ref) for ref, some in keys.items() for key in some for teller in telling.get(key, ())]
        pairs = [pair for pair in pairs if pair[0].tracker != pair[2].tracker]
        everyone = {ref for teller, _, told_ in pairs for ref in (teller, told_)}
        ends = self._ends(connection, everyone)
        whose = {ref: set(some) for ref, some in self._keys_of(connection, {pair[2] for pair in pairs}).items()}
        where = self._trackers(connection, {key for _, key, _ in pairs})
        return {
            TwinLink(teller, ref)
            for teller, key, ref in pairs
            if teller in ends
            and ref in ends
            and _tells(ends[teller], ends[ref], whose[ref], bare=where[key] - {teller.tracker} == {ref.tracker})
        }

    def _told(self, connection: Connection, tracker: str, ids: Iterable[str]) -> dict[IssueRef, list[str]]:
        t = told_twins.c
        query = select(t.id, t.folded_key).where(t.tracker == tracker, self._db.among(t.id, ids))
        told: dict[IssueRef, list[str]] = {}
        for id_, key in connection.execute(query):
            told.setdefault(IssueRef(tracker, id_), []).append(key)
        return told

    def _tellers(self, connection: Connection, keys: set[str]) -> dict[str, list[IssueRef]]:
        t = told_twins.c
        query = select(t.folded_key, t.tracker, t.id).where(self._db.among(t.folded_key, keys))
        found: dict[str, list[IssueRef]] = {}
        for key, tracker, id_ in connection.execute(query) if keys else ():
            found.setdefault(key, []).append(IssueRef(tracker, id_))
        return found

    def _bearers(self, connection: Connection, keys: set[str]) -> dict[str, list[IssueRef]]:
        """Who bears each key in any tracker, or bore it."""
        found: dict[str, list[IssueRef]] = {}
        for table in (issues, former_keys) if keys else ():
            columns = (table.c.folded_key, table.c.tracker, table.c.id)
            for key, tracker, id_ in connection.execute(select(*columns).where(self._db.among(columns[0], keys))):
                found.setdefault(key, []).append(IssueRef(tracker, id_))
        return found

    def _trackers(self, connection: Connection, keys: set[str]) -> dict[str, set[str]]:
        """In which trackers each key is borne: a bare one says nothing where several bear it."""
        bearers = self._bearers(connection, keys)
        return {key: {ref.tracker for ref in bearers.get(key, ())} for key in keys}

    def _keys_of(self, connection: Connection, refs: set[IssueRef]) -> dict[IssueRef, list[str]]:
        keys: dict[IssueRef, list[str]] = {ref: [] for ref in refs}
        for tracker, ids in by_tracker(refs).items():
            for table in (issues, former_keys):
                here = and_(table.c.tracker == tracker, self._db.among(table.c.id, ids))
                for id_, key in connection.execute(select(table.c.id, table.c.folded_key).where(here)):
                    keys[IssueRef(tracker, id_)].append(key)
        return keys

    def _ends(self, connection: Connection, refs: set[IssueRef]) -> Mapping[IssueRef, _End]:
        """Those of them that are in scope."""
        ends: dict[IssueRef, _End] = {}
        for tracker, ids in by_tracker(refs).items():
            here = and_(issues.c.tracker == tracker, issues.c.in_scope.is_(True), self._db.among(issues.c.id, ids))
            for id_, text in connection.execute(select(issues.c.id, issues.c.snapshot).where(here)):
                tree = codec.loads(text)
                ends[IssueRef(tracker, id_)] = _End(tuple(tree.get("twins", ())), tree["url"])
        return ends


_ANY = select(told_twins.c.id).limit(1)


def _tells(teller: _End, told: _End, keys: set[str], *, bare: bool) -> bool:
    """Whether that issue is meant; `bare`: also where a key alone is told."""
    for text in teller.twins:
        name = named(text)
        if name is not None and (name.before is not None or bare) and leads_to(text, keys, told.url):
            return True
    return False
