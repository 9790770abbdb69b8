"""What is published, as an immutable snapshot in memory: an update check reads nothing else but the licence.

The signed product roles are the only source of release facts. The database adds what can only withhold (rollouts)
and what is verified by hash (notes).
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date

from tenure_server.domain.products import Product
from tenure_server.errors import DatabaseUnavailable, NotFound, ProductUnavailable
from tenure_server.use_cases.ports import Database, Records
from tenure_signing.errors import SigningError
from tenure_signing.key_sets import KeySet
from tenure_signing.languages import Language, best_language
from tenure_signing.names import ProductName
from tenure_signing.release_record import listing_of
from tenure_signing.releases import ProductReleases, Release, ReleaseFile, Rollout, visible_on
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, ROOT
from tenure_signing.update_index import UpdateIndex
from tenure_signing.versions import Version

_log = logging.getLogger(__name__)

_MAX_DAYS = 3  # today, yesterday at midnight, and a clock that was set

RELOAD_SECONDS = 0.5
"""For how long ``at_hand`` goes on with the catalogue before, while the next one is read in a thread."""

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
    translations: Mapping[Version, Mapping[Language, str]] = field(default_factory=dict)
    _indexes: dict[date, UpdateIndex] = field(default_factory=dict, init=False, repr=False, compare=False)

    def index_on(self, today: date) -> UpdateIndex:
        """The product prepared for the decisions of that day. The same object until something is published."""
        index = self._indexes.get(today)
        if index is None:
            index = UpdateIndex(self.on(today))
            if len(self._indexes) >= _MAX_DAYS:
                self._indexes.clear()
            self._indexes[today] = index
        return index

    def language_for(self, version: Version, wanted: Sequence[Language]) -> Language | None:
        """Of the release's notes, the language that a reader of these wants; None for the product's own."""
        there = self.translations.get(version)
        return best_language(wanted, there, self.product.notes_language) if there and wanted else None

    def notes_in(self, version: Version, language: Language | None) -> str | None:
        """The release's notes in one of its languages; None for the product's own."""
        return self.notes.get(version) if language is None else self.translations[version][language]

    def on(self, today: date) -> ProductReleases:
        """The product as decisions see it on that day. Its ramps have not begun: ``UpdateIndex.choose`` is told the
        instant, and downloads ask only what is halted."""
        return ProductReleases(
            product=self.product.name,
            releases=visible_on(self.releases, today),
            channels=self.product.channels,
            rollouts=dict(self.rollouts),
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One publication of everything. ``counter`` is the publication counter it was read at."""

    counter: int
    products: Mapping[ProductName, PublishedProduct]
    licence_keys: KeySet
    role_digests: Mapping[ProductName, bytes] = field(default_factory=dict)
    """Of the signed bytes that each product's releases were read from."""
    damaged: Mapping[ProductName, str] = field(default_factory=dict)
    """Products that cannot be served, and why: only who writes to the database can bring this about."""

    def product(self, name: ProductName) -> PublishedProduct:
        """Raises ``NotFound`` (code ``unknown_product``), ``ProductUnavailable``."""
        found = self.products.get(name)
        if name in self.damaged:
            raise ProductUnavailable(f"What is published of {name} cannot be read: {self.damaged[name]}.")
        if found is None:
            raise NotFound("There is no such product.", code="unknown_product")
        return found


def find_file(index: UpdateIndex, version: Version, file_name: str) -> tuple[Release, ReleaseFile]:
    """The visible release and its build or side file of that name. Raises ``NotFound``."""
    found = index.find(version, file_name)
    if found is None:
        raise NotFound("There is no such release.", code="unknown_release")
    release, file = found
    if file is None:
        raise NotFound("This release has no such file.", code="unknown_file")
    return release, file


def read_repository(records: Records) -> Repository:
    """The published TUF repository; without any role before ``tenure init``."""
    roles = {role: data for role, data in records.signed_files.current().items() if role != ROOT}
    return Repository(records.signed_files.roots(), roles)


def _releases(repository: Repository, product: ProductName) -> tuple[Release, ...]:
    if product not in repository.roles:
        return ()
    return listing_of(product, repository.targets(product).targets).releases


def read_catalogue(records: Records, before: Catalogue | None = None) -> Catalogue:
    """Everything published, from one consistent view of the database. A product that cannot be read takes no other one
    down with it. Signed bytes that the catalogue ``before`` was read from already are not parsed again."""
    repository = read_repository(records)
    keys = records.signed_files.trusted_target(LICENCE_KEYS_PATH)
    products: dict[ProductName, PublishedProduct] = {}
    digests: dict[ProductName, bytes] = {}
    damaged: dict[ProductName, str] = {}
    for product in records.products.all():
        digests[product.name] = digest = hashlib.sha256(repository.roles.get(product.name, b"")).digest()
        read_before = None
        if before is not None and before.role_digests.get(product.name) == digest:
            read_before = before.products.get(product.name)
        try:
            products[product.name] = _published(records, repository, product, read_before)
        except (SigningError, ValueError) as error:
            _log.error("the product %s cannot be served: %s", product.name, error)
            damaged[product.name] = str(error)
    return Catalogue(
        counter=records.publication_counter(),
        products=products,
        licence_keys=KeySet.from_json(keys) if keys is not None else KeySet(),
        role_digests=digests,
        damaged=damaged,
    )


def _published(
    records: Records, repository: Repository, product: Product, before: PublishedProduct | None
) -> PublishedProduct:
    return PublishedProduct(
        product=product,
        releases=before.releases if before is not None else _releases(repository, product.name),
        rollouts=records.rollouts.of_product(product.name),
        notes=records.notes.of_product(product.name),
        translations=records.notes.translations(product.name),
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
        self._is_reloading = False

    def current(self) -> Catalogue:
        """The catalogue, at most ``fresh_seconds`` behind the database."""
        checked_at, catalogue = self._checked_at, self._catalogue  # in this order: another thread may renew both
        if catalogue is not None and self._monotonic() - checked_at < self._fresh_seconds:
            return catalogue
        with self._lock:
            return self._refreshed()

    def _refreshed(self) -> Catalogue:
        catalogue = self._catalogue
        now = self._monotonic()
        if catalogue is not None and now - self._checked_at < self._fresh_seconds:
            return catalogue
        with self._database.reading_published() as records:
            if catalogue is None or records.publication_counter() != catalogue.counter:
                catalogue = _prepared(read_catalogue(records, catalogue), catalogue)
        self._catalogue = catalogue
        self._checked_at = now
        return catalogue

    def at_hand(self) -> Catalogue | None:
        """The catalogue, without waiting until the next one is read; None if that has to be done by ``current``, in a
        thread.

        Not more than ``fresh_seconds`` and ``RELOAD_SECONDS`` behind the database. None too where that does not answer.
        """
        try:
            return self._at_hand()
        except DatabaseUnavailable:
            return None

    def _at_hand(self) -> Catalogue | None:
        checked_at, catalogue, now = self._checked_at, self._catalogue, self._monotonic()
        if catalogue is None or self._fresh_seconds == 0:
            return None
        if now - checked_at < self._fresh_seconds:
            return catalogue
        quick = self._database.quick
        if not self._is_reloading:
            if quick.is_inline and quick.publication_counter() == catalogue.counter:
                self._checked_at = now
                return catalogue
            self._is_reloading = True
            threading.Thread(target=self._reload, name="catalogue", daemon=True).start()
        # From when it was known to be the current one: not from when somebody asked first after an idle hour.
        return catalogue if now - checked_at < self._fresh_seconds + RELOAD_SECONDS else None

    def _reload(self) -> None:
        """A failure is not told here: whoever waits in ``current`` gets it."""
        try:
            with suppress(DatabaseUnavailable):
                self.current()
        finally:
            self._is_reloading = False


def _prepared(catalogue: Catalogue, before: Catalogue | None) -> Catalogue:
    """The catalogue with what did not change taken over from the one before, which is prepared already; the key set
    too, so that verifications hold on."""
    if before is None:
        return catalogue
    products = {name: _same(product, before.products.get(name)) for name, product in catalogue.products.items()}
    same_keys = catalogue.licence_keys == before.licence_keys
    return replace(
        catalogue, products=products, licence_keys=before.licence_keys if same_keys else catalogue.licence_keys
    )


def _same(product: PublishedProduct, before: PublishedProduct | None) -> PublishedProduct:
    if before is None:
        return product
    if before == product:
        return before
    for day in tuple(before._indexes):  # here, not by the first check that comes
        product.index_on(day)
    return product
