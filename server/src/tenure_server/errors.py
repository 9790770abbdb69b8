"""Everything ``tenure_server`` raises on purpose.

TenureError
├── SettingsError         the settings cannot be used; names every problem at once
├── StoreError            the object store
│   ├── InvalidKey        a key outside the alphabet of store keys
│   ├── ObjectNotFound    there is no object with this key
│   ├── ObjectMismatch    the stored bytes are not the expected ones
│   └── StoreUnavailable  the store does not answer or refuses our credentials
├── Refusal               a request that the rules or the data do not allow; code and hint are stable
│   ├── InvalidRequest
│   ├── UnprocessableRepeat
│   ├── NotFound
│   ├── Conflict
│   ├── AuthenticationRequired
│   │   └── TokenRequired
│   └── Forbidden
├── SealBroken            a secret in the database was not sealed by this installation
├── DatabaseUnavailable   the database does not answer
├── SignerSilent          the external signer has not answered yet; what was asked of it is kept
├── MailError             mail
│   ├── MailUnavailable   the mail server does not answer, or takes nothing now: it may work later
│   └── MailRefused       the mail server refuses this mail for good


├── ProductUnavailable    what is published of one product cannot be read; all others are served
└── ServerUnavailable     another Tenure server, to which something is published, does not answer

``http/problems.py`` maps these to RFC 9457 problem details, ``cli`` to one ``error:`` and one ``hint:`` line.
"""

from __future__ import annotations


class TenureError(Exception):
    """Base of all errors of this distribution. ``hint`` says what to do about it."""

    hint: str | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class SettingsError(TenureError):
    """The settings cannot be used."""


class StoreError(TenureError):
    """The object store failed."""


class InvalidKey(StoreError, ValueError):
    """The key is outside the alphabet of store keys; nothing was asked of the store."""


class ObjectNotFound(StoreError):
    """There is no object with this key."""


class ObjectMismatch(StoreError):
    """The stored bytes are not the expected ones."""


class StoreUnavailable(StoreError):
    """The store does not answer or refuses our credentials."""


class SealBroken(TenureError):
    """A secret in the database was not sealed by this installation, or was moved."""

    hint = "keys/online/server.secret belongs to the database: restore both from the same backup"


class DatabaseUnavailable(TenureError):
    """The database does not answer."""


class NotInSnapshot(DatabaseUnavailable):
    """A server without a database was asked of a licence that its snapshot does not have."""


class SignerSilent(TenureError):
    """The external signer has not answered yet. What was asked of it is kept, and done as soon as it runs."""

    hint = "it is kept and done as soon as tenure signer runs; the same command again tells whether it was"


class MailError(TenureError):
    """A mail was not sent."""


class MailUnavailable(MailError):
    """The mail server does not answer, or takes nothing now. The same mail may go out later."""

    hint = "check the TENURE_SMTP_ settings and the mail server"


class MailRefused(MailError):
    """The mail server refuses this mail for good: its recipient, or what is in it."""

    hint = "check the address"


class ProductUnavailable(TenureError):
    """What is published of one product cannot be read: its metadata was damaged in the database."""

    hint = "restore the product's metadata from a backup; tenure status tells which products are damaged"


class ServerUnavailable(TenureError):
    """The Tenure server, to which something is published, does not answer or not as one."""

    hint = "nothing is lost: run the same command again, and it goes on where it was broken off"


class Refusal(TenureError):
    """A request that the rules or the data do not allow. ``code`` is stable and meant for programs."""

    def __init__(self, message: str, *, code: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class InvalidRequest(Refusal):
    """The request is malformed."""


class UnprocessableRepeat(Refusal):
    """An idempotency key came back with another request."""


class NotFound(Refusal):
    """There is no such thing."""


class Conflict(Refusal):
    """What is asked for contradicts what is stored."""


class AuthenticationRequired(Refusal):
    """The request carries no licence key, or one that must not be believed."""


class TokenRequired(AuthenticationRequired):
    """The request carries no API token, or one that must not be believed."""


class Forbidden(Refusal):
    """The licence or the API token does not allow it."""
