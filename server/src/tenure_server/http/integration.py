"""The addresses for other programs of the vendor's: events, webhooks, reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tenure_server.http import events, reports
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.endpoint import Endpoint
from tenure_server.http.webhooks import webhook_endpoints
from tenure_server.use_cases.make_report import MakeReport
from tenure_server.use_cases.manage_webhooks import ManageWebhooks
from tenure_server.use_cases.read_events import ReadEvents
from tenure_server.use_cases.show_webhooks import ShowWebhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationParts:
    read_events: ReadEvents
    manage_webhooks: ManageWebhooks
    show_webhooks: ShowWebhooks
    make_report: MakeReport


def integration_endpoints(authentication: TokenAuthentication, parts: IntegrationParts) -> Iterator[Endpoint]:
    """All of them take an API token."""
    yield Endpoint("/v1/events", events.EventsEndpoint(authentication, parts.read_events).get, events.OPERATION)
    report = reports.ReportsEndpoint(authentication, parts.make_report)
    yield Endpoint("/v1/reports/{report}", report.get, reports.OPERATION)
    yield from webhook_endpoints(authentication, parts.manage_webhooks, parts.show_webhooks)
