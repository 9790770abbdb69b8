"""What happens at the limit of seats, and when they expire, for each product."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_seat_rule",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("seat_limit", sa.Text(), nullable=True),
        sa.Column("expiry_days", sa.Integer(), nullable=True),
        sa.CheckConstraint("seat_limit IN ('refuse', 'warn')", name="product_seat_rule_limit"),
        sa.CheckConstraint("expiry_days BETWEEN 0 AND 3660", name="product_seat_rule_expiry"),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("product"),
    )


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
