"""What everything else is made of: the database, the store, the keys, and what holds for all of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.database.engine import sqlite_file
from tenure_server.adapters.database.keep_snapshot import KeepSnapshot
from tenure_server.adapters.database.snapshot import Snapshot
from tenure_server.adapters.database.standing_in import DatabaseWithSnapshot
from tenure_server.adapters.key_folder import KeyFolder, NotInitialised
from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.local_uploads import LocalUploads
from tenure_server.adapters.metadata_reader import metadata_of_server as metadata_of_server
from tenure_server.adapters.online_key_ring import OnlineKeyFiles, secret_of_the_signer
from tenure_server.adapters.smtp_mailer import SmtpMailer, SmtpSettings, password_in
from tenure_server.errors import Conflict, DatabaseUnavailable
from tenure_server.settings import Settings
from tenure_server.use_cases.api_tokens import AuthenticateToken, CreateToken, RevokeToken
from tenure_server.use_cases.catalogue import CatalogueSource, read_repository
from tenure_server.use_cases.feed_tokens import FeedTokens
from tenure_server.use_cases.initialise import Initialise
from tenure_server.use_cases.ports import Clock, Database, ObjectStore, UploadStore
from tenure_server.use_cases.ports_mail import Mailer
from tenure_server.use_cases.seen_licences import SeenLicences
from tenure_server.use_cases.signers import CertificateSigner, OnlineSigners
from tenure_server.use_cases.statement_keys import require_own_keys
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import SNAPSHOT, TIMESTAMP

if TYPE_CHECKING:
    from tenure_server.adapters.s3_store import S3Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


def vendor_policy(settings: Settings) -> VendorPolicy:
    """The settings that use cases decide by."""
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
        response_rules=settings.response_rules,
    )


@dataclass(frozen=True)
class ResourceParts:
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

    def require_own_keys(self) -> None:
        """Raises ``Conflict`` (``online_keys_missing``) where the online keys here are not those that the published
        metadata names: what it signed, nobody could verify."""
        if not self.signer_is_elsewhere:
            self.online_signers()
        with self.database.reading() as records:
            require_own_keys(records, self.online_keys.statement_kids(), self.signing_clock())

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
        from tenure_server.adapters.s3_store import s3_store  # here: boto3 is for those who have a bucket

        return s3_store(self._s3_settings(settings.s3_bucket))

    def _s3_settings(self, bucket: str) -> S3Settings:
        from tenure_server.adapters.s3_store import S3Settings

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

    @property
    def local_uploads(self) -> LocalUploads | None:
        """The receiving end of the embedded store, unless builds lie in S3."""
        return self.upload_store if isinstance(self.upload_store, LocalUploads) else None

    @cached_property
    def upload_store(self) -> UploadStore:
        store = self.store
        if not isinstance(store, LocalStore):
            from tenure_server.adapters.s3_store import S3Store

            assert isinstance(store, S3Store)
            return store.uploads()
        return LocalUploads(
            store,
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
        return vendor_policy(self.settings)

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
    def seen_licences(self) -> SeenLicences:
        return SeenLicences()

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

    def _online_signers_of(self, repository: Repository) -> OnlineSigners:
        """The server's signers whose keys the published root names."""
        roles = repository.root().roles
        return self.online_keys.online_signers(roles[SNAPSHOT].keyids, roles[TIMESTAMP].keyids)
