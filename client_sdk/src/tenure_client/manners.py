"""When to ask again: about once a day, not all installs at once, and not before the server wants to be asked."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from tenure_client.state import Contact
from tenure_client.transport import MAX_RETRY_AFTER_SECONDS

CHECK_INTERVAL = timedelta(hours=24)
"""Between two checks in the background; ``next_check_after`` spreads it by a quarter either way."""

_LONGEST_WAIT = timedelta(seconds=MAX_RETRY_AFTER_SECONDS)


def wait_until(now: datetime, retry_after_seconds: int) -> datetime:
    """When to ask again whom the server asked to wait: up to a quarter later than that, not everyone at once."""
    asked = timedelta(seconds=retry_after_seconds)
    return now + min(asked + secrets.randbelow(1_001) / 1_000 * asked / 4, _LONGEST_WAIT)


def is_asked_to_wait(contact: Contact, now: datetime) -> bool:
    """Whether the server's Retry-After is not over. One further ahead than any can be is a clock that was wrong."""
    return contact.wait_until is not None and now < contact.wait_until <= now + _LONGEST_WAIT


def next_check_after(contact: Contact, now: datetime) -> datetime:
    """A suggestion for the next check in the background: a server that asked to wait has answered nothing yet, so it is
    asked again once that is over."""
    if contact.wait_until is not None and is_asked_to_wait(contact, now):
        return contact.wait_until
    quarter = int(CHECK_INTERVAL.total_seconds()) // 4
    return now + CHECK_INTERVAL + timedelta(seconds=secrets.randbelow(2 * quarter + 1) - quarter)
