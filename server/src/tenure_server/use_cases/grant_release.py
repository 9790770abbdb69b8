"""A licence is given a release, or an x.y line, that its support periods do not cover."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.upgrades import grant_text
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of, required_reason
from tenure_server.use_cases.events import announce_licence
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_signing.entitlement import Grant


@dataclass(frozen=True, slots=True)
class GrantRelease:
    """RULES.md, Which releases are covered: ``granted``, bought as a paid upgrade or given by an operator."""

    database: Database
    clock: Clock

    def __call__(self, licence_id: str, grant: Grant, *, reason: str, who: str) -> Licence:
        """The licence with the grant; nothing changes if it holds it already. The version need not be published yet.

        Raises ``NotFound`` (``unknown_licence``) and ``InvalidRequest`` (``reason_missing``).
        """
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            licence = licence_of(records, licence_id)
            if grant in licence.grants:
                return licence
            give(records, licence, grant, now, who=who, reason=reason)
            return licence_of(records, licence_id)


def give(records: Records, licence: Licence, grant: Grant, now: datetime, *, who: str, reason: str) -> None:
    """The same within a larger change."""
    records.licences.add_grant(licence.licence_id, grant)
    announce_licence(records, now, EventType.LICENCE_GRANTED, licence, grant=grant_text(grant), reason=reason)
    audited(records, now, who, "licence.grant", licence.licence_id, grant=grant_text(grant), reason=reason)
