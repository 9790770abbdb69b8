"""One installation put together: settings in, database, store, keys and use cases out.

With ``app.py`` (HTTP) and ``cli`` the only place that knows the adapters.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from tenure_server.adapters.air_gap_keys import AirGapKeyFiles
from tenure_server.adapters.bundle_writer import ZipBundleWriter
from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.database.engine import sqlite_file
from tenure_server.adapters.database.keep_snapshot import KeepSnapshot
from tenure_server.adapters.database.snapshot import Snapshot
from tenure_server.adapters.database.standing_in import DatabaseWithSnapshot
from tenure_server.adapters.key_folder import KeyFolder, NotInitialised
from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.local_uploads import LocalUploads
from tenure_server.adapters.metadata_reader import metadata_of_server as metadata_of_server
from tenure_server.adapters.mirror_targets import mirror_target
from tenure_server.adapters.online_key_ring import OnlineKeyFiles, secret_of_the_signer
from tenure_server.adapters.publishing_server import HttpPublishingServer
from tenure_server.adapters.release_drafts_server import HttpReleaseDraftsServer
from tenure_server.adapters.reminder_mail import ReminderMail
from tenure_server.adapters.s3_store import S3Settings, S3Store, s3_store
from tenure_server.adapters.sealing import AesSealer
from tenure_server.adapters.server_connection import ServerConnection
from tenure_server.adapters.smtp_mailer import SmtpMailer, SmtpSettings, password_in
from tenure_server.adapters.sodium import by_sodium
from tenure_server.adapters.stripe_signature import is_from_stripe
from tenure_server.adapters.trust_server import HttpDraftBoard
from tenure_server.adapters.webhook_sender import WebhookSender
from tenure_server.errors import Conflict, DatabaseUnavailable
from tenure_server.http.shop_webhooks import ShopWebhooks
from tenure_server.papers.quote_paper import Vendor
from tenure_server.settings import Settings
from tenure_server.use_cases.add_product import AddProduct
from tenure_server.use_cases.air_gap_root import AcceptAirGapRoot, DraftAirGapRoot
from tenure_server.use_cases.answer_requests import AnswerRequests
from tenure_server.use_cases.api_tokens import AuthenticateToken, CreateToken, RevokeToken
from tenure_server.use_cases.ask_signer import AskSigner, AskToPublish, AskToSubmit
from tenure_server.use_cases.catalogue import CatalogueSource, read_repository
from tenure_server.use_cases.change_licence import AddPeriodByHand, ChangeStatus
from tenure_server.use_cases.change_release_draft import ChangeReleaseDraft
from tenure_server.use_cases.change_rollout import ChangeRollout
from tenure_server.use_cases.change_update_rules import ChangeUpdateRules
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.create_bundle import CreateBundle
from tenure_server.use_cases.customers import (
    AddCustomer,
    AnonymiseCustomer,
    ChangeCustomer,
    DeleteCustomer,
    ListCustomers,
)
from tenure_server.use_cases.deliver_webhooks import DeliverWebhooks
from tenure_server.use_cases.download import Download
from tenure_server.use_cases.draft_board import DraftBoard
from tenure_server.use_cases.explain_update import ExplainUpdate
from tenure_server.use_cases.feed_tokens import FeedTokens
from tenure_server.use_cases.finish_release_draft import FinishReleaseDraft, PublishDueDrafts
from tenure_server.use_cases.grant_release import GrantRelease
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.import_licences import ImportLicences
from tenure_server.use_cases.initialise import Initialise
from tenure_server.use_cases.issue_licence import IssueLicence
from tenure_server.use_cases.keep_metadata_fresh import KeepMetadataFresh
from tenure_server.use_cases.key_holders import NameKeyHolder
from tenure_server.use_cases.licence_cache import LicenceCache
from tenure_server.use_cases.licence_status import ShowLicence
from tenure_server.use_cases.list_releases import ListReleases
from tenure_server.use_cases.make_report import MakeReport
from tenure_server.use_cases.manage_webhooks import ManageWebhooks
from tenure_server.use_cases.mirror import Mirror
from tenure_server.use_cases.orders import CancelOrder, ConfirmPayment, ListOrders, PlaceOrder, RefundOrder
from tenure_server.use_cases.ports import Clock, Database, ObjectStore, UploadStore
from tenure_server.use_cases.ports_board import Board
from tenure_server.use_cases.ports_mail import Mailer
from tenure_server.use_cases.ports_mirror import MirrorTarget
from tenure_server.use_cases.ports_webhooks import Sealer, SendWebhook
from tenure_server.use_cases.promote import Promote
from tenure_server.use_cases.publish import Publish
from tenure_server.use_cases.publish_remotely import PublishRemotely
from tenure_server.use_cases.publish_signed import PlanPublishing, PublishesReleases, PublishSigned
from tenure_server.use_cases.quotes import AcceptQuote, ListQuotes, MakeQuote, WithdrawQuote
from tenure_server.use_cases.read_events import ReadEvents
from tenure_server.use_cases.receive_payment import ReceivePayment
from tenure_server.use_cases.release_draft_standing import ListReleaseDrafts
from tenure_server.use_cases.release_drafts_remotely import PublishByDraft, ReleaseDraftsRemotely
from tenure_server.use_cases.remind import RemindCustomers
from tenure_server.use_cases.reminder_choice import ReminderChoice
from tenure_server.use_cases.reminder_facts import ReminderFactsOf
from tenure_server.use_cases.reminder_links import ReminderLinks
from tenure_server.use_cases.renew_support import RenewSupport
from tenure_server.use_cases.report_install import PendingReports, ReportInstall, WriteReports
from tenure_server.use_cases.seen_licences import SeenLicences
from tenure_server.use_cases.sell import Selling
from tenure_server.use_cases.set_approvals import RaiseApprovals
from tenure_server.use_cases.set_notes_language import SetNotesLanguage
from tenure_server.use_cases.show_rollout import ShowRollout
from tenure_server.use_cases.show_webhooks import ShowWebhooks
from tenure_server.use_cases.signers import CertificateSigner, OnlineSigners
from tenure_server.use_cases.submit_draft import SubmitDraft, SubmitsDrafts
from tenure_server.use_cases.take_up_keys import TakeUpKeys
from tenure_server.use_cases.upload_builds import UploadBuilds
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_server.use_cases.warn_of_expiry import WarnOfExpiry
from tenure_server.use_cases.withdraw import Withdraw
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import SNAPSHOT, TIMESTAMP


@contextmanager
def remote_drafts(url: str, token: str, first_root: bytes, clock: Clock) -> Iterator[PublishByDraft]:
    """Publishing and release drafts on the server at the URL, trusting what that root leads to and nothing else.

    No installation is needed on this machine. Raises ``InvalidRequest`` for a URL that cannot be used.
    """
    server, connection = HttpPublishingServer(url, token), ServerConnection(url, token)

    def metadata() -> Repository:
        return metadata_of_server(url, first_root, clock(), token).repository

    try:
        drafts = ReleaseDraftsRemotely(HttpReleaseDraftsServer(connection), metadata, clock)
        yield PublishByDraft(PublishRemotely(server, metadata, clock), drafts)
    finally:
        server.close()
        connection.close()


@contextmanager
def remote_board(url: str, token: str) -> Iterator[Board]:
    """The board of drafts of the server at the URL. Raises ``InvalidRequest`` for a URL that cannot be used."""
    board = HttpDraftBoard(url, token)
    try:
        yield board
    finally:
        board.close()


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """Parts are made when first asked for, so that a command opens only what it needs.

    ``clock`` says which day it is for entitlements. ``signing_clock`` dates TUF metadata, which clients compare with
    their own clocks, so it is always the real one. ``is_signer``: this is ``tenure signer``, which gives out no links
    and signs neither licence keys nor certificates, so it needs no other key than snapshot and timestamp.
    ``answers_requests``: a snapshot stands in for the database while that is away.
    """

    settings: Settings
    clock: Clock = utc_now
    signing_clock: Clock = utc_now
    is_signer: bool = False
    answers_requests: bool = False

    @cached_property
    def database(self) -> Database:
        if not self.answers_requests:
            return self._live_database
        return DatabaseWithSnapshot(self._live_database, self.snapshot, self.upgrade_schema)

    @cached_property
    def _live_database(self) -> SqlDatabase:
        return SqlDatabase(self.settings.sqlalchemy_url)

    @cached_property
    def snapshot(self) -> Snapshot:
        return Snapshot(self.settings.data_dir / "snapshot.db")

    @cached_property
    def keep_snapshot(self) -> KeepSnapshot:
        """For a process that answers requests."""
        database = self.database
        assert isinstance(database, DatabaseWithSnapshot)
        return KeepSnapshot(
            self._live_database,
            self.snapshot,
            self.seen_licences.take,
            self.signing_clock,
            is_away=database.is_away,
        )

    def stand_in(self, error: DatabaseUnavailable) -> None:
        """The snapshot answers until the database is back, in this process or in its workers.

        Raises the error if nothing was copied yet.
        """
        if isinstance(self.database, DatabaseWithSnapshot):
            self.database.stand_in(error)
        elif self.snapshot.state() is None:
            raise error

    def close(self) -> None:
        """Close what was opened; the next use opens it again."""
        opened = vars(self)
        for name in ("database", "_live_database", "snapshot"):
            if isinstance(part := opened.get(name), DatabaseWithSnapshot | SqlDatabase | Snapshot):
                part.close()

    def upgrade_schema(self) -> None:
        """Bring the database to the schema this code expects.

        Raises ``DatabaseUnavailable``, also where SQLite's file is gone and a snapshot tells that there was one: an
        empty database in its place would answer that no licence is known.
        """
        file = sqlite_file(self.settings.sqlalchemy_url)
        if file is not None and not file.exists() and self.snapshot.state() is not None:
            raise DatabaseUnavailable(
                "The database file is gone.", hint="put it back; to begin anew, remove snapshot.db from the data folder"
            )
        upgrade_schema(self.settings.sqlalchemy_url)

    @cached_property
    def keys(self) -> KeyFolder:
        return KeyFolder(self.settings.keys_path)

    @cached_property
    def online_keys(self) -> OnlineKeyFiles:
        """The online keys and those made to follow them, for ceremonies that change them."""
        return OnlineKeyFiles(
            self.keys.online,
            self.settings.online_key_uris,
            secret_of_the_signer(self.settings.signer_pin, self.settings.signer_pin_file),
            has_statement_keys=not self.is_signer,
        )

    @property
    def signer_is_elsewhere(self) -> bool:
        """Whether snapshot and timestamp are signed by another process than this one."""
        return self.settings.signer == "external" and not self.is_signer

    def online_signers(self) -> OnlineSigners:
        """This process's signers whose keys the published root names; before the first root, those it will name.

        Raises ``NotInitialised``, ``KeySourceError`` and ``Conflict`` (``online_keys_missing``, ``…_elsewhere``).
        """
        with self.database.reading() as records:
            repository = read_repository(records)
        try:
            return self._online_signers_of(repository) if repository.roots else self.online_keys.first_signers()
        except (Conflict, NotInitialised):
            if not self.signer_is_elsewhere:
                raise
        raise Conflict(
            "The online keys are the external signer's: they are not here.",
            code="online_keys_elsewhere",
            hint="publish with tenure publish --server, change the rest by drafts: tenure trust draft",
        )

    @property
    def local_store(self) -> LocalStore | None:
        """The embedded store, unless builds lie in S3."""
        return self.store if isinstance(self.store, LocalStore) else None

    @cached_property
    def store(self) -> ObjectStore:
        settings = self.settings
        if settings.s3_bucket is None:
            return LocalStore(
                settings.data_dir / "store",
                base_url=settings.public_url,
                link_key=self._link_key("download links"),
                clock=self.signing_clock,
            )
        return s3_store(self._s3_settings(settings.s3_bucket))

    def _s3_settings(self, bucket: str) -> S3Settings:
        settings = self.settings
        return S3Settings(
            bucket=bucket,
            prefix=settings.s3_prefix.rstrip("/"),
            endpoint_url=settings.s3_endpoint_url,
            public_endpoint_url=settings.s3_public_endpoint_url,
            region=settings.s3_region,
            addressing_style=settings.s3_addressing,
            access_key_id=settings.s3_access_key_id,
            secret_access_key=settings.s3_secret_access_key,
            checksum_mode=settings.s3_checksum_mode,
        )

    @cached_property
    def mailer(self) -> Mailer | None:
        """The mail server, or None where none is set. Raises ``SettingsError`` for settings that cannot be used."""
        settings = self.settings
        if settings.smtp_host is None or settings.smtp_from is None:
            return None
        file = settings.smtp_password_file
        smtp = SmtpSettings(
            host=settings.smtp_host,
            sender=settings.smtp_from,
            security=settings.smtp_security,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password_in(file) if file is not None else settings.smtp_password,
            ca_file=settings.smtp_ca_file,
            timeout_seconds=settings.smtp_timeout_seconds,
        )
        return SmtpMailer(smtp, self.signing_clock)

    def mirror_target(self, url: str, *, is_public: bool) -> MirrorTarget:
        """The directory or bucket of a mirror; a bucket is reached by the mirror's settings, else the store's."""
        settings, store = self.settings, self._s3_settings("")
        own_key = settings.mirror_s3_access_key_id is not None
        reached = replace(
            store,
            endpoint_url=settings.mirror_s3_endpoint_url or store.endpoint_url,
            region=settings.mirror_s3_region or store.region,
            access_key_id=settings.mirror_s3_access_key_id if own_key else store.access_key_id,
            secret_access_key=settings.mirror_s3_secret_access_key if own_key else store.secret_access_key,
        )
        return mirror_target(url, reached, is_public=is_public)

    @cached_property
    def mirror(self) -> Mirror:
        return Mirror(self.database, self.store, self.clock, self.signing_clock, self.policy)

    @property
    def local_uploads(self) -> LocalUploads | None:
        """The receiving end of the embedded store, unless builds lie in S3."""
        return self.upload_store if isinstance(self.upload_store, LocalUploads) else None

    @cached_property
    def upload_store(self) -> UploadStore:
        if isinstance(self.store, S3Store):
            return self.store.uploads()
        assert isinstance(self.store, LocalStore)
        return LocalUploads(
            self.store,
            self.settings.data_dir / "store",
            base_url=self.settings.public_url,
            link_key=self._link_key("upload links"),
            clock=self.signing_clock,
        )

    def _link_key(self, purpose: str) -> bytes:
        """The signer gives out no links, and must not need the server's secret."""
        return secrets.token_bytes(32) if self.is_signer else self.keys.secret_for(purpose)

    @cached_property
    def policy(self) -> VendorPolicy:
        settings = self.settings
        return VendorPolicy(
            zone=settings.zone,
            currency=settings.currency,
            renewal_url=settings.renewal_url or f"{settings.public_url}/portal",
            prices=settings.prices,
            renewal_rules=settings.renewal_rules,
            certificate_lifetime=settings.certificate_lifetime,
            payment_days=settings.payment_days,
            quote_days=settings.quote_days,
            quote_terms=settings.quote_terms,
        )

    @cached_property
    def catalogue(self) -> CatalogueSource:
        return CatalogueSource(self.database)

    @cached_property
    def feed_tokens(self) -> FeedTokens:
        return FeedTokens(self.keys.secret_for("feed tokens"))

    @cached_property
    def sign_certificate(self) -> CertificateSigner:
        return self.keys.certificate_signer(self.policy.certificate_lifetime)

    @cached_property
    def identify_licence(self) -> IdentifyLicence:
        return IdentifyLicence(
            self.database, self.catalogue, self.clock, LicenceCache(verifier=by_sodium), self.seen_licences
        )

    @cached_property
    def seen_licences(self) -> SeenLicences:
        return SeenLicences()

    @cached_property
    def check_for_update(self) -> CheckForUpdate:
        return CheckForUpdate(
            self.catalogue, self.clock, self.policy, self.sign_certificate, lambda: self.database.as_of
        )

    @cached_property
    def explain_update(self) -> ExplainUpdate:
        return ExplainUpdate(self.database, self.catalogue, self.clock, self.policy)

    @cached_property
    def list_releases(self) -> ListReleases:
        return ListReleases(self.catalogue, self.clock, self.policy)

    @cached_property
    def show_licence(self) -> ShowLicence:
        return ShowLicence(self.catalogue, self.clock, self.policy, self.sign_certificate)

    @cached_property
    def download(self) -> Download:
        return Download(self.catalogue, self.store, self.clock, self.policy, self.settings.download_link_seconds)

    @cached_property
    def air_gap_keys(self) -> AirGapKeyFiles:
        return AirGapKeyFiles(self.keys.online)

    @cached_property
    def draft_air_gap_root(self) -> DraftAirGapRoot:
        return DraftAirGapRoot(self.air_gap_keys, self.signing_clock)

    @cached_property
    def accept_air_gap_root(self) -> AcceptAirGapRoot:
        return AcceptAirGapRoot(self.database, self.air_gap_keys, self.signing_clock)

    @cached_property
    def create_bundle(self) -> CreateBundle:
        return CreateBundle(
            self.database,
            self.store,
            self.clock,
            self.signing_clock,
            self.policy,
            self.sign_certificate,
            self.air_gap_keys,
            ZipBundleWriter,
        )

    @cached_property
    def issue_licence(self) -> IssueLicence:
        return IssueLicence(self.database, self.clock, self.selling)

    @cached_property
    def add_customer(self) -> AddCustomer:
        return AddCustomer(self.database, self.clock)

    @cached_property
    def change_customer(self) -> ChangeCustomer:
        return ChangeCustomer(self.database, self.clock)

    @cached_property
    def delete_customer(self) -> DeleteCustomer:
        return DeleteCustomer(self.database, self.clock)

    @cached_property
    def anonymise_customer(self) -> AnonymiseCustomer:
        return AnonymiseCustomer(self.database, self.clock)

    @cached_property
    def list_customers(self) -> ListCustomers:
        return ListCustomers(self.database)

    @cached_property
    def renew_support(self) -> RenewSupport:
        return RenewSupport(self.database, self.clock, self.selling)

    @cached_property
    def selling(self) -> Selling:
        return Selling(self.policy, self.keys.licence_key_signer, self.feed_tokens)

    @cached_property
    def make_quote(self) -> MakeQuote:
        return MakeQuote(self.database, self.clock, self.selling)

    @cached_property
    def accept_quote(self) -> AcceptQuote:
        return AcceptQuote(self.database, self.clock, self.selling)

    @cached_property
    def withdraw_quote(self) -> WithdrawQuote:
        return WithdrawQuote(self.database, self.clock)

    @cached_property
    def list_quotes(self) -> ListQuotes:
        return ListQuotes(self.database)

    @property
    def vendor(self) -> Vendor:
        """Who is named on papers."""
        settings = self.settings
        return Vendor(settings.vendor_name, settings.vendor_address, settings.quote_font)

    @cached_property
    def import_licences(self) -> ImportLicences:
        return ImportLicences(self.database, self.clock, self.selling)

    @cached_property
    def place_order(self) -> PlaceOrder:
        return PlaceOrder(self.database, self.clock, self.selling)

    @cached_property
    def confirm_payment(self) -> ConfirmPayment:
        return ConfirmPayment(self.database, self.clock, self.selling, self.sign_certificate)

    @cached_property
    def shop_webhooks(self) -> ShopWebhooks:
        settings = self.settings
        return ShopWebhooks(
            ReceivePayment(self.database, self.clock, self.confirm_payment),
            self.signing_clock,
            is_from_stripe,
            settings.shop_secret,
            settings.stripe_webhook_secret,
        )

    @cached_property
    def cancel_order(self) -> CancelOrder:
        return CancelOrder(self.database, self.clock, self.selling)

    @cached_property
    def refund_order(self) -> RefundOrder:
        return RefundOrder(self.database, self.clock, self.selling)

    @cached_property
    def list_orders(self) -> ListOrders:
        return ListOrders(self.database)

    @cached_property
    def add_period_by_hand(self) -> AddPeriodByHand:
        return AddPeriodByHand(self.database, self.clock)

    @cached_property
    def grant_release(self) -> GrantRelease:
        return GrantRelease(self.database, self.clock)

    @cached_property
    def change_status(self) -> ChangeStatus:
        return ChangeStatus(self.database, self.clock)

    @cached_property
    def create_token(self) -> CreateToken:
        return CreateToken(self.database, self.signing_clock, self.settings.api_token_max_days)

    @cached_property
    def revoke_token(self) -> RevokeToken:
        return RevokeToken(self.database, self.signing_clock)

    @cached_property
    def authenticate_token(self) -> AuthenticateToken:
        return AuthenticateToken(self.database, self.signing_clock)

    @cached_property
    def initialise(self) -> Initialise:
        return Initialise(self.database, self.signing_clock)

    @cached_property
    def add_product(self) -> AddProduct:
        return AddProduct(self.database, self.signing_clock)

    @cached_property
    def set_notes_language(self) -> SetNotesLanguage:
        return SetNotesLanguage(self.database, self.clock)

    @cached_property
    def publish(self) -> Publish:
        return Publish(self.database, self.store, self.clock, self.signing_clock, self.policy)

    @cached_property
    def upload_builds(self) -> UploadBuilds:
        return UploadBuilds(self.database, self.store, self.upload_store, self.signing_clock)

    @cached_property
    def plan_publishing(self) -> PlanPublishing:
        return PlanPublishing(self.database, self.upload_builds, self.clock, self.policy)

    @cached_property
    def publish_signed(self) -> PublishesReleases:
        return AskToPublish(self._publish_here, self.ask_signer) if self.signer_is_elsewhere else self._publish_here

    @cached_property
    def _publish_here(self) -> PublishSigned:
        return PublishSigned(self.database, self.upload_builds, self.clock, self.signing_clock, self._online_signers_of)

    @cached_property
    def list_release_drafts(self) -> ListReleaseDrafts:
        return ListReleaseDrafts(self.database, self.clock, self.policy)

    @cached_property
    def finish_release_draft(self) -> FinishReleaseDraft:
        return FinishReleaseDraft(
            self.database,
            self.upload_builds,
            self.clock,
            self.signing_clock,
            self.policy,
            self._online_signers_of,
            signs_elsewhere=self.signer_is_elsewhere,
        )

    @cached_property
    def change_release_draft(self) -> ChangeReleaseDraft:
        return ChangeReleaseDraft(self.database, self.clock, self.policy, self.finish_release_draft)

    @cached_property
    def publish_due_drafts(self) -> PublishDueDrafts:
        return PublishDueDrafts(self.database, self.clock, self.finish_release_draft)

    @cached_property
    def raise_approvals(self) -> RaiseApprovals:
        return RaiseApprovals(self.database, self.clock)

    @cached_property
    def submit_draft(self) -> SubmitsDrafts:
        return AskToSubmit(self._submit_here, self.ask_signer) if self.signer_is_elsewhere else self._submit_here

    @cached_property
    def _submit_here(self) -> SubmitDraft:
        return SubmitDraft(self.database, self.signing_clock, self.online_keys)

    @cached_property
    def warn_of_expiry(self) -> WarnOfExpiry:
        settings = self.settings
        return WarnOfExpiry(
            self.database,
            self.signing_clock,
            self.mailer,
            settings.operators,
            settings.expiry_stages,
            settings.public_url,
        )

    @cached_property
    def take_up_keys(self) -> TakeUpKeys:
        return TakeUpKeys(self.database, self.online_keys)

    @cached_property
    def ask_signer(self) -> AskSigner:
        return AskSigner(self.database, self.signing_clock)

    @cached_property
    def answer_requests(self) -> AnswerRequests:
        return AnswerRequests(self.database, self.signing_clock, self._publish_here, self._submit_here)

    def _online_signers_of(self, repository: Repository) -> OnlineSigners:
        """The server's signers whose keys the published root names."""
        roles = repository.root().roles
        return self.online_keys.online_signers(roles[SNAPSHOT].keyids, roles[TIMESTAMP].keyids)

    @cached_property
    def draft_board(self) -> DraftBoard:
        return DraftBoard(self.database, self.signing_clock, self.submit_draft)

    @cached_property
    def name_key_holder(self) -> NameKeyHolder:
        return NameKeyHolder(self.database, self.signing_clock)

    @cached_property
    def withdraw(self) -> Withdraw:
        return Withdraw(self.database, self.clock, self.signing_clock)

    @cached_property
    def change_rollout(self) -> ChangeRollout:
        return ChangeRollout(self.database, self.clock)

    @cached_property
    def promote(self) -> Promote:
        return Promote(self.database, self.clock, self.signing_clock)

    @cached_property
    def change_update_rules(self) -> ChangeUpdateRules:
        return ChangeUpdateRules(self.database, self.clock)

    @cached_property
    def pending_reports(self) -> PendingReports:
        return PendingReports()

    @cached_property
    def report_install(self) -> ReportInstall:
        return ReportInstall(self.catalogue, self.clock, self.policy, self.pending_reports)

    @cached_property
    def write_reports(self) -> WriteReports:
        return WriteReports(self.database, self.pending_reports, self.change_rollout)

    @cached_property
    def show_rollout(self) -> ShowRollout:
        return ShowRollout(self.database, self.clock)

    @cached_property
    def read_events(self) -> ReadEvents:
        return ReadEvents(self.database)

    @cached_property
    def make_report(self) -> MakeReport:
        return MakeReport(self.database, self.catalogue, self.clock, self.policy)

    @cached_property
    def sealer(self) -> Sealer:
        return AesSealer(self.keys.secret_for("sealed secrets"))

    @cached_property
    def send_webhook(self) -> SendWebhook:
        return WebhookSender()

    @cached_property
    def manage_webhooks(self) -> ManageWebhooks:
        return ManageWebhooks(self.database, self.signing_clock, self.sealer, self.send_webhook)

    @cached_property
    def show_webhooks(self) -> ShowWebhooks:
        return ShowWebhooks(self.database)

    @cached_property
    def deliver_webhooks(self) -> DeliverWebhooks:
        return DeliverWebhooks(self.database, self.signing_clock, self.sealer, self.send_webhook)

    @cached_property
    def reminder_links(self) -> ReminderLinks:
        return ReminderLinks(self.keys.secret_for("reminder links"))

    @cached_property
    def reminder_choice(self) -> ReminderChoice:
        return ReminderChoice(self.database, self.clock, self.reminder_links)

    @cached_property
    def remind_customers(self) -> RemindCustomers:
        settings = self.settings
        facts_of = ReminderFactsOf(
            list_releases=self.list_releases,
            policy=self.policy,
            links=self.reminder_links,
            vendor=settings.vendor_name,
            public_url=settings.public_url,
            allows_opt_out=settings.reminder_opt_out == "allowed",
        )
        return RemindCustomers(
            database=self.database,
            clock=self.clock,
            policy=self.policy,
            rules=settings.reminder_rules,
            facts_of=facts_of,
            word=ReminderMail(),
            mailer=self.mailer,
            language=settings.language,
        )

    @cached_property
    def keep_metadata_fresh(self) -> KeepMetadataFresh:
        return KeepMetadataFresh(self.database, self.signing_clock, self._online_signers_of)
