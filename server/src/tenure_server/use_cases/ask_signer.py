"""The server's half of publishing with an external signer: ask in the database, wait, tell what came of it.

What is asked is kept until it is decided, whatever ends here or there. Nobody has to believe the server: the signer
checks every request as if it came from an enemy (``answer_requests``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tenure_server.domain.api_tokens import ApiToken
from tenure_server.errors import Conflict, Forbidden, InvalidRequest, NotFound, Refusal, SignerSilent
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.ports_signer import RequestKind, RequestState
from tenure_server.use_cases.publish import Published
from tenure_server.use_cases.publish_signed import PublishSigned, SignedRelease
from tenure_server.use_cases.statement_keys import licence_keys_in
from tenure_server.use_cases.submit_draft import SubmitDraft, Submitted
from tenure_signing.draft_files import Draft, to_json
from tenure_signing.errors import PublishingError
from tenure_signing.tuf_repository import Repository

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.1

REFUSALS: Mapping[str, type[Refusal]] = {
    kind.__name__: kind for kind in (InvalidRequest, NotFound, Conflict, Forbidden)
}


@dataclass(frozen=True, slots=True)
class AskSigner:
    database: Database
    clock: Clock
    wait_seconds: float = WAIT_SECONDS
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, kind: RequestKind, body: bytes, who: str) -> Mapping[str, Any]:
        """The signer's answer. Raises the refusal, ``PublishingError``, or ``SignerSilent`` when it takes too long:
        what was asked is kept then, and asking again waits for the same request."""
        with self.database.writing() as records:
            number = records.publication_requests.ask(kind, body, who, self.clock())
        give_up_at = self.monotonic() + self.wait_seconds
        while True:
            with self.database.reading() as records:
                request = records.publication_requests.get(number)
            if request is not None and request.answer is not None:
                if request.state is RequestState.REFUSED:
                    raise _refusal(request.answer)
                return request.answer
            if request is None or self.monotonic() >= give_up_at:
                raise SignerSilent("The signer has not answered yet.")
            self.sleep(POLL_SECONDS)


def _refusal(answer: Mapping[str, Any]) -> Exception:
    message, hint = str(answer.get("message")), answer.get("hint")
    kind = REFUSALS.get(str(answer.get("refusal")))
    if kind is None:
        return PublishingError(message)
    return kind(message, code=str(answer.get("code")), hint=hint if isinstance(hint, str) else None)


@dataclass(frozen=True, slots=True)
class AskToPublish:
    """As ``PublishSigned``, by the external signer. What can be refused here is refused at once."""

    here: PublishSigned
    ask: AskSigner

    def __call__(self, signed: SignedRelease, token: ApiToken) -> Published:
        """Raises as ``PublishSigned`` does, and ``SignerSilent``."""
        release = self.here.check(signed, token).release
        answer = self.ask(RequestKind.RELEASE, release_request(signed, token), token.who)
        return Published(release, is_new=answer.get("is_new") is True)


@dataclass(frozen=True, slots=True)
class AskToSubmit:
    """As ``SubmitDraft``, by the external signer. The keys of licence keys and certificates are taken up here."""

    here: SubmitDraft
    ask: AskSigner

    def __call__(self, draft: Draft, *, who: str) -> Submitted:
        """Raises as ``SubmitDraft`` does, and ``SignerSilent``."""
        self.here.require_usable_licence_keys(draft)
        answer = self.ask(RequestKind.DRAFT, to_json(draft), who)
        with self.here.database.reading() as records:
            after, licence_keys = read_repository(records), licence_keys_in(records)
        taken_up = [*map(str, answer.get("taken_up", ())), *self.here.key_ring.take_up(after, licence_keys)]
        return Submitted(after, answer.get("is_new") is True, tuple(taken_up))

    def require_submittable(self, before: Repository, draft: Draft) -> None:
        self.here.require_submittable(before, draft)

    def changes_own_keys(self, draft: Draft) -> bool:
        return self.here.changes_own_keys(draft)

    def complete(self) -> tuple[str, ...]:
        return self.here.complete()


def release_request(signed: SignedRelease, token: ApiToken) -> bytes:
    """The token goes by its id: the signer looks up what it allows."""
    return json.dumps(
        {
            "product": signed.product,
            "version": str(signed.version),
            "role": signed.role.decode(),
            "notes": signed.notes,
            "share_basis_points": signed.share_basis_points,
            "translations": dict(signed.translations),
            "token_id": token.token_id,
        },
        sort_keys=True,
    ).encode()
