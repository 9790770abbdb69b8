"""What reports count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import tzinfo

from sqlalchemy import func, select
from sqlmodel import Session, col

from tenure_server.adapters.database.orders import order_of
from tenure_server.adapters.database.reminder_tables import ReminderOptOutRow, ReminderRow
from tenure_server.adapters.database.sales_tables import CustomerRow, SalesOrderRow
from tenure_server.adapters.database.tables import InstallReportRow, LicenceRow, SupportPeriodRow
from tenure_server.domain.install_reports import Outcome
from tenure_server.domain.licences import PeriodSource
from tenure_server.domain.reminders import ReminderState
from tenure_server.domain.reports import CustomerState, FieldCount, SoldPeriod, SoldSmp, smp_of_order
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import parse_version


class SqlReports:
    def __init__(self, session: Session) -> None:
        self._session = session

    def sold_periods(self, product: ProductName | None, zone: tzinfo) -> tuple[SoldPeriod, ...]:
        statement = select(SupportPeriodRow, col(LicenceRow.product)).join(
            LicenceRow, col(LicenceRow.licence_id) == col(SupportPeriodRow.licence_id)
        )
        if product is not None:
            statement = statement.where(col(LicenceRow.product) == product)
        return tuple(
            SoldPeriod(
                licence_id=row.licence_id,
                product=ProductName(of),
                period=SupportPeriod(row.starts_on, row.ends_on),
                source=PeriodSource(row.source),
                price=Money(row.minor_units, row.currency) if row.minor_units is not None and row.currency else None,
                sold_on=row.added_at.astimezone(zone).date(),
            )
            for row, of in self._session.execute(statement).all()
        )

    def sold_smp(self, product: ProductName | None, zone: tzinfo) -> tuple[SoldSmp, ...]:
        orders = select(SalesOrderRow).where(
            col(SalesOrderRow.smp_years).is_not(None), col(SalesOrderRow.paid_at).is_not(None)
        )
        before = select(SupportPeriodRow).where(
            col(SupportPeriodRow.sales_order).is_(None), col(SupportPeriodRow.minor_units).is_not(None)
        )
        if product is not None:
            orders = orders.where(col(SalesOrderRow.product) == product)
            of_product = select(col(LicenceRow.licence_id)).where(col(LicenceRow.product) == product)
            before = before.where(col(SupportPeriodRow.licence_id).in_(of_product))
        found = [smp_of_order(order_of(row), zone) for row in self._session.execute(orders).scalars()]
        for period in self._session.execute(before).scalars():
            price = Money(period.minor_units or 0, str(period.currency))
            sold_on = period.added_at.astimezone(zone).date()
            found.append(SoldSmp(price, sold_on, period.source == PeriodSource.PURCHASE))
        return tuple(one for one in found if one is not None)

    def customer_states(self, licence_ids: Collection[str]) -> Mapping[str, CustomerState]:
        last_end = (
            select(col(SupportPeriodRow.licence_id), func.max(col(SupportPeriodRow.ends_on)).label("ends_on"))
            .group_by(col(SupportPeriodRow.licence_id))
            .subquery()
        )
        told = (
            select(col(ReminderRow.licence_id), col(ReminderRow.state), func.count())
            .join(
                last_end,
                (last_end.c.licence_id == col(ReminderRow.licence_id))
                & (last_end.c.ends_on == col(ReminderRow.ends_on)),
            )
            .group_by(col(ReminderRow.licence_id), col(ReminderRow.state))
        )
        counts = {(row[0], row[1]): int(row[2]) for row in self._session.execute(told).all()}
        opted_out = set(self._session.execute(select(col(ReminderOptOutRow.licence_id))).scalars().all())
        columns = (LicenceRow.licence_id, CustomerRow.name, LicenceRow.status, CustomerRow.email)
        of_customer = col(CustomerRow.customer_id) == col(LicenceRow.customer_id)
        rows = self._session.execute(select(*map(col, columns)).join(CustomerRow, of_customer)).all()
        return {
            licence_id: CustomerState(
                customer=customer,
                status=LicenceStatus(status),
                has_address=email is not None,
                opted_out=licence_id in opted_out,
                is_address_refused=(licence_id, ReminderState.REFUSED.value) in counts,
                reminders=counts.get((licence_id, ReminderState.SENT.value), 0),
            )
            for licence_id, customer, status, email in rows
            if licence_id in licence_ids
        }

    def versions_in_the_field(self, product: ProductName | None) -> tuple[FieldCount, ...]:
        newest_first = func.row_number().over(
            partition_by=(col(InstallReportRow.product), col(InstallReportRow.install)),
            order_by=(col(InstallReportRow.reported_at).desc(), col(InstallReportRow.version).desc()),
        )
        last = (
            select(col(InstallReportRow.product), col(InstallReportRow.version), newest_first.label("place"))
            .where(col(InstallReportRow.outcome) == Outcome.INSTALLED)
            .subquery()
        )
        statement = (
            select(last.c.product, last.c.version, func.count())
            .where(last.c.place == 1)
            .group_by(last.c.product, last.c.version)
        )
        if product is not None:
            statement = statement.where(last.c.product == product)
        return tuple(
            FieldCount(ProductName(of), parse_version(version), int(count))
            for of, version, count in self._session.execute(statement).all()
        )
