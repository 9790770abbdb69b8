"""Rollouts that grow by themselves."""

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


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup: a licence sold is never dropped by a tool")
