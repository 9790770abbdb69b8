"""``GET /metrics``: for a token that reads, or on a listener of its own; nothing of it grows with what is asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from starlette.types import Message

from tenure_server.app import create_app, server_metrics
from tenure_server.domain.api_tokens import Scope
from tenure_server.http.request_counts import CLASSES, OTHER, OUTCOMES, RequestCounts
from tenure_server.use_cases.api_tokens import TokenWish
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Records
from tenure_signing.tuf_repository import Repository
from tests.server.http.asking import problem
from tests.server.http.conftest import Shop
from tests.server.http.test_health import Switchable
from tests.server.world import CAD, WHO, license_header

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def bearer(shop: Shop, *scopes: Scope) -> dict[str, str]:
    product = CAD if Scope.PUBLISH in scopes else None
    wish = TokenWish("monitoring", frozenset(scopes), shop.world.now() + timedelta(days=9), product)
    return {"Authorization": f"Bearer {shop.world.installation.create_token(wish, who=WHO).secret}"}


def values(text: str) -> dict[tuple[str, ...], float]:
    """By name and the values of labels, in the order of their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_monitoring_is_told_of_roles_signer_readiness_and_requests(own_shop: Shop) -> None:
    client, headers = own_shop.client, bearer(own_shop, Scope.READ)
    question = "/v1/update-check?product=cad&version=1.0&os=linux&arch=x86_64"
    for _ in range(3):
        client.get(question, headers=license_header(own_shop.ada.key))
    client.get(question)
    client.get("/metadata/timestamp.json")
    client.get("/wp-login.php")
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert response.headers["cache-control"] == "no-store"
    found = values(response.text)
    assert found["tenure_role_days_left", "cad"] == pytest.approx(180)
    assert found["tenure_role_days_left", "timestamp"] == pytest.approx(2)
    assert found["tenure_role_needs_people", "root"] == 0
    assert found["tenure_signer_mode", "embedded"] == 1
    assert found["tenure_signer_last_signed_timestamp_seconds",] == own_shop.world.now().timestamp()
    assert (found["tenure_ready",], found["tenure_database_up",], found["tenure_store_up",]) == (1, 1, 1)
    assert found["tenure_publication_counter",] > 0
    assert found["tenure_http_requests_total", "2xx", "update_check"] == 3
    assert found["tenure_http_requests_total", "4xx", "update_check"] == 1
    assert found["tenure_http_requests_total", "2xx", "metadata"] == 1
    assert found["tenure_http_requests_total", "4xx", "other"] == 1


def test_who_asks_for_openmetrics_gets_it(own_shop: Shop) -> None:
    response = own_shop.client.get("/metrics", headers={**bearer(own_shop, Scope.ADMIN), "Accept": OPENMETRICS})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")
    families = openmetrics.text_string_to_metric_families(response.text)  # type: ignore[no-untyped-call]
    assert {family.name for family in families} >= {"tenure_http_requests", "tenure_role_days_left"}


def test_nobody_else_is_told(own_shop: Shop) -> None:
    client = own_shop.client
    assert problem(client.get("/metrics"), 401)["code"] == "token_missing"
    assert problem(client.get("/metrics", headers=license_header(own_shop.ada.key)), 401)["code"]
    assert problem(client.get("/metrics", headers=bearer(own_shop, Scope.PUBLISH)), 403)["code"] == "token_scope"


def test_a_database_that_is_away_is_told_where_no_token_is_needed(own_shop: Shop) -> None:
    """On the listener of its own: a token could not be looked up."""
    world = own_shop.world
    world.database = switch = Switchable(world.database)
    metrics = server_metrics(world.reopened())
    switch.is_off = True
    samples = {sample.name: sample.value for family in metrics.collect() for sample in family.samples}
    assert (samples["tenure_database_up"], samples["tenure_ready"], samples["tenure_store_up"]) == (0, 0, 1)
    assert "tenure_role_days_left" not in samples


def test_roles_are_read_once_for_each_publication(own_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Records] = []

    def noted(records: Records) -> Repository:
        reads.append(records)
        return read_repository(records)

    monkeypatch.setattr("tenure_server.use_cases.measure.read_repository", noted)
    metrics = server_metrics(own_shop.world.installation)
    for _ in range(3):
        list(metrics.collect())
    assert len(reads) == 1


@pytest.mark.parametrize(
    "path",
    ["/", "", "/v1", "/v1/events", "/store/a/b/c", "/x" * 3_000, "/metadata/../x", "/portal/x", "no slash"],
)
def test_labels_stay_few_whatever_is_asked_for(path: str) -> None:
    counts = RequestCounts()

    async def send(message: Message) -> None:
        """Goes nowhere."""

    async def answered() -> None:
        for status in (200, 404, 99, 600, 10**9):
            await counts.counting(path.encode(), send)({"type": "http.response.start", "status": status})
        await counts.counting(path.encode(), send)({"type": "http.response.body"})

    asyncio.run(answered())
    found = list(counts.items())
    assert sum(count for *_, count in found) == 5
    assert {route for route, _, _ in found} <= {*CLASSES.values(), OTHER}
    assert {outcome for _, outcome, _ in found} <= set(OUTCOMES)


def test_two_applications_count_for_themselves(own_shop: Shop) -> None:
    other = TestClient(create_app(own_shop.world.reopened()))
    for _ in range(2):
        own_shop.client.get("/healthz")
    headers = bearer(own_shop, Scope.READ)
    assert ("tenure_http_requests_total", "2xx", "health") not in values(other.get("/metrics", headers=headers).text)
