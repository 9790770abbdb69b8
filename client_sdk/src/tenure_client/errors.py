"""Everything ``tenure_client`` raises.

TenureClientError                     has ``hint``: what to do about it, or None
├── ConfigurationError                what ``Client.open`` was given cannot be used
├── LicenceError
│   ├── LicenceMissing                no licence key was ever given
│   ├── LicenceKeyInvalid             not a genuine key of this product; it was not kept
│   ├── LicenceRejected               the server does not accept the key (401)
│   ├── CertificateRefused            an SMP certificate that is forged, somebody else's or older than the kept one
│   ├── SeatsTaken                    no seat is left for this machine
│   └── ActivationRefused             an activation that is forged, another machine's or out of date
├── ServerError
│   ├── ServerUnreachable             no answer: offline, timeout, connection broken, TLS refused
│   │   ├── ServerUnavailable         5xx or 429; has ``retry_after_seconds``
│   │   └── TransferTooSlow           fewer bytes a second than ``MIN_BYTES_PER_SECOND``
│   ├── OfflineAndNothingKnown        no answer, and nothing kept to answer from
│   ├── UnsafeRedirect                a redirect to a less safe or malformed address
│   ├── InvalidServerAnswer           an answer that is not as ``docs/http-api.md`` has it
│   └── RequestRefused                any other refusal; has ``status`` and ``code``
│       └── NotFoundOnServer          404
├── ReleaseRefused                    this release is not to be had
│   ├── NotCovered                    has ``reason`` and ``price``
│   ├── ReleaseWithdrawn              has ``replacement``
│   ├── UnknownRelease                no such signed release
│   ├── NoBuildForThisMachine
│   ├── NoSuchSideFile
│   └── DowngradeRefused              below the installed version, and not asked for
├── TrustError                        something is not signed as it has to be; nothing was kept or installed
│   ├── UntrustedMetadata             forged, rolled back, mixed up
│   ├── BundleInvalid             a file that is no bundle, incomplete, or with something in it that belongs in none
│   ├── MetadataExpired               the server shows only outdated metadata, or the clock is wrong
│   ├── ServerContradictsSignedFacts
│   └── FileMismatch                  a file has another length or SHA-256 than signed
├── DownloadInterrupted               the connection broke; what arrived is kept, and the same call goes on from there
├── AnotherUpdateRuns                 another process works on the same state
└── StateError                        a file or folder cannot be read or written

No message holds a licence key, a certificate or a signed link.
"""

from __future__ import annotations

from tenure_signing.coverage import RefusalReason
from tenure_signing.releases import Money
from tenure_signing.versions import Version


class TenureClientError(Exception):
    """Base of all errors of this distribution. ``hint`` says what to do about it."""

    hint: str | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class ConfigurationError(TenureClientError, ValueError):
    """What the client was given cannot be used."""


class LicenceError(TenureClientError):
    """The licence stands in the way."""


class LicenceMissing(LicenceError):
    """No licence key was ever given."""

    hint = "paste the licence key that came with the purchase"


class LicenceKeyInvalid(LicenceError):
    """The text is not a genuine licence key of this product."""

    hint = "paste the key again exactly as it was sent to you, in one piece"


class LicenceRejected(LicenceError):
    """The server does not accept the licence key."""


class CertificateRefused(LicenceError):
    """The SMP certificate must not be believed."""

    hint = "try again; if it stays so, tell the vendor: someone may be tampering with the connection"


class SeatsTaken(LicenceError):
    """All seats of the licence are taken by other machines."""

    hint = "deactivate a machine that is not used any more, or buy additional users"


class ActivationRefused(LicenceError):
    """The activation must not be believed."""

    hint = "try again; if it stays so, tell the vendor: someone may be tampering with the connection"


class ServerError(TenureClientError):
    """The server did not answer, or not usefully."""


class ServerUnreachable(ServerError):
    """No whole answer came."""

    hint = "check the connection and try again"


class ServerUnavailable(ServerUnreachable):
    """The server answered that it cannot answer now: 5xx or 429."""

    hint = "try again later"

    def __init__(self, message: str, *, retry_after_seconds: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class TransferTooSlow(ServerUnreachable):
    """Bytes came more slowly than any honest server sends them."""


class OfflineAndNothingKnown(ServerError):
    """The server cannot be asked, and nothing was kept that would answer."""

    hint = "connect to the network once, so that there is something to keep"


class UnsafeRedirect(ServerError):
    """The server points to an address that is malformed or less safe."""


class InvalidServerAnswer(ServerError):
    """The answer is not as the API has it."""

    hint = "check the server's address; a proxy or log-in page may have answered in its place"


class RequestRefused(ServerError):
    """The server refused the request. ``code`` is its stable code where it gave one."""

    def __init__(self, message: str, *, status: int, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code


class NotFoundOnServer(RequestRefused):
    """The server has no such thing."""


class ReleaseRefused(TenureClientError):
    """This release is not to be had."""


class NotCovered(ReleaseRefused):
    """The licence does not cover the release. ``price`` per seat is set for a paid upgrade."""

    hint = "renew support, or install an older release that is covered"

    def __init__(
        self, message: str, *, reason: RefusalReason, price: Money | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.price = price


class ReleaseWithdrawn(ReleaseRefused):
    """Nobody can have the release any more."""

    def __init__(self, message: str, *, replacement: Version | None = None) -> None:
        super().__init__(message, hint=f"use {replacement} in its place" if replacement is not None else None)
        self.replacement = replacement


class UnknownRelease(ReleaseRefused):
    """No signed release has this version."""


class NoBuildForThisMachine(ReleaseRefused):
    """The release has no such build for this machine."""


class NoSuchSideFile(ReleaseRefused):
    """Nothing of that name lies beside the release's builds."""


class DowngradeRefused(ReleaseRefused):
    """The release is below the installed version, and nobody asked for a downgrade."""

    hint = "ask for the downgrade explicitly: allow_downgrade=True, or --allow-downgrade"


class TrustError(TenureClientError):
    """Something is not signed as it has to be."""

    hint = "try again; if it stays so, tell the vendor: someone may be tampering with the connection"


class UntrustedMetadata(TrustError):
    """The signed metadata is forged, rolled back or inconsistent."""


class BundleInvalid(TrustError):
    """The file is no bundle, or not a whole one."""

    hint = "copy it again from where it came; if it stays so, ask the vendor for a new one"


class MetadataExpired(TrustError):
    """The server shows only metadata that has expired."""

    hint = "check this computer's date and time; if they are right, the vendor has to sign anew"


class ServerContradictsSignedFacts(TrustError):
    """The server's answer says something else than the release engineers signed."""


class FileMismatch(TrustError):
    """The file has another length or SHA-256 than was signed."""


class DownloadInterrupted(TenureClientError):
    """The connection broke too often. What arrived is kept."""

    hint = "run it again: it goes on where it stopped"


class AnotherUpdateRuns(TenureClientError):
    """Another process works on the same state directory."""

    hint = "wait until the other update has finished"


class StateError(TenureClientError):
    """A file or folder cannot be read or written."""
