"""Trade-offs, and how verdicts turned after syncd had spoken up."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, insert, select, update

from syncd.core.acting import Turn
from syncd.core.model import IssueRef, Origin
from syncd.core.tradeoffs import Tradeoff
from syncd.store import codec
from syncd.store.database import batches
from syncd.store.part import Part, by_tracker
from syncd.store.tables import history, tradeoffs


class Noise(Part):
    """What is kept of conflicts that were settled, and of what people made of comments."""

    def tradeoffs(self, *, ended: bool = False) -> Sequence[Tradeoff]:
        """Trade-offs that nobody took back, expired ones included, in the order they were recorded; or all."""
        with self._db.reading() as connection:
            texts = connection.execute(_EVERY_TRADEOFF if ended else _TRADEOFFS).scalars().all()
        return [codec.tradeoff_value(codec.loads(text)) for text in texts]

    def save_tradeoff(self, tradeoff: Tradeoff, now: datetime) -> None:
        """Record one, in the place of an earlier one on that cause in that tracker."""
        cause, tracker = _hashed(tradeoff.cause), tradeoff.tracker or ""
        row = {"cause": cause, "tracker": tracker, "tradeoff": codec.dumps(codec.tradeoff_tree(tradeoff))}
        t = tradeoffs.c
        earlier = and_(t.cause == cause, t.tracker == tracker, t.ended.is_(None))
        with self._db.writing(durable=True) as connection:
            connection.execute(update(tradeoffs).where(earlier).values(ended=now))
            connection.execute(insert(tradeoffs), {**row, "started": now})

    def end_tradeoff(self, cause: str, tracker: str | None, now: datetime) -> Tradeoff | None:
        """Take one back; None: there is none."""
        t = tradeoffs.c
        here = and_(t.cause == _hashed(cause), t.tracker == (tracker or ""), t.ended.is_(None))
        with self._db.writing(durable=True) as connection:
            text = connection.execute(select(t.tradeoff).where(here)).scalar()
            connection.execute(update(tradeoffs).where(here).values(ended=now))
        return None if text is None else codec.tradeoff_value(codec.loads(text))

    def turns(self, refs: Sequence[IssueRef], since: datetime) -> Mapping[IssueRef, Sequence[Turn]]:
        """How the verdicts on those issues turned since then, oldest first; those that did not turn are absent."""
        h, found = history.c, dict[IssueRef, list[Turn]]()
        with self._db.reading() as connection:
            for tracker, ids in by_tracker(refs).items():
                for some in batches(ids):
                    here = and_(h.tracker == tracker, self._db.among(h.id, some), h.at >= since)
                    rows = connection.execute(select(h.id, h.at, h.decision, h.origin).where(here).order_by(h.n)).all()
                    for id_, at, text, origin in rows:
                        ref = IssueRef(tracker, id_)
                        pair = codec.decision_value(ref, codec.loads(text)).pair
                        turn = Turn(at, pair, None if origin is None else Origin(origin))
                        found.setdefault(ref, []).append(turn)
        return found


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_EVERY_TRADEOFF = select(tradeoffs.c.tradeoff).order_by(tradeoffs.c.n)
_TRADEOFFS = _EVERY_TRADEOFF.where(tradeoffs.c.ended.is_(None))
