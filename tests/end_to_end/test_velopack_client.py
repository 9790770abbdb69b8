"""PyPI's real ``velopack`` client against the real server: check, download, verify.

Links of the store name another host than the feed (``localhost``, not ``127.0.0.1``), so a client or server that let
the licence key travel on to the store would be seen here.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.app import create_app
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_server.use_cases.publish import FileToPublish, PublishRequest
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.names import FileName
from tenure_signing.versions import Version
from tests.server.databases import DATABASES, migrated
from tests.server.world import CAD, LINUX, WHO, World
from tests.services.web_server import running_web_server

velopack = pytest.importorskip("velopack", reason="left out: Velopack (not installed)")

NUSPEC = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd"><metadata>
<id>Cad</id><version>{version}</version><title>Cad</title><authors>Harbour Software</authors>
<description>A drawing program</description><channel>linux</channel><mainExe>cad</mainExe>
</metadata></package>
"""


def package(version: str) -> bytes:
    """What ``vpk pack`` makes, as far as a client looks into it."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("Cad.nuspec", NUSPEC.format(version=version))
        archive.writestr("lib/app/cad", f"#!/bin/sh\necho {version}\n" * 1000)
    return body.getvalue()


@dataclass
class Visitors:
    """Records what reaches the store, in front of the application that is put behind it later."""

    app: ASGIApp | None = None
    at_store: list[Headers] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/store/"):
            self.at_store.append(Headers(scope=scope))
        assert self.app is not None
        await self.app(scope, receive, send)


@dataclass
class Depot:
    world: World
    url: str
    visitors: Visitors
    packages: dict[str, bytes] = field(default_factory=dict)

    def publish(self, version: str, released_on: date) -> None:
        name = FileName(f"Cad-{version}-linux-full.nupkg")
        source = self.world.directory / name
        source.write_bytes(package(version))
        self.packages[version] = source.read_bytes()
        request = PublishRequest(
            CAD,
            Version(version),
            (FileToPublish(source, name, LINUX),),
            released_on=released_on,
            notes=f"News of {version}",
        )
        keys = self.world.installation.keys
        self.world.installation.publish(request, signers=[self.world.engineer], online=keys.online_signers, who=WHO)

    def by_token(self, issued: IssuedLicence) -> str:
        token = self.world.installation.feed_tokens.token_of(issued.licence.licence_id)
        return f"{self.url}/feeds/{token}/velopack/cad/linux-x86_64/stable"

    def by_password(self, issued: IssuedLicence) -> str:
        host = self.url.removeprefix("http://")
        return f"http://licence:{issued.key}@{host}/feeds/velopack/cad/linux-x86_64/stable"


@pytest.fixture(params=DATABASES)
def depot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Depot]:
    """1.0.0 of 2024, 1.1.0 of June 2025, 1.2.0 of May 2026; today is 2026-11-23."""
    visitors = Visitors()
    with migrated(request, tmp_path) as database, running_web_server(visitors) as url:
        world = World(tmp_path, database)
        installation = world.reopened(base_url=url.replace("127.0.0.1", "localhost"))
        vars(installation)["catalogue"] = CatalogueSource(world.database, fresh_seconds=0)
        visitors.app = create_app(installation)
        world.add_product()
        depot = Depot(world, url, visitors)
        depot.publish("1.0.0", date(2024, 1, 10))
        depot.publish("1.1.0", date(2025, 6, 1))
        depot.publish("1.2.0", date(2026, 5, 15))
        yield depot


@dataclass
class InstalledCopy:
    """Cad, installed in a directory as Velopack lays it out."""

    directory: Path
    version: str = "1.0.0"

    def __post_init__(self) -> None:
        for name in ("packages", "current"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "UpdateNix").write_text("#!/bin/sh\nexit 1\n")
        (self.directory / "UpdateNix").chmod(0o755)
        (self.directory / "current" / "sq.version").write_text(NUSPEC.format(version=self.version))

    def manager(self, source: object, *, may_go_back: bool = False) -> Any:
        locator = velopack.VelopackLocatorConfig(
            str(self.directory),
            str(self.directory / "UpdateNix"),
            str(self.directory / "packages"),
            str(self.directory / "current" / "sq.version"),
            str(self.directory / "current"),
            True,
        )
        return velopack.UpdateManager(source, velopack.UpdateOptions(may_go_back, 10, None), locator)

    def found(self, source: object, *, may_go_back: bool = False) -> str | None:
        """The version that the client would update to."""
        update = self.manager(source, may_go_back=may_go_back).check_for_updates()
        return None if update is None else str(update.TargetFullRelease.Version)

    def downloaded(self, source: object) -> dict[str, bytes]:
        """The packages on disk after the client found, fetched and verified an update."""
        manager = self.manager(source)
        update = manager.check_for_updates()
        assert update is not None
        manager.download_updates(update, None)
        return {path.name: path.read_bytes() for path in (self.directory / "packages").glob("*.nupkg")}


@pytest.fixture
def copy(tmp_path: Path) -> InstalledCopy:
    return InstalledCopy(tmp_path / "installed")


def supported(depot: Depot) -> IssuedLicence:
    return depot.world.issue(date(2026, 1, 1), smp_years=1)


def lapsed(depot: Depot) -> IssuedLicence:
    return depot.world.issue(date(2025, 1, 1), smp_years=1)


def by_header(depot: Depot, issued: IssuedLicence) -> object:
    header = velopack.HttpHeader("Authorization", f"License {issued.key}")
    return velopack.HttpSource(f"{depot.url}/feeds/velopack/cad/linux-x86_64/stable", velopack.HttpOptions([header], 0))


@pytest.mark.parametrize("carrier", [Depot.by_token, Depot.by_password, by_header])
def test_an_update_is_found_downloaded_and_verified_however_the_licence_is_carried(
    depot: Depot, copy: InstalledCopy, carrier: object
) -> None:
    assert callable(carrier)
    files = copy.downloaded(carrier(depot, supported(depot)))
    assert files == {"Cad-1.2.0-linux-full.nupkg": depot.packages["1.2.0"]}
    assert len(depot.visitors.at_store) == 1
    assert depot.visitors.at_store[0]["host"].startswith("localhost:")
    assert "authorization" not in depot.visitors.at_store[0]


def test_the_client_shows_our_notes_and_facts(depot: Depot, copy: InstalledCopy) -> None:
    update = copy.manager(depot.by_token(supported(depot))).check_for_updates()
    asset = update.TargetFullRelease
    assert (asset.PackageId, asset.NotesMarkdown, asset.Size) == (
        "Cad",
        "News of 1.2.0",
        len(depot.packages["1.2.0"]),
    )
    assert hashlib.sha256(depot.packages["1.2.0"]).hexdigest().upper() == asset.SHA256


def test_after_support_the_best_covered_version_arrives_and_nothing_newer(depot: Depot, copy: InstalledCopy) -> None:
    feed = depot.by_token(lapsed(depot))
    assert copy.downloaded(feed) == {"Cad-1.1.0-linux-full.nupkg": depot.packages["1.1.0"]}
    up_to_what_is_covered = InstalledCopy(copy.directory.with_name("updated"), "1.1.0")
    assert up_to_what_is_covered.found(feed) is None


def test_a_renewal_brings_the_next_release(depot: Depot, copy: InstalledCopy) -> None:
    depot.world.today = date(2025, 12, 20)
    issued = depot.world.issue(date(2025, 1, 1), smp_years=1)
    feed = depot.by_token(issued)
    depot.world.today = date(2026, 6, 1)
    assert copy.found(feed) == "1.1.0"
    depot.world.today = date(2025, 12, 21)
    depot.world.installation.renew_support(issued.licence.licence_id, 1, who=WHO)
    depot.world.today = date(2026, 6, 1)
    assert copy.downloaded(feed) == {"Cad-1.2.0-linux-full.nupkg": depot.packages["1.2.0"]}


def test_a_withdrawn_release_is_offered_no_more_and_a_copy_of_it_may_go_back(depot: Depot, copy: InstalledCopy) -> None:
    feed = depot.by_token(supported(depot))
    assert copy.found(feed) == "1.2.0"
    depot.world.withdraw("1.2.0", "it loses layers", "1.1.0")
    assert copy.found(feed) == "1.1.0"
    withdrawn = InstalledCopy(copy.directory.with_name("withdrawn"), "1.2.0")
    assert withdrawn.found(feed) is None
    assert withdrawn.found(feed, may_go_back=True) == "1.1.0"


def test_a_withdrawal_between_check_and_download_stops_the_download(depot: Depot, copy: InstalledCopy) -> None:
    manager = copy.manager(depot.by_token(supported(depot)))
    update = manager.check_for_updates()
    depot.world.withdraw("1.2.0", "it loses layers")
    with pytest.raises(RuntimeError, match="410"):
        manager.download_updates(update, None)
    assert not depot.visitors.at_store
    assert not list((copy.directory / "packages").glob("*.nupkg"))


def test_a_token_that_nobody_has_is_an_error_for_the_client(depot: Depot, copy: InstalledCopy) -> None:
    feed = f"{depot.url}/feeds/{'a' * 32}/velopack/cad/linux-x86_64/stable"
    with pytest.raises(RuntimeError, match="401"):
        copy.found(feed)


@pytest.mark.parametrize("status", [LicenceStatus.SUSPENDED, LicenceStatus.REVOKED])
def test_a_suspended_or_revoked_licence_is_an_error_for_the_client(
    depot: Depot, copy: InstalledCopy, status: LicenceStatus
) -> None:
    issued = supported(depot)
    depot.world.change_status(issued.licence, status)
    for feed in (depot.by_token(issued), depot.by_password(issued)):
        with pytest.raises(RuntimeError, match="403"):
            copy.found(feed)


def test_a_package_that_changed_in_the_store_is_refused_by_the_client(depot: Depot, copy: InstalledCopy) -> None:
    (stored,) = [path for path in (depot.world.directory / "store").rglob("*Cad-1.2.0*") if path.is_file()]
    stored.chmod(0o600)
    stored.write_bytes(b"x" * len(depot.packages["1.2.0"]))
    with pytest.raises(RuntimeError):
        copy.downloaded(depot.by_token(supported(depot)))
