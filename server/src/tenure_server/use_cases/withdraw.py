"""A release is withdrawn: nobody can download it any more, and its number is burnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import Signer

from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.release_record import releases_of
from tenure_signing.releases import Withdrawal
from tenure_signing.tuf_drafts import sign, with_withdrawal
from tenure_signing.tuf_repository import Repository
from tenure_signing.upgrade_steps import stranded, withdrawn
from tenure_signing.versions import Version


@dataclass(frozen=True, slots=True)
class Withdraw:
    database: Database
    clock: Clock
    signing_clock: Clock

    def __call__(
        self,
        product: ProductName,
        version: Version,
        *,
        reason: str,
        replacement: Version | None,
        although_needed: bool = False,
        signers: Sequence[Signer],
        online: OnlineSigners,
        who: str,
    ) -> bool:
        """Whether anything was changed: not if the release is withdrawn for this reason and replacement already.

        Raises ``Conflict`` (``needed_as_step``) if it strands older installs and ``although_needed`` is not said,
        ``NotFound`` (``unknown_product``), ``InvalidRequest`` (``reason_missing``), ``PublishingError`` for a version
        that was never published or a replacement that is not to be had."""
        withdrawal = Withdrawal(required_reason(reason), replacement)
        now = self.signing_clock()
        with self.database.writing() as records:
            found = records.products.get(product)
            if found is None:
                raise NotFound("There is no such product.", code="unknown_product")
            before = locked_repository(records)
            if _withdrawal_of(before, product, version) == withdrawal:
                return False
            lost = stranded_by(before, product, version, withdrawal, found.channels)
            if lost and not although_needed:
                raise needed_as_step(product, [version], lost)
            draft = with_withdrawal(before.bytes_of(product), product, version, withdrawal, now)
            publish_roles(records, before, {product: sign(product, draft, *signers)}, online, now)
            audit_withdrawal(records, self.clock(), who, product, version, withdrawal, lost)
        return True


def audit_withdrawal(
    records: Records,
    at: datetime,
    who: str,
    product: ProductName,
    version: Version,
    withdrawal: Withdrawal,
    lost: Sequence[Version],
) -> None:
    """Write down that the release was withdrawn, and which ones older installs no longer reach."""
    audited(
        records,
        at,
        who,
        "release.withdraw",
        f"{product} {version}",
        reason=withdrawal.reason,
        replacement=str(withdrawal.replacement) if withdrawal.replacement is not None else None,
        stranded=[str(each) for each in lost],
    )


def stranded_by(
    repository: Repository,
    product: ProductName,
    version: Version,
    withdrawal: Withdrawal,
    channels: Sequence[ChannelName],
) -> Sequence[Version]:
    """The versions that older installs would reach no more."""
    releases = releases_of(product, repository.targets(product).targets)
    return stranded(releases, withdrawn(releases, {version: withdrawal}), channels)


def needed_as_step(product: ProductName, versions: Sequence[Version], lost: Sequence[Version]) -> Conflict:
    """Why these are not withdrawn just so."""
    return Conflict(
        f"Older installs reach {product} {', '.join(map(str, lost))} only through {', '.join(map(str, versions))}.",
        code="needed_as_step",
        hint="publish another step first; --although-needed withdraws it all the same and strands them until then",
    )


def _withdrawal_of(repository: Repository, product: ProductName, version: Version) -> Withdrawal | None:
    releases = releases_of(product, repository.targets(product).targets)
    return next((release.withdrawal for release in releases if release.version == version), None)
