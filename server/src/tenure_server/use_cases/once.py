"""A request that carries a key is carried out once: a double click, a repeat after a broken line and a replay all find
what came of the first one. IETF draft "The Idempotency-Key HTTP Header Field"; ``--reference`` on the command line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tenure_server.errors import InvalidRequest, UnprocessableRepeat
from tenure_server.use_cases.ports import Records
from tenure_server.use_cases.ports_customers import OnceClaim

_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Once:
    """``owner`` is whose key it is: two clients may use the same one for different things."""

    owner: str
    key: str
    request: str

    @classmethod
    def of(cls, owner: str, key: str, request: Mapping[str, object]) -> Once:
        """Raises ``InvalidRequest`` (``invalid_idempotency_key``)."""
        if not _KEY.fullmatch(key):
            raise InvalidRequest(
                "An idempotency key or reference has 1 to 200 printable ASCII characters.",
                code="invalid_idempotency_key",
            )
        text = json.dumps(request, sort_keys=True, default=str)
        return cls(owner, key, hashlib.sha256(text.encode()).hexdigest())


def claimed(records: Records, once: Once | None, now: datetime) -> str | None:
    """What the same request made before, or None if it is to be carried out now. To be asked first in a transaction.

    Raises ``UnprocessableRepeat`` (``idempotency_key_reused``) if the key came with something else before.
    """
    if once is None:
        return None
    found = records.once_keys.claim(_claim(once, now))
    if found is not None and found.request != once.request:
        raise UnprocessableRepeat(
            "This key or reference was used for another request before.",
            code="idempotency_key_reused",
            hint="a repeat says exactly the same again; something new takes a new key",
        )
    return found.subject if found is not None else None


def settle(records: Records, once: Once | None, subject: str, now: datetime) -> None:
    """Keep what came of it, in the same transaction."""
    if once is not None:
        records.once_keys.settle(_claim(once, now), subject)


def _claim(once: Once, now: datetime) -> OnceClaim:
    return OnceClaim(once.owner, once.key, once.request, now)
