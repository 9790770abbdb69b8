"""The SMP certificate: what a licence is entitled to as of an instant, so that others can decide coverage offline.

RULES.md, Licence keys and certificates. Claims: those of the licence key (``iat`` is the instant), and ``status``;
``periods``, a list of ``[starts_on, ends_on]`` in order; ``grants``, a list of ``{"version": "4.2.1"}`` and
``{"line": "4.2"}``; ``service_packs``; ``refresh_by``, a NumericDate. It is not called ``exp``, because nothing
ends then: what was covered stays covered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from tenure_signing.claims import Claims, parse_licence_id
from tenure_signing.days import parse_day
from tenure_signing.entitlement import (
    Entitlement,
    Grant,
    LicenceStatus,
    LineGrant,
    ServicePacks,
    SupportPeriod,
    VersionGrant,
)
from tenure_signing.errors import InvalidClaims, InvalidVersion
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.licence_key import CLAIM_NAMES as LICENCE_KEY_CLAIM_NAMES
from tenure_signing.licence_key import LicenceKey
from tenure_signing.names import parse_edition, parse_product
from tenure_signing.statements import verify_statement
from tenure_signing.versions import Version, parse_version

CLAIM_NAMES = (*LICENCE_KEY_CLAIM_NAMES, "status", "periods", "grants", "service_packs", "refresh_by")

_LINE = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SmpCertificate:
    """What a genuine certificate says."""

    entitlement: Entitlement
    seats: int  # 1 to 1 000 000
    issued_at: datetime  # UTC, whole seconds
    refresh_by: datetime  # UTC, whole seconds; later than issued_at
    key_id: str  # of the public key that verified it

    def is_stale(self, now: datetime) -> bool:
        """Whether a fresh one should be fetched. Advice only: what this one covers stays covered."""
        return now > self.refresh_by

    def must_match(self, licence_key: LicenceKey) -> None:
        """Raises ``InvalidClaims`` unless both are of the same licence, product, edition and purchase day.

        Seats may differ: users can be added after the key was made.
        """
        mine, key = self.entitlement, licence_key
        if (mine.licence_id, mine.product, mine.edition, mine.purchased_on) != (
            key.licence_id,
            key.product,
            key.edition,
            key.purchased_on,
        ):
            raise InvalidClaims("this SMP certificate belongs to another licence than the licence key")


def verify_certificate(text: str, keys: KeySet, now: datetime) -> SmpCertificate:
    """The certificate in ``text``, which is exactly the certificate.

    Raises the subclass of ``InvalidStatement`` that says what is wrong, in the order of ``verify_statement``.
    """
    statement = verify_statement(text, Purpose.CERTIFICATE, keys, now)
    return read_certificate_claims(statement.claims, statement.issued_at, statement.key_id)


def read_certificate_claims(claims: Claims, issued_at: datetime, key_id: str) -> SmpCertificate:
    """The certificate with these claims, or ``InvalidClaims``. Says nothing about a signature."""
    claims.require_exactly(CLAIM_NAMES)
    refresh_by = claims.instant("refresh_by")
    if refresh_by <= issued_at:
        raise InvalidClaims("the claim refresh_by is not later than iat")
    return SmpCertificate(_entitlement(claims, issued_at), claims.seats(), issued_at, refresh_by, key_id)


def _entitlement(claims: Claims, issued_at: datetime) -> Entitlement:
    periods = tuple(_period(item) for item in claims.items("periods"))
    try:
        return Entitlement(
            licence_id=claims.text("sub", parse_licence_id),
            product=claims.text("product", parse_product),
            edition=claims.text("edition", parse_edition),
            purchased_on=claims.purchased_on(issued_at),
            status=claims.text("status", LicenceStatus),
            periods=periods,
            grants=tuple(_grant(item) for item in claims.items("grants")),
            service_packs=claims.text("service_packs", ServicePacks),
        )
    except ValueError as error:
        raise InvalidClaims("the claim periods has support periods that overlap or are out of order") from error


def _period(item: object) -> SupportPeriod:
    match item:
        case [str(starts_on), str(ends_on)]:
            try:
                return SupportPeriod(parse_day(starts_on), parse_day(ends_on))
            except ValueError as error:
                raise InvalidClaims(
                    "the claim periods has a day that does not exist or an end before its start"
                ) from error
    raise InvalidClaims("the claim periods is a list of pairs of days")


def _grant(item: object) -> Grant:
    if isinstance(item, dict) and len(item) == 1:
        grant = Claims(item)
        if "version" in item:
            return VersionGrant(grant.text("version", _canonical_version))
        if "line" in item:
            return grant.text("line", _line)
    raise InvalidClaims("the claim grants is a list of objects with either a version or a line")


def _canonical_version(text: str) -> Version:
    version = parse_version(text)
    if str(version) != text:
        raise InvalidVersion("a signed version is written in its normal form")
    return version


def _line(text: str) -> LineGrant:
    match = _LINE.fullmatch(text)
    if match is None:
        raise InvalidVersion("a line is two numbers, such as 4.2")
    return LineGrant(int(match[1]), int(match[2]))
