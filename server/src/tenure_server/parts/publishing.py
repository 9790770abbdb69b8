"""Publishing, and the signed metadata: products, releases, drafts, mirrors and bundles."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from tenure_server.adapters.air_gap_keys import AirGapKeyFiles
from tenure_server.adapters.bundle_writer import ZipBundleWriter
from tenure_server.adapters.metadata_reader import metadata_of_server as metadata_of_server
from tenure_server.parts.resources import ResourceParts
from tenure_server.use_cases.add_product import AddProduct
from tenure_server.use_cases.air_gap_root import AcceptAirGapRoot, DraftAirGapRoot
from tenure_server.use_cases.answer_requests import AnswerRequests
from tenure_server.use_cases.ask_signer import AskSigner, AskToPublish, AskToSubmit
from tenure_server.use_cases.change_release_draft import ChangeReleaseDraft
from tenure_server.use_cases.change_rollout import ChangeRollout
from tenure_server.use_cases.create_bundle import CreateBundle
from tenure_server.use_cases.draft_board import DraftBoard
from tenure_server.use_cases.finish_release_draft import FinishReleaseDraft, PublishDueDrafts
from tenure_server.use_cases.keep_metadata_fresh import KeepMetadataFresh
from tenure_server.use_cases.key_holders import NameKeyHolder
from tenure_server.use_cases.mirror import Mirror
from tenure_server.use_cases.ports_mirror import MirrorTarget
from tenure_server.use_cases.promote import Promote
from tenure_server.use_cases.publish import Publish
from tenure_server.use_cases.publish_signed import PlanPublishing, PublishesReleases, PublishSigned
from tenure_server.use_cases.release_draft_standing import ListReleaseDrafts
from tenure_server.use_cases.set_approvals import RaiseApprovals
from tenure_server.use_cases.set_notes_language import SetNotesLanguage
from tenure_server.use_cases.show_rollout import ShowRollout
from tenure_server.use_cases.submit_draft import SubmitDraft, SubmitsDrafts
from tenure_server.use_cases.take_up_keys import TakeUpKeys
from tenure_server.use_cases.upload_builds import UploadBuilds
from tenure_server.use_cases.warn_of_expiry import WarnOfExpiry
from tenure_server.use_cases.withdraw import Withdraw


class PublishingParts(ResourceParts):
    """What publishes, and what keeps the metadata signed."""

    def mirror_target(self, url: str, *, is_public: bool) -> MirrorTarget:
        """The directory or bucket of a mirror; a bucket is reached by the mirror's settings, else the store's."""
        from tenure_server.adapters.mirror_targets import mirror_target

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
    def show_rollout(self) -> ShowRollout:
        return ShowRollout(self.database, self.clock)

    @cached_property
    def keep_metadata_fresh(self) -> KeepMetadataFresh:
        return KeepMetadataFresh(self.database, self.signing_clock, self._online_signers_of)
