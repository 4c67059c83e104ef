"""Several ancestors at one level, twins in other trackers, issues that left the scope, and a reader's memory."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Instant, Name, Words

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("trackers") as table:
        table.add_column(sa.Column("memory", Words))
    _create("lies_within", ("tracker", "above_id", "above_key", "id"))
    _create("told_twins", ("folded_key", "tracker", "id"))
    op.create_index("ix_told_twins_tracker_id", "told_twins", ["tracker", "id"])
    more = (sa.Column("why", Words, nullable=False), sa.Column("at", Instant, nullable=False))
    _create("left_scope", ("tracker", "id"), *more)


def _create(table: str, names: tuple[str, ...], *more: sa.Column[Any]) -> None:
    columns = [sa.Column(name, Name, nullable=False) for name in names]
    key = sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")
    op.create_table(table, *columns, *more, key, sqlite_with_rowid=False)


def downgrade() -> None:
    for name in ("left_scope", "told_twins", "lies_within"):
        op.drop_table(name)
    with op.batch_alter_table("trackers") as table:
        table.drop_column("memory")
