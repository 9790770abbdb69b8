"""A copy of a dataset's installation with other releases, whose release engineer is at hand: something can be
published, halted and revoked while it is measured."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, Targets

from tenure_server.domain.products import Product
from tenure_server.installation import Installation
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.key_sources import new_key, read_key, tuf_signer, write_unencrypted
from tenure_signing.names import ChannelName, FileName, ProductName, platform_of
from tenure_signing.release_record import target_of, target_path
from tenure_signing.releases import Build, Release, Rollout
from tenure_signing.tuf_drafts import sign
from tenure_signing.tuf_roles import expiry_of
from tenure_signing.versions import Version, kind_of
from tests.benchmarks.dataset import FIRST_DAY, LAST_DAY, PRO, RUFF, Dataset, installation_at, real_releases

ANY = (("any", "any"),)
PLATFORMS = tuple((os, arch) for os in ("linux", "windows", "macos") for arch in ("x86_64", "aarch64"))
_PUBLISHED = ("signed_file", "trusted_target", "published_role", "product", "rollout")


@dataclass(frozen=True, slots=True)
class LiveVendor:
    """``copy`` can be asked from as the dataset can: it has the same licences."""

    copy: Dataset
    installation: Installation
    engineer: Signer

    def publish(self, *releases: Release) -> None:
        """All of them, which are of one product, in one version of its role."""
        now, product = datetime.now(UTC), releases[0].product
        with self.installation.database.writing() as records:
            before = locked_repository(records)
            role = Metadata[Targets].from_bytes(before.bytes_of(product)).signed
            role.targets.update({build.path: target_of(one, build) for one in releases for build in one.builds})
            role.version, role.expires = role.version + 1, expiry_of(product, now)
            signed = sign(product, Metadata(role).to_bytes(), self.engineer)
            publish_roles(records, before, {product: signed}, self.installation.keys.online_signers, now)

    def halt(self, version: Version) -> None:
        with self.installation.database.writing() as records:
            records.rollouts.set(RUFF, version, Rollout(share_basis_points=10_000, is_halted=True))

    def revoke(self, licence_id: str) -> None:
        self.installation.change_status(licence_id, LicenceStatus.REVOKED, reason="benchmark", who="benchmark")

    def close(self) -> None:
        self.installation.database.close()  # type: ignore[attr-defined]


def live_vendor(made: Dataset, directory: Path, shape: Shape, cache: Path) -> LiveVendor:
    """The dataset's licences and licence keys in the directory, with the releases of that shape instead of its own."""
    published = _published(made, shape, cache)
    directory.mkdir(parents=True)
    (directory / "keys.tsv").symlink_to(made.directory / "keys.tsv")
    shutil.copytree(made.data_dir, directory / "data")
    with closing(sqlite3.connect(directory / "data" / "tenure.db", isolation_level=None)) as connection:
        connection.execute("ATTACH ? AS published", (str(published / "data" / "tenure.db"),))
        connection.execute("BEGIN")
        for table in _PUBLISHED:
            columns = ", ".join(f'"{row[1]}"' for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM published.{table}")
        connection.execute("UPDATE publication SET counter = counter + 1000")
        connection.execute("COMMIT")
    engineer = tuf_signer(read_key(published / "engineer.pem"))
    return LiveVendor(Dataset(directory, made.licences), installation_at(directory / "data"), engineer)


def _published(made: Dataset, shape: Shape, cache: Path) -> Path:
    """An installation with the dataset's keys, these releases and no licence; kept, as signing them takes a while."""
    directory = cache / f"vendor-{shape.products}x{shape.releases}x{len(shape.platforms)}-{made.directory.name}"
    if not (directory / "complete").exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        shutil.copytree(made.data_dir / "keys", directory / "data" / "keys")
        installation = installation_at(directory / "data")
        installation.upgrade_schema()
        engineer_key = new_key()
        root, targets, engineer = tuf_signer(new_key()), tuf_signer(new_key()), tuf_signer(engineer_key)
        online, keys = installation.keys.online_signers, installation.keys.licence_key_set()
        installation.initialise(root=root, targets=targets, online=online, licence_keys=keys, who="benchmark")
        vendor = LiveVendor(Dataset(directory, 0), installation, engineer)
        for releases in shape.all_releases():
            product = Product(releases[0].product, releases[0].product.title(), (PRO,))
            installation.add_product(
                product, targets=[targets], product_signers=[engineer], online=online, who="benchmark"
            )
            vendor.publish(*releases)
        vendor.close()
        write_unencrypted(directory / "engineer.pem", engineer_key)
        (directory / "complete").touch()
    installation_at(directory / "data").upgrade_schema()  # it may be of an earlier version
    return directory


@dataclass(frozen=True, slots=True)
class Shape:
    """How much is published: products, releases of each, kinds of machine of each release.

    One product's role holds some 11 000 builds, which is 5 MB, the most a client takes. ``catalogue``: real releases of
    the first product instead of made-up ones.
    """

    products: int
    releases: int
    platforms: tuple[tuple[str, str], ...]
    catalogue: Path | None = None

    def all_releases(self) -> Iterator[tuple[Release, ...]]:
        for number in range(self.products):
            name = ProductName(f"other-{number}") if number else RUFF
            if self.catalogue is not None and not number:
                yield tuple(real_releases(self.catalogue))
            else:
                yield tuple(made_up_releases(self.releases, name, self.platforms))


def made_up_releases(
    count: int, product: ProductName = RUFF, platforms: tuple[tuple[str, str], ...] = PLATFORMS
) -> Iterator[Release]:
    """So many releases, each for these kinds of machine, spread over the days on which the licences were bought."""
    days = (LAST_DAY - FIRST_DAY).days
    for n in range(count):
        version = Version(f"{1 + n // 200}.{n // 10 % 20}.{n % 10}")
        yield made_up(version, FIRST_DAY + timedelta(days=days * n // count), product, platforms)


def made_up(
    version: Version,
    day: date,
    product: ProductName = RUFF,
    platforms: tuple[tuple[str, str], ...] = PLATFORMS,
) -> Release:
    return Release(
        product=product,
        version=version,
        kind=kind_of(version),
        editions=frozenset({PRO}),
        released_on=day,
        channel=ChannelName("stable"),
        builds=tuple(_build(product, version, os, arch) for os, arch in platforms),
    )


def _build(product: ProductName, version: Version, os: str, arch: str) -> Build:
    name = FileName(f"{product}-{version}-{os}-{arch}.tar.gz")
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Build(target_path(product, version, name), name, platform_of(os, arch), 9_000_000, digest)
