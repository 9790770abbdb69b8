"""The air-gap root: drafted on the server, signed by the people who hold the root keys, accepted on the server."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.errors import Conflict
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.ports_bundle import AirGapKeys
from tenure_signing.air_gap import air_gap_root, require_air_gap_root
from tenure_signing.tuf_repository import Repository


@dataclass(frozen=True, slots=True)
class DraftAirGapRoot:
    keys: AirGapKeys
    signing_clock: Clock

    def __call__(self, verified: Repository) -> bytes:
        """The next air-gap root, unsigned; the keys are made if they are missing. ``verified`` is what a client takes
        from the published metadata."""
        signers = self.keys.made()
        return air_gap_root(
            verified.root(), signers.snapshot.public_key, signers.timestamp.public_key, self.signing_clock()
        )


@dataclass(frozen=True, slots=True)
class AcceptAirGapRoot:
    database: Database
    keys: AirGapKeys
    signing_clock: Clock

    def __call__(self, data: bytes, *, who: str) -> None:
        """Keep it, for bundles made from now on.

        Raises ``PublishingError`` unless it is signed as the published root asks, and ``Conflict``: ``other_keys`` if
        it does not name this server's keys.
        """
        signers = self.keys.made()
        with self.database.writing() as records:
            root = require_air_gap_root(data, read_repository(records).root())
            ours = (signers.snapshot.public_key.keyid, signers.timestamp.public_key.keyid)
            if ([ours[0]], [ours[1]]) != (root.roles["snapshot"].keyids, root.roles["timestamp"].keyids):
                raise Conflict(
                    "This air-gap root names other keys than this server holds.",
                    code="other_keys",
                    hint="draft one here: tenure bundle root draft",
                )
            audited(
                records,
                self.signing_clock(),
                who,
                "bundle.root",
                "air-gap root",
                snapshot_key=ours[0],
                timestamp_key=ours[1],
                expires=root.expires.isoformat(),
            )
            self.keys.keep_root(data)
