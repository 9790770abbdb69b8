"""Whether the installation is well: database, store, signer, and how long the signed metadata still lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tenure_server.domain.release_drafts import DraftStanding
from tenure_server.domain.signer_life import SignerMode, signer_warning
from tenure_server.domain.webhooks import WebhookEndpoint
from tenure_server.errors import DatabaseUnavailable, StoreUnavailable, TenureError
from tenure_server.use_cases.catalogue import read_catalogue, read_repository
from tenure_server.use_cases.ports import Database, ObjectStore, Records
from tenure_server.use_cases.release_draft_standing import ListReleaseDrafts
from tenure_signing.tuf_publishing import role_expiries, roles_to_resign
from tenure_signing.tuf_repository import Repository, load_any
from tenure_signing.tuf_roles import ONLINE_ROLES, TIMESTAMP, policy_of

LATE_AFTER = timedelta(minutes=1)
MOST_COUNTED = 10_000
"""Reminders that wait; more are not counted."""


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """``is_due``: the role should be signed anew by now; online roles are, by the server itself.

    ``needs_people``: due and offline, or expired.
    """

    name: str
    version: int
    expires: datetime
    days_left: int  # negative once expired
    is_due: bool

    @property
    def needs_people(self) -> bool:
        return self.days_left < 0 or (self.is_due and self.name not in ONLINE_ROLES)


@dataclass(frozen=True, slots=True)
class SignerStatus:
    """``last_signed`` is what the timestamp says; ``waiting`` counts what the server has asked for. ``warning`` is set
    when nobody signs who should."""

    mode: SignerMode
    last_signed: datetime | None = None
    waiting: int = 0
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """``*_problem`` is None where there is none."""

    database_problem: str | None
    store_problem: str | None
    products: int = 0
    releases: int = 0
    roles: tuple[RoleStatus, ...] = ()
    damaged_products: Mapping[str, str] = field(default_factory=dict)  # and why they cannot be served
    drafts: tuple[DraftStanding, ...] = ()  # release drafts under way
    late_drafts: tuple[str, ...] = ()  # ids of those that should be published by now
    disabled_webhooks: tuple[WebhookEndpoint, ...] = ()
    delayed_reminders: int = 0  # that the mail server did not take yet
    signer: SignerStatus = SignerStatus(SignerMode.EMBEDDED)
    publication_counter: int = 0

    @property
    def is_well(self) -> bool:
        """Everything answers, whoever signs is there, and nothing needs people."""
        if self.disabled_webhooks or self.delayed_reminders:
            return False
        has_metadata = bool(self.roles) and not any(role.needs_people for role in self.roles)
        answers = self.database_problem is None and self.store_problem is None
        signs = self.signer.warning is None
        return answers and has_metadata and signs and not self.damaged_products and not self.late_drafts


def system_status(
    database: Database,
    store: ObjectStore,
    now: datetime,
    signer: SignerMode = SignerMode.EMBEDDED,
    drafts: ListReleaseDrafts | None = None,
) -> SystemStatus:
    """Asks everything and raises nothing that the answer can say."""
    store_problem = None
    try:
        store.check()
    except StoreUnavailable as error:
        store_problem = _problem(error)
    try:
        database.check()
        with database.reading() as records:
            repository = read_repository(records)
            catalogue = read_catalogue(records)
            signing = signer_status(records, repository, now, signer)
            webhooks = records.webhooks.all()
            waiting = records.reminders.queued(limit=MOST_COUNTED)
        under_way = drafts() if drafts is not None else ()
    except DatabaseUnavailable as error:
        return SystemStatus(_problem(error), store_problem, signer=SignerStatus(signer))
    due = roles_to_resign(repository, now) if repository.roots else ()
    expiries = role_expiries(repository) if repository.roots else {}
    return SystemStatus(
        database_problem=None,
        store_problem=store_problem,
        products=len(catalogue.products),
        releases=sum(len(product.releases) for product in catalogue.products.values()),
        roles=tuple(
            RoleStatus(name, version, expires, (expires - now).days, name in due)
            for name, (version, expires) in expiries.items()
        ),
        damaged_products={str(name): problem for name, problem in catalogue.damaged.items()},
        drafts=under_way,
        late_drafts=tuple(each.draft.draft_id for each in under_way if _is_late(each, now)),
        disabled_webhooks=tuple(one for one in webhooks if one.disabled_at is not None),
        delayed_reminders=sum(1 for one in waiting if one.attempts > 0),
        signer=signing,
        publication_counter=catalogue.counter,
    )


def signer_status(records: Records, repository: Repository, now: datetime, mode: SignerMode) -> SignerStatus:
    """An embedded signer is silent whenever nothing is served; that is no fault until metadata expires."""
    last_signed = None
    if TIMESTAMP in repository.roles:
        timestamp = load_any(TIMESTAMP, repository.roles[TIMESTAMP]).signed
        last_signed = timestamp.expires - policy_of(TIMESTAMP).lifetime
    return SignerStatus(
        mode=mode,
        last_signed=last_signed,
        waiting=records.publication_requests.count_waiting(),
        warning=signer_warning(records.signer_lives.all(), mode, now),
    )


def _is_late(standing: DraftStanding, now: datetime) -> bool:
    """Whether a scheduled release will not be published, or should have been, with a minute for the server to do it."""
    at = standing.draft.publish_at
    return at is not None and (standing.is_stale or at + LATE_AFTER <= now)


def _problem(error: TenureError) -> str:
    return f"{error} {error.hint}" if error.hint is not None else str(error)
