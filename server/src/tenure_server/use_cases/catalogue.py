"""What is published, as an immutable snapshot in memory: an update check reads nothing else but the licence.

The signed product roles are the only source of release facts. The database adds what can only withhold (rollouts)
and what is verified by hash (notes).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tenure_server.domain.products import Product
from tenure_server.errors import NotFound
from tenure_server.use_cases.ports import Database, Records
from tenure_signing.key_sets import KeySet
from tenure_signing.names import ProductName
from tenure_signing.release_record import listing_of
from tenure_signing.releases import Build, ProductReleases, Release, Rollout, visible_on
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, ROOT
from tenure_signing.versions import Version

FRESH_SECONDS = 0.5
"""How old the knowledge of the publication counter may be: with a reload of under half a second, a publication,
halt or withdrawal made by another process holds here within one second."""


@dataclass(frozen=True, slots=True)
class PublishedProduct:
    """A product with all its published releases, those dated in the future included."""

    product: Product
    releases: tuple[Release, ...]
    rollouts: Mapping[Version, Rollout]
    notes: Mapping[Version, str]

    def on(self, today: date, now: datetime | None = None) -> ProductReleases:
        """The product as decisions see it on that day. ``now`` says how far ramps have come; without it they have not
        begun, which is all that a download has to know."""
        rollouts = self.rollouts.items()
        return ProductReleases(
            product=self.product.name,
            releases=visible_on(self.releases, today),
            channels=self.product.channels,
            rollouts=dict(rollouts) if now is None else {version: each.at(now) for version, each in rollouts},
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One publication of everything. ``counter`` is the publication counter it was read at."""

    counter: int
    products: Mapping[ProductName, PublishedProduct]
    licence_keys: KeySet

    def product(self, name: ProductName) -> PublishedProduct:
        """Raises ``NotFound`` (code ``unknown_product``)."""
        found = self.products.get(name)
        if found is None:
            raise NotFound("There is no such product.", code="unknown_product")
        return found


def find_build(product: ProductReleases, version: Version, file_name: str) -> tuple[Release, Build]:
    """The visible release and its build of that file name. Raises ``NotFound``."""
    for release in product.releases:
        if release.version == version:
            for build in release.builds:
                if build.file_name == file_name:
                    return release, build
            raise NotFound("This release has no such file.", code="unknown_file")
    raise NotFound("There is no such release.", code="unknown_release")


def read_repository(records: Records) -> Repository:
    """The published TUF repository; without any role before ``tenure init``."""
    roles = {role: data for role, data in records.signed_files.current().items() if role != ROOT}
    return Repository(records.signed_files.roots(), roles)


def _releases(repository: Repository, product: ProductName) -> tuple[Release, ...]:
    if product not in repository.roles:
        return ()
    return listing_of(product, repository.targets(product).targets).releases


def read_catalogue(records: Records) -> Catalogue:
    """Everything published, from one consistent view of the database."""
    repository = read_repository(records)
    keys = records.signed_files.trusted_target(LICENCE_KEYS_PATH)
    return Catalogue(
        counter=records.publication_counter(),
        products={
            product.name: PublishedProduct(
                product=product,
                releases=_releases(repository, product.name),
                rollouts=records.rollouts.of_product(product.name),
                notes=records.notes.of_product(product.name),
            )
            for product in records.products.all()
        },
        licence_keys=KeySet.from_json(keys) if keys is not None else KeySet(),
    )


class CatalogueSource:
    """Hands out the current catalogue, and reads it anew when the publication counter has moved."""

    def __init__(
        self,
        database: Database,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._fresh_seconds = fresh_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._checked_at = 0.0

    def current(self) -> Catalogue:
        """The catalogue, at most ``fresh_seconds`` behind the database."""
        catalogue = self._catalogue
        if catalogue is not None and self._monotonic() - self._checked_at < self._fresh_seconds:
            return catalogue
        with self._lock:
            return self._refreshed()

    def _refreshed(self) -> Catalogue:
        catalogue = self._catalogue
        now = self._monotonic()
        if catalogue is not None and now - self._checked_at < self._fresh_seconds:
            return catalogue
        with self._database.reading() as records:
            if catalogue is None or records.publication_counter() != catalogue.counter:
                catalogue = read_catalogue(records)
        self._catalogue, self._checked_at = catalogue, now
        return catalogue
