"""Where a licence's SMP stands today, and what a renewal would cost. RULES.md, Support periods; Plans and prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from tenure_server.domain.licence_facts import SupportedLicence
from tenure_server.domain.pricing import smp_price
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.domain.smp import PLAN_YEARS, RenewalRules, RenewalWindow, renewal_window, term
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import SupportPeriod
from tenure_signing.releases import Money


@dataclass(frozen=True, slots=True)
class SupportSummary:
    """``days_left`` counts today and the last covered day; 0 when no covered day is left."""

    periods: tuple[SupportPeriod, ...]
    last_covered_day: date | None
    days_left: int
    is_supported_today: bool


@dataclass(frozen=True, slots=True)
class RenewalOption:
    years: int
    period: SupportPeriod
    price: Money


@dataclass(frozen=True, slots=True)
class RenewalOffer:
    """``options`` is empty when nothing could be ordered now or later without the sales desk, or no price is known."""

    window: RenewalWindow
    options: tuple[RenewalOption, ...]
    url: str


def support_summary(licence: SupportedLicence, today: date) -> SupportSummary:
    periods = licence.support_periods
    last_day = licence.last_paid_day
    return SupportSummary(
        periods=periods,
        last_covered_day=last_day,
        days_left=max(0, (last_day - today).days + 1) if last_day is not None else 0,
        is_supported_today=any(today in period for period in periods),
    )


def renewal_offer(licence: SupportedLicence, product: Product, policy: VendorPolicy, today: date) -> RenewalOffer:
    """What can be ordered, from when until when, and at what price; before the window opens, the next renewal."""
    window, terms = window_and_terms(licence.last_paid_day, product.lapse_policy, today, policy.renewal_rules)
    price_base = licence.total_purchase_price
    options: tuple[RenewalOption, ...] = ()
    if price_base is not None:
        options = tuple(
            RenewalOption(years, period, smp_price(price_base, years, policy.prices)) for years, period in terms
        )
    return RenewalOffer(window, options, policy.renewal_url)


@lru_cache(maxsize=4_096)
def window_and_terms(
    last_paid_day: date | None, lapse_policy: LapsePolicy, today: date, rules: RenewalRules
) -> tuple[RenewalWindow, tuple[tuple[int, SupportPeriod], ...]]:
    """What all licences have in common whose support ends on the same day: the window and the terms on offer."""
    window = renewal_window(last_paid_day, lapse_policy, today, rules)
    if window.starts_on is None:
        return window, ()
    return window, tuple((years, term(window.starts_on, years)) for years in PLAN_YEARS)
