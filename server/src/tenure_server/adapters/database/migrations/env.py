"""Alembic's entry: migrations run over the connection and inside the transaction that ``migrate`` opened."""

from alembic import context

from tenure_server.adapters.database import (
    event_tables,  # noqa: F401 (its tables are part of the metadata)
    release_draft_tables,  # noqa: F401 (the same)
)
from tenure_server.adapters.database import event_tables, webhook_tables  # noqa: F401 (their tables are part of the metadata)
from tenure_server.adapters.database import event_tables, reminder_tables, webhook_tables  # noqa: F401 (their tables are part of the metadata)
from tenure_server.adapters.database.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
