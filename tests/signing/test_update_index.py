"""The prepared catalogue answers as the rules do, over random catalogues and real ones."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure_signing.coverage import Covered
from tenure_signing.entitlement import (
    Entitlement,
    LicenceStatus,
    LineGrant,
    Pin,
    ServicePacks,
    SupportPeriod,
    Turn,
    UpdateRules,
    VersionGrant,
)
from tenure_signing.errors import InvalidName
from tenure_signing.names import ChannelName, EditionName, Platform
from tenure_signing.releases import DEFAULT_CHANNELS, ProductReleases, Ramp, Rollout
from tenure_signing.update_choice import InstalledCopy, choose_update, download_decisions
from tenure_signing.update_index import MAX_PLACES, MAX_SHELVES, UpdateIndex
from tenure_signing.versions import Version
from tests.signing import strategies
from tests.signing.small_catalogues import a_product, a_release
from tests.signing.test_catalogues import HISTORIES, read_product

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

UPDATE_RULES = st.builds(
    UpdateRules,
    channels=st.one_of(st.none(), st.frozensets(st.sampled_from(DEFAULT_CHANNELS))),
    pin=st.one_of(st.none(), st.builds(Pin, st.sampled_from([1, 2, 3, 2024]), st.one_of(st.none(), st.integers(0, 2)))),
    turn=st.sampled_from(Turn),
)
RAMPS = st.dictionaries(
    strategies.versions,
    st.builds(
        lambda share, halted, hours: Rollout(
            share, halted, Ramp(10_000, NOW - timedelta(hours=hours), NOW + timedelta(hours=48)) if hours else None
        ),
        st.sampled_from([0, 100, 5_000, 10_000]),
        st.booleans(),
        st.integers(0, 72),
    ),
    max_size=4,
)


@given(strategies.situations())
@settings(max_examples=600, deadline=None)
def test_a_prepared_catalogue_gives_the_answer_of_the_rules(situation: strategies.Situation) -> None:
    found = UpdateIndex(situation.product).choose(situation.licence, situation.copy, NOW)
    assert found == choose_update(situation.licence, situation.product, situation.copy)


@given(strategies.situations(), UPDATE_RULES, st.sampled_from([None, *Turn]), RAMPS)
@settings(max_examples=600, deadline=None)
def test_pins_channels_turns_and_ramps_change_both_alike(
    situation: strategies.Situation, rules: UpdateRules, turn: Turn | None, ramps: dict[Version, Rollout]
) -> None:
    licence, copy = replace(situation.licence, updates=rules), replace(situation.copy, turn=turn)
    product = replace(situation.product, rollouts=ramps)
    standing = replace(product, rollouts={version: rollout.at(NOW) for version, rollout in ramps.items()})
    assert UpdateIndex(product).choose(licence, copy, NOW) == choose_update(licence, standing, copy)


@given(strategies.situations(), UPDATE_RULES)
@settings(max_examples=300, deadline=None)
def test_what_can_be_downloaded_is_the_same(situation: strategies.Situation, rules: UpdateRules) -> None:
    licence, product = replace(situation.licence, updates=rules), situation.product
    index, expected = UpdateIndex(product), download_decisions(licence, product)
    obtainable = index.obtainable(licence)
    for release in product.releases:
        assert index.download_decision(licence, release) == expected[release.version]
        assert bool(obtainable & index.bit_of(release)) == isinstance(expected[release.version], Covered)
        for build in release.builds:
            assert index.find(release.version, build.file_name) == (release, build)
        assert index.find(release.version, "nothing") == (release, None)
    assert index.find(Version("0.0.0.9"), "nothing") is None


@given(strategies.step_puzzles(), st.data())
@settings(max_examples=300, deadline=None)
def test_steps_across_a_gap_are_the_same(puzzle: tuple[Entitlement, ProductReleases], data: st.DataObject) -> None:
    licence, product = puzzle
    index = UpdateIndex(product)
    for _ in range(3):
        copy = data.draw(strategies.installed_copies(product))
        assert index.choose(licence, copy, NOW) == choose_update(licence, product, copy)


@pytest.mark.parametrize("name", HISTORIES)
def test_real_histories_are_answered_alike(catalogue_directory: Path, name: str) -> None:
    product = read_product(catalogue_directory, name)
    index = UpdateIndex(product)
    chance = random.Random(f"index {name}")
    days = sorted(release.released_on for release in product.releases)
    machines = sorted({machine for r in product.releases for b in r.builds for machine in b.platform.machines()})
    versions = [release.version for release in product.releases]
    for _ in range(250):
        starts = chance.choice(days) + timedelta(days=chance.randrange(-3, 3))
        periods = (
            SupportPeriod(starts, starts + timedelta(days=chance.randrange(400))),
            SupportPeriod(starts + timedelta(days=500), starts + timedelta(days=chance.randrange(500, 900))),
        )
        licence = Entitlement(
            licence_id="L-1",
            product=product.product,
            edition=EditionName(chance.choice(["standard", "pro"])),
            purchased_on=chance.choice(days),
            status=chance.choice([LicenceStatus.ACTIVE] * 9 + [LicenceStatus.SUSPENDED, LicenceStatus.REVOKED]),
            periods=periods[: chance.randrange(3)],
            grants=(VersionGrant(chance.choice(versions)), LineGrant(0, chance.randrange(9)))[: chance.randrange(3)],
            service_packs=chance.choice(list(ServicePacks)),
        )
        copy = InstalledCopy(
            version=chance.choice([*versions, Version("0.0.9999")]),
            machine=chance.choice([*machines, Platform("freebsd", "riscv64")]),
            channel=chance.choice(product.channels),
            install_id=chance.choice([None, f"install-{chance.randrange(1000)}"]),
            is_manual=chance.random() < 0.2,
        )
        assert index.choose(licence, copy, NOW) == choose_update(licence, product, copy)


def test_a_channel_the_product_does_not_have_is_refused_in_the_same_words() -> None:
    product = a_product(a_release("1.0"))
    licence = Entitlement("L-1", product.product, EditionName("pro"), product.releases[0].released_on)
    copy = InstalledCopy(Version("1.0"), Platform("linux", "x86_64"), ChannelName("nightly"))
    with pytest.raises(InvalidName) as of_rules:
        choose_update(licence, product, copy)
    with pytest.raises(InvalidName) as of_index:
        UpdateIndex(product).choose(licence, copy, NOW)
    assert str(of_index.value) == str(of_rules.value)


def test_two_spellings_of_one_version_are_left_to_the_rules() -> None:
    product = a_product(a_release("1.0"), a_release("1.0.0"))
    licence = Entitlement("L-1", product.product, EditionName("pro"), product.releases[0].released_on)
    copy = InstalledCopy(Version("0.9"), Platform("linux", "x86_64"), ChannelName("stable"))
    assert UpdateIndex(product).choose(licence, copy, NOW) == choose_update(licence, product, copy)


def test_asking_for_ever_new_versions_and_machines_does_not_fill_the_memory() -> None:
    product = a_product(a_release("1.0"))
    licence = Entitlement("L-1", product.product, EditionName("pro"), product.releases[0].released_on)
    index = UpdateIndex(product)
    copy = InstalledCopy(Version("1.0"), Platform("linux", "x86_64"), ChannelName("stable"))
    for number in range(20_000):
        index.choose(
            licence, replace(copy, version=Version(f"0.{number}"), machine=Platform("linux", f"a{number}")), NOW
        )
    assert index.remembered <= 2 * (MAX_SHELVES + MAX_PLACES)
