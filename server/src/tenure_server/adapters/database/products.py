"""Products, their rollouts and their release notes."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.utils import canonicalize_version
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.publication import count_publication
from tenure_server.adapters.database.tables import ProductRow, ReleaseNotesRow, RolloutRow
from tenure_server.adapters.database.tables_notes import TranslatedNotesRow
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.errors import NotFound
from tenure_signing.entitlement import ServicePacks
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, EditionName, ProductName
from tenure_signing.releases import Ramp, Rollout
from tenure_signing.versions import Version


class SqlProducts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, name: ProductName) -> Product | None:
        row = self._session.get(ProductRow, name) if is_storable(name) else None
        return _product(row) if row is not None else None

    def all(self) -> tuple[Product, ...]:
        rows = self._session.exec(select(ProductRow)).all()
        return tuple(_product(row) for row in sorted(rows, key=lambda row: row.name))

    def add(self, product: Product) -> None:
        row = ProductRow(
            name=product.name,
            title=product.title,
            editions=list(product.editions),
            channels=list(product.channels),
            service_packs=product.service_packs.value,
            lapse_policy=product.lapse_policy.value,
            notes_language=product.notes_language,
        )
        with conflict_if_taken(self._session, f"There is a product {product.name} already.", "product_exists"):
            self._session.add(row)
        count_publication(self._session)

    def set_notes_language(self, name: ProductName, language: Language) -> None:
        count_publication(self._session)
        require_product(self._session, name)
        row = self._session.get(ProductRow, name)
        assert row is not None
        row.notes_language = language
        self._session.flush()


class SqlRollouts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def of_product(self, name: ProductName) -> Mapping[Version, Rollout]:
        rows = self._session.exec(select(RolloutRow).where(col(RolloutRow.product) == name)).all()
        return {Version(row.version): _rollout(row) for row in rows}

    def set(self, name: ProductName, version: Version, rollout: Rollout) -> None:
        require_product(self._session, name)
        count_publication(self._session)  # first: its lock makes two settings of one rollout follow each other
        ramp = rollout.ramp
        self._session.merge(
            RolloutRow(
                product=name,
                version=_canonical(version),
                share_basis_points=rollout.share_basis_points,
                is_halted=rollout.is_halted,
                ramp_to_basis_points=ramp.to_basis_points if ramp is not None else None,
                ramp_starts_at=ramp.starts_at if ramp is not None else None,
                ramp_ends_at=ramp.ends_at if ramp is not None else None,
            )
        )
        self._session.flush()


class SqlNotes:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, name: ProductName, version: Version) -> str | None:
        row = self._session.get(ReleaseNotesRow, (name, _canonical(version))) if is_storable(name) else None
        return row.markdown if row is not None else None

    def of_product(self, name: ProductName) -> Mapping[Version, str]:
        rows = self._session.exec(select(ReleaseNotesRow).where(col(ReleaseNotesRow.product) == name)).all()
        return {Version(row.version): row.markdown for row in rows}

    def put(self, name: ProductName, version: Version, markdown: str) -> None:
        require_product(self._session, name)
        count_publication(self._session)  # first, as above
        self._session.merge(ReleaseNotesRow(product=name, version=_canonical(version), markdown=markdown))
        self._session.flush()

    def translations(self, name: ProductName) -> Mapping[Version, Mapping[Language, str]]:
        rows = self._session.exec(select(TranslatedNotesRow).where(col(TranslatedNotesRow.product) == name)).all()
        found: dict[Version, dict[Language, str]] = {}
        for row in rows:
            found.setdefault(Version(row.version), {})[Language(row.language)] = row.markdown
        return found

    def put_translation(self, name: ProductName, version: Version, language: Language, markdown: str) -> None:
        require_product(self._session, name)
        count_publication(self._session)  # first, as above
        self._session.merge(
            TranslatedNotesRow(product=name, version=_canonical(version), language=language, markdown=markdown)
        )
        self._session.flush()


def require_product(session: Session, name: ProductName) -> None:
    """Raises ``NotFound`` (``unknown_product``). Products are never removed, so what was found stays."""
    if SqlProducts(session).get(name) is None:
        raise NotFound("There is no such product.", code="unknown_product")


def _canonical(version: Version) -> str:
    """One text for all spellings of a version: 4.2 and 4.2.0 are equal."""
    return canonicalize_version(version)


def _rollout(row: RolloutRow) -> Rollout:
    ramp = None
    if row.ramp_to_basis_points is not None:
        assert row.ramp_starts_at is not None
        assert row.ramp_ends_at is not None
        ramp = Ramp(row.ramp_to_basis_points, row.ramp_starts_at, row.ramp_ends_at)
    return Rollout(row.share_basis_points, row.is_halted, ramp)


def _product(row: ProductRow) -> Product:
    return Product(
        name=ProductName(row.name),
        title=row.title,
        editions=tuple(EditionName(name) for name in row.editions),
        channels=tuple(ChannelName(name) for name in row.channels),
        service_packs=ServicePacks(row.service_packs),
        lapse_policy=LapsePolicy(row.lapse_policy),
        notes_language=Language(row.notes_language),
    )
