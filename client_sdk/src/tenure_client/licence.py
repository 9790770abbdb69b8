"""The licence key and the SMP certificate on the client's side: verified before they are kept, sent or used."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tenure_client.answers import LicenceInfo
from tenure_client.errors import CertificateRefused, LicenceKeyInvalid
from tenure_client.state import State
from tenure_signing.certificate import SmpCertificate, verify_certificate
from tenure_signing.errors import InvalidStatement
from tenure_signing.key_sets import KeySet
from tenure_signing.licence_key import LicenceKey, display_hint, verify_licence_key
from tenure_signing.names import ProductName
from tenure_signing.statements import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class HeldLicence:
    """A genuine licence key of this product."""

    text: str = field(repr=False)
    key: LicenceKey


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A genuine SMP certificate of this licence."""

    text: str = field(repr=False)
    certificate: SmpCertificate

    def is_due(self, now: datetime) -> bool:
        """Whether half of its refresh time is over, or the clock went back before it was made."""
        made, refresh_by = self.certificate.issued_at, self.certificate.refresh_by
        return now > made + (refresh_by - made) / 2 or now < made - CLOCK_SKEW


def verified_licence(text: str, keys: KeySet, product: ProductName, now: datetime) -> HeldLicence:
    """The licence key in ``text``. Raises ``LicenceKeyInvalid``, without the key, also for another product's."""
    try:
        key = verify_licence_key(text, keys, now)
    except InvalidStatement as error:
        raise LicenceKeyInvalid(f"the licence key cannot be accepted: {error}") from error
    if key.product != product:
        raise LicenceKeyInvalid(
            f"the licence key is for {key.product}, not for {product}", hint=f"paste a licence key of {product}"
        )
    return HeldLicence(text, key)


def kept_certificate(state: State, licence: HeldLicence, keys: KeySet, now: datetime) -> HeldCertificate | None:
    """The kept certificate, or None if there is none that is genuine and of this licence."""
    text = state.certificate()
    if text is None:
        return None
    try:
        certificate = verify_certificate(text, keys, now)
        certificate.must_match(licence.key)
    except InvalidStatement:
        return None
    return HeldCertificate(text, certificate)


def accepted_certificate(
    text: str, held: HeldCertificate | None, licence: HeldLicence, keys: KeySet, now: datetime
) -> HeldCertificate:
    """The certificate to use after the server sent this one: it, or ``held`` if that is newer by a little.

    Raises ``CertificateRefused`` if it is forged, somebody else's, past its refreshing, or more than 5 minutes older
    than ``held``: an old one could hide that the licence was revoked.
    """
    try:
        certificate = verify_certificate(text, keys, now)
        certificate.must_match(licence.key)
    except InvalidStatement as error:
        raise CertificateRefused(f"the server sent an SMP certificate that cannot be accepted: {error}") from error
    if certificate.is_stale(now):
        raise CertificateRefused(
            "the server sent an SMP certificate that is out of date",
            hint="check this computer's date and time",
        )
    if held is not None and certificate.issued_at < held.certificate.issued_at:
        if certificate.issued_at < held.certificate.issued_at - CLOCK_SKEW:
            raise CertificateRefused("the server sent an SMP certificate that is older than the one kept")
        return held
    return HeldCertificate(text, certificate)


def licence_info(licence: HeldLicence, held: HeldCertificate | None) -> LicenceInfo:
    """What is shown of the licence."""
    key, certificate = licence.key, held.certificate if held is not None else None
    return LicenceInfo(
        licence_id=key.licence_id,
        product=key.product,
        edition=key.edition,
        purchased_on=key.purchased_on,
        seats=certificate.seats if certificate is not None else key.seats,
        hint=display_hint(licence.text),
        status=certificate.entitlement.status if certificate is not None else None,
        periods=certificate.entitlement.periods if certificate is not None else (),
        certificate_as_of=certificate.issued_at if certificate is not None else None,
    )
