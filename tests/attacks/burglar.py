"""Somebody who has broken in at the server: the database, the store and every online key are theirs.

What people keep offline is not: the keys of root, targets and the products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Targets, Timestamp

from tenure_server.use_cases.publication import publish_roles
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.tuf_drafts import RoleKeys, RootKeys, next_root, sign
from tenure_signing.tuf_repository import Repository, T, load, load_any
from tenure_signing.tuf_roles import ROOT, SNAPSHOT, TIMESTAMP, metadata_file_name
from tests.attacks.stage import Stage

A_YEAR = timedelta(days=365)


def changed(role: str, data: bytes, change: Callable[[Targets], object]) -> bytes:
    """The next version of a role with a change, unsigned: no check of ours is asked."""
    signed = load(role, data, Targets).signed
    change(signed)
    signed.version += 1
    return Metadata(signed).to_bytes()


def signed_by(role: str, signed: T, signer: Signer) -> bytes:
    return sign(role, Metadata(signed).to_bytes(), signer)


@dataclass(slots=True)
class Burglar:
    stage: Stage
    own: Signer = field(default_factory=lambda: tuf_signer(new_key()))

    @property
    def stolen(self) -> OnlineSigners:
        return self.stage.world.installation.keys.online_signers

    def plant(self, roles: Mapping[str, bytes], *, version: int | None = None) -> None:
        """Puts these roles in place of the published ones, with a snapshot and timestamp that vouch for them."""
        current = self.stage.repository()
        self.vouch({**current.roles, **roles}, version=version)

    def vouch(self, roles: Mapping[str, bytes], *, version: int | None = None) -> None:
        """Signs snapshot and timestamp over exactly these roles, and stores everything."""
        published = self.stage.repository().roles
        expires = self.stage.world.now() + A_YEAR
        people = {role: data for role, data in roles.items() if role not in (SNAPSHOT, TIMESTAMP)}
        meta = {
            f"{role}.json": MetaFile.from_data(load_any(role, data).signed.version, data, ["sha256"])
            for role, data in people.items()
        }
        number = version or load(SNAPSHOT, published[SNAPSHOT], Snapshot).signed.version + 1
        snapshot = signed_by(SNAPSHOT, Snapshot(number, None, expires, meta), self.stolen.snapshot)
        listed = MetaFile.from_data(number, snapshot, ["sha256"])
        number = version or load(TIMESTAMP, published[TIMESTAMP], Timestamp).signed.version + 1
        timestamp = signed_by(TIMESTAMP, Timestamp(number, None, expires, listed), self.stolen.timestamp)
        self.store({**people, SNAPSHOT: snapshot, TIMESTAMP: timestamp})

    def store(self, roles: Mapping[str, bytes]) -> None:
        for role, data in roles.items():
            number = load_any(role, data).signed.version
            name = metadata_file_name(role, 0 if role == TIMESTAMP else number)
            self.stage.sql("DELETE FROM signed_file WHERE name = ?", name)
            self.stage.sql(
                "INSERT INTO signed_file (name, role, version, data, sha256, created_at)"
                " SELECT ?, ?, ?, ?, sha256, created_at FROM signed_file LIMIT 1",
                *(name, role, 0 if role == TIMESTAMP else number, data),
            )
            self.stage.sql("UPDATE published_role SET name = ? WHERE role = ?", name, role)


@dataclass(frozen=True, slots=True)
class Backup:
    """What the vendor had before the break-in."""

    stage: Stage
    repository: Repository

    @classmethod
    def of(cls, stage: Stage) -> Backup:
        return cls(stage, stage.repository())

    def restore(self) -> None:
        """The genuine metadata is back, under the keys that were stolen."""
        genuine = self.repository.files()
        self.stage.sql("DELETE FROM signed_file")
        for role, data in {**dict(self.repository.roles), ROOT: self.repository.roots[-1]}.items():
            name = next(name for name, each in genuine.items() if each == data)
            self.stage.sql("UPDATE published_role SET name = ? WHERE role = ?", name, role)
        for name, data in genuine.items():
            role, number = name.removesuffix(".json").rpartition(".")[2], name.partition(".")[0]
            self.stage.sql(
                "INSERT INTO signed_file (name, role, version, data, sha256, created_at)"
                " VALUES (?, ?, ?, ?, '" + "0" * 64 + "', '2026-11-23 12:00:00.000000')",
                *(name, role, int(number) if number.isdigit() else 0, data),
            )

    def restore_with_new_online_keys(self) -> None:
        """What the operators do: the genuine metadata, and a new root that no longer trusts the stolen keys."""
        self.restore()
        world = self.stage.world
        online = OnlineSigners(snapshot=tuf_signer(new_key()), timestamp=tuf_signer(new_key()))
        keys = RootKeys(
            RoleKeys((world.root.public_key,), 1),
            RoleKeys((world.targets.public_key,), 1),
            online.snapshot.public_key,
            online.timestamp.public_key,
        )
        root = sign(ROOT, next_root(self.repository.roots[-1], keys, world.now()), world.root)
        with world.database.writing() as records:
            publish_roles(records, self.repository, {ROOT: root}, online, world.now())
        vars(world.installation.keys)["online_signers"] = online
        self.stage.remember()
