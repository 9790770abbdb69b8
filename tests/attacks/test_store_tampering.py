"""Somebody writes into the store behind the server's back: copies notice, and publishing the same again mends it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenure_client.errors import FileMismatch, TenureClientError
from tenure_server.settings import Settings
from tenure_server.use_cases.download import store_key
from tenure_signing.release_record import releases_of
from tests.attacks.stage import InstalledCopy, Stage, file_name, running_stage
from tests.server.world import CAD, LINUX, body_of
from tests.services.swift import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BODY = body_of(file_name("1.1"))


def key_of(stage: Stage, version: str) -> str:
    """Where the Linux build of a release lies."""
    releases = releases_of(CAD, stage.repository().targets(CAD).targets)
    builds = (build for release in releases if str(release.version) == version for build in release.builds)
    return store_key(next(build for build in builds if build.platform == LINUX))


def replaced_by_a_link(path: Path) -> None:
    secret = path.parents[4] / "secret"
    secret.write_bytes(BODY)
    path.unlink()
    path.symlink_to(secret)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def moved_to_another_place(path: Path) -> None:
    path.rename(path.with_name("elsewhere.zip"))


DEEDS: dict[str, Callable[[Path], object]] = {
    "other bytes": lambda path: path.write_bytes(b"evil " * (len(BODY) // 5)),
    "one bit": lambda path: path.write_bytes(BODY[:-1] + bytes((BODY[-1] ^ 1,))),
    "cut": lambda path: path.write_bytes(BODY[:-1]),
    "longer": lambda path: path.write_bytes(BODY + b"evil"),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "the folder gone": lambda path: shutil.rmtree(path.parents[1]),
    "a link": replaced_by_a_link,
    "a folder": replaced_by_a_folder,
    "moved": moved_to_another_place,
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_build_changed_in_the_store_never_arrives(stage: Stage, deed: str) -> None:
    copy, place = stage.known_copy(), stage.store_directory / key_of(stage, "1.1")
    assert place.read_bytes() == BODY
    DEEDS[deed](place)
    with copy.refuses(TenureClientError):
        copy.get("1.1")
    if place.is_dir():
        place.rmdir()
    stage.publish_again()
    assert copy.update() == "1.1"


def test_two_builds_changed_about_never_arrive(stage: Stage) -> None:
    places = [stage.store_directory / key_of(stage, version) for version in ("1.0", "1.1")]
    bodies = [place.read_bytes() for place in places]
    for place, body in zip(places, reversed(bodies), strict=True):
        place.write_bytes(body)
    copy = stage.known_copy("0.9")
    for version in ("1.0", "1.1"):
        with copy.refuses(FileMismatch):
            copy.get(version)
    for place, body in zip(places, bodies, strict=True):
        place.write_bytes(body)
    assert copy.update() == "1.1"


def test_a_build_changed_while_it_is_downloaded_never_arrives(stage: Stage) -> None:
    """The first half is genuine; the connection breaks; the rest comes from a changed file."""
    copy, place = stage.known_copy(), stage.store_directory / key_of(stage, "1.1")

    class Stop(Exception):
        pass

    def stop(done: int, length: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        copy.client().download_release("1.1", copy.downloads, on_progress=stop)
    part = next(copy.downloads.iterdir())
    part.write_bytes(BODY[:1_000])
    place.write_bytes(BODY[:1_000] + b"x" * (len(BODY) - 1_000))
    with pytest.raises(FileMismatch):
        copy.get("1.1")
    assert copy.arrived() == {}
    place.write_bytes(BODY)
    assert copy.update() == "1.1"


@pytest.fixture
def s3(s3_server: S3Server) -> Iterator[S3Client]:
    client = s3_server.client()
    yield client
    client.close()


def test_a_build_changed_in_s3_never_arrives(s3_server: S3Server, s3: S3Client, tmp_path: Path) -> None:
    bucket = s3_server.new_bucket()
    settings = Settings(
        s3_bucket=bucket,
        s3_endpoint_url=s3_server.endpoint_url,
        s3_region=s3_server.region,
        s3_access_key_id=s3_server.access_key,
        s3_secret_access_key=s3_server.secret_key,
    )
    with running_stage(tmp_path, settings) as stage:
        copy: InstalledCopy = stage.known_copy()
        key, other = key_of(stage, "1.1"), key_of(stage, "1.0")
        s3.put_object(Bucket=bucket, Key=key, Body=b"evil " * (len(BODY) // 5))
        with copy.refuses(FileMismatch):
            copy.get("1.1")
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": other})
        with copy.refuses(FileMismatch):
            copy.get("1.1")
        s3.delete_object(Bucket=bucket, Key=key)
        with copy.refuses(TenureClientError):
            copy.get("1.1")
        stage.publish_again()
        assert copy.update() == "1.1"
