"""Who is asking: from the licence key a request carries to the licence in the database."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.domain.licences import Licence
from tenure_server.domain.secret_words import statements_in
from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable
from tenure_server.use_cases.catalogue import Catalogue, CatalogueSource
from tenure_server.use_cases.licence_cache import KnownLicence, LicenceCache, VerifiedKey
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.seen_licences import SeenLicences
from tenure_signing.errors import InvalidStatement
from tenure_signing.licence_key import LicenceKey, licence_key_digest, verify_licence_key
from tenure_signing.quick_verification import QuickVerification, SignedBy


class JudgedKey(NamedTuple):
    """A key whose signature is good. ``verified`` is what was known of it, ``signed_by`` what was found just now."""

    key: str
    digest: str
    catalogue: Catalogue
    now: datetime
    before: KnownLicence | None
    verified: VerifiedKey | None
    signed_by: SignedBy | None

    def __repr__(self) -> str:
        return f"JudgedKey({self.digest})"


@dataclass(frozen=True, slots=True)
class IdentifyLicence:
    """The key's signature is verified first, so that forged keys never reach the database."""

    database: Database
    catalogue: CatalogueSource
    clock: Clock
    cache: LicenceCache = field(default_factory=LicenceCache)
    seen: SeenLicences | None = None  # told of every licence that is read

    def by_key(self, key: str) -> Licence:
        """The licence of this key, whatever its status. Raises ``AuthenticationRequired``; its code says why, as
        ``licence_key_`` and the code of the statement's fault, or ``unknown_licence``."""
        self._verify(key, self.catalogue.current())
        with self.database.reading() as records:
            licence = records.licences.by_key_digest(licence_key_digest(key))
        if licence is None:
            raise _unknown()
        return licence

    def in_text(self, text: str) -> Licence | None:
        """The licence of the first genuine key that stands in a text, if one does."""
        for statement in statements_in(text):
            with suppress(AuthenticationRequired):
                return self.by_key(statement)
        return None

    def at_hand(self, digest: str, catalogue: Catalogue) -> KnownLicence | None:
        """The licence of the key with this digest, if this process has verified the key and nothing has changed."""
        found = self.cache.get(digest)
        if found is None or found[0] != self.database.quick.version():
            return None
        verified = found[1].verified
        return found[1] if verified is not None and verified.holds(catalogue.licence_keys, self.clock()) else None

    def at_hand_by_token(self, digest: str) -> KnownLicence | None:
        """The licence of the feed token with this digest, if nothing has changed since it was read."""
        found = self.cache.get(digest)
        if found is None or found[0] != self.database.quick.version() or found[1].verified is not None:
            return None
        return found[1]

    def known_by_token(self, digest: str) -> KnownLicence | None:
        """The licence of the feed token with this digest, remembered."""
        quick, before = self.database.quick, self.cache.get(digest)
        version = quick.version()  # before the facts: a change meanwhile makes them out of date
        facts = quick.licence_of_feed_token(digest)
        if facts is None:
            self.cache.drop(digest)
            return None
        known = before[1] if before is not None and before[1].facts == facts else KnownLicence(facts, None)
        self.cache.put(digest, version, known)
        return known

    def known(self, key: str, digest: str, catalogue: Catalogue) -> KnownLicence:
        """As ``by_key``, in facts, and remembered.

        The claims of a key whose signature is good and which the database knows are those it was issued with, so they
        are not read again; any other key is judged whole.
        """
        judged = self.judged(key, digest, catalogue)
        version = self.database.quick.version()  # before the facts: a change meanwhile makes them out of date
        return self.remembered(judged, version, self.database.quick.licence_key(digest))

    def judged(self, key: str, digest: str, catalogue: Catalogue) -> JudgedKey:
        """``known`` up to what has to be asked of the database: the signature is good, or was found so before."""
        now = self.clock()
        before = self.cache.get(digest)
        verified = before[1].verified if before is not None else None
        if verified is not None and not verified.holds(catalogue.licence_keys, now):
            verified = None
        signed_by = self._signed_by(key, catalogue, now) if verified is None else None
        return JudgedKey(key, digest, catalogue, now, before[1] if before is not None else None, verified, signed_by)

    def remembered(self, judged: JudgedKey, version: int, found: FoundKey | None) -> KnownLicence:
        """``known`` from there on, with what the database had at that version or later."""
        signed_by, verified, before = judged.signed_by, judged.verified, judged.before
        if found is None or (signed_by is not None and not signed_by.allows(found.issued_at, judged.now)):
            self.cache.drop(judged.digest)
            self._verify(judged.key, judged.catalogue)
            raise _unknown()
        if before is not None and verified is not None and before.facts == found.facts:
            known = before
        else:
            known = KnownLicence(found.facts, verified or VerifiedKey(judged.catalogue.licence_keys, judged.now))
        self.cache.put(judged.digest, version, known)
        if self.seen is not None:
            self.seen.note(judged.digest)
        return known

    def facts(self, key: str) -> LicenceFacts:
        """As ``by_key``, in facts. They may be of a copy while the database is away (``Database.as_of``)."""
        catalogue, digest = self.catalogue.current(), licence_key_digest(key)
        return (self.at_hand(digest, catalogue) or self.known(key, digest, catalogue)).facts

    def by_certificate(self, key: str, certificate: str) -> LicenceFacts:
        """What the licence's SMP certificate says of it, for when nothing else can be asked.

        Both are verified. Raises ``AuthenticationRequired`` as ``by_key``, and with ``certificate_`` and the code of
        the fault.
        """
        verification, now = self.cache.verification(self.catalogue.current().licence_keys), self.clock()
        try:
            licence_key = verification.licence_key(key, now)
        except InvalidStatement as error:
            raise _refused(error) from error
        return _said(verification, certificate, licence_key, now)

    def certified(self, key: str, digest: str, certificate: str, catalogue: Catalogue) -> KnownLicence:
        """As ``known`` where that can be asked, else as ``by_certificate``; nothing is remembered. For a server that
        asks no network."""
        verification, now = self.cache.verification(catalogue.licence_keys), self.clock()
        try:
            licence_key = verification.licence_key(key, now)
        except InvalidStatement as error:
            raise _refused(error) from error
        try:
            found = self.database.quick.licence_key(digest)
        except DatabaseUnavailable:
            return KnownLicence(_said(verification, certificate, licence_key, now), None)
        if found is None:
            raise _unknown()
        return KnownLicence(found.facts, None)

    def _signed_by(self, key: str, catalogue: Catalogue, now: datetime) -> SignedBy:
        try:
            return self.cache.verification(catalogue.licence_keys).signed_by(key, now)
        except InvalidStatement as error:
            raise _refused(error) from error

    def _verify(self, key: str, catalogue: Catalogue) -> None:
        try:
            verify_licence_key(key, catalogue.licence_keys, self.clock())
        except InvalidStatement as error:
            raise _refused(error) from error


def _said(verification: QuickVerification, certificate: str, licence_key: LicenceKey, now: datetime) -> LicenceFacts:
    try:
        said = verification.certificate(certificate, now)
        said.must_match(licence_key)
    except InvalidStatement as error:
        raise AuthenticationRequired(
            f"The SMP certificate cannot be accepted: {error}", code=f"certificate_{error.code}"
        ) from error
    entitlement = said.entitlement
    return LicenceFacts(
        licence_id=entitlement.licence_id,
        product=entitlement.product,
        edition=entitlement.edition,
        purchased_on=entitlement.purchased_on,
        status=entitlement.status,
        seats=said.seats,
        total_purchase_price=None,
        support_periods=entitlement.periods,
        grants=entitlement.grants,
        updates=entitlement.updates,
    )


def _refused(error: InvalidStatement) -> AuthenticationRequired:
    return AuthenticationRequired(
        f"The licence key cannot be accepted: {error}",
        code=f"licence_key_{error.code}",
        hint="paste the key again exactly as it was sent to you, in one piece",
    )


def _unknown() -> AuthenticationRequired:
    return AuthenticationRequired(
        "The licence key is genuine, but this server does not know its licence.",
        code="unknown_licence",
        hint="ask the vendor; the licence may have been issued on another server",
    )
