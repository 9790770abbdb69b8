"""Update rules as people write them: channels, a pin, a turn in rollouts."""

from __future__ import annotations

import re

from tenure_signing.entitlement import Pin

_PIN = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?", re.ASCII)


def parse_pin(text: str) -> Pin:
    """``2`` or ``2.4``. Raises ``ValueError``."""
    match = _PIN.fullmatch(text)
    if match is None:
        raise ValueError("a pin is a major line such as 2 or a minor line such as 2.4")
    return Pin(int(match[1]), int(match[2]) if match[2] is not None else None)
