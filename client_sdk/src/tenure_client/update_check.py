"""Asks the server, with the licence key."""

from __future__ import annotations

from urllib.parse import urlencode

from tenure_client.configuration import Configuration
from tenure_client.licence import HeldLicence
from tenure_client.transport import Transport
from tenure_client.wire import MAX_ANSWER_BYTES, WireAnswer, parse_certificate_of, parse_update_answer

_MAX_HEADER_CHARACTERS = 4_000  # proxies commonly take 8 KiB of headers, and the licence key needs some


def ask_for_update(
    transport: Transport,
    configuration: Configuration,
    licence: HeldLicence,
    *,
    install_id: str,
    is_manual: bool,
    old_certificate: str | None,
) -> WireAnswer:
    """``GET /v1/update-check``.

    ``old_certificate``: the one to renew, ``none`` to get a first one, None to ask for no certificate.
    """
    query = {
        "product": configuration.product,
        "version": str(configuration.version),
        "os": configuration.machine.os,
        "arch": configuration.machine.arch,
        "channel": configuration.channel,
        "install_id": install_id,
        "manual": "true" if is_manual else "false",
    }
    if configuration.turn is not None:
        query["turn"] = configuration.turn
    headers = {}
    if configuration.language is not None:
        headers["Accept-Language"] = str(configuration.language)
    if old_certificate is not None:
        headers["Tenure-Certificate"] = old_certificate if len(old_certificate) <= _MAX_HEADER_CHARACTERS else "none"
    with transport.get(f"/v1/update-check?{urlencode(query)}", headers=headers, licence_key=licence.text) as response:
        response.require_success()
        return parse_update_answer(response.read(MAX_ANSWER_BYTES))


def fetch_certificate(transport: Transport, licence: HeldLicence) -> str:
    """A fresh SMP certificate from ``GET /v1/licence``; still to be verified."""
    with transport.get("/v1/licence", licence_key=licence.text) as response:
        response.require_success()
        return parse_certificate_of(response.read(MAX_ANSWER_BYTES))
