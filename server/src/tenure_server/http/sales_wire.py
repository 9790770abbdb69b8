"""What the addresses of selling answer. As in ``wire.py``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import Field

from tenure_server.domain import customers as customers_domain
from tenure_server.domain import orders as orders_domain
from tenure_server.domain.licences import Licence, LineKind, PeriodSource
from tenure_server.domain.paging import Page
from tenure_server.domain.upgrades import UpgradeTerms, grant_text
from tenure_server.http.cursors import cursor_of
from tenure_server.http.wire import Answer, Money, Renewal
from tenure_server.use_cases.upgrades import OfferedUpgrade
from tenure_signing.entitlement import LicenceStatus


class Contact(Answer):
    contact_id: str
    name: str
    email: str | None
    phone: str | None
    role: str | None


class Customer(Answer):
    customer_id: str
    name: str
    email: str | None
    reference: str | None = Field(description="the vendor's own number for the customer")
    language: str
    country: str | None = Field(description="ISO 3166, two letters")
    time_zone: str | None
    vat_id: str | None
    notes: str
    contacts: list[Contact]
    created_at: datetime
    anonymised_at: datetime | None
    merged_into: str | None = Field(description="the id of the customer that has everything of this record")

    @classmethod
    def of(cls, customer: customers_domain.Customer) -> Self:
        details = customer.details
        contacts = [
            Contact(contact_id=one.contact_id, name=one.name, email=one.email, phone=one.phone, role=one.role)
            for one in customer.contacts
        ]
        return cls(
            customer_id=customer.customer_id,
            name=details.name,
            email=details.email,
            reference=details.reference,
            language=details.language,
            country=details.country,
            time_zone=details.time_zone,
            vat_id=details.vat_id,
            notes=details.notes,
            contacts=contacts,
            created_at=customer.created_at,
            anonymised_at=customer.anonymised_at,
            merged_into=customer.merged_into,
        )


class CustomerPage(Answer):
    customers: list[Customer]
    next_cursor: str | None = Field(description="pass it as `cursor` for the next page; null on the last one")

    @classmethod
    def of(cls, page: Page[customers_domain.Customer]) -> Self:
        return cls(customers=[Customer.of(one) for one in page.entries], next_cursor=cursor_of(page.after))


class PriceLine(Answer):
    thing: orders_domain.PricedThing
    text: str
    arithmetic: str = Field(description="how a reckoned price came about; empty for the others")
    amount: Money

    @classmethod
    def of(cls, line: orders_domain.PriceLine) -> Self:
        return cls(thing=line.thing, text=line.text, arithmetic=line.arithmetic, amount=Money.of(line.amount))


class OrderAnswer(Answer):
    number: str
    customer_id: str
    licence_id: str | None = Field(description="of a new licence only once the order is paid")
    kind: orders_domain.SaleKind
    product: str
    edition: str
    additional_users: int
    smp_years: int | None
    upgrade: str | None = Field(description="what it upgrades to: `version 3.0` or `line 3.0`")
    seats: int | None = Field(description="that an upgrade is for")
    lines: list[PriceLine]
    total: Money
    starts_on: date | None = Field(description="first day of the support period it sells")
    ends_on: date | None = Field(description="its last day, inclusive")
    free_support_until: date | None = Field(description="last day of support that is given without SMP")
    state: orders_domain.OrderState
    ordered_at: datetime
    ordered_on: date
    pay_by: date
    reference: str | None
    quote: str | None
    paid_at: datetime | None
    payment: str | None
    ended_on: date | None = Field(description="the day of the cancellation or refund")
    reason: str | None
    refunded: Money | None

    @classmethod
    def of(cls, order: orders_domain.Order) -> Self:
        period, payment, end = order.period, order.payment, order.end
        refunded = end.refunded if end is not None else None
        return cls(
            number=order.number,
            customer_id=order.customer_id,
            licence_id=order.licence_id,
            kind=order.sale.kind,
            product=order.sale.product,
            edition=order.sale.edition,
            additional_users=order.sale.additional_users,
            smp_years=order.sale.smp_years,
            upgrade=grant_text(order.sale.upgrade) if order.sale.upgrade is not None else None,
            seats=order.sale.seats,
            lines=[PriceLine.of(line) for line in order.lines],
            total=Money.of(order.total),
            starts_on=period.starts_on if period is not None else None,
            ends_on=period.ends_on if period is not None else None,
            free_support_until=order.sale.free_support_until,
            state=order.state,
            ordered_at=order.ordered_at,
            ordered_on=order.ordered_on,
            pay_by=order.pay_by,
            reference=order.reference,
            quote=order.quote,
            paid_at=payment.at if payment is not None else None,
            payment=payment.reference if payment is not None else None,
            ended_on=end.day if end is not None else None,
            reason=end.reason if end is not None else None,
            refunded=Money.of(refunded) if refunded is not None else None,
        )


class OrderPage(Answer):
    orders: list[OrderAnswer]
    next_cursor: str | None = Field(description="pass it as `cursor` for the next page; null on the last one")

    @classmethod
    def of(cls, page: Page[orders_domain.Order]) -> Self:
        return cls(orders=[OrderAnswer.of(one) for one in page.entries], next_cursor=cursor_of(page.after))


class PaidOrderAnswer(Answer):
    """Not to be logged: a new licence's key is in it."""

    order: OrderAnswer
    is_new: bool = Field(description="false: it was paid before, and nothing was changed")
    certificate: str = Field(description="SMP certificate of the licence as it is now")
    licence_key: str | None = Field(description="of a new licence, once")


class SoldLine(Answer):
    kind: LineKind
    seats: int
    amount: Money
    bought_on: date
    order: str | None


class SoldPeriod(Answer):
    starts_on: date
    ends_on: date = Field(description="inclusive")
    source: PeriodSource
    price: Money | None
    order: str | None


class SoldLicence(Answer):
    """A licence as the sales desk sees it; never its key."""

    licence_id: str
    customer_id: str
    customer: str
    email: str | None
    product: str
    edition: str
    seats: int
    status: LicenceStatus
    status_reason: str | None
    purchased_on: date
    total_purchase_price: Money
    lines: list[SoldLine]
    periods: list[SoldPeriod]
    grants: list[str] = Field(description="bought as upgrades or given: `version 3.0`, `line 3.0`")

    @classmethod
    def of(cls, licence: Licence) -> Self:
        return cls(
            licence_id=licence.licence_id,
            customer_id=licence.customer_id,
            customer=licence.customer,
            email=licence.email,
            product=licence.product,
            edition=licence.edition,
            seats=licence.seats,
            status=licence.status,
            status_reason=licence.status_reason,
            purchased_on=licence.purchased_on,
            total_purchase_price=Money.of(licence.total_purchase_price),
            lines=[
                SoldLine(
                    kind=one.kind,
                    seats=one.seats,
                    amount=Money.of(one.amount),
                    bought_on=one.bought_on,
                    order=one.order,
                )
                for one in licence.lines
            ],
            periods=[
                SoldPeriod(
                    starts_on=one.period.starts_on,
                    ends_on=one.period.ends_on,
                    source=one.source,
                    price=Money.of(one.price) if one.price is not None else None,
                    order=one.order,
                )
                for one in licence.periods
            ],
            grants=[grant_text(grant) for grant in licence.grants],
        )


class LicencePage(Answer):
    licences: list[SoldLicence]
    next_cursor: str | None = Field(description="pass it as `cursor` for the next page; null on the last one")


class UpgradeOffer(Answer):
    version: str
    price_per_seat: Money
    total: Money = Field(description="for all seats of the licence")
    terms: UpgradeTerms = Field(description="which price it is")
    order: str | None = Field(description="the number of an order for it that waits to be paid")

    @classmethod
    def of(cls, offered: OfferedUpgrade) -> Self:
        return cls(
            version=str(offered.upgrade.priced_by),
            price_per_seat=Money.of(offered.upgrade.per_seat),
            total=Money.of(offered.total),
            terms=offered.upgrade.terms,
            order=offered.waiting.number if offered.waiting is not None else None,
        )


class LicenceDetails(Answer):
    licence: SoldLicence
    renewal: Renewal = Field(description="what could be ordered, from when until when, and at what price")
    upgrades: list[UpgradeOffer] = Field(description="releases that can be bought, oldest version first")
