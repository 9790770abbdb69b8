"""Webhooks over real connections: what is sent, and where nothing is."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tenure_server.adapters import webhook_sender
from tenure_server.adapters.sealing import AesSealer
from tenure_server.adapters.webhook_sender import WebhookSender
from tenure_server.errors import SealBroken
from tests.services.certificates import self_signed
from tests.services.webhook_receiver import running_receiver

HEADERS = {"webhook-id": "evt_a", "webhook-timestamp": "1", "webhook-signature": "v1,x"}


@contextmanager
def answering(reply: bytes) -> Iterator[str]:
    """A server that sends these bytes, whatever it is asked, and never hangs up by itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def serve() -> None:
            connection, _ = listener.accept()
            taken.append(connection)
            connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            thread.join()
            for one in taken:
                one.close()


def test_a_webhook_is_a_post_of_json_with_its_headers() -> None:
    with running_receiver() as receiver:
        sent = WebhookSender()(receiver.url + "?a=b", HEADERS, b'{"x": 1}', allows_private=True)
    assert (sent.status, sent.problem) == (204, None)
    (received,) = receiver.received
    assert (received.path, received.body) == ("/hook?a=b", b'{"x": 1}')
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert HEADERS.items() <= received.headers.items()


def test_a_redirect_is_not_followed() -> None:
    with running_receiver() as other, running_receiver() as receiver:
        receiver.status, receiver.answer_headers = 307, {"Location": other.url}
        assert WebhookSender()(receiver.url, HEADERS, b"{}", allows_private=True).status == 307
        assert other.received == []


def test_how_long_to_wait_is_read_from_the_answer() -> None:
    with running_receiver() as receiver:
        receiver.status, receiver.answer_headers = 429, {"Retry-After": "120"}
        assert WebhookSender()(receiver.url, HEADERS, b"{}", allows_private=True).retry_after_seconds == 120
        receiver.answer_headers = {"Retry-After": "Mon, 23 Nov 2026 12:00:00 GMT"}
        assert WebhookSender()(receiver.url, HEADERS, b"{}", allows_private=True).retry_after_seconds is None


def test_nothing_is_sent_to_this_machine_unless_an_operator_said_so() -> None:
    with running_receiver() as receiver:
        sent = WebhookSender()(receiver.url, HEADERS, b"{}", allows_private=False)
    assert (sent.status, receiver.received) == (None, [])
    assert sent.problem == "its host has an address to which webhooks are not sent"


def test_a_name_with_one_private_address_among_public_ones_is_not_used() -> None:
    sender = WebhookSender(look_up=lambda host, port: ["93.184.215.14", "10.0.0.1"])
    assert "not sent" in str(sender("https://example.com/", HEADERS, b"{}", allows_private=False).problem)


def test_the_connection_goes_to_the_address_that_was_looked_at_and_the_certificate_is_the_names(tmp_path: Path) -> None:
    pem = self_signed(tmp_path / "hooks.pem", "hooks.example.com")
    tls = ssl.create_default_context(cafile=str(pem))
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with running_receiver(pem) as receiver:
        sender = WebhookSender(tls=tls, look_up=look_up)
        sent = sender(f"https://hooks.example.com:{receiver.port}/x", HEADERS, b"{}", allows_private=True)
        assert (sent.status, sent.problem, asked) == (204, None, ["hooks.example.com"])
        assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"
        wrong = sender(f"https://other.example.com:{receiver.port}/x", HEADERS, b"{}", allows_private=True)
        unknown = WebhookSender(look_up=look_up)(
            f"https://hooks.example.com:{receiver.port}/x", HEADERS, b"{}", allows_private=True
        )
    assert "certificate is not believed" in str(wrong.problem)
    assert "certificate is not believed" in str(unknown.problem)
    assert len(receiver.received) == 1


def test_without_tls_nothing_leaves_this_machine() -> None:
    sender = WebhookSender(look_up=lambda host, port: ["10.0.0.1"])
    sent = sender("http://intranet/", HEADERS, b"{}", allows_private=True)
    assert sent.problem == "without TLS nothing is sent beyond this machine"


def test_nobody_there_an_unknown_name_and_nonsense_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert WebhookSender()(f"http://127.0.0.1:{port}/", HEADERS, b"{}", allows_private=True).problem == (
        "it refuses the connection"
    )

    def not_found(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such host")

    unknown = WebhookSender(look_up=not_found)("https://nowhere.invalid/", HEADERS, b"{}", allows_private=True)
    assert unknown.problem == "its host is not found"
    with answering(b"SSH-2.0-OpenSSH\r\n\r\n") as url:
        assert WebhookSender()(url, HEADERS, b"{}", allows_private=True).problem is not None


def test_a_receiver_that_never_ends_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_sender, "TOTAL_SECONDS", 0.2)
    with answering(b"HTTP/1.1 200 OK\r\nX: ") as url:
        sent = WebhookSender()(url, HEADERS, b"{}", allows_private=True)
    assert sent.status is None or sent.status == 200
    assert sent.milliseconds < webhook_sender.TIMEOUT_SECONDS * 1000


def test_what_a_receiver_says_is_not_kept() -> None:
    with answering(b"HTTP/1.1 500 secret words\r\nContent-Length: 12\r\n\r\nsecret words") as url:
        sent = WebhookSender()(url, HEADERS, b"{}", allows_private=True)
    assert sent.status == 500
    assert "secret" not in repr(sent)


def test_a_sealed_secret_is_opened_by_the_same_installation_for_the_same_thing_only() -> None:
    sealer = AesSealer(b"k" * 32)
    sealed = sealer.seal("whsec_abc", "whk_a")
    assert "abc" not in sealed
    assert sealer.seal("whsec_abc", "whk_a") != sealed
    assert sealer.open(sealed, "whk_a") == "whsec_abc"
    for other, text, about in (
        (AesSealer(b"x" * 32), sealed, "whk_a"),
        (sealer, sealed, "whk_b"),
        (sealer, sealed[:-4] + "AAA=", "whk_a"),
        (sealer, "whsec_abc", "whk_a"),
        (sealer, "sealed1.", "whk_a"),
    ):
        with pytest.raises(SealBroken) as caught:
            other.open(text, about)
        assert "whsec" not in str(caught.value)
