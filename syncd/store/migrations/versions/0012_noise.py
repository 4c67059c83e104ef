"""Trade-offs on causes of conflict, and whose doing it was that a verdict turned."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Instant, Json, Name, Serial

revision = "0012"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tradeoffs",
        sa.Column("n", Serial, nullable=False),
        sa.Column("cause", Name, nullable=False),
        sa.Column("tracker", Name, nullable=False),
        sa.Column("tradeoff", Json, nullable=False),
        sa.Column("started", Instant, nullable=False),
        sa.Column("ended", Instant),
        sa.PrimaryKeyConstraint("n", name="pk_tradeoffs"),
    )
    with op.batch_alter_table("history") as table:
        table.add_column(sa.Column("origin", Name))


def downgrade() -> None:
    with op.batch_alter_table("history") as table:
        table.drop_column("origin")
    op.drop_table("tradeoffs")
