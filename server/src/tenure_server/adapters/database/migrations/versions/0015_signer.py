"""The signer as a process of its own: requests, signs of life; notices of expiry."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC
DIGEST = sa.String(length=64)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "publication_request",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('release', 'draft')", name="publication_request_kind"),
        sa.CheckConstraint("state IN ('waiting', 'done', 'refused')", name="publication_request_state"),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="publication_request_decision"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("publication_request_by_state", "publication_request", ["state", "number"])
    op.create_table(
        "signer_life",
        sa.Column("signer_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('embedded', 'external')", name="signer_life_mode"),
        sa.PrimaryKeyConstraint("signer_id"),
    )
    op.create_table(
        "expiry_notice",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("expires", INSTANT, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("role", "expires", "stage", "recipient"),
    )
