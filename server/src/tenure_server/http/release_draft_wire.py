"""Release drafts on the wire: bodies, queries and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, PlainValidator, WithJsonSchema

from tenure_server.domain.release_drafts import DraftAction, DraftStanding, DraftState, DraftWish
from tenure_server.http.bodies import BodyModel
from tenure_server.http.publishing import Product, Translations, VersionText
from tenure_server.http.reading import IN_PATH, RequestModel
from tenure_server.http.wire import Answer
from tenure_server.use_cases.publish import MAX_NOTES_BYTES
from tenure_signing.languages import Language
from tenure_signing.names import ProductName, parse_product
from tenure_signing.tuf_roles import policy_of
from tenure_signing.versions import parse_version

MAX_SIGNATURES = 20

_ID = {"type": "string", "maxLength": 20, "description": "the draft's id"}
Code = Annotated[str, Field(max_length=64, description="of the draft as it was looked at")]
KeyId = Annotated[str, Field(max_length=64)]
SignatureText = Annotated[str, Field(max_length=2048, pattern="^[0-9a-f]*$")]


def _draft_id(text: str) -> str:
    if len(text) > 20 or not text.isascii():
        raise ValueError("is no draft's id")
    return text


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant has a time zone")
    return instant


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("is true or false")
    return text == "true"


class DraftRequest(RequestModel):
    draft: Annotated[str, PlainValidator(_draft_id), WithJsonSchema(_ID)] = Field(json_schema_extra=IN_PATH)


class DraftsRequest(RequestModel):
    product: Annotated[
        ProductName | None,
        PlainValidator(parse_product),
        WithJsonSchema({"type": "string", "description": "default: the token's, or all"}),
    ] = None
    over: Annotated[
        bool,
        PlainValidator(_flag),
        WithJsonSchema({"type": "boolean", "description": "those that are over too: the last hundred, newest first"}),
    ] = False


class ReleaseDayRequest(RequestModel):
    at: Annotated[
        datetime, PlainValidator(_instant), WithJsonSchema({"type": "string", "description": "ISO 8601 with a zone"})
    ]


class ReleaseDraftBody(BodyModel):
    action: DraftAction
    product: Product
    version: VersionText | None = Field(default=None, description="null for lower_approvals")
    role: (
        Annotated[
            str, Field(max_length=policy_of("").max_bytes, description="the product's next role, signed or not yet")
        ]
        | None
    ) = Field(default=None, description="of publish, promote and withdraw")
    notes: Annotated[str, Field(max_length=MAX_NOTES_BYTES)] | None = Field(default=None, description="Markdown")
    translations: Translations = Field(default_factory=dict)
    share_basis_points: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        default=None, description="of installs that it reaches from then on"
    )
    lower_to: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, description="of lower_approvals")
    publish_at: AwareDatetime | None = Field(default=None, description="not before; of publish and promote")
    day_is_stated: bool = Field(
        default=False, description="somebody chose the release day; otherwise it has to be the day of publication"
    )
    although_needed: bool = Field(
        default=False, description="withdraw even where older installs reach other releases only through it"
    )

    def wish(self) -> DraftWish:
        return DraftWish(
            action=self.action,
            product=parse_product(self.product),
            version=parse_version(self.version) if self.version is not None else None,
            role=self.role.encode() if self.role is not None else None,
            notes=self.notes,
            translations=tuple(sorted((Language(k), v) for k, v in self.translations.items())),
            share_basis_points=self.share_basis_points,
            lower_to=self.lower_to,
            publish_at=self.publish_at,
            day_is_stated=self.day_is_stated,
            although_needed=self.although_needed,
        )


class RebuildBody(ReleaseDraftBody):
    code: Code


def _few(signatures: dict[str, str]) -> dict[str, str]:
    if not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise ValueError(f"1 to {MAX_SIGNATURES} signatures")
    return signatures


class ReleaseSignaturesBody(BodyModel):
    code: Code
    signatures: Annotated[dict[KeyId, SignatureText], AfterValidator(_few)] = Field(
        description="by key id, in lower-case hexadecimal"
    )


class ApprovalBody(BodyModel):
    code: Code


class CancellationBody(BodyModel):
    reason: Annotated[str, Field(max_length=500)]


class ReleaseDraft(Answer):
    """How far a draft is. What it changes is to be found in its role, measured at verified metadata."""

    id: str
    action: DraftAction
    product: str
    version: str | None
    channel: str | None
    state: DraftState
    standing: str = Field(description="the same for people")
    reason: str | None = Field(description="of a cancellation")
    stale: str | None = Field(description="why it can no longer be published as it is")
    code: str
    payload_sha256: str = Field(description="of what is signed")
    made_at: datetime
    makers: list[str]
    released_on: date | None
    publish_at: datetime | None
    day_is_stated: bool
    share_basis_points: int | None
    lower_to: int | None
    notes: str | None
    translations: dict[str, str] = Field(description="of the notes, by language")
    builds: list[str] = Field(description="file names that it adds")
    threshold: int
    signed: list[str] = Field(description="key ids")
    may_sign: list[str] = Field(description="key ids of those who have not")
    signatures: dict[str, str] = Field(description="of a resumption, by key id")
    approvals_needed: int
    approved_by: list[str]
    role: str | None = Field(description="with the signatures so far; only where one draft is shown, until it is over")

    @classmethod
    def of(cls, standing: DraftStanding, *, with_role: bool) -> Self:
        draft = standing.draft
        return cls(
            id=draft.draft_id,
            action=draft.action,
            product=draft.product,
            version=str(draft.version) if draft.version is not None else None,
            channel=draft.channel,
            state=draft.state,
            standing=standing.words,
            reason=draft.reason,
            stale=standing.problem,
            code=draft.code,
            payload_sha256=draft.payload_sha256,
            made_at=draft.made_at,
            makers=list(draft.makers),
            released_on=standing.released_on,
            publish_at=draft.publish_at,
            day_is_stated=draft.day_is_stated,
            share_basis_points=draft.share_basis_points,
            lower_to=draft.lower_to,
            notes=draft.notes,
            translations={str(language): text for language, text in draft.translations},
            builds=list(standing.builds),
            threshold=standing.threshold,
            signed=list(standing.signed),
            may_sign=list(standing.may_sign),
            signatures=dict(draft.signatures),
            approvals_needed=standing.approvals_needed,
            approved_by=list(draft.approved_by),
            role=draft.role.decode() if with_role and draft.role else None,
        )


class ReleaseDrafts(Answer):
    drafts: list[ReleaseDraft]


class ReleaseDay(Answer):
    today: date = Field(description="in the vendor's time zone")
    release_day: date = Field(description="the same of the instant that was asked for")
