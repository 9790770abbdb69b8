"""Quotes."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quote",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("sale", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sales_order", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'accepted', 'withdrawn')", name="quote_state"),
        sa.CheckConstraint("(state = 'accepted') = (sales_order IS NOT NULL)", name="quote_order"),
        sa.CheckConstraint("valid_until >= made_on", name="quote_days"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"]),
        sa.ForeignKeyConstraint(["sales_order"], ["sales_order.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("quote_by_age", "quote", ["made_at", "number"], unique=False)
    op.create_index("quote_by_customer", "quote", ["customer_id", "made_at", "number"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
