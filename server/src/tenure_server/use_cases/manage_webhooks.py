"""Webhook endpoints: added, tested, given new secrets, disabled and enabled, removed; events sent again by hand."""

from __future__ import annotations

import base64
import ipaddress
import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlsplit

from tenure_server.domain.events import EventFilter
from tenure_server.domain.webhooks import (
    MAX_URL_CHARACTERS,
    SECRET_BYTES,
    SECRET_PREFIX,
    Delivery,
    DeliveryState,
    Sent,
    WebhookEndpoint,
    is_reachable,
)
from tenure_server.errors import InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.deliver_webhooks import send_test
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.ports_webhooks import Sealer, SendWebhook

MAX_ENDPOINTS = 50
MAX_OVERLAP_HOURS = 24 * 30
_MAX_DESCRIPTION_CHARACTERS = 200
_LOOPBACK_NAMES = ("localhost", "localhost.")


@dataclass(frozen=True, slots=True)
class WebhookWish:
    """``allows_private``: the endpoint may lie in a private network or on this machine, where it may be plain http."""

    url: str
    events: tuple[str, ...] = ()  # none: all
    description: str = ""
    allows_private: bool = False


@dataclass(frozen=True, slots=True)
class WebhookWithSecret:
    """The secret is shown this once."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ManageWebhooks:
    """Every method that names an endpoint raises ``NotFound`` (``unknown_webhook``)."""

    database: Database
    clock: Clock
    sealer: Sealer
    send: SendWebhook

    def add(self, wish: WebhookWish, *, who: str) -> WebhookWithSecret:
        """Send events to this address from now on. Raises ``InvalidRequest`` (``webhook_url``, ``unknown_event``,
        ``too_many_webhooks``, ``webhook_description``)."""
        now = self.clock()
        url = parse_webhook_url(wish.url, allows_private=wish.allows_private)
        description = wish.description.strip()
        if len(description) > _MAX_DESCRIPTION_CHARACTERS or not description.isprintable():
            raise InvalidRequest(
                f"A description has at most {_MAX_DESCRIPTION_CHARACTERS} printable characters.",
                code="webhook_description",
            )
        try:
            wanted = EventFilter(tuple(dict.fromkeys(wish.events)))
        except ValueError as error:
            raise InvalidRequest(f"A webhook's filter is wrong: {error}.", code="unknown_event") from error
        endpoint_id, secret = _new_id("whk"), new_secret()
        with self.database.writing() as records:
            if len(records.webhooks.all()) >= MAX_ENDPOINTS:
                raise InvalidRequest(f"There are at most {MAX_ENDPOINTS} webhooks.", code="too_many_webhooks")
            endpoint = WebhookEndpoint(
                endpoint_id=endpoint_id,
                url=url,
                wanted=wanted,
                description=description,
                allows_private=wish.allows_private,
                created_at=now,
                cursor=records.outbox.newest_number(),
                sealed_secret=self.sealer.seal(secret, endpoint_id),
            )
            records.webhooks.add(endpoint)
            audited(records, now, who, "webhook.add", endpoint_id, **endpoint.facts())
        return WebhookWithSecret(endpoint, secret)

    def rotate_secret(self, endpoint_id: str, *, overlap_hours: int, who: str) -> WebhookWithSecret:
        """A new secret; the old one signs beside it for so many hours. Raises ``InvalidRequest``
        (``overlap_hours``)."""
        if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
            raise InvalidRequest(f"Two secrets sign for 0 to {MAX_OVERLAP_HOURS} hours.", code="overlap_hours")
        now, secret = self.clock(), new_secret()
        with self.database.writing() as records:
            before = _locked(records, endpoint_id)
            endpoint = replace(
                before,
                sealed_secret=self.sealer.seal(secret, endpoint_id),
                sealed_previous=before.sealed_secret if overlap_hours else None,
                previous_until=now + timedelta(hours=overlap_hours) if overlap_hours else None,
            )
            records.webhooks.save(endpoint)
            audited(records, now, who, "webhook.rotate_secret", endpoint_id, overlap_hours=overlap_hours)
        return WebhookWithSecret(endpoint, secret)

    def enable(self, endpoint_id: str, *, who: str) -> WebhookEndpoint:
        """Send again, beginning with what happened since it was disabled. Nothing changes if it is enabled."""
        now = self.clock()
        with self.database.writing() as records:
            before = _locked(records, endpoint_id)
            if before.disabled_at is None:
                return before
            endpoint = replace(before, disabled_at=None, disabled_reason=None, failing_since=None)
            records.webhooks.save(endpoint)
            audited(records, now, who, "webhook.enable", endpoint_id, disabled_reason=before.disabled_reason)
        return endpoint

    def remove(self, endpoint_id: str, *, who: str) -> WebhookEndpoint:
        """Send nothing there any more, and forget its log."""
        now = self.clock()
        with self.database.writing() as records:
            endpoint = _locked(records, endpoint_id)
            records.webhooks.remove(endpoint_id)
            audited(records, now, who, "webhook.remove", endpoint_id, **endpoint.facts())
        return endpoint

    def redeliver(self, delivery_id: str, *, who: str) -> Delivery:
        """Send the event once more, and for three days from now if need be, whether or not it arrived before. Raises
        ``NotFound`` (``unknown_delivery``)."""
        now = self.clock()
        with self.database.writing() as records:
            before = records.webhooks.delivery(delivery_id)
            if before is None:
                raise NotFound(
                    "There is no such delivery.", code="unknown_delivery", hint="tenure webhook log shows them"
                )
            _locked(records, before.endpoint_id)
            again = replace(
                before,
                state=DeliveryState.PENDING,
                first_at=now,
                next_at=now,
                attempts=0,
                claim=None,
                claimed_until=None,
                ended_at=None,
            )
            records.webhooks.restart(again)
            audited(records, now, who, "webhook.redeliver", before.endpoint_id, delivery=delivery_id)
        return again

    def test(self, endpoint_id: str) -> Sent:
        """Send a ``webhook.test`` message now, once, and say how it went. Changes nothing."""
        with self.database.reading() as records:
            endpoint = records.webhooks.get(endpoint_id)
        if endpoint is None:
            raise _unknown()
        return send_test(endpoint, self.sealer, self.send, self.clock())


def parse_webhook_url(text: str, *, allows_private: bool) -> str:
    """An https address without user name and fragment; http only on this machine, and only where that was allowed.

    Raises ``InvalidRequest`` (``webhook_url``), which does not repeat it. Where its host leads is looked at again each
    time something is sent there.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _bad_url("The webhook's address cannot be read.") from None
    if parts.scheme not in ("https", "http") or not host or len(text) > MAX_URL_CHARACTERS:
        raise _bad_url("A webhook's address is written https://host/path.")
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        raise _bad_url("A webhook's address holds characters that an address does not hold.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _bad_url("A webhook's address has neither a user name nor a fragment.")
    address = _literal(host)
    is_here = host in _LOOPBACK_NAMES or (address is not None and address.is_loopback)
    if parts.scheme == "http" and not (allows_private and is_here):
        raise _bad_url("A webhook's address begins with https://.")
    if (is_here and not allows_private) or (
        address is not None and not is_reachable(address, allows_private=allows_private)
    ):
        raise _bad_url(
            "A webhook's address is a public one.",
            hint="--allow-private is for an endpoint in your own network or on this machine",
        )
    return text


def new_secret() -> str:
    """``whsec_`` and 256 random bits in Base64, as Standard Webhooks has it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _new_id(kind: str) -> str:
    return f"{kind}_{base64.b32encode(secrets.token_bytes(10)).decode().lower()}"


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _locked(records: Records, endpoint_id: str) -> WebhookEndpoint:
    endpoint = records.webhooks.locked(endpoint_id)
    if endpoint is None:
        raise _unknown()
    return endpoint


def _unknown() -> NotFound:
    return NotFound("There is no such webhook.", code="unknown_webhook", hint="tenure webhook list shows them")


def _bad_url(message: str, hint: str | None = None) -> InvalidRequest:
    return InvalidRequest(message, code="webhook_url", hint=hint)
