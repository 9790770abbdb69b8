"""What answers look like on the wire. These types render every answer and are the source of ``/openapi.json``.

They are no domain objects: each is made from one, and none is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from tenure_server.domain.api_tokens import Scope
from tenure_server.domain.publishing import UploadState
from tenure_server.domain.signer_life import SignerMode
from tenure_server.use_cases.support_summary import RenewalOffer, SupportSummary
from tenure_signing import releases
from tenure_signing.coverage import CoverageReason, Covered, NotCovered, RefusalReason
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.update_choice import UpdateStatus, Withheld
from tenure_signing.versions import Kind


class Answer(BaseModel):
    """Every field is always there; what does not apply is null."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(Answer):
    """One of the faults of a request."""

    where: str = Field(description="such as `query.version` or `header.Tenure-Certificate`")
    problem: str


class Problem(Answer):
    """RFC 9457 problem details. Members that do not apply are left out."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="stable, for programs")
    hint: str | None = Field(default=None, description="what to do about it")
    errors: list[Fault] | None = Field(default=None, description="every fault of the request")
    incident: str | None = Field(default=None, description="the number under which the server logged its failure")


class Money(Answer):
    minor_units: int = Field(description="whole minor units, such as sen or cents")
    currency: str = Field(description="ISO 4217")

    @classmethod
    def of(cls, money: releases.Money) -> Self:
        return cls(minor_units=money.minor_units, currency=money.currency)


class Withdrawal(Answer):
    reason: str
    replacement: str | None = Field(description="the version to use in its place")

    @classmethod
    def of(cls, release: releases.Release | None) -> Self | None:
        if release is None or release.withdrawal is None:
            return None
        replacement = release.withdrawal.replacement
        return cls(reason=release.withdrawal.reason, replacement=str(replacement) if replacement is not None else None)


class Build(Answer):
    file_name: str
    os: str
    arch: str
    length: int = Field(description="bytes")
    sha256: str = Field(description="lower-case hexadecimal")
    path: str = Field(description="the TUF target path")
    url: str = Field(description="where to download it, with the licence key in the Authorization header")

    @classmethod
    def of(cls, build: releases.Build, base_url: str) -> Self:
        return cls(
            file_name=build.file_name,
            os=build.platform.os,
            arch=build.platform.arch,
            length=build.length,
            sha256=build.sha256,
            path=build.path,
            url=f"{base_url.rstrip('/')}/downloads/{build.path}",
        )


class SideFile(Answer):
    file_name: str
    kind: releases.SideFileKind
    length: int = Field(description="bytes")
    sha256: str = Field(description="lower-case hexadecimal")
    path: str = Field(description="the TUF target path")
    url: str = Field(description="where to download it, with the licence key in the Authorization header")

    @classmethod
    def of(cls, file: releases.SideFile, base_url: str) -> Self:
        return cls(
            file_name=file.file_name,
            kind=file.kind,
            length=file.length,
            sha256=file.sha256,
            path=file.path,
            url=f"{base_url.rstrip('/')}/downloads/{file.path}",
        )


class SupportPeriod(Answer):
    """Both ends inclusive."""

    starts_on: date
    ends_on: date


class Support(Answer):
    supported_today: bool
    last_covered_day: date | None
    days_left: int = Field(description="counts today and the last covered day; 0 when none is left")
    periods: list[SupportPeriod]

    @classmethod
    def of(cls, summary: SupportSummary) -> Self:
        return cls(
            supported_today=summary.is_supported_today,
            last_covered_day=summary.last_covered_day,
            days_left=summary.days_left,
            periods=[SupportPeriod(starts_on=p.starts_on, ends_on=p.ends_on) for p in summary.periods],
        )


class RenewalOption(Answer):
    years: int
    starts_on: date
    ends_on: date
    price: Money


class Renewal(Answer):
    can_be_ordered: bool
    state: str = Field(description="first_term, open, too_early, lapsed_closed, lapsed_gap or lapsed_backdate")
    last_call: bool
    opens_on: date | None
    closes_on: date | None
    options: list[RenewalOption]
    url: str

    @classmethod
    def of(cls, offer: RenewalOffer) -> Self:
        window = offer.window
        return cls(
            can_be_ordered=window.can_be_ordered,
            state=window.ordering.value,
            last_call=window.is_last_call,
            opens_on=window.opens_on,
            closes_on=window.closes_on,
            options=[
                RenewalOption(
                    years=option.years,
                    starts_on=option.period.starts_on,
                    ends_on=option.period.ends_on,
                    price=Money.of(option.price),
                )
                for option in offer.options
            ],
            url=offer.url,
        )


Reason = CoverageReason | RefusalReason | Withheld
"""Why a release is covered, or why it is not, or why it is withheld although it is covered."""


def reason_of(decision: Covered | NotCovered | Withheld) -> Reason:
    return decision if isinstance(decision, Withheld) else decision.reason


def price_of(decision: Covered | NotCovered | Withheld) -> Money | None:
    price = decision.price if isinstance(decision, NotCovered) else None
    return Money.of(price) if price is not None else None


class Installed(Answer):
    version: str
    withdrawn: Withdrawal | None = Field(description="set when the installed version was withdrawn")


class Offer(Answer):
    """The release to install next."""

    version: str
    kind: Kind
    released_on: date
    channel: str
    reason: CoverageReason
    downgrade: bool
    more_steps_follow: bool
    last_step: str | None = Field(description="the version where the steps lead")
    notes: str | None = Field(description="Markdown")
    builds: list[Build]


class Newest(Answer):
    """The newest release of all for this machine and channel, whether covered or not."""

    version: str
    kind: Kind
    released_on: date
    channel: str
    covered: bool
    reason: CoverageReason | RefusalReason
    price: Money | None = Field(description="per seat; with `upgrade_payment_due` only")


class UpdateCheck(Answer):
    """The complete answer to "is there an update for me?"."""

    status: UpdateStatus
    product: str
    edition: str
    channel: str
    pinned: str | None = Field(description="the line, such as 2 or 2.4, that the licence's copies stay at or below")
    installed: Installed
    offer: Offer | None
    newest: Newest | None
    support: Support
    renewal: Renewal
    certificate: str | None = Field(description="a fresh SMP certificate, where the request carried an old one")


class ListedRelease(Answer):
    version: str
    kind: Kind
    released_on: date
    channel: str
    downloadable: bool
    covered: bool
    reason: Reason
    price: Money | None = Field(description="per seat; with `upgrade_payment_due` only")
    withdrawn: Withdrawal | None
    notes: str | None = Field(description="Markdown")
    notes_language: str | None = Field(description="null: the product's own")
    builds: list[Build]
    side_files: list[SideFile] = Field(description="what lies beside the builds, such as an SBOM; never offered")


class ReleaseList(Answer):
    """Newest version first."""

    product: str
    edition: str
    releases: list[ListedRelease]
    next_cursor: str | None = Field(description="for the next page; null on the last")


class LicenceAnswer(Answer):
    licence_id: str
    product: str
    edition: str
    customer: str
    seats: int
    status: LicenceStatus
    status_reason: str | None
    purchased_on: date
    support: Support
    renewal: Renewal
    certificate: str = Field(description="a fresh SMP certificate")
    feeds: Mapping[str, str] = Field(description="feed addresses for updaters that can send no header; secret")


class TokenAnswer(Answer):
    """What an API token may do; never the token itself."""

    id: str
    name: str
    scopes: list[Scope]
    product: str | None = Field(description="the only one it publishes")
    channel: str | None = Field(description="the only one it publishes to; null: all of the product's")
    person: str | None = Field(description="whose it is; only such a token approves drafts")
    expires_at: datetime


class PartLink(Answer):
    """PUT `length` bytes of the build, from `offset` on, to `url`, without any credential. Not to be logged."""

    number: int
    offset: int
    length: int
    url: str


class Upload(Answer):
    """How far a build is."""

    is_stored: bool = Field(description="read back by the server and found right: nothing is left to do")
    parts: int
    missing: int = Field(description="0 and not stored: complete it")
    links: list[PartLink] = Field(description="for the first of the missing parts; ask again for more")

    @classmethod
    def of(cls, state: UploadState) -> Self:
        links = [PartLink(number=p.number, offset=p.offset, length=p.length, url=p.url) for p in state.links]
        return cls(is_stored=state.is_stored, parts=state.parts, missing=state.missing, links=links)


class PublishingPlan(Answer):
    """What a publisher has to know. What is signed is decided on its own machine."""

    product: str
    title: str
    editions: list[str]
    channels: list[str] = Field(description="most stable first")
    notes_language: str = Field(description="of the notes that every release has")
    today: date = Field(description="in the vendor's time zone")
    uploads: list[Upload] = Field(description="of the builds, in the order of the request; without links")


class PublishedRelease(Answer):
    product: str
    version: str
    is_new: bool = Field(description="false: it was published before")


class SignerHealth(Answer):
    mode: SignerMode
    last_signed: datetime | None = Field(description="when snapshot and timestamp were signed last")
    warning: str | None = Field(description="set when nobody signs who should")


class Health(Answer):
    status: str
    problems: list[Fault] = Field(description="what does not keep the server from its work")


class Ready(Health):
    signer: SignerHealth | None
