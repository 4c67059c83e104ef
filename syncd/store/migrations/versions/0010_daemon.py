"""The daemon's processes, and its last piece of work of each kind for each tracker."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Instant, Json, Name, Words

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "executors",
        sa.Column("name", Name, nullable=False),
        sa.Column("token", Name, nullable=False),
        sa.Column("started", Instant, nullable=False),
        sa.Column("seen", Instant, nullable=False),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_executors"),
    )
    op.create_table(
        "attempts",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("cycle", Name, nullable=False),
        sa.Column("started", Instant, nullable=False),
        sa.Column("ended", Instant),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("not_before", Instant),
        sa.Column("why", Words),
        sa.Column("facts", Json, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "kind", name="pk_attempts"),
    )


def downgrade() -> None:
    op.drop_table("attempts")
    op.drop_table("executors")
