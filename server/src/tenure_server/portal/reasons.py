"""What the decisions of the use cases mean, said to the customer.

Nothing is decided here: every sentence follows from a reason, a window or a day that a use case returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import assert_never

from tenure_server.domain.licences import Licence
from tenure_server.domain.money import show
from tenure_server.domain.orders import Order
from tenure_server.domain.smp import Ordering
from tenure_server.domain.upgrades import UpgradeTerms
from tenure_server.portal.wording import counted, day
from tenure_server.use_cases.support_summary import RenewalOffer, SupportSummary
from tenure_server.use_cases.upgrades import OfferedUpgrade
from tenure_signing.coverage import CoverageReason, Covered, NotCovered, RefusalReason
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.releases import Release


@dataclass(frozen=True, slots=True)
class Headline:
    """``tone`` is ``good``, ``soon`` or ``over``, for the colour; the words say it too."""

    title: str
    detail: str
    tone: str


def support_headline(support: SupportSummary, licence: Licence, today: date, *, is_last_call: bool) -> Headline:
    last = support.last_covered_day
    if licence.status is not LicenceStatus.ACTIVE:
        title = f"Support paid until {day(last)}" if last is not None else "Without support"
        return Headline(title, f"Support does not count while a licence is {licence.status}.", "over")
    bought = day(licence.purchased_on)
    if last is None:
        return Headline(
            "Without support",
            f"No support was bought so far. Everything released up to {bought} is yours for good.",
            "over",
        )
    if support.is_supported_today:
        left = "Today is the last day." if support.days_left == 1 else f"{counted(support.days_left, 'day')} left."
        tone = "soon" if is_last_call else "good"
        return Headline(
            f"Supported until {day(last)}",
            f"{left} Releases of these days are yours to keep, paid upgrades aside.",
            tone,
        )
    if last >= today:
        following = min(period.starts_on for period in support.periods if period.starts_on > today)
        return Headline("Between two support periods", f"The next one begins on {day(following)}.", "soon")
    ago = counted((today - last).days, "day")
    return Headline(
        f"Support ended on {day(last)}",
        f"That was {ago} ago. What was included until then stays yours for good.",
        "over",
    )


def renewal_sentences(renewal: RenewalOffer, today: date) -> tuple[str, str]:
    """What can be ordered now, in one sentence; and what is good to know about it."""
    window = renewal.window
    match window.ordering:
        case Ordering.FIRST_TERM:
            return (
                "Support can be ordered any day.",
                "It starts on the day it is ordered. What was released since the purchase is not included.",
            )
        case Ordering.OPEN:
            assert window.closes_on is not None
            left = counted((window.closes_on - today).days + 1, "day")
            return (
                f"Support can be renewed now, up to and including {day(window.closes_on)}.",
                f"{'Last call: ' if window.is_last_call else ''}{left} left to do so."
                " The new term starts when the old one ends, whatever day it is ordered on.",
            )
        case Ordering.TOO_EARLY:
            assert window.opens_on is not None
            assert window.closes_on is not None
            return (
                f"Support can be renewed from {day(window.opens_on)} up to and including {day(window.closes_on)}.",
                "There is nothing to do until then. The new term will start when the old one ends.",
            )
        case Ordering.LAPSED_CLOSED:
            return "Support has ended and can no longer be renewed from here.", "The sales desk can help."
        case Ordering.LAPSED_GAP:
            return (
                "Support can be ordered anew any day.",
                "It starts on the day it is ordered. What was released since the old term ended is not included.",
            )
        case Ordering.LAPSED_BACKDATE:
            return (
                "Support can be taken up again.",
                "The new term starts on the day after the old one ended, so that nothing in between is missing.",
            )
        case unexpected:
            assert_never(unexpected)


def why_covered(decision: Covered, licence: Licence) -> str:
    match decision.reason:
        case CoverageReason.PURCHASED:
            return f"Yours with the purchase on {day(licence.purchased_on)}."
        case CoverageReason.SUPPORT_PERIOD:
            return "Yours: it was released while you had support."
        case CoverageReason.GRANTED:
            return "Yours: it was bought as an upgrade or given to this licence."
        case CoverageReason.OPEN_RELEASE:
            return "Yours: this release is open to everybody with your edition, in support or not."
        case CoverageReason.STEP:
            return "Yours as a step: you need it on the way to a later version that is yours."
        case CoverageReason.SERVICE_PACK:
            return "Yours: a service pack for a version that is yours."
        case unexpected:
            assert_never(unexpected)


def why_not_covered(decision: NotCovered, licence: Licence, release: Release) -> str | None:
    released = f"It was released on {day(release.released_on)}"
    match decision.reason:
        case RefusalReason.LICENCE_SUSPENDED | RefusalReason.LICENCE_REVOKED:
            return None  # the page says it once, at its top
        case RefusalReason.WRONG_PRODUCT:
            return "It is a release of another product."
        case RefusalReason.WRONG_EDITION:
            return "It was not made for your edition."
        case RefusalReason.UPGRADE_PAYMENT_DUE:
            return "It is a paid upgrade, and it has not been paid for yet."
        case RefusalReason.NEVER_SUPPORTED:
            return f"{released}, after your purchase on {day(licence.purchased_on)}, and no support was bought."
        case RefusalReason.AFTER_SUPPORT:
            assert licence.last_paid_day is not None
            return f"{released}, after your support ended on {day(licence.last_paid_day)}."
        case RefusalReason.BETWEEN_PERIODS:
            return f"{released}, a day without support."
        case unexpected:
            assert_never(unexpected)


def upgrade_sentence(offered: OfferedUpgrade) -> str:
    """What a release costs that is sold for the licence."""
    each, seats = offered.upgrade.per_seat, offered.seats
    sum_up = "" if seats == 1 else f", {show(offered.total)} for your {seats} seats"
    match offered.upgrade.terms:
        case UpgradeTerms.WITH_SMP:
            return f"You had support on its day, so it costs {show(each)} a seat{sum_up}."
        case UpgradeTerms.WITHOUT_SMP:
            return f"It costs {show(each)} a seat{sum_up}."
        case UpgradeTerms.SOLD_SINGLY:
            return f"It can be bought by itself for {show(each)} a seat{sum_up}."
        case unexpected:
            assert_never(unexpected)


def waiting_sentence(order: Order) -> str:
    """What is missing of an upgrade that was ordered."""
    return f"You ordered it on {day(order.ordered_on)}: it is yours once order {order.number} is paid."


def what_would_cover(
    decision: NotCovered, release: Release, renewal: RenewalOffer, vendor: str, *, is_sold: bool
) -> str | None:
    """How to get this release, as far as there is a way beside buying it; None where only the licence's state stands
    in it."""
    match decision.reason:
        case RefusalReason.LICENCE_SUSPENDED | RefusalReason.LICENCE_REVOKED:
            return None
        case RefusalReason.UPGRADE_PAYMENT_DUE:
            assert decision.price is not None
            return None if is_sold else f"Contact {vendor} to order it."
        case RefusalReason.WRONG_PRODUCT | RefusalReason.WRONG_EDITION:
            return f"Contact {vendor} about a licence for it."
        case RefusalReason.NEVER_SUPPORTED | RefusalReason.AFTER_SUPPORT | RefusalReason.BETWEEN_PERIODS:
            return _renewal_that_would_cover(release, renewal) or (
                None if is_sold else f"Contact {vendor} if you need it."
            )
        case unexpected:
            assert_never(unexpected)


def _renewal_that_would_cover(release: Release, renewal: RenewalOffer) -> str | None:
    for option in renewal.options:
        if release.released_on in option.period:
            first, last = day(option.period.starts_on), day(option.period.ends_on)
            when = "" if renewal.window.can_be_ordered else ", once it can be ordered"
            return f"Support from {first} to {last} would include it{when}: see “Renewal”."
    return None
