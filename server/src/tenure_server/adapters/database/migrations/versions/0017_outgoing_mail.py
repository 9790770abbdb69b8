"""Mail that is kept with the change that it tells of, until it is sent."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC


def upgrade() -> None:
    op.create_table(
        "outgoing_mail",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("worded", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('queued', 'sent', 'refused', 'dropped')", name="outgoing_mail_state"),
        sa.CheckConstraint("(state = 'queued') = (ended_at IS NULL)", name="outgoing_mail_ended"),
        sa.CheckConstraint("(claim IS NULL) = (claimed_until IS NULL)", name="outgoing_mail_claim"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("outgoing_mail_due", "outgoing_mail", ["state", "next_at"])
    op.create_index("outgoing_mail_by_subject", "outgoing_mail", ["subject_id"])


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
