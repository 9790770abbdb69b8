"""``PUT /uploads/<id>/<number>``: a part of a build comes into the embedded store. The link is the credential."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Protocol

from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.errors import Forbidden, InvalidRequest, NotFound, StoreUnavailable
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.reading import IN_PATH, RequestModel

_GATHERED_BYTES = 1024 * 1024


class OpenedPart(Protocol):
    """One part while it is written; there, whole, when ``finish`` returns."""

    def write(self, piece: bytes) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


class SignedParts(Protocol):
    def open_part(self, upload_id: str, number: str, *, expires: str, length: str, signature: str) -> OpenedPart:
        """Raises ``Forbidden`` for a link that is wrong or over, ``NotFound`` when the upload is gone."""
        ...


def _text(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description})


class PartRequest(RequestModel):
    """The parts of a signed link. Links are used as they were given, so this only describes them."""

    upload: Annotated[str, PlainValidator(str), _text("the upload's id")] = Field(json_schema_extra=IN_PATH)
    number: Annotated[str, PlainValidator(str), _text("of the part, from 1")] = Field(json_schema_extra=IN_PATH)
    expires: Annotated[str, PlainValidator(str), _text("Unix seconds")]
    length: Annotated[str, PlainValidator(str), _text("of the part in bytes, exactly")]
    signature: Annotated[str, PlainValidator(str), _text("lower-case hexadecimal")]


PART = Operation(
    summary="Send a part of a build to the embedded store",
    method="PUT",
    request=PartRequest,
    body="application/octet-stream",
    answer=None,
    status=HTTPStatus.NO_CONTENT,
    access=Access.LINK,
    refusals=(InvalidRequest, Forbidden, NotFound, StoreUnavailable),
)


@dataclass(frozen=True, slots=True)
class LocalStoreUploads:
    parts: SignedParts

    async def put(self, request: Request) -> Response:
        """The part, in bounded memory; whatever breaks off leaves nothing."""
        query = request.query_params
        part = await run_in_threadpool(
            self.parts.open_part,
            request.path_params["upload"],
            request.path_params["number"],
            expires=query.get("expires", ""),
            length=query.get("length", ""),
            signature=query.get("signature", ""),
        )
        try:
            gathered = bytearray()
            async for piece in request.stream():
                gathered += piece
                if len(gathered) >= _GATHERED_BYTES:
                    await run_in_threadpool(part.write, bytes(gathered))
                    gathered.clear()
            await run_in_threadpool(part.write, bytes(gathered))
            await run_in_threadpool(part.finish)
        finally:
            await run_in_threadpool(part.close)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})
