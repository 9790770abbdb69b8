"""Selling, renewing and stopping licences. RULES.md, Support periods."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tenure_server.domain.licences import Licence, PeriodSource
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.errors import AuthenticationRequired, Conflict, InvalidRequest, NotFound, Refusal
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money
from tests.server.world import CAD, MYR_1000, PRO, TODAY, WHO, World

ORDER = LicenceOrder(CAD, PRO, "Ada Tan", MYR_1000, smp_years=1)


def read(world: World, licence: Licence) -> Licence:
    with world.database.reading() as records:
        found = records.licences.get(licence.licence_id)
    assert found is not None
    return found


def with_lapse_policy(world: World, policy: LapsePolicy) -> ProductName:
    name = ProductName(f"cad-{policy}")
    world.installation.add_product(
        Product(name, "CAD", (PRO,), lapse_policy=policy),
        targets=[world.targets],
        product_signers=[world.engineer],
        online=world.installation.keys.online_signers,
        who=WHO,
    )
    return name


def test_smp_bought_with_the_licence_starts_on_the_day_of_purchase(world: World) -> None:
    licence = world.installation.issue_licence(ORDER, who=WHO).licence
    (paid,) = read(world, licence).periods
    assert paid.period == SupportPeriod(TODAY, date(2027, 11, 22))
    assert paid.source is PeriodSource.PURCHASE
    assert paid.price == Money(15_000, "MYR")


def test_additional_users_raise_the_total_purchase_price_and_the_seats(world: World) -> None:
    order = replace(ORDER, additional_users=4, additional_users_price=Money(200_000, "MYR"), smp_years=2)
    licence = world.installation.issue_licence(order, who=WHO).licence
    assert licence.seats == 5
    assert licence.total_purchase_price == Money(300_000, "MYR")
    assert licence.periods[0].price == Money(60_000, "MYR")


def test_the_key_of_a_licence_opens_it_and_no_other_key_does(world: World) -> None:
    issued = world.installation.issue_licence(ORDER, who=WHO)
    assert world.installation.identify_licence.by_key(issued.key).licence_id == issued.licence.licence_id
    changed = issued.key[:-8] + ("A" if issued.key[-8] != "A" else "B") + issued.key[-7:]
    with pytest.raises(AuthenticationRequired) as refused:
        world.installation.identify_licence.by_key(changed)
    assert refused.value.code == "licence_key_bad_signature"
    assert changed not in str(refused.value)


def test_a_genuine_key_of_a_licence_that_was_never_stored_is_refused(world: World) -> None:
    claims = world.installation.issue_licence.selling.key_signer
    from tenure_server.use_cases.signers import LicenceKeyClaims

    key = claims.sign(LicenceKeyClaims("unknown", CAD, PRO, TODAY, 1, world.now()))
    with pytest.raises(AuthenticationRequired) as refused:
        world.installation.identify_licence.by_key(key)
    assert refused.value.code == "unknown_licence"


def test_a_key_that_was_lost_can_be_shown_again(world: World) -> None:
    issued = world.installation.issue_licence(ORDER, who=WHO)
    assert world.installation.issue_licence.key_again(read(world, issued.licence)) == issued.key


def test_what_the_database_holds_is_not_the_key(world: World) -> None:
    issued = world.installation.issue_licence(ORDER, who=WHO)
    assert issued.key not in repr(read(world, issued.licence))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"product": ProductName("cod")}, "unknown_product"),
        ({"edition": EditionName("max")}, "unknown_edition"),
        ({"customer": "  "}, "invalid_customer"),
        ({"customer": "a\x1b[2Jb"}, "invalid_customer"),
        ({"email": "nowhere"}, "invalid_email"),
        ({"email": "a b@example.com"}, "invalid_email"),
        ({"base_price": Money(-1, "MYR")}, "invalid_price"),
        ({"base_price": Money(10**16, "MYR")}, "invalid_price"),
        ({"additional_users": 3}, "invalid_price"),
        ({"additional_users": -1}, "invalid_seats"),
        ({"additional_users": 1, "additional_users_price": Money(1, "EUR")}, "mixed_currencies"),
        ({"smp_years": 3}, "invalid_plan"),
        ({"purchased_on": TODAY + timedelta(days=1)}, "future_purchase"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_nothing_is_stored(
    world: World, change: dict[str, object], code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        world.installation.issue_licence(replace(ORDER, **change), who=WHO)  # type: ignore[arg-type]
    assert refused.value.code == code
    with world.database.reading() as records:
        assert records.licences.search() == ()


def test_a_renewal_in_its_window_begins_the_day_after_the_old_end(world: World) -> None:
    licence = world.installation.issue_licence(ORDER, who=WHO).licence
    world.today = date(2027, 10, 1)
    paid = world.installation.renew_support(licence.licence_id, 2, who=WHO)
    assert paid.period == SupportPeriod(date(2027, 11, 23), date(2029, 11, 22))
    assert paid.price == Money(20_000, "MYR")
    assert read(world, licence).support_periods == (
        SupportPeriod(TODAY, date(2027, 11, 22)),
        SupportPeriod(date(2027, 11, 23), date(2029, 11, 22)),
    )


def test_a_renewal_too_early_is_refused_and_says_from_which_day_it_is_possible(world: World) -> None:
    licence = world.installation.issue_licence(ORDER, who=WHO).licence
    with pytest.raises(Conflict, match=r"from 2027-08-24 up to and including 2027-11-22") as refused:
        world.installation.renew_support(licence.licence_id, 1, who=WHO)
    assert refused.value.code == "too_early"


def test_a_renewal_already_ordered_closes_the_window(world: World) -> None:
    licence = world.installation.issue_licence(ORDER, who=WHO).licence
    world.today = date(2027, 11, 22)
    world.installation.renew_support(licence.licence_id, 1, who=WHO)
    with pytest.raises(Conflict) as refused:
        world.installation.renew_support(licence.licence_id, 1, who=WHO)
    assert refused.value.code == "too_early"


def test_after_the_end_a_closed_product_refers_to_sales_and_an_operator_can_add_a_period_by_hand(world: World) -> None:
    licence = world.installation.issue_licence(ORDER, who=WHO).licence
    world.today = date(2027, 11, 23)
    with pytest.raises(Conflict) as refused:
        world.installation.renew_support(licence.licence_id, 1, who=WHO)
    assert refused.value.code == "lapsed_closed"
    by_hand = SupportPeriod(date(2027, 12, 1), date(2027, 12, 31))
    world.installation.add_period_by_hand(licence.licence_id, by_hand, reason="goodwill", who="Bo")
    with world.database.reading() as records:
        event = records.audit.newest(subject=licence.licence_id)[0]
    assert (event.who, event.details["reason"]) == ("Bo", "goodwill")


@pytest.mark.parametrize(
    ("policy", "starts_on"), [(LapsePolicy.GAP, date(2028, 2, 1)), (LapsePolicy.BACKDATE, date(2027, 11, 23))]
)
def test_after_the_end_a_fresh_term_starts_as_the_product_says(
    world: World, policy: LapsePolicy, starts_on: date
) -> None:
    product = with_lapse_policy(world, policy)
    licence = world.installation.issue_licence(replace(ORDER, product=product), who=WHO).licence
    world.today = date(2028, 2, 1)
    assert world.installation.renew_support(licence.licence_id, 1, who=WHO).period.starts_on == starts_on


def test_smp_bought_later_for_the_first_time_starts_on_that_day(world: World) -> None:
    licence = world.installation.issue_licence(replace(ORDER, smp_years=None), who=WHO).licence
    world.today = date(2027, 3, 1)
    assert world.installation.renew_support(licence.licence_id, 1, who=WHO).period.starts_on == date(2027, 3, 1)


def test_periods_never_overlap_by_hand_either(world: World) -> None:
    licence = world.installation.issue_licence(ORDER, who=WHO).licence
    overlapping = SupportPeriod(date(2027, 11, 22), date(2028, 1, 1))
    with pytest.raises(Conflict) as refused:
        world.installation.add_period_by_hand(licence.licence_id, overlapping, reason="mistake", who=WHO)
    assert refused.value.code == "periods_overlap"
    assert len(read(world, licence).periods) == 1


@pytest.mark.parametrize("status", [LicenceStatus.SUSPENDED, LicenceStatus.REVOKED])
def test_a_stopped_licence_cannot_be_renewed_until_it_is_reinstated(world: World, status: LicenceStatus) -> None:
    licence = world.installation.issue_licence(ORDER, who=WHO).licence
    world.today = date(2027, 11, 1)
    world.change_status(licence, status)
    with pytest.raises(Conflict) as refused:
        world.installation.renew_support(licence.licence_id, 1, who=WHO)
    assert refused.value.code == f"licence_{status}"
    world.change_status(licence, LicenceStatus.ACTIVE)
    world.installation.renew_support(licence.licence_id, 1, who=WHO)


def test_changing_the_status_needs_a_reason_and_is_audited_once(world: World) -> None:
    licence = world.installation.issue_licence(ORDER, who=WHO).licence
    with pytest.raises(InvalidRequest):
        world.installation.change_status(licence.licence_id, LicenceStatus.REVOKED, reason="", who=WHO)
    for _ in range(2):
        world.change_status(licence, LicenceStatus.SUSPENDED)
    with world.database.reading() as records:
        actions = [event.action for event in records.audit.newest(subject=licence.licence_id)]
    assert actions == ["licence.suspended", "licence.issue"]


def test_an_unknown_licence_is_said_to_be_unknown(world: World) -> None:
    with pytest.raises(NotFound, match="no such licence"):
        world.installation.renew_support("nobody", 1, who=WHO)
