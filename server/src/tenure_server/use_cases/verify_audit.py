"""Whether the audit trail is what was written: nothing removed, changed or slipped in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tenure_server.domain.audit_chain import AuditHead, AuditRecord, BrokenChain, ChainCheck
from tenure_server.use_cases.ports import Database, Records

PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """``reached`` is the last event that is as it was written; ``broken`` what comes after it, or None."""

    reached: AuditHead
    broken: BrokenChain | None


@dataclass(frozen=True, slots=True)
class VerifyAudit:
    database: Database

    def __call__(self, *, noted: AuditHead | None = None) -> AuditFinding:
        """Follow the chain from its first event. ``noted`` is an event written down earlier, somewhere else: with it
        a trail that was rewritten as a whole is noticed too."""
        check = ChainCheck()
        with self.database.reading() as records:
            for page in _pages(records):
                broken = check.read(page)
                if broken is not None:
                    return AuditFinding(check.reached, broken)
                if noted is not None and any(r.number == noted.number and r.digest != noted.digest for r in page):
                    problem = f"Event {noted.number} is not the one that was noted."
                    return AuditFinding(check.reached, BrokenChain(noted.number, problem))
            broken = check.finish(records.audit.head())
        if broken is None and noted is not None and noted.number > check.reached.number:
            broken = BrokenChain(noted.number, f"Event {noted.number}, which was noted, is missing.")
        return AuditFinding(check.reached, broken)


def all_records(records: Records) -> Iterator[AuditRecord]:
    """Every event, oldest first, in bounded memory."""
    for page in _pages(records):
        yield from page


def _pages(records: Records) -> Iterator[tuple[AuditRecord, ...]]:
    number = 0
    while page := records.audit.following(number, limit=PAGE):
        yield page
        number = page[-1].number
