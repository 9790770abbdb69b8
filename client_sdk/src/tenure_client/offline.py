"""The answer from what was kept: the same rules over the same signed facts, without the server."""

from __future__ import annotations

from datetime import date, datetime

from tenure_client.answers import KeptReason, Source, Support, UpdateAnswer
from tenure_client.configuration import Configuration
from tenure_client.judgement import installed_release, newest_release, offer_of_choice
from tenure_client.licence import HeldCertificate
from tenure_client.signed_facts import SignedFacts
from tenure_signing.entitlement import Entitlement
from tenure_signing.update_choice import InstalledCopy, choose_update


def kept_answer(
    configuration: Configuration,
    facts: SignedFacts,
    held: HeldCertificate,
    *,
    reason: KeptReason,
    now: datetime,
    next_check_after: datetime,
) -> UpdateAnswer:
    """What the server would answer, as far as signed facts say.

    How far a release is rolled out is not signed, so every one counts as rolled out: a download asks the server anyway.
    """
    entitlement = held.certificate.entitlement
    copy = InstalledCopy(configuration.version, configuration.machine, configuration.channel)
    choice = choose_update(entitlement, facts.product, copy)
    return UpdateAnswer(
        status=choice.status,
        product=configuration.product,
        edition=entitlement.edition,
        channel=configuration.channel,
        machine=configuration.machine,
        installed=installed_release(facts, configuration.version),
        offer=offer_of_choice(choice.offer, configuration.machine) if choice.offer is not None else None,
        newest=newest_release(choice.newest) if choice.newest is not None else None,
        licence_status=entitlement.status,
        support=support_on(entitlement, now.date()),
        renewal=None,
        source=Source.KEPT,
        kept_reason=reason,
        as_of=facts.verified_at,
        certificate_as_of=held.certificate.issued_at,
        next_check_after=next_check_after,
    )


def support_on(entitlement: Entitlement, day: date) -> Support:
    """Where support stands on that day, by the certificate's periods."""
    last_day = entitlement.last_supported_day
    return Support(
        is_supported_today=entitlement.supports(day),
        last_covered_day=last_day,
        days_left=max(0, (last_day - day).days + 1) if last_day is not None else 0,
        periods=entitlement.periods,
    )
