"""What every check asks of a licence, in one row for each of its keys. As ``tables.py``: rows stay inside this package.

The row repeats what other tables say. Triggers of the database itself, made by the migration, write it anew in the same
transaction as any change of those tables, whoever makes it; no code of ours writes it. ``facts_rows`` reads it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from tenure_server.adapters.database.columns import DIGEST, Instant
from tenure_server.adapters.database.tables import Row


class LicenceFactsRow(Row, table=True):
    """On SQLite the row lies in the index of its key itself: one look-up finds it."""

    __tablename__ = "licence_facts"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 (SQLAlchemy reads it so)

    digest: str = Field(sa_type=DIGEST, primary_key=True)  # of the key
    issued_at: datetime = Field(sa_type=Instant)  # of the key
    licence_id: str = Field(sa_type=Text)
    lines: str | None = Field(sa_type=Text)  # seats, minor units and currency; with commas, as in the next ones
    days: str = Field(sa_type=Text)  # purchased_on|the periods' first and last days
    terms: str = Field(sa_type=Text)  # product|edition|currency|status|channels|pin|turn|grants with their numbers
