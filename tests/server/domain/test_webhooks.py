"""Webhooks: signatures, when they are tried again, when an endpoint is given up, and where nothing is sent."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenure_server.domain.events import EventFilter, EventType
from tenure_server.domain.webhooks import (
    LONGEST_PAUSE,
    RETRY_SPAN,
    Attempt,
    Delivery,
    DeliveryState,
    Sent,
    WebhookEndpoint,
    after_attempt,
    endpoint_after,
    is_reachable,
    pause_after,
    signature,
    signed_headers,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DELIVERY = Delivery("dlv_a", "whk_a", 1, "evt_a", EventType.LICENCE_ISSUED, DeliveryState.PENDING, NOON, NOON)
ENDPOINT = WebhookEndpoint("whk_a", "https://example.com/?k=s", EventFilter(), "", False, NOON, 0, "sealed")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_signatures_are_those_of_standard_webhooks() -> None:
    """The published test vector."""
    signed = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_replaced_both_sign() -> None:
    other = "whsec_" + "A" * 43 + "="
    headers = signed_headers([other, SECRET], "evt_a", 1, b"{}")
    assert headers["webhook-signature"].split() == [signature(one, "evt_a", 1, b"{}") for one in (other, SECRET)]


@pytest.mark.parametrize("secret", ["", "whsec", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_what_is_no_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="begins with whsec_"):
        signature(secret, "evt_a", 1, b"{}")


def test_pauses_grow_threefold_to_eight_hours() -> None:
    seconds = [pause_after(attempts, 0.5).total_seconds() for attempts in range(1, 10)]
    assert seconds == pytest.approx([10, 30, 90, 270, 810, 2430, 7290, 21870, 28800])
    assert pause_after(10_000, 0.5) == LONGEST_PAUSE


def test_chance_makes_a_pause_up_to_a_fifth_shorter_or_longer() -> None:
    assert pause_after(1, 0.0) == timedelta(seconds=8)
    assert pause_after(1, 1.0) == timedelta(seconds=12)


def test_an_endpoint_may_ask_for_a_longer_pause_but_not_for_one_without_end() -> None:
    assert pause_after(1, 0.5, retry_after_seconds=120) == timedelta(minutes=2)
    assert pause_after(1, 0.5, retry_after_seconds=10**8) == LONGEST_PAUSE
    assert pause_after(9, 0.5, retry_after_seconds=1) == LONGEST_PAUSE


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_an_event_is_tried_for_three_days_and_then_given_up(jitter: float) -> None:
    delivery, tried = DELIVERY, []
    while delivery.state is DeliveryState.PENDING:
        tried.append(delivery.next_at)
        delivery = after_attempt(delivery, Attempt(delivery.next_at, Sent(503)), jitter)
    assert delivery.state is DeliveryState.FAILED
    assert delivery.attempts == len(tried)
    assert 14 <= len(tried) <= 20
    assert RETRY_SPAN - LONGEST_PAUSE * 1.2 <= tried[-1] - NOON <= RETRY_SPAN


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_answer_of_success_ends_it(status: int) -> None:
    failed = after_attempt(DELIVERY, Attempt(NOON, Sent(None, "it took too long")), 0.5)
    done = after_attempt(failed, Attempt(NOON + timedelta(1), Sent(status)), 0.5)
    assert (done.state, done.attempts, done.problem) == (DeliveryState.DELIVERED, 2, None)
    assert done.ended_at == NOON + timedelta(1)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 500])
def test_a_redirect_is_a_failure_as_a_refusal_is(status: int) -> None:
    after = after_attempt(DELIVERY, Attempt(NOON, Sent(status)), 0.5)
    assert (after.state, after.problem) == (DeliveryState.PENDING, f"answered {status}")


def test_an_endpoint_is_disabled_when_nothing_arrived_for_three_days() -> None:
    failing = endpoint_after(ENDPOINT, Attempt(NOON, Sent(500)))
    assert (failing.failing_since, failing.disabled_at) == (NOON, None)
    almost = endpoint_after(failing, Attempt(NOON + RETRY_SPAN - timedelta(seconds=1), Sent(500)))
    assert almost == failing
    disabled = endpoint_after(failing, Attempt(NOON + RETRY_SPAN, Sent(500)))
    assert disabled.disabled_at == NOON + RETRY_SPAN
    assert disabled.disabled_reason == "nothing arrived there for three days"


def test_one_success_in_between_is_enough_to_go_on() -> None:
    failing = replace(ENDPOINT, failing_since=NOON)
    assert endpoint_after(failing, Attempt(NOON + timedelta(2), Sent(200))) == ENDPOINT


def test_an_endpoint_that_says_it_is_gone_is_disabled_at_once() -> None:
    gone = Attempt(NOON, Sent(410))
    assert endpoint_after(ENDPOINT, gone).disabled_at == NOON
    assert after_attempt(DELIVERY, gone, 0.5).state is DeliveryState.FAILED


def test_lists_show_neither_a_secret_nor_an_addresss_query() -> None:
    assert "sealed" not in repr(ENDPOINT)
    assert ENDPOINT.facts()["url"] == "https://example.com/"


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e"])
def test_public_addresses_are_reached(address: str) -> None:
    assert is_reachable(ipaddress.ip_address(address), allows_private=False)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1",
     "64:ff9b::7f00:1", "2002:0a00:0001::1"],
)  # fmt: skip
def test_private_addresses_are_reached_only_where_an_operator_said_so(address: str) -> None:
    assert not is_reachable(ipaddress.ip_address(address), allows_private=False)
    assert is_reachable(ipaddress.ip_address(address), allows_private=True)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "100.64.0.1",
     "192.0.2.1", "198.18.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "240.0.0.1"],
)  # fmt: skip
def test_where_clouds_keep_credentials_and_nobody_answers_nothing_is_ever_sent(address: str) -> None:
    assert not is_reachable(ipaddress.ip_address(address), allows_private=False)
    assert not is_reachable(ipaddress.ip_address(address), allows_private=True)
