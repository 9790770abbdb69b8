"""What releases cost that are sold singly."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.utils import canonicalize_version
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.sales_tables import ReleasePriceRow
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version, parse_version


class SqlReleasePrices:
    def __init__(self, session: Session) -> None:
        self._session = session

    def of_product(self, name: ProductName) -> Mapping[Version, Money]:
        if not is_storable(name):
            return {}
        found = self._session.exec(select(ReleasePriceRow).where(col(ReleasePriceRow.product) == name)).all()
        return {parse_version(row.version): Money(row.minor_units, row.currency) for row in found}

    def set(self, name: ProductName, version: Version, price: Money | None) -> None:
        key = (name, canonicalize_version(version))
        row = self._session.get(ReleasePriceRow, key)
        if price is None:
            if row is not None:
                self._session.delete(row)
        elif row is not None:
            row.minor_units, row.currency = price.minor_units, price.currency
        else:
            self._session.add(
                ReleasePriceRow(product=name, version=key[1], minor_units=price.minor_units, currency=price.currency)
            )
        self._session.flush()
