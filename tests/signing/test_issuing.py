"""Making licence keys and certificates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_signing.certificate import verify_certificate
from tenure_signing.entitlement import (
    Entitlement,
    Grant,
    LicenceStatus,
    LineGrant,
    ServicePacks,
    SupportPeriod,
    VersionGrant,
)
from tenure_signing.errors import InvalidClaims, StatementTooLarge
from tenure_signing.issuing import issue_certificate, issue_licence_key
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.licence_key import verify_licence_key
from tenure_signing.names import EditionName, ProductName
from tenure_signing.versions import Version

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY, DAY = NOW.date(), timedelta(days=1)
KEY = new_key()
KEYS = KeySet((KEY.verification_key(*Purpose),))

licence_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
slugs = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", fullmatch=True)
products = slugs.filter(lambda name: name not in ("root", "targets", "snapshot", "timestamp")).map(ProductName)
editions = slugs.map(EditionName)
seats = st.integers(1, 1_000_000)
past_days = st.dates(max_value=NOW.date() + DAY)
numbers = st.integers(0, 999_999_999)
grants: st.SearchStrategy[Grant] = st.one_of(
    st.builds(LineGrant, numbers, numbers),
    st.builds(
        VersionGrant,
        st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}((a|b|rc|\.post)[0-9]{1,2})?", fullmatch=True).map(Version),
    ),
)


@st.composite
def periods(draw: st.DrawFn) -> tuple[SupportPeriod, ...]:
    days = sorted(draw(st.lists(st.dates(), max_size=12, unique=True)))
    return tuple(SupportPeriod(start, end) for start, end in zip(days[::2], days[1::2], strict=False))


entitlements = st.builds(
    Entitlement,
    licence_id=licence_ids,
    product=products,
    edition=editions,
    purchased_on=past_days,
    status=st.sampled_from(LicenceStatus),
    periods=periods(),
    grants=st.lists(grants, max_size=6).map(tuple),
    service_packs=st.sampled_from(ServicePacks),
)


@given(entitlements, seats, st.integers(1, 10**8))
def test_every_entitlement_survives_its_certificate(entitlement: Entitlement, seats: int, seconds: int) -> None:
    text = issue_certificate(entitlement, seats, NOW, timedelta(seconds=seconds), KEY)
    read = verify_certificate(text, KEYS, NOW)
    assert (read.entitlement, read.seats) == (entitlement, seats)
    assert read.refresh_by == NOW + timedelta(seconds=seconds)


@given(licence_ids, products, editions, past_days, seats)
def test_every_licence_survives_its_key(
    licence_id: str, product: ProductName, edition: EditionName, purchased_on: date, seats: int
) -> None:
    text = issue_licence_key(
        licence_id=licence_id,
        product=product,
        edition=edition,
        purchased_on=purchased_on,
        seats=seats,
        now=NOW,
        key=KEY,
    )
    read = verify_licence_key(text, KEYS, NOW)
    assert (read.licence_id, read.product, read.edition) == (licence_id, product, edition)
    assert (read.purchased_on, read.seats, read.issued_at) == (purchased_on, seats, NOW)


def licence_key(
    *,
    licence_id: str = "L-1",
    product: str = "cad",
    purchased_on: date = TODAY,
    seats: int = 1,
    now: datetime = NOW,
) -> str:
    return issue_licence_key(
        licence_id=licence_id,
        product=ProductName(product),
        edition=EditionName("pro"),
        purchased_on=purchased_on,
        seats=seats,
        now=now,
        key=KEY,
    )


def test_issuing_the_same_licence_key_again_gives_the_same_text() -> None:
    assert licence_key() == licence_key()
    assert licence_key() == licence_key(now=NOW.astimezone(timezone(timedelta(hours=8))).replace(microsecond=999))


def test_a_licence_key_that_no_one_would_accept_is_not_issued() -> None:
    with pytest.raises(InvalidClaims, match="purchased_on is later"):
        licence_key(purchased_on=NOW.date() + 2 * DAY)
    for bad in (0, -1, 1_000_001, True):
        with pytest.raises(InvalidClaims, match="seats"):
            licence_key(seats=bad)
    with pytest.raises(InvalidClaims, match="sub"):
        licence_key(licence_id="../L-1")
    with pytest.raises(InvalidClaims, match="product"):
        licence_key(product="CAD")
    with pytest.raises(InvalidClaims, match="purchased_on has a value"):
        licence_key(purchased_on=NOW)
    with pytest.raises(ValueError, match="time zone"):
        licence_key(now=NOW.replace(tzinfo=None))


def test_a_certificate_that_no_one_would_accept_is_not_issued() -> None:
    entitlement = Entitlement("L-1", ProductName("cad"), EditionName("pro"), NOW.date())
    for refresh_after in (timedelta(0), -DAY):
        with pytest.raises(InvalidClaims, match="refresh_by"):
            issue_certificate(entitlement, 1, NOW, refresh_after, KEY)
    with pytest.raises(InvalidClaims, match="seats"):
        issue_certificate(entitlement, 0, NOW, DAY, KEY)


def entitled(periods: int, lines: int) -> Entitlement:
    days = [date(2000, 1, 1) + n * DAY for n in range(periods)]
    return Entitlement(
        licence_id="L" * 64,
        product=ProductName("p" * 64),
        edition=EditionName("e" * 64),
        purchased_on=date(2000, 1, 1),
        periods=tuple(SupportPeriod(day, day) for day in days),
        grants=tuple(LineGrant(2026, minor) for minor in range(lines)),
    )


def test_a_certificate_has_room_for_two_hundred_periods_and_three_hundred_grants() -> None:
    entitlement = entitled(200, 300)
    text = issue_certificate(entitlement, 1, NOW, DAY, KEY)
    assert verify_certificate(text, KEYS, NOW).entitlement == entitlement


def test_a_certificate_too_large_for_its_verifiers_is_not_issued() -> None:
    with pytest.raises(StatementTooLarge):
        issue_certificate(entitled(600, 0), 1, NOW, DAY, KEY)
