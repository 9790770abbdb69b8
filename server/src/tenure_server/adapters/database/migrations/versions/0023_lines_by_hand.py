"""What the sales desk charges by hand with an order."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sales_order", sa.Column("by_hand_text", sa.Text(), nullable=True))
    op.add_column("sales_order", sa.Column("by_hand_minor_units", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
