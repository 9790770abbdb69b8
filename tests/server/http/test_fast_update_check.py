"""The fast route of the update check answers what the general one answers, byte for byte.

A percent-escape in the query is enough to come to the general route.
"""

from __future__ import annotations

import base64
import gc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from httpx2 import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tenure_server.app import create_app
from tenure_server.domain.licence_facts import LicenceFacts
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.http import wire
from tenure_server.http.answer_pieces import SPELLED
from tenure_server.http.fast_query import PlainQueries
from tenure_server.http.fast_update_check import FastUpdateCheck
from tenure_server.http.kept_answers import VendorDay
from tenure_server.http.support_pieces import SupportPieces
from tenure_server.use_cases.support_summary import renewal_offer, support_summary
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import LicenceStatus, SupportPeriod, UpdateRules
from tenure_signing.languages import Language
from tenure_signing.names import EditionName
from tenure_signing.releases import Money, Ramp, Rollout
from tenure_signing.versions import Version
from tests.server.http.conftest import Shop
from tests.server.world import CAD, license_header

VERSIONS = ("0.1", "v1.1.0", "1.3", "1.5b1", "2.0", "99")
MACHINES = (("linux", "x86_64"), ("Win32", "AMD64"), ("macos", "arm64"))


def both(
    client: TestClient, key: str, headers: dict[str, str] | None = None, /, **query: str
) -> tuple[Response, Response]:
    """The answers of the fast route and of the general one."""
    asked = {"product": "cad", "version": "1.0", "os": "linux", "arch": "x86_64"} | query
    plain = "&".join(f"{name}={value}" for name, value in asked.items())
    escaped = plain.replace("product=c", "product=%63")
    assert PlainQueries().read(escaped.encode()) is None
    fast, general = (
        client.get(f"/v1/update-check?{text}", headers=license_header(key) | (headers or {}))
        for text in (plain, escaped)
    )
    return fast, general


def assert_same(answers: tuple[Response, Response]) -> Response:
    fast, general = answers
    assert (fast.status_code, fast.content) == (general.status_code, general.content)
    assert sorted(fast.headers.items()) == sorted(general.headers.items())
    return fast


def questions() -> Iterator[dict[str, str]]:
    for version in VERSIONS:
        for os, arch in MACHINES:
            for channel in ("stable", "beta", "nightly"):
                yield {"version": version, "os": os, "arch": arch, "channel": channel}


@pytest.mark.parametrize("name", ["ada", "bo", "cyn", "dee", "eve", "fay"])
def test_every_answer_and_refusal_is_the_general_ones(shop: Shop, name: str) -> None:
    for query in questions():
        first = assert_same(both(shop.client, shop.licences[name].key, **query))
        if first.status_code == 200:
            headers = {"If-None-Match": first.headers["etag"]}
            assert assert_same(both(shop.client, shop.licences[name].key, headers, **query)).status_code == 304


@pytest.mark.parametrize(
    "query",
    [
        {"install_id": "install-0001"},
        {"install_id": "install-0001", "manual": "true"},
        {"manual": "yes"},
        {"install_id": "x"},
        {"turn": "late", "install_id": "install-0001"},
        {"turn": "never"},
        {"version": ""},
        {"version": "one"},
        {"product": "cam"},
        {"product": "cnothing"},
        {"nonsense": "1"},
        {"channel": "Stable"},
        {"os": "beos"},
    ],
)
def test_odd_questions_are_answered_alike(shop: Shop, query: dict[str, str]) -> None:
    for key in (shop.bo.key, shop.eve.key):
        assert_same(both(shop.client, key, **query))


LANGUAGES: tuple[dict[str, str], ...] = (
    {},
    {"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"},
    {"Accept-Language": "fi, pt-BR;q=0.5, de;q=0.3"},
    {"Accept-Language": "en, de"},
    {"Accept-Language": "*;q=0, x!, de;q=none, ,"},
    {"Accept-Language": "d" * 400},
)


@pytest.mark.parametrize("headers", LANGUAGES, ids=lambda headers: str(headers)[-30:])
def test_notes_are_chosen_by_language_on_both_routes(own_shop: Shop, headers: dict[str, str]) -> None:
    with own_shop.world.database.writing() as records:
        records.notes.put_translation(CAD, Version("2.0"), Language("de"), "# Neu")
        records.notes.put_translation(CAD, Version("2.0"), Language("pt-br"), "# Novo")
    said = {}
    for lang in (None, "de", "PT-BR", "fi", "german"):
        query = {"version": "1.0"} | ({"lang": lang} if lang is not None else {})
        answer = assert_same(both(own_shop.client, own_shop.bo.key, headers, **query))
        said[lang] = answer.json()["offer"]["notes"] if answer.status_code == 200 else answer.status_code
        assert assert_same(both(own_shop.client, own_shop.bo.key, headers, **query)).content == answer.content
    own = "# New\n\nFaster *hidden-line* removal.\n"
    by_header = {"de-AT": "# Neu", "fi, p": "# Novo"}.get(headers.get("Accept-Language", "")[:5], own)
    assert said == {None: by_header, "de": "# Neu", "PT-BR": "# Novo", "fi": own, "german": 400}


def test_keys_that_are_not_genuine_are_refused_in_the_same_words(shop: Shop) -> None:
    head, claims, signature = shop.bo.key.split(".")
    flipped = "A" if signature[0] != "A" else "B"
    spare_bits = signature[:-1] + chr(ord(signature[-1]) + 1)
    for key in (
        f"{head}.{claims}.{flipped}{signature[1:]}",
        f"{head}.{claims}.{spare_bits}",
        f"{head}.{claims}.{signature[:-1]}",
        f"{head}.{claims[:-1]}.{signature}",
        f"{head}.{claims}=.{signature}",
        f"{head}.{claims}!.{signature}",
        f"{head[:-2]}.{claims}.{signature}",
        f"{head}.{claims}.{signature}.",
        f"{head}..{signature}",
        head,
        "x" * 3_000,
        "tenure_token",
    ):
        refused = assert_same(both(shop.client, key))
        assert refused.status_code == 401
        assert key not in refused.text


@pytest.mark.parametrize("scheme", ["License ", "license ", "Bearer ", "License  ", " License ", "Licence ", ""])
def test_each_spelling_of_the_header_is_understood_as_before(shop: Shop, scheme: str) -> None:
    header = {"Authorization": f"{scheme}{shop.bo.key}"}
    url = "/v1/update-check?product=cad&version=1.0&os=linux&arch=x86_64"
    escaped = url.replace("=cad", "=%63ad")
    assert_same((shop.client.get(url, headers=header), shop.client.get(escaped, headers=header)))


def test_pins_and_allowed_channels_are_kept_on_both_routes(own_shop: Shop) -> None:
    with own_shop.world.database.writing() as records:
        licence_id = own_shop.bo.licence.licence_id
        records.licences.set_update_rules(licence_id, UpdateRules(channels=frozenset()))
    for query in questions():
        assert_same(both(own_shop.client, own_shop.bo.key, **query))


def test_a_rollout_that_grows_by_itself_is_not_remembered(own_shop: Shop) -> None:
    world = own_shop.world
    ramp = Ramp(10_000, world.now(), world.now() + timedelta(days=2))
    world.roll_out("2.0", Rollout(0, ramp=ramp))
    install = {"install_id": "install-0001"}
    before = assert_same(both(own_shop.client, own_shop.bo.key, **install)).json()
    world.today += timedelta(days=2)
    after = assert_same(both(own_shop.client, own_shop.bo.key, **install)).json()
    assert (before["offer"]["version"], after["offer"]["version"]) == ("1.2", "2.0")


def test_a_change_of_a_licence_shows_in_the_next_answer(own_shop: Shop) -> None:
    for status in (LicenceStatus.SUSPENDED, LicenceStatus.ACTIVE, LicenceStatus.REVOKED):
        own_shop.world.change_status(own_shop.bo.licence, status)
        answered = assert_same(both(own_shop.client, own_shop.bo.key)).json()
        assert (answered["offer"] is not None) == (status is LicenceStatus.ACTIVE)


def test_the_answer_of_the_next_day_counts_one_day_less(own_shop: Shop) -> None:
    left = assert_same(both(own_shop.client, own_shop.bo.key)).json()["support"]["days_left"]
    own_shop.world.today += timedelta(days=1)
    assert assert_same(both(own_shop.client, own_shop.bo.key)).json()["support"]["days_left"] == left - 1


def test_forged_keys_push_no_licence_out_and_are_not_kept(own_shop: Shop) -> None:
    both(own_shop.client, own_shop.bo.key)
    identify = own_shop.world.installation.identify_licence
    kept = len(identify.cache)
    head, claims, _ = own_shop.bo.key.split(".")
    for number in range(200):
        signature = base64.urlsafe_b64encode(number.to_bytes(64)).rstrip(b"=").decode()
        forged = f"{head}.{claims}.{signature}"
        assert both(own_shop.client, forged)[0].status_code == 401
    assert len(identify.cache) == kept


def test_the_members_that_are_spelled_by_hand_are_those_of_the_answer() -> None:
    assert tuple(wire.UpdateCheck.model_fields) == SPELLED


def test_before_the_first_request_the_catalogue_is_read(own_shop: Shop) -> None:
    app = create_app(own_shop.world.reopened())
    frozen, thresholds = gc.get_freeze_count(), gc.get_threshold()
    try:
        with TestClient(app) as client:
            assert gc.get_freeze_count() > frozen
            assert_same(both(client, own_shop.bo.key))
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


# What is spelled by hand

DAYS = st.integers(-800, 800).map(lambda number: date(2026, 11, 23) + timedelta(days=number))


@st.composite
def facts(draw: st.DrawFn) -> LicenceFacts:
    ends = sorted(draw(st.lists(DAYS, max_size=6, unique=True)))
    return LicenceFacts(
        licence_id="L-1",
        product=CAD,
        edition=EditionName("pro"),
        purchased_on=draw(DAYS),
        status=LicenceStatus.ACTIVE,
        seats=1,
        total_purchase_price=Money(draw(st.integers(0, 10**12)), draw(st.sampled_from(["MYR", "JPY"]))),
        support_periods=tuple(SupportPeriod(*pair) for pair in zip(ends[::2], ends[1::2], strict=False)),
        grants=(),
        updates=UpdateRules(),
    )


@given(facts(), st.sampled_from(LapsePolicy), DAYS, st.sampled_from(["https://example.com/a?b=1", 'x"y\\z\n', "é\x7f"]))
@settings(max_examples=300, deadline=None)
def test_support_and_renewal_are_spelled_as_the_types_spell_them(
    licence: LicenceFacts, lapse: LapsePolicy, today: date, url: str
) -> None:
    product = Product(CAD, "CAD", (EditionName("pro"),), lapse_policy=lapse)
    policy = VendorPolicy(UTC, "MYR", url)
    support = wire.Support.of(support_summary(licence, today)).model_dump_json()
    renewal = wire.Renewal.of(renewal_offer(licence, product, policy, today)).model_dump_json()
    assert SupportPieces(product, policy, today).of(licence).decode() == f'"support":{support},"renewal":{renewal}'


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kuala_Lumpur", "America/Havana", "Pacific/Apia", "Asia/Kathmandu"])
def test_the_remembered_day_is_the_zones_own(zone: str) -> None:
    from zoneinfo import ZoneInfo

    now = [datetime(2026, 10, 30, tzinfo=UTC)]
    policy = VendorPolicy(ZoneInfo(zone), "MYR", "https://example.com")
    day = VendorDay(policy, lambda: now[0])
    for step in range(2_000):
        now[0] += timedelta(minutes=7, seconds=step % 60, microseconds=step) * (-1 if step % 10 == 9 else 1)
        assert day.now() == (now[0], policy.day_of(now[0]))


def test_the_fast_route_is_the_one_that_is_asked(shop: Shop) -> None:
    application = create_app(shop.world.installation)
    assert isinstance(application._fast[b"/v1/update-check"], FastUpdateCheck)
