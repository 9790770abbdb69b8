"""Ids that people read out on the telephone."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u to mishear


def new_licence_id() -> str:
    """80 random bits as four groups of four."""
    return _groups(4, 4)


def new_customer_id() -> str:
    """``c-`` and 50 random bits in two groups."""
    return f"c-{_groups(2, 5)}"


def new_contact_id() -> str:
    return f"p-{_groups(2, 5)}"


def new_request_id() -> str:
    """130 random bits, lower case; people say the request's number."""
    return "req_" + _random_word()


def new_message_id() -> str:
    return "msg_" + _random_word()


def new_problem_id() -> str:
    return "prb_" + _random_word()


def new_reporter_id() -> str:
    return "rep_" + _random_word()


def _random_word() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(26))


def _groups(count: int, length: int) -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(length)) for _ in range(count))
