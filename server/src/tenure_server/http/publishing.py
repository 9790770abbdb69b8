"""``/v1/publishing/…``: a release comes from an engineer's or a build server's machine. docs/publishing.md.

What each address does can be done again; a publisher that was broken off begins at the first and skips what is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.publishing import UploadState
from tenure_server.errors import (
    SignerSilent,
    StoreUnavailable,
)
from tenure_server.http import wire
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.refusals import CHANGE_REFUSALS
from tenure_server.use_cases.api_tokens import require_scope
from tenure_server.use_cases.publish import MAX_NOTES_BYTES
from tenure_server.use_cases.publish_signed import PlanPublishing, PublishesReleases, SignedRelease
from tenure_server.use_cases.upload_builds import MAX_BUILD_BYTES, UploadBuilds
from tenure_signing.languages import parse_language
from tenure_signing.names import parse_channel, parse_file_name, parse_platform, parse_product
from tenure_signing.problem_numbers import MAX_FIXES, parse_problem_number
from tenure_signing.release_record import MAX_TRANSLATIONS, target_path
from tenure_signing.releases import Build
from tenure_signing.tuf_roles import policy_of
from tenure_signing.versions import MAX_VERSION_CHARACTERS, parse_version

MAX_BUILDS = 200


def _version(text: str) -> str:
    if str(parse_version(text)) != text:
        raise ValueError("a version is written in its normal form here")
    return text


def _language(text: str) -> str:
    if parse_language(text) != text:
        raise ValueError("a language is written in lower case here")
    return text


def _problem(text: str) -> str:
    if parse_problem_number(text) != text:
        raise ValueError("a problem's number is written P-17 here")
    return text


def _platform(text: str) -> str:
    return str(parse_platform(text))


Product = Annotated[str, Field(max_length=64), AfterValidator(parse_product)]
Channel = Annotated[str, Field(max_length=64), AfterValidator(parse_channel)]
VersionText = Annotated[str, Field(max_length=MAX_VERSION_CHARACTERS), AfterValidator(_version)]


class AnnouncedBuild(BodyModel):
    file_name: Annotated[str, Field(max_length=200), AfterValidator(parse_file_name)]
    platform: Annotated[str, Field(max_length=64), AfterValidator(_platform)]
    length: Annotated[int, Field(ge=1, le=MAX_BUILD_BYTES, description="bytes")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    sha1: Annotated[str, Field(pattern="^[0-9a-f]{40}$")] | None = None

    def build(self, product: str, version: str) -> Build:
        file_name = parse_file_name(self.file_name)
        return Build(
            path=target_path(parse_product(product), parse_version(version), file_name),
            file_name=file_name,
            platform=parse_platform(self.platform),
            length=self.length,
            sha256=self.sha256,
            sha1=self.sha1,
        )


Translations = Annotated[
    dict[Annotated[str, AfterValidator(_language)], Annotated[str, Field(max_length=MAX_NOTES_BYTES)]],
    Field(max_length=MAX_TRANSLATIONS, description="of the notes, by language"),
]


class DraftBody(BodyModel):
    product: Product
    version: VersionText
    channel: Channel | None = Field(default=None, description="where it will be published, if that is known")
    builds: Annotated[list[AnnouncedBuild], Field(max_length=MAX_BUILDS)]
    fixes: Annotated[
        list[Annotated[str, Field(max_length=20), AfterValidator(_problem)]],
        Field(max_length=MAX_FIXES, description="problem records that a version not published yet will name"),
    ] = Field(default_factory=list)


class UploadBody(BodyModel):
    product: Product
    version: VersionText
    build: AnnouncedBuild


class PublishBody(BodyModel):
    product: Product
    version: VersionText
    role: Annotated[
        str, Field(max_length=policy_of("").max_bytes, description="the signed role, character by character")
    ]
    notes: Annotated[str, Field(max_length=MAX_NOTES_BYTES)] | None = Field(default=None, description="Markdown")
    share_basis_points: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        default=None, description="of installs that a new version reaches at first"
    )
    translations: Translations = Field(default_factory=dict)


_REFUSALS = (*CHANGE_REFUSALS, StoreUnavailable)
DRAFT = Operation(
    summary="What a publisher has to know, and how far its builds are; changes nothing",
    method="POST", body=DraftBody, answer=wire.PublishingPlan, access=Access.TOKEN, refusals=_REFUSALS,
)  # fmt: skip
UPLOAD = Operation(
    summary="Begin a build's upload or go on with it: links for the first missing parts",
    method="POST", body=UploadBody, answer=wire.Upload, access=Access.TOKEN, refusals=_REFUSALS,
)  # fmt: skip
COMPLETE = Operation(
    summary="Put a build's parts together, read them back and compare length and SHA-256",
    method="POST", body=UploadBody, answer=wire.Upload, access=Access.TOKEN, refusals=_REFUSALS,
)  # fmt: skip
PUBLISH = Operation(
    summary="Publish a release that the product's keys have signed",
    method="POST", body=PublishBody, answer=wire.PublishedRelease, access=Access.TOKEN,
    refusals=(*_REFUSALS, SignerSilent),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PublishingEndpoints:
    """The token is asked for before a body is read."""

    authentication: TokenAuthentication
    plan: PlanPublishing
    uploads: UploadBuilds
    publish: PublishesReleases

    async def draft(self, request: Request) -> Response:
        token = await self._token(request)
        body = await read_body(request, DraftBody)
        builds = [build.build(body.product, body.version) for build in body.builds]
        channel = parse_channel(body.channel) if body.channel is not None else None
        fixes = [parse_problem_number(each) for each in body.fixes]
        plan = await run_in_threadpool(self.plan, token, parse_product(body.product), channel, builds, fixes)
        return _answer(
            wire.PublishingPlan(
                product=plan.product.name,
                title=plan.product.title,
                editions=list(plan.product.editions),
                channels=list(plan.product.channels),
                notes_language=plan.product.notes_language,
                today=plan.today,
                uploads=[wire.Upload.of(state) for state in plan.uploads],
            )
        )

    async def upload(self, request: Request) -> Response:
        build = await self._build(request)
        return _answer(wire.Upload.of(await run_in_threadpool(self.uploads.send, build)))

    async def complete(self, request: Request) -> Response:
        build = await self._build(request)
        await run_in_threadpool(self.uploads.complete, build)
        return _answer(wire.Upload.of(UploadState(True, 0, 0)))

    async def publish_release(self, request: Request) -> Response:
        token = await self._token(request)
        body = await read_body(request, PublishBody)
        signed = SignedRelease(
            product=parse_product(body.product),
            version=parse_version(body.version),
            role=body.role.encode(),
            notes=body.notes,
            share_basis_points=body.share_basis_points,
            translations={parse_language(language): text for language, text in body.translations.items()},
        )
        published = await run_in_threadpool(self.publish, signed, token)
        release = published.release
        return _answer(
            wire.PublishedRelease(product=release.product, version=str(release.version), is_new=published.is_new)
        )

    async def _build(self, request: Request) -> Build:
        """The build that is uploaded, once it is known that the token may."""
        token = await self._token(request)
        body = await read_body(request, UploadBody)
        require_scope(token, Scope.PUBLISH, parse_product(body.product))
        return body.build.build(body.product, body.version)

    async def _token(self, request: Request) -> ApiToken:
        return await run_in_threadpool(self.authentication.token, request)


def _answer(answer: wire.Answer) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Authorization"}
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
