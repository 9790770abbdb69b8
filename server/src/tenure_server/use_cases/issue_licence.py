"""A licence is sold: the licence, its order lines, its key, and SMP if it was bought with it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import IssuedKey, Licence, LineKind, OrderLine, PaidPeriod, PeriodSource
from tenure_server.domain.pricing import smp_price, total
from tenure_server.domain.smp import PLAN_YEARS, term
from tenure_server.errors import InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.events import announce_licence, announce_period
from tenure_server.use_cases.feed_tokens import FeedTokens
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.signers import LicenceKeyClaims, LicenceKeySigner
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.licence_key import display_hint, licence_key_digest
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money

_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u to mishear on the telephone

LARGEST_AMOUNT = 10**15
"""Minor units. Anything larger is a slip of the keyboard."""


@dataclass(frozen=True, slots=True)
class LicenceOrder:
    """What was bought. ``smp_years`` is None where SMP was not bought with the licence."""

    product: ProductName
    edition: EditionName
    customer: str
    base_price: Money
    email: str | None = None
    additional_users: int = 0
    additional_users_price: Money | None = None  # for all of them together
    smp_years: int | None = None
    purchased_on: date | None = None  # default: today


@dataclass(frozen=True, slots=True)
class IssuedLicence:
    """``key`` is what the customer pastes. It is a secret of the customer's."""

    licence: Licence
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssueLicence:
    database: Database
    clock: Clock
    policy: VendorPolicy
    key_signer: LicenceKeySigner
    feed_tokens: FeedTokens

    def __call__(self, order: LicenceOrder, *, who: str) -> IssuedLicence:
        """Raises ``NotFound`` (``unknown_product``) and ``InvalidRequest`` for an order that makes no sense."""
        now = self.clock().replace(microsecond=0)
        today = self.policy.day_of(now)
        purchased_on = order.purchased_on or today
        _require_sound(order, purchased_on, today)
        lines = _lines(order, purchased_on)
        licence_id = _new_licence_id()
        claims = LicenceKeyClaims(
            licence_id, order.product, order.edition, purchased_on, 1 + order.additional_users, now
        )
        key = self.key_signer.sign(claims)
        issued_key = IssuedKey(licence_key_digest(key), self.key_signer.key_id, now, display_hint(key), claims.seats)
        licence = Licence(
            licence_id=licence_id,
            product=order.product,
            edition=order.edition,
            customer=order.customer.strip(),
            email=order.email,
            purchased_on=purchased_on,
            currency=order.base_price.currency,
            status=LicenceStatus.ACTIVE,
            status_reason=None,
            lines=lines,
            periods=self._first_period(order, lines, purchased_on, now),
            grants=(),
            keys=(issued_key,),
            created_at=now,
        )
        with self.database.writing() as records:
            product = records.products.get(order.product)
            if product is None:
                raise NotFound("There is no such product.", code="unknown_product")
            if order.edition not in product.editions:
                raise InvalidRequest(
                    f"{product.name} has no edition {order.edition}.",
                    code="unknown_edition",
                    hint=f"its editions are {', '.join(product.editions)}",
                )
            records.licences.add(licence, feed_token_digest=self.feed_tokens.digest_of(licence_id))
            audited(
                records,
                now,
                who,
                "licence.issue",
                licence_id,
                product=licence.product,
                edition=licence.edition,
                seats=licence.seats,
                total_minor_units=licence.total_purchase_price.minor_units,
                currency=licence.currency,
                smp_years=order.smp_years,
            )
            facts = {"seats": licence.seats, "purchased_on": purchased_on.isoformat()}
            announce_licence(records, now, EventType.LICENCE_ISSUED, licence, **facts)
            for paid in licence.periods:
                announce_period(records, licence, paid)
        return IssuedLicence(licence, key)

    def key_again(self, licence: Licence) -> str:
        """The licence's newest key once more, signed anew from the same claims. Raises ``NotFound``
        (``key_not_here``) if the key that signed it is no longer here."""
        newest = max(licence.keys, key=lambda key: key.issued_at)
        claims = LicenceKeyClaims(
            licence.licence_id,
            licence.product,
            licence.edition,
            licence.purchased_on,
            newest.seats,
            newest.issued_at,
        )
        key = self.key_signer.sign(claims)
        if licence_key_digest(key) != newest.digest:
            raise NotFound(
                "This licence's key was signed by a key that is no longer here.",
                code="key_not_here",
                hint="issue the customer a new licence key",
            )
        return key

    def _first_period(
        self, order: LicenceOrder, lines: tuple[OrderLine, ...], purchased_on: date, now: datetime
    ) -> tuple[PaidPeriod, ...]:
        if order.smp_years is None:
            return ()
        price_base = total((line.amount for line in lines), order.base_price.currency)
        price = smp_price(price_base, order.smp_years, self.policy.prices)
        return (PaidPeriod(term(purchased_on, order.smp_years), PeriodSource.PURCHASE, price, now),)


def _lines(order: LicenceOrder, bought_on: date) -> tuple[OrderLine, ...]:
    base = OrderLine(LineKind.BASE, 1, order.base_price, bought_on)
    if order.additional_users == 0:
        return (base,)
    assert order.additional_users_price is not None
    return (
        base,
        OrderLine(LineKind.ADDITIONAL_USERS, order.additional_users, order.additional_users_price, bought_on),
    )


def _require_sound(order: LicenceOrder, purchased_on: date, today: date) -> None:
    if not order.customer.strip() or len(order.customer) > 200 or not order.customer.isprintable():
        raise InvalidRequest("A customer's name has 1 to 200 printable characters.", code="invalid_customer")
    if order.email is not None and not _is_email(order.email):
        raise InvalidRequest("The e-mail address is not one.", code="invalid_email")
    if purchased_on > today:
        raise InvalidRequest("A licence cannot have been purchased in the future.", code="future_purchase")
    if order.smp_years is not None and order.smp_years not in PLAN_YEARS:
        raise InvalidRequest("An SMP plan is for one or two years.", code="invalid_plan")
    if not 0 <= order.additional_users <= 1_000_000:
        raise InvalidRequest("Additional users are from 0 to 1 000 000.", code="invalid_seats")
    if (order.additional_users_price is not None) != (order.additional_users > 0):
        raise InvalidRequest("Additional users and their price go together.", code="invalid_price")
    for amount in (order.base_price, order.additional_users_price):
        if amount is not None and not 0 <= amount.minor_units <= LARGEST_AMOUNT:
            raise InvalidRequest("A price is not negative and not beyond reason.", code="invalid_price")
        if amount is not None and amount.currency != order.base_price.currency:
            raise InvalidRequest("All prices of an order are in one currency.", code="mixed_currencies")


def _is_email(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    return bool(at and name and "." in domain) and len(text) <= 254 and text.isprintable() and " " not in text


def _new_licence_id() -> str:
    """80 random bits as four groups of four: short enough to say on the telephone."""
    characters = [secrets.choice(_ID_ALPHABET) for _ in range(16)]
    return "-".join("".join(characters[i : i + 4]) for i in range(0, 16, 4))
