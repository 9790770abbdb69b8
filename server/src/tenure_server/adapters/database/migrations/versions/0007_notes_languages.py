"""Release notes in several languages, and the language that a product's notes are in."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # not in a batch, which would replace the table that others refer to
    op.add_column("product", sa.Column("notes_language", sa.Text(), nullable=False, server_default="en"))
    op.create_table(
        "translated_notes",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("product", "version", "language"),
    )


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup: a licence sold is never dropped by a tool")
