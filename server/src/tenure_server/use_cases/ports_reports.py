"""What reports ask of the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import tzinfo
from typing import Protocol

from tenure_server.domain.reports import CustomerState, FieldCount, SoldPeriod, SoldSmp
from tenure_signing.names import ProductName


class ReportData(Protocol):
    """Read only."""

    def sold_periods(self, product: ProductName | None, zone: tzinfo) -> tuple[SoldPeriod, ...]:
        """Every support period with what was paid for it, in no certain order. ``zone`` says on which day it was
        sold."""
        ...

    def sold_smp(self, product: ProductName | None, zone: tzinfo) -> tuple[SoldSmp, ...]:
        """All SMP that was paid for, by orders and, with a price, before there were any; in no certain order. ``zone``
        says on which day."""
        ...

    def customer_states(self, licence_ids: Collection[str]) -> Mapping[str, CustomerState]:
        """Of these licences, by id."""
        ...

    def versions_in_the_field(self, product: ProductName | None) -> tuple[FieldCount, ...]:
        """The version that each install reported last as installed, counted."""
        ...
