"""Release drafts, approvals, and tokens that are one person's."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC
DIGEST = sa.String(length=64)


def upgrade() -> None:
    op.create_table(
        "release_draft",
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("payload_sha256", DIGEST, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("makers", sa.JSON(), nullable=False),
        sa.Column("role", sa.LargeBinary(), nullable=False),
        sa.Column("base_sha256", DIGEST, nullable=True),
        sa.Column("signatures", sa.JSON(), nullable=False),
        sa.Column("approvals", sa.JSON(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("translations", sa.JSON(), nullable=False),
        sa.Column("share_basis_points", sa.Integer(), nullable=True),
        sa.Column("lower_to", sa.Integer(), nullable=True),
        sa.Column("publish_at", INSTANT, nullable=True),
        sa.Column("day_is_stated", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "action IN ('publish', 'promote', 'withdraw', 'resume', 'lower_approvals')", name="release_draft_action"
        ),
        sa.CheckConstraint("state IN ('open', 'ready', 'published', 'cancelled')", name="release_draft_state"),
        sa.CheckConstraint("share_basis_points BETWEEN 0 AND 10000", name="release_draft_share"),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("draft_id"),
    )
    op.create_index("release_draft_by_state", "release_draft", ["state", "publish_at"])
    op.create_index("release_draft_by_age", "release_draft", ["made_at", "draft_id"])
    op.create_table(
        "approval_rule",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("approvals", sa.Integer(), nullable=False),
        sa.CheckConstraint("approvals BETWEEN 0 AND 10", name="approval_rule_number"),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("product"),
    )
    with op.batch_alter_table("api_token") as batch:
        batch.add_column(sa.Column("person", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup: approvals are never dropped by a tool")
