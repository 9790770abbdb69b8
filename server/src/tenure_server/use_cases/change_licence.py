"""What happens to a licence after it was sold: SMP ordered or added by hand, suspension, revocation, reinstatement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence, PaidPeriod, PeriodSource
from tenure_server.domain.smp import Ordering, RenewalWindow
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.events import announce_licence, announce_period
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_signing.entitlement import LicenceStatus, SupportPeriod


@dataclass(frozen=True, slots=True)
class AddPeriodByHand:
    """RULES.md: a vendor's operator can always add a period by hand; who, when and why goes to the audit trail."""

    database: Database
    clock: Clock

    def __call__(self, licence_id: str, period: SupportPeriod, *, reason: str, who: str) -> PaidPeriod:
        """Raises ``Conflict`` (``periods_overlap``), ``NotFound``, ``InvalidRequest`` (``reason_missing``)."""
        reason = required_reason(reason)
        paid = PaidPeriod(period, PeriodSource.BY_HAND, None, self.clock())
        with self.database.writing() as records:
            _add(records, licence_of(records, licence_id), paid, who, reason=reason)
        return paid


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    database: Database
    clock: Clock

    def __call__(self, licence_id: str, status: LicenceStatus, *, reason: str, who: str) -> Licence:
        """Suspend, revoke or reinstate; nothing changes if the licence has the status already."""
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            licence = licence_of(records, licence_id)
            if licence.status is status:
                return licence
            set_status(records, licence, status, now, who=who, reason=reason)
            return licence_of(records, licence_id)


def set_status(
    records: Records, licence: Licence, status: LicenceStatus, now: datetime, *, who: str, reason: str
) -> None:
    """The same within a larger change."""
    licence_id, before = licence.licence_id, licence.status
    records.licences.set_status(licence_id, status, reason)
    audited(records, now, who, f"licence.{status}", licence_id, before=before, after=status, reason=reason)
    announce_licence(records, now, _CHANGES[status], licence, before=before, reason=reason)


_CHANGES = {
    LicenceStatus.ACTIVE: EventType.LICENCE_REINSTATED,
    LicenceStatus.SUSPENDED: EventType.LICENCE_SUSPENDED,
    LicenceStatus.REVOKED: EventType.LICENCE_REVOKED,
}


def licence_of(records: Records, licence_id: str) -> Licence:
    """Raises ``NotFound`` (``unknown_licence``)."""
    licence = records.licences.get(licence_id)
    if licence is None:
        raise NotFound(
            "There is no such licence.",
            code="unknown_licence",
            hint="tenure licence list finds it by customer or e-mail",
        )
    return licence


def required_reason(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= 500 or not reason.isprintable():
        raise InvalidRequest(
            "A reason of 1 to 500 characters is required.",
            code="reason_missing",
            hint="one line; it goes to the audit trail",
        )
    return reason


def _add(records: Records, licence: Licence, paid: PaidPeriod, who: str, **details: object) -> None:
    records.licences.add_period(licence.licence_id, paid)
    audited(
        records,
        paid.added_at,
        who,
        "licence.support_period",
        licence.licence_id,
        starts_on=paid.period.starts_on.isoformat(),
        ends_on=paid.period.ends_on.isoformat(),
        price_minor_units=paid.price.minor_units if paid.price is not None else None,
        **details,
    )
    announce_period(records, licence, paid)


def first_day(window: RenewalWindow) -> date:
    """Of the term that can be ordered today. Raises ``Conflict`` (``too_early``, ``lapsed_closed``)."""
    match window.ordering:
        case Ordering.FIRST_TERM | Ordering.OPEN | Ordering.LAPSED_GAP | Ordering.LAPSED_BACKDATE:
            assert window.starts_on is not None
            return window.starts_on
        case Ordering.TOO_EARLY:
            raise Conflict(
                f"It is too early to renew: the renewal can be ordered from {window.opens_on}"
                f" up to and including {window.closes_on}.",
                code="too_early",
            )
        case Ordering.LAPSED_CLOSED:
            raise Conflict(
                "Support has lapsed and cannot be renewed any more.",
                code="lapsed_closed",
                hint="contact sales; an operator can add a period by hand",
            )
        case unexpected:
            assert_never(unexpected)
