"""The entry point speaks the suite's protocol, over a vendor's own repository. Always run: the suite is optional."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tenure_signing.releases import Release
from tenure_signing.tuf_repository import Repository
from tests.client_sdk.loopback import Loopback, Reply, Request, running_loopback
from tests.conformance.test_public_suite import CLIENT
from tests.signing.tuf_repository import Vendor, a_release

FILES = {"a.zip": b"the first file", "b.zip": b"the second file"}
VERIFIED = ["cad.json", "root.json", "snapshot.json", "targets.json", "timestamp.json"]


@dataclass
class Case:
    """A repository behind a server, and the folders of one client."""

    vendor: Vendor
    release: Release
    server: Loopback
    directory: Path
    served: Repository | None = None
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))

    def serve(self, request: Request) -> Reply:
        folder, _, name = request.path.removeprefix("/repository/").partition("/")
        if folder == "metadata":
            data = (self.served or self.vendor.repository).files().get(name)
        else:
            builds = {f"cad/4.2.1/{b.sha256}.{b.file_name}": self.files[b.file_name] for b in self.release.builds}
            data = builds.get(name)
        return Reply(404) if data is None else Reply(200, data)

    def run(self, *arguments: str | Path) -> int:
        command = [sys.executable, CLIENT, "--metadata-dir", self.directory / "metadata", *arguments]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert ran.returncode in (0, 1), ran.stderr
        return ran.returncode

    def init(self, root: bytes | None = None) -> int:
        trusted = self.directory / "initial_root.json"
        trusted.write_bytes(root or self.vendor.repository.roots[0])
        return self.run("init", trusted)

    def refresh(self, address: str = "repository/metadata") -> int:
        return self.run("--metadata-url", f"{self.server.url}/{address}", "refresh")

    def download(self, *names: str) -> int:
        url = f"{self.server.url}/repository"
        named = [argument for name in names for argument in ("--target-name", f"cad/4.2.1/{name}")]
        places: tuple[str | Path, ...] = ("--target-base-url", f"{url}/targets/", "--target-dir", self.targets)
        return self.run("--metadata-url", f"{url}/metadata/", *named, *places, "download")

    @property
    def targets(self) -> Path:
        return self.directory / "targets"

    def verified(self) -> list[str]:
        return sorted(path.name for path in (self.directory / "metadata").glob("*.json"))

    def downloaded(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in self.targets.iterdir())

    def fetched(self) -> list[str]:
        return [path for path in self.server.paths() if path.startswith("/repository/targets/")]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    vendor = Vendor(now=datetime.now(UTC).replace(microsecond=0))
    vendor.add_product()
    release = replace(a_release(files=FILES), released_on=vendor.now.date())
    vendor.publish(release)
    for folder in ("metadata", "targets"):
        (tmp_path / folder).mkdir()
    with running_loopback(lambda _: Reply(500)) as server:
        case = Case(vendor, release, server, tmp_path)
        server.answer = case.serve
        yield case


def test_init_takes_the_root_without_a_request(case: Case) -> None:
    assert case.init() == 0
    assert case.verified() == ["root.json"]
    assert case.server.requests == []


def test_refresh_leaves_the_verified_files_under_plain_names(case: Case) -> None:
    assert case.init() == 0
    assert case.refresh() == 0
    assert case.verified() == [name for name in VERIFIED if name != "cad.json"]
    repository = case.vendor.repository
    for name in case.verified():
        assert (case.directory / "metadata" / name).read_bytes() == repository.bytes_of(name.removesuffix(".json"))


def test_download_brings_several_files_in_order_and_each_only_once(case: Case) -> None:
    assert case.init() == 0
    assert case.download("b.zip", "a.zip") == 0
    assert case.downloaded() == sorted(FILES.values())
    assert [path.rpartition(".zip")[0][-1] for path in case.fetched()] == ["b", "a"]
    assert case.verified() == VERIFIED
    assert case.download("a.zip") == 0
    assert len(case.fetched()) == 2


def test_download_stops_at_the_first_file_that_is_not_as_signed(case: Case) -> None:
    case.files["a.zip"] = b"another  file!"
    assert case.init() == 0
    assert case.download("a.zip", "b.zip") == 1
    assert case.downloaded() == []
    assert case.download("c.zip") == 1
    case.files = dict(FILES)
    assert case.download("a.zip", "b.zip") == 0
    assert case.downloaded() == sorted(FILES.values())


def test_a_rollback_is_refused_and_leaves_what_was_verified(case: Case) -> None:
    old = case.vendor.repository
    case.vendor.publish(replace(a_release("4.3.0"), released_on=case.vendor.now.date()))
    assert case.init() == 0
    assert case.refresh() == 0
    kept = (case.directory / "metadata" / "timestamp.json").read_bytes()
    case.served = old
    assert case.refresh() == 1
    assert (case.directory / "metadata" / "timestamp.json").read_bytes() == kept
    case.served = None
    assert case.refresh() == 0


def test_another_vendors_root_verifies_nothing(case: Case) -> None:
    assert case.init(Vendor().repository.roots[0]) == 0
    assert case.refresh() == 1
    assert case.verified() == ["root.json"]


def test_what_was_never_initialised_or_lies_elsewhere_is_refused(case: Case) -> None:
    assert case.refresh() == 1
    assert case.init() == 0
    assert case.refresh("repository") == 1
    assert case.server.requests == []
