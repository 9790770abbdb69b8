"""Random licences, catalogues and installed copies: small, with every feature of RULES.md mixed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from hypothesis import strategies as st

from tenure_signing.entitlement import (
    Entitlement,
    Grant,
    LicenceStatus,
    LineGrant,
    ServicePacks,
    SupportPeriod,
    VersionGrant,
)
from tenure_signing.names import EditionName, Platform, ProductName
from tenure_signing.releases import (
    DEFAULT_CHANNELS,
    Money,
    PaidUpgrade,
    ProductReleases,
    Release,
    Rollout,
    Withdrawal,
)
from tenure_signing.update_choice import InstalledCopy
from tenure_signing.versions import Kind, Version, kind_of
from tests.signing.brute_force import OPERATING_SYSTEMS, Model, has_build
from tests.signing.small_catalogues import CAD, a_build

PRO, STANDARD = EditionName("pro"), EditionName("standard")
FIRST_DAY, DAYS = date(2024, 2, 20), 24  # around a leap day, and short, so that days often meet

# Three lines with service packs, a 4-part version, a beta and calendar versions: they order across each other.
VERSIONS = tuple(
    Version(text)
    for text in (
        *("1.0", "1.0.1", "1.0.2", "1.1", "1.1.1", "2.0b1", "2.0", "2.0.1", "2.0.1.7"),
        *("2.1", "2.1.1", "3.0", "3.0.1", "2024.2", "2024.2.1"),
    )
)
PLATFORMS = tuple(
    Platform(os, arch)
    for os, arch in (
        ("linux", "x86_64"),
        ("linux", "aarch64"),
        ("windows", "x86_64"),
        ("macos", "universal2"),
        ("macos", "intel"),
        ("macos", "aarch64"),
        ("linux", "any"),
        ("any", "x86_64"),
        ("any", "any"),
    )
)
MACHINES = tuple(Platform(os, arch) for os in OPERATING_SYSTEMS for arch in ("x86_64", "aarch64", "x86", "riscv64"))
LINUX = Platform("linux", "x86_64")

days = st.integers(0, DAYS - 1).map(lambda number: FIRST_DAY + timedelta(days=number))
versions = st.sampled_from(VERSIONS)
kinds = st.sampled_from(Kind)
money = st.builds(Money, st.integers(0, 100_000), st.just("MYR"))


def rarely(draw: st.DrawFn, one_in: int) -> bool:
    """True about once in so many draws; shrinks to False."""
    return draw(st.integers(0, one_in - 1)) == one_in - 1


@st.composite
def releases(draw: st.DrawFn, version: Version, product: ProductName = CAD) -> Release:
    below = [other for other in VERSIONS if other < version]
    most = draw(st.sampled_from([1, 3]))
    platforms = draw(st.lists(st.sampled_from(PLATFORMS), min_size=1, max_size=most, unique=True))
    return Release(
        product=product,
        version=version,
        kind=draw(kinds) if rarely(draw, 8) else kind_of(version),
        editions=draw(st.sampled_from([frozenset({PRO, STANDARD}), frozenset({PRO, STANDARD}), frozenset({STANDARD})])),
        released_on=draw(days),
        channel=draw(st.sampled_from([*DEFAULT_CHANNELS[:1] * 3, *DEFAULT_CHANNELS])),
        builds=tuple(a_build(product, version, platform) for platform in platforms),
        upgrade_from=draw(st.sampled_from(below)) if below and rarely(draw, 2) else None,
        open_release=rarely(draw, 6),
        paid_upgrade=PaidUpgrade(draw(money), draw(money)) if rarely(draw, 6) else None,
        withdrawal=Withdrawal("Does not start") if rarely(draw, 6) else None,
    )


rollouts = st.builds(
    Rollout, st.sampled_from([0, 1, 2_500, 5_000, 9_999, 10_000]), st.sampled_from([False] * 5 + [True])
)


@st.composite
def catalogues(draw: st.DrawFn, max_releases: int = 9) -> ProductReleases:
    """A product with its releases in any order, all of them dated today or earlier."""
    least = draw(st.sampled_from([0, 3, 5]))
    chosen = draw(st.lists(versions, min_size=least, max_size=max_releases, unique=True))
    return ProductReleases(
        product=CAD,
        releases=tuple(draw(releases(version)) for version in chosen),
        rollouts=draw(st.dictionaries(versions, rollouts, max_size=3)),
    )


@st.composite
def periods(draw: st.DrawFn, max_periods: int = 3) -> tuple[SupportPeriod, ...]:
    """Support periods in order, apart from each other by a gap of 0 days or more."""
    ends = sorted(draw(st.lists(days, max_size=2 * max_periods, unique=True)))
    return tuple(SupportPeriod(*pair) for pair in zip(ends[::2], ends[1::2], strict=False))


grants: st.SearchStrategy[Grant] = st.one_of(
    st.builds(VersionGrant, versions), versions.map(lambda version: LineGrant(version.major, version.minor))
)


@st.composite
def entitlements(draw: st.DrawFn, *, only_active: bool = False) -> Entitlement:
    is_foreign = not only_active and rarely(draw, 20)
    return Entitlement(
        licence_id="L-1",
        product=ProductName("paint") if is_foreign else CAD,
        edition=draw(st.sampled_from([PRO, STANDARD])),
        purchased_on=draw(days) - timedelta(days=DAYS // 3),
        status=draw(st.sampled_from(LicenceStatus)) if not only_active and rarely(draw, 10) else LicenceStatus.ACTIVE,
        periods=draw(periods()),
        grants=tuple(draw(st.lists(grants, max_size=2))),
        service_packs=draw(st.sampled_from(ServicePacks)),
    )


@st.composite
def installed_copies(draw: st.DrawFn, product: ProductReleases) -> InstalledCopy:
    """A copy of the product, mostly of a known version, on any machine, asking for any channel."""
    known = [release.version for release in product.releases]
    unknown = st.sampled_from([Version("0.9"), Version("1.0.5"), Version("9999.0")])
    return InstalledCopy(
        version=draw(unknown if not known or rarely(draw, 3) else st.sampled_from(sorted(known))),
        machine=draw(st.one_of(st.just(LINUX), st.sampled_from(MACHINES))),
        channel=draw(st.sampled_from(DEFAULT_CHANNELS)),
        install_id=draw(st.one_of(st.sampled_from(["install-1", "install-2", "install-3"]), st.none())),
        is_manual=draw(st.booleans()),
    )


@dataclass(frozen=True)
class Situation:
    """A licence, a product and an installed copy."""

    licence: Entitlement
    product: ProductReleases
    copy: InstalledCopy

    def with_copy(self, version: Version) -> Situation:
        return replace(self, copy=replace(self.copy, version=version))


@st.composite
def situations(draw: st.DrawFn, *, only_active: bool = False) -> Situation:
    product = draw(catalogues())
    licence = draw(entitlements(only_active=only_active))
    return Situation(licence, product, draw(installed_copies(product)))


def everyone(product: ProductReleases) -> ProductReleases:
    """The product with every release rolled out to everyone."""
    return replace(product, rollouts={})


@st.composite
def step_puzzles(draw: st.DrawFn) -> tuple[Entitlement, ProductReleases]:
    """A paid period after an unpaid gap, and releases of both that ask for steps on all sorts of machines."""
    chosen = sorted(draw(st.lists(versions, min_size=2, max_size=6, unique=True)))
    gap, paid = FIRST_DAY, FIRST_DAY + timedelta(days=1)
    puzzle = [
        Release(
            product=CAD,
            version=version,
            kind=kind_of(version),
            editions=frozenset({PRO}),
            released_on=draw(st.sampled_from([gap, gap, paid])) if version < chosen[-1] else paid,
            channel=draw(st.sampled_from([*DEFAULT_CHANNELS[:1] * 3, *DEFAULT_CHANNELS])),
            builds=tuple(
                a_build(CAD, version, platform)
                for platform in draw(st.lists(st.sampled_from(PLATFORMS), min_size=1, max_size=2, unique=True))
            ),
            upgrade_from=draw(st.sampled_from([None, *chosen[:place]])) if version < chosen[-1] else chosen[0],
        )
        for place, version in enumerate(chosen)
    ]
    licence = Entitlement(
        licence_id="L-1",
        product=CAD,
        edition=PRO,
        purchased_on=gap - timedelta(days=1),
        periods=(SupportPeriod(paid, paid),),
        service_packs=draw(st.sampled_from(ServicePacks)),
    )
    return licence, ProductReleases(CAD, tuple(draw(st.permutations(puzzle))))


@st.composite
def sound_catalogues(draw: st.DrawFn) -> ProductReleases:
    """Catalogues that keep their word, rolled out to everyone.

    Wherever a release asks for "upgrade from at least v", each edition has a release on each machine that can serve.
    """
    kept: list[Release] = []
    for release in sorted(draw(catalogues()).releases, key=lambda r: r.version):
        alone = replace(release, upgrade_from=None)
        product = ProductReleases(CAD, (*kept, release))
        keeps_its_word = all(
            model.servers(release, machine)
            for model in (Model(Entitlement("L-1", CAD, edition, FIRST_DAY), product) for edition in release.editions)
            for machine in model.machines
            if has_build(release, machine)
        )
        kept.append(release if keeps_its_word else alone)
    return ProductReleases(CAD, tuple(draw(st.permutations(kept))))
