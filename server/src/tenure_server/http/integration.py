"""The addresses for other programs of the vendor's: events, webhooks, reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tenure_server.http import events
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.endpoint import Endpoint
from tenure_server.use_cases.read_events import ReadEvents


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationParts:
    read_events: ReadEvents


def integration_endpoints(authentication: TokenAuthentication, parts: IntegrationParts) -> Iterator[Endpoint]:
    """All of them take an API token."""
    yield Endpoint("/v1/events", events.EventsEndpoint(authentication, parts.read_events).get, events.OPERATION)
