"""When to ask again: about once a day, not all installs at once, and not before the server wants to be asked."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from tenure_client.state import Contact
from tenure_client.transport import MAX_RETRY_AFTER_SECONDS

CHECK_INTERVAL = timedelta(hours=24)
"""Between two checks in the background; ``next_check_after`` spreads it by a quarter either way."""

_LONGEST_WAIT = timedelta(seconds=MAX_RETRY_AFTER_SECONDS)


def is_asked_to_wait(contact: Contact, now: datetime) -> bool:
    """Whether the server's Retry-After is not over. One further ahead than any can be is a clock that was wrong."""
    return contact.wait_until is not None and now < contact.wait_until <= now + _LONGEST_WAIT


def next_check_after(contact: Contact, now: datetime) -> datetime:
    """A suggestion for the next check in the background."""
    quarter = int(CHECK_INTERVAL.total_seconds()) // 4
    suggestion = now + CHECK_INTERVAL + timedelta(seconds=secrets.randbelow(2 * quarter + 1) - quarter)
    if contact.wait_until is not None and is_asked_to_wait(contact, now):
        return max(suggestion, contact.wait_until)
    return suggestion
