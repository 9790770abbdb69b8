"""``tenure webhook`` as operators use it, and a server that sends what happens."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

from tenure_server.domain.webhooks import signature
from tests.server.cli.at_the_terminal import Operator
from tests.services.webhook_receiver import Receiver, running_receiver

SECONDS_TO_ARRIVE = 30.0


def add(operator: Operator, url: str, *options: str) -> str:
    webhook: str = operator.did("webhook", "add", url, *options, "--json").json["id"]
    return webhook


def wait_for(receiver: Receiver, count: int) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_ARRIVE
    while len(receiver.received) < count and time.monotonic() < give_up_at:
        time.sleep(0.05)


def test_the_secret_is_printed_once_alone_on_standard_output(operator: Operator) -> None:
    made = operator.did("webhook", "add", "https://crm.example.com/hook?k=s3cret", "--event", "licence")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", made.out)
    assert made.out.strip() not in made.err
    listed = operator.did("webhook", "list").out
    assert "https://crm.example.com/hook" in listed
    assert "s3cret" not in listed + made.err + operator.did("audit").out
    assert made.out.strip() not in listed + operator.did("audit").out
    assert "in order" in listed


def test_without_any_webhook_the_list_says_how_to_make_one(operator: Operator) -> None:
    assert "tenure webhook add" in operator.did("webhook", "list").out


def test_an_address_in_the_own_network_wants_to_be_allowed(operator: Operator) -> None:
    ran = operator.run("webhook", "add", "https://10.0.0.1/hook")
    assert ran.code == 1
    assert ran.error == "a webhook's address is a public one"
    assert "--allow-private" in ran.hint
    assert operator.run("webhook", "add", "http://crm.example.com/").error.endswith("begins with https://")


def test_a_test_message_says_how_it_went(operator: Operator) -> None:
    with running_receiver() as receiver:
        webhook = add(operator, receiver.url, "--allow-private")
        assert "Taken: answered 204" in operator.did("webhook", "test", webhook).out
        receiver.status = 403
        refused = operator.run("webhook", "test", webhook)
    assert refused.code == 1
    assert "Not taken: answered 403" in refused.out
    assert "Not taken: it refuses the connection" in operator.run("webhook", "test", webhook).out


def test_a_running_server_sends_what_operators_do_and_the_log_shows_it(operator: Operator) -> None:
    with running_receiver() as receiver, operator.serving():
        made = operator.did(
            "webhook", "add", receiver.url, "--allow-private", "--event", "licence.issued", "--json"
        ).json
        operator.issue()
        wait_for(receiver, 1)
        (received,) = receiver.received
        event = json.loads(received.body)
        assert event["type"] == "licence.issued"
        timestamp = int(received.headers["webhook-timestamp"])
        signed = signature(made["secret"], event["id"], timestamp, received.body)
        assert received.headers["webhook-signature"] == signed
        give_up_at = time.monotonic() + SECONDS_TO_ARRIVE
        log = operator.did("webhook", "log", made["id"], "--json").json
        while log[0]["state"] == "pending" and time.monotonic() < give_up_at:
            log = operator.did("webhook", "log", made["id"], "--json").json
        assert (log[0]["state"], log[0]["status"]) == ("delivered", 204)
        operator.did("webhook", "redeliver", log[0]["id"])
        wait_for(receiver, 2)
        assert receiver.ids == [event["id"]] * 2
    shown = operator.did("webhook", "log", made["id"], "--delivery", log[0]["id"]).out
    assert "answered 204" in shown


def test_a_webhook_is_given_a_new_secret_and_removed(operator: Operator) -> None:
    webhook = add(operator, "https://crm.example.com/hook")
    rotated = operator.did("webhook", "rotate-secret", webhook, "--overlap-hours", "2")
    assert rotated.out.startswith("whsec_")
    assert "signs until 2" in rotated.err
    assert "again" in operator.did("webhook", "enable", webhook).out
    assert "Removed" in operator.did("webhook", "remove", webhook).out
    assert "there is no such webhook" in operator.run("webhook", "log", webhook).error
    assert operator.audit_trail(webhook) == ["webhook.remove", "webhook.rotate_secret", "webhook.add"]


def test_a_disabled_webhook_and_mail_that_waits_need_somebody(operator: Operator) -> None:
    webhook = add(operator, "https://crm.example.com/hook")
    installation = operator.installation()
    with installation.database.writing() as records:
        endpoint = records.webhooks.get(webhook)
        assert endpoint is not None
        disabled = replace(endpoint, disabled_at=operator.clock(), disabled_reason="it answered 410 Gone")
        records.webhooks.save(disabled)
    installation.close()
    ran = operator.run("status")
    assert ran.code == 1
    assert f"{webhook} is DISABLED: it answered 410 Gone" in ran.out
    operator.did("webhook", "enable", webhook)
    operator.did("status")
    operator.issue("--email", "ada@example.com", "--smp-years", "1", "--purchased-on", "2025-12-08")
    nobody = {"TENURE_SMTP_HOST": "127.0.0.1", "TENURE_SMTP_PORT": "1", "TENURE_SMTP_SECURITY": "loopback"}
    refused = operator.run("reminders", "send", **nobody, TENURE_SMTP_FROM="sales@example.com")
    assert "mail server does not answer" in refused.error
    waiting = operator.run("status")
    assert waiting.code == 1
    assert "1 mail waiting" in waiting.out
    assert operator.run("status", "--json").json["delayed_reminders"] == 1
