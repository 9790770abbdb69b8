"""Over TLS: who is no one's vouched-for server learns nothing, and what drips is given up there too."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tenure_client.configuration import TransferLimits
from tenure_client.errors import ServerUnreachable
from tenure_client.transport import Transport

LIMITS = TransferLimits(timeout_seconds=0.7, rate_window_seconds=0.5)
KEY = "a-licence-key-that-nobody-else-may-see"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"

Answer = Callable[[ssl.SSLSocket, threading.Event], None]


def certificate(directory: Path, *, name: str = "127.0.0.1", days: int = 1, padding_bytes: int = 0) -> Path:
    """A self-signed certificate with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"x" * padding_bytes),
            critical=False,
        )
        .sign(key, SHA256())
    )
    path = directory / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + built.public_bytes(Encoding.PEM)
    )
    return path


@contextmanager
def running_tls(pem: Path, answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """Answers one connection after the other; yields the address and the requests that could be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    stopped, heard = threading.Event(), list[bytes]()

    def serve() -> None:
        while not stopped.is_set():
            with suppress(OSError):
                connection, _ = listening.accept()
                connection.settimeout(5)
                with context.wrap_socket(connection, server_side=True) as secure:
                    heard.append(secure.recv(65_536))
                    answer(secure, stopped)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}", heard
        finally:
            stopped.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def honest(connection: ssl.SSLSocket, _: threading.Event) -> None:
    connection.sendall(HEAD + b"\r\nhello")


def asked(url: str) -> bytes:
    with Transport(url, LIMITS) as transport, transport.get("/v1/licence", licence_key=KEY) as response:
        return response.read(100)


def test_a_server_that_the_system_vouches_for_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with running_tls(pem, honest) as (url, heard):
        assert asked(url) == b"hello"
        assert KEY.encode() in heard[0]


@pytest.mark.parametrize("fault", ["unknown", "another name", "expired", "oversized"])
def test_nobody_else_learns_the_licence_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    pem = certificate(
        tmp_path,
        name="127.0.0.2" if fault == "another name" else "127.0.0.1",
        days=-1 if fault == "expired" else 1,
        padding_bytes=200_000 if fault == "oversized" else 0,
    )
    if fault != "unknown":
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with running_tls(pem, honest) as (url, heard):
        with pytest.raises(ServerUnreachable) as refused:
            asked(url)
        assert heard in ([], [b""])
    assert KEY not in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize("begins", [b"", HEAD], ids=["status", "headers"])
def test_headers_that_drip_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begins: bytes) -> None:
    def drip(connection: ssl.SSLSocket, stopped: threading.Event) -> None:
        connection.sendall(begins)
        while not stopped.wait(0.05):
            connection.sendall(b"X")

    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with running_tls(pem, drip) as (url, _), pytest.raises(ServerUnreachable, match="in time"):
        asked(url)


def test_a_handshake_that_drips_is_given_up() -> None:
    stopped = threading.Event()

    def drip() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"\x16\x03\x03\x40\x00")  # a handshake record of 16 KiB to come
                while not stopped.wait(0.05):
                    connection.sendall(b"\x02")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(ServerUnreachable):
                asked(f"https://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            stopped.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()
