"""Paid upgrades, and releases sold singly, as a salesperson knows them. RULES.md, Paid upgrades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import Order, OrderState, sale_for
from tenure_server.domain.shop_payments import PaymentNotice
from tenure_server.errors import Conflict, InvalidRequest, Refusal
from tenure_server.papers.quote_paper import QuotePaper
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.receive_payment import ReceivePayment
from tenure_server.use_cases.upgrades import OfferedUpgrade
from tenure_signing.certificate import verify_certificate
from tenure_signing.coverage import CoverageReason, Covered, NotCovered, RefusalReason
from tenure_signing.entitlement import Grant, LicenceStatus, LineGrant, SupportPeriod, UpdateRules, VersionGrant
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.releases import Money, PaidUpgrade
from tenure_signing.versions import Version
from tests.server.world import CAD, CAM, LINUX, LITE, MYR_1000, PRO, TODAY, WHO, World

V3, LINE3 = VersionGrant(Version("3.0")), LineGrant(3, 0)


def myr(amount: int) -> Money:
    return Money(amount * 100, "MYR")


PRICES = PaidUpgrade(myr(150), myr(450))


@dataclass
class Desk:
    """On 2026-11-23: 3.0, a paid upgrade, is of 2026-11-10; 2.2, which is not, of 2026-05-15."""

    world: World

    def publish(self, version: str, released_on: date, **more: object) -> None:
        self.world.publish(version, released_on, platforms=(LINUX,), **more)  # type: ignore[arg-type]
        self.world.installation = self.world.reopened()  # which knows of it at once

    def withdraw(self, version: str) -> None:
        self.world.withdraw(version, "it loses layers")
        self.world.installation = self.world.reopened()

    def sold(self, on: date, *, smp_years: int | None = 1, users: int = 0) -> Licence:
        order = LicenceOrder(
            CAD,
            PRO,
            "Ada Tan",
            MYR_1000,
            smp_years=smp_years,
            purchased_on=on,
            additional_users=users,
            additional_users_price=myr(300) if users else None,
        )
        return self.world.installation.issue_licence(order, who=WHO).licence

    def read(self, licence: Licence) -> Licence:
        with self.world.database.reading() as records:
            found = records.licences.get(licence.licence_id)
        assert found is not None
        return found

    def order(self, licence: Licence, grant: Grant) -> Order:
        sale = sale_for(self.read(licence), upgrade=grant)
        return self.world.installation.place_order(lambda _: (licence.customer_id, sale), who=WHO)

    def refused(self, licence: Licence, grant: Grant) -> str:
        with pytest.raises(Refusal) as caught:
            self.order(licence, grant)
        return caught.value.code

    def pay(self, order: Order, **more: object) -> Licence:
        paid = self.world.installation.confirm_payment(order.number, who=WHO, **more)  # type: ignore[arg-type]
        return paid.fulfilment.licence

    def refund(self, order: Order) -> Order:
        return self.world.installation.refund_order(order.number, reason="sent back", who=WHO)

    def answer(self, licence: Licence, version: str) -> object:
        listed = self.world.installation.list_releases(self.read(licence))
        return next(one.decision for one in listed if one.release.version == Version(version))

    def offers(self, licence: Licence) -> dict[str, OfferedUpgrade]:
        found = self.world.installation.upgrade_offers(self.read(licence))
        return {str(one.upgrade.priced_by): one for one in found}

    def set_price(self, version: str, price: Money | None, product: ProductName = CAD) -> bool:
        return self.world.installation.set_release_price(product, Version(version), price, who=WHO)


@pytest.fixture
def desk(world: World) -> Desk:
    world.publish("1.0", date(2025, 1, 1), platforms=(LINUX,))
    world.publish("2.2", date(2026, 5, 15), platforms=(LINUX,))
    world.publish("3.0", date(2026, 11, 10), platforms=(LINUX,), paid_upgrade=PRICES)
    return Desk(world)


# --- Ordered, paid, refunded


def test_a_paid_upgrade_is_due_until_its_order_is_paid_and_granted_from_then_on(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    assert desk.answer(licence, "3.0") == NotCovered(RefusalReason.UPGRADE_PAYMENT_DUE, myr(150))
    order = desk.order(licence, V3)
    assert desk.answer(licence, "3.0") == NotCovered(RefusalReason.UPGRADE_PAYMENT_DUE, myr(150))
    assert desk.pay(order).grants == (V3,)
    assert desk.answer(licence, "3.0") == Covered(CoverageReason.GRANTED)


def test_payment_grant_and_certificate_are_one_transaction(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    order = desk.order(licence, V3)
    installation = desk.world.installation
    paid = installation.confirm_payment(order.number, who=WHO)
    certificate = verify_certificate(paid.certificate, installation.keys.licence_key_set(), desk.world.now())
    assert certificate.entitlement.grants == (V3,)

    other = desk.sold(date(2026, 1, 1))
    unpaid = desk.order(other, V3)

    def broken(*_: object) -> str:
        raise RuntimeError("the key is not there")

    confirm = installation.confirm_payment
    with pytest.raises(RuntimeError):
        type(confirm)(confirm.database, confirm.clock, confirm.selling, broken)(unpaid.number, who=WHO)
    assert desk.read(other).grants == ()
    with desk.world.database.reading() as records:
        assert records.orders.get(unpaid.number) == unpaid


def test_whoever_had_smp_on_the_release_day_pays_the_lower_price_and_the_others_the_higher(desk: Desk) -> None:
    with_smp, without = desk.sold(date(2026, 1, 1)), desk.sold(date(2025, 1, 1))
    assert desk.order(with_smp, V3).total == myr(150)
    order = desk.order(without, V3)
    assert order.total == myr(450)
    assert order.lines[0].text == "Upgrade to cad 3.0"
    assert order.lines[0].arithmetic == (
        "MYR 450.00 a seat (3.0 without SMP on its release day) for 1 seat = MYR 450.00"
    )


def test_smp_bought_after_the_release_day_does_not_lower_the_price(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1), smp_years=None)
    desk.world.installation.renew_support(licence.licence_id, 1, who=WHO)
    assert desk.order(licence, V3).total == myr(450)


def test_an_upgrade_is_paid_for_every_seat(desk: Desk) -> None:
    order = desk.order(desk.sold(date(2026, 1, 1), users=4), V3)
    assert (order.total, order.sale.seats) == (myr(750), 5)
    assert order.lines[0].arithmetic.endswith("for 5 seats = MYR 750.00")


def test_an_upgrade_changes_neither_the_total_purchase_price_nor_what_smp_costs(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    after = desk.pay(desk.order(licence, V3))
    assert (after.total_purchase_price, after.periods, after.seats) == (myr(1000), licence.periods, 1)


def test_a_refunded_upgrade_ends_with_its_grant_and_nothing_else_does(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    order = desk.order(licence, V3)
    desk.pay(order)
    desk.world.today += timedelta(days=9)
    refunded = desk.refund(order)
    assert (refunded.state, refunded.kept) == (OrderState.REFUNDED, myr(0))
    after = desk.read(licence)
    assert (after.grants, after.periods, after.status) == ((), licence.periods, LicenceStatus.ACTIVE)
    assert desk.answer(licence, "3.0") == NotCovered(RefusalReason.UPGRADE_PAYMENT_DUE, myr(150))
    assert desk.refund(order) == refunded
    assert desk.pay(desk.order(licence, V3)).grants == (V3,)  # it can be bought again


def test_what_an_operator_gave_outlasts_the_refund_of_an_order_for_the_same(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    order = desk.order(licence, V3)
    desk.world.installation.grant_release(licence.licence_id, V3, reason="promised", who=WHO)
    desk.pay(order)
    desk.refund(order)
    assert desk.read(licence).grants == (V3,)


def test_a_cancelled_order_grants_nothing_and_cannot_be_paid(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    order = desk.order(licence, V3)
    desk.world.installation.cancel_order(order.number, reason="no budget", who=WHO)
    with pytest.raises(Conflict, match="cancelled"):
        desk.pay(order)
    assert desk.read(licence).grants == ()


def test_a_shop_pays_it_by_webhook_once_however_often_it_tells(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    order = desk.order(licence, V3)
    installation = desk.world.installation
    receive = ReceivePayment(desk.world.database, desk.world.now, installation.confirm_payment)
    notice = PaymentNotice("stripe", "evt_1", "pi_1", order.number, myr(150))
    assert receive(notice) == receive(notice)
    assert desk.read(licence).grants == (V3,)


# --- Lines


def test_a_line_covers_its_later_service_packs_too(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    order = desk.order(licence, LINE3)
    assert (order.total, order.lines[0].text) == (myr(450), "Upgrade to cad 3.0, every release of this line")
    desk.pay(order)
    desk.publish("3.0.1", date(2026, 11, 20), paid_upgrade=PRICES)
    assert desk.answer(licence, "3.0.1") == Covered(CoverageReason.GRANTED)


def test_a_line_costs_what_the_dearest_release_costs_that_the_licence_lacks(desk: Desk) -> None:
    dearer = PaidUpgrade(myr(200), myr(500))
    desk.publish("3.0.1", date(2026, 11, 20), paid_upgrade=dearer)
    licence = desk.sold(date(2025, 1, 1))
    order = desk.order(licence, LINE3)
    assert order.total == myr(500)
    assert "(3.0.1 without SMP" in order.lines[0].arithmetic


def test_a_line_of_which_everything_is_covered_is_not_sold(desk: Desk) -> None:
    assert desk.refused(desk.sold(date(2026, 1, 1)), LineGrant(2, 2)) == "already_covered"


# --- Releases sold singly


def test_an_uncovered_release_is_sold_singly_only_where_the_vendor_set_a_price(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    grant = VersionGrant(Version("2.2"))
    assert desk.answer(licence, "2.2") == NotCovered(RefusalReason.AFTER_SUPPORT)
    assert desk.refused(licence, grant) == "no_price"
    assert desk.set_price("2.2", myr(80))
    assert not desk.set_price("2.2.0", myr(80))
    order = desk.order(licence, grant)
    assert (order.total, "(2.2 sold singly)" in order.lines[0].arithmetic) == (myr(80), True)
    desk.pay(order)
    assert desk.answer(licence, "2.2") == Covered(CoverageReason.GRANTED)
    assert desk.set_price("2.2", None)
    assert desk.refused(desk.sold(date(2025, 1, 1)), grant) == "no_price"


def test_the_signed_prices_of_a_paid_upgrade_go_before_one_that_is_set(desk: Desk) -> None:
    desk.set_price("3.0", myr(1))
    assert desk.order(desk.sold(date(2026, 1, 1)), V3).total == myr(150)


def test_a_price_that_makes_no_sense_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequest):
        desk.set_price("2.2", Money(-1, "MYR"))
    with pytest.raises(Refusal, match="no such product"):
        desk.set_price("2.2", myr(1), CAM)


# --- What is not sold


def test_what_is_covered_unknown_withdrawn_or_to_come_is_not_sold(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    desk.publish("5.0", TODAY + timedelta(days=1), paid_upgrade=PRICES)
    desk.publish("4.0", TODAY, paid_upgrade=PRICES)
    desk.publish("4.1", TODAY, paid_upgrade=PRICES, editions=(LITE,))
    desk.withdraw("4.0")
    for version, code in [
        ("1.0", "already_covered"),
        ("2.2", "already_covered"),
        ("9.9", "unknown_release"),
        ("5.0", "unknown_release"),
        ("4.1", "unknown_release"),
        ("4.0", "release_withdrawn"),
    ]:
        assert desk.refused(licence, VersionGrant(Version(version))) == code, version


def test_a_licence_that_may_not_have_the_channel_is_sold_nothing_of_it(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    desk.publish("4.0b1", TODAY, paid_upgrade=PRICES, channel="beta")
    grant = VersionGrant(Version("4.0b1"))
    assert desk.order(licence, grant).total == myr(150)
    only_stable = desk.sold(date(2026, 1, 1))
    with desk.world.database.writing() as records:
        rules = UpdateRules(channels=frozenset({ChannelName("stable")}))
        records.licences.set_update_rules(only_stable.licence_id, rules)
    assert desk.refused(only_stable, grant) == "channel_not_allowed"


@pytest.mark.parametrize("status", [LicenceStatus.SUSPENDED, LicenceStatus.REVOKED])
def test_a_licence_that_is_not_active_is_sold_nothing(desk: Desk, status: LicenceStatus) -> None:
    licence = desk.sold(date(2026, 1, 1))
    order = desk.order(licence, V3)
    desk.world.change_status(licence, status)
    assert desk.refused(licence, V3) == f"licence_{status}"
    assert desk.offers(licence) == {}
    if status is LicenceStatus.REVOKED:
        with pytest.raises(Conflict, match="revoked"):
            desk.pay(order)


def test_the_same_is_not_ordered_twice_before_it_is_paid(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    first = desk.order(licence, V3)
    assert desk.refused(licence, V3) == "order_waiting"
    assert desk.refused(licence, LINE3) == "order_waiting"
    desk.world.today = first.pay_by + timedelta(days=1)
    second = desk.order(licence, LINE3)  # the first was not paid in time and makes way
    with desk.world.database.reading() as records:
        states = {one.number: one.state for one in records.orders.search(licence_id=licence.licence_id)}
    assert (states[first.number], states[second.number]) == (OrderState.CANCELLED, OrderState.ORDERED)


def test_support_and_an_upgrade_can_wait_to_be_paid_at_the_same_time(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1), smp_years=None)
    desk.order(licence, V3)
    sale = sale_for(licence, smp_years=1)
    desk.world.installation.place_order(lambda _: (licence.customer_id, sale), who=WHO)


def test_an_upgrade_is_an_order_of_its_own(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    with_smp = sale_for(licence, upgrade=V3, smp_years=1)
    with_users = sale_for(licence, upgrade=V3, additional_users=1, additional_users_price=myr(1))
    for sale in (with_smp, with_users):
        wanted = (licence.customer_id, sale)
        with pytest.raises(InvalidRequest) as caught:
            desk.world.installation.place_order(lambda _, wanted=wanted: wanted, who=WHO)  # type: ignore[misc]
        assert caught.value.code == "invalid_sale"


def test_an_upgrade_is_sold_in_the_currency_of_its_price(desk: Desk) -> None:
    euro = PaidUpgrade(Money(4_000, "EUR"), Money(9_000, "EUR"))
    desk.publish("4.0", TODAY, paid_upgrade=euro)
    licence = desk.sold(date(2026, 1, 1))
    order = desk.order(licence, VersionGrant(Version("4.0")))
    assert (order.total, order.sale.currency) == (Money(4_000, "EUR"), "EUR")
    assert desk.pay(order, amount=Money(4_000, "EUR")).currency == "MYR"


# --- Quotes


def quote(desk: Desk, licence: Licence, grant: Grant) -> str:
    sale = sale_for(licence, upgrade=grant)
    return desk.world.installation.make_quote(lambda _: (licence.customer_id, sale), who=WHO).number


def test_a_quote_for_an_upgrade_holds_its_price_whatever_is_set_since(desk: Desk) -> None:
    desk.set_price("2.2", myr(80))
    licence = desk.sold(date(2025, 1, 1))
    number = quote(desk, licence, VersionGrant(Version("2.2")))
    desk.set_price("2.2", None)
    order = desk.world.installation.accept_quote(number, who=WHO)
    assert (order.total, order.sale.seats) == (myr(80), 1)
    assert desk.pay(order).grants == (VersionGrant(Version("2.2")),)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Upgrade to cad 3.0", "MYR 150.00 for each seat, seats: 3 = MYR 450.00")),
        ("de", ("Upgrade auf cad 3.0", "MYR 150,00 je Platz, Plätze: 3 = MYR 450,00")),
        ("fr", ("Mise à niveau vers cad 3.0", "par poste, postes : 3 =")),
        ("zh", ("升级到 cad 3.0", "每席位 MYR 150.00，席位数 3 = MYR 450.00")),
    ],
)
def test_a_quote_for_an_upgrade_says_price_and_seats_in_the_customers_language(
    desk: Desk, language: str, said: tuple[str, str]
) -> None:
    licence, shop = desk.sold(date(2026, 1, 1), users=2), desk.world.installation
    customer = shop.change_customer(licence.customer_id, {"language": language}, who=WHO)
    for grant in (V3, LINE3):
        sale = sale_for(licence, upgrade=grant)
        wanted = (licence.customer_id, sale)
        made = shop.make_quote(lambda _, wanted=wanted: wanted, who=WHO)  # type: ignore[misc]
        page = QuotePaper(shop.vendor, made, customer, TODAY).html()
        assert all(words in page for words in said)


def test_a_quote_for_an_upgrade_is_outdated_when_users_were_added(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    number = quote(desk, licence, V3)
    users = sale_for(licence, additional_users=1, additional_users_price=myr(300))
    order = desk.world.installation.place_order(lambda _: (licence.customer_id, users), who=WHO)
    desk.pay(order)
    with pytest.raises(Conflict, match="number of seats") as caught:
        desk.world.installation.accept_quote(number, who=WHO)
    assert caught.value.code == "quote_outdated"


def test_a_quote_for_what_is_covered_by_now_is_not_accepted(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    number = quote(desk, licence, V3)
    desk.pay(desk.order(licence, LINE3))
    with pytest.raises(Conflict) as caught:
        desk.world.installation.accept_quote(number, who=WHO)
    assert caught.value.code == "already_covered"


# --- What is told


def test_what_can_be_bought_is_offered_with_its_price_and_the_order_that_waits(desk: Desk) -> None:
    desk.set_price("2.2", myr(80))
    licence = desk.sold(date(2025, 1, 1), smp_years=None, users=2)
    offers = desk.offers(licence)
    assert {version: (one.total, one.waiting) for version, one in offers.items()} == {
        "2.2": (myr(240), None),
        "3.0": (myr(1350), None),
    }
    order = desk.order(licence, LINE3)
    assert desk.offers(licence)["3.0"].waiting == order
    desk.pay(order)
    assert desk.offers(licence).keys() == {"2.2"}
    desk.world.installation.add_period_by_hand(
        licence.licence_id, SupportPeriod(date(2026, 5, 1), date(2026, 6, 1)), reason="missed", who=WHO
    )
    assert desk.offers(licence) == {}


def test_the_audit_trail_and_the_events_tell_of_grant_and_refund(desk: Desk) -> None:
    licence = desk.sold(date(2026, 1, 1))
    order = desk.order(licence, V3)
    desk.pay(order)
    desk.refund(order)
    with desk.world.database.reading() as records:
        audit = records.audit.newest(subject=licence.licence_id)
        events = [one.event for one in records.outbox.following(0, limit=1_000)]
    grant = next(one for one in audit if one.action == "licence.grant")
    assert (grant.details["grant"], grant.details["order"]) == ("version 3.0", order.number)
    assert audit[0].action == "licence.refunded"
    told = [one for one in events if one.type in (EventType.LICENCE_GRANTED, EventType.LICENCE_GRANT_ENDED)]
    assert [one.type for one in told] == [EventType.LICENCE_GRANTED, EventType.LICENCE_GRANT_ENDED]
    assert {one.data["order"] for one in told} == {order.number}
