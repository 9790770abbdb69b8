"""The activation: a signed statement that a machine holds one of a licence's seats. docs/seats.md.

Claims: ``sub`` (the licence id), ``product``, ``machine`` (see ``parse_machine``), ``activated_at`` and ``valid_until``
(NumericDates; ``valid_until`` is null where seats do not expire) and ``iat``, when the statement was made. It is signed
with the key of SMP certificates; its own ``typ`` keeps the two apart.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from tenure_signing.claims import Claims, parse_licence_id
from tenure_signing.errors import InvalidClaims, InvalidName
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.names import ProductName, parse_product
from tenure_signing.statements import verify_statement

CLAIM_NAMES = ("sub", "product", "machine", "activated_at", "valid_until", "iat")

_MACHINE = re.compile(r"[0-9a-f]{64}", re.ASCII)


def machine_digest(licence_id: str, machine_id: str) -> str:
    """A machine as one licence sees it: SHA-256, lower-case hexadecimal. The licence id is the salt, so nobody can tell
    that two licences run on the same machine, and the machine's own id never leaves it."""
    return hashlib.sha256(f"tenure-machine\n{licence_id}\n{machine_id}\n".encode()).hexdigest()


def parse_machine(text: str) -> str:
    """A machine as in ``machine_digest``; else ``InvalidName``."""
    if not _MACHINE.fullmatch(text):
        raise InvalidName("a machine is 64 of 0-9 and a-f")
    return text


@dataclass(frozen=True, slots=True)
class Activation:
    """What a genuine activation says. All instants are in UTC and whole seconds."""

    licence_id: str
    product: ProductName
    machine: str
    activated_at: datetime
    valid_until: datetime | None  # None: for as long as the software runs
    issued_at: datetime
    key_id: str  # of the public key that verified it

    def is_over(self, now: datetime) -> bool:
        """Whether the server may have given the seat to another machine meanwhile."""
        return self.valid_until is not None and now > self.valid_until

    def must_match(self, licence_id: str, product: ProductName, machine: str) -> None:
        """Raises ``InvalidClaims`` unless it is of this licence, product and machine."""
        if (self.licence_id, self.product) != (licence_id, product):
            raise InvalidClaims("this activation belongs to another licence than the licence key")
        if self.machine != machine:
            raise InvalidClaims("this activation belongs to another machine")


def verify_activation(text: str, keys: KeySet, now: datetime) -> Activation:
    """The activation in ``text``, which is exactly the activation.

    Raises the subclass of ``InvalidStatement`` that says what is wrong, in the order of ``verify_statement``.
    """
    statement = verify_statement(text, Purpose.ACTIVATION, keys, now)
    return read_activation_claims(statement.claims, statement.issued_at, statement.key_id)


def read_activation_claims(claims: Claims, issued_at: datetime, key_id: str) -> Activation:
    """The activation with these claims, or ``InvalidClaims``. Says nothing about a signature."""
    claims.require_exactly(CLAIM_NAMES)
    activated_at = claims.instant("activated_at")
    if activated_at > issued_at:
        raise InvalidClaims("the claim activated_at is later than iat")
    valid_until = claims.instant("valid_until") if claims.values["valid_until"] is not None else None
    if valid_until is not None and valid_until < issued_at:
        raise InvalidClaims("the claim valid_until is earlier than iat")
    return Activation(
        licence_id=claims.text("sub", parse_licence_id),
        product=claims.text("product", parse_product),
        machine=claims.text("machine", parse_machine),
        activated_at=activated_at,
        valid_until=valid_until,
        issued_at=issued_at,
        key_id=key_id,
    )
