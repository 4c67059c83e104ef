"""The right to work on a tracker: one row each, taken and given by single conditional statements."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, or_, select, update

from syncd.core.ports import Lease
from syncd.store.part import Part
from syncd.store.tables import leases


class Leases(Part):
    """Who works on what."""

    def acquire(
        self, tracker: str, holder: str, now: datetime, ttl: timedelta, *, gone: str | None = None
    ) -> Lease | None:
        """Take the lease if it is free, expired, already ours or `gone`'s. Every new holder has a higher fence."""
        insert = self._db.insert(leases).values(tracker=tracker, holder=holder, fence=1, expires=now + ttl)
        ours = leases.c.holder == holder
        take = insert.on_conflict_do_update(
            index_elements=[leases.c.tracker],
            set_={
                "holder": insert.excluded.holder,
                "expires": insert.excluded.expires,
                "fence": case((ours, leases.c.fence), else_=leases.c.fence + 1),
            },
            where=or_(ours, leases.c.holder.is_(None), leases.c.expires <= now, leases.c.holder == (gone or holder)),
        ).returning(leases.c.fence)
        with self._db.writing(durable=True) as connection:
            fence = connection.execute(take).scalar()
        return None if fence is None else Lease(tracker, holder, fence)

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> bool:
        """Push the expiry out; False when somebody else holds it by now."""
        with self._db.writing() as connection:
            return connection.execute(update(leases).where(held_by(lease)).values(expires=now + ttl)).rowcount == 1

    def release(self, lease: Lease) -> None:
        """Give it back, if it still is ours. The row stays, for its fence."""
        with self._db.writing() as connection:
            connection.execute(update(leases).where(held_by(lease)).values(holder=None, expires=None))

    def lease_holder(self, tracker: str, now: datetime) -> str | None:
        """Who holds it now."""
        query = select(leases.c.holder).where(leases.c.tracker == tracker, leases.c.expires > now)
        with self._db.reading() as connection:
            return connection.execute(query).scalar()


def held_by(lease: Lease) -> ColumnElement[bool]:
    """That nobody has taken it since."""
    return and_(leases.c.tracker == lease.tracker, leases.c.holder == lease.holder, leases.c.fence == lease.fence)
