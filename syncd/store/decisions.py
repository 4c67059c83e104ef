"""Keeping what was decided, by rules and by people, and what a person should settle."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, and_, bindparam, delete, func, insert, select, update

from syncd.core.model import Decision, Finding, IssueRef, Override, Standing
from syncd.core.ports import Hold, RulesVersion
from syncd.store import codec
from syncd.store.database import Row, batches, listed
from syncd.store.part import MOVED_CAUSES, Part, by_tracker, note_moved_causes
from syncd.store.tables import applied, history, issues, meta, overrides, rulebook_log, rulebooks, standings
from syncd.store.tables import findings as findings_table
from syncd.store.tables import holds as holds_table

CAUSES_AT_ONCE: Final = 200
"""Decisions in memory at one time, each with all its evidence."""


class Decisions(Part):
    """Rulebooks, standings, overrides, findings."""

    # --- other stores ---

    def adopted(self) -> frozenset[str]:
        """Ids of other stores of this installation that this one has taken over."""
        with self._db.reading() as connection:
            names = connection.execute(_ADOPTED_NAMES).scalars()
            return frozenset(name.removeprefix(_ADOPTED) for name in names)

    def adopt(self, instance: str, now: datetime) -> None:
        """What that store signed is ours from now on."""
        row = {"name": _ADOPTED + instance, "value": codec.instant_text(now)}
        with self._db.writing(durable=True) as connection:
            connection.execute(self._db.insert(meta).on_conflict_do_nothing(), row)

    # --- rulebooks ---

    def keep_rulebook(self, version: RulesVersion, sources: Mapping[str, str]) -> None:
        """It is in use from now on. A version is kept once with its files' texts; its use is logged each time."""
        row = {"version": version.version, "at": version.at, "sources": codec.dumps(dict(sorted(sources.items())))}
        entry = {"version": version.version, "at": version.at, "author": version.author, "commit_id": version.commit}
        with self._db.writing() as connection:
            if connection.execute(_rulebook_version()).scalar() == version.version:
                return
            connection.execute(self._db.insert(rulebooks).on_conflict_do_nothing(), row)
            connection.execute(insert(rulebook_log), entry)
            connection.execute(self._db.upsert(meta), {"name": "rulebook", "value": version.version})

    def rulebook_version(self) -> str | None:
        """The version that is in use."""
        with self._db.reading() as connection:
            return connection.execute(_rulebook_version()).scalar()

    def rulebook_texts(self, version: str | None = None) -> Mapping[str, str] | None:
        """The files' texts of a version, by name (None: of the one in use); None where it is not kept."""
        with self._db.reading() as connection:
            named = version or connection.execute(_rulebook_version()).scalar()
            kept = connection.execute(select(rulebooks.c.sources).where(rulebooks.c.version == named)).scalar()
        return None if kept is None else dict(codec.loads(kept))

    def rulebook_log(self) -> Sequence[RulesVersion]:
        """Every version that came into use, newest first; one that came back stands there again."""
        with self._db.reading() as connection:
            rows = connection.execute(select(rulebook_log).order_by(rulebook_log.c.n.desc())).all()
        return [RulesVersion(row.version, row.at, row.author, row.commit_id) for row in rows]

    # --- standings ---

    def save_standings(self, standings: Sequence[Standing], now: datetime | None = None) -> None:
        """Keep decisions; a row of history for each whose (kind, outcome) pair is new. Equal ones write nothing.

        `now`: of the pass. A verdict that began in it, and is now decided by more than was known then, is told so.
        """
        newest = {s.decision.ref: s for s in standings}
        rows = [_standing_row(newest[ref]) for ref in sorted(newest)]
        if rows:
            with self._db.writing() as connection:
                for batch in batches(rows):
                    self._save_standings(connection, batch, now)

    def _save_standings(self, connection: Connection, batch: list[Row], now: datetime | None) -> None:
        stored = self._stored_standings(connection, [IssueRef(row["tracker"], row["id"]) for row in batch])
        rows: list[Row] = []
        turns: list[Row] = []
        retold: list[Row] = []
        for row in batch:
            before = stored.get(IssueRef(row["tracker"], row["id"]))
            if before == row:
                continue
            rows.append(row)
            if before is None or (before["kind"], before["outcome"]) != (row["kind"], row["outcome"]):
                turn = {"tracker": row["tracker"], "id": row["id"], "at": row["since"], "decision": row["decision"]}
                turns.append(turn | {"origin": row["origin"]})
            elif row["since"] == now:
                retold.append({"of": row["tracker"], "on": row["id"], "since": now, "now": row["decision"]})
        if rows:
            note_moved_causes(self._db, connection, {row["tracker"] for row in rows})
            self._db.upsert_many(connection, standings, rows)
        if retold:
            connection.execute(_RETELL, retold)
        if turns:
            self._db.insert_many(connection, history, turns)

    def _stored_standings(self, connection: Connection, refs: Sequence[IssueRef]) -> dict[IssueRef, Row]:
        names = standings.c.keys()
        stored: dict[IssueRef, Row] = {}
        for tracker, ids in by_tracker(refs).items():
            for row in connection.execute(self._standings_of, {"tracker": tracker, "ids": listed(ids)}).all():
                stored[IssueRef(row[0], row[1])] = dict(zip(names, row, strict=True))
        return stored

    @cached_property
    def _standings_of(self) -> Select[Any]:
        here = standings.c.tracker == bindparam("tracker")
        return select(standings).where(here, self._db.among_listed(standings.c.id, "ids"))

    def history(self, ref: IssueRef) -> Sequence[tuple[datetime, Decision]]:
        """When the pair changed, and to what, oldest first."""
        query = select(history.c.at, history.c.decision).where(history.c.tracker == ref.tracker, history.c.id == ref.id)
        with self._db.reading() as connection:
            rows = connection.execute(query.order_by(history.c.n)).all()
        return [(at, codec.decision_value(ref, codec.loads(text))) for at, text in rows]

    # --- overrides ---

    def overrides(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[Override]]:
        """Overrides that have not been ended, expired ones included, in the order they began; none: absent."""
        found: dict[IssueRef, list[Override]] = {}
        with self._db.reading() as connection:
            for ref, _, override in self._standing_overrides(connection, refs):
                found.setdefault(ref, []).append(override)
        return found

    def overridden(self, tracker: str) -> Sequence[IssueRef]:
        """Issues on which an override has not been ended, expired ones included, by id."""
        o = overrides.c
        query = select(o.id).where(o.tracker == tracker, o.ended.is_(None)).distinct().order_by(o.id)
        with self._db.reading() as connection:
            return [IssueRef(tracker, id_) for id_ in connection.execute(query).scalars()]

    def _standing_overrides(
        self, connection: Connection, refs: Sequence[IssueRef]
    ) -> list[tuple[IssueRef, int, Override]]:
        found = []
        for tracker, ids in by_tracker(refs).items():
            for batch in batches(ids):
                rows = connection.execute(self._words_on, {"tracker": tracker, "ids": listed(batch)})
                for id_, n, text in rows:
                    ref = IssueRef(tracker, id_)
                    found.append((ref, n, codec.override_value(ref, codec.loads(text))))
        return found

    @cached_property
    def _words_on(self) -> Select[str, int, str]:
        o = overrides.c
        query = select(o.id, o.n, o.override).where(o.tracker == bindparam("tracker"), o.ended.is_(None))
        return query.where(self._db.among_listed(o.id, "ids")).order_by(o.n)

    def save_overrides(self, started: Sequence[Override], ended: Sequence[Override], now: datetime) -> None:
        """Begin some, end others; history is kept. One that stands already is not begun again."""
        if not started and not ended:
            return
        with self._db.writing(durable=True) as connection:
            standing = self._standing_overrides(connection, [o.ref for o in (*started, *ended)])
            gone = [n for _, n, override in standing if override in ended]
            for n in gone:
                connection.execute(update(overrides).where(overrides.c.n == n).values(ended=now))
            there = [override for _, _, override in standing if override not in ended]
            for override in started:
                if override not in there:
                    there.append(override)
                    connection.execute(insert(overrides).values(**_override_row(override, now)))

    def speak(self, started: Sequence[Override], ended: Sequence[Override], now: datetime) -> None:
        """Begin and end words that no pass has heard: those of commands, and those that have run out."""
        with self._db.writing(durable=True) as connection:
            standing = self._standing_overrides(connection, [o.ref for o in (*started, *ended)])
            for _, n, override in standing:
                if override in ended:
                    gone = update(overrides).where(overrides.c.n == n)
                    connection.execute(gone.values(ended=now, unheard=now))
            for override in started:
                connection.execute(insert(overrides).values(**_override_row(override, now), unheard=now))

    def lapse(self, tracker: str, now: datetime) -> int:
        """End the words that have run out; how many."""
        o = overrides.c
        due = and_(o.tracker == tracker, o.ended.is_(None), o.expires.is_not(None), o.expires <= now)
        with self._db.reading() as connection:
            if connection.execute(select(o.n).where(due).limit(1)).scalar() is None:
                return 0
        with self._db.writing(durable=True) as connection:
            return int(connection.execute(update(overrides).where(due).values(ended=now, unheard=now)).rowcount)

    def unheard(self, tracker: str) -> Mapping[int, IssueRef]:
        """Words that were begun or ended and that no pass has decided with, by a number of the store's."""
        o = overrides.c
        query = select(o.n, o.id).where(o.tracker == tracker, o.unheard.is_not(None)).order_by(o.n)
        with self._db.reading() as connection:
            return {n: IssueRef(tracker, id_) for n, id_ in connection.execute(query).all()}

    def heard(self, numbers: Sequence[int]) -> None:
        """A pass has decided with those."""
        if numbers:
            with self._db.writing(durable=True) as connection:
                for some in batches(list(numbers)):
                    change = update(overrides).where(overrides.c.n.in_(some))
                    connection.execute(change.values(unheard=None))

    def words(self, *, ended: bool = False) -> Sequence[tuple[Override, datetime | None]]:
        """Every word that stands, or was ever said, with when it ended, in the order they began."""
        o = overrides.c
        query = select(o.tracker, o.id, o.override, o.ended).order_by(o.n)
        if not ended:
            query = query.where(o.ended.is_(None))
        with self._db.reading() as connection:
            rows = connection.execute(query).all()
        return [
            (codec.override_value(IssueRef(tracker, id_), codec.loads(text)), at) for tracker, id_, text, at in rows
        ]

    # --- holds ---

    def holds(self, tracker: str | None = None) -> Sequence[Hold]:
        """Places where everything was taken off, and nothing is put on before an `apply --plan`."""
        query, told = (_HOLDS, {}) if tracker is None else (_HOLDS_OF, {"tracker": tracker})
        with self._db.reading() as connection:
            rows = connection.execute(query, told).all()
        return [Hold(row.tracker, row.project or None, row.id or None, row.at) for row in rows]

    def hold(self, hold: Hold) -> None:
        """Put a place on hold; one that is on hold stays so since when it was."""
        row = {"tracker": hold.tracker, "project": hold.project or "", "id": hold.issue or "", "at": hold.at}
        with self._db.writing(durable=True) as connection:
            connection.execute(self._db.insert(holds_table).on_conflict_do_nothing(), row)

    def release_hold(self, hold: Hold) -> None:
        """That place is no longer on hold."""
        h = holds_table.c
        place = and_(h.tracker == hold.tracker, h.project == (hold.project or ""), h.id == (hold.issue or ""))
        with self._db.writing(durable=True) as connection:
            connection.execute(delete(holds_table).where(place))

    def marked(self, tracker: str) -> Sequence[IssueRef]:
        """Every issue that this store ever wrote on or took a mark of over, in or out of scope, by id."""
        query = select(applied.c.id).where(applied.c.tracker == tracker).order_by(applied.c.id)
        with self._db.reading() as connection:
            return [IssueRef(tracker, id_) for id_ in connection.execute(query).scalars()]

    # --- findings ---

    def save_findings(self, tracker: str, kind: str, findings: Sequence[Finding], now: datetime) -> None:
        """The whole present set of that kind: new ones open, absent ones close, the rest keep their clock."""
        self.settle_findings(tracker, {kind: findings}, now)

    def settle_findings(self, tracker: str, found: Mapping[str, Sequence[Finding]], now: datetime) -> None:
        """As `save_findings`, for several kinds at once: kind → the whole present set of it."""
        for kind, findings in found.items():
            if any(f.tracker != tracker or f.kind != kind for f in findings):
                raise ValueError(f"findings of another tracker or kind among those of {tracker}, {kind}")
        with self._db.writing() as connection:
            rows = connection.execute(_OPEN_OF_KINDS, {"tracker": tracker, "kinds": list(found)}).all()
            for kind, findings in found.items():
                present = {_cause(finding): finding for finding in findings}
                stored = {row.cause: (row.n, row.finding) for row in rows if row.kind == kind}
                self._settle(connection, stored, present, now)

    def _settle(
        self,
        connection: Connection,
        stored: Mapping[str, tuple[int, str]],
        present: Mapping[str, Finding],
        now: datetime,
    ) -> None:
        f = findings_table.c
        closed = [{"row": n, "at": now} for cause, (n, _) in stored.items() if cause not in present]
        opened: list[Row] = []
        for cause, finding in present.items():
            row = _finding_row(finding, cause, now)
            if cause not in stored:
                opened.append(row)
            elif stored[cause][1] != row["finding"]:  # said otherwise, but the same: the clock goes on
                changed = update(findings_table).where(f.n == stored[cause][0])
                connection.execute(changed.values(finding=row["finding"]))
        if closed:
            connection.execute(
                update(findings_table).where(f.n == bindparam("row")).values(closed=bindparam("at")), closed
            )
        if opened:
            connection.execute(insert(findings_table), opened)

    def save_findings_on(
        self, tracker: str, ids: Sequence[str], kinds: Sequence[str], findings: Sequence[Finding], now: datetime
    ) -> None:
        """The whole present set of those kinds on those issues: new ones open, absent ones close."""
        present = {(finding.kind, _cause(finding)): finding for finding in findings}
        f = findings_table.c
        with self._db.writing() as connection:
            stored: dict[tuple[str, str], tuple[int, str]] = {}
            for some in batches(ids):
                named = {"tracker": tracker, "kinds": list(kinds), "ids": listed(some)}
                rows = connection.execute(self._open_on, named).all()
                stored |= {(kind, cause): (n, text) for n, kind, cause, text in rows}
            closed = [n for name, (n, _) in stored.items() if name not in present]
            if closed:
                connection.execute(
                    update(findings_table).where(f.n == bindparam("row")).values(closed=now),
                    [{"row": n} for n in closed],
                )
            for name, finding in present.items():
                row = _finding_row(finding, name[1], now)
                if name not in stored:
                    connection.execute(self._db.insert(findings_table).on_conflict_do_nothing(), row)
                elif stored[name][1] != row["finding"]:  # said otherwise, but the same: the clock goes on
                    change = update(findings_table).where(f.n == stored[name][0])
                    connection.execute(change.values(finding=row["finding"]))

    @cached_property
    def _open_on(self) -> Select[int, str, str, str]:
        f = findings_table.c
        return _OPEN_OF_KINDS.where(f.issue.is_not(None), self._db.among_listed(f.issue, "ids"))

    def finding_log(self, limit: int = 1000) -> Sequence[tuple[datetime, datetime, Finding]]:
        """Findings that have closed, with when they were opened and closed, the last closed first."""
        f = findings_table.c
        query = select(f.opened, f.closed, f.finding).where(f.closed.is_not(None)).order_by(f.closed.desc(), f.n.desc())
        with self._db.reading() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [(opened, closed, codec.finding_value(codec.loads(text))) for opened, closed, text in rows]

    def causes(self, tracker: str, among: Collection[str] | None = None) -> Iterator[tuple[int, Decision]]:
        """What conflicts in scope come from: how many open issues hang on it, and one of the decisions; by cause.

        With `among` only of these causes.
        """
        return self._by(tracker, standings.c.cause, None if among is None else [_hashed(cause) for cause in among])

    def divergences(self, tracker: str, among: Collection[str] | None = None) -> Iterator[tuple[int, Decision]]:
        """Ancestors that issues in scope are mapped otherwise than: how many open ones, and one of the decisions.

        With `among` only of the ancestors of these keys.
        """
        return self._by(tracker, standings.c.diverges, among)

    def causes_moved(self, tracker: str) -> bool:
        """Whether decisions were saved, or issues left the scope, since the causes were last told of."""
        with self._db.reading() as connection:
            return connection.execute(_MOVED, {"called": MOVED_CAUSES + tracker}).first() is not None

    def causes_told(self, tracker: str) -> None:
        """What `causes` and `divergences` say stands in the findings."""
        if self.causes_moved(tracker):  # most passes move nothing, and wait for no lock
            with self._db.writing() as connection:
                connection.execute(_TOLD, {"called": MOVED_CAUSES + tracker})

    def _by(self, tracker: str, column: Column[str], among: Collection[str] | None) -> Iterator[tuple[int, Decision]]:
        grouped = self._db.kept(
            f"by {column.name}{' among' if among is not None else ''}",
            lambda: self._hanging(column, among=among is not None),
        )
        named = {"tracker": tracker} if among is None else {"tracker": tracker, "among": listed(among)}
        with self._db.reading() as connection:
            rows = connection.execute(grouped, named).all()
        for some in batches(((id_, count) for _, count, id_ in rows), CAUSES_AT_ONCE):
            with self._db.reading() as connection:
                of = {"tracker": tracker, "ids": listed(id_ for id_, _ in some)}
                texts = {row.id: row.decision for row in connection.execute(self._decisions_of, of)}
            for id_, count in some:
                if id_ not in texts:  # gone since: this is read without the lease, too
                    continue
                yield count, codec.decision_value(IssueRef(tracker, id_), codec.loads(texts[id_]))

    def _hanging(self, column: Column[str], *, among: bool) -> Select[str, int, str]:
        s = standings.c
        inside = and_(issues.c.tracker == s.tracker, issues.c.id == s.id)
        query = select(column, func.count(), func.min(s.id)).select_from(standings.join(issues, inside))
        # never both: by `IS NOT NULL` SQLite would walk through every decision that has one
        named = self._db.among_listed(column, "among") if among else column.is_not(None)
        query = query.where(s.tracker == bindparam("tracker"), named)
        query = query.where(issues.c.in_scope.is_(True), issues.c.closed.is_(False))
        return query.group_by(column).order_by(column)

    @cached_property
    def _decisions_of(self) -> Select[str, str]:
        s = standings.c
        here = s.tracker == bindparam("tracker")
        return select(s.id, s.decision).where(here, self._db.among_listed(s.id, "ids"))

    def open_finding(self, finding: Finding, now: datetime) -> None:
        """Open one, or leave the open one of the same name as it is."""
        row = _finding_row(finding, _cause(finding), now)
        with self._db.writing() as connection:
            connection.execute(self._db.insert(findings_table).on_conflict_do_nothing(), row)

    def turn_findings(self, opened: Sequence[Finding], closed: Sequence[Finding], now: datetime) -> None:
        """Open some, or say them anew with their clock kept; close those of the others that are open."""
        f = findings_table.c
        rows = [_finding_row(finding, _cause(finding), now) for finding in opened]
        named = and_(
            *(f[name] == bindparam(f"the_{name}") for name in ("tracker", "kind", "cause")), f.closed.is_(None)
        )
        gone = [{"the_tracker": c.tracker, "the_kind": c.kind, "the_cause": _cause(c)} for c in closed]
        said = [{f"the_{name}": row[name] for name in ("tracker", "kind", "cause", "finding")} for row in rows]
        with self._db.writing() as connection:
            if gone:
                connection.execute(update(findings_table).where(named).values(closed=now), gone)
            if rows:
                connection.execute(update(findings_table).where(named).values(finding=bindparam("the_finding")), said)
                connection.execute(self._db.insert(findings_table).on_conflict_do_nothing(), rows)

    def findings_of(self, kind: str, tracker: str | None = None) -> Sequence[Finding]:
        """Open findings of that kind, in that tracker or in all, oldest first."""
        query = select(findings_table.c.finding).where(findings_table.c.closed.is_(None), findings_table.c.kind == kind)
        if tracker is not None:
            query = query.where(findings_table.c.tracker == tracker)
        with self._db.reading() as connection:
            texts = connection.execute(query.order_by(findings_table.c.n)).scalars().all()
        return [codec.finding_value(codec.loads(text)) for text in texts]

    def findings(self, tracker: str | None = None) -> Sequence[tuple[datetime, Finding]]:
        """Open findings with the time they were opened, oldest first."""
        query = select(findings_table.c.opened, findings_table.c.finding).where(findings_table.c.closed.is_(None))
        if tracker is not None:
            query = query.where(findings_table.c.tracker == tracker)
        with self._db.reading() as connection:
            rows = connection.execute(query.order_by(findings_table.c.opened, findings_table.c.n)).all()
        return [(opened, codec.finding_value(codec.loads(text))) for opened, text in rows]


_ADOPTED = "adopted/"
"""Before the id of a store that was taken over, as a name in `meta`."""

# Statements that every poll needs, written once: putting one together costs more than running it.
_ADOPTED_NAMES = select(meta.c.name).where(meta.c.name.startswith(_ADOPTED))
_HOLDS = select(holds_table).order_by(holds_table.c.tracker, holds_table.c.project, holds_table.c.id)
_HOLDS_OF = _HOLDS.where(holds_table.c.tracker == bindparam("tracker"))
_RETELL = (
    update(history)
    .where(
        history.c.tracker == bindparam("of"),
        history.c.id == bindparam("on"),
        history.c.at == bindparam("since"),
    )
    .values(decision=bindparam("now"))
)
_MOVED = select(meta.c.name).where(meta.c.name == bindparam("called"))
_TOLD = delete(meta).where(meta.c.name == bindparam("called"))

_OPEN_OF_KINDS = select(
    findings_table.c.n, findings_table.c.kind, findings_table.c.cause, findings_table.c.finding
).where(
    findings_table.c.tracker == bindparam("tracker"),
    findings_table.c.kind.in_(bindparam("kinds", expanding=True)),
    findings_table.c.closed.is_(None),
)


def _rulebook_version() -> Select[str]:
    return select(meta.c.value).where(meta.c.name == "rulebook")


def _standing_row(standing: Standing) -> Row:
    decision = standing.decision
    kind, outcome = decision.pair
    return {
        "tracker": decision.ref.tracker,
        "id": decision.ref.id,
        "kind": kind,
        "outcome": outcome,
        "decision": codec.dumps(codec.decision_tree(decision)),
        "since": standing.since,
        "origin": standing.origin.value,
        "changed": standing.changed,
        "version": standing.version,
        "cause": None if decision.cause is None or kind != "conflict" else _hashed(decision.cause),
        "diverges": decision.diverges_from,
    }


def _override_row(override: Override, now: datetime) -> Row:
    text = codec.dumps(codec.override_tree(override))
    row: Row = {"tracker": override.ref.tracker, "id": override.ref.id, "override": text, "started": now}
    return row | {"expires": override.expires}


def _cause(finding: Finding) -> str:
    return _hashed(finding.cause)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _finding_row(finding: Finding, cause: str, now: datetime) -> Row:
    text = codec.dumps(codec.finding_tree(finding))
    row = {"tracker": finding.tracker, "kind": finding.kind, "cause": cause, "finding": text, "opened": now}
    return row | {"issue": finding.issue}
