"""What requests with a token are refused with, for the description of the addresses: each list is the one before and
what the next kind of request can meet besides."""

from __future__ import annotations

from tenure_server.errors import (
    AuthenticationRequired,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidRequest,
    NotFound,
    TenureError,
    UnprocessableRepeat,
)

TOKEN_REFUSALS: tuple[type[TenureError], ...] = (InvalidRequest, AuthenticationRequired, Forbidden, DatabaseUnavailable)
"""Of everything that is asked with a token."""

ONE_REFUSALS = (*TOKEN_REFUSALS, NotFound)
"""Of asking for one thing."""

CHANGE_REFUSALS = (*ONE_REFUSALS, Conflict)
"""Of changing it."""

ONCE_REFUSALS = (*CHANGE_REFUSALS, UnprocessableRepeat)
"""Of changing it with an idempotency key."""
