"""Makes licence keys, SMP certificates and activations. What no verifier would accept is refused here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from tenure_signing.activation import read_activation_claims
from tenure_signing.certificate import read_certificate_claims
from tenure_signing.claims import Claims, numeric_date
from tenure_signing.entitlement import Entitlement, Grant, LineGrant, VersionGrant
from tenure_signing.key_sets import Purpose
from tenure_signing.key_sources import SigningKey
from tenure_signing.licence_key import read_licence_key_claims
from tenure_signing.names import EditionName, ProductName
from tenure_signing.statements import sign_statement


def issue_licence_key(
    *,
    licence_id: str,
    product: ProductName,
    edition: EditionName,
    purchased_on: date,
    seats: int,
    now: datetime,
    key: SigningKey,
) -> str:
    """A licence key dated ``now``. The same arguments make the same key, character for character.

    Raises ``InvalidClaims`` for what RULES.md does not allow, such as a purchase day after today.
    """
    claims = _licence_claims(licence_id, product, edition, purchased_on, seats, now)
    read_licence_key_claims(Claims(claims), _whole_seconds(now), key.kid)
    return sign_statement(Purpose.LICENCE_KEY, claims, key)


def issue_certificate(
    entitlement: Entitlement, seats: int, now: datetime, refresh_after: timedelta, key: SigningKey
) -> str:
    """A certificate of the entitlement as of ``now``, to be refreshed after so long (at least a second).

    Raises ``InvalidClaims`` as above, and ``StatementTooLarge`` for more periods and grants than fit into 16 KiB.
    """
    one, now = entitlement, _whole_seconds(now)
    claims = _licence_claims(one.licence_id, one.product, one.edition, one.purchased_on, seats, now) | {
        "status": one.status.value,
        "periods": [[period.starts_on.isoformat(), period.ends_on.isoformat()] for period in one.periods],
        "grants": [_grant(grant) for grant in one.grants],
        "service_packs": one.service_packs.value,
        "refresh_by": numeric_date(now + refresh_after),
    }
    read_certificate_claims(Claims(claims), now, key.kid)
    return sign_statement(Purpose.CERTIFICATE, claims, key)


def issue_activation(
    *,
    licence_id: str,
    product: ProductName,
    machine: str,
    activated_at: datetime,
    valid_until: datetime | None,
    now: datetime,
    key: SigningKey,
) -> str:
    """An activation dated ``now``. Raises ``InvalidClaims`` as above. Instants are rounded down to whole seconds."""
    claims: dict[str, object] = {
        "sub": licence_id,
        "product": product,
        "machine": machine,
        "activated_at": numeric_date(activated_at),
        "valid_until": numeric_date(valid_until) if valid_until is not None else None,
        "iat": numeric_date(now),
    }
    read_activation_claims(Claims(claims), _whole_seconds(now), key.kid)
    return sign_statement(Purpose.ACTIVATION, claims, key)


def _licence_claims(
    licence_id: str, product: ProductName, edition: EditionName, purchased_on: date, seats: int, now: datetime
) -> dict[str, object]:
    return {
        "sub": licence_id,
        "product": product,
        "edition": edition,
        "purchased_on": purchased_on.isoformat(),
        "seats": seats,
        "iat": numeric_date(now),
    }


def _grant(grant: Grant) -> dict[str, str]:
    match grant:
        case VersionGrant(version):
            return {"version": str(version)}
        case LineGrant(major, minor):
            return {"line": f"{major}.{minor}"}


def _whole_seconds(now: datetime) -> datetime:
    return datetime.fromtimestamp(numeric_date(now), UTC)
