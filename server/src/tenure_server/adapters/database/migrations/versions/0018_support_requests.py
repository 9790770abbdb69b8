"""Support requests with their threads; the day until which a sale brings free support."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("sales_order", sa.Column("free_support_until", sa.Date(), nullable=True))
    op.create_index("install_report_of_licence", "install_report", ["licence_id", "reported_at"])
    op.create_table(
        "support_request",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.Column("contact_phone", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("installed_version", sa.Text(), nullable=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("terms_basis", sa.Text(), nullable=False),
        sa.Column("plan_years", sa.Integer(), nullable=True),
        sa.Column("terms_until", sa.Date(), nullable=True),
        sa.Column("response_hours", sa.Integer(), nullable=True),
        sa.Column("priority_hours", sa.Integer(), nullable=True),
        sa.Column("waiting_since", INSTANT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("first_due_at", INSTANT, nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("changed_at", INSTANT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("queue_rank", sa.Integer(), nullable=False),
        sa.Column("queue_at", INSTANT, nullable=False),
        sa.CheckConstraint("channel IN ('telephone', 'email', 'portal')", name="support_request_channel"),
        sa.CheckConstraint(
            "category IN ('installation_help', 'registration', 'licensing', 'key_code', 'feature_request',"
            " 'bug_report', 'consulting')",
            name="support_request_category",
        ),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="support_request_priority"),
        sa.CheckConstraint(
            "status IN ('new', 'open', 'waiting_for_customer', 'referred_to_sales', 'resolved', 'closed')",
            name="support_request_status",
        ),
        sa.CheckConstraint(
            "terms_basis IN ('support_period', 'quotation', 'none', 'licence_suspended', 'licence_revoked')",
            name="support_request_terms",
        ),
        sa.CheckConstraint("plan_years BETWEEN 1 AND 2", name="support_request_plan"),
        sa.CheckConstraint("response_hours > 0 AND priority_hours > 0", name="support_request_hours"),
        sa.CheckConstraint("(status IN ('resolved', 'closed')) = (ended_at IS NOT NULL)", name="support_request_ended"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"]),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.licence_id"]),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("request_id"),
        sa.UniqueConstraint("number", name="support_request_number"),
    )
    op.create_index("support_request_queue", "support_request", ["queue_rank", "queue_at", "request_id"])
    op.create_index("support_request_by_customer", "support_request", ["customer_id", "opened_at"])
    op.create_index("support_request_by_licence", "support_request", ["licence_id"])
    op.create_index("support_request_by_age", "support_request", ["opened_at", "request_id"])
    op.create_index("support_request_by_day", "support_request", ["opened_on"])
    op.create_table(
        "support_request_word",
        sa.Column("word", WORD, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["support_request.request_id"]),
        sa.PrimaryKeyConstraint("word", "request_id"),
    )
    op.create_index("ix_support_request_word_request_id", "support_request_word", ["request_id"])
    op.create_table(
        "support_message",
        sa.Column("place", NUMBER, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("mail_id", sa.Text(), nullable=True),
        sa.Column("mailed_to", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('customer', 'reply', 'note')", name="support_message_kind"),
        sa.CheckConstraint("mailed_to IS NULL OR kind = 'reply'", name="support_message_mailed"),
        sa.ForeignKeyConstraint(["request_id"], ["support_request.request_id"]),
        sa.PrimaryKeyConstraint("place"),
        sa.UniqueConstraint("message_id", name="support_message_id"),
        sa.UniqueConstraint("mail_id", name="support_message_mail_id"),
    )
    op.create_index("support_message_of_request", "support_message", ["request_id", "at", "place"])


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
