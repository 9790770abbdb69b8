"""Stripe's signatures, verified by Stripe's own library."""

from __future__ import annotations

from tenure_server.domain.shop_payments import REPLAY_WINDOW_SECONDS


def is_from_stripe(body: bytes, header: str, secret: str) -> bool:
    """Whether Stripe signed it with the endpoint's secret within the replay window, by the real clock."""
    # Imported when the first event comes: the library takes longer to load than all of ours.
    from stripe import SignatureVerificationError, WebhookSignature

    try:
        text = body.decode("utf-8")
        return bool(WebhookSignature.verify_header(text, header, secret, REPLAY_WINDOW_SECONDS))
    except (SignatureVerificationError, ValueError):
        return False
