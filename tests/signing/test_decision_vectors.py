"""The conformance vectors for coverage, offers, names and versions, run as an SDK in another language would."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tenure_signing.coverage import Coverage, NotCovered, coverage, coverage_of_all
from tenure_signing.days import parse_day
from tenure_signing.entitlement import (
    Entitlement,
    Grant,
    LicenceStatus,
    LineGrant,
    ServicePacks,
    SupportPeriod,
    VersionGrant,
)
from tenure_signing.errors import InvalidDay, InvalidName, InvalidVersion
from tenure_signing.names import (
    parse_channel,
    parse_edition,
    parse_file_name,
    parse_platform,
    parse_product,
    platform_of,
)
from tenure_signing.releases import Money, PaidUpgrade, ProductReleases, Release, Rollout, Withdrawal, visible_on
from tenure_signing.rollout import place_of
from tenure_signing.update_choice import InstalledCopy, Withheld, choose_update, download_decision
from tenure_signing.versions import Kind, kind_of, line_of, parse_version
from tests.signing.brute_force import Answer, Model
from tests.signing.small_catalogues import a_build, a_release
from tests.vectors import make_decision_vectors

Json = dict[str, Any]

FOLDER = Path(make_decision_vectors.__file__).parent


def vectors(name: str) -> Json:
    loaded = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    assert loaded["format"] == 1
    return loaded


COVERAGE, OFFERS, NAMES, VERSIONS = (
    vectors(name) for name in ("coverage.json", "offers.json", "names.json", "versions.json")
)


def named(cases: list[Json]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases])


# From JSON


def read_money(facts: Json) -> Money:
    return Money(facts["minor_units"], facts["currency"])


def read_release(product: str, facts: Json) -> Release:
    name, version = parse_product(product), parse_version(facts["version"])
    paid = facts.get("paid_upgrade")
    return Release(
        product=name,
        version=version,
        kind=Kind(facts["kind"]),
        editions=frozenset(parse_edition(edition) for edition in facts["editions"]),
        released_on=parse_day(facts["released_on"]),
        channel=parse_channel(facts["channel"]),
        builds=tuple(a_build(name, version, parse_platform(platform)) for platform in facts["builds"]),
        upgrade_from=parse_version(facts["upgrade_from"]) if "upgrade_from" in facts else None,
        open_release=facts.get("open_release", False),
        paid_upgrade=PaidUpgrade(*map(read_money, (paid["price_in_support"], paid["price_without_support"])))
        if paid
        else None,
        withdrawal=Withdrawal("Does not start") if facts.get("withdrawn") else None,
    )


def read_product(file: Json, case: Json) -> ProductReleases:
    facts = file["catalogues"][case["catalogue"]]
    releases = tuple(read_release(facts["product"], release) for release in facts["releases"])
    return ProductReleases(
        product=parse_product(facts["product"]),
        releases=visible_on(releases, parse_day(case["today"])),
        channels=tuple(parse_channel(channel) for channel in facts["channels"]),
        rollouts={
            parse_version(version): Rollout(rollout.get("share_basis_points", 10_000), rollout.get("is_halted", False))
            for version, rollout in case.get("rollouts", {}).items()
        },
    )


def read_grant(facts: Json) -> Grant:
    if "line" in facts:
        major, minor = facts["line"].split(".")
        return LineGrant(int(major), int(minor))
    return VersionGrant(parse_version(facts["version"]))


def read_licence(facts: Json) -> Entitlement:
    return Entitlement(
        licence_id="L-1",
        product=parse_product(facts["product"]),
        edition=parse_edition(facts["edition"]),
        purchased_on=parse_day(facts["purchased_on"]),
        status=LicenceStatus(facts["status"]),
        periods=tuple(SupportPeriod(parse_day(p["starts_on"]), parse_day(p["ends_on"])) for p in facts["periods"]),
        grants=tuple(read_grant(grant) for grant in facts["grants"]),
        service_packs=ServicePacks(facts["service_packs"]),
    )


def read_copy(facts: Json) -> InstalledCopy:
    return InstalledCopy(
        version=parse_version(facts["version"]),
        machine=platform_of(facts["os"], facts["arch"]),
        channel=parse_channel(facts["channel"]),
        install_id=facts["install_id"],
        is_manual=facts["is_manual"],
    )


def told(answer: Coverage) -> Json:
    told: Json = {"covered": not isinstance(answer, NotCovered), "reason": answer.reason.value}
    if isinstance(answer, NotCovered) and answer.price is not None:
        told["price"] = {"minor_units": answer.price.minor_units, "currency": answer.price.currency}
    return told


# coverage.json and offers.json


@pytest.mark.parametrize("name", sorted(make_decision_vectors.FILES))
def test_the_committed_file_is_what_the_table_renders(name: str) -> None:
    assert (FOLDER / name).read_bytes() == make_decision_vectors.render(name).encode()


def test_every_case_has_a_name_of_its_own_and_there_are_enough() -> None:
    for cases, least in ((COVERAGE["cases"], 60), (OFFERS["cases"], 40)):
        assert len({case["name"] for case in cases}) == len(cases) >= least


def test_every_reason_and_status_of_the_rules_has_cases() -> None:
    reasons = {answer["reason"] for case in COVERAGE["cases"] for answer in case["expect"].values()}
    assert reasons == {
        *("purchased", "support_period", "granted", "open_release", "step", "service_pack"),
        *("licence_suspended", "licence_revoked", "wrong_product", "wrong_edition"),
        *("upgrade_payment_due", "never_supported", "after_support", "between_periods"),
    }
    assert {case["expect"].get("status") for case in OFFERS["cases"]} == {
        *("update_available", "up_to_date", "update_not_covered", "installed_withdrawn"),
        None,  # a refused channel
    }


@named(COVERAGE["cases"])
def test_coverage_conforms(case: Json) -> None:
    licence, product = read_licence(case["licence"]), read_product(COVERAGE, case)
    assert {str(v): told(answer) for v, answer in coverage_of_all(licence, product).items()} == case["expect"]
    for release in product.releases:
        assert told(coverage(licence, release, product)) == case["expect"][str(release.version)]


@named(COVERAGE["cases"])
def test_the_model_agrees_with_the_coverage_vectors(case: Json) -> None:
    model = Model(read_licence(case["licence"]), read_product(COVERAGE, case))
    verdicts = {str(release.version): model.verdict(release) for release in model.all}
    assert {v: (verdict.is_covered, verdict.reason) for v, verdict in verdicts.items()} == {
        v: (answer["covered"], answer["reason"]) for v, answer in case["expect"].items()
    }


@named(OFFERS["cases"])
def test_offers_conform(case: Json) -> None:
    licence, product, expect = read_licence(case["licence"]), read_product(OFFERS, case), case["expect"]
    copy = read_copy(case["installed"])
    if "error" in expect:
        assert expect == {"error": "unknown_channel"}
        with pytest.raises(InvalidName):
            choose_update(licence, product, copy)
        return
    choice = choose_update(licence, product, copy)
    offer, newest = choice.offer, choice.newest
    assert {
        "status": choice.status.value,
        "offer": offer
        and {
            "version": str(offer.release.version),
            "reason": offer.covered.reason.value,
            "builds": [str(build.platform) for build in offer.builds],
            "is_downgrade": offer.is_downgrade,
            "more_steps_follow": offer.more_steps_follow,
            "last_step": str(offer.last_step) if offer.last_step else None,
        },
        "newest": newest and {"version": str(newest.release.version), **told(newest.coverage)},
    } == expect


@named([case for case in OFFERS["cases"] if "error" not in case["expect"]])
def test_the_model_agrees_with_the_offer_vectors(case: Json) -> None:
    expect, offer, newest = case["expect"], case["expect"]["offer"] or {}, case["expect"]["newest"] or {}
    model = Model(read_licence(case["licence"]), read_product(OFFERS, case))
    assert model.answer(read_copy(case["installed"])) == Answer(
        status=expect["status"],
        offered=parse_version(offer["version"]) if offer else None,
        is_downgrade=offer.get("is_downgrade", False),
        last_step=parse_version(offer["last_step"]) if offer.get("last_step") else None,
        newest=parse_version(newest["version"]) if newest else None,
    )


@named(OFFERS["downloads"])
def test_downloads_conform(case: Json) -> None:
    licence, product = read_licence(case["licence"]), read_product(OFFERS, case)
    answers = {}
    for release in product.releases:
        decision = download_decision(licence, release, product)
        match decision:
            case Withheld():
                answers[str(release.version)] = decision.value
            case NotCovered():
                answers[str(release.version)] = "not_covered"
            case _:
                answers[str(release.version)] = "allowed"
    assert answers == case["expect"]


def test_rollout_places_conform() -> None:
    for row in OFFERS["rollout_places"]:
        assert place_of(row["install_id"], a_release(row["version"], product=row["product"])) == row["place"]


# names.json

PARSERS: dict[str, Callable[[str], str | date]] = {
    "product": parse_product,
    "edition": parse_edition,
    "channel": parse_channel,
    "file_name": parse_file_name,
}


def good_and_bad(kind: str) -> tuple[list[Any], list[str]]:
    texts = NAMES[kind]
    assert texts["good"]
    assert texts["bad"]
    return texts["good"], texts["bad"]


@pytest.mark.parametrize("kind", sorted(PARSERS))
def test_names_conform(kind: str) -> None:
    good, bad = good_and_bad(kind)
    assert [PARSERS[kind](text) for text in good] == good
    for text in bad:
        with pytest.raises(InvalidName):
            pytest.fail(f"{PARSERS[kind](text)!r} was accepted")


def test_platforms_conform() -> None:
    good, bad = good_and_bad("platform")
    for text, os, arch in good:
        platform = parse_platform(text)
        assert (platform.os, platform.arch) == (os, arch), text
    for text in bad:
        with pytest.raises(InvalidName):
            pytest.fail(f"{parse_platform(text)!r} was accepted")


def test_builds_run_on_machines_as_stated() -> None:
    for build, machine, runs in NAMES["runs_on"]:
        assert parse_platform(build).runs_on(parse_platform(machine)) is runs, (build, machine)


def test_days_conform() -> None:
    good, bad = good_and_bad("day")
    assert [parse_day(text).isoformat() for text in good] == good
    for text in bad:
        with pytest.raises(InvalidDay):
            pytest.fail(f"{parse_day(text)!r} was accepted")


# versions.json


def test_good_versions_conform() -> None:
    for row in VERSIONS["good"]:
        version = parse_version(row["text"])
        assert str(version) == row["normal"]
        assert kind_of(version).value == row["kind"], row
        assert "{}.{}".format(*line_of(version)) == row["line"]


def test_bad_versions_are_refused() -> None:
    for text in VERSIONS["bad"]:
        with pytest.raises(InvalidVersion):
            pytest.fail(f"{parse_version(text)!r} was accepted")


def test_versions_order_as_stated() -> None:
    for chain in VERSIONS["ascending"]:
        for lower, higher in itertools.combinations([parse_version(text) for text in chain], 2):
            assert lower < higher
    for texts in VERSIONS["equal"]:
        assert len({parse_version(text) for text in texts}) == 1
