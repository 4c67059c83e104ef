"""The values by which the issues that a rule edit can touch are found, filled from the snapshots."""

import sqlalchemy as sa
from alembic import op

from syncd.core.bearing import indexed
from syncd.store import codec
from syncd.store.columns import Name, Words

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BATCH = 1000


def upgrade() -> None:
    table = op.create_table(
        "issue_values",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("field", Name, nullable=False),
        sa.Column("value", Words, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "field", "value", "id", name="pk_issue_values"),
        sqlite_with_rowid=False,
    )
    issues = sa.table("issues", sa.column("tracker"), sa.column("id"), sa.column("snapshot"))
    connection = op.get_bind()
    place = sa.tuple_(issues.c.tracker, issues.c.id)
    query = sa.select(issues).order_by(issues.c.tracker, issues.c.id).limit(BATCH)
    last: tuple[str, str] | None = None
    while some := connection.execute(query if last is None else query.where(place > last)).all():
        rows = [
            {"tracker": tracker, "field": field, "value": value, "id": id_}
            for tracker, id_, snapshot in some
            for field, value in indexed(codec.loads(snapshot))
        ]
        if rows:
            connection.execute(sa.insert(table), rows)
        last = (some[-1][0], some[-1][1])


def downgrade() -> None:
    op.drop_table("issue_values")
