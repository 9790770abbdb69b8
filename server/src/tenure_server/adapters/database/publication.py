"""The publication counter."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import Session, col, select

from tenure_server.adapters.database.tables import PublicationRow


def publication_counter(session: Session) -> int:
    return session.exec(select(PublicationRow.counter).where(col(PublicationRow.only_row) == 1)).one()


def count_publication(session: Session) -> int:
    """Move the counter, in the caller's transaction, which holds its row from here on; returns where it stands now."""
    # No RETURNING: SQLite knows it from 3.35 only.
    session.execute(
        update(PublicationRow)
        .where(col(PublicationRow.only_row) == 1)
        .values(counter=col(PublicationRow.counter) + 1)
        .execution_options(synchronize_session=False)
    )
    return publication_counter(session)
