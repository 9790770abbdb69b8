"""One way to take in what somebody wrote."""

from __future__ import annotations

from tenure_server.domain.secret_words import without_secrets
from tenure_server.domain.support_messages import MAX_BODY_CHARACTERS, clean_body
from tenure_server.errors import InvalidRequest


def required_body(text: str) -> str:
    """The text as it is kept. Raises ``InvalidRequest`` (``message_missing``, ``message_too_long``)."""
    if len(text) > MAX_BODY_CHARACTERS:
        raise InvalidRequest(f"A message has at most {MAX_BODY_CHARACTERS} characters.", code="message_too_long")
    body = clean_body(text)
    if not body.strip():
        raise InvalidRequest("A message with something in it is required.", code="message_missing")
    return body


def required_words(text: str) -> str:
    """As ``required_body``, of what a customer wrote: people paste their licence key, which nobody who reads requests
    needs."""
    return without_secrets(required_body(text))
