"""Links to the embedded store that expire: HMAC-SHA256 over key, expiry and file name, after a word on the purpose.

The signed text is, in ASCII, ``tenure store link v1``, the key, the expiry in Unix seconds and the file name, each but
the last followed by a line feed. None of the parts can hold a line feed, so no two links share a text.
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from functools import lru_cache

from tenure_server.adapters.store_keys import check_key, is_key
from tenure_server.errors import Forbidden
from tenure_signing.errors import InvalidName
from tenure_signing.names import FileName, parse_file_name

MIN_LINK_KEY_BYTES = 32
MAX_LINK_SECONDS = 604_800
"""Seven days, the longest that SigV4 allows a presigned URL."""

_REMEMBERED = 4_096  # names that are asked for again soonest
_PURPOSE = "tenure store link v1"
_EXPIRES = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)


def check_link_seconds(seconds: int) -> int:
    """The lifetime of a link, 1 to 604 800 seconds. Raises ``ValueError``."""
    if not 1 <= seconds <= MAX_LINK_SECONDS:
        raise ValueError(f"a link lives 1 to {MAX_LINK_SECONDS} seconds, not {seconds}")
    return seconds


@lru_cache(maxsize=_REMEMBERED)
def content_disposition(file_name: str) -> str:
    """The header (RFC 6266) that saves a download under that name. Raises ``InvalidName`` unless the name is safe."""
    return f'attachment; filename="{parse_file_name(file_name)}"'


class LinkSigner:
    """Makes and verifies the path and query of links. The key is 32 secret bytes or more, and is never shown."""

    __slots__ = ("_link_key",)

    def __init__(self, link_key: bytes) -> None:
        if len(link_key) < MIN_LINK_KEY_BYTES:
            raise ValueError(f"the key that signs links has {len(link_key)} bytes, it needs {MIN_LINK_KEY_BYTES}")
        self._link_key = link_key

    def link(self, key: str, *, expires: int, file_name: str) -> str:
        """``store/KEY?expires=…&name=…&signature=…``, to be joined to the base URL. Expires is in Unix seconds."""
        name = _checked(key, file_name)
        # Neither consists of anything but A-Za-z0-9._-/, which no part of a URL has to escape.
        return f"store/{key}?expires={expires}&name={name}&signature={self._signature(key, str(expires), name)}"

    def verify(self, key: str, *, expires: str, name: str, signature: str, now: datetime) -> FileName:
        """The file name to save under.

        Raises ``Forbidden``: ``link_invalid`` for anything we did not sign, ``link_expired`` when its time is over.
        """
        try:
            file_name = parse_file_name(name)
        except InvalidName:
            raise _invalid() from None
        if not is_key(key) or not _EXPIRES.fullmatch(expires) or not _SIGNATURE.fullmatch(signature):
            raise _invalid()
        if not hmac.compare_digest(self._signature(key, expires, file_name), signature):
            raise _invalid()
        if now.timestamp() >= int(expires):
            raise Forbidden(
                "This download link has expired.",
                code="link_expired",
                hint="Ask for the download again to get a new link.",
            )
        return file_name

    def _signature(self, key: str, expires: str, name: str) -> str:
        text = "\n".join((_PURPOSE, key, expires, name)).encode("ascii")
        return hmac.digest(self._link_key, text, "sha256").hex()


@lru_cache(maxsize=_REMEMBERED)
def _checked(key: str, file_name: str) -> FileName:
    check_key(key)
    return parse_file_name(file_name)


def _invalid() -> Forbidden:
    return Forbidden(
        "This download link is not one that this server made.",
        code="link_invalid",
        hint="Use the link exactly as it was given, or ask for the download again.",
    )
