"""Release drafts: what several people sign and approve, each on a machine of their own, before it is published.

A draft changes one product: it publishes builds, promotes or withdraws a release, takes a halted rollout up again, or
lowers how many approvals the product asks for. Signatures and approvals are of one ``code``; whoever changes the draft
changes the code, and begins with none.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from tenure_signing.languages import Language
from tenure_signing.names import ProductName
from tenure_signing.versions import Version

MAX_APPROVALS = 10
_CODE_DIGITS = 32  # 128 bits: nobody finds two drafts with the same code


class DraftAction(StrEnum):
    PUBLISH = "publish"
    PROMOTE = "promote"
    WITHDRAW = "withdraw"
    RESUME = "resume"
    LOWER_APPROVALS = "lower_approvals"

    @property
    def changes_role(self) -> bool:
        """Whether the product's next TUF role is what is signed."""
        return self in (DraftAction.PUBLISH, DraftAction.PROMOTE, DraftAction.WITHDRAW)


class DraftState(StrEnum):
    """As it is kept. Whether an open draft is stale depends on what is published, and is found out when asked."""

    OPEN = "open"
    READY = "ready"  # signed and approved; published at its time, by whoever has the online keys
    PUBLISHED = "published"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (DraftState.PUBLISHED, DraftState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Approval:
    """``person`` is whom the API token is bound to."""

    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReleaseDraft:
    """``role``: the product's next role with the signatures so far, empty where none is changed or the draft is over.
    ``base_sha256``: of the role that it follows, or of the
    halt that it ends. ``signatures``: by key id in hexadecimal, of a resumption's text.

    ``version`` is None when approvals are lowered. ``day_is_stated``: somebody chose the release day; otherwise it is
    the day of publication. ``makers``: the people and tokens that made it or made it anew.
    """

    draft_id: str
    action: DraftAction
    product: ProductName
    version: Version | None
    payload_sha256: str  # of what is signed, or approved where nothing is
    made_at: datetime
    makers: tuple[str, ...]
    channel: str | None = None  # where the release is, or will be
    role: bytes = b""
    base_sha256: str | None = None
    signatures: tuple[tuple[str, str], ...] = ()
    approvals: tuple[Approval, ...] = ()
    notes: str | None = None
    translations: tuple[tuple[Language, str], ...] = ()  # of the notes, by language
    share_basis_points: int | None = None
    lower_to: int | None = None
    publish_at: datetime | None = None
    day_is_stated: bool = False
    state: DraftState = DraftState.OPEN
    ended_at: datetime | None = None
    reason: str | None = None  # of a cancellation

    @property
    def code(self) -> str:
        """What people compare, read aloud: the same for as long as nothing but signatures and approvals is added."""
        content = {
            "purpose": "tenure release draft v1",
            "action": self.action,
            "product": self.product,
            "version": str(self.version) if self.version is not None else None,
            "payload": self.payload_sha256,
            "notes": hashlib.sha256(self.notes.encode()).hexdigest() if self.notes is not None else None,
            "translations": [[name, hashlib.sha256(text.encode()).hexdigest()] for name, text in self.translations],
            "share": self.share_basis_points,
            "lower_to": self.lower_to,
            "publish_at": self.publish_at.astimezone(UTC).isoformat() if self.publish_at is not None else None,
            "made_at": self.made_at.astimezone(UTC).isoformat(),
        }
        digits = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_CODE_DIGITS]
        return "-".join(digits[start : start + 4] for start in range(0, _CODE_DIGITS, 4))

    @property
    def subject(self) -> str:
        """As the audit trail names it: the release, or the product."""
        return f"{self.product} {self.version}" if self.version is not None else self.product

    @property
    def approved_by(self) -> tuple[str, ...]:
        """The people whose approval counts: each once, and nobody who made the draft."""
        makers = {person_key(maker) for maker in self.makers}
        people = {person_key(one.person): one.person for one in self.approvals}
        return tuple(sorted(person for key, person in people.items() if key not in makers))

    def is_due(self, now: datetime) -> bool:
        """Whether its time has come; a draft without one is published as soon as it is complete."""
        return self.publish_at is None or self.publish_at <= now


@dataclass(frozen=True, slots=True)
class DraftWish:
    """What a draft is to change. ``role``: the product's next role, signed by some or nobody yet; None for actions that
    change no role. ``version`` is None, and ``lower_to`` given, for lowering approvals. ``although_needed``: withdraw
    it even where older installs reach other releases only through it."""

    action: DraftAction
    product: ProductName
    version: Version | None
    role: bytes | None = None
    notes: str | None = None
    translations: tuple[tuple[Language, str], ...] = ()
    share_basis_points: int | None = None
    lower_to: int | None = None
    publish_at: datetime | None = None
    day_is_stated: bool = False
    although_needed: bool = False


def person_key(person: str) -> str:
    """The same for spellings of one name that differ in case and white space."""
    return " ".join(person.split()).casefold()


@dataclass(frozen=True, slots=True)
class DraftStanding:
    """How far a draft is. ``problem``: why it can no longer be published as it is, None if it can."""

    draft: ReleaseDraft
    problem: str | None = None
    threshold: int = 0
    signed: tuple[str, ...] = ()  # key ids
    may_sign: tuple[str, ...] = ()
    approvals_needed: int = 0
    released_on: date | None = None
    builds: tuple[str, ...] = field(default=())  # file names that it adds

    @property
    def is_stale(self) -> bool:
        return self.problem is not None and not self.draft.state.is_over

    @property
    def is_complete(self) -> bool:
        """Signed and approved by as many as it takes."""
        return len(self.signed) >= self.threshold and len(self.draft.approved_by) >= self.approvals_needed

    @property
    def words(self) -> str:
        """Where it stands, as a phrase."""
        draft = self.draft
        if draft.state is DraftState.CANCELLED:
            return f"cancelled: {draft.reason}" if draft.reason else "cancelled"
        if draft.state is DraftState.PUBLISHED:
            return "done"
        if self.problem is not None:
            return f"STALE: {self.problem}"
        if self.is_complete and draft.publish_at is not None:
            return f"scheduled for {draft.publish_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        if self.is_complete and draft.state is DraftState.READY:
            return "complete; the signer publishes it in a moment"
        missing = [f"{len(self.signed)} of {self.threshold} signatures"] if self.threshold else []
        if self.approvals_needed:
            missing.append(f"{len(draft.approved_by)} of {self.approvals_needed} approvals")
        return ", ".join(missing) or "complete"
