"""``/v1/webhooks``: another program arranges that it is told what happens."""

from __future__ import annotations

import re

import pytest

from tenure_server.domain.api_tokens import Scope
from tenure_server.use_cases.manage_webhooks import WebhookWish
from tests.server.http.asking import answer, faults, problem
from tests.server.http.conftest import Shop
from tests.server.http.test_events import bearer
from tests.server.world import TODAY, WHO
from tests.services.webhook_receiver import Receiver, running_receiver

URL = "https://crm.example.com/hook?key=s3cret"


def private(shop: Shop, receiver: Receiver) -> str:
    """An endpoint on this machine, as only an operator may add one; its id."""
    wish = WebhookWish(receiver.url, allows_private=True)
    return shop.world.installation.manage_webhooks.add(wish, who=WHO).endpoint.endpoint_id


def test_a_webhook_is_added_listed_and_removed(own_shop: Shop) -> None:
    admin = bearer(own_shop, Scope.ADMIN)
    body = {"url": URL, "events": ["licence"], "description": "CRM"}
    made = own_shop.client.post("/v1/webhooks", json=body, headers=admin)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made.json()["secret"])
    webhook = made.json()["webhook"]
    assert webhook["url"] == "https://crm.example.com/hook"
    listed = own_shop.client.get("/v1/webhooks", headers=admin)
    assert answer(listed) == {"webhooks": [webhook]}
    assert made.json()["secret"] not in listed.text
    assert own_shop.client.delete(f"/v1/webhooks/{webhook['id']}", headers=admin).status_code == 204
    assert answer(own_shop.client.get("/v1/webhooks", headers=admin)) == {"webhooks": []}
    again = own_shop.client.delete(f"/v1/webhooks/{webhook['id']}", headers=admin)
    assert problem(again, 404)["code"] == "unknown_webhook"


def test_events_go_out_and_the_log_tells_of_them(own_shop: Shop) -> None:
    admin = bearer(own_shop, Scope.ADMIN)
    with running_receiver() as receiver:
        path = f"/v1/webhooks/{private(own_shop, receiver)}"
        tested = answer(own_shop.client.post(f"{path}/test", headers=admin))
        assert (tested["taken"], tested["status"]) == (True, 204)
        own_shop.world.issue(TODAY, smp_years=None)
        receiver.status = 500
        assert own_shop.world.installation.deliver_webhooks() == 1
        (delivery,) = answer(own_shop.client.get(f"{path}/deliveries", headers=admin))["deliveries"]
        assert (delivery["state"], delivery["status"], delivery["attempts"]) == ("pending", 500, 1)
        receiver.status = 200
        again = own_shop.client.post(f"{path}/deliveries/{delivery['id']}/redeliver", headers=admin)
        assert answer(again)["attempts"] == 0
        own_shop.world.installation.deliver_webhooks()
        (delivery,) = answer(own_shop.client.get(f"{path}/deliveries", headers=admin))["deliveries"]
        assert delivery["state"] == "delivered"
        assert receiver.ids[1:] == [delivery["event"]] * 2
        other = private(own_shop, receiver)
        foreign = own_shop.client.post(f"/v1/webhooks/{other}/deliveries/{delivery['id']}/redeliver", headers=admin)
        assert problem(foreign, 404)["code"] == "unknown_delivery"


def test_a_secret_is_replaced_and_a_disabled_webhook_enabled(own_shop: Shop) -> None:
    admin = bearer(own_shop, Scope.ADMIN)
    made = own_shop.client.post("/v1/webhooks", json={"url": URL}, headers=admin).json()
    path = f"/v1/webhooks/{made['webhook']['id']}"
    rotated = answer(own_shop.client.post(f"{path}/secret", json={"overlap_hours": 1}, headers=admin))
    assert rotated["secret"] != made["secret"]
    assert answer(own_shop.client.post(f"{path}/enable", headers=admin))["disabled_at"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("DELETE", "/x"), ("POST", "/x/test"), ("POST", "/x/secret"), ("POST", "/x/enable"),
     ("GET", "/x/deliveries"), ("POST", "/x/deliveries/y/redeliver")],
)  # fmt: skip
def test_only_an_administrators_token_opens_them(own_shop: Shop, method: str, path: str) -> None:
    refused = own_shop.client.request(method, f"/v1/webhooks{path}", headers=bearer(own_shop, Scope.SALES))
    assert problem(refused, 403)["code"] == "token_scope"


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://127.0.0.1:9000/", "https://169.254.169.254/latest"])
def test_a_token_cannot_send_anything_into_the_vendors_own_network(own_shop: Shop, url: str) -> None:
    admin = bearer(own_shop, Scope.ADMIN)
    refused = own_shop.client.post("/v1/webhooks", json={"url": url}, headers=admin)
    assert problem(refused, 400)["code"] == "webhook_url"
    refused = own_shop.client.post("/v1/webhooks", json={"url": url, "allows_private": True}, headers=admin)
    assert "body" in faults(refused)
