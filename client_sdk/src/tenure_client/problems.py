"""What a refusal of the server means: from status and problem details (RFC 9457) to our errors."""

from __future__ import annotations

from tenure_client.errors import (
    LicenceRejected,
    NotCovered,
    NotFoundOnServer,
    ReleaseWithdrawn,
    RequestRefused,
    ServerUnavailable,
    TenureClientError,
)
from tenure_signing.coverage import RefusalReason
from tenure_signing.strict_text import json_object

MAX_PROBLEM_BYTES = 65_536
MAX_SHOWN_CHARACTERS = 500


def shown(text: object) -> str | None:
    """A text of the server, safe to show on a terminal: printable, one line, not too long; None for no text."""
    if not isinstance(text, str):
        return None
    return "".join(c if c.isprintable() else " " for c in text[:MAX_SHOWN_CHARACTERS]).strip() or None


def refusal_of(
    status: int, body: bytes, is_from_server: bool, retry_after_seconds: int | None = None
) -> TenureClientError:
    """The error for a status of 400 or more. ``body`` is used where it is problem details."""
    if not is_from_server:
        return _refusal_of_store(status, retry_after_seconds)
    try:
        problem = json_object(body)
    except ValueError:
        problem = {}
    code, detail, hint = (shown(problem.get(name)) for name in ("code", "detail", "hint"))
    sentence = detail or f"the server answered with status {status}"
    match status:
        case 401:
            return LicenceRejected(sentence, hint=hint or "check the licence key, or ask the vendor")
        case 403 if code in tuple(RefusalReason):
            return NotCovered(sentence, reason=RefusalReason(code), hint=hint)
        case 404:
            return NotFoundOnServer(sentence, status=status, code=code, hint=hint)
        case 410:
            return ReleaseWithdrawn(sentence)
        case 429:
            return ServerUnavailable(sentence, retry_after_seconds=retry_after_seconds, hint=hint)
        case _ if status >= 500:
            return ServerUnavailable(sentence, retry_after_seconds=retry_after_seconds, hint=hint)
        case _:
            return RequestRefused(sentence, status=status, code=code, hint=hint)


def _refusal_of_store(status: int, retry_after_seconds: int | None) -> TenureClientError:
    """A store is no authority: what it says about licences or releases means nothing."""
    if status == 429 or status >= 500:
        return ServerUnavailable(
            f"the vendor's store answered with status {status}", retry_after_seconds=retry_after_seconds
        )
    return RequestRefused(
        f"the vendor's store refused the link with status {status}",
        status=status,
        hint="try again: links work for some minutes only",
    )
