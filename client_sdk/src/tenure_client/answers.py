"""What the client answers: frozen values with every field of RULES.md, Which release an installed copy is offered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from tenure_signing.coverage import CoverageReason, RefusalReason
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, EditionName, Platform, ProductName
from tenure_signing.releases import Build, Money, SideFile, Withdrawal
from tenure_signing.update_choice import UpdateStatus
from tenure_signing.versions import Kind, Version


class Source(StrEnum):
    """Where an answer comes from."""

    SERVER = "server"  # asked just now, and checked against the signed facts
    KEPT = "kept"  # from what was kept of earlier answers, verified again


class KeptReason(StrEnum):
    """Why the answer is a kept one."""

    ASKED_FOR = "asked_for"  # nobody wanted the network
    SERVER_UNREACHABLE = "server_unreachable"
    SERVER_UNAVAILABLE = "server_unavailable"  # 5xx or 429
    SERVER_ASKED_TO_WAIT = "server_asked_to_wait"  # its Retry-After is not over yet
    METADATA_EXPIRED = "metadata_expired"  # the server's, or this computer's clock is wrong


@dataclass(frozen=True, slots=True)
class InstalledRelease:
    """The installed version; ``withdrawal`` when it was withdrawn, with the reason and perhaps a replacement."""

    version: Version
    withdrawal: Withdrawal | None


@dataclass(frozen=True, slots=True)
class OfferedRelease:
    """The release to install next. Every fact is signed; ``reason`` says why it is covered."""

    version: Version
    kind: Kind
    released_on: date
    channel: ChannelName
    reason: CoverageReason
    is_downgrade: bool
    last_step: Version | None  # where further steps lead after this one; None when this is the last
    notes: str | None  # Markdown, checked against its signed SHA-256; None when there are none or the answer is kept
    builds: tuple[Build, ...]  # for this machine, best fit first; at least one
    notes_language: Language | None = None  # None: the product's own
    side_files: tuple[SideFile, ...] = ()  # such as an SBOM; never to be installed

    @property
    def more_steps_follow(self) -> bool:
        return self.last_step is not None


@dataclass(frozen=True, slots=True)
class NewestRelease:
    """The newest release of all for this machine and channel. ``price`` per seat is set for a paid upgrade."""

    version: Version
    kind: Kind
    released_on: date
    channel: ChannelName
    is_covered: bool
    reason: CoverageReason | RefusalReason
    price: Money | None


@dataclass(frozen=True, slots=True)
class Support:
    """``days_left`` counts today and the last covered day; 0 when no covered day is left."""

    is_supported_today: bool
    last_covered_day: date | None
    days_left: int
    periods: tuple[SupportPeriod, ...]


@dataclass(frozen=True, slots=True)
class RenewalOption:
    """A term that can be ordered, now or when the window opens."""

    years: int
    period: SupportPeriod
    price: Money


@dataclass(frozen=True, slots=True)
class Renewal:
    """Whether renewal can be ordered today, until when, at what price and where.

    ``state`` is ``first_term``, ``open``, ``too_early``, ``lapsed_closed``, ``lapsed_gap`` or ``lapsed_backdate``; a
    later server may have others.
    """

    can_be_ordered: bool
    state: str
    is_last_call: bool
    opens_on: date | None
    closes_on: date | None
    options: tuple[RenewalOption, ...]
    url: str


@dataclass(frozen=True, slots=True)
class UpdateAnswer:
    """The complete answer. ``as_of`` is since when its facts are known: now for an answer from the server."""

    status: UpdateStatus
    product: ProductName
    edition: EditionName
    channel: ChannelName
    machine: Platform
    installed: InstalledRelease
    offer: OfferedRelease | None
    newest: NewestRelease | None
    licence_status: LicenceStatus
    support: Support
    renewal: Renewal | None  # None in a kept answer: windows and prices are the server's to say
    source: Source
    kept_reason: KeptReason | None  # None in an answer from the server
    as_of: datetime  # UTC: when the releases were last verified with the server
    certificate_as_of: datetime  # UTC: when the kept SMP certificate was issued
    next_check_after: datetime  # UTC: a suggestion that spreads checks and heeds the server's Retry-After
    pinned: str | None = None  # the line, such as 2 or 2.4, that the customer chose to stay at; ``newest`` may be above


@dataclass(frozen=True, slots=True)
class ActivationInfo:
    """This machine's seat of the licence, as the vendor signed it at ``as_of``."""

    licence_id: str
    machine: str  # a digest: the machine as this licence sees it
    activated_at: datetime
    valid_until: datetime | None  # None: for as long as the product runs, without asking again
    as_of: datetime
    is_over_limit: bool | None  # as the server said when it was asked just now, unsigned; None: it was not asked


@dataclass(frozen=True, slots=True)
class LicenceInfo:
    """The licence as its key and the kept certificate state it; ``status`` and ``periods`` are the certificate's."""

    licence_id: str
    product: ProductName
    edition: EditionName
    purchased_on: date
    seats: int
    hint: str  # the key's last characters, for people
    status: LicenceStatus | None
    periods: tuple[SupportPeriod, ...]
    certificate_as_of: datetime | None


@dataclass(frozen=True, slots=True)
class BundledRelease:
    """A release in a bundle. Every fact is signed; ``reason`` says why it is covered; ``builds`` are those in it."""

    version: Version
    kind: Kind
    released_on: date
    channel: ChannelName
    reason: CoverageReason
    builds: tuple[Build, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a verified bundle holds, and for which licence."""

    product: ProductName
    edition: EditionName
    licence_id: str
    releases: tuple[BundledRelease, ...]  # lowest first
    made_at: datetime  # UTC
    expires_at: datetime  # UTC: it is not taken any more from then on
    certificate_as_of: datetime  # UTC: of the newest SMP certificate known
