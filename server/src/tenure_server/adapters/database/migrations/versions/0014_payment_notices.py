"""What shops say of payments."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment_notice",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("payment", sa.Text(), nullable=False),
        sa.Column("sales_order", sa.Text(), nullable=False),
        sa.Column("minor_units", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("outcome IN ('paid', 'refused')", name="payment_notice_outcome"),
        sa.CheckConstraint("(outcome = 'refused') = (code IS NOT NULL)", name="payment_notice_code"),
        sa.PrimaryKeyConstraint("shop", "event_id"),
    )
    op.create_index("payment_notice_by_age", "payment_notice", ["outcome", "at"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
