"""A licence is sold: the licence, its order lines, its key, and SMP if it was bought with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from tenure_server.domain.customers import Customer, CustomerDetails
from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import Payment, Sale, SaleKind
from tenure_server.errors import NotFound
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.customers import add_customer, customer_of, sound
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.sell import Selling
from tenure_server.use_cases.signers import LicenceKeyClaims
from tenure_signing.licence_key import licence_key_digest
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money


@dataclass(frozen=True, slots=True)
class LicenceOrder:
    """What was bought. ``smp_years`` is None where SMP was not bought with the licence."""

    product: ProductName
    edition: EditionName
    customer: str
    base_price: Money
    email: str | None = None
    customer_id: str | None = None  # whom to sell it to, in place of name and e-mail
    additional_users: int = 0
    additional_users_price: Money | None = None  # for all of them together
    smp_years: int | None = None
    purchased_on: date | None = None  # default: today
    reference: str | None = None  # the customer's order number, or the payment's


@dataclass(frozen=True, slots=True)
class IssuedLicence:
    """``key`` is what the customer pastes. It is a secret of the customer's."""

    licence: Licence
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssueLicence:
    database: Database
    clock: Clock
    selling: Selling

    def __call__(self, order: LicenceOrder, *, who: str, once: Once | None = None) -> IssuedLicence:
        """An order that is paid at once. Raises as ``Selling.place``; for a customer of anonymised name too."""
        now = self.clock().replace(microsecond=0)
        sale = Sale(
            SaleKind.LICENCE,
            order.product,
            order.edition,
            order.base_price.currency,
            base_price=order.base_price,
            additional_users=order.additional_users,
            additional_users_price=order.additional_users_price,
            smp_years=order.smp_years,
            purchased_on=order.purchased_on,
        )
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                licence = licence_of(records, before)
                return IssuedLicence(licence, self.key_again(licence))
            customer = _customer_for(records, self.clock, order, who)
            placed = self.selling.place(records, sale, customer, now, who=who, reference=order.reference)
            sold = self.selling.fulfil(records, placed, Payment(now, order.reference), who=who)
            settle(records, once, sold.licence.licence_id, now)
        assert sold.key is not None
        return IssuedLicence(sold.licence, sold.key)

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
        key = self.selling.key_signer.sign(claims)
        if licence_key_digest(key) != newest.digest:
            raise NotFound(
                "This licence's key was signed by a key that is no longer here.",
                code="key_not_here",
                hint="issue the customer a new licence key",
            )
        return key


def _customer_for(records: Records, clock: Clock, order: LicenceOrder, who: str) -> Customer:
    """The customer that is named, by id or by exactly the same name and e-mail address; else a new one."""
    if order.customer_id is not None:
        return customer_of(records, order.customer_id)
    details = sound(CustomerDetails(order.customer, order.email))
    known = records.customers.same(details.name, details.email)
    if known is not None and known.anonymised_at is None:
        return known
    return add_customer(records, clock, details, who=who)
