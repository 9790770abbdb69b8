#!/usr/bin/env python3
"""The SDK as a general TUF client, for the public conformance suite (its CLIENT-CLI.md): init, refresh, download.

Everything that decides is the SDK's own: its lock and state, ``FreshMetadata`` with its fetcher and transport, and
``BuildDownload``. What differs from a product's client is said where it is set up, below.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from tuf.api.metadata import TargetFile

from tenure_client.configuration import MAX_ROOT_BYTES, Configuration, TransferLimits, parse_server_url
from tenure_client.errors import ConfigurationError, StateError, TenureClientError, UnknownRelease
from tenure_client.fetcher import MetadataFetcher, tuf_errors_as_ours
from tenure_client.lock import exclusive
from tenure_client.state import State, read_at_most, write_whole
from tenure_client.transport import Response, Transport
from tenure_client.trusted_download import BuildDownload
from tenure_client.trusted_metadata import FreshMetadata
from tenure_signing.names import ChannelName, FileName, Platform, ProductName
from tenure_signing.releases import Build
from tenure_signing.versions import Version

LIMITS = TransferLimits(timeout_seconds=10, attempts=1, pause_seconds=0)

ANYWHERE = Platform("any", "any")

EMBEDDED_ROOT = "embedded-root"
"""A product has its first root in its program. Here it lies beside the metadata, and nothing ever writes it again."""


class FlatState(State):
    """The suite looks for ``root.json`` in the folder that it names, a product's state has it one folder below."""

    @property
    def metadata(self) -> Path:
        return self.directory


class TargetsTransport(Transport):
    """Files of a general repository lie under any address, those of a vendor under ``/downloads/``."""

    @contextmanager
    def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, licence_key: str | None = None
    ) -> Iterator[Response]:
        below = path.removeprefix("/downloads").lstrip("/")
        with super().get(f"/{below}", headers=headers, licence_key=licence_key) as response:
            yield response


def main(arguments: list[str]) -> int:
    """The exit status: 0; 1 for a refusal, which is always an error of the SDK; 2 for a defect of this program."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "init":
            init(given.metadata_dir, given.trusted_root)
        elif given.command == "refresh":
            with refreshed(given.metadata_dir, given.metadata_url):
                pass
        else:
            with refreshed(given.metadata_dir, given.metadata_url) as metadata:
                for name in given.target_name:
                    download(metadata, name, given.target_base_url, given.target_dir)
    except TenureClientError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    made.add_argument("--metadata-dir", type=Path, required=True)
    made.add_argument("--metadata-url")
    made.add_argument("--target-name", action="append", default=[])
    made.add_argument("--target-base-url")
    made.add_argument("--target-dir", type=Path)
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("trusted_root", type=Path)
    commands.add_parser("refresh")
    commands.add_parser("download")
    return made


def init(metadata_dir: Path, trusted_root: Path) -> None:
    """Without a request: the root is judged when it is used, as one embedded in a product is."""
    root = read_at_most(trusted_root, MAX_ROOT_BYTES)
    if root is None:
        raise ConfigurationError(f"{trusted_root} cannot be read")
    for name in (EMBEDDED_ROOT, "root.json"):
        write_whole(metadata_dir / name, root)


@contextmanager
def refreshed(metadata_dir: Path, metadata_url: str) -> Iterator[FreshMetadata]:
    """As an operation of ``Client`` begins: lock, state, transport, then the metadata from the root down."""
    configuration = configured(metadata_dir, metadata_url)
    with (
        exclusive(metadata_dir, configuration.lock_timeout_seconds),
        Transport(metadata_url.rstrip("/").rpartition("/")[0], configuration.limits) as transport,
    ):
        state = FlatState(metadata_dir)
        state.prepare(configuration.seed_directory)
        yield FreshMetadata(configuration, state, transport, configuration.licence_key, configuration.clock())


def configured(metadata_dir: Path, metadata_url: str) -> Configuration:
    server_url, _, folder = metadata_url.rstrip("/").rpartition("/")
    if folder != "metadata":
        raise ConfigurationError("the SDK's metadata lies under /metadata/ of its server")
    root = read_at_most(metadata_dir / EMBEDDED_ROOT, MAX_ROOT_BYTES)
    if root is None:
        raise StateError(f"{metadata_dir} was not initialised")
    return Configuration(
        root=root,
        server_url=parse_server_url(server_url, unsafe_plain_http=False),
        product=ProductName("conformance"),  # none of the suite's repositories is a vendor's: no product is looked up
        version=Version("0"),
        state_directory=metadata_dir,
        seed_directory=None,
        licence_key=None,
        channel=ChannelName("stable"),
        machine=ANYWHERE,
        limits=LIMITS,
        lock_timeout_seconds=10,
        clock=lambda: datetime.now(UTC),
    )


def download(metadata: FreshMetadata, name: str, base_url: str, directory: Path) -> None:
    """The file, whole and verified, under one name for each target path; at once if it is there already."""
    target = metadata.target(name)
    if target is None:
        raise UnknownRelease(f"nothing is signed about {name}")
    file_name = FileName(quote(name, safe=""))
    with TargetsTransport(parse_server_url(base_url, unsafe_plain_http=False), LIMITS) as transport:
        if sha256 := target.hashes.get("sha256"):
            build = Build(target.path, file_name, ANYWHERE, target.length, sha256)
            BuildDownload(transport, build, directory, "", LIMITS).run()
        else:
            write_whole(directory / file_name, fetched_without_sha256(target, transport))


def fetched_without_sha256(target: TargetFile, transport: Transport) -> bytes:
    """A vendor's releases always have a SHA-256; the suite also has files with SHA-512 alone."""
    folder, slash, file_name = target.path.rpartition("/")
    digest = next(iter(target.hashes.values()))
    with tuf_errors_as_ours(target.path):
        data = MetadataFetcher(transport, None).download_bytes(
            f"{transport.server_url}/{folder}{slash}{digest}.{file_name}", target.length
        )
        target.verify_length_and_hashes(data)
    return data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
