"""The database behind the ports: SQLite embedded, PostgreSQL to grow. The same tables, statements and tests."""

from tenure_server.adapters.database.database import SqlDatabase
from tenure_server.adapters.database.migrate import upgrade_schema

__all__ = ["SqlDatabase", "upgrade_schema"]
