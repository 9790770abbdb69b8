"""What a reminder says of a licence on a day: read from the licence and the catalogue, in no language yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tenure_server.domain.licences import Licence
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.domain.reminders import PricedTerm, ReminderFacts, ToldRelease
from tenure_server.domain.smp import Ordering
from tenure_server.use_cases.list_releases import ListedRelease, ListReleases
from tenure_server.use_cases.reminder_links import ReminderLinks
from tenure_server.use_cases.support_summary import RenewalOption, renewal_offer
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.coverage import Covered, NotCovered, RefusalReason

_MISSED = frozenset({RefusalReason.AFTER_SUPPORT, RefusalReason.BETWEEN_PERIODS})


def priced_term(option: RenewalOption, licence: Licence, policy: VendorPolicy) -> PricedTerm:
    """A term that can be ordered for the licence, with the arithmetic of its price."""
    percent = policy.prices.percent_for_term(option.years) / option.years
    return PricedTerm(
        years=option.years,
        period=option.period,
        price=option.price,
        percent=f"{percent.normalize():f}",
        total=licence.total_purchase_price,
    )


@dataclass(frozen=True, slots=True)
class ReminderFactsOf:
    """``allows_opt_out``: whether the vendor's contracts let customers do without reminders."""

    list_releases: ListReleases
    policy: VendorPolicy
    links: ReminderLinks
    vendor: str
    public_url: str
    allows_opt_out: bool

    def __call__(self, licence: Licence, product: Product, ends_on: date, today: date) -> ReminderFacts:
        """``ends_on`` is the last paid day. Releases are those that are visible today."""
        offer = renewal_offer(licence, product, self.policy, today)
        is_before = offer.window.ordering in (Ordering.TOO_EARLY, Ordering.OPEN)
        listed = self.list_releases(licence)
        return ReminderFacts(
            vendor=self.vendor,
            product=product.title,
            edition=licence.edition,
            licence_id=licence.licence_id,
            customer=licence.customer,
            seats=licence.seats,
            ends_on=ends_on,
            days_left=(ends_on - today).days,
            is_last_call=offer.window.is_last_call,
            closes=product.lapse_policy is LapsePolicy.CLOSED,
            opens_on=offer.window.opens_on if is_before else None,
            terms=tuple(priced_term(option, licence, self.policy) for option in offer.options),
            received=_told(each for each in listed if _was_received(each, licence, ends_on)),
            missed=_told(each for each in listed if _was_missed(each)),
            renewal_url=self.policy.renewal_url,
            portal_url=f"{self.public_url}/portal",
            unsubscribe_url=self.unsubscribe_url(licence.licence_id) if self.allows_opt_out else None,
        )

    def unsubscribe_url(self, licence_id: str) -> str:
        return f"{self.public_url}/portal/reminders/{self.links.token_of(licence_id)}"


def _was_received(each: ListedRelease, licence: Licence, ends_on: date) -> bool:
    """Whether the release is covered and came out in the last support period."""
    period = next((paid.period for paid in licence.periods if paid.period.ends_on == ends_on), None)
    return period is not None and isinstance(each.decision, Covered) and each.release.released_on in period


def _was_missed(each: ListedRelease) -> bool:
    is_withdrawn = each.release.withdrawal is not None
    return isinstance(each.decision, NotCovered) and each.decision.reason in _MISSED and not is_withdrawn


def _told(listed: Iterable[ListedRelease]) -> tuple[ToldRelease, ...]:
    return tuple(ToldRelease(each.release.version, each.release.released_on) for each in listed)
