"""Where a census and a whole reading stand, how sure a watermark is, and how late changes were seen to show."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Duration, Flag, Instant, Json, Name, Words

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("trackers") as table:
        for column in (sa.Column("sure", Instant), sa.Column("lag", Duration), sa.Column("lag_seen", Instant)):
            table.add_column(column)
    op.execute(sa.text("UPDATE trackers SET sure = watermark"))
    op.create_table(
        "censuses",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("began", Instant),
        sa.Column("scope", Json, nullable=False),
        sa.Column("after", Words, nullable=False),
        sa.Column("walked", Flag, nullable=False),
        sa.Column("last", Instant),
        sa.Column("tried", Instant),
        sa.Column("why", Words),
        sa.PrimaryKeyConstraint("tracker", name="pk_censuses"),
    )
    op.create_table(
        "census_ids",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "id", name="pk_census_ids"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backfills",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("began", Instant, nullable=False),
        sa.Column("read_to", Instant, nullable=False),
        sa.Column("scope", Json, nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.PrimaryKeyConstraint("tracker", name="pk_backfills"),
    )
    op.create_table(
        "backfill_parts",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("size", sa.Integer),
        sa.Column("after", Words, nullable=False),
        sa.Column("read", sa.Integer, nullable=False),
        sa.Column("done", Flag, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "n", name="pk_backfill_parts"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for name in ("backfill_parts", "backfills", "census_ids", "censuses"):
        op.drop_table(name)
    with op.batch_alter_table("trackers") as table:
        for column in ("lag_seen", "lag", "sure"):
            table.drop_column(column)
