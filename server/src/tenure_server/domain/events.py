"""What happened, told to other programs: by the feed of events and by webhooks. docs/integration.md.

An event says that something changed, and the little that a program needs to decide whether it cares. It never holds a
licence key, a token or another secret, nor a customer's name or address: who may see those asks for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from tenure_server.domain.secret_words import without_secrets
from tenure_signing.names import ProductName

MAX_DATA_BYTES = 16 * 1024
"""Of an event's data as JSON in ASCII."""

_MAX_TEXT_CHARACTERS = 500


class EventType(StrEnum):
    """What can happen: ``<thing>.<what happened to it>``. Stable; later versions add to them."""

    LICENCE_ISSUED = "licence.issued"
    LICENCE_RENEWED = "licence.renewed"  # a further term was ordered; ``period.added`` says which
    LICENCE_GRANTED = "licence.granted"  # a release or an x.y line beyond its periods
    LICENCE_GRANT_ENDED = "licence.grant_ended"  # the order that brought it was refunded
    LICENCE_SUSPENDED = "licence.suspended"
    LICENCE_REVOKED = "licence.revoked"
    LICENCE_REINSTATED = "licence.reinstated"
    LICENCE_MOVED = "licence.moved"  # to another customer

    CUSTOMER_MERGED = "customer.merged"  # all of another record became this one's

    PERIOD_ADDED = "period.added"
    PERIOD_ENDED = "period.ended"  # earlier than it was paid for: its order was refunded

    ORDER_CREATED = "order.created"
    ORDER_PAID = "order.paid"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_REFUNDED = "order.refunded"

    SEAT_ACTIVATED = "seat.activated"  # a machine takes a seat of the licence
    SEAT_RELEASED = "seat.released"  # by the customer, by an operator, or for want of contact
    SEAT_REFUSED = "seat.refused"  # all seats are taken; told at most once an hour per licence

    RELEASE_PUBLISHED = "release.published"
    RELEASE_BUILDS_ADDED = "release.builds_added"
    RELEASE_PROMOTED = "release.promoted"
    RELEASE_WITHDRAWN = "release.withdrawn"

    PROBLEM_REPORTED = "problem.reported"
    PROBLEM_REPORTER_ADDED = "problem.reporter_added"
    PROBLEM_CHANGED = "problem.changed"  # reproduced, worked around, planned, declined, …
    PROBLEM_RELEASED = "problem.released"  # a release that fixes it was published
    PROBLEM_REOPENED = "problem.reopened"  # by an operator, or because that release was withdrawn
    PROBLEM_REPORTER_TOLD = "problem.reporter_told"  # that it is fixed, and whether the licence covers it

    ROLLOUT_CHANGED = "rollout.changed"  # its share or ramp
    ROLLOUT_HALTED = "rollout.halted"
    ROLLOUT_RESUMED = "rollout.resumed"

    REMINDER_SENT = "reminder.sent"
    REMINDER_REFUSED = "reminder.refused"  # the mail server never will take it
    REMINDER_OPTED_OUT = "reminder.opted_out"
    REMINDER_OPTED_IN = "reminder.opted_in"

    MAIL_REFUSED = "mail.refused"  # the mail server never will take a mail that a change left behind

    REQUEST_OPENED = "request.opened"
    REQUEST_RECEIVED = "request.received"  # the customer wrote or rang again
    REQUEST_REPLIED = "request.replied"
    REQUEST_CHANGED = "request.changed"
    REQUEST_REFERRED_TO_SALES = "request.referred_to_sales"
    REQUEST_CLOSED = "request.closed"
    REQUEST_REOPENED = "request.reopened"

    WEBHOOK_DISABLED = "webhook.disabled"  # nothing arrived there for three days

    @property
    def thing(self) -> str:
        """What stands before the dot."""
        return self.value.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Event:
    """``subject`` is the thing's id: a licence's, or ``<product> <version>``. ``data`` are JSON values.

    Raises ``ValueError`` for data of more than ``MAX_DATA_BYTES``, ``TypeError`` for what is no JSON value.
    """

    event_id: str  # "evt_" and 26 random characters: the same wherever the event is told
    type: EventType
    at: datetime
    subject: str
    data: Mapping[str, object] = field(default_factory=dict)
    product: ProductName | None = None
    customer: str | None = None  # the customer's id, never a name

    def __post_init__(self) -> None:
        if len(json.dumps(dict(self.data))) > MAX_DATA_BYTES:
            raise ValueError(f"an event's data have at most {MAX_DATA_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event in its place: numbers grow in the order of the transactions' ends, without a gap, from 1."""

    number: int
    event: Event


def told_data(data: Mapping[str, object]) -> dict[str, object]:
    """The data as JSON has them (lists for tuples), without what looks like a secret and with long texts cut."""
    told = _told(json.loads(json.dumps(dict(data))))
    assert isinstance(told, dict)
    return told


def _told(value: object) -> object:
    match value:
        case str():
            text = without_secrets(value)
            return text if len(text) <= _MAX_TEXT_CHARACTERS else text[: _MAX_TEXT_CHARACTERS - 1] + "…"
        case list():
            return [_told(each) for each in value]
        case dict():
            return {name: _told(each) for name, each in value.items()}
        case _:
            return value


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events somebody wants: whole types (``licence.revoked``) and things (``licence``); none means all.

    Raises ``ValueError`` for a word that is neither, so that a misspelt one is noticed.
    """

    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {*EventType, *(each.thing for each in EventType)}
        unknown = sorted(set(self.words) - known)
        if unknown:
            raise ValueError(f"there are no events {', '.join(unknown)}")

    def wants(self, type: EventType) -> bool:
        return not self.words or type in self.words or type.thing in self.words


def event_facts(event: Event) -> dict[str, object]:
    """The event as every program is told it: in the feed, in webhooks, on the command line."""
    return {
        "id": event.event_id,
        "type": event.type.value,
        "timestamp": event.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "subject": event.subject,
        "product": event.product,
        "customer": event.customer,
        "data": dict(event.data),
    }
