"""Webhooks: where events are sent, how they are signed, when they are tried again, and when an endpoint is given up.

Signatures are those of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over ``<id>.<timestamp>.<body>``, so that
receivers verify them with a library of their language.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tenure_server.domain.events import EventFilter, EventType

RETRY_SPAN = timedelta(days=3)
"""How long an event is tried; an endpoint at which nothing arrived for so long is disabled."""

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=8)
_GROWTH = 3
_JITTER = 0.2  # of a pause, in both directions: what failed together is not tried again together

SECRET_PREFIX = "whsec_"  # noqa: S105 (the word before secrets)
SECRET_BYTES = 32
MAX_URL_CHARACTERS = 2000
GONE = 410
"""The status by which an endpoint asks never to be called again."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class DeliveryState(StrEnum):
    PENDING = "pending"  # to be sent, for the first time or again
    DELIVERED = "delivered"
    FAILED = "failed"  # given up after ``RETRY_SPAN``; can be sent again by hand


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """``cursor`` is the number of the last event that was looked at for it. Its secrets are sealed."""

    endpoint_id: str
    url: str
    wanted: EventFilter
    description: str
    allows_private: bool  # an operator said that it lies in a private network or on this machine
    created_at: datetime
    cursor: int
    sealed_secret: str = field(repr=False)
    sealed_previous: str | None = field(default=None, repr=False)
    previous_until: datetime | None = None  # until then both secrets sign
    failing_since: datetime | None = None  # the first failure after the last success
    disabled_at: datetime | None = None
    disabled_reason: str | None = None

    def facts(self) -> dict[str, object]:
        """What lists and the audit trail say of it; no secret. An address's query may hold one, and is left out."""
        return {
            "id": self.endpoint_id,
            "url": shown_url(self.url),
            "events": list(self.wanted.words),
            "description": self.description,
            "allows_private": self.allows_private,
            "created_at": self.created_at.isoformat(timespec="seconds"),
            "failing_since": _text(self.failing_since),
            "disabled_at": _text(self.disabled_at),
            "disabled_reason": self.disabled_reason,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. Who holds ``claim`` sends it; after ``claimed_until`` anybody may."""

    delivery_id: str
    endpoint_id: str
    event_number: int
    event_id: str
    event_type: EventType
    state: DeliveryState
    first_at: datetime
    next_at: datetime
    attempts: int = 0
    claim: str | None = None
    claimed_until: datetime | None = None
    status: int | None = None  # of the last answer
    problem: str | None = None  # of the last attempt
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """How an attempt went: ``status`` of the answer, or the ``problem`` that prevented one."""

    status: int | None
    problem: str | None = None
    retry_after_seconds: int | None = None
    milliseconds: int = 0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Attempt:
    at: datetime
    sent: Sent


def after_attempt(delivery: Delivery, attempt: Attempt, jitter: float) -> Delivery:
    """The delivery as it stands after an attempt. ``jitter`` is a random number from 0 to 1."""
    sent = attempt.sent
    now = replace(
        delivery,
        attempts=delivery.attempts + 1,
        claim=None,
        claimed_until=None,
        status=sent.status,
        problem=None if sent.is_taken else (sent.problem or f"answered {sent.status}"),
    )
    if sent.is_taken:
        return replace(now, state=DeliveryState.DELIVERED, ended_at=attempt.at)
    next_at = attempt.at + pause_after(now.attempts, jitter, sent.retry_after_seconds)
    if sent.status == GONE or next_at > delivery.first_at + RETRY_SPAN:
        return replace(now, state=DeliveryState.FAILED, ended_at=attempt.at)
    return replace(now, next_at=next_at)


def pause_after(attempts: int, jitter: float, retry_after_seconds: int | None = None) -> timedelta:
    """How long to wait after so many attempts: 10 s, 30 s, 90 s, … 8 h, each a fifth shorter to a fifth longer. An
    endpoint may ask for longer, up to 8 h."""
    plain = min(FIRST_PAUSE * int(_GROWTH ** min(attempts - 1, 20)), LONGEST_PAUSE)
    asked = min(timedelta(seconds=min(retry_after_seconds or 0, 86_400)), LONGEST_PAUSE)
    return max(plain * (1 - _JITTER + 2 * _JITTER * jitter), asked)


def endpoint_after(endpoint: WebhookEndpoint, attempt: Attempt) -> WebhookEndpoint:
    """The endpoint as it stands after an attempt: disabled if nothing arrived for ``RETRY_SPAN``, or if it said so."""
    if attempt.sent.is_taken:
        return replace(endpoint, failing_since=None)
    failing_since = endpoint.failing_since or attempt.at
    failing = replace(endpoint, failing_since=failing_since)
    if endpoint.disabled_at is not None:
        return failing
    if attempt.sent.status == GONE:
        return replace(failing, disabled_at=attempt.at, disabled_reason="it answered 410 Gone")
    if attempt.at - failing_since >= RETRY_SPAN:
        return replace(failing, disabled_at=attempt.at, disabled_reason="nothing arrived there for three days")
    return failing


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,<base64>`` with one secret (``whsec_…``). Raises ``ValueError`` for a secret that is none."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("a webhook's secret begins with whsec_")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    text = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def signed_headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks. Each secret signs: a receiver accepts any of them."""
    signatures = (signature(secret, message_id, timestamp, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def is_reachable(address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, allows_private: bool) -> bool:
    """Whether a webhook may be sent to the address: public ones; private ones and this machine where an operator said
    so. Never link-local ones, where clouds keep their machines' credentials, nor multicast and reserved ones."""
    plain = _unwrapped(address)
    if plain.is_multicast or plain.is_unspecified or plain.is_link_local:
        return False
    if plain.is_loopback or plain.is_private:
        return allows_private and (plain.is_loopback or _is_lan(plain))
    return plain.is_global and not plain.is_reserved


def shown_url(url: str) -> str:
    """An address without its query."""
    return url.partition("?")[0]


def _unwrapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address inside an IPv6 one, where there is one: what it reaches counts."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


_LANS = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))


def _is_lan(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address.version == lan.version and address in lan for lan in _LANS)


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds") if instant is not None else None
