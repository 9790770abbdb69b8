"""What lies between the server and the signer in the database they share: requests, answers, and signs of life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from tenure_server.domain.signer_life import SignerLife


class RequestKind(StrEnum):
    """What the signer is asked to publish."""

    RELEASE = "release"  # a product role that adds one release, signed by its engineers
    DRAFT = "draft"  # a ceremony's draft, signed by its people


class RequestState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PublicationRequest:
    """``answer`` is what was published, or why it was refused; None while it waits."""

    number: int
    kind: RequestKind
    body: bytes = field(repr=False)
    who: str
    asked_at: datetime
    state: RequestState = RequestState.WAITING
    answer: Mapping[str, Any] | None = None


class PublicationRequests(Protocol):
    """A queue, worked off in the order of asking."""

    def ask(self, kind: RequestKind, body: bytes, who: str, at: datetime) -> int:
        """The number of the new request, or of a waiting one with the same kind, body and person."""
        ...

    def get(self, number: int) -> PublicationRequest | None: ...

    def waiting(self, *, limit: int = 10) -> tuple[PublicationRequest, ...]:
        """The oldest that wait, in order."""
        ...

    def count_waiting(self) -> int: ...

    def decide(self, number: int, state: RequestState, answer: Mapping[str, Any], at: datetime) -> bool:
        """Answer a request that waits, and forget its body; whether it still waited."""
        ...

    def forget_decided(self, before: datetime) -> None:
        """Remove those that were decided before the instant."""
        ...


class SignerLives(Protocol):
    def beat(self, life: SignerLife) -> None:
        """Keep what a signer says of itself, in place of what it said before."""
        ...

    def all(self) -> tuple[SignerLife, ...]:
        """The last heard first."""
        ...

    def forget(self, seen_before: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class ExpiryNotice:
    """What one person is told in one mail: of a role's expiry, with ``stage`` the number of days, ``quarter`` or
    ``expired``; or of a webhook, with ``role`` its id, ``expires`` when it was disabled, and ``stage`` ``disabled``."""

    role: str
    expires: datetime
    stage: str
    recipient: str


class ExpiryNotices(Protocol):
    def claim(
        self, notices: tuple[ExpiryNotice, ...], at: datetime, stale_before: datetime
    ) -> tuple[ExpiryNotice, ...]:
        """Those that nobody has sent, and that nobody claimed since ``stale_before``: they are the caller's to send."""
        ...

    def sent(self, notices: tuple[ExpiryNotice, ...], at: datetime) -> None: ...

    def release(self, notices: tuple[ExpiryNotice, ...]) -> None:
        """They were not sent: anyone may claim them."""
        ...
