"""A stick that is carried to a machine without a network, and whoever had it in between."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenure_client import Client
from tenure_client.errors import FileMismatch, TenureClientError
from tenure_server.use_cases.create_bundle import BundleOrder
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_server.use_cases.mirror_content import read_published
from tenure_signing.tuf_drafts import sign
from tenure_signing.tuf_roles import ROOT
from tenure_signing.tuf_verified import verified_repository
from tenure_signing.versions import Version
from tests.server.world import LINUX, WHO, World

Files = dict[str, bytes]


def accept_air_gap_root(world: World) -> None:
    """The ceremony, by the one holder of the root key."""
    with world.database.reading() as records:
        published = read_published(records)
    verified = verified_repository(published.repository, published.trusted_targets, world.root_json, world.now())
    draft = world.installation.draft_air_gap_root(verified.repository)
    world.installation.accept_air_gap_root(sign(ROOT, draft, world.root), who=WHO)


@dataclass
class Stick:
    """``machine`` is the installed copy without a network."""

    world: World
    directory: Path
    licence: IssuedLicence
    installed: str = "1.0"
    numbers: list[int] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def out(self) -> Path:
        return self.directory / "out"

    def bundle(self, *versions: str, licence: IssuedLicence | None = None) -> Path:
        self.numbers.append(1)
        path = self.directory / f"bundle-{len(self.numbers)}.tenure"
        order = BundleOrder(
            (licence or self.licence).licence.licence_id, self.world.root_json, tuple(map(Version, versions))
        )
        use_case = self.world.installation.create_bundle
        created = use_case(use_case.plan(order), path, who=WHO)
        assert path.stat().st_size == created.length == created.planned.length
        return path

    def client(self, **options: Any) -> Client:
        arguments: dict[str, Any] = {
            "root": self.world.root_json,
            "server_url": None,
            "product": "cad",
            "version": self.installed,
            "state_directory": self.state,
            "platform": str(LINUX),
            "clock": self.world.now,
        }
        return Client.open(**(arguments | options))

    def refuses(self, path: Path, **options: Any) -> TenureClientError:
        """What both ways to use the bundle are refused with; nothing is left behind."""
        before = self._kept()
        refusals = []
        uses: tuple[Callable[[Client], object], ...] = (
            lambda client: client.verify_bundle(path),
            lambda client: client.download_from_bundle(path, self.out),
        )
        for use in uses:
            try:
                use(self.client(**options))
            except TenureClientError as refusal:
                refusals.append(refusal)
        assert len(refusals) == 2, f"only {refusals}"
        assert type(refusals[0]) is type(refusals[1])
        if isinstance(refusals[0], FileMismatch):  # its metadata is genuine: that is known now
            before.pop("bundles.json", None)
            assert before.items() <= self._kept().items()
        else:
            assert self._kept() == before
        assert not self.out.exists() or not list(self.out.iterdir())
        return refusals[0]

    def _kept(self) -> dict[str, bytes]:
        names = ("bundles.json", "certificate", "licence-key")
        return {name: (self.state / name).read_bytes() for name in names if (self.state / name).exists()}


def files_of(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: Mapping[str, bytes], adjust: Callable[[zipfile.ZipInfo], None] | None = None) -> Path:
    """A bundle of these files in the order given, at another place."""
    made = path.with_name(f"changed-{path.name}")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            if adjust is not None:
                adjust(entry)
            archive.writestr(entry, data, compress_type=entry.compress_type)
    return made


def copied(path: Path, data: bytes) -> Path:
    made = path.with_name(f"cut-{path.name}")
    shutil.copyfile(path, made)
    made.write_bytes(data)
    return made
