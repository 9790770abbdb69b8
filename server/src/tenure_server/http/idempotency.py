"""The ``Idempotency-Key`` header (IETF draft of that name): the same key with the same request is carried out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from tenure_server.domain.api_tokens import ApiToken
from tenure_server.errors import InvalidRequest
from tenure_server.http.reading import IN_HEADER
from tenure_server.use_cases.once import Once

IdempotencyKey = Annotated[
    str | None,
    PlainValidator(str),
    WithJsonSchema({"type": "string"}),
    Field(
        alias="Idempotency-Key",
        description="1 to 200 ASCII characters; a repeat with the same key finds what the first one did",
        json_schema_extra=IN_HEADER,
    ),
]


def once_of(token: ApiToken, operation: str, key: str | None, request: Mapping[str, object]) -> Once | None:
    """For this token's holder; keys of different tokens do not meet."""
    if key is None:
        return None
    return Once.of(f"token {token.token_id}", key, {"operation": operation, **request})


def required(token: ApiToken, operation: str, key: str | None, request: Mapping[str, object]) -> Once:
    """Where money is at stake. Raises ``InvalidRequest`` (``idempotency_key_missing``)."""
    once = once_of(token, operation, key, request)
    if once is None:
        raise InvalidRequest(
            "This request needs the header Idempotency-Key.",
            code="idempotency_key_missing",
            hint="send a new UUID with each new request, and the same one with a repeat",
        )
    return once
