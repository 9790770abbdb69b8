"""The page shows notes in the reader's language, and what lies beside the builds to those who may have it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tenure_server.use_cases.publish import FileToAttach, FileToPublish, PublishRequest
from tenure_signing.languages import Language
from tenure_signing.names import FileName
from tenure_signing.releases import SideFileKind
from tenure_signing.versions import Version
from tests.server.portal.counter import Counter
from tests.server.world import CAD, LINUX, WHO


@pytest.fixture
def translated(own_counter: Counter) -> Counter:
    """2.9 of this month, with notes in German too and an SBOM."""
    world = own_counter.world
    folder = world.directory / "built"
    bodies = {"cad-2.9.zip": b"the build", "cad-2.9.cdx.json": b"{}"}
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    request = PublishRequest(
        product=CAD,
        version=Version("2.9"),
        files=(FileToPublish(folder / "cad-2.9.zip", FileName("cad-2.9.zip"), LINUX),),
        released_on=date(2026, 11, 20),
        notes="Faster",
        translations={Language("de"): "Schneller"},
        side_files=(FileToAttach(folder / "cad-2.9.cdx.json", FileName("cad-2.9.cdx.json"), SideFileKind.SBOM),),
    )
    installation = world.installation
    online = installation.keys.online_signers
    installation.publish(request, signers=[world.engineer], online=online, who=WHO)
    again = installation.publish(replace(request, notes=None, translations={}), signers=[], online=online, who=WHO)
    assert not again.is_new
    return own_counter


def test_notes_are_in_the_browsers_language_or_the_one_asked_for(translated: Counter) -> None:
    client = translated.signed_in(translated.ada)
    for address, accepted, shown, language in (
        ("/portal", "de-CH,fr;q=0.5", "Schneller", "de"),
        ("/portal", "fi", "Faster", "en"),
        ("/portal?lang=de", "en", "Schneller", "de"),
        ("/portal?lang=<x>", "en", "Faster", "en"),
        ("/portal/releases?before=3.0&lang=de", "en", "Schneller", "de"),
    ):
        page = client.get(address, headers={"Accept-Language": accepted})
        assert page.status_code == 200
        assert f'<div class="notes" lang="{language}"><p>{shown}</p>' in page.text
        assert "<x>" not in page.text


def test_what_lies_beside_the_builds_is_for_those_who_may_have_the_release(translated: Counter) -> None:
    client = translated.signed_in(translated.ada)
    page = client.get("/portal")
    assert "List of components (SBOM)" in page.text
    link = "/portal/downloads/cad/2.9/cad-2.9.cdx.json"
    assert f'href="{link}"' in page.text
    assert client.get(link).status_code == 302
    lapsed = translated.signed_in(translated.bo)
    assert link not in lapsed.get("/portal").text
    assert lapsed.get(link).status_code == 403
