"""Licences, read and added whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeVar

from sqlalchemy import delete
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.licence_rows import (
    grant_of,
    grant_row,
    key_row,
    licence_of,
    licence_row,
    line_row,
    period_row,
    write_update_rules,
)
from tenure_server.adapters.database.products import require_product
from tenure_server.adapters.database.sales_tables import CustomerRow, CustomerWordRow, LicenceWordRow
from tenure_server.adapters.database.search import begins, behind
from tenure_server.adapters.database.tables import (
    GrantRow,
    LicenceKeyRow,
    LicenceRow,
    OrderLineRow,
    SupportPeriodRow,
)
from tenure_server.domain.licences import IssuedKey, Licence, OrderLine, PaidPeriod
from tenure_server.domain.paging import Place
from tenure_server.domain.search_words import parts_of, wanted_words
from tenure_server.errors import Conflict, NotFound
from tenure_signing.entitlement import Grant, LicenceStatus, SupportPeriod, UpdateRules

Owned = TypeVar("Owned", LicenceKeyRow, OrderLineRow, SupportPeriodRow, GrantRow)

Found = TypeVar("Found")

_IDS_PER_QUERY = 500  # no database takes any number of values in one statement


class SqlLicences:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, licence_id: str) -> Licence | None:
        return self._one(select(LicenceRow).where(col(LicenceRow.licence_id) == licence_id), licence_id)

    def by_key_digest(self, digest: str) -> Licence | None:
        statement = select(LicenceRow).where(
            col(LicenceKeyRow.digest) == digest, col(LicenceKeyRow.licence_id) == col(LicenceRow.licence_id)
        )
        return self._one(statement, digest)

    def by_feed_token_digest(self, digest: str) -> Licence | None:
        return self._one(select(LicenceRow).where(col(LicenceRow.feed_token_digest) == digest), digest)

    def search(self, text: str = "", *, limit: int = 100, after: Place | None = None) -> tuple[Licence, ...]:
        words = wanted_words(text)
        if limit < 1 or (text and not words):
            return ()
        statement = _newest_first()
        for word in words:
            of_itself = select(LicenceWordRow.licence_id).where(begins(col(LicenceWordRow.word), word))
            of_customer = select(LicenceRow.licence_id).where(
                col(LicenceRow.customer_id) == col(CustomerWordRow.customer_id), begins(col(CustomerWordRow.word), word)
            )
            statement = statement.where(col(LicenceRow.licence_id).in_(of_itself.union(of_customer)))
        if after is not None:
            statement = statement.where(behind(col(LicenceRow.created_at), col(LicenceRow.licence_id), after))
        return self._whole(self._rows(statement.limit(limit)))

    def of_customer(self, customer_id: str) -> tuple[Licence, ...]:
        if not is_storable(customer_id):
            return ()
        return self._whole(self._rows(_newest_first().where(col(LicenceRow.customer_id) == customer_id)))

    def add(self, licence: Licence, *, feed_token_digest: str) -> None:
        require_product(self._session, licence.product)
        if self._session.get(CustomerRow, licence.customer_id) is None:
            raise NotFound("There is no such customer.", code="unknown_customer")
        with conflict_if_taken(self._session, "There is such a licence already.", "licence_exists"):
            self._session.add(licence_row(licence, feed_token_digest))
            self._session.flush()
            self._session.add_all(key_row(licence.licence_id, key) for key in licence.keys)
            self._session.add_all(line_row(licence.licence_id, line) for line in licence.lines)
            self._session.add_all(grant_row(licence.licence_id, grant) for grant in licence.grants)
            self._add_words(licence.licence_id, licence.search_words())
            self._session.flush()
            for period in licence.periods:
                self.add_period(licence.licence_id, period)

    def add_period(self, licence_id: str, period: PaidPeriod) -> None:
        """Whoever adds a period holds the licence's row until the end, so that the next one sees it."""
        self._lock(licence_id)
        new = period.period
        overlapping = select(SupportPeriodRow.number).where(
            col(SupportPeriodRow.licence_id) == licence_id,
            col(SupportPeriodRow.starts_on) <= new.ends_on,
            col(SupportPeriodRow.ends_on) >= new.starts_on,
        )
        if self._session.exec(overlapping).first() is not None:
            raise Conflict("The period overlaps one that is there already.", code="periods_overlap")
        self._session.add(period_row(licence_id, period))
        self._session.flush()

    def end_period(self, licence_id: str, period: SupportPeriod, ends_on: date | None) -> None:
        self._lock(licence_id)
        stored = select(SupportPeriodRow).where(
            col(SupportPeriodRow.licence_id) == licence_id,
            col(SupportPeriodRow.starts_on) == period.starts_on,
            col(SupportPeriodRow.ends_on) == period.ends_on,
        )
        for row in self._rows(stored):
            if ends_on is None:
                self._session.delete(row)
            else:
                row.ends_on = min(row.ends_on, ends_on)
        self._session.flush()

    def add_lines(self, licence_id: str, lines: Sequence[OrderLine]) -> None:
        self._lock(licence_id)
        self._session.add_all(line_row(licence_id, line) for line in lines)
        self._session.flush()

    def remove_lines(self, licence_id: str, order: str) -> None:
        self._lock(licence_id)
        self._session.execute(
            delete(OrderLineRow).where(
                col(OrderLineRow.licence_id) == licence_id, col(OrderLineRow.sales_order) == order
            )
        )

    def add_grant(self, licence_id: str, grant: Grant, order: str | None = None) -> None:
        self._lock(licence_id)
        if grant not in [grant_of(row) for row in self._owned(GrantRow, [licence_id])[licence_id]]:
            self._session.add(grant_row(licence_id, grant, order))
            self._session.flush()

    def remove_grant(self, licence_id: str, order: str) -> bool:
        self._lock(licence_id)
        brought = [row for row in self._owned(GrantRow, [licence_id])[licence_id] if row.sales_order == order]
        for row in brought:
            self._session.delete(row)
        self._session.flush()
        return bool(brought)

    def add_key(self, licence_id: str, key: IssuedKey) -> None:
        self._lock(licence_id)
        with conflict_if_taken(self._session, "There is such a licence key already.", "licence_exists"):
            self._session.add(key_row(licence_id, key))
        self._add_words(licence_id, parts_of(key.hint))

    def set_customer(self, licence_id: str, customer_id: str) -> None:
        self._lock(licence_id).customer_id = customer_id
        self._session.flush()

    def set_status(self, licence_id: str, status: LicenceStatus, reason: str | None) -> None:
        row = self._lock(licence_id)
        row.status, row.status_reason = status.value, reason
        self._session.flush()

    def set_update_rules(self, licence_id: str, rules: UpdateRules) -> None:
        write_update_rules(self._lock(licence_id), rules)
        self._session.flush()

    def _add_words(self, licence_id: str, words: frozenset[str]) -> None:
        known = select(LicenceWordRow.word).where(
            col(LicenceWordRow.licence_id) == licence_id, col(LicenceWordRow.word).in_(words)
        )
        new = sorted(words.difference(self._session.exec(known).all()))
        self._session.add_all(LicenceWordRow(word=word, licence_id=licence_id) for word in new)
        self._session.flush()

    def _lock(self, licence_id: str) -> LicenceRow:
        """Changes to one licence happen one after the other."""
        statement = select(LicenceRow).where(col(LicenceRow.licence_id) == licence_id).with_for_update()
        rows = self._rows(statement) if is_storable(licence_id) else ()
        if not rows:
            raise NotFound("There is no such licence.", code="unknown_licence")
        return rows[0]

    def _one(self, statement: SelectOfScalar[LicenceRow], asked_for: str) -> Licence | None:
        rows = self._rows(statement) if is_storable(asked_for) else ()
        return self._whole(rows)[0] if rows else None

    def _rows(self, statement: SelectOfScalar[Found]) -> Sequence[Found]:
        """As they are now: the session would otherwise repeat what it read before waiting for a lock."""
        return self._session.exec(statement.execution_options(populate_existing=True)).all()

    def _whole(self, rows: Sequence[LicenceRow]) -> tuple[Licence, ...]:
        """The licences of these rows with all that belongs to them, in one query a table."""
        ids = [row.licence_id for row in rows]
        customers = self._customers(row.customer_id for row in rows)
        keys = self._owned(LicenceKeyRow, ids)
        lines = self._owned(OrderLineRow, ids)
        periods = self._owned(SupportPeriodRow, ids)
        grants = self._owned(GrantRow, ids)
        return tuple(
            licence_of(
                row,
                customers[row.customer_id],
                keys=keys[row.licence_id],
                lines=lines[row.licence_id],
                periods=periods[row.licence_id],
                grants=grants[row.licence_id],
            )
            for row in rows
        )

    def _customers(self, ids: Iterable[str]) -> dict[str, CustomerRow]:
        wanted = sorted(set(ids))
        found: dict[str, CustomerRow] = {}
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            some = select(CustomerRow).where(col(CustomerRow.customer_id).in_(wanted[start : start + _IDS_PER_QUERY]))
            found |= {row.customer_id: row for row in self._rows(some)}
        return found

    def _owned(self, table: type[Owned], ids: Sequence[str]) -> dict[str, list[Owned]]:
        owned: dict[str, list[Owned]] = defaultdict(list)
        for start in range(0, len(ids), _IDS_PER_QUERY):
            some = ids[start : start + _IDS_PER_QUERY]
            for row in self._rows(select(table).where(col(table.licence_id).in_(some))):
                owned[row.licence_id].append(row)
        return owned


def _newest_first() -> SelectOfScalar[LicenceRow]:
    return select(LicenceRow).order_by(col(LicenceRow.created_at).desc(), col(LicenceRow.licence_id).desc())
