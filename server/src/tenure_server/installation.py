"""One installation put together: settings in, database, store, keys and use cases out.

With ``app.py`` (HTTP) and ``cli`` the only place that knows the adapters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.key_folder import KeyFolder
from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.online_key_ring import OnlineKeyFiles
from tenure_server.adapters.s3_store import S3Settings, s3_store
from tenure_server.settings import Settings
from tenure_server.use_cases.add_product import AddProduct
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.change_licence import AddPeriodByHand, ChangeStatus, RenewSupport
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.download import Download
from tenure_server.use_cases.feed_tokens import FeedTokens
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.initialise import Initialise
from tenure_server.use_cases.issue_licence import IssueLicence
from tenure_server.use_cases.keep_metadata_fresh import KeepMetadataFresh
from tenure_server.use_cases.licence_status import ShowLicence
from tenure_server.use_cases.list_releases import ListReleases
from tenure_server.use_cases.ports import Clock, Database, ObjectStore
from tenure_server.use_cases.publish import Publish
from tenure_server.use_cases.signers import CertificateSigner
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_server.use_cases.withdraw import Withdraw


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """Parts are made when first asked for, so that a command opens only what it needs.

    ``clock`` says which day it is for entitlements. ``signing_clock`` dates TUF metadata, which clients compare with
    their own clocks, so it is always the real one.
    """

    settings: Settings
    clock: Clock = utc_now
    signing_clock: Clock = utc_now

    @cached_property
    def database(self) -> Database:
        return SqlDatabase(self.settings.sqlalchemy_url)

    def upgrade_schema(self) -> None:
        """Bring the database to the schema this code expects."""
        upgrade_schema(self.settings.sqlalchemy_url)

    @cached_property
    def keys(self) -> KeyFolder:
        return KeyFolder(self.settings.data_dir / "keys")

    @property
    def online_keys(self) -> OnlineKeyFiles:
        """The online keys and those made to follow them, for ceremonies that change them."""
        return OnlineKeyFiles(self.keys.online)

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
                link_key=self.keys.secret_for("download links"),
                clock=self.signing_clock,
            )
        return s3_store(
            S3Settings(
                bucket=settings.s3_bucket,
                prefix=settings.s3_prefix,
                endpoint_url=settings.s3_endpoint_url,
                public_endpoint_url=settings.s3_public_endpoint_url,
                region=settings.s3_region,
                addressing_style=settings.s3_addressing,
                access_key_id=settings.s3_access_key_id,
                secret_access_key=settings.s3_secret_access_key,
                checksum_mode=settings.s3_checksum_mode,
            )
        )

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
        return IdentifyLicence(self.database, self.catalogue, self.clock)

    @cached_property
    def check_for_update(self) -> CheckForUpdate:
        return CheckForUpdate(self.catalogue, self.clock, self.policy, self.sign_certificate)

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
    def issue_licence(self) -> IssueLicence:
        return IssueLicence(self.database, self.clock, self.policy, self.keys.licence_key_signer(), self.feed_tokens)

    @cached_property
    def renew_support(self) -> RenewSupport:
        return RenewSupport(self.database, self.clock, self.policy)

    @cached_property
    def add_period_by_hand(self) -> AddPeriodByHand:
        return AddPeriodByHand(self.database, self.clock)

    @cached_property
    def change_status(self) -> ChangeStatus:
        return ChangeStatus(self.database, self.clock)

    @cached_property
    def initialise(self) -> Initialise:
        return Initialise(self.database, self.signing_clock)

    @cached_property
    def add_product(self) -> AddProduct:
        return AddProduct(self.database, self.signing_clock)

    @cached_property
    def publish(self) -> Publish:
        return Publish(self.database, self.store, self.clock, self.signing_clock, self.policy)

    @cached_property
    def withdraw(self) -> Withdraw:
        return Withdraw(self.database, self.clock, self.signing_clock)

    @cached_property
    def keep_metadata_fresh(self) -> KeepMetadataFresh:
        return KeepMetadataFresh(self.database, self.signing_clock, self.keys.online_signers)
