"""A log of which rules came into use when, and who committed them."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Instant, Name, Serial, Words

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rulebook_log",
        sa.Column("n", Serial, nullable=False),
        sa.Column("version", Name, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("author", Words),
        sa.Column("commit_id", Name),
        sa.PrimaryKeyConstraint("n", name="pk_rulebook_log"),
    )
    op.execute("INSERT INTO rulebook_log (version, at) SELECT version, at FROM rulebooks ORDER BY at")


def downgrade() -> None:
    op.drop_table("rulebook_log")
