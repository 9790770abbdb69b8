"""``/v1/trust/…``: the board of drafts that people sign on their own machines. docs/ceremonies.

A token lets somebody read, push and send signatures; what is published is decided by the keys alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.errors import (
    AuthenticationRequired,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidRequest,
    NotFound,
    TenureError,
)
from tenure_server.http import trust_wire, wire
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import read_body, read_json
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import read
from tenure_server.use_cases.api_tokens import require_one_of
from tenure_server.use_cases.draft_board import DraftBoard
from tenure_signing.draft_files import from_json, to_json
from tenure_signing.errors import SigningError

PUSH_PATH = "/v1/trust/push"
JSON = "application/json"

_READ: tuple[type[TenureError], ...] = (InvalidRequest, AuthenticationRequired, Forbidden, DatabaseUnavailable)
_CHANGE = (*_READ, NotFound, Conflict)
LIST = Operation(
    summary="The drafts on the board, with whose signatures each has",
    answer=trust_wire.TrustDraftList, access=Access.TOKEN, refusals=_READ,
)  # fmt: skip
FETCH = Operation(
    summary="A draft as a file, to be verified, reviewed and signed elsewhere",
    request=trust_wire.DraftRequest, answer=JSON, access=Access.TOKEN, refusals=_CHANGE,
)  # fmt: skip
PUSH = Operation(
    summary="Hang up a draft, or add the signatures of a copy",
    method="POST", body=JSON, answer=trust_wire.TrustDraft, access=Access.TOKEN, refusals=_CHANGE,
)  # fmt: skip
SIGN = Operation(
    summary="Add signatures to a draft; one that does not verify is refused",
    method="POST", request=trust_wire.DraftRequest, body=trust_wire.SignaturesBody, answer=trust_wire.TrustDraft,
    access=Access.TOKEN, refusals=_CHANGE,
)  # fmt: skip
SUBMIT = Operation(
    summary="Publish a draft that no signature is missing of",
    method="POST", request=trust_wire.DraftRequest, answer=trust_wire.SubmittedDraft, access=Access.TOKEN,
    refusals=_CHANGE,
)  # fmt: skip
CANCEL = Operation(
    summary="Take a draft down for good: one's own, or any with the scope admin",
    method="POST", request=trust_wire.DraftRequest, body=trust_wire.CancelBody, answer=trust_wire.TrustDraft,
    access=Access.TOKEN, refusals=_CHANGE,
)  # fmt: skip
KEY_HOLDERS = Operation(
    summary="Whose key is whose", answer=trust_wire.KeyHolderList, access=Access.TOKEN, refusals=_READ
)


@dataclass(frozen=True, slots=True)
class TrustEndpoints:
    """The token is asked for before a body is read."""

    authentication: TokenAuthentication
    board: DraftBoard

    def drafts(self, request: Request) -> Response:
        self._reader(request)
        read(request, NoParameters)
        entries = [trust_wire.TrustDraft.of(entry) for entry in self.board.entries()]
        return _answer(trust_wire.TrustDraftList(drafts=entries))

    def key_holders(self, request: Request) -> Response:
        self._reader(request)
        read(request, NoParameters)
        names = self.board.key_holders()
        listed = [trust_wire.KeyHolder(key_id=keyid, name=name) for keyid, name in names.items()]
        return _answer(trust_wire.KeyHolderList(key_holders=listed))

    def fetch(self, request: Request) -> Response:
        self._reader(request)
        draft = self.board.fetch(_code(request))
        return Response(to_json(draft), headers=_PRIVATE, media_type=JSON)

    async def push(self, request: Request) -> Response:
        token = await run_in_threadpool(self._signer, request)
        data = await read_json(request)
        return await run_in_threadpool(self._push, data, token)

    async def sign(self, request: Request) -> Response:
        token = await run_in_threadpool(self._signer, request)
        body = await read_body(request, trust_wire.SignaturesBody)
        signatures = [each.signature_of_role() for each in body.signatures]
        entry = await run_in_threadpool(self.board.sign, _code(request), signatures, who=token.who)
        return _answer(trust_wire.TrustDraft.of(entry))

    def submit(self, request: Request) -> Response:
        token = self._signer(request)
        submitted = self.board.submit(_code(request), who=token.who, is_at_the_server=False)
        return _answer(
            trust_wire.SubmittedDraft(
                is_new=submitted.is_new, roles=list(submitted.roles), taken_up=list(submitted.taken_up)
            )
        )

    async def cancel(self, request: Request) -> Response:
        token = await run_in_threadpool(self._signer, request)
        body = await read_body(request, trust_wire.CancelBody)
        is_admin = Scope.ADMIN in token.scopes
        entry = await run_in_threadpool(
            self.board.cancel, _code(request), reason=body.reason, who=token.who, may_cancel_all=is_admin
        )
        return _answer(trust_wire.TrustDraft.of(entry))

    def _push(self, data: bytes, token: ApiToken) -> Response:
        try:
            draft = from_json(data)
        except SigningError as error:
            raise InvalidRequest(f"This is no draft: {error}.", code="invalid_draft") from error
        return _answer(trust_wire.TrustDraft.of(self.board.push(draft, who=token.who)))

    def _reader(self, request: Request) -> ApiToken:
        return require_one_of(self.authentication.token(request), Scope.TRUST, Scope.READ)

    def _signer(self, request: Request) -> ApiToken:
        return self.authentication.token(request, Scope.TRUST)


_PRIVATE = {"Cache-Control": "no-store", "Vary": "Authorization"}


def _code(request: Request) -> str:
    return read(request, trust_wire.DraftRequest).code


def _answer(answer: wire.Answer) -> Response:
    return Response(answer.model_dump_json(), headers=_PRIVATE, media_type=JSON)
