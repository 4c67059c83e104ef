"""The right to work on a tracker: one row each, taken and given by single conditional statements."""

from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import ColumnElement, Executable, and_, bindparam, case, or_, select, update

from syncd.core.ports import Lease
from syncd.store.part import Part
from syncd.store.tables import leases


class Leases(Part):
    """Who works on what."""

    @cached_property
    def _take(self) -> Executable:
        insert = self._db.insert(leases)
        ours = leases.c.holder == insert.excluded.holder
        free = or_(ours, leases.c.holder.is_(None), leases.c.expires <= bindparam("now", type_=leases.c.expires.type))
        return insert.on_conflict_do_update(
            index_elements=[leases.c.tracker],
            set_={
                "holder": insert.excluded.holder,
                "expires": insert.excluded.expires,
                "fence": case((ours, leases.c.fence), else_=leases.c.fence + 1),
            },
            where=or_(free, leases.c.holder == bindparam("gone")),
        ).returning(leases.c.fence)

    def acquire(
        self, tracker: str, holder: str, now: datetime, ttl: timedelta, *, gone: str | None = None
    ) -> Lease | None:
        """Take the lease if it is free, expired, already ours or `gone`'s. Every new holder has a higher fence."""
        told = {"tracker": tracker, "holder": holder, "fence": 1, "expires": now + ttl}
        # no flush of its own: whatever is begun under this fence is flushed, and everything before it with it
        with self._db.writing() as connection:
            fence = connection.execute(self._take, {**told, "now": now, "gone": gone or holder}).scalar()
        return None if fence is None else Lease(tracker, holder, fence)

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> bool:
        """Push the expiry out; False when somebody else holds it by now."""
        with self._db.writing() as connection:
            return connection.execute(_RENEW, {**_whose(lease), "until": now + ttl}).rowcount == 1

    def release(self, lease: Lease) -> None:
        """Give it back, if it still is ours. The row stays, for its fence."""
        with self._db.writing() as connection:
            connection.execute(_RELEASE, _whose(lease))

    def lease_holder(self, tracker: str, now: datetime) -> str | None:
        """Who holds it now."""
        query = select(leases.c.holder).where(leases.c.tracker == tracker, leases.c.expires > now)
        with self._db.reading() as connection:
            return connection.execute(query).scalar()


def _whose(lease: Lease) -> dict[str, object]:
    return {"whose": lease.tracker, "held": lease.holder, "under": lease.fence}


_HELD = and_(
    leases.c.tracker == bindparam("whose"),
    leases.c.holder == bindparam("held"),
    leases.c.fence == bindparam("under"),
)
_RENEW = update(leases).where(_HELD).values(expires=bindparam("until"))
_RELEASE = update(leases).where(_HELD).values(holder=None, expires=None)


def held_by(lease: Lease) -> ColumnElement[bool]:
    """That nobody has taken it since."""
    return and_(leases.c.tracker == lease.tracker, leases.c.holder == lease.holder, leases.c.fence == lease.fence)
