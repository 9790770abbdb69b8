"""Paid upgrades are ordered: what an order upgrades to, which order a grant came by, what is sold singly."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "release_price",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("minor_units", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name="release_price_currency"),
        sa.CheckConstraint("minor_units >= 0", name="release_price_amount"),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("product", "version"),
    )
    op.add_column("licence_grant", sa.Column("sales_order", sa.Text(), nullable=True))
    with op.batch_alter_table("sales_order") as batch:
        batch.add_column(sa.Column("upgrade", sa.Text(), nullable=True))
        batch.add_column(sa.Column("upgrade_seats", sa.Integer(), nullable=True))
        batch.drop_constraint("sales_order_kind", type_="check")
        batch.create_check_constraint("sales_order_kind", "kind IN ('licence', 'support', 'users', 'upgrade')")
        batch.create_check_constraint("sales_order_upgrade", "(kind = 'upgrade') = (upgrade IS NOT NULL)")
        batch.create_check_constraint("sales_order_upgrade_seats", "(upgrade IS NULL) = (upgrade_seats IS NULL)")


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
