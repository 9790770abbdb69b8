"""What the database's errors mean to the caller. They are translated here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import InternalError as DriverInternalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from tenure_server.errors import Conflict, DatabaseUnavailable, InvalidRequest

UPGRADE_HINT = "tenure init or tenure serve brings it there"

_SQLITE_UNIQUE = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_POSTGRES_UNIQUE = "23505"
# Undefined table, undefined column, no such schema, no right to them: not the database this program made.
_POSTGRES_FOREIGN_TABLES = frozenset({"42P01", "42703", "3F000", "42501"})


@contextmanager
def conflict_if_taken(session: Session, message: str, code: str) -> Iterator[None]:
    """Send what the block adds. If it is there already: the given ``Conflict``, and the transaction can go on as if
    nothing had been added."""
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if not _is_unique_violation(error):
            raise
        raise Conflict(message, code=code) from error


def _is_unique_violation(error: IntegrityError) -> bool:
    name = getattr(error.orig, "sqlite_errorname", None)
    return name in _SQLITE_UNIQUE or getattr(error.orig, "sqlstate", None) == _POSTGRES_UNIQUE


def _rule(error: IntegrityError) -> str:
    """The name of the broken constraint; SQLite gives it only for checks."""
    diagnosis = getattr(error.orig, "diag", None)
    return str(diagnosis.constraint_name if diagnosis is not None else error.orig)


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """The errors of SQLAlchemy and the drivers as ours. The message never holds the driver's words; the hint, which is
    for the operator, holds the first line of them without the URL's password."""
    try:
        yield
    except IntegrityError as error:
        # Not "from error": PostgreSQL's words repeat the whole row.
        raise Conflict(
            f"What is asked for breaks a rule of the database ({_rule(error)}).", code="constraint_violated"
        ) from None
    except DataError as error:
        raise InvalidRequest("A value cannot be stored in the database.", code="unstorable_value") from error
    except PoolTimeout as error:
        raise DatabaseUnavailable("All connections to the database are busy.") from error
    except DBAPIError as error:
        if not _is_unavailability(error):
            raise
        raise DatabaseUnavailable(
            f"The database does not answer ({type(error.orig).__name__}).", hint=_words_for_operators(error, url)
        ) from error


def _is_unavailability(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if isinstance(error, ProgrammingError):
        return getattr(error.orig, "sqlstate", None) in _POSTGRES_FOREIGN_TABLES
    return not isinstance(error, (NotSupportedError, DriverInternalError))


def _words_for_operators(error: DBAPIError, url: URL) -> str | None:
    lines = str(error.orig).strip().splitlines()
    words = lines[0] if lines else ""
    if url.password:
        words = words.replace(str(url.password), "***")
    if "no such table" in words or getattr(error.orig, "sqlstate", None) in _POSTGRES_FOREIGN_TABLES:
        return f"{words}; {UPGRADE_HINT}"
    return words or None
