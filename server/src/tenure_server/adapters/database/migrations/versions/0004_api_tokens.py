"""API tokens, uploads of builds, and an audit trail that is chained and that the database itself refuses to change."""

import hashlib
import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC
DIGEST = sa.String(length=64)
APPEND_ONLY = "the audit trail is append-only"


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["product"],
            ["product.name"],
        ),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("digest", name="api_token_digest"),
    )
    op.create_table(
        "build_upload",
        sa.Column("store_key", sa.Text(), nullable=False),
        sa.Column("upload_id", sa.Text(), nullable=True),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("part_bytes", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("verified_at", INSTANT, nullable=True),
        sa.CheckConstraint("(upload_id IS NULL) = (verified_at IS NOT NULL)", name="build_upload_state"),
        sa.CheckConstraint("length > 0 AND part_bytes > 0", name="build_upload_lengths"),
        sa.PrimaryKeyConstraint("store_key"),
    )
    op.create_table(
        "audit_head",
        sa.Column("only_row", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.CheckConstraint("only_row = 1", name="audit_head_one_row"),
        sa.PrimaryKeyConstraint("only_row"),
    )
    with op.batch_alter_table("audit_event") as batch:
        batch.add_column(sa.Column("digest", DIGEST, nullable=True))
    _chain_what_is_there()
    with op.batch_alter_table("audit_event") as batch:
        batch.alter_column("digest", existing_type=DIGEST, nullable=False)
    if op.get_bind().dialect.name == "sqlite":
        _refuse_changes_on_sqlite()
    else:
        _refuse_changes_on_postgresql()


def _chain_what_is_there() -> None:
    """Number the events from 1 without a gap and chain them, as the program of this schema does."""
    connection = op.get_bind()
    table = sa.table(
        "audit_event",
        sa.column("number", sa.BigInteger()),
        sa.column("at", INSTANT),
        sa.column("who", sa.Text()),
        sa.column("action", sa.Text()),
        sa.column("subject", sa.Text()),
        sa.column("details", sa.JSON()),
        sa.column("digest", DIGEST),
    )
    number, digest = 0, "0" * 64
    for row in connection.execute(sa.select(table).order_by(table.c.number)).all():
        number += 1
        digest = _digest_of(digest, number, row)
        change = sa.update(table).where(table.c.number == row.number).values(number=number, digest=digest)
        connection.execute(change)
    head = sa.table("audit_head", sa.column("only_row"), sa.column("number"), sa.column("digest"))
    connection.execute(sa.insert(head).values(only_row=1, number=number, digest=digest))


def _digest_of(previous: str, number: int, row: sa.Row[tuple[object, ...]]) -> str:
    at: datetime = row.at
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    event = {
        "action": row.action,
        "at": at.isoformat(timespec="microseconds"),
        "details": row.details,
        "number": number,
        "previous": previous,
        "purpose": "tenure audit event v1",
        "subject": row.subject,
        "who": row.who,
    }
    return hashlib.sha256(json.dumps(event, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def _refuse_changes_on_sqlite() -> None:
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_event_no_{action.lower()} BEFORE {action} ON audit_event"
            f" BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        )
    # INSERT OR REPLACE would remove a row without any of the triggers above.
    op.execute(
        "CREATE TRIGGER audit_event_no_replace BEFORE INSERT ON audit_event"
        " WHEN EXISTS (SELECT 1 FROM audit_event WHERE number = NEW.number)"
        " BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    )


def _refuse_changes_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{APPEND_ONLY}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_event_no_change BEFORE UPDATE OR DELETE ON audit_event"
        " FOR EACH ROW EXECUTE FUNCTION audit_event_refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse_change()"
    )


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup: an audit trail is never dropped by a tool")
