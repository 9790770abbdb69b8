"""Orders and their numbers: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tenure_server.adapters.database import SqlDatabase
from tenure_server.domain.licences import LineKind, OrderLine
from tenure_server.domain.orders import (
    Order,
    OrderEnd,
    OrderState,
    Payment,
    PricedThing,
    PriceLine,
    Sale,
    SaleKind,
)
from tenure_server.domain.paging import Place
from tenure_server.domain.quotes import Quote, QuoteState
from tenure_server.domain.shop_payments import NoticeOutcome, PaymentNotice, ReceivedNotice
from tenure_server.errors import Conflict
from tenure_server.use_cases.ports import Database
from tenure_signing.entitlement import Grant, LineGrant, SupportPeriod, VersionGrant
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version
from tests.server.adapters.sample_records import CAD, NOON, paid, plain_licence, store

SALE = Sale(
    SaleKind.LICENCE,
    CAD,
    EditionName("pro"),
    "JPY",
    None,
    Money(2**52, "JPY"),
    3,
    Money(0, "JPY"),
    2,
    date(2024, 2, 29),
    date(2027, 1, 31),
)
LINES = (
    PriceLine(PricedThing.BASE, "Ürün 🏗", "", Money(2**52, "JPY")),
    PriceLine(PricedThing.SMP, "SMP", "20 % of ¥1", Money(1, "JPY")),
)
FULL = Order(
    number="O-2026-00001",
    customer_id="c-7k2m",
    sale=SALE,
    lines=LINES,
    period=SupportPeriod(date(2024, 2, 29), date(2026, 2, 28)),
    state=OrderState.ORDERED,
    ordered_at=NOON.replace(microsecond=5),
    ordered_on=date(2026, 11, 23),
    pay_by=date(2026, 12, 23),
    reference="PO 4711",
    quote="Q-2026-00001",
)


def support(number: str, **changes: object) -> Order:
    sale = Sale(SaleKind.SUPPORT, CAD, EditionName("pro"), "MYR", "7k2m", smp_years=1)
    lines = (PriceLine(PricedThing.SMP, "SMP", "", Money(1, "MYR")),)
    period = SupportPeriod(date(2026, 1, 1), date(2026, 12, 31))
    order = replace(
        FULL, number=number, sale=sale, lines=lines, period=period, licence_id="7k2m", reference=None, quote=None
    )
    return replace(order, **changes)  # type: ignore[arg-type]


def test_an_order_comes_back_as_it_was_added_and_through_all_its_states(database: Database) -> None:
    store(database, plain_licence())
    was_paid = replace(FULL, state=OrderState.PAID, licence_id="7k2m", payment=Payment(NOON, "evt_1"))
    end = OrderEnd(NOON + timedelta(1), date(2026, 11, 24), "sent back", Money(7, "JPY"))
    refunded = replace(was_paid, state=OrderState.REFUNDED, end=end)
    with database.writing() as records:
        records.orders.add(FULL)
        assert records.orders.get(FULL.number) == FULL
        assert records.licences.search("4711") == ()
        for changed in (was_paid, refunded):
            records.orders.change(changed)
            assert records.orders.locked(FULL.number) == changed
    with database.reading() as records:
        assert records.orders.search() == (refunded,)
        for said in ("po 4711", "O-2026-00001", "00001"):
            assert [licence.licence_id for licence in records.licences.search(said)] == ["7k2m"]
        assert records.orders.get("O-2026-00002") is None
        assert records.orders.get("\0") is None


def test_one_order_for_a_licences_support_waits_at_most(database: Database) -> None:
    store(database, plain_licence())
    first, second = support("O-1"), support("O-2")
    with database.writing() as records:
        records.orders.add(first)
        with pytest.raises(Conflict) as refused:
            records.orders.add(second)
        assert refused.value.code == "order_waiting"
        records.orders.change(replace(first, state=OrderState.PAID, payment=Payment(NOON, None)))
        records.orders.add(second)


def upgrade(number: str, grant: Grant) -> Order:
    sale = Sale(SaleKind.UPGRADE, CAD, EditionName("pro"), "JPY", "7k2m", upgrade=grant, seats=3)
    lines = (PriceLine(PricedThing.UPGRADE, "Upgrade", "", Money(3, "JPY"), Money(1, "JPY")),)
    return replace(support(number), sale=sale, lines=lines, period=None)


def test_an_order_for_an_upgrade_comes_back_and_one_for_the_same_waits_at_most(database: Database) -> None:
    store(database, plain_licence())
    version, line = upgrade("O-1", VersionGrant(Version("2026.11rc1"))), upgrade("O-2", LineGrant(2026, 11))
    with database.writing() as records:
        records.orders.add(version)
        records.orders.add(line)
        records.orders.add(support("O-3"))
    with database.reading() as records:
        assert [records.orders.get(one.number) for one in (version, line)] == [version, line]
    with pytest.raises(Conflict, match="same"), database.writing() as records:
        records.orders.add(replace(version, number="O-4"))


def test_a_grant_goes_with_the_order_that_brought_it_and_no_other_does(database: Database) -> None:
    store(database, plain_licence())
    bought, given = VersionGrant(Version("3.0")), LineGrant(3, 1)
    with database.writing() as records:
        records.licences.add_grant("7k2m", given)
        records.licences.add_grant("7k2m", bought, "O-1")
        records.licences.add_grant("7k2m", given, "O-2")  # it is there already, and stays the operator's
    with database.writing() as records:
        assert not records.licences.remove_grant("7k2m", "O-2")
        assert records.licences.remove_grant("7k2m", "O-1")
        assert not records.licences.remove_grant("7k2m", "O-1")
    with database.reading() as records:
        licence = records.licences.get("7k2m")
        assert licence is not None
        assert licence.grants == (given,)


def test_prices_of_releases_are_kept_by_version_however_it_is_written(database: Database) -> None:
    store(database)
    with database.writing() as records:
        records.release_prices.set(CAD, Version("2.0"), Money(5, "JPY"))
        records.release_prices.set(CAD, Version("2.1"), Money(6, "JPY"))
        records.release_prices.set(CAD, Version("2.0.0"), Money(7, "MYR"))
        records.release_prices.set(CAD, Version("2.1.0"), None)
        records.release_prices.set(CAD, Version("9"), None)
    with database.reading() as records:
        assert records.release_prices.of_product(CAD) == {Version("2"): Money(7, "MYR")}
        assert records.release_prices.of_product(ProductName("\0")) == {}


def test_orders_are_listed_newest_first_by_customer_licence_and_state(database: Database) -> None:
    store(database, plain_licence(), plain_licence("8aaa"))
    orders = [
        support("O-1", state=OrderState.PAID, payment=Payment(NOON, None)),
        support("O-2", ordered_at=NOON + timedelta(1)),
        replace(FULL, number="O-3", customer_id="c-8aaa", ordered_at=NOON + timedelta(2)),
    ]
    with database.writing() as records:
        for order in orders:
            records.orders.add(order)
        search = records.orders.search
        assert [o.number for o in search()] == ["O-3", "O-2", "O-1"]
        assert [o.number for o in search(customer_id="c-7k2m")] == ["O-2", "O-1"]
        assert [o.number for o in search(licence_id="7k2m", state=OrderState.PAID)] == ["O-1"]
        assert [o.number for o in search(after=Place(NOON + timedelta(1), "O-2"))] == ["O-1"]
        assert [o.number for o in search(limit=1)] == ["O-3"]
        assert search(limit=0) == search(customer_id="\0") == ()


def test_numbers_come_without_gaps_and_once_each_even_at_the_same_moment(database: Database) -> None:
    def take(number: int) -> int | None:
        with suppress(ZeroDivisionError), database.writing() as records:
            taken = records.numbers.next("order 2026")
            return taken if number % 3 else taken // 0
        return None

    with ThreadPoolExecutor(4) as pool:
        taken = [number for number in pool.map(take, range(12)) if number is not None]
    assert sorted(taken) == list(range(1, 9))
    with database.writing() as records:
        assert records.numbers.next("order 2027") == 1


def test_a_period_ends_earlier_or_never_was_and_users_go(database: Database) -> None:
    first, second = paid(date(2025, 1, 1), date(2025, 12, 31)), paid(date(2026, 1, 1), date(2026, 12, 31))
    store(database, replace(plain_licence(), periods=(first, second)))
    users = OrderLine(LineKind.ADDITIONAL_USERS, 2, Money(5, "MYR"), date(2025, 1, 1), "O-1")
    with database.writing() as records:
        records.licences.end_period("7k2m", first.period, date(2025, 3, 3))
        records.licences.end_period("7k2m", second.period, None)
        records.licences.end_period("7k2m", second.period, None)
        records.licences.add_lines("7k2m", [users])
        licence = records.licences.get("7k2m")
        assert licence is not None
        assert licence.support_periods == (SupportPeriod(date(2025, 1, 1), date(2025, 3, 3)),)
        assert licence.lines == (*plain_licence().lines, users)
        records.licences.remove_lines("7k2m", "O-1")
        licence = records.licences.get("7k2m")
        assert licence is not None
        assert licence.lines == plain_licence().lines


def test_the_schema_refuses_an_order_that_is_paid_and_not_paid(sql_database: SqlDatabase) -> None:
    store(sql_database, plain_licence())
    for nonsense in (
        replace(FULL, state=OrderState.PAID),
        replace(FULL, payment=Payment(NOON, None)),
        replace(FULL, state=OrderState.CANCELLED),
        replace(FULL, period=None),
        replace(FULL, sale=replace(SALE, base_price=Money(-1, "JPY"))),
    ):
        with pytest.raises(Conflict) as refused, sql_database.writing() as records:
            records.orders.add(nonsense)
        assert refused.value.code == "constraint_violated"


def test_a_quote_comes_back_as_it_was_added_and_accepted(database: Database) -> None:
    store(database, plain_licence())
    sale = replace(SALE, purchased_on=None)
    basis = replace(LINES[1], basis=Money(5, "JPY"))
    quote = Quote("Q-1", "c-7k2m", sale, (LINES[0], basis), "Terms\n…", NOON, date(2026, 11, 23), date(2026, 12, 23))
    accepted = replace(quote, state=QuoteState.ACCEPTED, order=FULL.number)
    with database.writing() as records:
        records.orders.add(FULL)
        records.quotes.add(quote)
        assert records.quotes.get("Q-1") == quote
        records.quotes.add(replace(quote, number="Q-2", made_at=NOON + timedelta(1)))
        records.quotes.change(accepted)
        assert records.quotes.locked("Q-1") == accepted
        assert [one.number for one in records.quotes.search(customer_id="c-7k2m")] == ["Q-2", "Q-1"]
        assert [one.number for one in records.quotes.search(after=Place(NOON + timedelta(1), "Q-2"))] == ["Q-1"]
        assert records.quotes.search(customer_id="c-other") == records.quotes.search(limit=0) == ()
        assert records.quotes.get("\0") is None


def test_what_a_shop_said_is_kept_by_its_event_and_can_be_replaced(database: Database) -> None:
    notice = PaymentNotice("stripe", "evt_1", "pi_1", "O-1", Money(2**52, "JPY"))
    refused = ReceivedNotice(notice, NoticeOutcome.REFUSED, "wrong_amount", NOON)
    other = ReceivedNotice(replace(notice, shop="shop"), NoticeOutcome.REFUSED, "unknown_order", NOON + timedelta(1))
    accepted = replace(refused, outcome=NoticeOutcome.PAID, code=None, at=NOON + timedelta(2))
    with database.writing() as records:
        assert records.payment_notices.get("stripe", "evt_1") is None
        for received in (refused, other, accepted):
            records.payment_notices.put(received)
        assert records.payment_notices.get("stripe", "evt_1") == accepted
        assert records.payment_notices.newest() == (accepted, other)
        assert records.payment_notices.newest(outcome=NoticeOutcome.REFUSED) == (other,)
        assert records.payment_notices.newest(limit=0) == ()
