"""What ``Client.open`` is given, parsed once."""

from __future__ import annotations

import ipaddress
import platform as _platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from tenure_client.errors import ConfigurationError
from tenure_signing.entitlement import Turn
from tenure_signing.errors import InvalidName
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, Platform, ProductName, platform_of
from tenure_signing.versions import Version

MAX_ROOT_BYTES = 512_000

_SAFE_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]!$&'()*+,;=%-]+", re.ASCII)  # RFC 3986 without '@': no user names
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what decides who may see a licence key (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def origin_of(url: str) -> Origin:
    """The origin of an absolute http or https URL. Raises ``ValueError`` for anything else, without the URL."""
    if not _SAFE_URL.fullmatch(url):
        raise ValueError("it has characters that do not belong in an address, or a user name")
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("it is not an http or https address")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("its port is no port") from None
    return Origin(parts.scheme, parts.hostname, port if port is not None else _DEFAULT_PORTS[parts.scheme])


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """How patient the client is."""

    timeout_seconds: float = (
        30.0  # to connect, until an answer's headers are complete, and between two pieces of its body
    )
    min_bytes_per_second: int = 1_000  # on average over a window; slower is an attack or no use (TUF: slow retrieval)
    rate_window_seconds: float = 30.0
    attempts: int = 5  # of a download that breaks without getting ahead
    pause_seconds: float = 0.5  # before the second attempt, doubled before each further one
    settle_seconds: float = 1.5  # every process of a server knows within 1 s what another one published


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a client is opened with, valid. The licence key never shows in ``repr``."""

    root: bytes = field(repr=False)  # the first TUF root.json, embedded in the product
    server_url: str | None  # without a slash at the end; None: there is no network
    product: ProductName
    version: Version  # installed
    state_directory: Path
    seed_directory: Path | None
    licence_key: str | None = field(repr=False)  # without pasted white space
    channel: ChannelName
    machine: Platform
    limits: TransferLimits
    lock_timeout_seconds: float
    clock: Callable[[], datetime] = field(repr=False)  # aware
    turn: Turn | None = None  # in rollouts; None: as the licence has it
    language: Language | None = None  # of release notes; None: the product's own
    metadata_url: str | None = None  # of a mirror's metadata folder; None: the server's own


def parse_server_url(text: str, *, unsafe_plain_http: bool) -> str:
    """The server's address without the slash at its end; plain http only on this machine, or when asked for."""
    url = text.rstrip("/")
    try:
        origin = origin_of(url)
    except ValueError as error:
        raise ConfigurationError(f"the server's address cannot be used: {error}") from error
    _require_plain("the server's address", url)
    if origin.scheme == "http" and not (origin.is_loopback or unsafe_plain_http):
        raise ConfigurationError(
            "the server's address is plain http: the licence key would travel readable by everyone on the way",
            hint="use https",
        )
    return url


def parse_metadata_url(text: str) -> str:
    """The address of a mirror's metadata without the slash at its end. Plain http will do: everything there is signed,
    and no secret goes there."""
    url = text.rstrip("/")
    try:
        origin_of(url)
    except ValueError as error:
        raise ConfigurationError(f"the metadata's address cannot be used: {error}") from error
    _require_plain("the metadata's address", url)
    return url


def _require_plain(what: str, url: str) -> None:
    if "?" in url or "#" in url:
        raise ConfigurationError(f"{what} has a query or fragment")


def this_machine() -> Platform:
    """The operating system and architecture this program runs on. Raises ``ConfigurationError`` if unknown."""
    system = "freebsd" if sys.platform.startswith("freebsd") else sys.platform
    if system == "linux" and any(Path("/lib").glob("ld-musl-*")) and _platform.libc_ver()[0] != "glibc":
        system = "linux-musl"
    try:
        return platform_of(system, _platform.machine() or "any")
    except InvalidName as error:
        raise ConfigurationError(
            f"this machine is of no known kind: {error}", hint="name its platform, such as linux-x86_64"
        ) from error
