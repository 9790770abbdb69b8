"""Alembic's entry: migrations run over the connection and inside the transaction that ``migrate`` opened."""

from alembic import context

from tenure_server.adapters.database import (  # their tables are part of the metadata
    event_tables,  # noqa: F401
    mail_tables,  # noqa: F401
    problem_tables,  # noqa: F401
    release_draft_tables,  # noqa: F401
    reminder_tables,  # noqa: F401
    signer_tables,  # noqa: F401
    tables_facts,  # noqa: F401
    tables_seats,  # noqa: F401
    tables_support,  # noqa: F401
    webhook_tables,  # noqa: F401
)
from tenure_server.adapters.database.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
