"""What people said in comments, their votes against rules, and what syncd told whom."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, select

from syncd.core.commands import Order, Said, Vote
from syncd.core.model import IssueRef, Person
from syncd.core.noise import Notice
from syncd.core.ports import Listening
from syncd.store import codec
from syncd.store.database import batches, listed
from syncd.store.part import Part
from syncd.store.tables import listenings, notices, votes
from syncd.store.tables import said as said_table

# Statements that every poll needs, written once: putting one together costs more than running it.
_SAID = (
    select(said_table.c.id, said_table.c.comment, said_table.c.at, said_table.c.said)
    .where(said_table.c.tracker == bindparam("tracker"))
    .order_by(said_table.c.id, said_table.c.at, said_table.c.comment)
)
_VOTES = (
    select(votes.c.at, votes.c.id, votes.c.kind, votes.c.source, votes.c.rule, votes.c.vote)
    .where(votes.c.tracker == bindparam("tracker"))
    .order_by(votes.c.at, votes.c.id, votes.c.kind, votes.c.source, votes.c.rule)
)


class Talk(Part):
    """Comments, read and written."""

    def listening(self, tracker: str) -> Listening:
        """How far comments have been read there."""
        with self._db.reading() as connection:
            return listening_of(connection, tracker)

    def save_listening(self, tracker: str, listening: Listening) -> None:
        """Replace it."""
        with self._db.writing() as connection:
            connection.execute(self._db.upsert(listenings), {"tracker": tracker, **asdict(listening)})

    def said(self, tracker: str, ids: Sequence[str] | None = None) -> Sequence[Said]:
        """Comments with commands on those issues, or on any, by issue and time."""
        with self._db.reading() as connection:
            if ids is None:
                rows = connection.execute(_SAID, {"tracker": tracker}).all()
                return [_said_value(tracker, *row) for row in rows]
            found: list[Said] = []
            for some in batches(sorted(set(ids))):
                rows = connection.execute(self._said_on, {"tracker": tracker, "ids": listed(some)}).all()
                found += [_said_value(tracker, *row) for row in rows]
        return found

    @cached_property
    def _said_on(self) -> Select[Any]:
        return _SAID.where(self._db.among_listed(said_table.c.id, "ids"))

    def save_said(self, tracker: str, said: Sequence[Said], unsaid: Sequence[str]) -> None:
        """Keep comments with commands, and forget others by their ids."""
        if not said and not unsaid:
            return
        rows = {one.comment: _said_row(tracker, one) for one in said}
        with self._db.writing(durable=True) as connection:
            for some in batches(list(unsaid)):
                gone = and_(said_table.c.tracker == tracker, self._db.among(said_table.c.comment, some))
                connection.execute(delete(said_table).where(gone))
            if rows:
                connection.execute(self._db.upsert(said_table), list(rows.values()))

    def votes(self, tracker: str, ids: Sequence[str] | None = None) -> Sequence[Vote]:
        """Votes against rules on those issues, or on any, oldest first."""
        found: list[Any] = []
        with self._db.reading() as connection:
            if ids is None:
                found += connection.execute(_VOTES, {"tracker": tracker}).all()
            for some in batches(sorted(set(ids or ()))):
                found += connection.execute(self._votes_on, {"tracker": tracker, "ids": listed(some)}).all()
        return [_vote_value(tracker, row) for row in sorted(found, key=lambda row: row[:5])]

    @cached_property
    def _votes_on(self) -> Select[Any]:
        return _VOTES.where(self._db.among_listed(votes.c.id, "ids"))

    def save_votes(self, cast: Sequence[Vote], withdrawn: Sequence[Vote]) -> None:
        """Cast some (again: nothing), take others back."""
        if not cast and not withdrawn:
            return
        v = votes.c
        with self._db.writing() as connection:
            for vote in withdrawn:
                same = and_(v.tracker == vote.ref.tracker, v.id == vote.ref.id, v.kind == vote.kind)
                connection.execute(delete(votes).where(same, v.source == vote.source, v.rule == vote.rule))
            if cast:
                statement = self._db.insert(votes).on_conflict_do_nothing()
                connection.execute(statement, [_vote_row(vote) for vote in cast])

    def add_notice(self, notice: Notice, entry: str) -> None:
        """A write told people something. Once for each outbox entry."""
        row = {"entry": entry, "tracker": notice.ref.tracker, "at": notice.at, "notice": _notice_text(notice)}
        with self._db.writing() as connection:
            connection.execute(self._db.insert(notices).on_conflict_do_nothing(), row)

    def notices(self, since: datetime, tracker: str | None = None) -> Sequence[Notice]:
        """What was told since then, in every tracker or in one, oldest first."""
        n = notices.c
        query = select(n.tracker, n.at, n.notice).where(n.at >= since).order_by(n.at, n.entry)
        if tracker is not None:
            query = query.where(n.tracker == tracker)
        with self._db.reading() as connection:
            return [_notice_value(*row) for row in connection.execute(query).all()]


def _said_row(tracker: str, one: Said) -> dict[str, Any]:
    tree = {
        "author": (one.author.id, one.author.name, one.author.kind),
        "email": one.email,
        "dropped": one.dropped,
        "orders": [(order.verb, order.word, order.reason) for order in one.orders],
    }
    row = {"tracker": tracker, "comment": one.comment, "id": one.ref.id, "at": one.at}
    return row | {"said": codec.dumps(tree)}


def _said_value(tracker: str, issue_id: str, comment: str, at: datetime, text: str) -> Said:
    tree = codec.loads(text)
    return Said(
        ref=IssueRef(tracker, issue_id),
        comment=comment,
        author=Person(*tree["author"]),
        email=tree["email"],
        at=at,
        dropped=tree["dropped"],
        orders=tuple(Order(*order) for order in tree["orders"]),
    )


def _vote_row(vote: Vote) -> dict[str, Any]:
    row = {"tracker": vote.ref.tracker, "id": vote.ref.id, "kind": vote.kind, "source": vote.source}
    return row | {"rule": vote.rule, "at": vote.at, "vote": codec.dumps({"by": vote.by, "reason": vote.reason})}


def _vote_value(tracker: str, row: Any) -> Vote:
    tree = codec.loads(row.vote)
    return Vote(IssueRef(tracker, row.id), row.kind, row.source, row.rule, tree["by"], row.at, tree["reason"])


def _notice_text(notice: Notice) -> str:
    tree = {"id": notice.ref.id, "key": notice.key, "project": notice.project, "kind": notice.kind}
    return codec.dumps(tree | {"people": notice.people, "pair": notice.pair, "rules": notice.rules})


def _notice_value(tracker: str, at: datetime, text: str) -> Notice:
    tree = codec.loads(text)
    return Notice(
        ref=IssueRef(tracker, tree["id"]),
        key=tree["key"],
        project=tree["project"],
        kind=tree["kind"],
        at=at,
        people=tuple(tree["people"]),
        pair=None if tree["pair"] is None else (tree["pair"][0], tree["pair"][1]),
        rules=tuple(tree["rules"]),
    )


_LISTENING = select(listenings.c.heard_to, listenings.c.checked).where(listenings.c.tracker == bindparam("tracker"))


def listening_of(connection: Connection, tracker: str) -> Listening:
    """How far comments have been read there."""
    return listening_in(connection.execute(_LISTENING, {"tracker": tracker}).mappings().first())


def listening_in(row: Mapping[Any, Any] | None) -> Listening:
    """What a row of `listenings` tells."""
    return Listening() if row is None else Listening(heard_to=row["heard_to"], checked=row["checked"])
