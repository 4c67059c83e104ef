"""What the parts of the store have in common: the database they speak to."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, bindparam, func, select

from syncd.core.model import IssueRef, Link
from syncd.store.columns import clean
from syncd.store.database import Database, listed
from syncd.store.tables import former_keys, issues, meta


class Part:
    """A group of the store's methods. `SqlStore` is all of them over one database."""

    def __init__(self, db: Database) -> None:
        self._db = db


MOVED_CAUSES = "causes-moved/"
"""Before the id of a tracker, as a name in `meta`: how many hang on which cause may be other than findings say."""


def note_moved_causes(db: Database, connection: Connection, trackers: Iterable[str]) -> None:
    """Leave word that the causes of conflicts in these trackers are to be told of anew, whoever does it."""
    rows = [{"name": MOVED_CAUSES + tracker, "value": ""} for tracker in sorted(trackers)]
    connection.execute(db.insert(meta).on_conflict_do_nothing(), rows)


def by_tracker(refs: Iterable[IssueRef]) -> dict[str, list[str]]:
    """The ids of each tracker, sorted, without repetition: rows are locked in one order by everybody."""
    ids: dict[str, set[str]] = {}
    for ref in refs:
        ids.setdefault(ref.tracker, set()).add(ref.id)
    return {tracker: sorted(some) for tracker, some in sorted(ids.items())}


def folded(key: str) -> str:
    """A key as it is compared: people type `pay-12`."""
    return clean(key.strip().casefold())


def stored_ids(db: Database, connection: Connection, tracker: str, links: Iterable[Link]) -> dict[Link, str]:
    """The id of the stored issue that each link leads to; links that lead nowhere are absent.

    An id decides where the link has one. A key may be an old one; who bears it now comes before who bore it, and who
    bore it last before the others.
    """
    some = list(links)
    by_key = {folded(link.key) for link in some if link.id is None and link.key}
    ids = {link.id for link in some if link.id is not None}
    present = db.kept("present", lambda: select(issues.c.id).where(_HERE, db.among_listed(issues.c.id, "ids")))
    stored = set(connection.execute(present, {"tracker": tracker, "ids": listed(ids)}).scalars()) if ids else set()
    bearers = _bearers(db, connection, tracker, by_key) if by_key else {}
    found: dict[Link, str] = {}
    for link in some:
        if link.id is not None:
            if link.id in stored:
                found[link] = link.id
        elif link.key and folded(link.key) in bearers:
            found[link] = bearers[folded(link.key)]
    return found


def _bearers(db: Database, connection: Connection, tracker: str, keys: set[str]) -> dict[str, str]:
    bearers: dict[str, str] = {}
    for table, since in ((former_keys, former_keys.c.until), (issues, issues.c.updated)):  # the later entry wins
        query = db.kept(f"bearers in {table.name}", partial(_bore, db, table, since))
        rows = connection.execute(query, {"tracker": tracker, "keys": listed(keys)})
        bearers.update((key, id_) for key, id_ in rows)
    return bearers


def _bore(db: Database, table: Table, since: Column[Any]) -> Select[str, str]:
    # no bare column, or SQLite walks through all of a tracker by the primary key rather than look up a few keys
    here = func.coalesce(table.c.tracker, "") == bindparam("tracker")
    query = select(table.c.folded_key, table.c.id).where(here, db.among_listed(table.c.folded_key, "keys"))
    return query.order_by(since, table.c.id)


_HERE = issues.c.tracker == bindparam("tracker")
