"""Problem records: the problems, who reported them, who is to be told of which release."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
STATUSES = (
    "'reported', 'reproduced', 'work_around_given', 'fix_planned', 'released', 'not_reproducible', 'declined', "
    "'duplicate'"
)


def upgrade() -> None:
    op.create_table(
        "problem",
        sa.Column("problem_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("found_in", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("material", sa.Boolean(), nullable=True),
        sa.Column("work_around", sa.Text(), nullable=True),
        sa.Column("plan_kind", sa.Text(), nullable=True),
        sa.Column("plan_version", sa.Text(), nullable=True),
        sa.Column("fixed_in", sa.Text(), nullable=True),
        sa.Column("fixed_on", sa.Date(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("duplicate_of", sa.Integer(), nullable=True),
        sa.Column("reported_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint(f"status IN ({STATUSES})", name="problem_status"),
        sa.CheckConstraint("plan_kind IN ('service_pack', 'release')", name="problem_plan_kind"),
        sa.CheckConstraint("number > 0", name="problem_number_positive"),
        sa.CheckConstraint("plan_version IS NULL OR plan_kind IS NOT NULL", name="problem_plan"),
        sa.CheckConstraint("(status = 'released') = (fixed_in IS NOT NULL)", name="problem_fix"),
        sa.CheckConstraint("(fixed_in IS NULL) = (fixed_on IS NULL)", name="problem_fix_day"),
        sa.CheckConstraint("(status = 'duplicate') = (duplicate_of IS NOT NULL)", name="problem_duplicate"),
        sa.CheckConstraint(
            "(status IN ('not_reproducible', 'declined', 'duplicate')) = (end_reason IS NOT NULL)", name="problem_end"
        ),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("problem_id"),
        sa.UniqueConstraint("number", name="problem_number"),
    )
    op.create_index("problem_by_age", "problem", ["reported_at", "problem_id"])
    op.create_index("problem_by_product", "problem", ["product", "reported_at", "problem_id"])
    op.create_table(
        "problem_word",
        sa.Column("word", WORD, nullable=False),
        sa.Column("problem_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["problem_id"], ["problem.problem_id"]),
        sa.PrimaryKeyConstraint("word", "problem_id"),
    )
    op.create_index("ix_problem_word_problem_id", "problem_word", ["problem_id"])
    op.create_table(
        "problem_reporter",
        sa.Column("reporter_id", WORD, nullable=False),
        sa.Column("problem_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("licence_id", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("exception", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["problem_id"], ["problem.problem_id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"]),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.licence_id"]),
        sa.PrimaryKeyConstraint("reporter_id"),
    )
    op.create_index("problem_reporter_by_problem", "problem_reporter", ["problem_id", "added_at", "reporter_id"])
    op.create_index("problem_reporter_by_request", "problem_reporter", ["request_id"])
    op.create_index("problem_reporter_by_customer", "problem_reporter", ["customer_id"])
    op.create_table(
        "problem_notice",
        sa.Column("reporter_id", WORD, nullable=False),
        sa.Column("version", WORD, nullable=False),
        sa.Column("problem_id", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("drop_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'told', 'dropped')", name="problem_notice_state"),
        sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="problem_notice_ended"),
        sa.CheckConstraint("(state = 'dropped') = (drop_reason IS NOT NULL)", name="problem_notice_dropped"),
        sa.ForeignKeyConstraint(["reporter_id"], ["problem_reporter.reporter_id"]),
        sa.ForeignKeyConstraint(["problem_id"], ["problem.problem_id"]),
        sa.PrimaryKeyConstraint("reporter_id", "version"),
    )
    op.create_index("problem_notice_due", "problem_notice", ["state", "due_on", "reporter_id", "version"])
    op.create_index("problem_notice_by_problem", "problem_notice", ["problem_id", "made_at", "reporter_id"])


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
