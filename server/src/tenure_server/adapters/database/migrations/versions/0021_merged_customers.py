"""Customers that were merged into others."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("customer") as batch:
        batch.add_column(sa.Column("merged_into", sa.Text(), nullable=True))
        batch.add_column(sa.Column("merged_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_foreign_key("customer_merged_into", "customer", ["merged_into"], ["customer_id"])
        batch.create_check_constraint("customer_merged", "(merged_into IS NULL) = (merged_at IS NULL)")


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
