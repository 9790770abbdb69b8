"""``/v1/publishing/release-drafts``: what several people sign and approve, each on a machine of their own.

docs/publishing.md, Several people. What each address does can be done again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.release_drafts import DraftStanding
from tenure_server.errors import (
    AuthenticationRequired,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidRequest,
    NotFound,
    StoreUnavailable,
    TenureError,
)
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import read_body
from tenure_server.http.endpoint import Access, Endpoint, Operation
from tenure_server.http.reading import read
from tenure_server.http.release_draft_wire import (
    ApprovalBody,
    CancellationBody,
    DraftRequest,
    DraftsRequest,
    RebuildBody,
    ReleaseDay,
    ReleaseDayRequest,
    ReleaseDraft,
    ReleaseDraftBody,
    ReleaseDrafts,
    ReleaseSignaturesBody,
)
from tenure_server.http.wire import Answer
from tenure_server.use_cases.api_tokens import require_scope
from tenure_server.use_cases.change_release_draft import ChangeReleaseDraft
from tenure_server.use_cases.release_draft_standing import ListReleaseDrafts
from tenure_signing.names import ProductName

PREFIX = "/v1/publishing/release-drafts"

_READING: tuple[type[TenureError], ...] = (
    InvalidRequest,
    AuthenticationRequired,
    Forbidden,
    NotFound,
    DatabaseUnavailable,
)
_CHANGING = (*_READING, Conflict, StoreUnavailable)
DAY = Operation(
    summary="Which release day a publication at that instant has",
    request=ReleaseDayRequest, answer=ReleaseDay, access=Access.TOKEN, refusals=_READING,
)  # fmt: skip
LIST = Operation(
    summary="Release drafts under way, oldest first",
    request=DraftsRequest, answer=ReleaseDrafts, access=Access.TOKEN, refusals=_READING,
)  # fmt: skip
SHOW = Operation(
    summary="A release draft with the role that is to be signed",
    request=DraftRequest, answer=ReleaseDraft, access=Access.TOKEN, refusals=_READING,
)  # fmt: skip
MAKE = Operation(
    summary="Make a release draft, or add signatures to the same one",
    method="POST", body=ReleaseDraftBody, answer=ReleaseDraft, access=Access.TOKEN, refusals=_CHANGING,
)  # fmt: skip
SIGN = Operation(
    summary="Add signatures; what is complete is published, or waits for its time",
    method="POST", request=DraftRequest, body=ReleaseSignaturesBody, answer=ReleaseDraft, access=Access.TOKEN,
    refusals=_CHANGING,
)  # fmt: skip
APPROVE = Operation(
    summary="Approve, as the person whose the token is",
    method="POST", request=DraftRequest, body=ApprovalBody, answer=ReleaseDraft, access=Access.TOKEN,
    refusals=_CHANGING,
)  # fmt: skip
REBUILD = Operation(
    summary="Put the same change on top of what is published now; signatures and approvals begin anew",
    method="POST", request=DraftRequest, body=RebuildBody, answer=ReleaseDraft, access=Access.TOKEN,
    refusals=_CHANGING,
)  # fmt: skip
CANCEL = Operation(
    summary="Cancel a draft, a scheduled one too",
    method="POST", request=DraftRequest, body=CancellationBody, answer=ReleaseDraft, access=Access.TOKEN,
    refusals=_CHANGING,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReleaseDraftEndpoints:
    """The token is asked for before a body is read."""

    authentication: TokenAuthentication
    drafts: ListReleaseDrafts
    change: ChangeReleaseDraft

    def endpoints(self) -> Iterator[Endpoint]:
        """Every address. An address has one method, so a draft is made beside the list."""
        yield Endpoint("/v1/publishing/release-day", self.release_day, DAY)
        yield Endpoint(PREFIX, self.list, LIST)
        yield Endpoint(f"{PREFIX}/make", self.make, MAKE)
        yield Endpoint(f"{PREFIX}/{{draft}}", self.show, SHOW)
        yield Endpoint(f"{PREFIX}/{{draft}}/signatures", self.sign, SIGN)
        yield Endpoint(f"{PREFIX}/{{draft}}/approval", self.approve, APPROVE)
        yield Endpoint(f"{PREFIX}/{{draft}}/rebuild", self.rebuild, REBUILD)
        yield Endpoint(f"{PREFIX}/{{draft}}/cancel", self.cancel, CANCEL)

    def release_day(self, request: Request) -> Response:
        token = self.authentication.token(request)
        require_scope(token, Scope.PUBLISH, token.product)
        asked, policy = read(request, ReleaseDayRequest), self.drafts.policy
        today = policy.day_of(self.drafts.clock())
        return _json(ReleaseDay(today=today, release_day=policy.day_of(asked.at)))

    def list(self, request: Request) -> Response:
        token = self.authentication.token(request)
        asked = read(request, DraftsRequest)
        product = _readable(token, asked.product)
        found = self.drafts(product, over=asked.over)
        return _json(ReleaseDrafts(drafts=[ReleaseDraft.of(each, with_role=False) for each in found]))

    def show(self, request: Request) -> Response:
        token = self.authentication.token(request)
        standing = self.drafts.one(read(request, DraftRequest).draft)
        _readable(token, standing.draft.product)
        return _json(ReleaseDraft.of(standing, with_role=True))

    async def make(self, request: Request) -> Response:
        token = await self._token(request)
        body = await read_body(request, ReleaseDraftBody)
        return _draft(await run_in_threadpool(self.change.make, token, body.wish()))

    async def sign(self, request: Request) -> Response:
        token, draft = await self._token(request), read(request, DraftRequest).draft
        body = await read_body(request, ReleaseSignaturesBody)
        return _draft(await run_in_threadpool(self.change.sign, token, draft, body.code, body.signatures))

    async def approve(self, request: Request) -> Response:
        token, draft = await self._token(request), read(request, DraftRequest).draft
        body = await read_body(request, ApprovalBody)
        return _draft(await run_in_threadpool(self.change.approve, token, draft, body.code))

    async def rebuild(self, request: Request) -> Response:
        token, draft = await self._token(request), read(request, DraftRequest).draft
        body = await read_body(request, RebuildBody)
        return _draft(await run_in_threadpool(self.change.rebuild, token, draft, body.code, body.wish()))

    async def cancel(self, request: Request) -> Response:
        token, draft = await self._token(request), read(request, DraftRequest).draft
        body = await read_body(request, CancellationBody)
        return _draft(await run_in_threadpool(self.change.cancel, token, draft, reason=body.reason))

    async def _token(self, request: Request) -> ApiToken:
        return await run_in_threadpool(self.authentication.token, request)


def _readable(token: ApiToken, product: ProductName | None) -> ProductName | None:
    """The product whose drafts are shown: the one that was asked for, else the token's. Raises ``Forbidden``."""
    if Scope.READ in token.scopes:
        return product
    product = product if product is not None else token.product
    require_scope(token, Scope.PUBLISH, product)
    return product


def _draft(standing: DraftStanding) -> Response:
    return _json(ReleaseDraft.of(standing, with_role=False))


def _json(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Authorization"}
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
