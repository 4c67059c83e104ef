"""What people said in comments, their votes against rules, and what syncd told whom."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Instant, Json, Name

revision = "0011"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listenings",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("heard_to", Instant),
        sa.Column("checked", Instant),
        sa.PrimaryKeyConstraint("tracker", name="pk_listenings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "said",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("comment", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("said", Json, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "comment", name="pk_said"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "votes",
        *(sa.Column(name, Name, nullable=False) for name in ("tracker", "id", "kind", "source", "rule")),
        sa.Column("at", Instant, nullable=False),
        sa.Column("vote", Json, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "id", "kind", "source", "rule", name="pk_votes"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notices",
        sa.Column("entry", Name, nullable=False),
        sa.Column("tracker", Name, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("notice", Json, nullable=False),
        sa.PrimaryKeyConstraint("entry", name="pk_notices"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_said_tracker_id", "said", ["tracker", "id"])
    op.create_index("ix_votes_rule", "votes", ["rule"])
    op.create_index("ix_notices_at", "notices", ["at"])


def downgrade() -> None:
    for name in ("notices", "votes", "said", "listenings"):
        op.drop_table(name)
