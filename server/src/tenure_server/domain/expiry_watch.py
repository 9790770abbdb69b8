"""When people are told by mail that metadata is about to expire: at each of the days that were set, once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

QUARTER = "quarter"
"""Of an online role: three quarters of its life are spent, and whoever renews it at half of it has not."""

EXPIRED = "expired"


def stage_reached(
    expires: datetime, now: datetime, *, lifetime: timedelta, is_online: bool, days: Collection[int]
) -> str | None:
    """The most urgent stage that has been reached, or None: the number of days, ``quarter`` or ``expired``.

    An offline role reaches a stage that many days of 24 hours before it expires.
    """
    left = expires - now
    if left <= timedelta(0):
        return EXPIRED
    if is_online:
        return QUARTER if left <= lifetime / 4 else None
    reached = [each for each in days if left <= timedelta(days=each)]
    return str(min(reached)) if reached else None
