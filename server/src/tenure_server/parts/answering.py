"""What installed software and customers are answered."""

from __future__ import annotations

from functools import cached_property

from tenure_server.adapters.metadata_reader import metadata_of_server as metadata_of_server
from tenure_server.adapters.sodium import by_sodium
from tenure_server.parts.publishing import PublishingParts
from tenure_server.use_cases.change_update_rules import ChangeUpdateRules
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.download import Download, RedeemLink
from tenure_server.use_cases.explain_update import ExplainUpdate
from tenure_server.use_cases.find_seats import FindSeats
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_cache import LicenceCache
from tenure_server.use_cases.licence_status import ShowLicence
from tenure_server.use_cases.list_releases import ListReleases
from tenure_server.use_cases.report_install import PendingReports, ReportInstall, WriteReports
from tenure_server.use_cases.seats import ActivateSeat, ListSeats, ReleaseSeat
from tenure_server.use_cases.set_seat_rules import SetSeatRules


class AnsweringParts(PublishingParts):
    """What is asked with a licence key, and what explains the answers."""

    @cached_property
    def identify_licence(self) -> IdentifyLicence:
        return IdentifyLicence(
            self.database, self.catalogue, self.clock, LicenceCache(verifier=by_sodium), self.seen_licences
        )

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
    def redeem_link(self) -> RedeemLink:
        return RedeemLink(self.catalogue, self.clock, self.policy)

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
    def activate_seat(self) -> ActivateSeat:
        return ActivateSeat(self.database, self.clock, self.settings.seat_rules, self.keys.activation_signer())

    @cached_property
    def release_seat(self) -> ReleaseSeat:
        return ReleaseSeat(self.database, self.clock, self.settings.seat_rules)

    @cached_property
    def list_seats(self) -> ListSeats:
        return ListSeats(self.database, self.clock, self.settings.seat_rules)

    @cached_property
    def set_seat_rules(self) -> SetSeatRules:
        return SetSeatRules(self.database, self.clock, self.settings.seat_rules)

    @cached_property
    def find_seats(self) -> FindSeats:
        return FindSeats(self.database, self.clock, self.settings.seat_rules)
