"""Drafts of ceremonies that wait for signatures, and whose keys are whose."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC


def upgrade() -> None:
    op.create_table(
        "trust_draft",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("pushed_by", sa.Text(), nullable=False),
        sa.Column("pushed_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'submitted', 'cancelled', 'expired')", name="trust_draft_state"),
        sa.CheckConstraint("(document IS NOT NULL) = (state = 'open')", name="trust_draft_document"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("trust_draft_by_age", "trust_draft", ["pushed_at", "code"])
    op.create_table(
        "key_holder",
        sa.Column("keyid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("keyid"),
    )


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
