"""``GET /metrics``: what a monitoring system asks for, in the OpenMetrics or the Prometheus text format.

It takes an API token with the scope ``read``. Without one it is open only on a listener of its own, which an operator
has to set (``TENURE_METRICS_LISTEN``) and which serves nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from tenure_server import __version__
from tenure_server.domain.api_tokens import Scope
from tenure_server.domain.signer_life import SignerMode
from tenure_server.errors import DatabaseUnavailable
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.health import Readiness
from tenure_server.http.load_shedding import LoadShedding
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import read
from tenure_server.http.refusals import TOKEN_REFUSALS
from tenure_server.http.request_counts import RequestCounts
from tenure_server.use_cases.measure import Measure, Measurements
from tenure_signing.errors import PublishingError

OPERATION = Operation(
    summary="What monitoring asks for: days left of every role, signer, readiness, requests",
    answer="text/plain",
    access=Access.TOKEN,
    refusals=TOKEN_REFUSALS,
)

_log = logging.getLogger(__name__)


class ServerMetrics(Collector):
    """Read when asked. What cannot be found out is left out; ``tenure_database_up`` says so."""

    def __init__(self, readiness: Readiness, measure: Measure, counts: RequestCounts, load: LoadShedding) -> None:
        self.readiness = readiness
        self._measure = measure
        self.counts = counts
        self.load = load

    def registry(self) -> CollectorRegistry:
        """One with these metrics alone."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return registry

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        faults = {fault.where for fault in self.readiness.faults()}
        yield _labelled("tenure_build_info", "This server's version.", "version", {__version__: 1})
        yield _gauge("tenure_ready", "Whether /readyz answers 200.", 0 if faults else 1)
        yield _gauge("tenure_database_up", "Whether the database answers.", 0 if "database" in faults else 1)
        yield _gauge("tenure_store_up", "Whether the store can be read and written.", 0 if "store" in faults else 1)
        requests = CounterMetricFamily(
            "tenure_http_requests", "Requests of this process by class of address.", labels=("route", "outcome")
        )
        for route, outcome, count in self.counts.items():
            requests.add_metric((route, outcome), count)
        yield requests
        yield from _of_load(self.load)
        try:
            found = self._measure()
        except (DatabaseUnavailable, PublishingError) as error:
            _log.error("metrics are incomplete: %s", error)
            return
        yield from _measured(found)


def _of_load(load: LoadShedding) -> Iterator[Metric]:
    """Of this process too."""
    yield _gauge("tenure_wait_seconds", "How long a request waits before it is answered.", load.waited)
    shares = {"background": load.admission.background, "people": load.admission.people}
    yield _labelled("tenure_admitted_share", "What is answered, from 0 to 1.", "who", shares)
    refused = CounterMetricFamily(
        "tenure_overload_refusals", "Requests refused because the process was behind.", labels=("who",)
    )
    refused.add_metric(("background",), load.background_refused)
    refused.add_metric(("people",), load.people_refused)
    yield refused
    yield CounterMetricFamily("tenure_overload_episodes", "How often that began.", value=load.episodes)


def _measured(found: Measurements) -> Iterator[Metric]:
    yield _gauge("tenure_publication_counter", "Moves with every publication.", found.publication_counter)
    days = {life.role: (life.expires - found.at).total_seconds() / 86_400 for life in found.roles}
    yield _labelled("tenure_role_days_left", "Days until the role's metadata expires.", "role", days)
    needs = {life.role: float(life.needs_people) for life in found.roles}
    yield _labelled("tenure_role_needs_people", "Whether people have to sign the role.", "role", needs)
    signer = found.signer
    modes = {mode.value: float(mode is signer.mode) for mode in SignerMode}
    yield _labelled("tenure_signer_mode", "Who signs snapshot and timestamp.", "mode", modes)
    yield _gauge("tenure_signer_warning", "Whether nobody signs who should.", float(signer.warning is not None))
    yield _gauge("tenure_signer_waiting_requests", "What waits for the external signer.", signer.waiting)
    if signer.last_signed is not None:
        at = signer.last_signed.timestamp()
        yield _gauge("tenure_signer_last_signed_timestamp_seconds", "When the timestamp was signed last.", at)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help, value=value)


def _labelled(name: str, help: str, label: str, values: dict[str, float]) -> Metric:
    metric = GaugeMetricFamily(name, help, labels=(label,))
    for each, value in values.items():
        metric.add_metric((each,), value)
    return metric


@dataclass(frozen=True, slots=True)
class MetricsEndpoint:
    authentication: TokenAuthentication
    metrics: ServerMetrics

    def get(self, request: Request) -> Response:
        self.authentication.token(request, Scope.READ)
        read(request, NoParameters)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body = encode(self.metrics.registry())
        headers = {"Cache-Control": "no-store", "Vary": "Authorization, Accept", "Content-Type": content_type}
        return Response(body, headers=headers)
