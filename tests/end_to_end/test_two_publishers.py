"""Two release engineers publish at the same moment, in two processes, while a client keeps asking."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tuf.ngclient import Updater

from tests.end_to_end.shop import Shop, open_shop
from tests.server.cli.at_the_terminal import PROGRAM, Ran

if TYPE_CHECKING:
    from tests.services.postgres import PostgresServer


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    settings: dict[str, str] = {}
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        settings["TENURE_DATABASE_URL"] = postgres.new_database()
    with open_shop(tmp_path_factory.mktemp("shop"), settings) as shop:
        yield shop
    if settings:
        postgres.drop_database(settings["TENURE_DATABASE_URL"])


@contextmanager
def a_client_that_keeps_asking(shop: Shop, folder: Path) -> Iterator[list[int]]:
    """The versions of the product's role that it saw. Anything inconsistent in between fails the test."""
    folder.mkdir()
    seen: list[int] = []
    failures: list[BaseException] = []
    enough = threading.Event()

    def ask() -> None:
        try:
            while not enough.is_set():
                updater = Updater(str(folder), f"{shop.url}/metadata/", bootstrap=shop.root)
                updater.refresh()
                updater.get_targetinfo("cad/0.0/nothing.zip")
                seen.append(updater._trusted_set["cad"].version)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        enough.set()
        thread.join()
    if failures:
        raise failures[0]


def at_once(shop: Shop, *files: tuple[Path, str]) -> list[Ran]:
    """Publish each file as the version beside it, all in processes of their own."""
    processes = [
        subprocess.Popen(
            [PROGRAM, "publish", file, "--product", "cad", "--version", version, "--platform", "any"],
            env=shop.operator.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for file, version in files
    ]
    return [
        Ran(process.returncode, out, err) for process in processes for out, err in [process.communicate(timeout=90)]
    ]


def build(shop: Shop, folder: str, name: str) -> Path:
    path = shop.operator.directory / folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(os.urandom(2_000_000))
    return path


def published(shop: Shop) -> dict[str, str]:
    """The SHA-256 of each version's build."""
    releases = shop.operator.did("releases", "--json").json
    return {release["version"]: release["builds"][0]["sha256"] for release in releases}


def test_other_bytes_for_the_same_version_one_lands_and_the_other_is_told(shop: Shop, tmp_path: Path) -> None:
    files = [build(shop, folder, "cad-9.0.zip") for folder in ("ada", "bo")]
    with a_client_that_keeps_asking(shop, tmp_path / "client") as seen:
        ran = at_once(shop, *((file, "9.0") for file in files))
    assert sorted(each.code for each in ran) == [0, 1]
    loser = next(each for each in ran if each.code == 1)
    assert "never change" in loser.error
    assert seen == sorted(seen)
    winner = files[[each.code for each in ran].index(0)]
    assert published(shop)["9.0"] == sha256_of(winner)
    assert shop.operator.audit_trail("cad 9.0") == ["release.publish"]


def test_different_versions_both_land(shop: Shop, tmp_path: Path) -> None:
    files = [(build(shop, "ada", f"cad-{version}.zip"), version) for version in ("1.0", "1.1", "2.0")]
    with a_client_that_keeps_asking(shop, tmp_path / "client") as seen:
        ran = at_once(shop, *files)
    assert [each.code for each in ran] == [0, 0, 0], [each.err for each in ran]
    assert seen == sorted(seen)
    there = published(shop)
    for file, version in files:
        assert there[version] == sha256_of(file)
        assert shop.operator.audit_trail(f"cad {version}") == ["release.publish"]


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
