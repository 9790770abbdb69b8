"""Webhook endpoints and deliveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.webhook_tables import WebhookAttemptRow, WebhookDeliveryRow, WebhookEndpointRow
from tenure_server.domain.events import EventFilter, EventType
from tenure_server.domain.webhooks import Attempt, Delivery, DeliveryState, Sent, WebhookEndpoint
from tenure_server.errors import NotFound

_LOOKED_AT = 20  # times as many due deliveries as are wanted: one endpoint's shall not hide the others'


class SqlWebhooks:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, endpoint_id: str) -> WebhookEndpoint | None:
        row = self._row(endpoint_id)
        return _endpoint(row) if row is not None else None

    def locked(self, endpoint_id: str) -> WebhookEndpoint | None:
        row = self._row(endpoint_id, lock=True)
        return _endpoint(row) if row is not None else None

    def all(self) -> tuple[WebhookEndpoint, ...]:
        by_age = (col(WebhookEndpointRow.created_at), col(WebhookEndpointRow.endpoint_id))
        return tuple(_endpoint(row) for row in self._session.exec(select(WebhookEndpointRow).order_by(*by_age)).all())

    def add(self, endpoint: WebhookEndpoint) -> None:
        self._session.add(WebhookEndpointRow(**_endpoint_values(endpoint)))
        self._session.flush()

    def save(self, endpoint: WebhookEndpoint) -> None:
        row = self._row(endpoint.endpoint_id)
        if row is None:
            raise NotFound("There is no such webhook.", code="unknown_webhook")
        for name, value in _endpoint_values(endpoint).items():
            setattr(row, name, value)
        self._session.flush()

    def remove(self, endpoint_id: str) -> None:
        row = self._row(endpoint_id, lock=True)
        if row is None:
            return
        of_endpoint = col(WebhookDeliveryRow.endpoint_id) == endpoint_id
        deliveries = select(WebhookDeliveryRow.delivery_id).where(of_endpoint)
        self._session.execute(delete(WebhookAttemptRow).where(col(WebhookAttemptRow.delivery_id).in_(deliveries)))
        self._session.execute(delete(WebhookDeliveryRow).where(of_endpoint))
        self._session.delete(row)
        self._session.flush()

    def queue(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        endpoints = {one.endpoint_id for one in deliveries}
        numbers = [one.event_number for one in deliveries]
        known = self._session.exec(
            select(WebhookDeliveryRow.endpoint_id, WebhookDeliveryRow.event_number)
            .where(col(WebhookDeliveryRow.endpoint_id).in_(endpoints))
            .where(col(WebhookDeliveryRow.event_number).between(min(numbers), max(numbers)))
        ).all()
        taken = set(known)
        for one in deliveries:
            if (one.endpoint_id, one.event_number) not in taken:
                self._session.add(WebhookDeliveryRow(**_values(one)))
        self._session.flush()

    def delivery(self, delivery_id: str) -> Delivery | None:
        row = self._session.get(WebhookDeliveryRow, delivery_id) if is_storable(delivery_id) else None
        return _delivery(row) if row is not None else None

    def deliveries(self, endpoint_id: str, *, limit: int) -> tuple[Delivery, ...]:
        if limit < 1 or not is_storable(endpoint_id):
            return ()
        statement = (
            select(WebhookDeliveryRow)
            .where(col(WebhookDeliveryRow.endpoint_id) == endpoint_id)
            .order_by(col(WebhookDeliveryRow.event_number).desc())
            .limit(limit)
        )
        return tuple(_delivery(row) for row in self._session.exec(statement).all())

    def has_due(self, now: datetime) -> bool:
        return self._session.exec(_due(now).limit(1)).first() is not None

    def claim(
        self, now: datetime, *, claim: str, until: datetime, limit: int, per_endpoint: int
    ) -> tuple[Delivery, ...]:
        statement = (
            _due(now)
            .order_by(col(WebhookDeliveryRow.next_at), col(WebhookDeliveryRow.event_number))
            .limit(limit * _LOOKED_AT)
            .with_for_update(skip_locked=True, of=WebhookDeliveryRow)
        )
        rows: list[WebhookDeliveryRow] = []
        of_endpoint: Counter[str] = Counter()
        for row in self._session.exec(statement, execution_options={"populate_existing": True}).all():
            if len(rows) < limit and of_endpoint[row.endpoint_id] < per_endpoint:
                of_endpoint[row.endpoint_id] += 1
                row.claim, row.claimed_until = claim, until
                rows.append(row)
        self._session.flush()
        return tuple(_delivery(row) for row in rows)

    def finish(self, delivery: Delivery, claim: str) -> bool:
        changed = self._session.execute(
            update(WebhookDeliveryRow)
            .where(col(WebhookDeliveryRow.delivery_id) == delivery.delivery_id)
            .where(col(WebhookDeliveryRow.claim) == claim)
            .values(**_values(delivery))
        )
        return bool(changed.rowcount)  # type: ignore[attr-defined]

    def restart(self, delivery: Delivery) -> None:
        self._session.execute(
            update(WebhookDeliveryRow)
            .where(col(WebhookDeliveryRow.delivery_id) == delivery.delivery_id)
            .values(**_values(delivery))
        )

    def log(self, delivery_id: str, attempt: Attempt) -> None:
        sent = attempt.sent
        row = WebhookAttemptRow(
            delivery_id=delivery_id,
            at=attempt.at,
            status=sent.status,
            problem=sent.problem,
            milliseconds=sent.milliseconds,
        )
        self._session.add(row)
        self._session.flush()

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        if not is_storable(delivery_id):
            return ()
        statement = (
            select(WebhookAttemptRow)
            .where(col(WebhookAttemptRow.delivery_id) == delivery_id)
            .order_by(col(WebhookAttemptRow.number))
        )
        rows = self._session.exec(statement).all()
        return tuple(Attempt(row.at, Sent(row.status, row.problem, milliseconds=row.milliseconds)) for row in rows)

    def forget(self, before: datetime, *, limit: int) -> int:
        old = (
            select(WebhookDeliveryRow.delivery_id)
            .where(col(WebhookDeliveryRow.state) != DeliveryState.PENDING)
            .where(col(WebhookDeliveryRow.ended_at) < before)
            .limit(limit)
        )
        ids = list(self._session.exec(old).all())
        if ids:
            self._session.execute(delete(WebhookAttemptRow).where(col(WebhookAttemptRow.delivery_id).in_(ids)))
            self._session.execute(delete(WebhookDeliveryRow).where(col(WebhookDeliveryRow.delivery_id).in_(ids)))
        return len(ids)

    def _row(self, endpoint_id: str, *, lock: bool = False) -> WebhookEndpointRow | None:
        if not is_storable(endpoint_id):
            return None
        statement = select(WebhookEndpointRow).where(col(WebhookEndpointRow.endpoint_id) == endpoint_id)
        if lock:
            statement = statement.with_for_update()
        return self._session.exec(statement, execution_options={"populate_existing": True}).one_or_none()


def _due(now: datetime) -> SelectOfScalar[WebhookDeliveryRow]:
    claimed_until = col(WebhookDeliveryRow.claimed_until)
    enabled = select(WebhookEndpointRow.endpoint_id).where(col(WebhookEndpointRow.disabled_at).is_(None))
    return (
        select(WebhookDeliveryRow)
        .where(col(WebhookDeliveryRow.state) == DeliveryState.PENDING)
        .where(col(WebhookDeliveryRow.next_at) <= now)
        .where(or_(claimed_until.is_(None), claimed_until <= now))
        .where(col(WebhookDeliveryRow.endpoint_id).in_(enabled))
    )


def _endpoint_values(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint.endpoint_id,
        "url": endpoint.url,
        "wanted": list(endpoint.wanted.words),
        "description": endpoint.description,
        "allows_private": endpoint.allows_private,
        "created_at": endpoint.created_at,
        "cursor": endpoint.cursor,
        "sealed_secret": endpoint.sealed_secret,
        "sealed_previous": endpoint.sealed_previous,
        "previous_until": endpoint.previous_until,
        "failing_since": endpoint.failing_since,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
    }


def _endpoint(row: WebhookEndpointRow) -> WebhookEndpoint:
    return WebhookEndpoint(
        endpoint_id=row.endpoint_id,
        url=row.url,
        wanted=EventFilter(tuple(row.wanted)),
        description=row.description,
        allows_private=row.allows_private,
        created_at=row.created_at,
        cursor=row.cursor,
        sealed_secret=row.sealed_secret,
        sealed_previous=row.sealed_previous,
        previous_until=row.previous_until,
        failing_since=row.failing_since,
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
    )


def _values(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "endpoint_id": delivery.endpoint_id,
        "event_number": delivery.event_number,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "state": delivery.state,
        "first_at": delivery.first_at,
        "next_at": delivery.next_at,
        "attempts": delivery.attempts,
        "claim": delivery.claim,
        "claimed_until": delivery.claimed_until,
        "status": delivery.status,
        "problem": delivery.problem,
        "ended_at": delivery.ended_at,
    }


def _delivery(row: WebhookDeliveryRow) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        endpoint_id=row.endpoint_id,
        event_number=row.event_number,
        event_id=row.event_id,
        event_type=EventType(row.event_type),
        state=DeliveryState(row.state),
        first_at=row.first_at,
        next_at=row.next_at,
        attempts=row.attempts,
        claim=row.claim,
        claimed_until=row.claimed_until,
        status=row.status,
        problem=row.problem,
        ended_at=row.ended_at,
    )
