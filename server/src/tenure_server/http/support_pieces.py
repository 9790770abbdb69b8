"""The part of an update check's answer that is the licence's own: its support and renewal, spelled as ``wire`` does.

What depends on the support periods alone is spelled once for all licences that have the same ones; of a licence's own
there is only the price. A test holds the result equal, byte for byte, to what ``wire`` renders.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from tenure_server.domain.licence_facts import SupportedLicence
from tenure_server.domain.pricing import smp_price_units
from tenure_server.domain.products import Product
from tenure_server.domain.smp import RenewalWindow
from tenure_server.http import wire
from tenure_server.use_cases.licence_cache import RecentlyUsed
from tenure_server.use_cases.support_summary import SupportSummary, support_summary, window_and_terms
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import SupportPeriod

MAX_PERIODS = 16_384
"""Of so many different support periods it is remembered what is told of them."""


class _Told(NamedTuple):
    """``begin`` ends where the options begin, each option where its price begins."""

    periods: tuple[SupportPeriod, ...]
    begin: str
    options: tuple[tuple[int, str], ...]  # years


class SupportPieces:
    """Of the licences of one product on one day."""

    def __init__(self, product: Product, policy: VendorPolicy, today: date) -> None:
        self.product = product
        self.today = today
        self._policy = policy
        self._end = f'],"url":{_json_text(policy.renewal_url)}}}'
        # By identity: licences that have the same periods mostly share them, and comparing would cost more.
        self._told: RecentlyUsed[int, _Told] = RecentlyUsed(MAX_PERIODS)

    def of(self, licence: SupportedLicence) -> bytes:
        """``"support":…,"renewal":…``."""
        periods = licence.support_periods
        told = self._told.get(id(periods))
        if told is None or told.periods is not periods:
            told = self._new(licence)
            self._told.put(id(periods), told)
        price, options = licence.total_purchase_price, ""
        if told.options and price is not None:
            prices, base, after = self._policy.prices, price.minor_units, f',"currency":"{price.currency}"}}}}'
            options = ",".join(
                [f"{begin}{smp_price_units(base, years, prices)}{after}" for years, begin in told.options]
            )
        return f"{told.begin}{options}{self._end}".encode()

    def _new(self, licence: SupportedLicence) -> _Told:
        support = _support(support_summary(licence, self.today))
        window, terms = window_and_terms(
            licence.last_paid_day, self.product.lapse_policy, self.today, self._policy.renewal_rules
        )
        return _Told(
            licence.support_periods,
            f'"support":{support},"renewal":{_window(window)},"options":[',
            tuple(
                (
                    years,
                    f'{{"years":{years},"starts_on":"{period.starts_on}","ends_on":"{period.ends_on}",'
                    '"price":{"minor_units":',
                )
                for years, period in terms
            ),
        )


def _support(summary: SupportSummary) -> str:
    periods = ",".join(f'{{"starts_on":"{p.starts_on}","ends_on":"{p.ends_on}"}}' for p in summary.periods)
    return (
        f'{{"supported_today":{_boolean(summary.is_supported_today)},"last_covered_day":{_day(summary.last_covered_day)},'
        f'"days_left":{summary.days_left},"periods":[{periods}]}}'
    )


def _window(window: RenewalWindow) -> str:
    return (
        f'{{"can_be_ordered":{_boolean(window.can_be_ordered)},"state":"{window.ordering.value}",'
        f'"last_call":{_boolean(window.is_last_call)},"opens_on":{_day(window.opens_on)},'
        f'"closes_on":{_day(window.closes_on)}'
    )


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _day(day: date | None) -> str:
    return "null" if day is None else f'"{day}"'


def _json_text(text: str) -> str:
    """JSON of a text that comes from settings, in the spelling of ``wire``."""
    return wire.Fault(where=text, problem="").model_dump_json()[len('{"where":') : -len(',"problem":""}')]
