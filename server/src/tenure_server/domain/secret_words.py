"""What people paste and nobody else should read: licence keys, certificates, API tokens, secrets of webhooks."""

from __future__ import annotations

import re

REMOVED = "[removed]"

_STATEMENT = r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{64,}"  # a licence key or certificate
_SECRET = re.compile(
    _STATEMENT
    + r"|tenure_[a-z2-7]{12}_[a-z2-7]{32}"  # an API token
    + r"|whsec_[A-Za-z0-9+/=]{16,}",  # a webhook's secret
    re.ASCII,
)
_KEY = re.compile(_STATEMENT, re.ASCII)
_MOST_KEYS = 3


def without_secrets(text: str) -> str:
    """The text with what looks like a secret taken out."""
    return _SECRET.sub(REMOVED, text)


def statements_in(text: str) -> tuple[str, ...]:
    """What looks like a licence key or certificate, the first few; whether one is genuine, its signature tells."""
    found = (match.group() for match in _KEY.finditer(text))
    return tuple(statement for statement, _ in zip(found, range(_MOST_KEYS), strict=False))
