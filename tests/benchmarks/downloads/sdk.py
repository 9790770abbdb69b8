"""The SDK's download of a large build, beside curl's of the same address."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.benchmarks.downloads.costs import Cost, cost_of
from tests.benchmarks.downloads.shop import MACHINE, VERSION, Served
from tests.benchmarks.measuring import BrokenMeasurement

_COPY = """
import sys, time
from pathlib import Path
from tenure_client import Client
root, url, key, state, folder, platform, version = sys.argv[1:]
began = time.monotonic()
client = Client.open(root=Path(root).read_bytes(), server_url=url, product="cad", version="0.9", licence_key=key,
                     platform=platform, state_directory=Path(state))
answer = client.check()
assert str(answer.offer.version) == version
client.download(answer.offer, Path(folder))
print(time.monotonic() - began)
"""


def by_sdk(served: Served, root: Path, length: int, directory: Path) -> Cost:
    """A fresh installed copy: trusted metadata, the download, its hash, the disk. Everything counts but the start of
    Python."""
    folder, state = directory / "sdk", directory / "state"
    arguments = [str(root), served.server.url, served.key, str(state), str(folder), MACHINE, VERSION]
    cost = cost_of([sys.executable, "-c", _COPY, *arguments], directory=directory)
    (file,) = (path for path in folder.iterdir() if not path.name.startswith("."))
    _require_length(file, length)
    shutil.rmtree(folder)
    shutil.rmtree(state)
    return cost


def by_curl(served: Served, length: int, directory: Path) -> Cost:
    """The gate, the redirect and the bytes, into a file."""
    file = directory / "by-curl"
    header = f"Authorization: License {served.key}"
    options = ("--silent", "--show-error", "--fail", "--location", "--header", header, "--output", str(file))
    cost = cost_of(["curl", *options, served.server.url + served.path], directory=directory)
    _require_length(file, length)
    file.unlink()
    return cost


def _require_length(file: Path, length: int) -> None:
    if file.stat().st_size != length:
        raise BrokenMeasurement(f"{file.name} has {file.stat().st_size} bytes")
