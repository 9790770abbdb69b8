"""A vendor with keys and a TUF repository in memory, and a client that reads it; for any test that needs one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import TargetFile
from tuf.ngclient import FetcherInterface, Updater

from tenure_signing.names import ChannelName, EditionName, FileName, Platform, ProductName
from tenure_signing.release_record import releases_of, target_path
from tenure_signing.releases import Build, PaidUpgrade, Release, Withdrawal
from tenure_signing.tuf_drafts import (
    RoleKeys,
    RootKeys,
    first_product_role,
    first_root,
    first_targets,
    sign,
    with_product,
    with_release,
    with_withdrawal,
)
from tenure_signing.tuf_preflight import preflight
from tenure_signing.tuf_publishing import initial_repository, resigned, with_roles
from tenure_signing.tuf_repository import Repository
from tenure_signing.versions import Version, kind_of, parse_version

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)
LICENCE_KEYS = b'{"keys":[]}'
CAD = ProductName("cad")
VIEWER = ProductName("viewer")
LINUX = Platform("linux", "x86_64")


def new_signers(count: int) -> tuple[CryptoSigner, ...]:
    """Signers with fresh keys: Ed25519, and every third ECDSA, as on a hardware token."""
    return tuple(
        CryptoSigner.generate_ecdsa() if number % 3 == 2 else CryptoSigner.generate_ed25519() for number in range(count)
    )


def role_keys(signers: tuple[CryptoSigner, ...], threshold: int) -> RoleKeys:
    return RoleKeys(tuple(signer.public_key for signer in signers), threshold)


def build_of(product: ProductName, version: Version, file_name: str, body: bytes, platform: Platform) -> Build:
    return Build(
        path=target_path(product, version, FileName(file_name)),
        file_name=FileName(file_name),
        platform=platform,
        length=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def a_release(
    version: str = "4.2.1",
    *,
    product: ProductName = CAD,
    files: Mapping[str, bytes] | None = None,
    released_on: date = date(2026, 11, 23),
    editions: tuple[str, ...] = ("pro",),
    platform: Platform = LINUX,
    upgrade_from: str | None = None,
    open_release: bool = False,
    paid_upgrade: PaidUpgrade | None = None,
) -> Release:
    """A release as an engineer makes it: one Linux build unless told otherwise."""
    number = parse_version(version)
    bodies = files if files is not None else {f"{product}-{version}.tar.gz": f"{product} {version}".encode()}
    return Release(
        product=product,
        version=number,
        kind=kind_of(number),
        editions=frozenset(EditionName(edition) for edition in editions),
        released_on=released_on,
        channel=ChannelName("stable"),
        builds=tuple(build_of(product, number, name, body, platform) for name, body in bodies.items()),
        upgrade_from=parse_version(upgrade_from) if upgrade_from is not None else None,
        open_release=open_release,
        paid_upgrade=paid_upgrade,
    )


@dataclass(slots=True)
class Vendor:
    """Holds every key that a real vendor keeps in different places, and the repository as published."""

    now: datetime = NOW
    root: tuple[CryptoSigner, ...] = field(default_factory=lambda: new_signers(3))
    targets: tuple[CryptoSigner, ...] = field(default_factory=lambda: new_signers(3))
    snapshot: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)
    timestamp: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)
    engineers: dict[ProductName, tuple[CryptoSigner, ...]] = field(default_factory=dict)
    repository: Repository = field(init=False)

    def __post_init__(self) -> None:
        root = sign("root", first_root(self.root_keys(), self.now), *self.root[:2])
        targets = sign("targets", first_targets(LICENCE_KEYS, self.now), *self.targets[:2])
        self.repository = initial_repository(root, targets, self.snapshot, self.timestamp, self.now)

    def root_keys(self) -> RootKeys:
        return RootKeys(
            role_keys(self.root, 2), role_keys(self.targets, 2), self.snapshot.public_key, self.timestamp.public_key
        )

    def add_product(self, product: ProductName = CAD, *, keys: int = 1, threshold: int = 1) -> None:
        self.engineers[product] = new_signers(keys)
        draft = with_product(
            self.repository.roles["targets"], product, role_keys(self.engineers[product], threshold), self.now
        )
        role = sign(product, first_product_role(product, self.now), *self.engineers[product])
        self.submit({"targets": sign("targets", draft, *self.targets[:2]), product: role})

    def publish(self, release: Release) -> None:
        product = release.product
        draft = with_release(self.repository.roles[product], release, self.now)
        self.submit({product: sign(product, draft, *self.engineers[product])})

    def withdraw(self, product: ProductName, version: str, withdrawal: Withdrawal) -> None:
        draft = with_withdrawal(self.repository.roles[product], product, Version(version), withdrawal, self.now)
        self.submit({product: sign(product, draft, *self.engineers[product])})

    def submit(self, signed_roles: Mapping[str, bytes]) -> None:
        """What the server does with signed roles, the last check included."""
        self.take(self.resign(with_roles(self.repository, signed_roles, self.now)))

    def resign(self, repository: Repository) -> Repository:
        return resigned(repository, self.snapshot, self.timestamp, self.now)

    def take(self, after: Repository) -> None:
        preflight(self.repository, after, self.now)
        self.repository = after

    def releases(self, product: ProductName = CAD) -> tuple[Release, ...]:
        return releases_of(product, self.repository.targets(product).targets)


class RepositoryFetcher(FetcherInterface):
    """Serves a repository's metadata from memory; remembers what was asked for."""

    base_url = "https://updates.example/metadata/"

    def __init__(self, repository: Repository) -> None:
        self.files = repository.files()
        self.asked: list[str] = []

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix(self.base_url)
        self.asked.append(name)
        if name not in self.files:
            raise DownloadHTTPError("not found", 404)
        return iter((self.files[name],))


def a_client(repository: Repository, state: Path, *, now: datetime = NOW, root: bytes | None = None) -> Updater:
    """A real client that embeds root version 1 and keeps its metadata in ``state``."""
    updater = Updater(
        str(state),
        RepositoryFetcher.base_url,
        fetcher=RepositoryFetcher(repository),
        bootstrap=root if root is not None else repository.roots[0],
    )
    updater._trusted_set.reference_time = now
    return updater


def looked_up(repository: Repository, path: str, state: Path, *, now: datetime = NOW) -> TargetFile | None:
    """What a client finds under the path."""
    return a_client(repository, state, now=now).get_targetinfo(path)
