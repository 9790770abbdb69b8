"""Buying, renewing, upgrading, lapsing, paying late, cancelling and refunding over decades, in any order: what always
holds."""

from __future__ import annotations

import shutil
import tempfile
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import Order, OrderState, Sale, SaleKind, sale_for
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.domain.upgrades import grant_text
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.renew_support import support_sale
from tenure_signing.entitlement import Grant, LicenceStatus, LineGrant, VersionGrant
from tenure_signing.names import ProductName
from tenure_signing.releases import Money, PaidUpgrade
from tenure_signing.versions import Version
from tests.server.world import LINUX, PRO, WHO, World

FIRST_DAY = date(2024, 1, 1)
YEARS = st.sampled_from([1, 2])
DAYS = st.one_of(st.integers(0, 40), st.integers(80, 380), st.integers(600, 1500))
REFUSALS = {
    "too_early", "lapsed_closed", "order_waiting", "order_overdue", "licence_revoked", "periods_overlap",
    "order_ordered", "order_cancelled", "order_paid", "order_refunded",
    "unknown_release", "already_covered", "no_price",
}  # fmt: skip
"""What the rules may answer. Anything else that is raised is a bug."""

UPGRADES = (VersionGrant(Version("2.0")), VersionGrant(Version("3.0")), VersionGrant(Version("3.1")), LineGrant(3, 0))
PRICES = PaidUpgrade(Money(300, "MYR"), Money(900, "MYR"))

_directory = Path(tempfile.mkdtemp(prefix="tenure-decades-"))
_prepared: list[tuple[World, MemoryDatabase]] = []


def teardown_module() -> None:
    shutil.rmtree(_directory)


def _world() -> World:
    """Keys are made once; each example starts from a copy of the same empty shop."""
    if not _prepared:
        world = World(_directory, MemoryDatabase())
        for policy in LapsePolicy:
            world.installation.add_product(
                Product(ProductName(f"cad-{policy}"), "CAD", (PRO,), lapse_policy=policy),
                targets=[world.targets],
                product_signers=[world.engineer],
                online=world.installation.keys.online_signers,
                who=WHO,
            )
            _release(world, ProductName(f"cad-{policy}"))
        assert isinstance(world.database, MemoryDatabase)
        _prepared.append((world, world.database))
    world, empty = _prepared[0]
    world.database = empty.copy()
    world.today = FIRST_DAY
    world.installation = world.reopened()
    return world


def _release(world: World, product: ProductName) -> None:
    """2.0 is no paid upgrade and sold singly; 3.0 is one; 3.1 is neither."""
    for version, day, prices in (
        ("1.0", date(2023, 1, 1), None),
        ("2.0", date(2025, 6, 1), None),
        ("3.0", date(2027, 6, 1), PRICES),
        ("3.1", date(2029, 6, 1), None),
    ):
        world.publish(version, day, product=product, platforms=(LINUX,), editions=(PRO,), paid_upgrade=prices)
    world.installation.set_release_price(product, Version("2.0"), Money(100, "MYR"), who=WHO)


class DecadesOfSelling(RuleBasedStateMachine):
    @initialize(
        policy=st.sampled_from(LapsePolicy),
        base=st.integers(0, 5_000_000),
        users=st.integers(0, 3),
        smp_years=st.sampled_from([None, 1, 2]),
    )
    def buy(self, policy: LapsePolicy, base: int, users: int, smp_years: int | None) -> None:
        self.world = _world()
        self.shop = self.world.installation
        order = LicenceOrder(
            ProductName(f"cad-{policy}"),
            PRO,
            "Ada Tan",
            Money(base, "MYR"),
            additional_users=users,
            additional_users_price=Money(users * 777, "MYR") if users else None,
            smp_years=smp_years,
        )
        self.licence_id = self.shop.issue_licence(order, who=WHO).licence.licence_id
        self.covered: set[date] = set()

    def licence(self) -> Licence:
        with self.world.database.reading() as records:
            found = records.licences.get(self.licence_id)
        assert found is not None
        return found

    def orders(self) -> tuple[Order, ...]:
        with self.world.database.reading() as records:
            return records.orders.search(licence_id=self.licence_id, limit=10_000)

    @rule(days=DAYS)
    def time_passes(self, days: int) -> None:
        """Every day that was lived through in support is remembered as covered."""
        for period in self.licence().support_periods:
            day = max(period.starts_on, self.world.today)
            while day <= period.ends_on and day < self.world.today + timedelta(days=days):
                self.covered.add(day)
                day += timedelta(days=1)
        self.world.today += timedelta(days=days)

    @rule(years=YEARS)
    def renew_and_pay_at_once(self, years: int) -> None:
        self.allowed(lambda: self.shop.renew_support(self.licence_id, years, who=WHO))

    @rule(years=YEARS, days_before_the_end=st.integers(-30, 100))
    def renew_around_the_window(self, years: int, days_before_the_end: int) -> None:
        last_day = self.licence().last_paid_day
        if last_day is not None:
            self.time_passes(max(0, (last_day - self.world.today).days - days_before_the_end))
        self.renew_and_pay_at_once(years)

    @rule(years=YEARS)
    def order_support(self, years: int) -> None:
        licence = self.licence()
        if licence.status is LicenceStatus.ACTIVE:
            sale = support_sale(licence, years)
            self.allowed(lambda: self.shop.place_order(lambda _: (licence.customer_id, sale), who=WHO))

    @rule(users=st.integers(1, 5), price=st.integers(0, 100_000))
    def order_users(self, users: int, price: int) -> None:
        licence = self.licence()
        sale = Sale(SaleKind.USERS, licence.product, PRO, "MYR", self.licence_id, None, users, Money(price, "MYR"))
        self.allowed(lambda: self.shop.place_order(lambda _: (licence.customer_id, sale), who=WHO))

    @rule(grant=st.sampled_from(UPGRADES), pays_at_once=st.booleans())
    def order_an_upgrade(self, grant: Grant, pays_at_once: bool) -> None:
        licence = self.licence()
        if licence.status is not LicenceStatus.ACTIVE:
            return
        sale = sale_for(licence, upgrade=grant)
        placed: list[Order] = []
        self.allowed(lambda: placed.append(self.shop.place_order(lambda _: (licence.customer_id, sale), who=WHO)))
        for order in placed:
            day = date(2025, 6, 1) if grant == UPGRADES[0] else date(2027, 6, 1)
            each = 100 if grant == UPGRADES[0] else 300 if any(day in one for one in licence.support_periods) else 900
            assert order.total.minor_units == each * licence.seats
            if pays_at_once:
                self.shop.confirm_payment(order.number, who=WHO)

    @rule(pick=st.integers(0, 100), late=st.booleans())
    def pay(self, pick: int, late: bool) -> None:
        orders = self.orders()
        number = orders[pick % len(orders)].number
        reason = "accepted" if late else None
        self.allowed(lambda: self.shop.confirm_payment(number, who=WHO, late_reason=reason))

    @rule(pick=st.integers(0, 100))
    def cancel(self, pick: int) -> None:
        orders = self.orders()
        number = orders[pick % len(orders)].number
        self.allowed(lambda: self.shop.cancel_order(number, reason="no budget", who=WHO))

    @rule(pick=st.integers(0, 100), share=st.integers(0, 100))
    def refund(self, pick: int, share: int) -> None:
        orders = self.orders()
        order = orders[pick % len(orders)]
        if order.sale.kind is SaleKind.LICENCE:
            return
        amount = Money(order.total.minor_units * share // 100, "MYR")
        self.allowed(lambda: self.shop.refund_order(order.number, reason="sent back", who=WHO, amount=amount))

    @rule(days=st.integers(1, 300), back=st.integers(0, 2))
    def refund_in_the_middle_of_a_period(self, days: int, back: int) -> None:
        sold = [order for order in self.orders() if order.state is OrderState.PAID and order.period is not None]
        if len(sold) <= back or sold[back].sale.kind is SaleKind.LICENCE:
            return
        period = sold[back].period
        assert period is not None
        day = period.starts_on + timedelta(days=days)
        self.time_passes(max(0, (day - self.world.today).days))
        self.allowed(lambda: self.shop.refund_order(sold[back].number, reason="sent back", who=WHO))

    @rule(chance=st.integers(0, 9))
    def refund_the_licence(self, chance: int) -> None:
        if chance == 9:  # seldom, because little can happen to it afterwards
            order = next(order for order in self.orders() if order.sale.kind is SaleKind.LICENCE)
            self.allowed(lambda: self.shop.refund_order(order.number, reason="sent back", who=WHO))

    def allowed(self, attempt: object) -> None:
        assert callable(attempt)
        before = self.licence(), self.orders()
        try:
            attempt()
        except (Conflict, NotFound) as refused:
            code = refused.code
        else:
            return
        assert code in REFUSALS, code
        assert (self.licence(), self.orders()) == before

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def periods_never_overlap(self) -> None:
        for earlier, later in pairwise(self.licence().support_periods):
            assert earlier.starts_on <= earlier.ends_on < later.starts_on <= later.ends_on

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def upgrades_are_granted_exactly_while_they_are_paid(self) -> None:
        paid = [one.sale.upgrade for one in self.orders() if one.state is OrderState.PAID and one.sale.upgrade]
        assert sorted(map(grant_text, self.licence().grants)) == sorted(map(grant_text, paid))

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def the_price_is_conserved(self) -> None:
        """What the vendor holds is what was charged for what stands, and every period stands for one paid order."""
        licence, orders = self.licence(), self.orders()
        for order in orders:
            assert sum(line.amount.minor_units for line in order.lines) == order.total.minor_units
            was_paid, refunded = order.payment is not None, order.state is OrderState.REFUNDED
            back = order.end.refunded.minor_units if order.end is not None and order.end.refunded is not None else 0
            assert (
                order.kept.minor_units == (order.total.minor_units if was_paid else 0) - (back if refunded else 0) >= 0
            )
        standing = {order.number: order for order in orders if order.payment is not None and order.period is not None}
        assert {paid.order for paid in licence.periods} <= standing.keys()
        for paid in licence.periods:
            order = standing[str(paid.order)]
            assert paid.price == order.lines[-1].amount
            assert order.period is not None
            if order.state is OrderState.PAID:
                assert paid.period == order.period
            else:
                assert paid.period.starts_on == order.period.starts_on
                assert paid.period.ends_on <= order.period.ends_on
        counted = [order for order in orders if order.state is OrderState.PAID and order.sale.kind is SaleKind.USERS]
        base = next(order for order in orders if order.sale.kind is SaleKind.LICENCE)
        assert licence.seats == 1 + sum(order.sale.additional_users for order in [base, *counted])

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def what_was_covered_stays_covered(self) -> None:
        days = {
            period.starts_on + timedelta(days=number)
            for period in self.licence().support_periods
            for number in range((period.ends_on - period.starts_on).days + 1)
        }
        assert self.covered <= days

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def one_order_at_most_waits(self) -> None:
        waiting = [o for o in self.orders() if o.state is OrderState.ORDERED and o.sale.kind is SaleKind.SUPPORT]
        assert len(waiting) <= 1


DecadesOfSelling.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestDecadesOfSelling = DecadesOfSelling.TestCase
