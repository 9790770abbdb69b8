"""Real release histories: every name in them parses, and every decision over them is the brute-force model's.

What the histories do not have (editions, steps, paid upgrades, open releases, rollouts) is sprinkled over them by
each release's place in the history, so that each run sees the same catalogues.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tenure_signing.coverage import Covered, NotCovered, coverage_of_all
from tenure_signing.entitlement import Entitlement, LineGrant, ServicePacks, SupportPeriod, VersionGrant
from tenure_signing.names import ChannelName, EditionName, parse_file_name, parse_product, platform_of
from tenure_signing.releases import (
    DEFAULT_CHANNELS,
    Build,
    Money,
    PaidUpgrade,
    ProductReleases,
    Release,
    Rollout,
    Withdrawal,
)
from tenure_signing.update_choice import InstalledCopy, choose_update, download_decisions
from tenure_signing.versions import Version, kind_of, line_of, parse_version
from tests.signing.brute_force import Answer, Model, Verdict

STANDARD, PRO = EditionName("standard"), EditionName("pro")
HISTORIES = ("ruff", "numpy", "pyside6-essentials")


def history(directory: Path, name: str) -> dict[str, Any]:
    loaded = json.loads((directory / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def channel_of(version: Version) -> ChannelName:
    if version.pre is not None and version.pre[0] == "a":
        return DEFAULT_CHANNELS[2]
    return DEFAULT_CHANNELS[1 if version.is_prerelease else 0]


def read_release(product: str, entry: dict[str, Any], place: int, versions: list[Version]) -> Release:
    """The release, with what its place in the history, from 0, sprinkles over it."""
    version = parse_version(entry["version"])
    below = sorted(other for other in versions if other < version)
    return Release(
        product=parse_product(product),
        version=version,
        kind=kind_of(version),
        editions=frozenset({PRO} if place % 7 == 4 else {STANDARD} if place % 13 == 6 else {STANDARD, PRO}),
        released_on=date.fromisoformat(entry["released_at"][:10]),
        channel=DEFAULT_CHANNELS[1] if place % 9 == 5 else channel_of(version),
        builds=tuple(
            Build(
                path=f"{product}/{version}/{file['name']}",
                file_name=parse_file_name(file["name"]),
                platform=platform_of(file["os"], file["arch"]),
                length=file["size"],
                sha256=file["sha256"],
            )
            for file in entry["files"]
        ),
        upgrade_from=below[-min(len(below), 3 + place % 5)] if below and place % 6 == 1 else None,
        open_release=place in range(3, 100, 17),
        paid_upgrade=PaidUpgrade(Money(10_000, "MYR"), Money(30_000, "MYR")) if place % 11 == 8 else None,
        withdrawal=Withdrawal("Was yanked") if entry["yanked"] or place % 19 == 10 else None,
    )


def read_product(directory: Path, name: str) -> ProductReleases:
    loaded = history(directory, name)
    versions = [parse_version(entry["version"]) for entry in loaded["releases"]]
    releases = tuple(
        read_release(loaded["product"], entry, place, versions) for place, entry in enumerate(loaded["releases"])
    )
    rollouts = {
        release.version: Rollout(is_halted=True) if place % 10 == 0 else Rollout(1_000 * (place % 10))
        for place, release in enumerate(releases[::5])
    }
    return ProductReleases(parse_product(loaded["product"]), releases, rollouts=rollouts)


def licences(product: ProductReleases) -> Iterator[Entitlement]:
    """Licences bought at four times of the history, each with the common ways to pay for support, and grants."""
    days = sorted(release.released_on for release in product.releases)
    versions = sorted(release.version for release in product.releases)
    for number, bought in enumerate(days[len(days) * part // 10] for part in (0, 2, 5, 8)):

        def after(start: int, end: int, since: date = bought) -> SupportPeriod:
            return SupportPeriod(since + timedelta(days=start), since + timedelta(days=end))

        granted = versions[len(versions) * (3 + number) // 8]
        for periods in ((), (after(0, 364),), (after(0, 364), after(500, 864)), (after(300, 1_029),)):
            yield Entitlement(
                licence_id=f"L-{number}",
                product=product.product,
                edition=STANDARD if number % 2 else PRO,
                purchased_on=bought,
                periods=periods,
                grants=(VersionGrant(granted), LineGrant(*line_of(versions[-1]))) if len(periods) == 2 else (),
                service_packs=ServicePacks.FOLLOW if len(periods) == 1 else ServicePacks.PERIOD,
            )


def copies(product: ProductReleases, salt: int) -> Iterator[InstalledCopy]:
    """Installed copies of eight versions and of unknown ones; versions, machines and channels are taken in turn."""
    machines = sorted({m for r in product.releases for build in r.builds for m in build.platform.machines()})
    versions = sorted(release.version for release in product.releases)
    unknown = [Version("0.0.0.1"), Version(f"{versions[len(versions) // 2]}.post7"), Version("9999.1")]
    apart = max(1, len(versions) // 8)
    for number, version in enumerate([*versions[7 * salt % apart :: apart], *unknown], start=5 * salt):
        yield InstalledCopy(
            version=version,
            machine=machines[number % len(machines)],
            channel=DEFAULT_CHANNELS[number % 3],
            install_id=f"install-{number}" if number % 4 else None,
            is_manual=number % 5 == 0,
        )


@pytest.mark.parametrize("name", HISTORIES)
def test_every_version_file_name_and_platform_of_a_real_history_parses(catalogue_directory: Path, name: str) -> None:
    loaded = history(catalogue_directory, name)
    assert parse_product(loaded["product"]) == name
    for entry in loaded["releases"]:
        assert str(parse_version(entry["version"])) == entry["version"]
        for file in entry["files"]:
            assert parse_file_name(file["name"]) == file["name"]
            platform = platform_of(file["os"], file["arch"])
            assert platform_of(platform.os, platform.arch) == platform
            assert platform.machines()


@pytest.mark.parametrize("name", HISTORIES)
def test_decisions_over_a_real_history_are_the_models(catalogue_directory: Path, name: str) -> None:
    product = read_product(catalogue_directory, name)
    seen: Counter[str] = Counter()
    first, *_ = licences(product)
    of_first = Model(first, product)
    for number, licence in enumerate(licences(product)):
        model = of_first.for_licence(licence)
        verdicts = {
            version: Verdict(isinstance(answer, Covered), answer.reason.value, getattr(answer, "price", None))
            for version, answer in coverage_of_all(licence, product).items()
        }
        assert verdicts == {release.version: model.verdict(release) for release in product.releases}
        decisions = download_decisions(licence, product)
        assert {v for v, decision in decisions.items() if isinstance(decision, Covered)} == {
            release.version for release in product.releases if model.downloadable(release)
        }
        for copy in copies(product, salt=number):
            choice = choose_update(licence, product, copy)
            offer, newest = choice.offer, choice.newest
            answer = Answer(
                status=choice.status.value,
                offered=offer.release.version if offer else None,
                is_downgrade=offer is not None and offer.is_downgrade,
                last_step=offer.last_step if offer else None,
                newest=newest.release.version if newest else None,
            )
            assert answer == model.answer(copy), (licence, copy)
            seen.update([answer.status, "downgrade"] if answer.is_downgrade else [answer.status])
            seen.update(["more steps"] if answer.last_step else [])
        seen.update(verdict.reason for verdict in verdicts.values())
    assert seen >= Counter(
        [
            *("update_available", "up_to_date", "update_not_covered", "more steps"),
            *("purchased", "support_period", "granted", "open_release", "step", "wrong_edition"),
            *("upgrade_payment_due", "never_supported", "after_support", "between_periods"),
        ]
    )


def test_a_licence_of_one_year_follows_a_real_product_through_its_year(catalogue_directory: Path) -> None:
    """The plain history, nothing sprinkled: what was out by the last paid day is covered, and nothing later."""
    loaded = history(catalogue_directory, "ruff")
    ruff = parse_product("ruff")
    releases = tuple(
        Release(
            product=ruff,
            version=parse_version(entry["version"]),
            kind=kind_of(parse_version(entry["version"])),
            editions=frozenset({PRO}),
            released_on=date.fromisoformat(entry["released_at"][:10]),
            channel=DEFAULT_CHANNELS[0],
            builds=tuple(
                Build(f"ruff/{f['name']}", parse_file_name(f["name"]), platform_of(f["os"], f["arch"]), 1, "0" * 64)
                for f in entry["files"]
            ),
            withdrawal=Withdrawal("Was yanked") if entry["yanked"] else None,
        )
        for entry in loaded["releases"]
    )
    year = SupportPeriod(date(2024, 2, 29), date(2025, 2, 28))
    licence = Entitlement("L-1", ruff, PRO, year.starts_on, periods=(year,))
    product = ProductReleases(ruff, releases)
    answers = coverage_of_all(licence, product)
    for release in releases:
        expected = "purchased" if release.released_on <= year.starts_on else "support_period"
        answer = answers[release.version]
        assert isinstance(answer, NotCovered) is (release.released_on > year.ends_on)
        assert answer.reason.value == (expected if isinstance(answer, Covered) else "after_support")
    best = max(r.version for r in releases if r.released_on <= year.ends_on and r.withdrawal is None)
    for text in ("0.0.13", "0.1.0", "0.2.2", "0.3.7"):
        choice = choose_update(
            licence, product, InstalledCopy(Version(text), platform_of("linux", "x86_64"), DEFAULT_CHANNELS[0])
        )
        assert choice.offer is not None
        assert choice.offer.release.version == best
        assert len(choice.offer.builds) == 1
