"""The vendor's settings that use cases decide by, and the vendor's calendar."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from tenure_server.domain.pricing import SmpPrices
from tenure_server.domain.smp import RenewalRules
from tenure_server.domain.support_terms import ResponseRules


@dataclass(frozen=True, slots=True)
class VendorPolicy:
    """RULES.md, Calendar: every entitlement date is a calendar day in the vendor's time zone."""

    zone: tzinfo
    currency: str
    renewal_url: str
    prices: SmpPrices = field(default_factory=SmpPrices)
    renewal_rules: RenewalRules = field(default_factory=RenewalRules)
    certificate_lifetime: timedelta = timedelta(days=30)
    payment_days: int = 30
    quote_days: int = 30
    quote_terms: str = ""
    response_rules: ResponseRules = field(default_factory=ResponseRules)

    def day_of(self, instant: datetime) -> date:
        """The vendor's calendar day at that instant."""
        return instant.astimezone(self.zone).date()
