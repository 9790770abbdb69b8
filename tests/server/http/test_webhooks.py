"""``/v1/webhooks``: another program arranges that it is told what happens."""

from __future__ import annotations

import re

import pytest

from tenure_server.domain.api_tokens import Scope
from tenure_server.use_cases.manage_webhooks import WebhookWish
from tests.server.http.asking import answer, faults, problem
from tests.server.http.office import Office
from tests.server.world import TODAY, WHO
from tests.services.webhook_receiver import Receiver, running_receiver

URL = "https://crm.example.com/hook?key=s3cret"


def private(office: Office, receiver: Receiver) -> str:
    """An endpoint on this machine, as only an operator may add one; its id."""
    wish = WebhookWish(receiver.url, ("licence.issued",), allows_private=True)
    return office.world.installation.manage_webhooks.add(wish, who=WHO).endpoint.endpoint_id


def test_a_webhook_is_added_listed_and_removed(office: Office) -> None:
    admin = office.bearer(Scope.ADMIN)
    body = {"url": URL, "events": ["licence"], "description": "CRM"}
    made = office.client.post("/v1/webhooks", json=body, headers=admin)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made.json()["secret"])
    webhook = made.json()["webhook"]
    assert webhook["url"] == "https://crm.example.com/hook"
    listed = office.client.get("/v1/webhooks", headers=admin)
    assert answer(listed) == {"webhooks": [webhook]}
    assert made.json()["secret"] not in listed.text
    assert office.client.delete(f"/v1/webhooks/{webhook['id']}", headers=admin).status_code == 204
    assert answer(office.client.get("/v1/webhooks", headers=admin)) == {"webhooks": []}
    again = office.client.delete(f"/v1/webhooks/{webhook['id']}", headers=admin)
    assert problem(again, 404)["code"] == "unknown_webhook"


def test_events_go_out_and_the_log_tells_of_them(office: Office) -> None:
    admin = office.bearer(Scope.ADMIN)
    with running_receiver() as receiver:
        path = f"/v1/webhooks/{private(office, receiver)}"
        tested = answer(office.client.post(f"{path}/test", headers=admin))
        assert (tested["taken"], tested["status"]) == (True, 204)
        office.world.issue(TODAY, smp_years=None)
        receiver.status = 500
        assert office.world.installation.deliver_webhooks() == 1
        (delivery,) = answer(office.client.get(f"{path}/deliveries", headers=admin))["deliveries"]
        assert (delivery["state"], delivery["status"], delivery["attempts"]) == ("pending", 500, 1)
        receiver.status = 200
        again = office.client.post(f"{path}/deliveries/{delivery['id']}/redeliver", headers=admin)
        assert answer(again)["attempts"] == 0
        office.world.installation.deliver_webhooks()
        (delivery,) = answer(office.client.get(f"{path}/deliveries", headers=admin))["deliveries"]
        assert delivery["state"] == "delivered"
        assert receiver.ids[1:] == [delivery["event"]] * 2
        other = private(office, receiver)
        foreign = office.client.post(f"/v1/webhooks/{other}/deliveries/{delivery['id']}/redeliver", headers=admin)
        assert problem(foreign, 404)["code"] == "unknown_delivery"


def test_a_secret_is_replaced_and_a_disabled_webhook_enabled(office: Office) -> None:
    admin = office.bearer(Scope.ADMIN)
    made = office.client.post("/v1/webhooks", json={"url": URL}, headers=admin).json()
    path = f"/v1/webhooks/{made['webhook']['id']}"
    rotated = answer(office.client.post(f"{path}/secret", json={"overlap_hours": 1}, headers=admin))
    assert rotated["secret"] != made["secret"]
    assert answer(office.client.post(f"{path}/enable", headers=admin))["disabled_at"] is None


def test_only_an_administrators_token_opens_them(office: Office) -> None:
    token = office.bearer(Scope.SALES)
    for method, path in (
        ("GET", ""), ("POST", ""), ("DELETE", "/x"), ("POST", "/x/test"), ("POST", "/x/secret"), ("POST", "/x/enable"),
        ("GET", "/x/deliveries"), ("POST", "/x/deliveries/y/redeliver"),
    ):  # fmt: skip
        refused = office.client.request(method, f"/v1/webhooks{path}", headers=token)
        assert problem(refused, 403)["code"] == "token_scope"


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://127.0.0.1:9000/", "https://169.254.169.254/latest"])
def test_a_token_cannot_send_anything_into_the_vendors_own_network(office: Office, url: str) -> None:
    admin = office.bearer(Scope.ADMIN)
    refused = office.client.post("/v1/webhooks", json={"url": url}, headers=admin)
    assert problem(refused, 400)["code"] == "webhook_url"
    refused = office.client.post("/v1/webhooks", json={"url": url, "allows_private": True}, headers=admin)
    assert "body" in faults(refused)
