"""Rollouts that grow by themselves; channels, pin and turn of a licence; what installs report."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC


def upgrade() -> None:
    with op.batch_alter_table("rollout") as rollout:
        rollout.add_column(sa.Column("ramp_to_basis_points", sa.Integer(), nullable=True))
        rollout.add_column(sa.Column("ramp_starts_at", INSTANT, nullable=True))
        rollout.add_column(sa.Column("ramp_ends_at", INSTANT, nullable=True))
        rollout.create_check_constraint(
            "rollout_ramp_share", "ramp_to_basis_points BETWEEN share_basis_points AND 10000"
        )
        rollout.create_check_constraint("rollout_ramp_order", "ramp_ends_at > ramp_starts_at")
        rollout.create_check_constraint(
            "rollout_ramp_whole",
            "(ramp_to_basis_points IS NULL) = (ramp_starts_at IS NULL)"
            " AND (ramp_to_basis_points IS NULL) = (ramp_ends_at IS NULL)",
        )
    # not in a batch, which would replace the table that others refer to
    op.add_column("licence", sa.Column("update_channels", sa.JSON(), nullable=True))
    op.add_column("licence", sa.Column("update_pin", sa.Text(), nullable=True))
    op.add_column("licence", sa.Column("update_turn", sa.Text(), nullable=True))
    op.create_table(
        "install_report",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("install", sa.String(length=64), nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("from_version", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail_code", sa.Text(), nullable=True),
        sa.Column("reported_at", INSTANT, nullable=False),
        sa.CheckConstraint("outcome IN ('installed', 'failed', 'rolled_back')", name="install_report_outcome"),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("product", "version", "install"),
    )
    op.create_index("install_report_by_licence", "install_report", ["product", "version", "licence_id"], unique=False)
    op.create_table(
        "install_count",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reports", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("outcome IN ('installed', 'failed', 'rolled_back')", name="install_count_outcome"),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("product", "version", "day", "outcome"),
    )
    op.create_table(
        "failure_limit",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("max_failure_basis_points", sa.Integer(), nullable=False),
        sa.Column("min_installs", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["product.name"]),
        sa.PrimaryKeyConstraint("product", "version"),
    )


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup: a licence sold is never dropped by a tool")
