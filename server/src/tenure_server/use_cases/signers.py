"""The signers that use cases are given. Private keys stay behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from securesystemslib.signer import Signer

from tenure_signing.entitlement import Entitlement
from tenure_signing.names import EditionName, ProductName


@dataclass(frozen=True, slots=True)
class OnlineSigners:
    """The two keys that live on the server: they can say which set is current, never what is in it."""

    snapshot: Signer
    timestamp: Signer


CertificateSigner = Callable[[Entitlement, int, datetime], str]
"""Signs an SMP certificate of the entitlement and seats as of an instant."""


@dataclass(frozen=True, slots=True)
class LicenceKeyClaims:
    """What a licence key says."""

    licence_id: str
    product: ProductName
    edition: EditionName
    purchased_on: date
    seats: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class ActivationClaims:
    """What an activation says."""

    licence_id: str
    product: ProductName
    machine: str
    activated_at: datetime
    valid_until: datetime | None
    issued_at: datetime


ActivationSigner = Callable[[ActivationClaims], str]
"""Signs that a machine holds a seat."""


@dataclass(frozen=True, slots=True)
class LicenceKeySigner:
    """Signs licence keys with the current key. The same claims give the same key."""

    key_id: str
    sign: Callable[[LicenceKeyClaims], str]
