"""What somebody who stole the server's keys can publish."""

from __future__ import annotations

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Targets, Timestamp

from tenure_signing.key_sources import read_key, tuf_signer
from tenure_signing.tuf_drafts import sign
from tenure_signing.tuf_repository import Repository, load
from tests.end_to_end.ceremony import A_DAY, Team


def stolen(team: Team, role: str) -> CryptoSigner:
    return tuf_signer(read_key(team.data_dir / "keys" / "online" / f"{role}.pem"))


def online_forgery(
    team: Team, keys: tuple[CryptoSigner, CryptoSigner], roles: dict[str, bytes], version: int
) -> Repository:
    """What a thief of the online keys can publish around these roles."""
    before = team.repository()
    merged = {
        role: roles.get(role, data) for role, data in before.roles.items() if role not in ("snapshot", "timestamp")
    }
    meta = {
        f"{role}.json": MetaFile.from_data(load(role, data, Targets).signed.version, data, ["sha256"])
        for role, data in merged.items()
    }
    until = team.now + A_DAY
    snapshot = sign("snapshot", Metadata(Snapshot(version, None, until, meta)).to_bytes(), keys[0])
    stamp = Timestamp(version, None, until, MetaFile.from_data(version, snapshot, ["sha256"]))
    timestamp = sign("timestamp", Metadata(stamp).to_bytes(), keys[1])
    return Repository(before.roots, {**merged, "snapshot": snapshot, "timestamp": timestamp})
