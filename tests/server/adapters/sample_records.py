"""Products and licences for tests of the database, with everything in them that a database can get wrong."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone

from tenure_server.domain.customers import Customer, CustomerDetails
from tenure_server.domain.licences import IssuedKey, Licence, LineKind, OrderLine, PaidPeriod, PeriodSource
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.use_cases.ports import Database, Records
from tenure_signing.entitlement import LicenceStatus, LineGrant, ServicePacks, SupportPeriod, VersionGrant
from tenure_signing.names import ChannelName, EditionName, ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version

CAD, CAM = ProductName("cad"), ProductName("cam")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def product(name: ProductName = CAD) -> Product:
    return Product(
        name=name,
        title="Tënure CAD 図面 🏗",
        editions=(EditionName("pro"), EditionName("lite")),
        channels=(ChannelName("stable"), ChannelName("nightly"), ChannelName("beta")),
        service_packs=ServicePacks.FOLLOW,
        lapse_policy=LapsePolicy.BACKDATE,
    )


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def issued_key(text: str = "a key", *, issued_at: datetime = NOON, hint: str = "xyz123") -> IssuedKey:
    return IssuedKey(digest_of(text), "2026-a", issued_at, hint, seats=3)


def paid(starts_on: date, ends_on: date, source: PeriodSource = PeriodSource.ORDER) -> PaidPeriod:
    return PaidPeriod(SupportPeriod(starts_on, ends_on), source, Money(18_000, "MYR"), NOON)


def plain_licence(licence_id: str = "7k2m", *, customer: str = "Ada Bhd", created_at: datetime = NOON) -> Licence:
    """A licence without SMP, with one order line and one key."""
    return Licence(
        licence_id=licence_id,
        product=CAD,
        edition=EditionName("pro"),
        customer_id=f"c-{licence_id}",
        customer=customer,
        email=f"it@{licence_id}.example",
        purchased_on=date(2024, 2, 29),
        currency="MYR",
        status=LicenceStatus.ACTIVE,
        status_reason=None,
        lines=(OrderLine(LineKind.BASE, 1, Money(100_000, "MYR"), date(2024, 2, 29)),),
        periods=(),
        grants=(),
        keys=(issued_key(f"key of {licence_id}"),),
        created_at=created_at,
    )


def full_licence() -> Licence:
    """Something in every field, and the extremes where there are any."""
    return Licence(
        licence_id="0abc-defg-hjkm-npqr",
        product=CAD,
        edition=EditionName("lite"),
        customer_id="c-full",
        customer="Ürün İnşaat A.Ş. 株式会社 🏗 O'Brien; DROP TABLE licence; -- %_\\",
        email=None,
        purchased_on=date(1, 1, 1),
        currency="JPY",
        status=LicenceStatus.SUSPENDED,
        status_reason="unpaid\nsince März",
        lines=(
            OrderLine(LineKind.ADDITIONAL_USERS, 1_000_000, Money(2**63 - 1, "JPY"), date(9999, 12, 31)),
            OrderLine(LineKind.BASE, 1, Money(0, "JPY"), date(1, 1, 1)),
            OrderLine(LineKind.ADDITIONAL_USERS, 2, Money(1, "JPY"), date(2024, 2, 29)),
        ),
        periods=(
            PaidPeriod(SupportPeriod(date(1, 1, 1), date(1, 1, 1)), PeriodSource.PURCHASE, Money(0, "JPY"), NOON),
            PaidPeriod(
                SupportPeriod(date(1, 1, 2), date(2024, 2, 29)),
                PeriodSource.BY_HAND,
                None,
                datetime(1, 1, 1, tzinfo=UTC),
            ),
            PaidPeriod(
                SupportPeriod(date(2026, 11, 23), date(9999, 12, 31)),
                PeriodSource.ORDER,
                Money(2**63 - 1, "JPY"),
                datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            ),
        ),
        grants=(
            VersionGrant(Version("4.2.0.7")),
            LineGrant(4, 10),
            LineGrant(10**40, 0),
            VersionGrant(Version("2026.11rc1.post2.dev3")),
        ),
        keys=(
            issued_key("first", issued_at=NOON.replace(microsecond=1), hint="…äß"),
            issued_key("second", issued_at=NOON.astimezone(timezone(timedelta(hours=8))) + timedelta(days=1)),
        ),
        created_at=NOON.replace(microsecond=123_456),
    )


def customer_of(licence: Licence) -> Customer:
    """The customer that the licence belongs to."""
    return Customer(licence.customer_id, CustomerDetails(licence.customer, licence.email), licence.created_at)


def add(records: Records, licence: Licence, *, feed_token_digest: str) -> None:
    """Add the licence, and its customer where that is a new one."""
    if records.customers.get(licence.customer_id) is None:
        records.customers.add(customer_of(licence))
    records.licences.add(licence, feed_token_digest=feed_token_digest)


def store(database: Database, *licences: Licence) -> None:
    """Both products, and the licences."""
    with database.writing() as records:
        for name in (CAD, CAM):
            records.products.add(product(name))
        for licence in licences:
            add(records, licence, feed_token_digest=digest_of(f"feed of {licence.licence_id}"))
