"""After an old backup was restored: clients that know more than the server are made to follow it again."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.errors import Conflict
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.publication import locked_repository
from tenure_server.use_cases.release_events import release_changes
from tenure_server.use_cases.released_problems import follow_release
from tenure_server.use_cases.submit_draft import OnlineKeyRing
from tenure_signing.tuf_preflight import preflight
from tenure_signing.tuf_publishing import role_expiries
from tenure_signing.tuf_recovery import Seen, caught_up, counted_on, missing_trusted_targets, seen_repository
from tenure_signing.tuf_repository import staged
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, SNAPSHOT, TIMESTAMP


@dataclass(frozen=True, slots=True)
class Recovered:
    """Versions by role, before and after; only of roles that changed (0: there was none)."""

    versions: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class RecoverAfterRestore:
    database: Database
    signing_clock: Clock
    key_ring: OnlineKeyRing

    def __call__(self, seen: Seen, *, who: str) -> Recovered:
        """Take up what was published since the backup, as far as it was seen, and count on above it.

        Raises ``Conflict`` (``not_initialised``) before the first root, and ``PublishingError`` if a client could not
        follow: nothing is changed then.
        """
        now = self.signing_clock()
        with self.database.writing() as records:
            before = locked_repository(records)
            if not before.roots:
                raise Conflict("There is nothing to recover: no root is published.", code="not_initialised")
            offline = caught_up(before, seen)
            known = records.signed_files.trusted_target(LICENCE_KEYS_PATH)
            trusted = missing_trusted_targets(offline, {LICENCE_KEYS_PATH: known} if known is not None else {}, seen)
            roles = offline.root().roles
            online = self.key_ring.online_signers(roles[SNAPSHOT].keyids, roles[TIMESTAMP].keyids)
            after = counted_on(offline, seen, online.snapshot, online.timestamp, now)
            preflight(before, after, now)
            held = seen_repository(after, seen)
            if held is not None:
                preflight(held, after, now)
            records.signed_files.publish(staged(before, after), trusted_targets=trusted)
            for change in release_changes(before, after, after.products):
                follow_release(records, now, change)
            was = {role: version for role, (version, _) in role_expiries(before).items()}
            becomes = {role: version for role, (version, _) in role_expiries(after).items()}
            versions = {role: (was.get(role, 0), new) for role, new in becomes.items() if was.get(role) != new}
            changed = {role: list(pair) for role, pair in versions.items()}
            audited(records, now, who, "trust.recover_after_restore", "metadata", versions=changed)
        return Recovered(versions)
