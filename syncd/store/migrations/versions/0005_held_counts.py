"""How many issues are held for each reason, counted as it changes; and the unsettled ones by an index of their own."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Flag, Name, Words

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "held_counts",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("held", Words, nullable=False),
        sa.Column("issues", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "held", name="pk_held_counts"),
        sqlite_with_rowid=False,
    )
    states = sa.table("plan_states", *map(sa.column, ("tracker", "id", "held")), sa.column("unsettled", Flag))
    issues = sa.table("issues", sa.column("tracker"), sa.column("id"), sa.column("in_scope", Flag))
    same = sa.and_(issues.c.tracker == states.c.tracker, issues.c.id == states.c.id)
    op.execute(sa.delete(states).where(~sa.exists().where(same, issues.c.in_scope.is_(True))))
    counted = sa.select(states.c.tracker, states.c.held, sa.func.count()).where(states.c.held.is_not(None))
    counts = sa.table("held_counts", *map(sa.column, ("tracker", "held", "issues")))
    names = ["tracker", "held", "issues"]
    op.execute(sa.insert(counts).from_select(names, counted.group_by(states.c.tracker, states.c.held)))
    unsettled = states.c.unsettled.is_(True)
    columns = ["tracker", "unsettled"]
    op.create_index(
        "ix_plan_states_unsettled", "plan_states", columns, sqlite_where=unsettled, postgresql_where=unsettled
    )


def downgrade() -> None:
    op.drop_index("ix_plan_states_unsettled", "plan_states")
    op.drop_table("held_counts")
