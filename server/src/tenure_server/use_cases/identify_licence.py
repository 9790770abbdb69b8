"""Who is asking: from the licence key a request carries to the licence in the database."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.licences import Licence
from tenure_server.errors import AuthenticationRequired
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.ports import Clock, Database
from tenure_signing.errors import InvalidStatement
from tenure_signing.licence_key import licence_key_digest, verify_licence_key


@dataclass(frozen=True, slots=True)
class IdentifyLicence:
    """The key's signature is verified first, so that forged keys never reach the database."""

    database: Database
    catalogue: CatalogueSource
    clock: Clock

    def by_key(self, key: str) -> Licence:
        """The licence of this key, whatever its status. Raises ``AuthenticationRequired``; its code says why, as
        ``licence_key_`` and the code of the statement's fault, or ``unknown_licence``."""
        try:
            verify_licence_key(key, self.catalogue.current().licence_keys, self.clock())
        except InvalidStatement as error:
            raise AuthenticationRequired(
                f"The licence key cannot be accepted: {error}",
                code=f"licence_key_{error.code}",
                hint="paste the key again exactly as it was sent to you, in one piece",
            ) from error
        with self.database.reading() as records:
            licence = records.licences.by_key_digest(licence_key_digest(key))
        if licence is None:
            raise AuthenticationRequired(
                "The licence key is genuine, but this server does not know its licence.",
                code="unknown_licence",
                hint="ask the vendor; the licence may have been issued on another server",
            )
        return licence
