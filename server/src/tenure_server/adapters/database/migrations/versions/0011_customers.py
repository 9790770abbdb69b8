"""Customers with contacts, to whom licences belong; words by which both are found; keys of requests."""

import secrets
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)  # stored in UTC
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
AT_ONCE = 1_000


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("vat_id", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("anonymised_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("customer_id"),
        sa.UniqueConstraint("reference", name="customer_reference"),
    )
    op.create_index("customer_by_age", "customer", ["created_at", "customer_id"], unique=False)
    op.create_index("customer_by_name", "customer", ["name"], unique=False)
    op.create_table(
        "customer_contact",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"]),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    op.create_index("ix_customer_contact_customer_id", "customer_contact", ["customer_id"], unique=False)
    op.create_table(
        "customer_word",
        sa.Column("word", WORD, nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"]),
        sa.PrimaryKeyConstraint("word", "customer_id"),
    )
    op.create_index("ix_customer_word_customer_id", "customer_word", ["customer_id"], unique=False)
    op.create_table(
        "licence_word",
        sa.Column("word", WORD, nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.licence_id"]),
        sa.PrimaryKeyConstraint("word", "licence_id"),
    )
    op.create_index("ix_licence_word_licence_id", "licence_word", ["licence_id"], unique=False)
    op.create_table(
        "once_key",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key"),
    )
    op.add_column("licence", sa.Column("customer_id", sa.Text(), nullable=True))
    _customers_of_licences()
    _words_of_licences()
    with op.batch_alter_table("licence") as batch:
        batch.alter_column("customer_id", existing_type=sa.Text(), nullable=False)
        batch.create_foreign_key("licence_customer", "customer", ["customer_id"], ["customer_id"])
        batch.drop_column("customer")
        batch.drop_column("email")
        batch.drop_column("search_text")
    op.create_index("licence_by_customer", "licence", ["customer_id", "created_at", "licence_id"], unique=False)


def _customers_of_licences() -> None:
    """Licences of the same name and e-mail address become one customer's, as old as its oldest licence."""
    connection = op.get_bind()
    licence = sa.table("licence", *map(sa.column, ("licence_id", "customer_id", "customer", "email")))
    customer = sa.table("customer", *map(sa.column, ("customer_id", "name", "email", "language", "notes")))
    customer.append_column(sa.column("created_at", INSTANT))
    word = sa.table("customer_word", *map(sa.column, ("word", "customer_id")))
    dated = sa.table("licence", *map(sa.column, ("customer", "email")), sa.column("created_at", INSTANT))
    each = sa.select(dated.c.customer, dated.c.email, sa.func.min(dated.c.created_at)).group_by(
        dated.c.customer, dated.c.email
    )
    rows, words = [], []
    for name, email, created_at in connection.execute(each).all():
        customer_id = _customer_id()
        rows.append(
            {
                "customer_id": customer_id,
                "name": name,
                "email": email,
                "language": "en",
                "notes": "",
                "created_at": _aware(created_at),
            }
        )
        words += [{"word": one, "customer_id": customer_id} for one in _words(customer_id, name, email or "")]
    _insert(customer, rows)
    _insert(word, words)
    op.create_index("licence_by_name", "licence", ["customer"], unique=False)
    for row in rows:
        same_email = licence.c.email.is_(None) if row["email"] is None else licence.c.email == row["email"]
        connection.execute(
            sa.update(licence)
            .where(licence.c.customer == row["name"], same_email)
            .values(customer_id=row["customer_id"])
        )
    op.drop_index("licence_by_name", "licence")


def _words_of_licences() -> None:
    connection = op.get_bind()
    licence = sa.table("licence", *map(sa.column, ("licence_id", "product")))
    key = sa.table("licence_key", *map(sa.column, ("licence_id", "hint")))
    word = sa.table("licence_word", *map(sa.column, ("word", "licence_id")))
    found: dict[str, set[str]] = {}
    for licence_id, product in connection.execute(sa.select(licence.c.licence_id, licence.c.product)).all():
        found[licence_id] = _words(licence_id, product)
    for licence_id, hint in connection.execute(sa.select(key.c.licence_id, key.c.hint)).all():
        for one in _words(hint):
            found[licence_id] |= {one[start:] for start in range(max(1, len(one) - 2))}
    _insert(word, [{"word": one, "licence_id": of} for of, words in found.items() for one in words])


def _insert(table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        op.get_bind().execute(sa.insert(table), rows[start : start + AT_ONCE])


def _words(*texts: str) -> set[str]:
    """As the program of this schema finds them."""
    return {word for text in texts for word in _words_of(text)}


def _words_of(text: str) -> Iterable[str]:
    parts = (one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
    plain = "".join(parts).casefold()
    return (word[:40] for word in "".join(one if one.isalnum() else " " for one in plain).split())


def _customer_id() -> str:
    return "c-" + "-".join("".join(secrets.choice(ID_ALPHABET) for _ in range(5)) for _ in range(2))


def _aware(found: datetime | str) -> datetime:
    at = datetime.fromisoformat(found) if isinstance(found, str) else found
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
