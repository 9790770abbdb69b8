"""A build of more than 5 GiB, the most that S3 takes at once, goes through everything: hashed, uploaded in parts,
broken off and taken up again, put together, read back, signed, published.

It takes minutes and about 12 GiB of disk, so only where ``TENURE_TEST_LARGE_BUILDS=1`` asks for it. What it measured is
in docs/publishing.md.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.publish import FileToPublish
from tenure_server.use_cases.upload_builds import MIN_PART_BYTES
from tenure_signing.names import FileName
from tests.end_to_end.remote_publisher import Bench, ProcessKilled, running_bench
from tests.server.world import LINUX
from tests.services.leaving_out import leave_out_optional
from tests.services.swift import S3Server

GIB = 1024**3
LENGTH = 5 * GIB + GIB // 4 + 12_345


@pytest.fixture(autouse=True, scope="module")
def _asked_for() -> None:
    if os.environ.get("TENURE_TEST_LARGE_BUILDS") != "1":
        leave_out_optional("builds over 5 GiB", "TENURE_TEST_LARGE_BUILDS=1")


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.swift)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    server: S3Server | None = request.getfixturevalue("s3_server") if request.param == "s3" else None
    with running_bench(tmp_path, server, part_bytes=MIN_PART_BYTES) as bench:
        yield bench
    shutil.rmtree(tmp_path)  # pytest would keep it


def sparse_file(directory: Path) -> FileToPublish:
    """Takes no room itself; its bytes differ at the beginning, past 5 GiB and at the end."""
    path = directory / "cad-9.0-linux-x86_64.img"
    with path.open("wb") as file:
        for place in (0, 5 * GIB + 1, LENGTH - 8):
            file.seek(place)
            file.write(place.to_bytes(8, "big"))
    return FileToPublish(path, FileName(path.name), LINUX)


def test_a_build_of_more_than_five_gibibytes_is_published(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = bench.request("9.0", files=(sparse_file(tmp_path),))
    began = monotonic()
    with pytest.raises(ProcessKilled):
        bench.publish(request, bench.killable(dies="before complete"))
    uploaded = monotonic()
    progress = list[int]()
    published = bench.publish(request, progress=progress)
    done = monotonic()
    (build,) = published.release.builds
    assert build.length == LENGTH
    stored = bench.world.installation.store.stat(store_key(build))
    assert stored is not None
    assert stored.length == LENGTH
    assert bench.published()["9.0"] == published.release
    with capsys.disabled():
        print(f"\n{LENGTH / GIB:.2f} GiB: hashed and uploaded in {uploaded - began:.0f} s; ", end="")
        print(f"hashed again, put together, read back and published in {done - uploaded:.0f} s")
