"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("audit_event_by_subject", "audit_event", ["subject", "number"], unique=False)
    op.create_table(
        "product",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("editions", sa.JSON(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("service_packs", sa.Text(), nullable=False),
        sa.Column("lapse_policy", sa.Text(), nullable=False),
        sa.CheckConstraint("lapse_policy IN ('closed', 'gap', 'backdate')", name="product_lapse_policy"),
        sa.CheckConstraint("service_packs IN ('period', 'follow')", name="product_service_packs"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "publication",
        sa.Column("only_row", sa.Integer(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("only_row = 1", name="publication_one_row"),
        sa.PrimaryKeyConstraint("only_row"),
    )
    op.create_table(
        "signed_file",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("role", "version", name="signed_file_version"),
    )
    op.create_table(
        "trusted_target",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("path"),
    )
    op.create_table(
        "licence",
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("purchased_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("feed_token_digest", sa.String(length=64), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended', 'revoked')", name="licence_status"),
        sa.CheckConstraint("length(currency) = 3", name="licence_currency"),
        sa.ForeignKeyConstraint(
            ["product"],
            ["product.name"],
        ),
        sa.PrimaryKeyConstraint("licence_id"),
        sa.UniqueConstraint("feed_token_digest", name="licence_feed_token"),
    )
    op.create_index("licence_by_age", "licence", ["created_at", "licence_id"], unique=False)
    op.create_table(
        "published_role",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name"],
            ["signed_file.name"],
        ),
        sa.PrimaryKeyConstraint("role"),
    )
    op.create_table(
        "release_notes",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product"],
            ["product.name"],
        ),
        sa.PrimaryKeyConstraint("product", "version"),
    )
    op.create_table(
        "rollout",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("share_basis_points", sa.Integer(), nullable=False),
        sa.Column("is_halted", sa.Boolean(), nullable=False),
        sa.CheckConstraint("share_basis_points BETWEEN 0 AND 10000", name="rollout_share"),
        sa.ForeignKeyConstraint(
            ["product"],
            ["product.name"],
        ),
        sa.PrimaryKeyConstraint("product", "version"),
    )
    op.create_table(
        "licence_grant",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.CheckConstraint("(version IS NULL) <> (line IS NULL)", name="licence_grant_one_of"),
        sa.ForeignKeyConstraint(
            ["licence_id"],
            ["licence.licence_id"],
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_licence_grant_licence_id", "licence_grant", ["licence_id"], unique=False)
    op.create_table(
        "licence_key",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.CheckConstraint("seats > 0", name="licence_key_seats"),
        sa.ForeignKeyConstraint(
            ["licence_id"],
            ["licence.licence_id"],
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_licence_key_licence_id", "licence_key", ["licence_id"], unique=False)
    op.create_table(
        "order_line",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("minor_units", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False),
        sa.CheckConstraint("kind IN ('base', 'additional_users')", name="order_line_kind"),
        sa.CheckConstraint("length(currency) = 3", name="order_line_currency"),
        sa.CheckConstraint("minor_units >= 0", name="order_line_amount"),
        sa.CheckConstraint("seats > 0", name="order_line_seats"),
        sa.ForeignKeyConstraint(
            ["licence_id"],
            ["licence.licence_id"],
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_order_line_licence_id", "order_line", ["licence_id"], unique=False)
    op.create_table(
        "support_period",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("minor_units", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.CheckConstraint("source IN ('purchase', 'order', 'by_hand')", name="support_period_source"),
        sa.CheckConstraint("(minor_units IS NULL) = (currency IS NULL)", name="support_period_price"),
        sa.CheckConstraint("ends_on >= starts_on", name="support_period_order"),
        sa.CheckConstraint("minor_units >= 0", name="support_period_amount"),
        sa.ForeignKeyConstraint(
            ["licence_id"],
            ["licence.licence_id"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("licence_id", "starts_on", name="support_period_start"),
    )
    op.execute("INSERT INTO publication (only_row, counter) VALUES (1, 0)")


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup: a licence sold is never dropped by a tool")
