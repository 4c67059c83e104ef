"""The first tables."""

import sqlalchemy as sa
from alembic import op

from syncd.store.columns import Duration, Flag, Instant, Json, Name, Serial, Words

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "applied",
    "findings",
    "history",
    "issues",
    "leases",
    "loose_links",
    "meta",
    "outbox",
    "overrides",
    "plan_states",
    "plans",
    "rulebooks",
    "set_aside",
    "standings",
    "trackers",
    "former_keys",
    "waiting",
)
"""In the order of creation: one that refers to another comes later."""


def upgrade() -> None:
    op.create_table(
        "applied",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("mark", Words),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("applied", Json, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "id", name="pk_applied"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "findings",
        sa.Column("n", Serial, nullable=False),
        sa.Column("tracker", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("cause", Words, nullable=False),
        sa.Column("finding", Json, nullable=False),
        sa.Column("opened", Instant, nullable=False),
        sa.Column("closed", Instant),
        sa.PrimaryKeyConstraint("n", name="pk_findings"),
    )
    with op.batch_alter_table("findings") as batch_op:
        batch_op.create_index(
            "uq_findings_open",
            ["tracker", "kind", "cause"],
            unique=True,
            sqlite_where=sa.text("closed IS NULL"),
            postgresql_where=sa.text("closed IS NULL"),
        )

    op.create_table(
        "history",
        sa.Column("n", Serial, nullable=False),
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("decision", Json, nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_history"),
    )
    with op.batch_alter_table("history") as batch_op:
        batch_op.create_index("ix_history_tracker_id", ["tracker", "id"])

    op.create_table(
        "issues",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("folded_key", Name, nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.Column("parent_id", Name),
        sa.Column("parent_key", Name),
        sa.Column("updated", Instant, nullable=False),
        sa.Column("closed", Flag, nullable=False),
        sa.Column("in_scope", Flag, nullable=False),
        sa.Column("snapshot", Json, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "id", name="pk_issues"),
    )
    with op.batch_alter_table("issues") as batch_op:
        batch_op.create_index("ix_issues_folded_key", ["folded_key"])
        batch_op.create_index(
            "ix_issues_outside",
            ["tracker"],
            sqlite_where=sa.text("in_scope IS 0"),
            postgresql_where=sa.text("in_scope IS false"),
        )
        batch_op.create_index(
            "ix_issues_parent_id",
            ["parent_id", "tracker"],
            sqlite_where=sa.text("parent_id IS NOT NULL"),
            postgresql_where=sa.text("parent_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_issues_parent_key",
            ["parent_key", "tracker"],
            sqlite_where=sa.text("parent_key IS NOT NULL"),
            postgresql_where=sa.text("parent_key IS NOT NULL"),
        )

    op.create_table(
        "leases",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("holder", Words),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("expires", Instant),
        sa.PrimaryKeyConstraint("tracker", name="pk_leases"),
    )
    op.create_table(
        "loose_links",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("folded_key", Name, nullable=False),
        sa.Column("key", Words, nullable=False),
        sa.Column("missing", Instant),
        sa.PrimaryKeyConstraint("tracker", "id", "folded_key", name="pk_loose_links"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meta",
        sa.Column("name", Name, nullable=False),
        sa.Column("value", Words, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "outbox",
        sa.Column("n", Serial, nullable=False),
        sa.Column("key", Words, nullable=False),
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("action", Json, nullable=False),
        sa.Column("state", Name, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer),
        sa.Column("note", Words, nullable=False),
        sa.Column("committed", Instant, nullable=False),
        sa.Column("moved", Instant, nullable=False),
        sa.Column("receipt_at", Instant),
        sa.Column("comment_id", Words),
        sa.PrimaryKeyConstraint("n", name="pk_outbox"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
    )
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.create_index("ix_outbox_tracker_state_n", ["tracker", "state", "n"])

    op.create_table(
        "overrides",
        sa.Column("n", Serial, nullable=False),
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("override", Json, nullable=False),
        sa.Column("started", Instant, nullable=False),
        sa.Column("ended", Instant),
        sa.PrimaryKeyConstraint("n", name="pk_overrides"),
    )
    with op.batch_alter_table("overrides") as batch_op:
        batch_op.create_index("ix_overrides_tracker_id", ["tracker", "id"])

    op.create_table(
        "plan_states",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("unsettled", Flag, nullable=False),
        sa.Column("held", Words),
        sa.PrimaryKeyConstraint("tracker", "id", name="pk_plan_states"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "plans",
        sa.Column("digest", Name, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("trackers", Json, nullable=False),
        sa.Column("plan", Json, nullable=False),
        sa.Column("refusals", Json, nullable=False),
        sa.Column("settled", Instant),
        sa.PrimaryKeyConstraint("digest", name="pk_plans"),
    )
    op.create_table(
        "rulebooks",
        sa.Column("version", Name, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("sources", Json, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_rulebooks"),
    )
    op.create_table(
        "set_aside",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("folded_key", Name, nullable=False),
        sa.Column("key", Words, nullable=False),
        sa.Column("what", Words, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "id", "folded_key", name="pk_set_aside"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "standings",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("outcome", Name),
        sa.Column("decision", Json, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("origin", Name, nullable=False),
        sa.Column("changed", Instant, nullable=False),
        sa.Column("version", Name, nullable=False),
        sa.PrimaryKeyConstraint("tracker", "id", name="pk_standings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trackers",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("watermark", Instant),
        sa.Column("first_complete", Instant),
        sa.Column("last_attempt", Instant),
        sa.Column("last_success", Instant),
        sa.Column("why", Words),
        sa.Column("scope", Json, nullable=False),
        sa.Column("complete_scope", Json, nullable=False),
        sa.Column("rules_key", Name),
        sa.Column("plan_key", Name),
        sa.Column("skew", Duration, nullable=False),
        sa.PrimaryKeyConstraint("tracker", name="pk_trackers"),
    )
    op.create_table(
        "former_keys",
        sa.Column("folded_key", Name, nullable=False),
        sa.Column("tracker", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.ForeignKeyConstraint(["tracker", "id"], ["issues.tracker", "issues.id"], name="fk_former_keys_issues"),
        sa.PrimaryKeyConstraint("folded_key", "tracker", "id", name="pk_former_keys"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "waiting",
        sa.Column("tracker", Name, nullable=False),
        sa.Column("digest", Name, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["plans.digest"], name="fk_waiting_plans"),
        sa.PrimaryKeyConstraint("tracker", name="pk_waiting"),
    )


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
