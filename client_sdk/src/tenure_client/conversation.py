"""What is asked of the server in one operation, in the order that trust demands.

Metadata is verified first, with its public keys the licence key, and only a genuine key is sent. The server's answer is
advice that the signed facts then confirm.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from tenure_client.activation import SeatOnServer
from tenure_client.answers import Source, UpdateAnswer
from tenure_client.configuration import Configuration
from tenure_client.errors import (
    InvalidServerAnswer,
    LicenceMissing,
    MetadataExpired,
    NotCovered,
    ServerContradictsSignedFacts,
    ServerError,
)
from tenure_client.install_reports import send_kept_reports
from tenure_client.judgement import (
    disagrees_on_coverage,
    installed_release,
    newest_release,
    offered_release,
    require_covered,
    require_true,
)
from tenure_client.licence import (
    HeldCertificate,
    HeldLicence,
    accepted_certificate,
    kept_certificate,
    verified_licence,
)
from tenure_client.manners import next_check_after
from tenure_client.signed_facts import SignedFacts
from tenure_client.state import Contact, State
from tenure_client.transport import Transport
from tenure_client.trusted_metadata import FreshMetadata
from tenure_client.update_check import ask_for_update, fetch_certificate
from tenure_client.wire import WireAnswer
from tenure_signing.coverage import coverage
from tenure_signing.key_sets import KeySet
from tenure_signing.releases import Release
from tenure_signing.update_choice import Newest


@dataclass(frozen=True, slots=True)
class Known:
    """What stands fast: the signed facts, the vendor's public keys, and a licence key that they verify."""

    facts: SignedFacts
    keys: KeySet
    licence: HeldLicence


def given_licence_key(configuration: Configuration, state: State) -> str:
    """The key given at opening, else the kept one, not verified. Raises ``LicenceMissing``."""
    text = configuration.licence_key or state.licence_key()
    if text is None:
        raise LicenceMissing("no licence key was given yet")
    return text


@dataclass(frozen=True, slots=True)
class Conversation:
    """With the server, over one ``Transport``. Every method raises ``ServerError`` and ``TrustError``."""

    configuration: Configuration
    state: State
    transport: Transport
    now: datetime = field(repr=False)

    def established(self, *, may_use_mirror: bool = True) -> Known:
        """Verifies the metadata, and with it the licence key, which is kept from then on. Raises ``LicenceError``."""
        text = given_licence_key(self.configuration, self.state)
        facts, keys = self.verified(text, may_use_mirror=may_use_mirror)
        licence = verified_licence(text, keys, self.configuration.product, self.now)
        self.state.keep_licence_key(text)
        return Known(facts, keys, licence)

    def verified(self, licence_key: str | None, *, may_use_mirror: bool = True) -> tuple[SignedFacts, KeySet]:
        """Fresh facts and public keys. The licence key is for servers that keep their metadata from strangers."""
        configuration, now = self.configuration, self.now
        fresh = self._fresh(licence_key, may_use_mirror=may_use_mirror)
        releases, keys = fresh.releases(), fresh.licence_keys()
        self.state.keep_contact(Contact(verified_at=now))
        facts = SignedFacts.of(configuration.product, releases, configuration.channel, now=now, verified_at=now)
        return facts, keys

    def _fresh(self, licence_key: str | None, *, may_use_mirror: bool) -> FreshMetadata:
        """From the mirror where there is one; from the server when that fails or has stood still."""
        parts = (self.configuration, self.state, self.transport, licence_key, self.now)
        if may_use_mirror and self.configuration.metadata_url is not None:
            with suppress(ServerError, MetadataExpired):
                return FreshMetadata(*parts, mirror_url=self.configuration.metadata_url)
        return FreshMetadata(*parts)

    def ask(self, *, is_manual: bool) -> UpdateAnswer:
        """Asks, and asks once more if the answer contradicts the facts: something may just have been published.

        A server of several processes may serve the new metadata and answer by the old for a moment, and a mirror is
        behind: the second time the server's own metadata is read.
        """
        try:
            return self._ask_once(is_manual=is_manual)
        except ServerContradictsSignedFacts:
            time.sleep(self.configuration.limits.settle_seconds)
            return self._ask_once(is_manual=is_manual, may_use_mirror=False)

    def send_reports(self, licence_key: str) -> bool:
        """Sends what is kept of install reports, with a key that was verified; whether nothing is left."""
        return send_kept_reports(self.state, self.transport, self.configuration.product, licence_key)

    def seat(self, known: Known) -> SeatOnServer:
        """This machine's seat of the licence."""
        return SeatOnServer(self.state, self.transport, known.licence, known.keys, self.now)

    def require_covered(self, known: Known, release: Release) -> None:
        """Decides by the kept certificate; if that does not cover the release, once more by a fresh one."""
        held = kept_certificate(self.state, known.licence, known.keys, self.now)
        if held is not None and not held.is_due(self.now):
            try:
                require_covered(held.certificate.entitlement, release, known.facts)
                return
            except NotCovered:
                pass  # it may have been renewed since
        held = self._accepted(fetch_certificate(self.transport, known.licence), held, known)
        require_covered(held.certificate.entitlement, release, known.facts)

    def _ask_once(self, *, is_manual: bool, may_use_mirror: bool = True) -> UpdateAnswer:
        known, configuration = self.established(may_use_mirror=may_use_mirror), self.configuration
        held = kept_certificate(self.state, known.licence, known.keys, self.now)
        old = held.text if held is not None else "none"
        answer = ask_for_update(
            self.transport,
            configuration,
            known.licence,
            install_id=self.state.install_id(),
            is_manual=is_manual,
            old_certificate=old if held is None or held.is_due(self.now) else None,
        )
        asked = (configuration.product, known.licence.key.edition, configuration.version)
        if (answer.product, answer.edition, answer.installed_version) != asked:
            raise InvalidServerAnswer("the server answered about another product, edition or version than was asked")
        self.send_reports(known.licence.text)
        self.seat(known).renew()
        require_true(answer, known.facts, configuration.version, configuration.machine, configuration.channel)
        return self._settled(answer, known.facts, self._certificate_for(answer, held, known))

    def _certificate_for(self, answer: WireAnswer, held: HeldCertificate | None, known: Known) -> HeldCertificate:
        """The certificate that came with the answer, else the kept one unless the answer shows that it is too old."""
        if answer.certificate is not None:
            return self._accepted(answer.certificate, held, known)
        if held is None or disagrees_on_coverage(answer, known.facts, held.certificate.entitlement):
            return self._accepted(fetch_certificate(self.transport, known.licence), held, known)
        return held

    def _accepted(self, text: str, held: HeldCertificate | None, known: Known) -> HeldCertificate:
        accepted = accepted_certificate(text, held, known.licence, known.keys, self.now)
        if accepted is not held:
            self.state.keep_certificate(accepted.text)
        return accepted

    def _settled(self, answer: WireAnswer, facts: SignedFacts, held: HeldCertificate) -> UpdateAnswer:
        """The answer in signed facts. Raises ``NotCovered`` for an offer that the certificate does not cover."""
        configuration, entitlement = self.configuration, held.certificate.entitlement
        installed, machine, wire = configuration.version, configuration.machine, answer.offer
        newest = facts.release(answer.newest.version) if answer.newest is not None else None
        return UpdateAnswer(
            status=answer.status,
            product=answer.product,
            edition=answer.edition,
            channel=configuration.channel,
            machine=machine,
            installed=installed_release(facts, installed),
            offer=offered_release(wire, facts, entitlement, installed, machine) if wire is not None else None,
            newest=newest_release(Newest(newest, coverage(entitlement, newest, facts.product))) if newest else None,
            licence_status=entitlement.status,
            support=answer.support,
            renewal=answer.renewal,
            source=Source.SERVER,
            kept_reason=None,
            as_of=facts.verified_at,
            certificate_as_of=held.certificate.issued_at,
            next_check_after=next_check_after(self.state.contact(), self.now),
            pinned=answer.pinned,
        )
