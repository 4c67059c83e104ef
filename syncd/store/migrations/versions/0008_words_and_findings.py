"""Where `withdraw` was, which words no pass has heard yet, what findings are about, and what conflicts come from."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Instant, Name

revision = "0008"
down_revision = "0010"
branch_labels = None
depends_on = None

BATCH = 1000


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("project", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "project", "id", name="pk_holds"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("overrides") as table:
        table.add_column(sa.Column("expires", Instant))
        table.add_column(sa.Column("unheard", Instant))
    with op.batch_alter_table("findings") as table:
        table.add_column(sa.Column("issue", Name))
    with op.batch_alter_table("standings") as table:
        table.add_column(sa.Column("cause", Name))
        table.add_column(sa.Column("diverges", Name))
    _index("ix_overrides_expires", "overrides", ["tracker", "expires"], "ended IS NULL AND expires IS NOT NULL")
    _index("ix_overrides_unheard", "overrides", ["tracker"], "unheard IS NOT NULL")
    _index("ix_findings_issue", "findings", ["tracker", "issue"], "closed IS NULL AND issue IS NOT NULL")
    _index("ix_standings_cause", "standings", ["tracker", "cause"], "cause IS NOT NULL")
    _index("ix_standings_diverges", "standings", ["tracker", "diverges"], "diverges IS NOT NULL")
    _tell_causes()
    _tell_issues()


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _tell_causes() -> None:
    """What the decisions that stand come from: it stood only inside them."""
    connection = op.get_bind()
    names = ("tracker", "id", "decision", "cause", "diverges")
    standings = sa.table("standings", *(sa.column(name, sa.Text) for name in names))
    s = standings.c
    told = sa.or_(
        s.decision.contains('"cause":', autoescape=True), s.decision.contains('"diverges_from":', autoescape=True)
    )
    last = ("", "")
    while True:
        after = sa.or_(s.tracker > last[0], sa.and_(s.tracker == last[0], s.id > last[1]))
        query = sa.select(s.tracker, s.id, s.decision).where(told, after).order_by(s.tracker, s.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        for tracker, id_, text in rows:
            tree = json.loads(text)
            cause = tree.get("cause")
            hashed = None if cause is None else hashlib.sha256(cause.encode("utf-8", "surrogatepass")).hexdigest()
            change = sa.update(standings).where(s.tracker == tracker, s.id == id_)
            connection.execute(change.values(cause=hashed, diverges=tree.get("diverges_from")))
        last = (rows[-1][0], rows[-1][1])


def _tell_issues() -> None:
    """Which issue an open finding is about: it stood only as a key."""
    connection = op.get_bind()
    findings = sa.table("findings", sa.column("n", sa.Integer), *(sa.column(n) for n in (*_FINDING, "closed", "issue")))
    issues = sa.table("issues", *(sa.column(name) for name in ("tracker", "id", "folded_key")))
    f, i = findings.c, issues.c
    query = sa.select(f.n, f.tracker, f.finding).where(f.closed.is_(None), f.kind.in_(_ON_ISSUES))
    for n, tracker, text in connection.execute(query).all():
        key = json.loads(text).get("key") or ""
        here = sa.select(i.id).where(i.tracker == tracker, i.folded_key == key.casefold())
        found = connection.execute(here).scalar()
        if found is not None:
            connection.execute(sa.update(findings).where(f.n == n).values(issue=found))


_FINDING = ("tracker", "kind", "finding")
_ON_ISSUES = ("drift", "foreign", "unknown-mark", "lost-write", "cycle")


def downgrade() -> None:
    for name, table_name in (
        ("ix_standings_diverges", "standings"),
        ("ix_standings_cause", "standings"),
        ("ix_findings_issue", "findings"),
        ("ix_overrides_unheard", "overrides"),
        ("ix_overrides_expires", "overrides"),
    ):
        op.drop_index(name, table_name)
    for name, columns in (
        ("standings", ("diverges", "cause")),
        ("findings", ("issue",)),
        ("overrides", ("unheard", "expires")),
    ):
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.drop_column(column)
    op.drop_table("holds")
