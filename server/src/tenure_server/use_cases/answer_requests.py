"""The signer's half: what the server asks for is checked as if an enemy had asked, then signed and published.

A request is published by the very use cases that an embedded signer runs, each in one transaction. Broken off before
the answer is kept, the request is done again and found done: nothing is lost and nothing doubled, however many run.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tenure_server.domain.api_tokens import TokenState
from tenure_server.errors import Conflict, Forbidden, InvalidRequest, Refusal, TenureError
from tenure_server.use_cases.ask_signer import REFUSALS
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.ports_signer import PublicationRequest, RequestKind, RequestState
from tenure_server.use_cases.publish_signed import PublishSigned, SignedRelease
from tenure_server.use_cases.submit_draft import SubmitDraft
from tenure_signing.draft_files import from_json
from tenure_signing.errors import KeySourceError, SigningError
from tenure_signing.languages import parse_language
from tenure_signing.names import parse_product
from tenure_signing.strict_text import json_object
from tenure_signing.versions import parse_version

DECISIONS_KEPT = timedelta(days=7)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnswerRequests:
    database: Database
    clock: Clock
    publish_signed: PublishSigned
    submit_draft: SubmitDraft

    def __call__(self) -> int:
        """Decide what waits; how many requests that were.

        Raises what is not the request's fault (database or store away, a key that cannot be used now): it waits on.
        """
        decided = 0
        while True:
            with self.database.reading() as records:
                waiting = records.publication_requests.waiting(limit=1)
            if not waiting:
                return decided
            self._decide(waiting[0])
            decided += 1

    def forget_old(self) -> None:
        with self.database.writing() as records:
            records.publication_requests.forget_decided(self.clock() - DECISIONS_KEPT)

    def _decide(self, request: PublicationRequest) -> None:
        state, answer = RequestState.DONE, dict[str, Any]()
        try:
            answer = self._performed(request)
        except Refusal as error:
            if error.code == "online_keys_missing":
                raise
            state, answer = RequestState.REFUSED, _refused(error)
        except KeySourceError:
            raise
        except SigningError as error:
            state, answer = RequestState.REFUSED, {"message": str(error)}
        except TenureError:
            raise
        except Exception:  # a request that breaks the signer must not keep the others waiting for ever
            _log.exception("request %d broke the signer", request.number)
            state, answer = RequestState.REFUSED, _refused(_broken())
        now = self.clock()
        with self.database.writing() as records:
            is_ours = records.publication_requests.decide(request.number, state, answer, now)
            if is_ours and state is RequestState.REFUSED:
                audited(
                    records, now, "signer", "publication.refuse", f"request {request.number}",
                    asked_by=request.who, kind=request.kind, reason=answer["message"],
                )  # fmt: skip
        _log.info("request %d of %s: %s", request.number, request.who, state)

    def _performed(self, request: PublicationRequest) -> dict[str, Any]:
        match request.kind:
            case RequestKind.RELEASE:
                return self._published(request.body)
            case RequestKind.DRAFT:
                submitted = self.submit_draft(from_json(request.body), who=request.who)
                return {"is_new": submitted.is_new, "taken_up": list(submitted.taken_up)}

    def _published(self, body: bytes) -> dict[str, Any]:
        """The token is the one of that id as the database knows it now, whatever the server believed."""
        wish = _release(body)
        with self.database.reading() as records:
            token = records.tokens.get(wish.token_id)
        if token is None:
            raise Forbidden("There is no such API token.", code="unknown_token")
        if token.state(self.clock()) is not TokenState.ACTIVE:
            raise Forbidden("The API token was revoked or has expired meanwhile.", code="token_inactive")
        published = self.publish_signed(wish.signed, token)
        return {"is_new": published.is_new}


@dataclass(frozen=True, slots=True)
class _Wish:
    signed: SignedRelease
    token_id: str


def _release(body: bytes) -> _Wish:
    """Raises ``InvalidRequest`` (``unreadable_request``) for what no server of ours wrote."""
    try:
        wish = json_object(body)
        notes, share, translations = wish.get("notes"), wish.get("share_basis_points"), wish.get("translations", {})
        if not isinstance(notes, str | None) or not isinstance(share, int | None):
            raise ValueError("of another type")
        if not isinstance(translations, dict):
            raise ValueError("of another type")
        signed = SignedRelease(
            product=parse_product(str(wish["product"])),
            version=parse_version(str(wish["version"])),
            role=str(wish["role"]).encode(),
            notes=notes,
            share_basis_points=share,
            translations={parse_language(name): str(text) for name, text in translations.items()},
        )
        return _Wish(signed, str(wish["token_id"]))
    except (ValueError, KeyError, RecursionError, SigningError) as error:
        raise InvalidRequest("The request cannot be read.", code="unreadable_request") from error


def _refused(error: Refusal) -> dict[str, Any]:
    kind = next((name for name, kind in REFUSALS.items() if isinstance(error, kind)), Conflict.__name__)
    return {"refusal": kind, "code": error.code, "message": str(error), "hint": error.hint}


def _broken() -> Conflict:
    return Conflict("The signer failed at this request.", code="signer_failed", hint="its log has the details")
