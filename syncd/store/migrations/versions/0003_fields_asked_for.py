"""Which fields beyond the common ones a tracker's watermark speaks of."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("trackers") as table:
        table.add_column(sa.Column("fields", Json, nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("trackers") as table:
        table.drop_column("fields")
