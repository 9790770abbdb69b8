"""A vendor of CAD on any day, for tests that say the rules one by one. Everything goes through the use cases that the
operator, the shop and the customer's product use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import Order, SaleKind, sale_for
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.errors import Refusal
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.licence_status import LicenceStanding
from tenure_signing.coverage import Covered, NotCovered
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version
from tests.server.world import CAD, LINUX, PRO, WHO, World


def myr(amount: int | str) -> Money:
    whole, _, sen = str(amount).partition(".")
    return Money(int(whole) * 100 + int(sen or 0), "MYR")


def day(text: str) -> date:
    return date.fromisoformat(text)


@dataclass
class Shop:
    world: World

    def on(self, today: str) -> Shop:
        """From here on it is that day."""
        self.world.today = day(today)
        return self

    def with_settings(self, **settings: object) -> Shop:
        self.world.installation = self.world.reopened(**settings)
        return self

    def sell_product(self, policy: LapsePolicy) -> ProductName:
        name = ProductName(f"cad-{policy}")
        self.world.installation.add_product(
            Product(name, "CAD", (PRO,), lapse_policy=policy),
            targets=[self.world.targets],
            product_signers=[self.world.engineer],
            online=self.world.installation.keys.online_signers,
            who=WHO,
        )
        return name

    def release(self, version: str, released_on: str) -> None:
        self.world.publish(version, day(released_on), platforms=(LINUX,), editions=(PRO,))
        self.with_settings()  # which knows of it at once

    # --- Selling

    def sell(
        self,
        smp_years: int | None = None,
        *,
        price: Money | None = None,
        users: int = 0,
        users_price: Money | None = None,
        product: ProductName = CAD,
    ) -> Licence:
        """A licence, today, for MYR 1,000.00 unless another price is said."""
        order = LicenceOrder(
            product,
            PRO,
            "Ada Tan",
            price or myr(1000),
            email="ada@example.com",
            additional_users=users,
            additional_users_price=users_price,
            smp_years=smp_years,
        )
        return self.world.installation.issue_licence(order, who=WHO).licence

    def order(self, licence: Licence, smp_years: int) -> Order:
        sale = sale_for(self.now(licence), smp_years=smp_years)
        return self.world.installation.place_order(lambda _: (licence.customer_id, sale), who=WHO)

    def sell_users(self, licence: Licence, users: int, price: Money) -> Order:
        sale = sale_for(licence, additional_users=users, additional_users_price=price)
        order = self.world.installation.place_order(lambda _: (licence.customer_id, sale), who=WHO)
        return self.pay(order)

    def pay(self, order: Order) -> Order:
        return self.world.installation.confirm_payment(order.number, who=WHO).fulfilment.order

    def renew(self, licence: Licence, smp_years: int = 1) -> list[str]:
        """Ordered and paid today. All its periods since."""
        self.world.installation.renew_support(licence.licence_id, smp_years, who=WHO)
        return self.periods(licence)

    def refusal(self, licence: Licence) -> Refusal:
        """Of a renewal today."""
        before = self.periods(licence)
        try:
            self.renew(licence)
        except Refusal as refusal:
            assert self.periods(licence) == before
            return refusal
        raise AssertionError("it was renewed")

    def refund(self, licence: Licence, kind: SaleKind) -> Order:
        """The newest order of that kind, today."""
        with self.world.database.reading() as records:
            orders = records.orders.search(licence_id=licence.licence_id)
        number = next(one.number for one in orders if one.sale.kind is kind)
        return self.world.installation.refund_order(number, reason="sent back", who=WHO)

    # --- What holds then

    def now(self, licence: Licence) -> Licence:
        with self.world.database.reading() as records:
            found = records.licences.get(licence.licence_id)
        assert found is not None
        return found

    def periods(self, licence: Licence) -> list[str]:
        return [f"{one.starts_on}..{one.ends_on}" for one in self.now(licence).support_periods]

    def standing(self, licence: Licence) -> LicenceStanding:
        return self.world.installation.show_licence(self.now(licence))

    def prices(self, licence: Licence) -> list[Money]:
        """Of one and two years, if support can be ordered by itself."""
        return [option.price for option in self.standing(licence).renewal.options]

    def covers(self, licence: Licence, version: str) -> str:
        """Why the licence covers the release, or why not."""
        listed = self.world.installation.list_releases(self.now(licence))
        decision = next(one.decision for one in listed if one.release.version == Version(version))
        assert isinstance(decision, Covered | NotCovered)
        return decision.reason.value
