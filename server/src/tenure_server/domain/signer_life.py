"""Who signs snapshot and timestamp, and whether whoever does it still gives signs of life."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

BEAT_EVERY = timedelta(seconds=30)
"""How often a signer says that it is there."""

SILENT_AFTER = timedelta(minutes=3)
"""A signer unheard for so long is silent: several beats and a restart are missing."""

FORGOTTEN_AFTER = timedelta(days=1)


class SignerMode(StrEnum):
    """``embedded``: inside ``tenure serve``. ``external``: ``tenure signer``, a process of its own."""

    EMBEDDED = "embedded"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class SignerLife:
    """What one signing process last said of itself. ``problem`` is what keeps it from signing, or None."""

    signer_id: str
    mode: SignerMode
    started_at: datetime
    seen_at: datetime
    problem: str | None = None

    def is_silent(self, now: datetime) -> bool:
        return now - self.seen_at >= SILENT_AFTER


def signer_warning(lives: Iterable[SignerLife], mode: SignerMode, now: datetime) -> str | None:
    """What is wrong with the signer, in one sentence, or None.

    Of external ones one that lives and can sign is enough. An embedded one speaks up only when something is wrong:
    whether it is there at all, metadata tells that expires.
    """
    heard = sorted((life for life in lives if life.mode is mode), key=lambda life: life.seen_at)
    if mode is SignerMode.EMBEDDED:
        heard = [life for life in heard if life.problem is not None and not life.is_silent(now)]
        return f"the signer cannot sign: {heard[-1].problem}" if heard else None
    if not heard:
        return "no signer has been heard of: start tenure signer"
    if any(not life.is_silent(now) and life.problem is None for life in heard):
        return None
    last = heard[-1]
    if last.is_silent(now):
        return f"the signer has been silent since {last.seen_at:%Y-%m-%d %H:%M} UTC"
    return f"the signer cannot sign: {last.problem}"
