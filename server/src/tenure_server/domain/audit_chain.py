"""The chain that ties the events of the audit trail together: each digest covers the event and the digest before it.

A digest is the SHA-256, in lower-case hexadecimal, of a JSON object in ASCII with its keys in order and no white space:
``action``, ``at`` (UTC, ISO 8601 with microseconds), ``details``, ``number``, ``previous`` (the digest before it; 64
zeros for the first), ``purpose`` (``tenure audit event v1``), ``subject`` and ``who``. So an exported trail can be
checked by any program. It shows that a row was removed, changed or slipped in. Somebody who can rewrite the whole
database can rewrite the chain too: against that, keep the number and digest of an event elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

FIRST_DIGEST = "0" * 64
"""What the first event follows."""

_PURPOSE = "tenure audit event v1"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to which thing. ``details`` hold before and after as JSON values, never a secret."""

    at: datetime
    who: str
    action: str
    subject: str
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest event of a trail: its number, from 1, and its digest."""

    number: int = 0
    digest: str = FIRST_DIGEST


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An event as it lies in the trail."""

    number: int
    event: AuditEvent
    digest: str


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """The first place at which a trail is not what was written, as a sentence."""

    number: int
    problem: str


def next_record(head: AuditHead, event: AuditEvent) -> AuditRecord:
    """The event as it follows the head."""
    number = head.number + 1
    return AuditRecord(number, event, digest_of(head.digest, number, event))


def digest_of(previous: str, number: int, event: AuditEvent) -> str:
    """The digest of an event in its place. Raises ``TypeError`` for details that are no JSON values."""
    text = json.dumps(
        {
            "action": event.action,
            "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            # As they will be read back: lists for tuples, texts for numbers as keys.
            "details": json.loads(json.dumps(dict(event.details))),
            "number": number,
            "previous": previous,
            "purpose": _PURPOSE,
            "subject": event.subject,
            "who": event.who,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(slots=True)
class ChainCheck:
    """Reads a trail from its beginning, in pieces of any size."""

    reached: AuditHead = AuditHead()

    def read(self, records: Iterable[AuditRecord]) -> BrokenChain | None:
        """Go on with these; the first that does not follow the one before it, if there is any."""
        for record in records:
            if record.number != self.reached.number + 1:
                missing = self.reached.number + 1
                return BrokenChain(missing, f"Event {missing} is missing: {record.number} is the next one.")
            if record.digest != digest_of(self.reached.digest, record.number, record.event):
                return BrokenChain(record.number, f"Event {record.number} is not what was written, or out of place.")
            self.reached = AuditHead(record.number, record.digest)
        return None

    def finish(self, head: AuditHead) -> BrokenChain | None:
        """After the last record: whether the trail ends where its keeper says it does."""
        if self.reached.number < head.number:
            missing = self.reached.number + 1
            return BrokenChain(missing, f"Event {missing} is missing: the trail goes on to {head.number}.")
        if self.reached != head:
            return BrokenChain(self.reached.number, f"Event {self.reached.number} was added by somebody else.")
        return None
