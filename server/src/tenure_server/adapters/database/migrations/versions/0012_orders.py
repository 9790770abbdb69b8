"""Orders with their numbers; which order a line or a support period came by."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC


def upgrade() -> None:
    op.create_table(
        "sales_order",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("sold_licence_id", sa.Text(), nullable=True),
        sa.Column("base_minor_units", sa.BigInteger(), nullable=True),
        sa.Column("additional_users", sa.Integer(), nullable=False),
        sa.Column("users_minor_units", sa.BigInteger(), nullable=True),
        sa.Column("smp_years", sa.Integer(), nullable=True),
        sa.Column("purchased_on", sa.Date(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total_minor_units", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ordered_at", INSTANT, nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("pay_by", sa.Date(), nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("quote", sa.Text(), nullable=True),
        sa.Column("paid_at", INSTANT, nullable=True),
        sa.Column("payment", sa.Text(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("refunded_minor_units", sa.BigInteger(), nullable=True),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('licence', 'support', 'users')", name="sales_order_kind"),
        sa.CheckConstraint("state IN ('ordered', 'paid', 'cancelled', 'refunded')", name="sales_order_state"),
        sa.CheckConstraint("length(currency) = 3", name="sales_order_currency"),
        sa.CheckConstraint("base_minor_units >= 0 AND users_minor_units >= 0", name="sales_order_amounts"),
        sa.CheckConstraint("total_minor_units >= 0", name="sales_order_total"),
        sa.CheckConstraint("refunded_minor_units BETWEEN 0 AND total_minor_units", name="sales_order_refund"),
        sa.CheckConstraint("additional_users >= 0", name="sales_order_users"),
        sa.CheckConstraint("(starts_on IS NULL) = (smp_years IS NULL)", name="sales_order_period"),
        sa.CheckConstraint("(starts_on IS NULL) = (ends_on IS NULL)", name="sales_order_days"),
        sa.CheckConstraint("ends_on >= starts_on", name="sales_order_day_order"),
        sa.CheckConstraint("(state IN ('paid', 'refunded')) = (paid_at IS NOT NULL)", name="sales_order_paid"),
        sa.CheckConstraint("(state IN ('cancelled', 'refunded')) = (ended_at IS NOT NULL)", name="sales_order_ended"),
        sa.CheckConstraint("(state = 'refunded') = (refunded_minor_units IS NOT NULL)", name="sales_order_refunded"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"]),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.licence_id"]),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("waiting_for", name="sales_order_waiting"),
    )
    op.create_index("sales_order_by_age", "sales_order", ["ordered_at", "number"], unique=False)
    op.create_index("sales_order_by_customer", "sales_order", ["customer_id", "ordered_at", "number"], unique=False)
    op.create_index("sales_order_by_licence", "sales_order", ["licence_id", "ordered_at", "number"], unique=False)
    op.create_index("sales_order_by_state", "sales_order", ["state", "ordered_at", "number"], unique=False)
    op.create_table(
        "number_series",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series"),
    )
    op.add_column("order_line", sa.Column("sales_order", sa.Text(), nullable=True))
    op.add_column("support_period", sa.Column("sales_order", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
