"""What ``/v1/trust`` says and is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, PlainValidator, WithJsonSchema

from tenure_server.domain.trust_drafts import DraftState, parse_code
from tenure_server.http.bodies import BodyModel
from tenure_server.http.reading import IN_PATH, RequestModel
from tenure_server.http.wire import Answer
from tenure_server.use_cases.ports_board import BoardEntry
from tenure_signing.draft_signatures import RoleSignature

MAX_SIGNATURES = 200
MAX_REASON_CHARACTERS = 1000


class DraftRequest(RequestModel):
    code: Annotated[
        str,
        PlainValidator(parse_code),
        WithJsonSchema(
            {"type": "string", "pattern": "^[0-9a-f]{4}(-[0-9a-f]{4}){7}$", "description": "the draft's code"}
        ),
    ] = Field(json_schema_extra=IN_PATH)


class SignatureBody(BodyModel):
    role: Annotated[str, Field(max_length=64)]
    key_id: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    signature: Annotated[str, Field(pattern="^[0-9a-f]{2,4096}$", description="over the role, hexadecimal")]

    def signature_of_role(self) -> RoleSignature:
        return RoleSignature(self.role, self.key_id, self.signature)


class SignaturesBody(BodyModel):
    signatures: Annotated[list[SignatureBody], Field(min_length=1, max_length=MAX_SIGNATURES)]


class CancelBody(BodyModel):
    reason: Annotated[str, Field(max_length=MAX_REASON_CHARACTERS)]


class DraftSignatures(Answer):
    """Whose signatures a role has and lacks, by the word of one delegator. Key ids."""

    role: str
    asked_by: str = Field(description="such as `root version 3`")
    threshold: int
    signed: list[str]
    unsigned: list[str]


class TrustDraft(Answer):
    """A draft on the board. Nothing here is to be believed: fetch the draft and verify it."""

    code: str
    purpose: str
    state: DraftState
    roles: list[str]
    pushed_by: str
    pushed_at: datetime
    expires_at: datetime
    complete: bool = Field(description="no signature is missing")
    signatures: list[DraftSignatures] = Field(description="empty once the draft is closed")
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, entry: BoardEntry) -> Self:
        return cls(
            code=entry.code,
            purpose=entry.purpose,
            state=entry.state,
            roles=list(entry.roles),
            pushed_by=entry.pushed_by,
            pushed_at=entry.pushed_at,
            expires_at=entry.expires_at,
            complete=entry.is_complete,
            signatures=[
                DraftSignatures(
                    role=each.role,
                    asked_by=each.asked_by,
                    threshold=each.threshold,
                    signed=list(each.signed),
                    unsigned=list(each.unsigned),
                )
                for each in entry.requirements
            ],
            closed_by=entry.closed_by,
            closed_at=entry.closed_at,
            reason=entry.reason,
        )


class TrustDraftList(Answer):
    """Newest first."""

    drafts: list[TrustDraft]


class SubmittedDraft(Answer):
    is_new: bool = Field(description="false: it was published before")
    roles: list[str]
    taken_up: list[str] = Field(description="the server's own keys that are in use from now on")


class KeyHolder(Answer):
    key_id: str
    name: str


class KeyHolderList(Answer):
    """Whose key is whose, as this server keeps it: for people, and not signed."""

    key_holders: list[KeyHolder]
