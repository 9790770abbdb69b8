"""What happens is told: one event for each change, in its transaction, and none for what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

import pytest

from tenure_server.domain.events import Event
from tenure_server.errors import Conflict
from tenure_signing.entitlement import LicenceStatus, LineGrant, SupportPeriod
from tenure_signing.names import ChannelName
from tenure_signing.versions import Version
from tests.server.world import CAD, LINUX, TODAY, WHO, WINDOWS, World

SALE = ("order.created", "order.paid")


def told(world: World) -> list[Event]:
    with world.database.reading() as records:
        return [one.event for one in records.outbox.following(0, limit=1000)]


def types(world: World) -> list[str]:
    return [event.type.value for event in told(world)]


def data(world: World, type: str) -> Mapping[str, object]:
    return next(event.data for event in told(world) if event.type == type)


def test_a_licence_sold_with_smp_tells_of_the_licence_and_its_period(world: World) -> None:
    issued = world.issue(TODAY)
    licence_id = issued.licence.licence_id
    assert [(event.type.value, event.subject, event.product) for event in told(world)] == [
        ("order.created", "O-2026-00001", CAD),
        ("order.paid", "O-2026-00001", CAD),
        ("licence.issued", licence_id, CAD),
        ("period.added", licence_id, CAD),
    ]
    assert data(world, "licence.issued") == {"edition": "pro", "seats": 1, "purchased_on": "2026-11-23"}
    assert data(world, "period.added") == {
        "edition": "pro",
        "starts_on": "2026-11-23",
        "ends_on": "2027-11-22",
        "source": "purchase",
        "price_minor_units": 15_000,
        "currency": "MYR",
    }


def test_no_event_holds_the_licence_key_or_the_customers_name(world: World) -> None:
    issued = world.issue(TODAY)
    text = repr(told(world))
    assert issued.key not in text
    assert "Ada" not in text


def test_every_event_has_an_id_of_its_own(world: World) -> None:
    world.issue(TODAY)
    world.issue(TODAY)
    ids = [event.event_id for event in told(world)]
    assert len(set(ids)) == len(ids) == 8
    assert all(len(one) == 30 and one.startswith("evt_") for one in ids)


def test_a_renewal_tells_of_the_term_and_of_the_renewal(world: World) -> None:
    licence = world.issue(date(2025, 12, 1)).licence
    world.installation.renew_support(licence.licence_id, 2, who=WHO)
    assert types(world)[4:] == ["order.created", "order.paid", "period.added", "licence.renewed"]
    assert data(world, "licence.renewed") == {"edition": "pro", "years": 2, "supported_until": "2028-11-30"}


def test_a_first_term_bought_later_is_no_renewal(world: World) -> None:
    licence = world.issue(date(2025, 12, 1), smp_years=None).licence
    world.installation.renew_support(licence.licence_id, 1, who=WHO)
    assert types(world) == [*SALE, "licence.issued", *SALE, "period.added"]


def test_a_refused_renewal_tells_nothing(world: World) -> None:
    licence = world.issue(TODAY).licence
    with suppress(Conflict):
        world.installation.renew_support(licence.licence_id, 1, who=WHO)
    assert types(world) == [*SALE, "licence.issued", "period.added"]


def test_suspension_reinstatement_and_revocation_are_told_once_each(world: World) -> None:
    licence = world.issue(TODAY, smp_years=None).licence
    for status in (LicenceStatus.SUSPENDED, LicenceStatus.SUSPENDED, LicenceStatus.ACTIVE, LicenceStatus.REVOKED):
        world.change_status(licence, status)
    assert types(world)[3:] == ["licence.suspended", "licence.reinstated", "licence.revoked"]
    assert data(world, "licence.revoked") == {"edition": "pro", "before": "active", "reason": "invoice unpaid"}


def test_periods_and_grants_by_hand_are_told(world: World) -> None:
    licence_id = world.issue(TODAY, smp_years=None).licence.licence_id
    period = SupportPeriod(date(2030, 1, 1), date(2030, 12, 31))
    world.installation.add_period_by_hand(licence_id, period, reason="goodwill", who=WHO)
    for _ in range(2):
        world.installation.grant_release(licence_id, LineGrant(2, 4), reason="goodwill", who=WHO)
    assert types(world)[3:] == ["period.added", "licence.granted"]
    assert data(world, "period.added")["price_minor_units"] is None
    assert data(world, "licence.granted")["grant"] == "line 2.4"


def test_a_release_is_told_from_publication_to_withdrawal(world: World) -> None:
    world.publish("2.0", TODAY, channel="beta", platforms=(LINUX,))
    world.publish("2.0", TODAY, channel="beta", platforms=(LINUX,))
    world.publish("2.0", TODAY, channel="beta", platforms=(WINDOWS,))
    online = world.installation.keys.online_signers
    promote = world.installation.promote
    promote(CAD, Version("2.0"), ChannelName("stable"), signers=[world.engineer], online=online, who=WHO)
    world.withdraw("2.0", "crashes on start")
    assert types(world) == ["release.published", "release.builds_added", "release.promoted", "release.withdrawn"]
    assert {event.subject for event in told(world)} == {"cad 2.0"}
    assert data(world, "release.published")["platforms"] == ["linux-x86_64"]
    assert data(world, "release.builds_added")["platforms"] == ["linux-x86_64", "windows-x86_64"]
    assert data(world, "release.promoted")["from_channel"] == "beta"
    assert data(world, "release.withdrawn")["reason"] == "crashes on start"


def test_a_rollout_is_told_when_it_changes_halts_and_resumes(world: World) -> None:
    world.publish("2.0", TODAY)
    change = world.installation.change_rollout
    change.set_share(CAD, Version("2.0"), 1000, who=WHO)
    change.set_share(CAD, Version("2.0"), 1000, who=WHO)
    change.halt(CAD, Version("2.0"), reason="many crashes", who=WHO)
    change.resume(CAD, Version("2.0"), signers=[world.engineer], who=WHO)
    assert types(world)[1:] == ["rollout.changed", "rollout.halted", "rollout.resumed"]
    assert data(world, "rollout.halted")["reason"] == "many crashes"


def test_metadata_signed_anew_tells_nothing(world: World) -> None:
    world.publish("2.0", TODAY)
    world.today = date(2026, 11, 26)
    world.installation.keep_metadata_fresh()
    assert types(world) == ["release.published"]


@pytest.mark.parametrize("failing", ["audit", "outbox"])
def test_a_change_and_its_event_are_kept_together_or_not_at_all(
    world: World, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    licence = world.issue(TODAY, smp_years=None).licence
    with world.database.writing() as records:
        kind = type(getattr(records, failing))

    def fail(*_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(kind, "append", fail)
        with suppress(OSError):
            world.change_status(licence, LicenceStatus.REVOKED)
    with world.database.reading() as records:
        found = records.licences.get(licence.licence_id)
    assert found is not None
    assert found.status is LicenceStatus.ACTIVE
    assert types(world) == [*SALE, "licence.issued"]
