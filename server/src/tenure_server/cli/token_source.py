"""Where commands take the API token from: a file or the environment, never an argument, which others can see."""

from __future__ import annotations

import os
from pathlib import Path

from tenure_server.errors import TokenRequired
from tenure_server.use_cases.api_tokens import TOKEN

MAX_TOKEN_FILE_BYTES = 1024


def read_token() -> str:
    """From the file that TENURE_TOKEN_FILE names, or from TENURE_TOKEN. Raises ``TokenRequired``."""
    token = token_or_none()
    if token is None:
        raise _problem("This takes an API token.")
    return token


def token_or_none() -> str | None:
    """The same where a token is not always needed. Raises ``TokenRequired`` for one that is none."""
    if path := os.environ.get("TENURE_TOKEN_FILE"):
        try:
            with Path(path).open("rb") as file:
                text = file.read(MAX_TOKEN_FILE_BYTES).decode("ascii", "replace").strip()
        except OSError as error:
            raise _problem(f"The token file {path} cannot be read: {error.strerror}.") from error
    else:
        text = os.environ.get("TENURE_TOKEN", "").strip()
    if not text:
        return None
    if not TOKEN.fullmatch(text):
        raise _problem("What is given as the API token is none.")
    return text


def _problem(sentence: str) -> TokenRequired:
    hint = "set TENURE_TOKEN_FILE or TENURE_TOKEN; tenure token create makes a token"
    return TokenRequired(sentence, code="token_missing", hint=hint)
