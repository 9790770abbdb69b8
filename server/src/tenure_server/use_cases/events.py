"""One way to tell other programs what happened, in the transaction of the change: nothing is lost or invented."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime

from tenure_server.domain.events import Event, EventType, told_data
from tenure_server.domain.licences import Licence, PaidPeriod
from tenure_server.use_cases.ports import Records
from tenure_signing.names import ProductName


def announce(
    records: Records,
    at: datetime,
    type: EventType,
    subject: str,
    data: Mapping[str, object],
    *,
    product: ProductName | None = None,
    customer: str | None = None,
) -> None:
    """Append an event in the caller's transaction. ``data`` are JSON values: no secret, no name or address of a person.

    What looks like a licence key or token is taken out, and long texts are cut: reasons are typed by people.
    """
    records.outbox.append(Event(new_event_id(), type, at, subject, told_data(data), product, customer))


def new_event_id() -> str:
    """130 random bits, lower case: unguessable, and no two events share one."""
    return "evt_" + base64.b32encode(secrets.token_bytes(17)).decode()[:26].lower()


def announce_licence(records: Records, at: datetime, type: EventType, licence: Licence, **data: object) -> None:
    """Something happened to the licence."""
    announce(
        records,
        at,
        type,
        licence.licence_id,
        {"edition": licence.edition, **data},
        product=licence.product,
        customer=licence.customer_id,
    )


def announce_period(records: Records, licence: Licence, paid: PaidPeriod) -> None:
    """A support period was added to the licence: bought with it, ordered later, or by hand."""
    announce_licence(
        records,
        paid.added_at,
        EventType.PERIOD_ADDED,
        licence,
        starts_on=paid.period.starts_on.isoformat(),
        ends_on=paid.period.ends_on.isoformat(),
        source=paid.source,
        price_minor_units=paid.price.minor_units if paid.price is not None else None,
        currency=paid.price.currency if paid.price is not None else None,
    )
