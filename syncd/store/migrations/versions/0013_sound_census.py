"""How far back the read before a census goes."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Instant

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("censuses") as table:
        table.add_column(sa.Column("sound", Instant))
    op.execute("UPDATE censuses SET sound = last")  # as far as it went until now, and not to the very beginning


def downgrade() -> None:
    with op.batch_alter_table("censuses") as table:
        table.drop_column("sound")
