"""Reminders of the end of support, each named by licence, last paid day and step; who wants none."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC


def upgrade() -> None:
    op.create_table(
        "reminder",
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('queued', 'sent', 'refused', 'dropped')", name="reminder_state"),
        sa.CheckConstraint("(state = 'queued') = (ended_at IS NULL)", name="reminder_ended"),
        sa.CheckConstraint("(claim IS NULL) = (claimed_until IS NULL)", name="reminder_claim"),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.licence_id"]),
        sa.PrimaryKeyConstraint("licence_id", "ends_on", "step"),
    )
    op.create_index("reminder_due", "reminder", ["state", "next_at"])
    op.create_index("reminder_by_end", "reminder", ["ends_on"])
    op.create_table(
        "reminder_opt_out",
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.licence_id"]),
        sa.PrimaryKeyConstraint("licence_id"),
    )


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
