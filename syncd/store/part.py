"""What the parts of the store have in common: the database they speak to."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from syncd.core.model import IssueRef, Link
from syncd.store.columns import clean
from syncd.store.database import Database
from syncd.store.tables import former_keys, issues


class Part:
    """A group of the store's methods. `SqlStore` is all of them over one database."""

    def __init__(self, db: Database) -> None:
        self._db = db


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
    present = select(issues.c.id).where(issues.c.tracker == tracker, db.among(issues.c.id, ids))
    stored = set(connection.execute(present).scalars()) if ids else set()
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
    former, now = former_keys.c, issues.c
    once = (
        select(former.folded_key, former.id)
        .where(former.tracker == tracker, db.among(former.folded_key, keys))
        .order_by(former.until, former.id)
    )
    today = (
        select(now.folded_key, now.id)
        .where(now.tracker == tracker, db.among(now.folded_key, keys))
        .order_by(now.updated, now.id)
    )
    bearers: dict[str, str] = {}
    for query in (once, today):  # the later entry wins
        bearers.update((key, id_) for key, id_ in connection.execute(query))
    return bearers
