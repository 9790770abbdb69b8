"""The table of translated release notes; those in the product's own language are in ``release_notes``."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field

from tenure_server.adapters.database.tables import Row


class TranslatedNotesRow(Row, table=True):
    __tablename__ = "translated_notes"

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    version: str = Field(sa_type=Text, primary_key=True)
    language: str = Field(sa_type=Text, primary_key=True)  # BCP 47 in lower case
    markdown: str = Field(sa_type=Text)
