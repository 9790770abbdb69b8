"""One way to write down who did what."""

from __future__ import annotations

from datetime import datetime

from tenure_server.use_cases.ports import AuditEvent, Records


def audited(records: Records, at: datetime, who: str, action: str, subject: str, **details: object) -> None:
    """Append an event in the transaction of the change it tells of. Details are JSON values, never secrets."""
    records.audit.append(AuditEvent(at=at, who=who, action=action, subject=subject, details=details))
