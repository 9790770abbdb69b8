"""How far a release is rolled out: its share set or ramped, the release halted and resumed.

Share, ramp and halt only withhold what was signed, so one person is enough; resuming takes the keys that publishing
takes. The rollout's row is the only thing written, with its line in the audit trail, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from securesystemslib.signer import Signer

from tenure_server.domain.events import EventType
from tenure_server.domain.install_reports import FailureLimit
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.events import announce
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.publication import approvals_needed
from tenure_signing.approvals import approval_text, approve, require_approved
from tenure_signing.names import ProductName
from tenure_signing.release_record import releases_of
from tenure_signing.releases import Ramp, Release, Rollout
from tenure_signing.tuf_repository import Repository
from tenure_signing.versions import Version

HALTED = "rollout.halt"

RESUMED = "rollout.resume"
"""In the audit trail: reports before it no longer count towards a failure limit."""

HALTED = "rollout.halt"

_EVENTS = {HALTED: EventType.ROLLOUT_HALTED, RESUMED: EventType.ROLLOUT_RESUMED}

RESUME = "resume"
"""The action that the product's keys approve."""


@dataclass(frozen=True, slots=True)
class RolloutChange:
    """``is_new`` is False when the rollout was like that before."""

    release: Release
    before: Rollout
    after: Rollout

    @property
    def is_new(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class ChangeRollout:
    """Every method raises ``NotFound`` (``unknown_product``, ``unknown_release``)."""

    database: Database
    clock: Clock

    def set_share(self, product: ProductName, version: Version, basis_points: int, *, who: str) -> RolloutChange:
        """Reach this share of installs from now on; a ramp ends. A halted release stays halted.

        Raises ``Conflict`` (``withdrawn``).
        """
        if not 0 <= basis_points <= 10_000:
            raise InvalidRequest("A share is from 0 to 100 %.", code="invalid_share")
        with self.database.writing() as records:
            release, before = locked_rollout(records, product, version)
            _require_to_be_had(release)
            after = replace(before, share_basis_points=basis_points, ramp=None)
            return keep_rollout(records, self.clock(), who, "rollout.share", RolloutChange(release, before, after))

    def ramp(
        self, product: ProductName, version: Version, ramp: Ramp, *, start_basis_points: int | None = None, who: str
    ) -> RolloutChange:
        """Let the share grow evenly from now on by itself: from where it stands, or from the given share.

        Raises ``Conflict`` (``withdrawn``, ``halted``), and ``InvalidRequest`` (``invalid_ramp``) for one that leads
        down or is over already.
        """
        now = self.clock()
        if ramp.ends_at <= now:
            raise InvalidRequest("This ramp is over already.", code="invalid_ramp")
        with self.database.writing() as records:
            release, before = locked_rollout(records, product, version)
            _require_to_be_had(release)
            if before.is_halted:
                raise Conflict(f"{_name(release)} is halted.", code="halted", hint="resume it first")
            start = before.at(now).share_basis_points if start_basis_points is None else start_basis_points
            try:
                after = Rollout(start, ramp=ramp)
            except ValueError as error:
                raise InvalidRequest(
                    "A ramp leads up from the share it starts at.",
                    code="invalid_ramp",
                    hint="lower the share at once with tenure rollout set",
                ) from error
            return keep_rollout(records, now, who, "rollout.ramp", RolloutChange(release, before, after))

    def halt(self, product: ProductName, version: Version, *, reason: str, who: str) -> RolloutChange:
        """Offer the release to no one and let no one download it, from now on. A ramp ends where it has come to.

        Takes one person and no key. Nothing changes if the release is halted.
        """
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            release, before = locked_rollout(records, product, version)
            after = before if before.is_halted else replace(before.at(now), is_halted=True)
            return keep_rollout(records, now, who, HALTED, RolloutChange(release, before, after), reason=reason)

    def limit_failures(
        self, product: ProductName, version: Version | None, limit: FailureLimit | None, *, who: str
    ) -> None:
        """When a rollout halts itself: for one version, or for all of the product that have no limit of their own. None
        removes the limit. Nothing changes where nothing would be new."""
        now = self.clock()
        with self.database.writing() as records:
            if version is not None:
                version = locked_rollout(records, product, version)[0].version
            elif records.products.get(product) is None:
                raise NotFound("There is no such product.", code="unknown_product")
            before = records.install_reports.own_limit(product, version)
            if before == limit:
                return
            records.install_reports.set_limit(product, version, limit)
            subject = f"{product} {version}" if version is not None else product
            facts = {"before": limit_facts(before), "after": limit_facts(limit)}
            audited(records, now, who, "rollout.failure_limit", subject, **facts)

    def resume(self, product: ProductName, version: Version, *, signers: Sequence[Signer], who: str) -> RolloutChange:
        """Take the rollout up again at the share where it was halted; ``signers`` are the product's keys.

        The keys sign an approval of this release at this instant, which is verified against the keys that the signed
        metadata names for the product, and kept in the audit trail. Raises ``NotEnoughSignatures`` for less than
        publishing takes, ``Conflict`` (``withdrawn``). Nothing changes if the release is not halted.
        """
        now = self.clock()
        with self.database.writing() as records:
            release, before = locked_rollout(records, product, version)
            _require_to_be_had(release)
            if records.approval_rules.of(product) and before.is_halted:
                raise approvals_needed(product)
            text = approval_text(RESUME, product, release.version, now)
            signatures = approve(text, signers)
            approved_by = require_approved(product, text, signatures, read_repository(records).targets())
            after = replace(before, is_halted=False)
            return keep_rollout(
                records,
                now,
                who,
                RESUMED,
                RolloutChange(release, before, after),
                approval=text.decode(),
                signatures={keyid: signatures[keyid].signature for keyid in approved_by},
            )


def released(repository: Repository, product: ProductName, version: Version) -> Release:
    """The published release, dated in the future or not. Raises ``NotFound`` (``unknown_release``)."""
    for release in releases_of(product, repository.targets(product).targets):
        if release.version == version:
            return release
    raise NotFound(f"{product} {version} is not published.", code="unknown_release")


def rollout_facts(rollout: Rollout) -> Mapping[str, object]:
    """The rollout as JSON has it."""
    ramp = rollout.ramp
    return {
        "share_basis_points": rollout.share_basis_points,
        "halted": rollout.is_halted,
        "ramp": None
        if ramp is None
        else {
            "to_basis_points": ramp.to_basis_points,
            "starts_at": ramp.starts_at.isoformat(),
            "ends_at": ramp.ends_at.isoformat(),
        },
    }


def limit_facts(limit: FailureLimit | None) -> Mapping[str, object] | None:
    """The limit as JSON has it."""
    if limit is None:
        return None
    return {"max_failure_basis_points": limit.max_failure_basis_points, "min_installs": limit.min_installs}


def locked_rollout(records: Records, product: ProductName, version: Version) -> tuple[Release, Rollout]:
    """The release and its rollout, which nobody else can change until the transaction ends: no halt gets lost."""
    if records.products.get(product) is None:
        raise NotFound("There is no such product.", code="unknown_product")
    records.signed_files.lock()
    release = released(read_repository(records), product, version)
    return release, records.rollouts.of_product(product).get(release.version, Rollout())


def _require_to_be_had(release: Release) -> None:
    if release.withdrawal is not None:
        raise Conflict(f"{_name(release)} was withdrawn.", code="withdrawn", hint="publish a higher version")


def keep_rollout(
    records: Records, now: datetime, who: str, action: str, change: RolloutChange, **details: object
) -> RolloutChange:
    """Keep the change and write it down, if it is one."""
    if change.is_new:
        release = change.release
        records.rollouts.set(release.product, release.version, change.after)
        before, after = rollout_facts(change.before), rollout_facts(change.after)
        audited(records, now, who, action, _name(release), before=before, after=after, **details)
        facts = {"version": str(release.version), "before": before, "after": after, "reason": details.get("reason")}
        type = _EVENTS.get(action, EventType.ROLLOUT_CHANGED)
        announce(records, now, type, _name(release), facts, product=release.product)
    return change


def _name(release: Release) -> str:
    return f"{release.product} {release.version}"
