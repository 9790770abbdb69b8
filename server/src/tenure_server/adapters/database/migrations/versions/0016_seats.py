"""The seats of a licence that machines hold."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC


def upgrade() -> None:
    op.create_table(
        "seat",
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("machine", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("activated_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.licence_id"]),
        sa.PrimaryKeyConstraint("licence_id", "machine"),
    )


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
