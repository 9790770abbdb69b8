"""The seats that machines hold."""

from __future__ import annotations

from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.products import require_product
from tenure_server.adapters.database.tables import LicenceRow
from tenure_server.adapters.database.tables_seats import ProductSeatRuleRow, SeatRow
from tenure_server.domain.seats import ProductSeatRules, Seat, SeatLimit
from tenure_server.errors import NotFound
from tenure_signing.names import ProductName


class SqlSeats:
    def __init__(self, session: Session) -> None:
        self._session = session

    def lock(self, licence_id: str) -> None:
        """Holds the licence's row, as every other change to the licence does."""
        statement = select(LicenceRow.licence_id).where(col(LicenceRow.licence_id) == licence_id).with_for_update()
        if not is_storable(licence_id) or self._session.exec(statement).first() is None:
            raise NotFound("There is no such licence.", code="unknown_licence")

    def of_licence(self, licence_id: str) -> tuple[Seat, ...]:
        if not is_storable(licence_id):
            return ()
        statement = (
            select(SeatRow)
            .where(col(SeatRow.licence_id) == licence_id)
            .order_by(col(SeatRow.activated_at), col(SeatRow.machine))
            .execution_options(populate_existing=True)
        )
        return tuple(_seat(row) for row in self._session.exec(statement).all())

    def put(self, seat: Seat) -> None:
        self.lock(seat.licence_id)
        row = self._session.get(SeatRow, (seat.licence_id, seat.machine), populate_existing=True)
        if row is None:
            row = SeatRow(
                licence_id=seat.licence_id, machine=seat.machine, activated_at=seat.activated_at, seen_at=seat.seen_at
            )
        row.name, row.activated_at, row.seen_at = seat.name, seat.activated_at, seat.seen_at
        self._session.add(row)
        self._session.flush()

    def remove(self, licence_id: str, machine: str) -> bool:
        if not (is_storable(licence_id) and is_storable(machine)):
            return False
        row = self._session.get(SeatRow, (licence_id, machine), with_for_update=True, populate_existing=True)
        if row is None:
            return False
        self._session.delete(row)
        self._session.flush()
        return True

    def product_rules(self, product: ProductName) -> ProductSeatRules:
        row = self._session.get(ProductSeatRuleRow, product) if is_storable(product) else None
        if row is None:
            return ProductSeatRules()
        limit = SeatLimit(row.seat_limit) if row.seat_limit is not None else None
        return ProductSeatRules(limit, row.expiry_days)

    def set_product_rules(self, product: ProductName, rules: ProductSeatRules) -> None:
        require_product(self._session, product)
        limit = rules.limit.value if rules.limit is not None else None
        self._session.merge(ProductSeatRuleRow(product=product, seat_limit=limit, expiry_days=rules.expiry_days))
        self._session.flush()


def _seat(row: SeatRow) -> Seat:
    return Seat(row.licence_id, row.machine, row.name, row.activated_at, row.seen_at)
