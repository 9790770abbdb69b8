"""What every check asks of a licence, in one row for each of its keys, kept by triggers."""

# ruff: noqa: S608 (the statements are put together from this file alone)

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC

# {join}: of texts, with commas; {day}: of a date column, as YYYY-MM-DD. Names and versions have no "|" in them.
FACTS = """
INSERT INTO licence_facts (digest, issued_at, licence_id, lines, days, terms)
SELECT k.digest, k.issued_at, l.licence_id,
  (SELECT {join}(o.seats || ' ' || o.minor_units || ' ' || o.currency, ',')
   FROM order_line o WHERE o.licence_id = l.licence_id),
  {purchased_on} || '|' || coalesce(
    (SELECT {join}({starts_on} || ' ' || {ends_on}, ',') FROM support_period p WHERE p.licence_id = l.licence_id), ''),
  l.product || '|' || l.edition || '|' || l.currency || '|' || l.status
    || '|' || coalesce(CAST(l.update_channels AS TEXT), '') || '|' || coalesce(l.update_pin, '')
    || '|' || coalesce(l.update_turn, '') || '|' || coalesce(
    (SELECT {join}(g.number || ' ' || coalesce('v' || g.version, 'l' || g.line), ',')
     FROM licence_grant g WHERE g.licence_id = l.licence_id), '')
FROM licence_key k JOIN licence l ON l.licence_id = k.licence_id
"""
ON_SQLITE = FACTS.format(
    join="group_concat", purchased_on="l.purchased_on", starts_on="p.starts_on", ends_on="p.ends_on"
)
ON_POSTGRESQL = FACTS.format(
    join="string_agg",
    purchased_on="to_char(l.purchased_on, 'YYYY-MM-DD')",
    starts_on="to_char(p.starts_on, 'YYYY-MM-DD')",
    ends_on="to_char(p.ends_on, 'YYYY-MM-DD')",
)
TABLES = ("licence", "licence_key", "order_line", "support_period", "licence_grant")


def upgrade() -> None:
    op.create_table(
        "licence_facts",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=True),
        sa.Column("days", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(f"{ON_SQLITE} ORDER BY k.digest" if on_sqlite else ON_POSTGRESQL)
    for statement in triggers_on_sqlite() if on_sqlite else triggers_on_postgresql():
        op.execute(statement)


def triggers_on_sqlite() -> Iterator[str]:
    for table in TABLES:
        for event, rows in (("INSERT", ("NEW",)), ("DELETE", ("OLD",)), ("UPDATE", ("OLD", "NEW"))):
            gone = " DELETE FROM licence_facts WHERE digest = OLD.digest;"
            renewed = "".join(
                " DELETE FROM licence_facts WHERE digest IN"
                f" (SELECT digest FROM licence_key WHERE licence_id = {row}.licence_id);"
                f"{ON_SQLITE}WHERE k.licence_id = {row}.licence_id;"
                for row in (("NEW",) if table == "licence" and event == "UPDATE" else rows)
            )
            yield (
                f"CREATE TRIGGER {table}_facts_{event.lower()} AFTER {event} ON {table} BEGIN"
                f"{gone if table == 'licence_key' and 'OLD' in rows else ''}{renewed} END"
            )


def triggers_on_postgresql() -> Iterator[str]:
    # The licence's row is held until the end, so that of two changes the later one sees the other.
    yield f"""
CREATE FUNCTION licence_facts_renew(renewed text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM licence WHERE licence_id = renewed FOR NO KEY UPDATE;
  DELETE FROM licence_facts WHERE digest IN (SELECT digest FROM licence_key WHERE licence_id = renewed);
  {ON_POSTGRESQL} WHERE k.licence_id = renewed;
END $$"""
    yield """
CREATE FUNCTION licence_facts_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND TG_TABLE_NAME = 'licence_key' THEN
    DELETE FROM licence_facts WHERE digest = OLD.digest;
  END IF;
  IF TG_OP = 'DELETE' THEN
    PERFORM licence_facts_renew(OLD.licence_id);
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' AND OLD.licence_id <> NEW.licence_id THEN
    PERFORM licence_facts_renew(OLD.licence_id);
  END IF;
  PERFORM licence_facts_renew(NEW.licence_id);
  RETURN NULL;
END $$"""
    for table in TABLES:
        yield (
            f"CREATE TRIGGER {table}_facts AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION licence_facts_follow()"
        )


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
